//! What the translation promises, in requests, answers and streams. A number in a comment is the corner case's in the list
//! of the protocol reference.

mod decoding;
mod ids;
mod outgoing;
mod refusals;
mod requests;
mod requests_back;
mod streams;
mod unsealed;
mod whole_way;
mod wholes;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::*;
use crate::canon::{Block, Delta, Event, Json, Part, Request, Stop, StopReason, Text, ToolUse, Usage};
use crate::capabilities::Capabilities;
use crate::sse::{Splitter, fields};

fn decode(body: &Value) -> Request {
    decode_request(body.to_string().as_bytes()).unwrap()
}

/// The way to what is wrong, and why.
fn refusal(body: &str) -> String {
    decode_request(body.as_bytes()).unwrap_err().to_string()
}

/// A request with this conversation.
fn conversation(messages: &Value) -> Value {
    json!({"model": "claude-opus-5", "max_tokens": 1024, "messages": messages})
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), cache: None })
}

fn raw(text: &str) -> Json {
    Json::from_text(text.to_owned()).unwrap()
}

fn call(id: &str, name: &str, input: &str) -> Part {
    Part::ToolUse(ToolUse { id: id.to_owned(), name: name.to_owned(), input: raw(input) })
}

pub(super) fn start() -> Event {
    Event::Start { id: Some("chatcmpl-1".to_owned()), model: Some("gpt-9".to_owned()) }
}

pub(super) fn says(words: &str) -> Event {
    Event::Delta(Delta::Text(words.to_owned()))
}

fn calls(id: &str, name: &str) -> Event {
    Event::Open(Block::ToolUse { id: id.to_owned(), name: name.to_owned() })
}

fn input(piece: &str) -> Event {
    Event::Delta(Delta::Input(piece.to_owned()))
}

pub(super) fn stop(reason: StopReason) -> Event {
    Event::Stop(Stop { reason, sequence: None })
}

/// The stream of an answer whose prompt is estimated at 77 tokens.
pub(super) fn stream(events: &[Event]) -> String {
    let mut encoder = Encoder::new("claude-opus-5".to_owned(), 77, "msg_1".to_owned());
    let mut out = BytesMut::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

/// The data of every event of a stream.
fn data(stream: &str) -> Vec<Value> {
    let batch = Splitter::new().push(stream.to_owned().into());
    batch.events().map(|event| serde_json::from_slice(&fields(event).data).unwrap()).collect()
}

/// The names of a stream's events in a row.
fn names(stream: &str) -> String {
    let names = data(stream).into_iter().map(|data| data["type"].as_str().unwrap().to_owned());
    names.collect::<Vec<_>>().join(" ")
}
