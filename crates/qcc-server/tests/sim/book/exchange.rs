//! A request as a provider sees it, and what it answered.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Ask, Print, Sample};
use crate::nature::Nature;
use crate::net::Stamp;
use crate::speech::trouble::Trouble;
use crate::speech::{Dialect, Question, Said};

/// One attempt.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) provider: usize,
    /// What the provider speaks.
    pub(crate) dialect: Dialect,
    pub(crate) ask: usize,
    pub(crate) counts: bool,
    /// When the gateway wrote its first byte.
    pub(crate) began: Stamp,
    pub(crate) headers: Vec<(String, String)>,
    /// `None`: its body did not arrive.
    pub(crate) print: Option<Print>,
    /// What it asks. `None`: it did not arrive, or is not of the provider's dialect.
    pub(crate) question: Option<Question>,
    pub(crate) nature: Nature,
    pub(crate) sample: Option<Sample>,
    pub(crate) status: u16,
    /// The body that the answer has, or would have.
    pub(crate) frames: Vec<Bytes>,
    /// When each of them was written to its end, of those that were.
    pub(crate) written: Vec<Stamp>,
    /// What the whole body says, where it is an answer.
    pub(crate) said: Option<Said>,
    /// What it says that is wrong.
    pub(crate) trouble: Option<Trouble>,
    /// The answer is whole and everything of it was written.
    pub(crate) whole: bool,
    /// The body ended as its framing says.
    pub(crate) in_order: bool,
    /// When its last piece was written, which may be the terminal event.
    pub(crate) told: Option<Stamp>,
    pub(crate) over: Option<Stamp>,
    /// When the gateway let go of the connection.
    pub(crate) gone: Arc<Mutex<Option<Stamp>>>,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn payload(&self) -> Vec<u8> {
        self.frames.concat()
    }

    /// The pieces that were written to their end.
    pub(crate) fn sent(&self) -> &[Bytes] {
        &self.frames[..self.written.len()]
    }

    /// Whether it passes between equal dialects.
    pub(crate) fn is_of(&self, ask: &Ask) -> bool {
        self.dialect == ask.dialect
    }

    /// Whether the provider answers with a stream.
    pub(crate) fn streams(&self) -> bool {
        !self.counts && self.question.as_ref().is_some_and(|question| question.stream)
    }

    /// Whether what was written says that it is whole, whatever happened then.
    pub(crate) fn is_terminal(&self) -> bool {
        if !self.streams() {
            return self.whole;
        }
        // What says so is never far from the end.
        let sent = self.sent();
        let written = self.dialect.hear(&sent[sent.len().saturating_sub(5)..].concat());
        written.errors == 0 && (written.ends > 0 || self.dialect == Dialect::Openai && written.stopped.is_some())
    }

    /// Whether nobody can doubt that it is whole. What has no mark at its end is whole if its body ends in order.
    pub(crate) fn is_surely_terminal(&self) -> bool {
        let marked = !self.streams() || matches!(self.dialect, Dialect::Anthropic | Dialect::Responses);
        self.is_terminal() && (marked || self.in_order)
    }

    /// When the attempt can have ended at the earliest.
    pub(crate) fn end(&self) -> Option<Stamp> {
        [self.told, self.freed()].into_iter().flatten().min()
    }

    /// When its connection can have been free at the earliest.
    pub(crate) fn freed(&self) -> Option<Stamp> {
        let gone = *self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        [self.over, gone].into_iter().flatten().min()
    }
}
