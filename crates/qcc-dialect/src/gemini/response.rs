//! Reads an answer in one piece, through the same machine that reads a stream: it is one chunk that has everything.

use serde_json::Value;

use super::stream::Decoder;
use super::wire::{Chunk, Next, only};
use crate::answer::Wrong;
use crate::canon::{Collector, Message, ToolNames};
use crate::error::{ErrorFacts, looks_like_html};
use crate::garbled::readable;

/// Reads the body of an answer to a request that was written with `names` for `model`. A call whose input is no JSON
/// object stands as text and in [`Message::broken`].
///
/// # Errors
/// What the body is instead of an answer.
pub fn decode_message(body: &[u8], names: &ToolNames, model: &str) -> Result<Message, Wrong> {
    let body = json(body)?;
    let body = readable(body).ok_or(Wrong::NotJson)?;
    let Next::Read(chunk, raw) = only::<Chunk<'_>>(&body).ok_or(Wrong::NotJson)? else {
        return Err(in_a_list(&body));
    };
    if chunk.error.is_some() {
        return Err(Wrong::Error(ErrorFacts::in_band(raw.as_bytes())));
    }
    let mut events = Vec::new();
    let mut decoder = Decoder::whole(names.clone(), model);
    decoder.chunk(&chunk, raw, &mut events);
    let stop = decoder.close(&mut events);
    if !decoder.has_started() {
        return Err(Wrong::OtherJson);
    }
    let message = Collector::message(events, stop)?;
    Ok(Message { losses: decoder.losses(), ..message })
}

/// A body that may be JSON.
pub(super) fn json(body: &[u8]) -> Result<&[u8], Wrong> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    if body.is_empty() {
        return Err(Wrong::Empty);
    }
    if looks_like_html(body) { Err(Wrong::Html) } else { Ok(body) }
}

/// Google wraps some errors in a list.
fn in_a_list(body: &str) -> Wrong {
    let items: Vec<Value> = serde_json::from_str(body).unwrap_or_default();
    match items.first() {
        Some(first) if first.get("error").is_some() => Wrong::Error(ErrorFacts::in_band(body.as_bytes())),
        _ => Wrong::OtherJson,
    }
}
