//! What is understood of an answer, in no dialect: blocks of thought, text and calls, the reason for the end, the counts, and
//! whatever was against the rules.

use serde_json::Value;

use super::{Stopped, Usage};

/// What is understood of an answer, of a stream possibly the beginning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) stopped: Option<Stopped>,
    /// How often it was said that it is whole.
    pub(crate) ends: usize,
    /// How often it was said that something went wrong.
    pub(crate) errors: usize,
    pub(crate) usage: Option<Usage>,
    /// Where it is against the rules of the dialect.
    pub(crate) wrong: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Thought,
    Text,
    Call { id: String, name: String },
    Other,
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) what: What,
    /// Its text, or its arguments.
    pub(crate) text: String,
    /// Nothing more of it comes.
    pub(crate) over: bool,
    /// By which number later events of it name it.
    pub(crate) index: u64,
}

// === impl Heard ===

impl Heard {
    /// Adds to the block of this number, or begins one.
    pub(super) fn add(&mut self, index: u64, what: What, text: &str) {
        match self.block(index) {
            Some(block) if block.what == what => block.text.push_str(text),
            _ => self.begin(index, what, text),
        }
    }

    pub(super) fn begin(&mut self, index: u64, what: What, text: &str) {
        self.blocks.push(Block { what, text: text.to_owned(), over: false, index });
    }

    /// The latest block of this number that is not over.
    pub(super) fn block(&mut self, index: u64) -> Option<&mut Block> {
        self.blocks.iter_mut().rev().find(|block| block.index == index && !block.over)
    }

    pub(super) fn end_all(&mut self) {
        self.blocks.iter_mut().for_each(|block| block.over = true);
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// Whether anything of an answer is in it.
    pub(crate) fn says_something(&self) -> bool {
        self.stopped.is_some()
            || self.blocks.iter().any(|block| !block.text.is_empty() || matches!(block.what, What::Call { .. }))
    }

    pub(crate) fn text(&self) -> String {
        self.all(&What::Text)
    }

    pub(crate) fn thought(&self) -> String {
        self.all(&What::Thought)
    }

    fn all(&self, what: &What) -> String {
        self.blocks.iter().filter(|block| block.what == *what).map(|block| block.text.as_str()).collect()
    }

    /// The calls that a client would run: those that are over.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&str, Value)> {
        self.begun().filter(|(block, _)| block.over).map(|(block, name)| {
            let text = if block.text.is_empty() { "{}" } else { &block.text };
            (name, serde_json::from_str(text).unwrap_or(Value::Null))
        })
    }

    /// All calls, with their names.
    pub(crate) fn begun(&self) -> impl Iterator<Item = (&Block, &str)> {
        self.blocks.iter().filter_map(|block| match &block.what {
            What::Call { name, .. } => Some((block, name.as_str())),
            What::Thought | What::Text | What::Other => None,
        })
    }
}
