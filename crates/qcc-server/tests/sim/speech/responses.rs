//! OpenAI's responses: items one after the other, each opened, told in pieces, told again whole, and closed.

use bytes::Bytes;
use qcc_testkit::replies::event;
use qcc_testkit::sse;
use serde_json::{Value, json};

use super::{Heard, Question, Said, Stopped, Stretch, Usage, Wanted, What, text, texts, words};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let mut pen = Pen::default();
    pen.tell("response.created", json!({"response": response(said, "in_progress", false)}));
    pen.tell("response.in_progress", json!({"response": response(said, "in_progress", false)}));
    for (index, stretch) in said.stretches().iter().enumerate() {
        pen.item(index, stretch);
    }
    let last = status(said);
    pen.tell(&format!("response.{last}"), json!({"response": whole(said)}));
    pen.frames
}

pub(super) fn whole(said: &Said) -> Value {
    response(said, status(said), true)
}

fn status(said: &Said) -> &'static str {
    if said.cut { "incomplete" } else { "completed" }
}

fn response(said: &Said, status: &str, whole: bool) -> Value {
    let stretches = said.stretches();
    let items: Vec<_> =
        stretches.iter().enumerate().filter(|_| whole).map(|(index, stretch)| item(index, stretch)).collect();
    let Usage { prompt, cached, output } = said.usage;
    let usage = json!({
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + output
    });
    let cut = (whole && said.cut).then(|| json!({"reason": "max_output_tokens"}));
    json!({
        "id": said.id,
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": null,
        "incomplete_details": cut,
        "model": said.model,
        "output": items,
        "usage": whole.then_some(usage)
    })
}

