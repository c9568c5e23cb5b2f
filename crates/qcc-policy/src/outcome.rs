//! What happened to one attempt, in the few words that a decision needs. The server transcribes what it saw on the
//! wire into these types in one place; nothing behind that place knows HTTP or a dialect.

use std::time::{Duration, Instant};

/// A provider, by a number that the caller gives it. The caller keeps the number stable over a reload for as long as
/// the provider is the same one, since health is kept under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub u32);

/// What an error body is about, where its code or text says more than its status. Relays hide the true cause under
/// statuses of their own, so this counts more than the status nearly everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Topic {
    /// Nothing beyond the status.
    #[default]
    None,
    /// Money, credit, spend limit or subscription window is used up.
    Quota,
    /// The prompt does not fit the model.
    ContextTooLong,
    /// The provider does not serve this model.
    ModelMissing,
    /// The provider has no room at the moment.
    Overloaded,
    /// The account may not do this (region, organisation on hold, model not granted).
    Permission,
}

/// An error answer: a status, and what its headers and body add. An error event inside a stream, before anything went
/// down to the client, is the same thing with its HTTP equivalent as status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status, as received or as the in-band error's equivalent.
    pub status: u16,
    /// What the body is about.
    pub topic: Topic,
    /// Whether the body is a web page: then something in front of the API spoke, not the API.
    pub html: bool,
    /// The wait that the headers or the body ask for, from now.
    pub retry_after: Option<Duration>,
    /// For a spent quota: the stated time until it returns, from now.
    pub until: Option<Duration>,
}

impl Refusal {
    /// A refusal of which only the status is known.
    pub fn of(status: u16) -> Self {
        Self { status, topic: Topic::None, html: false, retry_after: None, until: None }
    }
}

/// Which clock ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// TCP and TLS.
    Connect,
    /// Until the first body byte of a stream.
    FirstByte,
    /// Between bytes.
    Idle,
    /// Between semantic events; pings and comments do not count.
    Stall,
    /// A whole answer that is not streamed.
    Response,
    /// Everything before commit.
    Total,
    /// So little time was left that the provider had no fair chance: the client announced little patience, or a wait and
    /// other attempts had used it up.
    Patience,
}

impl Phase {
    /// What the end of the time for everything before commit says about an attempt that was under way. An attempt that
    /// began in the second half of that time had what others left it, and its provider is not to blame.
    pub fn of_deadline(request_began: Instant, attempt_began: Instant, deadline: Instant) -> Self {
        let half = deadline.saturating_duration_since(request_began) / 2;
        if deadline.saturating_duration_since(attempt_began) < half { Self::Patience } else { Self::Total }
    }
}

/// An attempt that brought no usable answer, without the provider saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection: name, route, refusal, TLS.
    Connect,
    /// A connection that stood, and ended before any byte of an answer.
    DiedBeforeAnswer,
    /// The same on a connection that had been idle: providers close those when they like, and may do so just as a request
    /// is on its way.
    IdleDied,
    /// One of our clocks ran out.
    Timeout(Phase),
    /// An answer that its dialect cannot mean: a page, garbage, an empty body or a wrong content type under 200.
    NotTheDialect,
    /// Cut after the headers, before or after commit.
    Truncated,
    /// What the provider refused of the request cannot be left out, for then it would mean something else.
    Unfit,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is whole: its terminal event was seen.
    Done,
    /// The provider answered with an error.
    Refused(Refusal),
    /// The provider did not answer properly.
    Failed(Failure),
    /// The client left first.
    ClientGone,
}
