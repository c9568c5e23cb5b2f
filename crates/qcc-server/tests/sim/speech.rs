//! How simulated providers and clients speak, once for all dialects: what a model says, what a client understands of it, and
//! what a provider is asked. Each dialect's file writes and reads them in its own words, simply, and with nothing of the
//! gateway's: what shows that a translation is right cannot be the translator.

mod anthropic;
mod gemini;
mod heard;
mod openai;
mod responses;
pub(crate) mod trouble;

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use heard::{Heard, What};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dialect {
    Anthropic,
    Openai,
    Responses,
    Gemini,
}

/// What a model says in one answer: a thought, a text, calls of tools, some more text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) thought: Option<String>,
    pub(crate) pieces: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) rest: Option<String>,
    /// A limit ended it.
    pub(crate) cut: bool,
    pub(crate) usage: Usage,
    /// Whether a stream tells its usage.
    pub(crate) counts: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Which of the offered tools it is.
    pub(crate) tool: usize,
    pub(crate) arguments: Value,
}

/// Tokens. `prompt` are those of the cache too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

/// A stretch of what is said.
pub(crate) enum Stretch<'a> {
    Thought(&'a str),
    Text(Vec<&'a str>),
    Call(&'a Call),
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Itself,
    ForCalls,
    AtLimit,
}

/// What a provider is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Question {
    pub(crate) model: String,
    /// Everything that the user says.
    pub(crate) words: String,
    /// Names of the offered tools.
    pub(crate) tools: Vec<String>,
    pub(crate) stream: bool,
    /// Whether a stream is to tell its usage.
    pub(crate) counts: bool,
}

/// What a client asks for, but for its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) model: &'a str,
    pub(crate) tools: &'a [&'a str],
    pub(crate) stream: bool,
    pub(crate) counts: bool,
    pub(crate) session: u64,
    /// The model is named last.
    pub(crate) model_last: bool,
}

// === impl Dialect ===

