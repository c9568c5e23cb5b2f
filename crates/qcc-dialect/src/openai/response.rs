//! Reads an answer in one piece, through the same machine that reads a stream: it is one chunk that has everything.

use super::error;
use super::stream::Decoder;
use super::twice::once_each;
use super::wire::Chunk;
use crate::answer::Wrong;
use crate::canon::ToolNames;
use crate::canon::{Collector, Message};
use crate::error::{ErrorFacts, looks_like_html};
use crate::garbled::readable_twice;
use crate::lenient::{Next, only};

/// Reads the body of an answer. A call whose input is no JSON object stands as text and in [`Message::broken`].
///
/// # Errors
/// What the body is instead of an answer.
pub fn decode_message(body: &[u8], names: &ToolNames) -> Result<Message, Wrong> {
    read(body, |chunk, raw| {
        let mut events = Vec::new();
        let mut decoder = Decoder::whole(names.clone());
        decoder.chunk(chunk, raw, &mut events);
        let stop = decoder.close(&mut events);
        let mut message = Collector::message(events, stop)?;
        message.losses.extend(decoder.losses());
        Ok(message)
    })
}

/// Reads a body that has to be an answer.
pub(super) fn read<T>(body: &[u8], answer: impl FnOnce(&Chunk<'_>, &str) -> Result<T, Wrong>) -> Result<T, Wrong> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    if body.is_empty() {
        return Err(Wrong::Empty);
    }
    if looks_like_html(body) {
        return Err(Wrong::Html);
    }
    let body = readable_twice(body).ok_or(Wrong::NotJson)?;
    if let Next::Read(chunk, raw) = only(&body).ok_or(Wrong::NotJson)? {
        return checked(&chunk, raw, answer);
    }
    let mended = once_each(&body).ok_or(Wrong::OtherJson)?;
    let chunk = serde_json::from_str(&mended).map_err(|_| Wrong::OtherJson)?;
    checked(&chunk, &mended, answer)
}

fn checked<T>(
    chunk: &Chunk<'_>,
    raw: &str,
    answer: impl FnOnce(&Chunk<'_>, &str) -> Result<T, Wrong>,
) -> Result<T, Wrong> {
    if let Some(told) = error::told(chunk, raw) {
        return Err(Wrong::Error(ErrorFacts::in_band(told.as_bytes())));
    }
    if chunk.choices.as_ref().is_none_or(|choices| choices.0.is_empty()) {
        return Err(Wrong::OtherJson);
    }
    answer(chunk, raw)
}
