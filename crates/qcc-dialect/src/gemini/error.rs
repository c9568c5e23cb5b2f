//! How errors of this dialect are told in the middle of an answer. What they say is read by
//! [`ErrorFacts`](crate::error::ErrorFacts), which knows Google's status words and details.

use serde_json::value::RawValue;

use crate::canon::Event;
use crate::error::looks_like_html;
use crate::faults::{fault, in_band, quoted};

/// JSON that this dialect does not have.
pub(super) fn other_json(data: &str) -> Event {
    let message = format!(
        "the provider sent JSON that is no chunk of Gemini's (hint: check the provider's type): {}",
        quoted(data)
    );
    fault(502, "other_dialect", message)
}

/// Several values in one list: an error that is wrapped in one, or a stream that nobody asked to come as events.
pub(super) fn list(data: &str) -> Event {
    let items: Vec<&RawValue> = serde_json::from_str(data).unwrap_or_default();
    if items.iter().any(|item| is_error(item.get())) {
        return in_band(data.as_bytes());
    }
    let message = "the provider sent its stream as one JSON list instead of events (hint: a relay drops ?alt=sse from the \
                   address; check base_url)";
    fault(502, "json_list", message.to_owned())
}

/// Text that is no stream: an error object without `data:`, a web page, a list, anything else.
pub(super) fn not_a_stream(body: &[u8]) -> Event {
    if looks_like_html(body) {
        let message = "the provider sent a web page instead of a stream (hint: check base_url)";
        return fault(502, "html", message.to_owned());
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.chars().next() {
        Some('[') => list(text),
        Some('{') if is_error(text) => in_band(text.as_bytes()),
        _ => fault(502, "not_a_stream", format!("the provider sent text that is no stream: {}", quoted(text))),
    }
}

/// A reason for the end that is none.
pub(super) fn failed(status: u16, reason: &str, why: &str, told: Option<&str>) -> Event {
    let told = told.map(|told| format!(": {}", quoted(told))).unwrap_or_default();
    fault(status, reason, format!("{why} ({reason}){told}"))
}

/// Whether lines that are no fields are an error object.
pub(super) fn is_error_event(event: &[u8]) -> bool {
    std::str::from_utf8(event).is_ok_and(|text| is_error(text.trim()))
}

fn is_error(json: &str) -> bool {
    serde_json::from_str(json).is_ok_and(|Envelope { error }| error.is_some())
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}
