//! Golden inputs of `fixtures/gemini`, the corner cases by their numbers in the list of cases that gateways get wrong, and
//! what holds for any input.

use serde_json::{Value, json};

use super::*;
use crate::canon::{Event, Losses, ToolNames, Unfit};
use crate::capabilities::Capabilities;
use crate::kit::*;
use crate::translate::Speech;

mod addresses;
mod errors;
mod golden;
mod media;
mod messages;
mod options;
mod properties;
mod signatures;
mod streams;
mod tools;
mod wholes;

const GOLDEN: Golden = Golden("gemini");

const PRO: &str = "gemini-3-pro-preview";
const FLASH_2_5: &str = "gemini-2.5-flash";

fn try_send(known: &Capabilities, model: &str, body: Value) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(&request(body), known, model, &mut losses)?;
    Ok(Sent::new(&encoded.body, encoded.names, &losses))
}

fn send(model: &str, body: Value) -> Sent {
    try_send(&Capabilities::default(), model, body).unwrap()
}

fn unfit(known: &Capabilities, model: &str, body: Value) -> String {
    try_send(known, model, body).err().map(|unfit| unfit.to_string()).unwrap_or_default()
}

/// Roles of all turns, and their parts.
fn said(sent: &Sent) -> Vec<(String, Value)> {
    let contents = sent.body["contents"].as_array().unwrap();
    contents.iter().map(|turn| (turn["role"].as_str().unwrap().to_owned(), turn["parts"].clone())).collect()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// How a provider speaks that was asked for the newest model.
fn speech() -> Speech {
    Speech::Gemini(ToolNames::new(), PRO.to_owned())
}

fn decode(stream: &[u8]) -> Vec<Event> {
    events_of(&speech(), [stream])
}

/// Events of chunks that are given as JSON; no end is added.
fn chunks(chunks: &[Value]) -> Vec<Event> {
    let stream: String = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    decode(stream.as_bytes())
}

/// A chunk with these parts.
fn parts(parts: Value) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}]})
}

fn finish(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason, "index": 0}]})
}
