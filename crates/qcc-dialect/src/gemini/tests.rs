//! Golden inputs of `fixtures/gemini`, the corner cases by their numbers in the list of cases that gateways get wrong, and
//! what holds for any input.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::anthropic::canon::decode_request;
use crate::canon::{Block, Delta, Event, Losses, Request, ToolNames, Unfit};
use crate::capabilities::Capabilities;
use crate::sse::Splitter;

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

const PRO: &str = "gemini-3-pro-preview";
const FLASH_2_5: &str = "gemini-2.5-flash";

/// A request of Claude Code's kind, read into the neutral form; model and limit need not be named.
fn request(mut body: Value) -> Request {
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

fn try_send(known: &Capabilities, model: &str, body: Value) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(&request(body), known, model, &mut losses)?;
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    Ok(Sent { text, body, losses: losses.iter().map(ToString::to_string).collect(), names: encoded.names })
}

fn send(model: &str, body: Value) -> Sent {
    try_send(&Capabilities::default(), model, body).unwrap()
}

fn unfit(known: &Capabilities, model: &str, body: Value) -> String {
    try_send(known, model, body).err().map(|unfit| unfit.to_string()).unwrap_or_default()
}

fn conversation(messages: Value) -> Value {
    json!({"messages": messages})
}

/// Roles of all turns, and their parts.
fn said(sent: &Sent) -> Vec<(String, Value)> {
    let contents = sent.body["contents"].as_array().unwrap();
    contents.iter().map(|turn| (turn["role"].as_str().unwrap().to_owned(), turn["parts"].clone())).collect()
}

fn call(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

fn result(id: &str, content: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// The events of a stream, its bytes cut into pieces as given, the body ended after them.
fn decode_pieces<'a>(names: &ToolNames, model: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut splitter = Splitter::new();
    let mut decoder = Decoder::new(names.clone(), model);
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
    decode_pieces(&ToolNames::new(), PRO, std::iter::once(stream))
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

/// Short words for events: what is open stands before its deltas, all deltas of a block in one.
fn words(events: &[Event]) -> Vec<String> {
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
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/gemini").join(kind)
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
