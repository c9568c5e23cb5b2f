//! A whole answer as a client expects it, its counts, its reason, and errors.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::canon::{Losses, Message, Part, StopReason, Usage};
use crate::error::{ErrorFacts, Topic};

/// Writes an answer. `created` is in seconds since the Unix epoch.
pub fn encode_message(message: &Message, model_as_asked: &str, id: &str, created: u64, losses: &mut Losses) -> Bytes {
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &message.parts {
        match part {
            Part::Text(said) => text.push_str(&said.text),
            Part::Thinking(said) => {
                thought.push_str(&said.text);
                if said.signature.as_ref().is_some_and(|signature| !signature.is_empty()) {
                    losses.dropped("content.thinking.signature");
                }
            }
            Part::ToolUse(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.input.text()},
            })),
            Part::Redacted(_) => losses.dropped("content.redacted_thinking"),
            Part::Other { kind, .. } => losses.dropped(format!("content.{kind}")),
            Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => {
                losses.dropped("content");
            }
        }
    }
    let reason = message.stop.as_ref().map(|stop| finish_reason(&stop.reason, !calls.is_empty()));
    let said = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let mut answer = Map::new();
    answer.insert("role".to_owned(), json!("assistant"));
    answer.insert("content".to_owned(), said(text));
    answer.insert("refusal".to_owned(), Value::Null);
    if !thought.is_empty() {
        answer.insert("reasoning_content".to_owned(), json!(thought));
    }
    if !calls.is_empty() {
        answer.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    let body = json!({
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model_as_asked,
        "choices": [{"index": 0, "message": answer, "logprobs": null, "finish_reason": reason}],
        "usage": usage(message.usage),
    });
    body.to_string().into()
}

/// An error of ours by its HTTP status, as clients of this dialect read it.
#[must_use]
pub fn error_body(status: u16, message: &str, request_id: &str) -> Bytes {
    let (kind, code) = kind_and_code(status);
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    json!({"error": error, "request_id": request_id}).to_string().into()
}

/// A provider's refusal: what it is about stands in the code, by which clients tell what to do; else the provider's own
/// code, of which a number says no more than the status.
#[must_use]
pub fn refusal_body(status: u16, facts: &ErrorFacts) -> Bytes {
    let (kind, usual) = kind_and_code(status);
    let own = facts.code.as_deref().filter(|code| code.parse::<u64>().is_err() && *code != kind);
    let code = match facts.topic {
        Topic::ContextTooLong => Some("context_length_exceeded"),
        Topic::Quota => Some("insufficient_quota"),
        Topic::ModelMissing => Some("model_not_found"),
        Topic::Overloaded => Some("server_is_overloaded"),
        Topic::None | Topic::Permission => own.or(usual),
    };
    let message = facts.message.replace(OVERLOADED, "overloaded");
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string().into()
}

/// An error in the middle of a stream, under the provider's own code where it has one. The word for an overload is this
/// dialect's: Anthropic's costs some clients most of their tries.
pub(super) fn error_told(status: u16, kind: &str, message: &str) -> Value {
    let (family, usual) = kind_and_code(status);
    let code = match kind {
        "" => usual,
        OVERLOADED => Some("server_is_overloaded"),
        kind => Some(kind),
    };
    let message = message.replace(OVERLOADED, "overloaded");
    json!({"error": {"message": message, "type": family, "param": null, "code": code}})
}

/// Anthropic's word.
const OVERLOADED: &str = "overloaded_error";

fn kind_and_code(status: u16) -> (&'static str, Option<&'static str>) {
    match status {
        401 => ("authentication_error", Some("invalid_api_key")),
        403 => ("permission_error", None),
        404 => ("invalid_request_error", Some("not_found")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    }
}

/// The prompt's count includes what the cache served and stored.
pub(super) fn usage(usage: Usage) -> Value {
    let (read, write) = (usage.cache_read.unwrap_or_default(), usage.cache_write.unwrap_or_default());
    let prompt = usage.input.unwrap_or_default().saturating_add(read).saturating_add(write);
    let completion = usage.output.unwrap_or_default();
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt.saturating_add(completion),
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
        "completion_tokens_details": {"reasoning_tokens": usage.thinking.unwrap_or_default()},
    })
}

/// The reason in this dialect's words. Clients run calls only where it names them, and wait for calls where it does, so an
/// ordinary end is told by what the answer has.
pub(super) fn finish_reason(reason: &StopReason, calls: bool) -> &'static str {
    match reason {
        StopReason::MaxTokens | StopReason::ContextExceeded => "length",
        StopReason::Refusal => "content_filter",
        _ if calls => "tool_calls",
        StopReason::EndTurn
        | StopReason::ToolUse
        | StopReason::StopSequence
        | StopReason::PauseTurn
        | StopReason::Other(_) => "stop",
    }
}
