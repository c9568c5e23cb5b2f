//! Stop reasons of this dialect, read.

use serde_json::Value;

use crate::anthropic::wire::text;
use crate::canon::{Stop, StopReason};

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
