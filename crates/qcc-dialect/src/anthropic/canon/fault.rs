//! Errors of other dialects in this one's words.
//!
//! An error inside a stream has no status: who reads it concludes the status from its type, and so does the relay before
//! commit (`ErrorFacts::in_band`). What a type cannot say is left to `error_code`. `overloaded_error` is never written: it
//! costs Claude Code most of its tries.

use bytes::Bytes;
use serde_json::json;

use crate::error::{ErrorFacts, Topic, topic};

/// The type of an error by its HTTP status.
#[must_use]
pub fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    }
}

/// A provider's refusal.
#[must_use]
pub fn refusal_body(status: u16, facts: &ErrorFacts) -> Bytes {
    let message = error_message(facts.topic, &facts.message);
    json!({"type": "error", "error": {"type": error_type(status), "message": message}}).to_string().into()
}

/// What an error says, in words by which clients of this dialect know what to do: on a prompt that is too long Claude Code
/// compacts the conversation, but only if it is told so as Anthropic does.
#[must_use]
pub(crate) fn error_message(topic: Topic, message: &str) -> String {
    const TOO_LONG: &str = "prompt is too long";
    const LIMITS: &str = "exceed context limit";
    let message = message.replace("overloaded_error", "overloaded");
    if topic != Topic::ContextTooLong || message.contains(TOO_LONG) || message.contains(LIMITS) {
        return message;
    }
    match sizes(&message) {
        Some((tokens, maximum)) => format!("{TOO_LONG}: {tokens} tokens > {maximum} maximum"),
        None => format!("{TOO_LONG}: {message}"),
    }
}

/// The prompt's size and the most that is allowed, if the text names two sizes: the larger one is the prompt's.
fn sizes(message: &str) -> Option<(u64, u64)> {
    let numbers = message.split(|c: char| !c.is_ascii_digit() && c != ',');
    let mut sizes: Vec<u64> = numbers.filter_map(|text| text.replace(',', "").parse().ok()).collect();
    // Years, versions and parts of a sum beside them are no sizes of prompts.
    sizes.retain(|&size| size >= 4096);
    let (prompt, maximum) = (*sizes.iter().max()?, *sizes.iter().min()?);
    (prompt > maximum).then_some((prompt, maximum))
}

/// What is left to `error_code`: the provider's own word, unless it is the type already.
pub(super) fn error_code<'a>(status: u16, kind: &'a str, message: &str) -> Option<&'a str> {
    let overloaded = topic::of(status, Some(kind), None, message) == Topic::Overloaded;
    match kind {
        _ if overloaded => Some("provider_overloaded"),
        "" => None,
        kind => Some(kind).filter(|&kind| kind != error_type(status)),
    }
}

/// What the error is about.
pub(super) fn topic_of(status: u16, kind: &str, message: &str) -> Topic {
    topic::of(status, Some(kind), None, message)
}
