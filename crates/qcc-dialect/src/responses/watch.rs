//! Decides what the events of a stream mean to the relay between equal dialects, and how a broken stream is ended.
//!
//! Before the first semantic event every event is read, for there an error can still be repaired by another provider.
//! After it deltas are known by the names of their events and not read at all, and of all others only those are that say
//! how the answer ends.
//!
//! `response.completed` has the whole answer in it. As the first semantic event (some vendors send nothing before it) it is
//! told as content, and the watcher says that it is terminal.
//!
//! A broken stream always ends with an `error` event and an abort, whatever was ended before: what clients of this dialect
//! take for whole is `response.completed` with the whole output in it, which only the provider has. A call that is done may
//! have been run by then; codex asks for the whole turn again, and SDKs raise. The event has its members flat, as OpenAI
//! documents it, and in `error` too, where the SDKs look. After `response.failed` nothing is added and nothing cut: it is
//! an end that says what happened, and codex reads it only in a body that ends as it should.

use bytes::Bytes;
use serde_json::json;
use serde_json::value::RawValue;

use super::error;
use super::response::told;
use super::wire::{Item, Response, Wire, text};
use crate::answer::MAX_ANSWER;
use crate::canon::Usage;
use crate::sse::fields;
pub use crate::watch::{Closing, Seen};

/// Longest event that a relay of this dialect should hold to see it whole, in bytes: `response.completed` has the whole
/// answer and the tools in it, and the counts at its end.
pub const MAX_EVENT: usize = MAX_ANSWER;

/// Within how many bytes an event's kind stands.
const NAME_WITHIN: usize = 256;

/// Follows one stream, event by event.
#[derive(Debug, Default)]
pub struct Watcher {
    /// Whether a semantic event was seen.
    content: bool,
    terminal: bool,
    /// How the provider has said that it failed.
    failed: Option<Failed>,
    stop_reason: Option<String>,
    usage: Usage,
    message_id: Option<String>,
    /// The number that the next event would have. Comments are none.
    sequence: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    /// By an `error` event, after which the stream may stop anywhere.
    Error,
    /// By `response.failed`, which is an end.
    Response,
}

