//! An answer while it comes. The grammar that every decoder keeps and every encoder may rely on:
//!
//! `Start (Open Delta* Close)* Usage* Stop? Usage* End`, or a cut of it anywhere, or `Fault` and then nothing. `Usage` may
//! also stand between blocks. There is no `End` without `Stop`: a stream that ends without either was cut.

use super::{Json, Stop, Usage};
use crate::error::ErrorFacts;

/// What a block has beside its content, in bytes.
const FRAME: usize = 96;

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: Option<String>,
        /// The model as the provider names it.
        model: Option<String>,
    },
    /// A block begins.
    Open(Block),
    /// More of the open block.
    Delta(Delta),
    /// The open block ends.
    Close,
    /// Token counts, each report over those before.
    Usage(Usage),
    /// Why the answer ends.
    Stop(Stop),
    /// It is whole.
    End,
    /// The provider reports an error instead of going on.
    Fault {
        /// The HTTP status that it stands for.
        status: u16,
        /// The error's type or code as the provider names it; empty: it has none.
        kind: String,
        /// What it says.
        message: String,
    },
}

impl Event {
    /// About how much of the answer it is, in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Delta(Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Input(text)) => {
                text.len()
            }
            Self::Open(Block::Redacted(data)) => FRAME + data.len(),
            Self::Open(Block::Other { raw, .. }) => FRAME + raw.text().len(),
            Self::Open(Block::ToolUse { id, name }) => FRAME + id.len() + name.len(),
            Self::Open(Block::Text | Block::Thinking) => FRAME,
            _ => 0,
        }
    }

    /// An error of the provider's as the last word of a stream.
    pub(crate) fn fault(facts: ErrorFacts) -> Self {
        // A code that is a number says no more than the status.
        let is_word = |code: &String| code.parse::<u64>().is_err();
        let kind = facts.code.clone().filter(is_word).or(facts.kind).or(facts.code).unwrap_or_default();
        let message = if facts.message.is_empty() {
            "the provider reports an error without a text".to_owned()
        } else {
            facts.message
        };
        Self::Fault { status: facts.status, kind, message }
    }
}

/// What a block is.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Text.
    Text,
    /// Thinking.
    Thinking,
    /// Thinking, sealed; there are no deltas.
    Redacted(String),
    /// A call.
    ToolUse {
        /// Names it; never empty.
        id: String,
        /// The tool.
        name: String,
    },
    /// One that only its own dialect knows; there are no deltas.
    Other {
        /// Its type, as on the wire.
        kind: String,
        /// All of it.
        raw: Json,
    },
}

/// More of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Of text.
    Text(String),
    /// Of thinking.
    Thinking(String),
    /// The signature of thinking, whole.
    Signature(String),
    /// Of a call's input: JSON text, in pieces. All pieces together may be empty, which is `{}`.
    Input(String),
}
