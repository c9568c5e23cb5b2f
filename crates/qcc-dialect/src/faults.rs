//! Faults in the middle of an answer that more than one dialect tells.

use crate::canon::Event;
use crate::error::ErrorFacts;

/// Most of an unreadable event that is quoted, in characters.
pub(crate) const QUOTED: usize = 120;

/// An error within a stream.
pub(crate) fn in_band(data: &[u8]) -> Event {
    Event::fault(ErrorFacts::in_band(data))
}

/// A call that must not be run.
pub(crate) fn broken(why: &str) -> Event {
    fault(502, "broken_tool_call", why.to_owned())
}

/// Data that is no JSON.
pub(crate) fn not_json(data: &str) -> Event {
    fault(502, "not_json", format!("the provider sent an event that is not JSON: {}", quoted(data)))
}

pub(crate) fn fault(status: u16, kind: &str, message: String) -> Event {
    Event::Fault { status, kind: kind.to_owned(), message }
}

pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}
