//! Golden inputs of `fixtures/responses`, the corner cases by their numbers in the list of cases that gateways get wrong,
//! and what holds for any input.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::client::{self, Encoder};
use super::*;
use crate::canon::{ClientTool, Event, Losses, Request, ToolNames, Unfit};
use crate::capabilities::{Capabilities, Forced, Thinks};
use crate::kit::{self, *};
use crate::sse::Splitter;
use crate::translate::Speech;

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

const GOLDEN: Golden = Golden("responses");

fn try_send(request: &Request, capabilities: &Capabilities) -> Result<Sent, Unfit> {
    let mut losses = Losses::new();
    let encoded = encode_request(request, capabilities, "gpt-5.1", &mut losses)?;
    Ok(Sent::new(&encoded.body, encoded.names, &losses))
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

fn decode(stream: &[u8]) -> Vec<Event> {
    events_of(&Speech::Responses(ToolNames::new()), [stream])
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
