//! Counts and stop reasons of this dialect, read.

use serde_json::Value;

use crate::anthropic::wire::text;
use crate::canon::{Stop, StopReason, Usage};

/// What a `usage` object says beyond what is `known`, which learns it. `None`: nothing. A zero never takes a count back:
/// relays fill members with it that they do not know.
pub(super) fn counts(usage: &Value, known: &mut Usage) -> Option<Usage> {
    let count = |member: &str, known: Option<u64>| {
        let count = usage.get(member)?.as_u64()?;
        (count != 0 || known.is_none()).then_some(count)
    };
    let details = usage.get("output_tokens_details");
    let said = Usage {
        input: count("input_tokens", known.input),
        output: count("output_tokens", known.output),
        cache_read: count("cache_read_input_tokens", known.cache_read),
        cache_write: count("cache_creation_input_tokens", known.cache_write),
        thinking: details.and_then(|details| details.get("thinking_tokens")).and_then(Value::as_u64),
    };
    known.take(said);
    (said != Usage::default()).then_some(said)
}

/// Why the answer ended, from an object that has `stop_reason`.
pub(super) fn stop(holder: &Value) -> Option<Stop> {
    let reason = match text(holder, "stop_reason")? {
        "end_turn" => StopReason::EndTurn,
        "max_tokens" => StopReason::MaxTokens,
        "stop_sequence" => StopReason::StopSequence,
        "tool_use" => StopReason::ToolUse,
        "refusal" => StopReason::Refusal,
        "pause_turn" => StopReason::PauseTurn,
        "model_context_window_exceeded" => StopReason::ContextExceeded,
        word => StopReason::Other(word.to_owned()),
    };
    Some(Stop { reason, sequence: text(holder, "stop_sequence").map(str::to_owned) })
}
