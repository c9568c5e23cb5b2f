//! Anthropic's messages.

use bytes::Bytes;
use qcc_testkit::replies::event;
use qcc_testkit::sse;
use serde_json::{Value, json};

use super::{Heard, Question, Said, Stopped, Stretch, Usage, Wanted, What, text, texts, words};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let mut start = message(said, Vec::new(), &Value::Null);
    start["usage"]["output_tokens"] = 1.into();
    let mut frames = vec![tell("message_start", json!({"message": start})), super::Dialect::Anthropic.ping()];
    for (index, stretch) in said.stretches().iter().enumerate() {
        let (block, deltas) = block(stretch);
        frames.push(tell("content_block_start", json!({"index": index, "content_block": block})));
        let deltas =
            deltas.into_iter().map(|delta| tell("content_block_delta", json!({"index": index, "delta": delta})));
        frames.extend(deltas);
        frames.push(tell("content_block_stop", json!({"index": index})));
    }
    let delta = json!({"stop_reason": reason(said), "stop_sequence": null});
    frames.push(tell("message_delta", json!({"delta": delta, "usage": {"output_tokens": said.usage.output}})));
    frames.push(tell("message_stop", json!({})));
    frames
}

fn tell(name: &str, mut data: Value) -> Bytes {
    data["type"] = name.into();
    event(name, &data)
}

/// How a block begins, and what comes then.
fn block(stretch: &Stretch<'_>) -> (Value, Vec<Value>) {
    match stretch {
        Stretch::Thought(thought) => {
            let thought = json!({"type": "thinking_delta", "thinking": thought});
            let signature = json!({"type": "signature_delta", "signature": "c2ltdWxhdGVk"});
            (json!({"type": "thinking", "thinking": "", "signature": ""}), vec![thought, signature])
        }
        Stretch::Text(pieces) => {
            let deltas = pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
            (json!({"type": "text", "text": ""}), deltas)
        }
        Stretch::Call(call) => {
            let pieces = std::iter::once(String::new()).chain(call.fragments());
            let deltas = pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect();
            (json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}), deltas)
        }
    }
}

pub(super) fn whole(said: &Said) -> Value {
    let block = |stretch: &Stretch<'_>| match stretch {
        Stretch::Thought(thought) => json!({"type": "thinking", "thinking": thought, "signature": "c2ltdWxhdGVk"}),
        Stretch::Text(pieces) => json!({"type": "text", "text": pieces.concat()}),
        Stretch::Call(call) => {
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
        }
    };
    message(said, said.stretches().iter().map(block).collect(), &json!(reason(said)))
}

fn message(said: &Said, content: Vec<Value>, stop_reason: &Value) -> Value {
    let Usage { prompt, cached, output } = said.usage;
    json!({
        "id": said.id,
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": prompt - cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": output
        }
    })
}

fn reason(said: &Said) -> &'static str {
    match said.stopped() {
        Stopped::Itself => "end_turn",
        Stopped::ForCalls => "tool_use",
        Stopped::AtLimit => "max_tokens",
    }
}

fn stopped(reason: &str) -> Option<Stopped> {
    match reason {
        "end_turn" => Some(Stopped::Itself),
        "tool_use" => Some(Stopped::ForCalls),
        "max_tokens" => Some(Stopped::AtLimit),
        _ => None,
    }
}

