//! OpenAI's chat completions. Thinking is `reasoning_content`, as most vendors but OpenAI send it.

use bytes::Bytes;
use qcc_testkit::sse;
use serde_json::{Value, json};

use super::{Heard, Question, Said, Stopped, Stretch, Usage, Wanted, What, nameless, text, words};

/// Stretches of an answer have no numbers; calls do, from here on.
const CALLS: u64 = 1000;

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    let mut calls = 0;
    for stretch in said.stretches() {
        match stretch {
            Stretch::Thought(thought) => deltas.push(json!({"reasoning_content": thought})),
            Stretch::Text(pieces) => deltas.extend(pieces.iter().map(|piece| json!({"content": piece}))),
            Stretch::Call(call) => {
                let function = json!({"name": call.name, "arguments": ""});
                deltas.push(
                    json!({"tool_calls": [{"index": calls, "id": call.id, "type": "function", "function": function}]}),
                );
                let more = |piece| json!({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]});
                deltas.extend(call.fragments().into_iter().map(more));
                calls += 1;
            }
        }
    }
    let choice = |delta: &Value, reason: Value| json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
    let mut frames: Vec<_> =
        deltas.iter().map(|delta| nameless(&chunk(said, &choice(delta, Value::Null), &Value::Null))).collect();
    frames.push(nameless(&chunk(said, &choice(&json!({}), reason(said).into()), &Value::Null)));
    if said.counts {
        frames.push(nameless(&chunk(said, &json!([]), &usage(said.usage))));
    }
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

fn chunk(said: &Said, choices: &Value, usage: &Value) -> Value {
    json!({
        "id": said.id,
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": said.model,
        "choices": choices,
        "usage": usage
    })
}

pub(super) fn whole(said: &Said) -> Value {
    let text = said.text();
    let mut message = json!({"role": "assistant", "content": if text.is_empty() { Value::Null } else { text.into() }});
    if let Some(thought) = &said.thought {
        message["reasoning_content"] = json!(thought);
    }
    if !said.calls.is_empty() {
        let call = |call: &super::Call| {
            let function = json!({"name": call.name, "arguments": call.arguments.to_string()});
            json!({"id": call.id, "type": "function", "function": function})
        };
        message["tool_calls"] = said.calls.iter().map(call).collect();
    }
    json!({
        "id": said.id,
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": said.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason(said)}],
        "usage": usage(said.usage)
    })
}

fn reason(said: &Said) -> &'static str {
    match said.stopped() {
        Stopped::Itself => "stop",
        Stopped::ForCalls => "tool_calls",
        Stopped::AtLimit => "length",
    }
}

fn stopped(reason: &str) -> Option<Stopped> {
    match reason {
        "stop" => Some(Stopped::Itself),
        "tool_calls" => Some(Stopped::ForCalls),
        "length" => Some(Stopped::AtLimit),
        _ => None,
    }
}

fn usage(usage: Usage) -> Value {
    let Usage { prompt, cached, output } = usage;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached}
    })
}

pub(super) fn hear(body: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for event in sse::events(body) {
        if heard.ends > 0 || heard.errors > 0 {
            heard.wrong(format!("after the end: {}", event.data));
        }
        if event.data == "[DONE]" {
            heard.ends += 1;
            continue;
        }
        let data = event.json();
        if data["error"].is_object() {
            heard.errors += 1;
            continue;
        }
        if data["object"] != "chat.completion.chunk" {
            heard.wrong(format!("no chunk: {data}"));
        }
        about(&data, &mut heard);
        let choice = &data["choices"][0];
        if heard.stopped.is_some() && choice.is_object() {
            heard.wrong("more after a reason for the end");
        }
        let delta = &choice["delta"];
        for (member, what) in [("reasoning_content", What::Thought), ("content", What::Text)] {
            let more = text(delta, member);
            if !more.is_empty() {
                heard.add(0, what, more);
            }
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = CALLS + call["index"].as_u64().unwrap_or_default();
            let more = text(&call["function"], "arguments");
            match heard.block(index) {
                Some(block) => block.text.push_str(more),
                None => heard.begin(index, called(call), more),
            }
        }
        heard.stopped = stopped(text(choice, "finish_reason")).or(heard.stopped);
        if heard.stopped.is_some() {
            heard.end_all();
        }
    }
    if heard.ends > 0 && heard.stopped.is_none() {
        heard.wrong("done without a reason");
    }
    heard
}

pub(super) fn hear_whole(body: &Value) -> Heard {
    let mut heard = Heard { errors: usize::from(body["error"].is_object()), ..Heard::default() };
    about(body, &mut heard);
    let choice = &body["choices"][0];
    let message = &choice["message"];
    for (member, what) in [("reasoning_content", What::Thought), ("content", What::Text)] {
        let said = text(message, member);
        if !said.is_empty() {
            heard.begin(0, what, said);
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        heard.begin(CALLS, called(call), text(&call["function"], "arguments"));
    }
    heard.end_all();
    heard.stopped = stopped(text(choice, "finish_reason"));
    heard.ends = usize::from(heard.stopped.is_some());
    heard
}

fn called(call: &Value) -> What {
    What::Call { id: text(call, "id").to_owned(), name: text(&call["function"], "name").to_owned() }
}

/// What stands in every chunk, and in a whole answer.
fn about(data: &Value, heard: &mut Heard) {
    heard.id = data["id"].as_str().map(str::to_owned).or_else(|| heard.id.take());
    heard.model = data["model"].as_str().map(str::to_owned).or_else(|| heard.model.take());
    if let Some(usage) = data["usage"].as_object() {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or_default();
        let details = usage.get("prompt_tokens_details");
        heard.usage = Some(Usage {
            prompt: number(usage.get("prompt_tokens")),
            cached: number(details.and_then(|details| details.get("cached_tokens"))),
            output: number(usage.get("completion_tokens")),
        });
    }
}

pub(super) fn read(body: &Value) -> Option<Question> {
    let messages = body["messages"].as_array()?;
    let tools = body["tools"].as_array().into_iter().flatten();
    Some(Question {
        model: body["model"].as_str()?.to_owned(),
        words: messages.iter().map(|message| words(&message["content"])).collect(),
        tools: tools.map(|tool| text(&tool["function"], "name").to_owned()).collect(),
        stream: body["stream"] == true,
        counts: body["stream_options"]["include_usage"] == true,
    })
}

pub(super) fn ask(wanted: &Wanted<'_>) -> (String, String) {
    let Wanted { model, tools, stream, counts, model_last, .. } = *wanted;
    let model = format!("\"model\":\"{model}\"");
    let (first, last) = if model_last { ("\"n\":1".to_owned(), model) } else { (model, "\"n\":1".to_owned()) };
    let function = |name| {
        let parameters = json!({"type": "object", "properties": {"command": {"type": "string"}}});
        json!({"type": "function", "function": {"name": name, "description": "runs", "parameters": parameters}})
    };
    let tools: Vec<_> = tools.iter().map(function).collect();
    let tools = if tools.is_empty() { String::new() } else { format!(",\"tools\":{}", Value::Array(tools)) };
    let stream = match (stream, counts) {
        (true, true) => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
        (true, false) => ",\"stream\":true",
        (false, _) => "",
    };
    let open = format!("{{{first},\"messages\":[{{\"role\":\"user\",\"content\":\"");
    (open, format!("\"}}]{tools}{stream},{last}}}"))
}
