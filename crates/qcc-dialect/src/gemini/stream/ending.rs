//! Why an answer ends, in Google's words.

use crate::canon::{Stop, StopReason};

/// What a `finishReason` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The answer is whole.
    Stop(StopReason),
    /// It is not: the HTTP status that this stands for, and what happened.
    Failed(u16, &'static str),
    /// Nothing.
    Nothing,
}

/// Sorts out the words. `said`: there is content; `called`: with a call.
pub(super) fn find(reason: &str, said: bool, called: bool) -> Found {
    let over = if called { StopReason::ToolUse } else { StopReason::EndTurn };
    let refused = Found::Stop(StopReason::Refusal);
    match reason {
        "" | "FINISH_REASON_UNSPECIFIED" => Found::Nothing,
        "STOP" => Found::Stop(over),
        // What comes after a continuation is asked for in another way, by a token that clients of other dialects have not.
        "MAX_TOKENS" | "CONTINUATION" => Found::Stop(StopReason::MaxTokens),
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "ESCALATION"
        | "MODEL_ARMOR" | "NO_IMAGE" => refused,
        word if word.starts_with("IMAGE_") => refused,
        word if word.starts_with("MALFORMED_") => Found::Failed(502, "the model wrote what cannot be read"),
        "UNEXPECTED_TOOL_CALL" => Found::Failed(502, "the model called a tool that it was not given"),
        "TOO_MANY_TOOL_CALLS" => Found::Failed(502, "the model called too many tools"),
        "MISSING_THOUGHT_SIGNATURE" => {
            Found::Failed(502, "the provider misses the signature of a thought in the conversation")
        }
        "PUP_LIMITED_DISABLED" => Found::Failed(403, "the provider has limited or disabled the account of this key"),
        "OTHER" if said => Found::Stop(over),
        "OTHER" => Found::Failed(502, "the model stopped before it said anything"),
        word => Found::Stop(StopReason::Other(word.to_owned())),
    }
}

/// What is known of the end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    reason: Option<StopReason>,
}

impl Ending {
    /// Takes over a reason; of several the last counts, for old models told one with every chunk.
    pub(super) fn tell(&mut self, reason: StopReason) {
        self.reason = Some(reason);
    }

    /// The prompt itself was refused.
    pub(super) fn block(&mut self) {
        self.reason.get_or_insert(StopReason::Refusal);
    }

    pub(super) fn is_told(&self) -> bool {
        self.reason.is_some()
    }

    /// The reason, given the calls that came, also after it was told.
    pub(super) fn stop(&self, called: bool) -> Option<Stop> {
        let reason = match self.reason.clone()? {
            StopReason::EndTurn if called => StopReason::ToolUse,
            reason => reason,
        };
        Some(Stop { reason, sequence: None })
    }
}
