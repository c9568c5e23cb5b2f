//! Reads an answer in one piece, through the same machine that reads a stream: it is a response at its end. And counts.

use serde_json::value::RawValue;

use super::error;
use super::stream::Decoder;
use super::usage::Counts;
use super::wire::{Response, text};
use crate::answer::{Told, Wrong};
use crate::canon::{Collector, Event, Message, ToolNames};
use crate::error::ErrorFacts;
use crate::error::looks_like_html;
use crate::garbled::readable_twice;

/// Reads the body of an answer. A call whose input is no JSON object stands as text and in [`Message::broken`]. One that
/// the provider has not ended has no [`Message::stop`].
///
/// # Errors
/// What the body is instead of an answer.
pub fn decode_message(body: &[u8], names: &ToolNames) -> Result<Message, Wrong> {
    let body = readable_twice(body).ok_or(Wrong::NotJson)?;
    let raw = json(&body)?;
    let ended = ended(&response(raw)?);
    let mut events = Vec::new();
    let mut decoder = Decoder::whole(names.clone());
    decoder.response(Some(raw), false, &mut events);
    let mut collector = Collector::new();
    for event in events {
        if let Event::Fault { status, kind, message } = event {
            return Err(Wrong::Error(ErrorFacts::stated(status, kind, message)));
        }
        collector.push(event);
    }
    let mut message = collector.finish().ok_or(Wrong::OtherJson)?;
    message.losses = decoder.losses();
    if !ended {
        message.stop = None;
    }
    Ok(message)
}

/// Whether a 200 body of `/v1/responses` is an answer, for a relay between equal dialects, and what the log wants to know.
///
/// # Errors
/// What it is instead.
pub fn read_message(body: &[u8]) -> Result<Told, Wrong> {
    let body = String::from_utf8_lossy(body);
    let response = response(json(&body)?)?;
    Ok(told(&response))
}

/// The count in a 200 body of `/v1/responses/input_tokens`.
///
/// # Errors
/// What it is instead.
pub fn decode_count(body: &[u8]) -> Result<u64, Wrong> {
    #[derive(serde::Deserialize)]
    struct Count<'a> {
        #[serde(borrow)]
        input_tokens: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let body = readable_twice(body).ok_or(Wrong::NotJson)?;
    let raw = json(&body)?;
    let count: Count<'_> = serde_json::from_str(raw.get()).map_err(|_| Wrong::OtherJson)?;
    if count.error.is_some() {
        return Err(Wrong::Error(error::in_band(raw.get().as_bytes())));
    }
    count.input_tokens.and_then(|count| count.get().parse().ok()).ok_or(Wrong::OtherJson)
}

/// Why a response ended, in this dialect's words, its id and its counts.
pub(super) fn told(response: &Response<'_>) -> Told {
    let status = text(response.status).map(Into::into);
    let mut counts = Counts::default();
    if let Some(usage) = response.usage {
        counts.take(usage.get());
    }
    Told {
        id: text(response.id).map(Into::into),
        stop_reason: response.reason().or(status),
        usage: counts.canon().unwrap_or_default(),
    }
}

fn json(body: &str) -> Result<&RawValue, Wrong> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body).trim();
    if body.is_empty() {
        return Err(Wrong::Empty);
    }
    if looks_like_html(body.as_bytes()) {
        return Err(Wrong::Html);
    }
    serde_json::from_str(body).map_err(|_| Wrong::NotJson)
}

/// A response that has not failed.
fn response(raw: &RawValue) -> Result<Response<'_>, Wrong> {
    let response = Response::of(raw).ok_or(Wrong::OtherJson)?;
    let listed = response.output.is_some_and(|output| output.get().starts_with('['));
    let named = text(response.object).is_none_or(|object| object == "response");
    match text(response.status).as_deref() {
        Some("failed") => return Err(Wrong::Error(error::failed(response.error))),
        Some("cancelled") if listed => return Err(Wrong::Error(error::failed(response.error))),
        _ => {}
    }
    if !listed && (response.error.is_some() || text(response.object).as_deref() == Some("error")) {
        return Err(Wrong::Error(error::in_band(raw.get().as_bytes())));
    }
    if listed && named { Ok(response) } else { Err(Wrong::OtherJson) }
}

/// Whether the provider says that it is over. Those who copied the dialect say nothing of it.
fn ended(response: &Response<'_>) -> bool {
    text(response.status).is_none_or(|status| matches!(&*status, "completed" | "incomplete"))
}
