//! What a model says in one turn, once for all dialects: a thought, a text, calls of tools. Each dialect's file writes the
//! same turn as its providers send it, whole or as a stream, so that one scenario can be played by any of them.
//!
//! Every turn counts [`INPUT`] tokens of the prompt, cached ones included, and [`OUTPUT`] of the answer.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Framing, chunk, head, json_body};
use crate::upstream::Reply;

/// Tokens of the prompt that every turn counts, with those of [`Dialect::cached`].
pub const INPUT: u64 = 25;

/// Tokens of the answer that every turn counts.
pub const OUTPUT: u64 = 15;

/// How a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's chat completions.
    Openai,
    /// OpenAI's responses.
    Responses,
    /// Gemini's `generateContent`.
    Gemini,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What its result has to name. Gemini's providers send none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its input: an object.
    pub input: Value,
}

/// What a model says in one turn.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    thought: Option<String>,
    pieces: Vec<String>,
    calls: Vec<Call>,
}

// === impl Dialect ===

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Openai, Self::Responses, Self::Gemini];

    /// Its name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Responses => "responses",
            Self::Gemini => "gemini",
        }
    }

    /// What its providers sign their thinking with. Nobody else's passes for it. Chat completions know none.
    #[must_use]
    pub const fn signature(self) -> &'static str {
        match self {
            Self::Anthropic => "c2NyaXB0ZWQ=",
            Self::Openai => "",
            Self::Responses => "c2NyaXB0ZWQgcmVzcG9uc2Vz",
            Self::Gemini => "c2NyaXB0ZWQgZ2VtaW5p",
        }
    }

    /// How many of the [`INPUT`] tokens a turn counts as read from the cache.
    #[must_use]
    pub const fn cached(self) -> u64 {
        match self {
            Self::Anthropic => 0,
            Self::Openai | Self::Responses | Self::Gemini => 10,
        }
    }

    /// A refusal of the request itself, in the words of this dialect.
    #[must_use]
    pub fn refusal(self, why: &str) -> Reply {
        self.error(400, "invalid_request_error", "INVALID_ARGUMENT", why)
    }

    /// A refusal for too many requests, without a word about how long.
    #[must_use]
    pub fn throttled(self) -> Reply {
        self.error(429, "rate_limit_error", "RESOURCE_EXHAUSTED", "scripted throttle, per minute")
    }

    fn error(self, code: u16, kind: &str, status: &str, why: &str) -> Reply {
        let body = match self {
            Self::Anthropic => super::error_body(kind, why),
            Self::Openai | Self::Responses => {
                json!({"error": {"message": why, "type": kind, "param": null, "code": null}})
            }
            Self::Gemini => json!({"error": {"code": code, "message": why, "status": status}}),
        };
        json_body(code, &[], &body)
    }
}

// === impl Turn ===

impl Turn {
    /// A turn in which nothing is said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A turn that says this, a delta of a stream for each piece.
    pub fn text<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Self {
        Self { pieces: pieces.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Thinks before it speaks.
    #[must_use]
    pub fn thinking(mut self, thought: &str) -> Self {
        self.thought = Some(thought.to_owned());
        self
    }

    /// Calls these tools after it has spoken.
    #[must_use]
    pub fn calling(mut self, calls: &[Call]) -> Self {
        self.calls = calls.to_vec();
        self
    }

    /// The whole turn in this dialect.
    #[must_use]
    pub fn reply(&self, dialect: Dialect, stream: bool) -> Reply {
        if !stream {
            return json_body(200, &[], &self.body(dialect));
        }
        let frames = self.frames(dialect);
        frames
            .iter()
            .fold(Reply::new().write(stream_head()), |reply, frame| reply.write(chunk(frame)))
            .write(chunk(b""))
    }

    /// The first half of the stream, and then a body that ends in order: only what is missing tells that it is no whole
    /// answer.
    #[must_use]
    pub fn half(&self, dialect: Dialect) -> Reply {
        let frames = self.frames(dialect);
        let half = frames.iter().take(frames.len().div_ceil(2));
        half.fold(Reply::new().write(stream_head()), |reply, frame| reply.write(chunk(frame))).write(chunk(b""))
    }

    /// The body of a whole answer.
    #[must_use]
    pub fn body(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Anthropic => anthropic::body(self),
            Dialect::Openai => openai::body(self),
            Dialect::Responses => responses::body(self),
            Dialect::Gemini => gemini::body(self),
        }
    }

    /// The frames of a stream, in order.
    #[must_use]
    pub fn frames(&self, dialect: Dialect) -> Vec<Bytes> {
        match dialect {
            Dialect::Anthropic => anthropic::frames(self),
            Dialect::Openai => openai::frames(self),
            Dialect::Responses => responses::frames(self),
            Dialect::Gemini => gemini::frames(self),
        }
    }
}

fn stream_head() -> Bytes {
    head(200, &[("content-type", "text/event-stream"), ("cache-control", "no-cache")], Framing::Chunked, 0)
}

/// An event that has no name, as OpenAI's chat completions and Gemini send it.
fn nameless(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// The input of a call as text in three pieces, so that a fragment is rarely JSON of its own.
fn pieces(input: &Value) -> Vec<String> {
    let letters: Vec<char> = input.to_string().chars().collect();
    letters.chunks(letters.len().div_ceil(3).max(1)).map(|piece| piece.iter().collect()).collect()
}
