//! The conversational check: a model is asked to repeat a code that nobody can guess, and its answer is judged. It finds
//! what a list of models cannot: relays that answer 200 with somebody else's text, an old answer, or nothing.
//!
//! The score is that of the check's first authors: 50 for a valid answer, up to 30 for speed, up to 20 for brevity.
//! A wrong answer gets what speed and brevity bring, and less than would make it degraded: nothing makes it well.

use std::fmt;
use std::time::Duration;

use super::{Class, DEGRADED};

/// What to set as `max_tokens`: the code is about five tokens, and a talkative model shows itself in twenty.
pub const ANSWER_TOKENS: u32 = 20;

pub(super) const VALID: f64 = 50.0;
pub(super) const QUALITY: f64 = 20.0;

const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The words before the code. An answer that holds them too repeats the request: that is an echo and no model.
const REQUEST: &str = "Reply with this code and nothing else:";

/// Six characters of `A-Z` and `0-9`: one in two thousand million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; 6]);

impl Code {
    /// `draw` is uniform over all of `u64`.
    pub fn new(draw: u64) -> Self {
        let mut rest = draw;
        Self([(); 6].map(|()| {
            let at = (rest % ALPHABET.len() as u64) as usize;
            rest /= ALPHABET.len() as u64;
            ALPHABET.get(at).copied().unwrap_or(b'A')
        }))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The only message of the conversation.
    pub fn prompt(&self) -> String {
        format!("{REQUEST} {self}")
    }

    /// Judges the text of the answer, which came `took` after the request was sent.
    pub fn judge(&self, answer: &str, took: Duration) -> Judgement {
        let kind = self.kind(answer);
        let brevity = match answer.trim().chars().count() {
            0..50 => QUALITY,
            50..100 => 15.0,
            _ => 10.0,
        };
        let worth = swiftness(took) + brevity;
        let score = match kind {
            Answer::Exact | Answer::Contains => VALID + worth,
            Answer::Wrong => worth.min(f64::from(DEGRADED - 1)),
            Answer::Empty => 0.0,
        };
        Judgement { answer: kind, score: score as u8, took }
    }

    fn kind(&self, answer: &str) -> Answer {
        let text = answer.trim();
        if text.is_empty() {
            return Answer::Empty;
        }
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.eq_ignore_ascii_case(self.as_str()) {
            return Answer::Exact;
        }
        let has_code = places(text, self.as_str()).any(|(before, after)| {
            !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
                && !after.is_some_and(|byte| byte.is_ascii_alphanumeric())
        });
        let is_echo = places(text, REQUEST).next().is_some();
        if has_code && !is_echo { Answer::Contains } else { Answer::Wrong }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// The code alone; case and punctuation around it do not matter.
    Exact,
    /// The code as a word among others.
    Contains,
    /// Something else, or the request itself.
    Wrong,
    /// Nothing.
    Empty,
}

impl Answer {
    /// Whether the model did what was asked.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::Exact | Self::Contains)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Contains => "contains",
            Self::Wrong => "wrong",
            Self::Empty => "empty",
        })
    }
}

/// What one conversational check showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What the answer was.
    pub answer: Answer,
    /// 0 to 100.
    pub score: u8,
    /// How long it took.
    pub took: Duration,
}

impl Judgement {
    /// The class of this check alone.
    pub fn class(&self) -> Class {
        Class::of(self.score)
    }
}

/// Points for an answer to a tiny request.
pub(super) fn swiftness(took: Duration) -> f64 {
    match took.as_millis() {
        0..500 => 30.0,
        500..1000 => 20.0,
        1000..2000 => 10.0,
        _ => 0.0,
    }
}

/// Points for a time under each of three bounds, in seconds.
pub(super) fn speed(took: Duration, [fast, fair, slow]: [u64; 3]) -> f64 {
    match took.as_secs() {
        secs if secs < fast => 30.0,
        secs if secs < fair => 20.0,
        secs if secs < slow => 10.0,
        _ => 0.0,
    }
}

/// Where `part` occurs in `text`, whatever its case: the bytes before and after it.
fn places<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = (Option<u8>, Option<u8>)> + 'a {
    let bytes = text.as_bytes();
    bytes.windows(part.len()).enumerate().filter(move |(_, window)| window.eq_ignore_ascii_case(part.as_bytes())).map(
        move |(at, _)| {
            let before = at.checked_sub(1).and_then(|at| bytes.get(at).copied());
            (before, bytes.get(at + part.len()).copied())
        },
    )
}
