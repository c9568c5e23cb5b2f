//! Golden inputs of `fixtures/openai`, the corner cases by their numbers in the list of cases that gateways get wrong, and
//! what holds for any input.

use serde_json::{Value, json};

use super::*;
use crate::canon::{Event, Losses, ToolNames, Unfit};
use crate::capabilities::Capabilities;
use crate::kit::*;
use crate::translate::Speech;

mod calls;
mod capabilities;
mod clients;
mod errors;
mod golden;
mod messages;
mod names;
mod options;
mod properties;
mod streams;
mod tools;
mod vendors;
mod watching;
mod wholes;

const GOLDEN: Golden = Golden("openai");

fn try_send(traits: &Traits, model: &str, body: Value) -> Result<Sent, Unfit> {
    try_send_known(traits, &Capabilities::UNKNOWN, model, body)
}

/// To a model of which this is known.
fn try_send_known(traits: &Traits, capabilities: &Capabilities, model: &str, body: Value) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(&request(body), traits, capabilities, model, &mut losses)?;
    Ok(Sent::new(&encoded.body, encoded.names, &losses))
}

fn send(vendor: Vendor, model: &str, body: Value) -> Sent {
    try_send(&vendor.traits(), model, body).unwrap()
}

/// To a provider of which nothing is known.
fn plain(body: Value) -> Sent {
    send(Vendor::Unknown, "some-model", body)
}

fn unfit(vendor: Vendor, model: &str, body: Value) -> String {
    try_send(&vendor.traits(), model, body).err().map(|unfit| unfit.to_string()).unwrap_or_default()
}

/// Roles of all messages, and their content.
fn said(sent: &Sent) -> Vec<(String, Value)> {
    let messages = sent.body["messages"].as_array().unwrap();
    messages.iter().map(|message| (message["role"].as_str().unwrap().to_owned(), message["content"].clone())).collect()
}

/// How a provider speaks of which this is known.
fn speech(traits: Traits, names: &ToolNames) -> Speech {
    Speech::OpenAi(Box::new(traits), names.clone())
}

fn decode(stream: &[u8]) -> Vec<Event> {
    events_of(&speech(Vendor::Unknown.traits(), &ToolNames::new()), [stream])
}

/// Events of chunks that are given as JSON; no end is added.
fn chunks(chunks: &[Value]) -> Vec<Event> {
    let stream: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    decode(stream.as_bytes())
}

fn delta(delta: Value) -> Value {
    json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn fragment(index: Value, id: Value, name: Value, arguments: Value) -> Value {
    delta(
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}),
    )
}
