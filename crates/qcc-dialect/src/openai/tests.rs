//! Golden inputs of `fixtures/openai`, the corner cases by their numbers in the list of cases that gateways get wrong, and
//! what holds for any input.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::anthropic::canon::decode_request;
use crate::canon::{Event, Losses, Request, ToolNames, Unfit};
use crate::capabilities::Capabilities;
use crate::sse::Splitter;

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

/// A request of Claude Code's kind, read into the neutral form; model and limit need not be named.
pub(crate) fn request(mut body: Value) -> Request {
    let defaults =
        json!({"model": "claude-opus-4-8", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in defaults.as_object().unwrap() {
        body.as_object_mut().unwrap().entry(name).or_insert_with(|| value.clone());
    }
    decode_request(body.to_string().as_bytes()).unwrap()
}

struct Sent {
    text: String,
    body: Value,
    losses: Vec<String>,
    names: ToolNames,
}

fn try_send(traits: &Traits, model: &str, body: Value) -> Result<Sent, Unfit> {
    try_send_known(traits, &Capabilities::UNKNOWN, model, body)
}

/// To a model of which this is known.
fn try_send_known(traits: &Traits, capabilities: &Capabilities, model: &str, body: Value) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(&request(body), traits, capabilities, model, &mut losses)?;
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    Ok(Sent { text, body, losses: losses.iter().map(ToString::to_string).collect(), names: encoded.names })
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

fn conversation(messages: Value) -> Value {
    json!({"messages": messages})
}

fn call(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

fn result(id: &str, content: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

/// The events of a stream, its bytes cut into pieces as given, the body ended after them.
fn decode_pieces<'a>(traits: &Traits, names: &ToolNames, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut splitter = Splitter::new();
    let mut decoder = Decoder::new(traits, names.clone());
    let mut events = Vec::new();
    for piece in pieces {
        let batch = splitter.push(Bytes::copy_from_slice(piece));
        batch.events().for_each(|event| decoder.push(event, &mut events));
    }
    decoder.push(&splitter.finish(), &mut events);
    decoder.finish(&mut events);
    events
}

fn decode(stream: &[u8]) -> Vec<Event> {
    decode_pieces(&Vendor::Unknown.traits(), &ToolNames::new(), std::iter::once(stream))
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

/// Short words for events: what is open stands before its deltas, all deltas of a block in one.
pub(crate) fn words(events: &[Event]) -> Vec<String> {
    use crate::canon::{Block, Delta};
    let mut words: Vec<String> = Vec::new();
    for event in events {
        let word = match event {
            Event::Start { .. } => "start".to_owned(),
            Event::Open(Block::Text) => "text:".to_owned(),
            Event::Open(Block::Thinking) => "thinking:".to_owned(),
            Event::Open(Block::ToolUse { id, name }) => format!("{name}#{id}:"),
            Event::Open(other) => format!("{other:?}"),
            Event::Delta(Delta::Text(more) | Delta::Thinking(more) | Delta::Input(more)) => {
                words.last_mut().unwrap().push_str(more);
                continue;
            }
            Event::Delta(Delta::Signature(_)) => {
                words.last_mut().unwrap().push_str("+signature");
                continue;
            }
            Event::Close => {
                words.last_mut().unwrap().push('.');
                continue;
            }
            Event::Usage(_) => "usage".to_owned(),
            Event::Stop(stop) => format!("{:?}{}", stop.reason, stop.sequence.as_deref().unwrap_or_default()),
            Event::End => "end".to_owned(),
            Event::Fault { status, kind, .. } => format!("fault {status} {kind}"),
        };
        words.push(word);
    }
    words
}

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/openai").join(kind)
}

fn fixture(kind: &str, name: &str) -> Vec<u8> {
    fs::read(folder(kind).join(name)).unwrap_or_else(|cause| panic!("{kind}/{name}: {cause}"))
}

/// The inputs in a folder, by name; snapshots are no inputs.
fn inputs(kind: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(folder(kind)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}
