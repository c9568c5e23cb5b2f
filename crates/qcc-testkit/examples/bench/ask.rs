//! What is asked: a request of one dialect, as its clients send it, and the answer that the mock provider is to give.

use qcc_testkit::Request;
use qcc_testkit::claude::Claude;
use serde_json::{Value, json};

use crate::mock::{NAME, WISH};

/// Stands before the digits that make each body its own.
pub(crate) const MARK: &str = "request number ";

/// How many digits.
pub(crate) const MARK_DIGITS: usize = 12;

/// A dialect of a client or of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Anthropic,
    OpenAi,
}

impl Dialect {
    /// Its name in qcc's configuration and in what tells the mock what to answer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
        }
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// In one piece.
    Whole,
    /// A stream without a pause.
    Burst,
    /// A stream that speaks every 50 ms.
    Paced,
    /// A stream that is nearly silent.
    Open,
}

impl Answer {
    /// Its name in what tells the mock.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Burst => "burst",
            Self::Paced => "paced",
            Self::Open => "open",
        }
    }
}

/// What kind of answer is asked for, how large the request is, and who speaks what. Where the two dialects differ, qcc
/// translates; nginx and no proxy move the same bytes as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) answer: Answer,
    /// Body size in kB (1000 bytes).
    pub(crate) kilobytes: usize,
    pub(crate) client: Dialect,
    pub(crate) provider: Dialect,
}

impl Ask {
    /// Of Claude Code to a provider of its own dialect.
    pub(crate) const fn plain(answer: Answer, kilobytes: usize) -> Self {
        Self { answer, kilobytes, client: Dialect::Anthropic, provider: Dialect::Anthropic }
    }

    /// Of Claude Code to a provider of Chat Completions.
    pub(crate) const fn to_openai(answer: Answer, kilobytes: usize) -> Self {
        Self { answer, kilobytes, client: Dialect::Anthropic, provider: Dialect::OpenAi }
    }

    /// Of a client of Chat Completions to an Anthropic provider.
    pub(crate) const fn to_anthropic(answer: Answer, kilobytes: usize) -> Self {
        Self { answer, kilobytes, client: Dialect::OpenAi, provider: Dialect::Anthropic }
    }

    /// The request of a session. Its number, after [`MARK`], is still 0.
    pub(crate) fn request(self, session: u64) -> Request {
        let session = format!("00000000-0000-4000-8000-{session:012}");
        let words = format!("{MARK}{:0MARK_DIGITS$}", 0);
        let request = match self.client {
            Dialect::Anthropic => Claude::new("claude-opus-4-8")
                .stream(self.streams())
                .kilobytes(self.kilobytes)
                .session(&session)
                .says(&words)
                .request(),
            Dialect::OpenAi => self.chat(&session, &words),
        };
        request.with(NAME, &format!("{WISH}{} {}", self.provider.name(), self.answer.name()))
    }

    fn streams(self) -> bool {
        self.answer != Answer::Whole
    }

    /// A first turn of an agent that speaks Chat Completions: as with Claude Code, tools make up most of it.
    fn chat(self, session: &str, words: &str) -> Request {
        let mut body = json!({
            "model": "claude-opus-4-8",
            "messages": [
                {"role": "system", "content": filler(1500)},
                {"role": "user", "content": words}
            ],
            "max_completion_tokens": 32_000,
            "reasoning_effort": "high",
            "prompt_cache_key": session,
        });
        if self.streams() {
            body["stream"] = json!(true);
            body["stream_options"] = json!({"include_usage": true});
        }
        let missing = (self.kilobytes * 1000).saturating_sub(body.to_string().len());
        body["tools"] = tools(missing);
        Request::new("POST", "/v1/chat/completions")
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("authorization", "Bearer client-key")
            .header("Connection", "keep-alive")
            .header("Host", "")
            .header("Content-Length", "")
            .body(body.to_string())
    }
}

/// Functions that are together about `bytes` long, of about 2 kB each, and one at least.
fn tools(bytes: usize) -> Value {
    const EACH: usize = 2000;
    /// What a tool has beside its description.
    const FRAME: usize = 230;
    let count = (bytes / EACH).clamp(1, 25);
    let tool = |index: usize| {
        json!({"type": "function", "function": {
            "name": format!("tool_{index}"),
            "description": filler((bytes / count).saturating_sub(FRAME)),
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
                "additionalProperties": false
            }
        }})
    };
    (0..count).map(tool).collect()
}

/// So many bytes of prose.
fn filler(bytes: usize) -> String {
    "Reads a file from the disk and returns its lines with numbers. ".chars().cycle().take(bytes).collect()
}
