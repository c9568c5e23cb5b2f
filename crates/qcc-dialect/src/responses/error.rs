//! What errors of this dialect say: `response.failed`, the `error` event in its flat and its nested form, and error bodies.
//!
//! All are read by [`ErrorFacts`]; only the codes that this dialect has of its own are told apart here. Most of those name
//! something that is wrong with the request, and without that they would count against the provider.

use serde_json::json;
use serde_json::value::RawValue;

use crate::canon::Event;
use crate::error::{ErrorFacts, Topic, topic};
use crate::faults::{fault, quoted};
use crate::openai::error::not_a_stream as not_a_chat_stream;

/// The status of an answer that is not what it claims to be.
const BAD_GATEWAY: u16 = 502;

/// Codes of `response.error` and the HTTP status that each stands for; see `ResponseError` in OpenAI's reference.
const CODES: &[(&str, u16)] = &[
    ("bio_policy", 400),
    ("misalignment_policy_violation", 400),
    ("data_residency_mismatch", 400),
    ("invalid_image", 400),
    ("invalid_image_format", 400),
    ("invalid_base64_image", 400),
    ("invalid_image_url", 400),
    ("invalid_image_mode", 400),
    ("image_too_large", 400),
    ("image_too_small", 400),
    ("image_parse_error", 400),
    ("image_content_policy_violation", 400),
    ("image_file_too_large", 400),
    ("unsupported_image_media_type", 400),
    ("empty_image_file", 400),
    ("failed_to_download_image", 400),
    ("image_file_not_found", 400),
    ("cyber_policy", 400),
    ("vector_store_timeout", 504),
];

/// An error within a stream or under status 200: the data of an `error` event, a `response.error`, or a body.
pub(super) fn in_band(data: &[u8]) -> ErrorFacts {
    let mut facts = ErrorFacts::in_band(data);
    let code = facts.code.as_deref().unwrap_or_default();
    if let Some(&(_, status)) = CODES.iter().find(|(known, _)| *known == code) {
        facts.status = status;
    }
    facts
}

/// The error of a failed response; one without an error tells only that it failed.
pub(super) fn failed(error: Option<&RawValue>) -> ErrorFacts {
    let mut facts = in_band(error.map_or("null", RawValue::get).as_bytes());
    if facts.message.is_empty() {
        "the provider's response failed without a reason".clone_into(&mut facts.message);
    }
    facts
}

/// An answer that was stopped at the provider.
pub(super) fn cancelled() -> Event {
    fault(BAD_GATEWAY, "cancelled", "the provider cancelled the answer".to_owned())
}

/// JSON that this dialect does not have.
pub(super) fn other_json(data: &str) -> Event {
    let message =
        format!("the provider sent JSON that is no event of Responses (hint: check its type): {}", quoted(data));
    fault(BAD_GATEWAY, "other_dialect", message)
}

/// Text that is no stream: an error object without `data:`, a web page, anything else.
pub(super) fn not_a_stream(body: &[u8]) -> Event {
    let is_object = body.trim_ascii_start().starts_with(b"{");
    if is_object { Event::fault(in_band(body)) } else { not_a_chat_stream(body) }
}

/// The code of `response.error` for a client, of which an in-band error's status can be told again. A kind that says the
/// same is kept, for clients act on it: at `context_length_exceeded` codex compacts the conversation.
pub(super) fn code_of(status: u16, kind: &str, message: &str) -> String {
    if topic::of(status, Some(kind), None, message) == Topic::ContextTooLong {
        return "context_length_exceeded".to_owned();
    }
    let says = |code: &str| in_band(json!({"code": code}).to_string().as_bytes()).status == status;
    if !kind.is_empty() && kind != "overloaded_error" && says(kind) {
        return kind.to_owned();
    }
    match status {
        401 => "invalid_api_key",
        402 => "payment_required",
        403 => "permission_denied",
        404 => "not_found",
        408 | 504 => "timeout",
        413 => "payload_too_large",
        422 => "unprocessable",
        429 => "rate_limit_exceeded",
        400..500 => "invalid_prompt",
        503 | 529 => "server_is_overloaded",
        _ => "server_error",
    }
    .to_owned()
}