impl Watcher {
    /// A watcher at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next whole event.
    pub fn observe(&mut self, event: &[u8]) -> Seen {
        if self.content && is_delta(event) {
            self.sequence += 1;
            return Seen::Content;
        }
        let fields = fields(event);
        if fields.data.is_empty() {
            return if fields.stray { Seen::NotSse } else { Seen::Idle };
        }
        self.sequence += 1;
        let name = fields.event.and_then(|name| std::str::from_utf8(name).ok());
        if name == Some("error") {
            return self.error(&fields.data);
        }
        let data = String::from_utf8_lossy(&fields.data);
        match serde_json::from_str::<Wire<'_>>(&data) {
            Ok(wire) => self.wire(&wire, name, &fields.data),
            // Marks of other dialects that relays add.
            Err(_) if self.content || &*data == "[DONE]" => Seen::Idle,
            Err(_) => Seen::Malformed,
        }
    }

    /// Takes the beginning of an event that passes before its end is known. Its end is not observed.
    ///
    /// An end of that length is believed, unlike in other dialects: it holds the whole answer, so long answers have long
    /// ends, and nothing else follows. Its counts are not seen.
    pub fn observe_oversized_head(&mut self, head: &[u8]) -> Seen {
        let fields = fields(head);
        self.sequence += u64::from(!fields.data.is_empty());
        let kind = fields.event.or_else(|| kind_within(&fields.data));
        let Some(kind) = kind.and_then(|kind| std::str::from_utf8(kind).ok()) else {
            return if fields.stray && fields.data.is_empty() { Seen::NotSse } else { Seen::Idle };
        };
        match kind {
            "error" => self.error(&fields.data),
            "response.failed" => {
                self.failed = Some(Failed::Response);
                Seen::Error(error::failed(None))
            }
            "response.completed" | "response.incomplete" => {
                self.stop_reason = kind.strip_prefix("response.").map(str::to_owned);
                self.end()
            }
            kind if is_content(kind) => self.semantic(),
            kind if kind.starts_with("response.") => Seen::Progress,
            _ => Seen::Idle,
        }
    }

    /// Token counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The provider's id of the response.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// How the response ended, once the provider has said so: its status, or why it is incomplete.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&str> {
        self.stop_reason.as_deref()
    }

    /// Whether the terminal event was seen.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// What to append after a break, and whether to abort then. Only at an event's end. `message` is for people.
    #[must_use]
    pub fn closing(&self, request_id: &str, message: &str) -> Closing {
        let bytes = match self.failed {
            _ if self.terminal => return Closing { bytes: Bytes::new(), abort: false },
            Some(Failed::Response) => return Closing { bytes: Bytes::new(), abort: false },
            Some(Failed::Error) => Bytes::new(),
            None => self.error_event(request_id, message),
        };
        Closing { bytes, abort: true }
    }

    fn error_event(&self, request_id: &str, message: &str) -> Bytes {
        const CODE: &str = "server_error";
        let data = json!({
            "type": "error",
            "sequence_number": self.sequence,
            "code": CODE,
            "message": message,
            "param": null,
            "error": {"type": CODE, "code": CODE, "message": message, "param": null},
            "request_id": request_id,
        });
        format!("event: error\ndata: {data}\n\n").into()
    }

    fn wire(&mut self, wire: &Wire<'_>, name: Option<&str>, raw: &[u8]) -> Seen {
        let kind = text(wire.r#type);
        match kind.as_deref().or(name) {
            Some("error") => self.error(raw),
            Some("response.failed") => self.response_failed(wire.response),
            Some("response.completed" | "response.incomplete") => self.response_ended(wire.response),
            Some("response.created") => {
                let response = wire.response.and_then(Response::of);
                self.message_id = response.and_then(|response| text(response.id).map(Into::into));
                Seen::Progress
            }
            Some("response.output_item.added" | "response.output_item.done") if !self.content => {
                self.semantic_if(wire.item.is_some_and(says_something))
            }
            Some(kind) if is_content(kind) => {
                let empty = text(wire.delta).is_none() && wire.delta.is_some_and(|raw| raw.get() == "\"\"");
                self.semantic_if(!empty)
            }
            Some(kind) if kind.starts_with("response.") => Seen::Progress,
            // A name to come must be tolerated.
            Some(_) => Seen::Idle,
            None if wire.error.is_some() => self.error(raw),
            None if self.content => Seen::Idle,
            None => Seen::Malformed,
        }
    }

    fn error(&mut self, data: &[u8]) -> Seen {
        self.failed = Some(Failed::Error);
        Seen::Error(error::in_band(data))
    }

    fn response_failed(&mut self, raw: Option<&RawValue>) -> Seen {
        let response = raw.and_then(Response::of);
        if let Some(response) = &response {
            self.usage.take(told(response).usage);
        }
        self.failed = Some(Failed::Response);
        Seen::Error(error::failed(response.and_then(|response| response.error)))
    }

    fn response_ended(&mut self, raw: Option<&RawValue>) -> Seen {
        if let Some(response) = raw.and_then(Response::of) {
            if text(response.status).as_deref() == Some("failed") {
                return self.response_failed(raw);
            }
            let told = told(&response);
            self.usage.take(told.usage);
            self.stop_reason = told.stop_reason;
            self.message_id = told.id.or_else(|| self.message_id.take());
        }
        self.end()
    }

    fn end(&mut self) -> Seen {
        self.terminal = true;
        if std::mem::replace(&mut self.content, true) { Seen::Terminal } else { Seen::Content }
    }

    fn semantic(&mut self) -> Seen {
        self.content = true;
        Seen::Content
    }

    fn semantic_if(&mut self, semantic: bool) -> Seen {
        if semantic { self.semantic() } else { Seen::Progress }
    }
}

/// Whether an item shows that the model works: a call has a name, others may begin with nothing.
fn says_something(raw: &RawValue) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(raw.get()) else { return false };
    match text(item.r#type).as_deref() {
        Some("function_call" | "custom_tool_call") => text(item.name).is_some(),
        Some("message") => !super::wire::parts(item.content).is_empty(),
        _ => false,
    }
}

fn is_content(kind: &str) -> bool {
    kind.starts_with("response.") && kind.ends_with(".delta")
}

/// Whether an event is a delta, by its first bytes: by its name, or by the type where that is the first member.
fn is_delta(event: &[u8]) -> bool {
    let head = &event[..event.len().min(NAME_WITHIN)];
    let line = &head[..memchr::memchr2(b'\n', b'\r', head).unwrap_or(head.len())];
    if let Some(name) = line.strip_prefix(b"event:") {
        return name.ends_with(b".delta") && name.trim_ascii_start().starts_with(b"response.");
    }
    let data = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii_start);
    let kind = data.and_then(|data| {
        let kind = data.strip_prefix(b"{\"type\":")?.trim_ascii_start().strip_prefix(b"\"")?;
        Some(&kind[..memchr::memchr(b'"', kind)?])
    });
    kind.is_some_and(|kind| kind.starts_with(b"response.") && kind.ends_with(b".delta"))
}

/// The type of data of which only the beginning is there.
fn kind_within(data: &[u8]) -> Option<&[u8]> {
    let data = &data[..data.len().min(NAME_WITHIN)];
    let at = memchr::memmem::find(data, b"\"type\"")? + b"\"type\"".len();
    let rest = data[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    Some(&rest[..memchr::memchr(b'"', rest)?])
}
