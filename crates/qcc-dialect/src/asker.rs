//! The dialects in which clients ask, and what the gateway has to know of each: how its requests are read, its answers
//! watched and checked, and its errors written.

use bytes::Bytes;

use crate::answer::{Told, Wrong};
use crate::anthropic;
use crate::canon::{BadRequest, Request};
use crate::error::{ErrorFacts, Topic};
use crate::watch::Watcher;
use crate::{openai, responses};

/// The dialect in which a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Asker {
    /// Anthropic's Messages.
    #[default]
    Anthropic,
    /// OpenAI's Chat Completions.
    OpenAi,
    /// OpenAI's Responses.
    Responses,
}

impl Asker {
    /// The dialect of a path of ours; that of everything that is nobody's own is Anthropic's.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        match path {
            "/v1/chat/completions" => Self::OpenAi,
            "/v1/responses" => Self::Responses,
            _ => Self::Anthropic,
        }
    }

    /// Its name in configuration and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Responses => "responses",
        }
    }

    /// Whether its clients send back what a model thought, with whatever proves it.
    #[must_use]
    pub fn carries_thinking(self) -> bool {
        match self {
            Self::Anthropic | Self::Responses => true,
            Self::OpenAi => false,
        }
    }

    /// Watches a stream that goes down to it.
    #[must_use]
    pub fn watcher(self) -> Watcher {
        match self {
            Self::Anthropic => Watcher::Anthropic(anthropic::Watcher::new()),
            Self::OpenAi => Watcher::OpenAi(openai::client::Watcher::new()),
            Self::Responses => Watcher::Responses(responses::watch::Watcher::new()),
        }
    }

    /// Checks an answer in one piece, and gives what the log wants to know of it.
    ///
    /// # Errors
    /// What the body is instead.
    pub fn read_answer(self, body: &[u8]) -> Result<Told, Wrong> {
        match self {
            Self::Anthropic => anthropic::read_message(body),
            Self::OpenAi => openai::client::read_message(body),
            Self::Responses => responses::read_message(body),
        }
    }

    /// An error of ours under an HTTP status.
    #[must_use]
    pub fn error_body(self, status: u16, message: &str, request_id: &str) -> Bytes {
        match self {
            Self::Anthropic => anthropic::error_body(anthropic::canon::error_type(status), message, request_id),
            Self::OpenAi | Self::Responses => openai::client::error_body(status, message, request_id),
        }
    }

    /// A provider's refusal in words by which the client knows what to do, with the status that goes with them.
    #[must_use]
    pub fn refusal(self, facts: &ErrorFacts) -> (u16, Bytes) {
        let status = if facts.topic == Topic::ContextTooLong { 400 } else { facts.status };
        let body = match self {
            Self::Anthropic => anthropic::canon::refusal_body(status, facts),
            Self::OpenAi | Self::Responses => openai::client::refusal_body(status, facts),
        };
        (status, body)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Why no provider would take it.
    pub fn decode_request(self, body: &[u8]) -> Result<Request, BadRequest> {
        match self {
            Self::Anthropic => anthropic::canon::decode_request(body),
            Self::OpenAi => openai::client::decode_request(body),
            Self::Responses => responses::client::decode_request(body),
        }
    }
}
