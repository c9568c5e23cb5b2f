//! The words of the protocol, in one place, and how to read members that may be missing or odd.
//!
//! Answers are read as plain JSON values, not as types: clones add members, leave some out and change
//! kinds, and a reader that refuses what it did not expect would fail answers that clients accept.

use serde_json::Value;

/// Names of events, which are also the `type` of their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MessageStart,
    BlockStart,
    BlockDelta,
    BlockStop,
    MessageDelta,
    MessageStop,
    Ping,
    Error,
}

impl Kind {
    /// The kind of that name; none for names that this dialect does not know, which must be tolerated.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"message_start" => Self::MessageStart,
            b"content_block_start" => Self::BlockStart,
            b"content_block_delta" => Self::BlockDelta,
            b"content_block_stop" => Self::BlockStop,
            b"message_delta" => Self::MessageDelta,
            b"message_stop" => Self::MessageStop,
            b"ping" => Self::Ping,
            b"error" => Self::Error,
            _ => return None,
        })
    }
}

/// A string member, if it is there and is a string.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

/// Whether a value carries anything: a non-empty string, array or object. Numbers and flags beside
/// content (token estimates, indices) do not count as content.
pub(crate) fn carries(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
