//! Decides how a request of one dialect is put to a provider of another, and how its answer comes back: as the bytes that a
//! provider of the client's own dialect would have sent. What happens to those bytes then (waiting for the first semantic
//! event, telling a whole answer from a cut one, ending a broken one) is the same for every provider.

use bytes::Bytes;

use crate::canon::{BadRequest, Losses, Unfit};

mod back;
mod pens;
mod thoughts;
mod tongue;

#[cfg(test)]
mod tests;

pub use back::{Back, Brought, Collecting, StreamBack};
#[cfg(test)]
pub(crate) use pens::Speech;
pub use thoughts::Thoughts;
pub use tongue::{Dialect, Question, Tongue};

/// A request in a provider's words.
#[derive(Debug)]
pub struct Outgoing {
    /// Where it goes.
    pub url: String,
    /// Headers that the dialect needs, beside the provider's own.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: Bytes,
    /// Whether the provider answers with a stream, whatever the client asked for.
    pub stream: bool,
    /// What it could not carry.
    pub losses: Losses,
    /// How the answer comes back.
    pub back: Back,
}

/// Why a request is not put to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// No provider would take it.
    Bad(BadRequest),
    /// This one cannot take it as it is meant.
    Unfit(Unfit),
}
