//! Decides what the events of a stream mean to the relay, and how a broken stream is ended.
//!
//! Before the first semantic event every event is read in full, for there an error can still be repaired by
//! another provider, and so one that is not what it claims must be found. After it the stream is committed and
//! nearly all events are content deltas: those are known by their first bytes and not read at all.

use serde_json::Value;

use super::usage;
use super::wire::{Kind, carries, text};
use crate::canon::Usage;
use crate::error::ErrorFacts;
use crate::sse::fields;
pub use crate::watch::{Closing, Seen};

mod block;
mod closing;
mod oversized;
#[cfg(test)]
mod tests;

pub use block::BlockKind;
pub use closing::Ending;

use block::Open;

/// Follows one stream, event by event.
#[derive(Debug, Default)]
pub struct Watcher {
    /// Whether a semantic event was seen.
    content: bool,
    open: Option<Open>,
    ended: u32,
    last_ended: Option<BlockKind>,
    stop_reason: Option<String>,
    terminal: bool,
    /// Whether the provider has sent an `error` event.
    failed: bool,
    usage: Usage,
    message_id: Option<String>,
}

/// How content deltas begin: with a name, as Anthropic writes them, and data-only, as some clones do.
const DELTAS: [&[u8]; 4] = [
    b"event: content_block_delta",
    b"event:content_block_delta",
    b"data: {\"type\":\"content_block_delta\"",
    b"data:{\"type\":\"content_block_delta\"",
];

impl Watcher {
    /// A watcher at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next whole event.
    pub fn observe(&mut self, event: &[u8]) -> Seen {
        // A block that has content already learns nothing from more of it.
        let known = self.open.as_ref().is_some_and(|open| open.filled);
        if known && DELTAS.iter().any(|start| event.starts_with(start)) {
            return Seen::Content;
        }
        let fields = fields(event);
        let kind = fields.event.and_then(Kind::of);
        if fields.data.is_empty() && kind.is_none() {
            return if fields.stray { Seen::NotSse } else { Seen::Idle };
        }
        if kind == Some(Kind::Ping) {
            return Seen::Idle;
        }
        if kind == Some(Kind::Error) {
            return self.error(&fields.data);
        }
        let data: Option<Value> = serde_json::from_slice(&fields.data).ok();
        match (kind, data) {
            (Some(kind), Some(data)) => self.event(kind, &data),
            (Some(kind), None) if self.content => self.event(kind, &Value::Null),
            (Some(_), None) => Seen::Malformed,
            (None, data) => self.unnamed(fields.event.is_some(), &fields.data, data.as_ref()),
        }
    }

    /// Token counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The provider's id of the message.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Why the model stopped, once it has said so.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&str> {
        self.stop_reason.as_deref()
    }

    /// Whether the terminal event was seen.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The kind of the block that is open.
    #[must_use]
    pub fn open_block(&self) -> Option<BlockKind> {
        self.open.as_ref().map(|open| open.kind)
    }

    /// The kind of the block that ended last.
    #[must_use]
    pub fn last_ended(&self) -> Option<BlockKind> {
        self.last_ended
    }

    /// An event without a name of ours: a clone that sends data only, an event to tolerate, or no dialect.
    fn unnamed(&mut self, named: bool, raw: &[u8], data: Option<&Value>) -> Seen {
        // A closing mark of other dialects that relays add, and names to come, must be tolerated.
        let stranger = || if named || self.content || raw == b"[DONE]" { Seen::Idle } else { Seen::Malformed };
        let Some(data) = data else { return stranger() };
        match text(data, "type") {
            Some(kind) => match Kind::of(kind.as_bytes()) {
                Some(Kind::Ping) | None => Seen::Idle,
                Some(Kind::Error) => self.error(raw),
                Some(kind) => self.event(kind, data),
            },
            None if data.get("error").is_some_and(|error| !error.is_null()) => self.error(raw),
            None => stranger(),
        }
    }

    fn event(&mut self, kind: Kind, data: &Value) -> Seen {
        match kind {
            Kind::MessageStart => self.message_start(data),
            Kind::BlockStart => self.block_start(data),
            Kind::BlockDelta => self.block_delta(data),
            Kind::BlockStop => self.block_stop(),
            Kind::MessageDelta => self.message_delta(data),
            Kind::MessageStop => {
                self.terminal = true;
                Seen::Terminal
            }
            Kind::Ping | Kind::Error => Seen::Idle,
        }
    }

    fn error(&mut self, data: &[u8]) -> Seen {
        self.failed = true;
        Seen::Error(ErrorFacts::in_band(data))
    }

    fn message_start(&mut self, data: &Value) -> Seen {
        if let Some(message) = data.get("message") {
            if let Some(id) = text(message, "id") {
                self.message_id = Some(id.to_owned());
            }
            self.take_usage(message);
        }
        Seen::Progress
    }

    fn block_start(&mut self, data: &Value) -> Seen {
        let open = Open::new(data);
        let semantic = open.is_semantic(data);
        self.open = Some(open);
        self.semantic_if(semantic)
    }

    fn block_delta(&mut self, data: &Value) -> Seen {
        let Some(open) = &mut self.open else {
            return if self.content { Seen::Content } else { Seen::Malformed };
        };
        // Everything but the kind of the delta is content: text, thinking, partial_json, signature, citation.
        let members = data.get("delta").and_then(Value::as_object);
        let filled =
            members.is_some_and(|members| members.iter().any(|(name, value)| name != "type" && carries(value)));
        open.filled |= filled;
        self.semantic_if(filled)
    }

    fn block_stop(&mut self) -> Seen {
        if let Some(open) = self.open.take() {
            self.ended += 1;
            self.last_ended = Some(open.kind);
        }
        Seen::Progress
    }

    fn message_delta(&mut self, data: &Value) -> Seen {
        self.take_usage(data);
        let reason = data.get("delta").and_then(|delta| text(delta, "stop_reason"));
        if let Some(reason) = reason {
            self.stop_reason = Some(reason.to_owned());
        }
        self.semantic_if(reason.is_some())
    }

    fn take_usage(&mut self, holder: &Value) {
        if let Some(reported) = holder.get("usage") {
            usage::take(&mut self.usage, reported);
        }
    }

    fn semantic_if(&mut self, semantic: bool) -> Seen {
        self.content |= semantic;
        if semantic { Seen::Content } else { Seen::Progress }
    }
}
