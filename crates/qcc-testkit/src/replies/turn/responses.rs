//! A turn as OpenAI's responses: items one after the other, each opened, told in pieces, told again whole, and closed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Dialect, INPUT, OUTPUT, Turn, pieces};
use crate::replies::event;

pub(super) fn body(turn: &Turn) -> Value {
    response("completed", &items(turn), &usage())
}

pub(super) fn frames(turn: &Turn) -> Vec<Bytes> {
    let mut pen = Pen::default();
    let unfinished = response("in_progress", &[], &Value::Null);
    pen.tell("response.created", json!({"response": unfinished}));
    pen.tell("response.in_progress", json!({"response": unfinished}));
    for (index, item) in items(turn).iter().enumerate() {
        match item["type"].as_str() {
            Some("reasoning") => pen.reasoning(index, item),
            Some("message") => pen.message(index, item, &turn.pieces),
            _ => pen.call(index, item),
        }
    }
    pen.tell("response.completed", json!({"response": body(turn)}));
    pen.frames
}

fn items(turn: &Turn) -> Vec<Value> {
    let mut items = Vec::new();
    if let Some(thought) = &turn.thought {
        let summary = json!([{"type": "summary_text", "text": thought}]);
        items
            .push(json!({"id": "rs_testkit", "type": "reasoning", "summary": summary, "encrypted_content": Dialect::Responses.signature()}));
    }
    if !turn.pieces.is_empty() {
        let part = part(&turn.pieces.concat());
        let item = json!({"id": "msg_testkit", "type": "message", "role": "assistant", "status": "completed"});
        items.push(with(item, "content", json!([part])));
    }
    items.extend(turn.calls.iter().enumerate().map(|(index, call)| function_call(index, call)));
    items
}

fn function_call(index: usize, call: &Call) -> Value {
    json!({
        "id": format!("fc_testkit{index}"),
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.input.to_string()
    })
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn response(status: &str, output: &[Value], usage: &Value) -> Value {
    json!({
        "id": "resp_testkit",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": "gpt-5.1",
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage
    })
}

fn usage() -> Value {
    json!({
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": Dialect::Responses.cached()},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT + OUTPUT
    })
}

/// The value with one more member.
fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

/// The events so far; each has its number.
#[derive(Default)]
struct Pen {
    frames: Vec<Bytes>,
}

impl Pen {
    fn tell(&mut self, kind: &str, mut data: Value) {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.frames.len());
        self.frames.push(event(kind, &data));
    }

    fn added(&mut self, index: usize, item: Value) {
        self.tell("response.output_item.added", json!({"output_index": index, "item": item}));
    }

    fn done(&mut self, index: usize, item: &Value) {
        self.tell("response.output_item.done", json!({"output_index": index, "item": item}));
    }

    fn reasoning(&mut self, index: usize, item: &Value) {
        let place = json!({"item_id": item["id"], "output_index": index, "summary_index": 0});
        let summary = &item["summary"][0];
        let opened = with(item.clone(), "summary", json!([]));
        self.added(index, with(opened, "encrypted_content", json!("")));
        let empty = json!({"type": "summary_text", "text": ""});
        self.tell("response.reasoning_summary_part.added", with(place.clone(), "part", empty));
        self.tell("response.reasoning_summary_text.delta", with(place.clone(), "delta", summary["text"].clone()));
        self.tell("response.reasoning_summary_text.done", with(place.clone(), "text", summary["text"].clone()));
        self.tell("response.reasoning_summary_part.done", with(place, "part", summary.clone()));
        self.done(index, item);
    }

    fn message(&mut self, index: usize, item: &Value, pieces: &[String]) {
        let place = json!({"item_id": item["id"], "output_index": index, "content_index": 0});
        let opened = with(item.clone(), "content", json!([]));
        self.added(index, with(opened, "status", json!("in_progress")));
        self.tell("response.content_part.added", with(place.clone(), "part", part("")));
        for piece in pieces {
            let delta = with(place.clone(), "delta", json!(piece));
            self.tell("response.output_text.delta", with(delta, "logprobs", json!([])));
        }
        let whole = with(place.clone(), "text", item["content"][0]["text"].clone());
        self.tell("response.output_text.done", with(whole, "logprobs", json!([])));
        self.tell("response.content_part.done", with(place, "part", item["content"][0].clone()));
        self.done(index, item);
    }

    fn call(&mut self, index: usize, item: &Value) {
        let place = json!({"item_id": item["id"], "output_index": index});
        let opened = with(item.clone(), "arguments", json!(""));
        self.added(index, with(opened, "status", json!("in_progress")));
        let input: Value = serde_json::from_str(item["arguments"].as_str().unwrap_or_default()).unwrap_or_default();
        for piece in pieces(&input) {
            self.tell("response.function_call_arguments.delta", with(place.clone(), "delta", json!(piece)));
        }
        let whole = with(place, "arguments", item["arguments"].clone());
        self.tell("response.function_call_arguments.done", with(whole, "name", item["name"].clone()));
        self.done(index, item);
    }
}
