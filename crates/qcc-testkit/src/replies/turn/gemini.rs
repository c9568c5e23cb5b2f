//! A turn as Gemini's `generateContent`. Calls come whole and without ids, and the first of them carries the signature of
//! the thought: it must come back with the call, or the conversation cannot go on.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Dialect, INPUT, OUTPUT, Turn, nameless};

/// Output tokens that count as those of the thought.
const THOUGHT: u64 = 5;

pub(super) fn body(turn: &Turn) -> Value {
    let mut parts = Vec::from_iter(thought(turn));
    if !turn.pieces.is_empty() {
        parts.push(json!({"text": turn.pieces.concat()}));
    }
    parts.extend(calls(turn));
    answer(turn, &parts, true)
}

pub(super) fn frames(turn: &Turn) -> Vec<Bytes> {
    let texts = turn.pieces.iter().map(|piece| json!({"text": piece}));
    let parts: Vec<Value> = thought(turn).into_iter().chain(texts).chain(calls(turn)).collect();
    let last = parts.len().saturating_sub(1);
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| nameless(&answer(turn, std::slice::from_ref(part), index == last)))
        .collect()
}

fn thought(turn: &Turn) -> Option<Value> {
    turn.thought.as_ref().map(|thought| json!({"text": thought, "thought": true}))
}

fn calls(turn: &Turn) -> impl Iterator<Item = Value> {
    turn.calls.iter().enumerate().map(|(index, call)| {
        let mut part = json!({"functionCall": {"name": call.name, "args": call.input}});
        if index == 0 {
            part["thoughtSignature"] = json!(Dialect::Gemini.signature());
        }
        part
    })
}

fn answer(turn: &Turn, parts: &[Value], last: bool) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    let thoughts = if turn.thought.is_some() { THOUGHT } else { 0 };
    if last {
        candidate["finishReason"] = json!("STOP");
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": INPUT,
            "cachedContentTokenCount": Dialect::Gemini.cached(),
            "candidatesTokenCount": OUTPUT - thoughts,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": INPUT + OUTPUT
        },
        "modelVersion": "gemini-3-pro",
        "responseId": "testkit"
    })
}
