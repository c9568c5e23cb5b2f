//! Why an answer ends, in vendors' words.

use crate::canon::{Stop, StopReason};

/// What a `finish_reason` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::openai) enum Found<'a> {
    /// The answer is whole.
    Stop(&'a str),
    /// It is not: the HTTP status that this stands for, and what happened.
    Failed(u16, &'static str),
    /// The answer goes on: some write the word for nothing as a text.
    Nothing,
}

/// Sorts out the words that tell of a failure: OpenRouter's, DeepSeek's, GLM's, vLLM's.
pub(in crate::openai) fn find(reason: &str) -> Found<'_> {
    match reason {
        "" | "null" => Found::Nothing,
        "error" => Found::Failed(502, "the model failed while it answered"),
        "insufficient_system_resource" => Found::Failed(503, "the provider ran out of resources while it answered"),
        "network_error" => Found::Failed(502, "the provider lost its model while it answered"),
        "abort" => Found::Failed(502, "the provider broke off the answer"),
        reason => Found::Stop(reason),
    }
}

/// What is known of the end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    reason: Option<String>,
    sequence: Option<String>,
    refused: bool,
    called: bool,
}

impl Ending {
    /// Takes over a reason; of several the last counts.
    pub(super) fn tell(&mut self, reason: &str, sequence: Option<&str>) {
        self.reason = Some(reason.to_owned());
        self.sequence = sequence.map(str::to_owned);
    }

    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    pub(super) fn call(&mut self) {
        self.called = true;
    }

    pub(super) fn is_told(&self) -> bool {
        self.reason.is_some()
    }

    /// Whether a limit cut the answer, so that the input of a call may be half.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.neutral(), Some(StopReason::MaxTokens | StopReason::ContextExceeded | StopReason::Refusal))
    }

    pub(super) fn stop(&self) -> Option<Stop> {
        let reason = self.neutral()?;
        // A matched text counts only beside a plain stop; vendors fill the member for their own marks too.
        let sequence = self.sequence.clone().filter(|_| reason == StopReason::EndTurn);
        let reason = if sequence.is_some() { StopReason::StopSequence } else { reason };
        Some(Stop { reason, sequence })
    }

    fn neutral(&self) -> Option<StopReason> {
        let reason = match self.reason.as_deref()? {
            // Vendors say "stop" after calls and "tool_calls" without any.
            "stop" | "tool_calls" | "function_call" | "end_turn" | "eos" | "tool_use" | "stop_sequence" => {
                if self.called { StopReason::ToolUse } else { StopReason::EndTurn }
            }
            "length" | "max_tokens" | "max_output_tokens" => StopReason::MaxTokens,
            "model_length" | "model_context_window_exceeded" => StopReason::ContextExceeded,
            "content_filter" | "sensitive" | "safety" | "refusal" | "recitation" => StopReason::Refusal,
            other => StopReason::Other(other.to_owned()),
        };
        Some(if self.refused && reason == StopReason::EndTurn { StopReason::Refusal } else { reason })
    }
}
