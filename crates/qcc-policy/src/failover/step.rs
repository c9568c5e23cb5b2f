//! The words between the attempt loop and its caller: what bounds it, what it says to do, what it answers to an outcome.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::classify::{Charge, Verdict};

/// What bounds repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// No repeat once the request has had so many tries, first tries included. First tries are not bounded by it.
    pub max_attempts: u32,
    /// Repeats on one provider in one request.
    pub same_provider: u32,
    /// The wait before a repeat, unless it is at once.
    pub backoff: Backoff,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Try a candidate.
    Try {
        /// Its place in the plan.
        candidate: usize,
        /// How long to wait before; zero but for repeats.
        wait: Duration,
        /// Although it may be out: nothing better is left, or it is out by this request's own charge.
        anyway: bool,
    },
    /// The last answer of a candidate goes down verbatim. The end.
    Answer {
        /// Its place in the plan.
        candidate: usize,
    },
    /// Nothing more can be tried. The end.
    GiveUp(Final),
}

/// The final word when nothing more can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Final {
    /// Providers failed: 503.
    Unavailable,
    /// Every candidate throttles: 429.
    Throttled {
        /// Until the first of them is due.
        wait: Duration,
    },
    /// Every candidate refuses our credential, has no quota left for it or forbids the model: 403.
    Forbidden,
    /// The plan was empty.
    NothingToTry,
    /// Something was left to try, but no time.
    Deadline,
}

/// A charge to apply to a candidate's provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed {
    /// Its place in the plan.
    pub candidate: usize,
    /// What to charge.
    pub charge: Charge,
}

/// A charge to take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// Its place in the plan.
    pub candidate: usize,
    /// What was charged.
    pub charge: Charge,
    /// The `now` of the [`Failover::record`](super::Failover::record) that charged it; the same one must have gone to the cooldowns.
    pub charged_at: Instant,
}

/// What an outcome means in the light of the whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The verdict as it stands: another one than given where a second provider confirmed the first one's refusal.
    pub verdict: Verdict,
    /// To be charged now.
    pub charges: Vec<Billed>,
    /// To be taken back now.
    pub refunds: Vec<Refund>,
}
