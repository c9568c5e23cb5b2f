//! A turn as Anthropic's messages. The stream is that of [`Stream`].

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Dialect, Turn};
use crate::replies::{Stream, message};

pub(super) fn body(turn: &Turn) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = &turn.thought {
        content.push(json!({"type": "thinking", "thinking": thought, "signature": Dialect::Anthropic.signature()}));
    }
    if !turn.pieces.is_empty() {
        content.push(json!({"type": "text", "text": turn.pieces.concat()}));
    }
    for call in &turn.calls {
        content.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}));
    }
    let mut body = message("");
    body["content"] = Value::Array(content);
    if !turn.calls.is_empty() {
        body["stop_reason"] = json!("tool_use");
    }
    body
}

pub(super) fn frames(turn: &Turn) -> Vec<Bytes> {
    let mut stream = Stream::new();
    if let Some(thought) = &turn.thought {
        stream = stream.and_thinking(thought);
    }
    if !turn.pieces.is_empty() {
        stream = stream.and_text(turn.pieces.iter().map(String::as_str));
    }
    for call in &turn.calls {
        stream = stream.and_call(&call.id, &call.name, &call.input);
    }
    stream.events()
}