pub(super) fn hear(body: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for event in sse::events(body) {
        let data = event.json();
        if event.name != text(&data, "type") {
            heard.wrong(format!("an event `{}` of type {}", event.name, data["type"]));
        }
        if heard.ends > 0 && event.name != "error" {
            heard.wrong(format!("{} after the end", event.name));
        }
        let index = data["index"].as_u64().unwrap_or_default();
        match event.name.as_str() {
            "message_start" => {
                heard.id = data["message"]["id"].as_str().map(str::to_owned);
                heard.model = data["message"]["model"].as_str().map(str::to_owned);
                heard.usage = Some(usage(&data["message"]["usage"]));
            }
            "content_block_start" => {
                if heard.blocks.iter().any(|block| !block.over) {
                    heard.wrong("a block within another");
                }
                let block = &data["content_block"];
                let text = text(block, "text").to_owned() + text(block, "thinking");
                heard.begin(index, what(block), &text);
            }
            "content_block_delta" => {
                let delta = &data["delta"];
                let more = [text(delta, "text"), text(delta, "thinking"), text(delta, "partial_json")].concat();
                match heard.block(index) {
                    Some(block) => block.text.push_str(&more),
                    // A frame by itself says something all the same.
                    None => heard.begin(index, What::Text, &more),
                }
            }
            "content_block_stop" => match heard.block(index) {
                Some(block) => block.over = true,
                None => heard.wrong("the end of no block"),
            },
            "message_delta" => {
                heard.stopped = stopped(text(&data["delta"], "stop_reason"));
                let told = usage(&data["usage"]);
                let known = heard.usage.unwrap_or_default();
                let is_new = told.prompt > 0;
                heard.usage = Some(if is_new { told } else { Usage { output: told.output, ..known } });
            }
            "message_stop" => heard.ends += 1,
            "error" => heard.errors += 1,
            "ping" => {}
            other => heard.wrong(format!("an event `{other}`")),
        }
    }
    heard
}

pub(super) fn hear_whole(body: &Value) -> Heard {
    let mut heard = Heard {
        id: body["id"].as_str().map(str::to_owned),
        model: body["model"].as_str().map(str::to_owned),
        stopped: stopped(text(body, "stop_reason")),
        usage: Some(usage(&body["usage"])),
        ends: usize::from(body["type"] == "message"),
        errors: usize::from(body["type"] == "error"),
        ..Heard::default()
    };
    for (index, block) in body["content"].as_array().into_iter().flatten().enumerate() {
        let input = if block["type"] == "tool_use" { block["input"].to_string() } else { String::new() };
        let text = [text(block, "text"), text(block, "thinking"), &input].concat();
        heard.begin(index as u64, what(block), &text);
    }
    heard.end_all();
    heard
}

fn what(block: &Value) -> What {
    match text(block, "type") {
        "text" => What::Text,
        "thinking" => What::Thought,
        "tool_use" => What::Call { id: text(block, "id").to_owned(), name: text(block, "name").to_owned() },
        _ => What::Other,
    }
}

fn usage(usage: &Value) -> Usage {
    let number = |member: &str| usage[member].as_u64().unwrap_or_default();
    let cached = number("cache_read_input_tokens");
    let prompt = number("input_tokens") + cached + number("cache_creation_input_tokens");
    Usage { prompt, cached, output: number("output_tokens") }
}

pub(super) fn read(body: &Value) -> Option<Question> {
    let messages = body["messages"].as_array()?;
    Some(Question {
        model: body["model"].as_str()?.to_owned(),
        words: messages.iter().map(|message| words(&message["content"])).collect(),
        tools: texts(&body["tools"], "name"),
        stream: body["stream"] == true,
        counts: true,
    })
}

pub(super) fn ask(wanted: &Wanted<'_>) -> (String, String) {
    let Wanted { model, tools, stream, session, model_last, .. } = *wanted;
    let model = format!("\"model\":\"{model}\"");
    let (first, last) =
        if model_last { ("\"max_tokens\":4096".to_owned(), model) } else { (model, "\"max_tokens\":4096".to_owned()) };
    let tools: Vec<_> = tools
        .iter()
        .map(|name| json!({"name": name, "description": "runs", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}))
        .collect();
    let tools = if tools.is_empty() { String::new() } else { format!(",\"tools\":{}", Value::Array(tools)) };
    let stream = if stream { ",\"stream\":true" } else { "" };
    let open = format!("{{{first},\"messages\":[{{\"role\":\"user\",\"content\":\"");
    let close = format!(
        "\"}}],\"metadata\":{{\"user_id\":\"{{\\\"session_id\\\":\\\"session-{session}\\\"}}\"}}{tools}{stream},{last}}}"
    );
    (open, close)
}
