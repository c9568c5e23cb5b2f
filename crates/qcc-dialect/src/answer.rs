//! What an answer in one piece under status 200 turns out to be, in whatever dialect.

use crate::canon::Usage;
use crate::error::ErrorFacts;

/// Largest answer that is put together or kept in memory, bytes; of a stream what the model says, not how it is framed. A
/// model's longest answer, of 128,000 tokens, is below 1 MB.
pub(crate) const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Why a 200 body is not an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// An error object; its status is the HTTP equivalent of its type.
    #[error("an error came under status 200: {0}")]
    Error(ErrorFacts),
    /// No bytes, or only white space.
    #[error("the body is empty")]
    Empty,
    /// A web page, of a login, a firewall or a wrong address (hint: check `base_url`).
    #[error("the body is a web page, not an API answer (hint: check base_url)")]
    Html,
    /// Not JSON, or JSON cut off.
    #[error("the body is not whole JSON")]
    NotJson,
    /// JSON of some other kind, such as another dialect's (hint: check the provider's `type`).
    #[error("the body is JSON but no answer of the provider's dialect (hint: check its type)")]
    OtherJson,
}

/// What is worth knowing of an answer in one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The provider's id of the message.
    pub id: Option<String>,
    /// Why the model stopped.
    pub stop_reason: Option<String>,
    /// Token counts.
    pub usage: Usage,
}