/// A whole item.
fn item(index: usize, stretch: &Stretch<'_>) -> Value {
    match stretch {
        Stretch::Thought(thought) => json!({
            "id": format!("rs_{index}"),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": thought}],
            "encrypted_content": "c2ltdWxhdGVk"
        }),
        Stretch::Text(pieces) => json!({
            "id": format!("msg_{index}"),
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [part(&pieces.concat())]
        }),
        Stretch::Call(call) => json!({
            "id": format!("fc_{index}"),
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments.to_string()
        }),
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// The events so far; each has its number.
#[derive(Default)]
struct Pen {
    frames: Vec<Bytes>,
}

impl Pen {
    fn tell(&mut self, kind: &str, mut data: Value) {
        data["type"] = kind.into();
        data["sequence_number"] = self.frames.len().into();
        self.frames.push(event(kind, &data));
    }

    fn item(&mut self, index: usize, stretch: &Stretch<'_>) {
        let whole = item(index, stretch);
        let place = |more: Value| {
            let mut place = json!({"item_id": whole["id"], "output_index": index});
            for (name, value) in more.as_object().into_iter().flatten() {
                place[name] = value.clone();
            }
            place
        };
        let mut opened = whole.clone();
        let empty = match stretch {
            Stretch::Thought(_) => ("summary", json!([])),
            Stretch::Text(_) => ("content", json!([])),
            Stretch::Call(_) => ("arguments", json!("")),
        };
        opened[empty.0] = empty.1;
        self.tell("response.output_item.added", json!({"output_index": index, "item": opened}));
        match stretch {
            Stretch::Thought(thought) => {
                let first = json!({"summary_index": 0, "part": {"type": "summary_text", "text": ""}});
                self.tell("response.reasoning_summary_part.added", place(first));
                let delta = place(json!({"summary_index": 0, "delta": thought}));
                self.tell("response.reasoning_summary_text.delta", delta);
                let done = place(json!({"summary_index": 0, "text": thought}));
                self.tell("response.reasoning_summary_text.done", done);
                let last = json!({"summary_index": 0, "part": {"type": "summary_text", "text": thought}});
                self.tell("response.reasoning_summary_part.done", place(last));
            }
            Stretch::Text(pieces) => {
                let text = pieces.concat();
                self.tell("response.content_part.added", place(json!({"content_index": 0, "part": part("")})));
                for piece in pieces {
                    self.tell("response.output_text.delta", place(json!({"content_index": 0, "delta": piece})));
                }
                self.tell("response.output_text.done", place(json!({"content_index": 0, "text": text})));
                self.tell("response.content_part.done", place(json!({"content_index": 0, "part": part(&text)})));
            }
            Stretch::Call(call) => {
                for piece in call.fragments() {
                    self.tell("response.function_call_arguments.delta", place(json!({"delta": piece})));
                }
                let done = place(json!({"arguments": whole["arguments"], "name": call.name}));
                self.tell("response.function_call_arguments.done", done);
            }
        }
        self.tell("response.output_item.done", json!({"output_index": index, "item": whole}));
    }
}

pub(super) fn hear(body: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for event in sse::events(body) {
        let data = event.json();
        let kind = text(&data, "type");
        if event.name != kind {
            heard.wrong(format!("an event `{}` of type {}", event.name, data["type"]));
        }
        if heard.ends > 0 || heard.errors > 0 {
            heard.wrong(format!("{kind} after the end"));
        }
        let index = data["output_index"].as_u64().unwrap_or_default();
        match kind {
            "response.output_item.added" => heard.begin(index, what(&data["item"]), ""),
            "response.output_text.delta" => heard.add(index, What::Text, text(&data, "delta")),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                heard.add(index, What::Thought, text(&data, "delta"));
            }
            "response.function_call_arguments.delta" => {
                let more = text(&data, "delta");
                match heard.block(index) {
                    Some(block) => block.text.push_str(more),
                    None => heard.begin(index, What::Other, more),
                }
            }
            "response.output_item.done" => over(&mut heard, index, &data["item"]),
            "response.completed" | "response.incomplete" => ended(&mut heard, &data["response"]),
            "response.failed" | "error" => heard.errors += 1,
            "response.created" => about(&data["response"], &mut heard),
            kind if !kind.starts_with("response.") => heard.wrong(format!("an event `{kind}`")),
            _ => {}
        }
    }
    heard
}

/// An item is told again whole, and closed.
fn over(heard: &mut Heard, index: u64, item: &Value) {
    let whole = said(item);
    let what = what(item);
    match heard.block(index) {
        Some(block) => {
            block.over = true;
            if (&block.what, &block.text) != (&what, &whole) {
                let was = format!("{block:?}");
                heard.wrong(format!("an item of {whole:?} was told as {was}"));
            }
        }
        None => heard.wrong("the end of no item"),
    }
}

fn ended(heard: &mut Heard, response: &Value) {
    let told = hear_whole(response);
    let of =
        |heard: &Heard| heard.blocks.iter().map(|block| (block.what.clone(), block.text.clone())).collect::<Vec<_>>();
    if !heard.blocks.is_empty() && of(heard) != of(&told) {
        heard.wrong(format!("the whole is {:?} and was told as {:?}", of(&told), of(heard)));
    }
    heard.ends += 1;
    heard.stopped = told.stopped;
    heard.usage = told.usage;
    heard.id = told.id.or_else(|| heard.id.take());
}

pub(super) fn hear_whole(body: &Value) -> Heard {
    let mut heard = Heard::default();
    about(body, &mut heard);
    for (index, item) in body["output"].as_array().into_iter().flatten().enumerate() {
        heard.begin(index as u64, what(item), &said(item));
    }
    heard.end_all();
    let calls = heard.begun().count() > 0;
    heard.stopped = match text(body, "status") {
        "completed" if calls => Some(Stopped::ForCalls),
        "completed" => Some(Stopped::Itself),
        "incomplete" if body["incomplete_details"]["reason"] == "max_output_tokens" => Some(Stopped::AtLimit),
        _ => None,
    };
    heard.ends = usize::from(heard.stopped.is_some());
    heard.errors = usize::from(body["error"].is_object());
    heard
}

fn what(item: &Value) -> What {
    match text(item, "type") {
        "message" => What::Text,
        "reasoning" => What::Thought,
        "function_call" => What::Call { id: text(item, "call_id").to_owned(), name: text(item, "name").to_owned() },
        _ => What::Other,
    }
}

fn said(item: &Value) -> String {
    let told = texts(&item["summary"], "text").concat();
    let content = texts(&item["content"], "text").concat();
    [&told, &content, text(item, "arguments")].concat()
}

fn about(response: &Value, heard: &mut Heard) {
    heard.id = response["id"].as_str().map(str::to_owned);
    heard.model = response["model"].as_str().map(str::to_owned);
    if let Some(usage) = response["usage"].as_object() {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or_default();
        let details = usage.get("input_tokens_details");
        heard.usage = Some(Usage {
            prompt: number(usage.get("input_tokens")),
            cached: number(details.and_then(|details| details.get("cached_tokens"))),
            output: number(usage.get("output_tokens")),
        });
    }
}

pub(super) fn read(body: &Value) -> Option<Question> {
    let input = &body["input"];
    let items = input.as_array().into_iter().flatten();
    let said: String = items.map(|item| words(&item["content"])).collect();
    Some(Question {
        model: body["model"].as_str()?.to_owned(),
        words: input.as_str().map_or(said, str::to_owned),
        tools: texts(&body["tools"], "name"),
        stream: body["stream"] == true,
        counts: true,
    })
}

pub(super) fn ask(wanted: &Wanted<'_>) -> (String, String) {
    let Wanted { model, tools, stream, session, model_last, .. } = *wanted;
    let model = format!("\"model\":\"{model}\"");
    let (first, last) =
        if model_last { ("\"store\":false".to_owned(), model) } else { (model, "\"store\":false".to_owned()) };
    let function = |name| {
        let parameters = json!({"type": "object", "properties": {"command": {"type": "string"}}});
        json!({"type": "function", "name": name, "description": "runs", "parameters": parameters, "strict": false})
    };
    let tools: Vec<_> = tools.iter().map(function).collect();
    let tools = if tools.is_empty() { String::new() } else { format!(",\"tools\":{}", Value::Array(tools)) };
    let stream = if stream { ",\"stream\":true" } else { "" };
    let open = format!("{{{first},\"input\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"input_text\",\"text\":\"");
    let close = format!("\"}}]}}],\"prompt_cache_key\":\"session-{session}\"{tools}{stream},{last}}}");
    (open, close)
}
