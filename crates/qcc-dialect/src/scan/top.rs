//! Decides what the scanner notes on its way: the members at the top level that matter, and in `metadata` and
//! `messages` the little below them that tells conversations apart.
//!
//! The scanner reports only from levels that are watched. That is the top level, and more only inside `metadata` and up
//! to the end of the first message of the user, so that the rest of a body costs one comparison for each value.

use std::ops::Range;

use super::clues::{Clues, asks_for_an_hour, is_text};
use super::{Envelope, Notes, ScanError};

/// Marks of the prompt cache that are looked at. The API refuses more than 4.
const MAX_MARKS: u8 = 16;

/// The members that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Model,
    Stream,
    System,
    Messages,
    Tools,
    Metadata,
    PromptCacheKey,
}

impl Member {
    /// By its name with the quotes.
    fn named(quoted: &[u8]) -> Option<Self> {
        match quoted {
            b"\"model\"" => Some(Self::Model),
            b"\"stream\"" => Some(Self::Stream),
            b"\"system\"" => Some(Self::System),
            b"\"messages\"" => Some(Self::Messages),
            b"\"tools\"" => Some(Self::Tools),
            b"\"metadata\"" => Some(Self::Metadata),
            b"\"prompt_cache_key\"" => Some(Self::PromptCacheKey),
            _ if memchr::memchr(b'\\', quoted).is_none() => None,
            // Printed again it has no escapes left, so this ends.
            _ => {
                let plain = serde_json::from_slice::<String>(quoted).ok().filter(|name| !name.contains(['\\', '"']))?;
                Self::named(format!("\"{plain}\"").as_bytes())
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Top {
    /// Deepest level that is reported. Level 1 is the inside of the body's object; 0 reports nothing.
    watched: usize,
    /// The member whose value comes next or is being read, with the start of that value.
    due: Option<(Member, usize)>,
    model: Option<Range<usize>>,
    stream: Option<Range<usize>>,
    twice: Option<&'static str>,
    clues: Clues,
    /// Start of the message that is being read.
    message: usize,
    /// Whether that message is the user's, as far as it was read.
    is_user: bool,
    /// The value of `metadata.user_id` or of a message's `role` comes next or is being read; where it starts.
    inner: Option<usize>,
    marks: u8,
}

impl Notes for Top {
    fn watched(&self) -> usize {
        self.watched
    }

    fn key(&mut self, level: usize, body: &[u8], quoted: Range<usize>) {
        let quoted = &body[quoted];
        match (level, self.due) {
            (1, _) => self.top_key(quoted),
            (2, Some((Member::Metadata, _))) => self.inner = is_text(quoted, "user_id").then_some(0),
            (3, Some((Member::Messages, _))) => self.inner = is_text(quoted, "role").then_some(0),
            _ => {}
        }
    }

    fn begins(&mut self, level: usize, body: &[u8], at: usize) {
        match (level, &mut self.due) {
            (1, Some((member, start))) => {
                *start = at;
                match (member, body.get(at)) {
                    (Member::Metadata, Some(b'{')) => self.watched = 2,
                    (Member::Messages, Some(b'[')) => self.watched = 3,
                    _ => {}
                }
            }
            (2, Some((Member::Messages, _))) => (self.message, self.is_user) = (at, false),
            _ => {
                if let Some(start) = &mut self.inner {
                    *start = at;
                }
            }
        }
    }

    fn ended(&mut self, level: usize, body: &[u8], end: usize) {
        match (level, self.due) {
            (1, Some((member, start))) => {
                self.due = None;
                self.watched = 1;
                self.member_ended(member, body, start..end);
            }
            (2, Some((Member::Messages, _))) if self.is_user => {
                self.clues.first_user = Some(self.message..end);
                self.watched = 1;
            }
            (2, Some((Member::Metadata, _))) => {
                if let Some(start) = self.inner.take() {
                    self.clues.user_id = string_at(body, start..end);
                }
            }
            (3, Some((Member::Messages, _))) => {
                if let Some(start) = self.inner.take() {
                    self.is_user = is_text(&body[start..end], "user");
                }
            }
            _ => {}
        }
    }

    /// Notes a `cache_control` whose value comes next, wherever it is. It counts where the API takes it: for the whole
    /// request, on a block of the system, on a tool, and on a block of a message.
    fn marked(&mut self, level: usize, rest: &[u8]) {
        let counts = match self.due {
            None => level == 1,
            Some((Member::System | Member::Tools, _)) => level == 3,
            Some((Member::Messages, _)) => level == 5,
            Some(_) => false,
        };
        if counts && !self.clues.long_cache && self.marks < MAX_MARKS {
            self.marks += 1;
            self.clues.long_cache = asks_for_an_hour(rest);
        }
    }
}

impl Top {
    /// One that is told of the members at the top.
    pub(super) fn watching() -> Self {
        Self { watched: 1, ..Self::default() }
    }

    fn top_key(&mut self, quoted: &[u8]) {
        let Some(member) = Member::named(quoted) else { return };
        self.due = Some((member, 0));
        match member {
            Member::Model if self.model.is_some() => self.twice = Some("model"),
            Member::Stream if self.stream.is_some() => self.twice = Some("stream"),
            // Of all others the last one counts.
            Member::Metadata => self.clues.user_id = None,
            Member::Messages => self.clues.first_user = None,
            _ => {}
        }
    }

    fn member_ended(&mut self, member: Member, body: &[u8], value: Range<usize>) {
        match member {
            Member::Model => self.model = Some(value),
            Member::Stream => self.stream = Some(value),
            Member::System => self.clues.system = Some(value),
            Member::PromptCacheKey => self.clues.prompt_cache_key = string_at(body, value),
            Member::Messages | Member::Tools | Member::Metadata => {}
        }
    }

    pub(super) fn envelope(self, body: &[u8]) -> Result<Envelope, ScanError> {
        if let Some(name) = self.twice {
            return Err(ScanError::DuplicateKey(name));
        }
        let model = self.model.ok_or(ScanError::MissingModel)?;
        let model_name: String =
            serde_json::from_slice(&body[model.clone()]).map_err(|_| ScanError::ModelNotAString)?;
        if model_name.is_empty() {
            return Err(ScanError::EmptyModel);
        }
        let stream = match self.stream.map(|at| &body[at]) {
            Some(b"true") => true,
            Some(b"false" | b"null") | None => false,
            Some(_) => return Err(ScanError::StreamNotABool),
        };
        Ok(Envelope { model, model_name, stream, clues: self.clues })
    }
}

fn string_at(body: &[u8], value: Range<usize>) -> Option<Range<usize>> {
    (body.get(value.start) == Some(&b'"')).then_some(value)
}
