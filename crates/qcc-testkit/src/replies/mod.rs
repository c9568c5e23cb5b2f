//! Ready-made replies: what providers answer when they work, and the ways in which they are known to fail.
//!
//! The shapes follow the Anthropic Messages API: the error body and the order of events of a stream (see [`Stream`]); a
//! [`Turn`] is written in any dialect.
//! Lengths and chunk frames are right unless a name says otherwise.

mod gzip;
mod stream;
mod turn;

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

pub use gzip::gzip;
pub use stream::{Cut, Stream, TruncateAt};
pub use turn::{Call, Dialect, INPUT, OUTPUT, Turn};

use crate::upstream::{Reply, Step};
use crate::wire;

/// How the end of a body is known to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// `transfer-encoding: chunked`, one chunk per write.
    #[default]
    Chunked,
    /// `content-length`.
    ContentLength,
    /// Neither: the connection closes after the body.
    CloseDelimited,
}

/// A status line and headers, with the blank line. `length` is used by [`Framing::ContentLength`].
#[must_use]
pub fn head(status: u16, headers: &[(&str, &str)], framing: Framing, length: usize) -> Bytes {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", wire::reason(status));
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&match framing {
        Framing::Chunked => "transfer-encoding: chunked\r\n\r\n".to_owned(),
        Framing::ContentLength => format!("content-length: {length}\r\n\r\n"),
        Framing::CloseDelimited => "connection: close\r\n\r\n".to_owned(),
    });
    Bytes::from(text)
}

/// One chunk of a chunked body. Empty input gives the final chunk.
#[must_use]
pub fn chunk(data: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(data.len() + 16);
    framed.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
    framed.put_slice(data);
    framed.put_slice(b"\r\n");
    framed.freeze()
}

/// A whole answer with a length, on a connection that is kept.
#[must_use]
pub fn whole(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut bytes = BytesMut::from(&head(status, headers, Framing::ContentLength, body.len())[..]);
    bytes.extend_from_slice(body);
    Reply::new().write(bytes.freeze())
}

/// A JSON answer with a length.
#[must_use]
pub fn json_body(status: u16, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    whole(status, &all, body.to_string().as_bytes())
}

/// The body of a non-streaming answer that says `text`.
#[must_use]
pub fn message(text: &str) -> Value {
    json!({
        "id": "msg_01TestkitMessage",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 15
        }
    })
}

/// A good non-streaming answer that says `text`.
#[must_use]
pub fn message_json(text: &str) -> Reply {
    json_body(200, &[("request-id", "req_011TestkitMessage")], &message(text))
}

/// A good stream whose text comes in these pieces.
pub fn stream<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Reply {
    Stream::text(pieces).reply()
}

/// An error in Anthropic's shape.
#[must_use]
pub fn error_body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011TestkitError"})
}

/// An error answer in Anthropic's shape, with more headers such as `retry-after`.
#[must_use]
pub fn status(code: u16, kind: &str, message: &str, headers: &[(&str, &str)]) -> Reply {
    json_body(code, headers, &error_body(kind, message))
}

/// An HTML page under this status: a proxy, a login page or a firewall in between.
#[must_use]
pub fn html(code: u16) -> Reply {
    let page =
        format!("<!DOCTYPE html>\n<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>\n");
    whole(code, &[("content-type", "text/html; charset=utf-8")], page.as_bytes())
}

/// Status 200 and the head of an event stream; events follow as chunks.
#[must_use]
pub fn stream_head(framing: Framing) -> Bytes {
    let headers = [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("request-id", "req_011TestkitStream"),
    ];
    head(200, &headers, framing, 0)
}

/// One SSE frame: the event name and its data.
#[must_use]
pub fn event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// A 200 whose first and only event is an error of this type, ended in order.
#[must_use]
pub fn error_event(kind: &str) -> Reply {
    let data = json!({"type": "error", "error": {"type": kind, "message": format!("scripted {kind}")}});
    Reply::new().write(stream_head(Framing::Chunked)).write(chunk(&event("error", &data))).write(chunk(b""))
}

/// A 200 whose stream ends in order without a single event.
#[must_use]
pub fn empty_stream() -> Reply {
    Reply::new().write(stream_head(Framing::Chunked)).write(chunk(b""))
}

/// A 200 that sends a `ping` at once and another after each `every`, and nothing else, until the client leaves.
#[must_use]
pub fn pings_only(every: Duration) -> Reply {
    let ping = chunk(&event("ping", &json!({"type": "ping"})));
    Reply::new().write(stream_head(Framing::Chunked)).write(ping.clone()).step(Step::Repeat { bytes: ping, every })
}

/// Takes the request and says nothing, not even a status, until the client leaves.
#[must_use]
pub fn silence() -> Reply {
    Reply::new().stall()
}

/// A good stream with one text event of about `size` bytes (2 MB were borne by real clients).
#[must_use]
pub fn big_event(size: usize) -> Reply {
    Stream::text([&*"x".repeat(size)]).reply()
}

/// The same answer as [`message_json`], compressed although nobody asked.
#[must_use]
pub fn gzip_message(text: &str) -> Reply {
    let body = gzip(message(text).to_string().as_bytes());
    whole(200, &[("content-type", "application/json"), ("content-encoding", "gzip")], &body)
}
