//! Decides what kind of content block is open and whether its beginning already carries content.

use serde_json::Value;

use crate::anthropic::wire::{carries, text};

/// Kinds of content blocks, as far as the end of a broken stream depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// `text`.
    Text,
    /// `thinking` and `redacted_thinking`.
    Thinking,
    /// `tool_use`: a call that the client runs.
    ToolUse,
    /// All others: calls and results of the provider's own tools, and kinds to come.
    Other,
}

impl BlockKind {
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "text" => Self::Text,
            "thinking" | "redacted_thinking" => Self::Thinking,
            "tool_use" => Self::ToolUse,
            _ => Self::Other,
        }
    }
}

/// The block that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) kind: BlockKind,
    pub(super) index: u64,
    /// Whether content has come for it, so that further deltas need not be read.
    pub(super) filled: bool,
}

impl Open {
    /// From the data of a `content_block_start`.
    pub(super) fn new(data: &Value) -> Self {
        let block = data.get("content_block").unwrap_or(&Value::Null);
        let kind = BlockKind::of(text(block, "type").unwrap_or_default());
        let index = data.get("index").and_then(Value::as_u64).unwrap_or_default();
        Self {
            kind,
            index,
            filled: kind == BlockKind::Text && text(block, "text").is_some_and(|text| !text.is_empty()),
        }
    }

    /// Whether the beginning itself shows that the model works. Text and thinking begin empty as a rule; calls
    /// have a name, and all other kinds come complete.
    pub(super) fn is_semantic(&self, data: &Value) -> bool {
        const DECORATION: [&str; 2] = ["type", "id"];
        data.get("content_block").and_then(Value::as_object).is_some_and(|block| {
            block.iter().any(|(name, value)| !DECORATION.contains(&name.as_str()) && carries(value))
        })
    }
}
