//! Decides how a stream ends that its provider broke off after commit.
//!
//! Clients keep blocks that have ended and drop the rest; what they do then was measured:
//!
//! - Nothing ended yet: an `error` event and an abort make the client ask again by itself. A clean end
//!   would make some take the fragment for whole.
//! - A tool call ended last: the client runs it and goes on, so the message is closed properly. If another
//!   block is open at the break, it decides:
//!   - text with content is whole enough: it is closed, the half sentence harms nobody;
//!   - a half tool call must never look like a whole one (an SDK that collects blocks would run it with
//!     half its input), thinking without its signature is refused when it comes back in the next request,
//!     and so is an empty text. Each gets an `error` event, then an abort: Claude Code keeps and
//!     runs the ended call in that case too, and SDKs raise.
//! - Text or thinking ended last: nothing repairs it, and a second try would double it. An `error` event and
//!   a clean end keep what is there and say that it is not all.
//!
//! A stop reason changes nothing of this: an answer is whole at its terminal event, and a provider that leaves
//! that out may have left out more.
//!
//! Where the provider has sent an `error` event of its own, ours would be a second one and is left out.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{BlockKind, Watcher};
use crate::watch::Closing;

/// How far an answer had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The terminal event was seen.
    Whole,
    /// No block has ended.
    FirstBlock,
    /// The block that ended last is a call that the client runs.
    AfterToolUse,
    /// The block that ended last is text, thinking or something of the provider's own.
    AfterText,
}

impl Watcher {
    /// How far the answer has come.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match self.last_ended {
            _ if self.terminal => Ending::Whole,
            None => Ending::FirstBlock,
            Some(BlockKind::ToolUse) => Ending::AfterToolUse,
            Some(BlockKind::Text | BlockKind::Thinking | BlockKind::Other) => Ending::AfterText,
        }
    }

    /// What to append after a break, and whether to abort then.
    ///
    /// Only at an event's end: inside an oversized event nothing may be appended and the one right end is an
    /// abort. `message` is for people; it must not contain the words `overloaded_error`.
    #[must_use]
    pub fn closing(&self, request_id: &str, message: &str) -> Closing {
        if self.terminal {
            return Closing { bytes: Bytes::new(), abort: false };
        }
        let error = |abort| {
            let bytes = if self.failed { Bytes::new() } else { error_event(request_id, message).into() };
            Closing { bytes, abort }
        };
        match self.ending() {
            Ending::Whole | Ending::AfterText => error(false),
            Ending::FirstBlock => error(true),
            Ending::AfterToolUse => {
                self.close_message().map_or_else(|| error(true), |bytes| Closing { bytes, abort: false })
            }
        }
    }

    /// The end of a message whose tool call is whole; none if the open block cannot be closed harmlessly.
    fn close_message(&self) -> Option<Bytes> {
        let mut events = String::new();
        if let Some(open) = &self.open {
            if open.kind != BlockKind::Text || !open.filled {
                return None;
            }
            events += &event("content_block_stop", &json!({"type": "content_block_stop", "index": open.index}));
        }
        if self.stop_reason.is_none() {
            let delta = json!({
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use", "stop_sequence": null},
                "usage": {"output_tokens": self.usage.output.unwrap_or_default()},
            });
            events += &event("message_delta", &delta);
        }
        events += &message_stop();
        Some(events.into())
    }
}

fn message_stop() -> String {
    event("message_stop", &json!({"type": "message_stop"}))
}

/// Always `api_error`: the client treats all types alike here, but `overloaded_error` costs it its tries.
fn error_event(request_id: &str, message: &str) -> String {
    let data = json!({
        "type": "error",
        "error": {"type": "api_error", "message": message},
        "request_id": request_id,
    });
    event("error", &data)
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
