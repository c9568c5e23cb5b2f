//! A turn as OpenAI's chat completions. Thinking is `reasoning_content`, as most vendors but OpenAI send it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Dialect, INPUT, OUTPUT, Turn, nameless, pieces};

pub(super) fn body(turn: &Turn) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null});
    if !turn.pieces.is_empty() {
        message["content"] = json!(turn.pieces.concat());
    }
    if let Some(thought) = &turn.thought {
        message["reasoning_content"] = json!(thought);
    }
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": call.input.to_string()});
            json!({"id": call.id, "type": "function", "function": function})
        });
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": "chatcmpl-testkit",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-5.1",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason(turn)}],
        "usage": usage()
    })
}

pub(super) fn frames(turn: &Turn) -> Vec<Bytes> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(turn.thought.iter().map(|thought| json!({"reasoning_content": thought})));
    deltas.extend(turn.pieces.iter().map(|piece| json!({"content": piece})));
    for (index, call) in turn.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        deltas.push(json!({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}));
        let parts = pieces(&call.input).into_iter();
        deltas.extend(parts.map(|part| json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]})));
    }
    let mut frames: Vec<Bytes> = deltas.iter().map(|delta| nameless(&said(delta, &Value::Null))).collect();
    frames.push(nameless(&said(&json!({}), &json!(reason(turn)))));
    let mut counts = chunk(&json!([]));
    counts["usage"] = usage();
    frames.push(nameless(&counts));
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

fn said(delta: &Value, finish_reason: &Value) -> Value {
    chunk(&json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]))
}

fn chunk(choices: &Value) -> Value {
    json!({
        "id": "chatcmpl-testkit",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-5.1",
        "choices": choices,
        "usage": null
    })
}

fn reason(turn: &Turn) -> &'static str {
    if turn.calls.is_empty() { "stop" } else { "tool_calls" }
}

fn usage() -> Value {
    json!({
        "prompt_tokens": INPUT,
        "completion_tokens": OUTPUT,
        "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": Dialect::Openai.cached()},
        "completion_tokens_details": {"reasoning_tokens": 0}
    })
}
