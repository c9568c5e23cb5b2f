//! What errors of this dialect say, and how those in the middle of an answer are told.
//!
//! The shapes differ more than anywhere: an object, a text, vLLM's flat one, FastAPI's `detail`, OpenRouter's number with
//! the vendor's own error inside. They are all read by [`ErrorFacts`].

use serde_json::value::RawValue;

use super::wire::Chunk;
use crate::canon::Event;
use crate::error::{ErrorFacts, looks_like_html};
use crate::faults::{QUOTED, fault, in_band, quoted};
use crate::lenient::text;

/// The kind of an error that is told by the reason for the end alone.
const FAILED: &str = "finish_reason";

/// The error in a chunk or a body, if it is one and not an answer.
pub(crate) fn told<'a>(chunk: &Chunk<'a>, whole: &'a str) -> Option<&'a str> {
    let choices = chunk.choices.as_ref().map(|choices| choices.0.as_slice()).unwrap_or_default();
    let typed = chunk.r#type.is_some() && chunk.code.is_none();
    let bare =
        !typed && chunk.choices.is_none() && [chunk.code, chunk.detail, chunk.message].iter().any(Option::is_some);
    if chunk.error.is_some() || bare || text(chunk.object).as_deref() == Some("error") {
        return Some(whole);
    }
    let beside = chunk.x_groq.as_ref().and_then(|groq| groq.error);
    choices.iter().find_map(|choice| choice.error).or(beside).map(RawValue::get)
}

/// A reason for the end that is none.
pub(crate) fn failed(status: u16, why: &str) -> Event {
    fault(status, FAILED, why.to_owned())
}

/// The same for a relay that passes on what it reads.
pub(crate) fn failed_facts(status: u16, why: &str) -> ErrorFacts {
    ErrorFacts::stated(status, FAILED.to_owned(), why.to_owned())
}

/// JSON that this dialect does not have.
pub(crate) fn other_json(data: &str) -> Event {
    let message = format!(
        "the provider sent JSON that is no chunk of chat completions (hint: check the provider's type): {}",
        quoted(data)
    );
    fault(502, "other_dialect", message)
}

/// Text that is no stream: an error object without `data:`, a web page, anything else.
pub(crate) fn not_a_stream(body: &[u8]) -> Event {
    if looks_like_html(body) {
        let message = "the provider sent a web page instead of a stream (hint: check base_url)";
        return fault(502, "html", message.to_owned());
    }
    if body.trim_ascii_start().starts_with(b"{") {
        return in_band(body);
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * QUOTED)]).into_owned();
    fault(502, "not_a_stream", format!("the provider sent text that is no stream: {}", quoted(text.trim())))
}
