//! Golden inputs of `fixtures/responses`, the corner cases by their numbers in the list of cases that gateways get wrong,
//! and what holds for any input.

use std::fs;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::client::{self, Encoder};
use super::*;
use crate::canon::{ClientTool, Event, Losses, Request, ToolNames, Unfit};
use crate::capabilities::{Capabilities, Forced, Thinks};
use crate::openai::tests::{request, words};
use crate::sse::Splitter;

mod clients;
mod conversation;
mod encoding;
mod errors;
mod golden;
mod members;
mod options;
mod properties;
mod streams;
mod watching;
mod wholes;

struct Sent {
    text: String,
    body: Value,
    losses: Vec<String>,
    names: ToolNames,
}

fn try_send(request: &Request, capabilities: &Capabilities) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(request, capabilities, "gpt-5.1", &mut losses)?;
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    Ok(Sent { text, body, losses: losses.iter().map(ToString::to_string).collect(), names: encoded.names })
}

/// A request of Claude Code's kind, to a model that thinks.
fn send(body: Value) -> Sent {
    try_send(&request(body), &thinking()).unwrap()
}

/// The same to a model of which something is known.
fn send_to(capabilities: &Capabilities, body: Value) -> Sent {
    try_send(&request(body), capabilities).unwrap()
}

fn unfit(capabilities: &Capabilities, body: Value) -> String {
    try_send(&request(body), capabilities).err().map(|unfit| unfit.to_string()).unwrap_or_default()
}

fn thinking() -> Capabilities {
    Capabilities { thinking: Some(Thinks::Adaptive), ..Capabilities::default() }
}

/// A request of a client of this dialect.
fn asked(body: &Value) -> Request {
    client::decode_request(body.to_string().as_bytes()).unwrap()
}

/// The events of a stream, its bytes cut into pieces as given, the body ended after them.
fn decode_pieces<'a>(names: &ToolNames, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut splitter = Splitter::new();
    let mut decoder = Decoder::new(names.clone());
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
    decode_pieces(&ToolNames::new(), std::iter::once(stream))
}

/// Events that are given as their data.
fn wires(wires: &[Value]) -> Vec<Event> {
    let stream: String = wires.iter().map(|wire| format!("data: {wire}\n\n")).collect();
    decode(stream.as_bytes())
}

/// What a client of this dialect gets.
fn written(events: &[Event], tools: &[ClientTool]) -> String {
    let mut encoder = Encoder::new("gpt-x", "resp_7", 7, tools.to_vec());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    String::from_utf8(out.to_vec()).unwrap()
}

/// The data of all events of a stream.
fn data(stream: &str) -> Vec<Value> {
    stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
}

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/responses").join(kind)
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