impl Dialect {
    /// As the configuration and the rows name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Responses => "responses",
            Self::Gemini => "gemini",
        }
    }

    /// The frames of a stream that says this.
    pub(crate) fn stream(self, said: &Said) -> Vec<Bytes> {
        match self {
            Self::Anthropic => anthropic::stream(said),
            Self::Openai => openai::stream(said),
            Self::Responses => responses::stream(said),
            Self::Gemini => gemini::stream(said),
        }
    }

    /// An answer in one piece that says this.
    pub(crate) fn whole(self, said: &Said) -> Value {
        match self {
            Self::Anthropic => anthropic::whole(said),
            Self::Openai => openai::whole(said),
            Self::Responses => responses::whole(said),
            Self::Gemini => gemini::whole(said),
        }
    }

    /// What a stream says, or what there is of it.
    pub(crate) fn hear(self, body: &[u8]) -> Heard {
        match self {
            Self::Anthropic => anthropic::hear(body),
            Self::Openai => openai::hear(body),
            Self::Responses => responses::hear(body),
            Self::Gemini => gemini::hear(body),
        }
    }

    /// What an answer in one piece says.
    pub(crate) fn hear_whole(self, body: &[u8]) -> Heard {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match self {
            Self::Anthropic => anthropic::hear_whole(&body),
            Self::Openai => openai::hear_whole(&body),
            Self::Responses => responses::hear_whole(&body),
            Self::Gemini => gemini::hear_whole(&body),
        }
    }

    /// What a request asks. `None`: it is not of this dialect.
    pub(crate) fn read(self, path: &str, body: &[u8]) -> Option<Question> {
        let body: Value = serde_json::from_slice(body).ok()?;
        match self {
            Self::Anthropic => anthropic::read(&body),
            Self::Openai => openai::read(&body),
            Self::Responses => responses::read(&body),
            Self::Gemini => gemini::read(path, &body),
        }
    }

    /// What stands before and after the words of a client's request.
    pub(crate) fn ask(self, wanted: &Wanted<'_>) -> (String, String) {
        match self {
            Self::Anthropic => anthropic::ask(wanted),
            Self::Openai => openai::ask(wanted),
            Self::Responses => responses::ask(wanted),
            Self::Gemini => unreachable!("no client asks in this dialect"),
        }
    }

    /// Where clients of it ask.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages?beta=true",
            Self::Openai => "/v1/chat/completions?beta=true",
            Self::Responses => "/v1/responses?beta=true",
            Self::Gemini => unreachable!("no client asks in this dialect"),
        }
    }

    /// Whether a path asks for a count of tokens.
    pub(crate) fn counts_at(path: &str) -> bool {
        ["/count_tokens", "/input_tokens", ":countTokens"].iter().any(|end| path.contains(end))
    }

    /// A count of tokens.
    pub(crate) fn count(self, tokens: usize) -> Value {
        match self {
            Self::Anthropic => json!({"input_tokens": tokens}),
            Self::Openai => unreachable!("it does not count"),
            Self::Responses => json!({"object": "response.input_tokens", "input_tokens": tokens}),
            Self::Gemini => json!({"totalTokens": tokens}),
        }
    }

    /// The list of models.
    pub(crate) fn models(self, names: &[&str]) -> Value {
        match self {
            Self::Anthropic => {
                let models: Vec<_> = names.iter().map(|id| json!({"type": "model", "id": id})).collect();
                json!({"data": models, "has_more": false})
            }
            Self::Openai | Self::Responses => {
                let models: Vec<_> = names.iter().map(|id| json!({"object": "model", "id": id})).collect();
                json!({"object": "list", "data": models})
            }
            Self::Gemini => {
                let model =
                    |id| json!({"name": format!("models/{id}"), "supportedGenerationMethods": ["generateContent"]});
                json!({"models": names.iter().map(model).collect::<Vec<_>>()})
            }
        }
    }

    /// A sign of life that says nothing.
    pub(crate) fn ping(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Anthropic => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
            Self::Openai => b": OPENROUTER PROCESSING\n\n",
            Self::Responses | Self::Gemini => b": keep-alive\n\n",
        })
    }
}

// === impl Said ===

impl Said {
    /// What it says, in order.
    pub(crate) fn stretches(&self) -> Vec<Stretch<'_>> {
        let thought = self.thought.iter().map(|thought| Stretch::Thought(thought));
        let pieces = (!self.pieces.is_empty()).then(|| Stretch::Text(self.pieces.iter().map(String::as_str).collect()));
        let calls = self.calls.iter().map(Stretch::Call);
        let rest = self.rest.iter().map(|rest| Stretch::Text(vec![rest.as_str()]));
        thought.chain(pieces).chain(calls).chain(rest).collect()
    }

    /// All text.
    pub(crate) fn text(&self) -> String {
        self.pieces.concat() + self.rest.as_deref().unwrap_or_default()
    }

    pub(crate) fn stopped(&self) -> Stopped {
        match (self.cut, self.calls.is_empty()) {
            (true, _) => Stopped::AtLimit,
            (false, false) => Stopped::ForCalls,
            (false, true) => Stopped::Itself,
        }
    }
}

impl Call {
    /// Its arguments as text, in pieces that are rarely JSON of their own.
    pub(crate) fn fragments(&self) -> Vec<String> {
        let letters: Vec<char> = self.arguments.to_string().chars().collect();
        letters.chunks(letters.len().div_ceil(3).max(1)).map(|piece| piece.iter().collect()).collect()
    }
}

/// An event that has no name.
fn nameless(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// A member that is a text.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// A member of each of these that is a text.
fn texts(list: &Value, member: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|one| text(one, member).to_owned()).collect()
}

/// The text of a message's content: a text itself, or blocks.
fn words(content: &Value) -> String {
    content.as_str().map_or_else(|| texts(content, "text").concat(), str::to_owned)
}
