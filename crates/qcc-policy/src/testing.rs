//! What the unit tests share: a point in time to count from, and short ways to write outcomes.

use std::time::{Duration, Instant};

use crate::{Outcome, Refusal, Topic};

/// Where virtual time starts. Only differences to it matter, so reading the clock decides nothing.
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made otherwise")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn refused(status: u16) -> Outcome {
    Outcome::Refused(Refusal::of(status))
}

pub(crate) fn about(status: u16, topic: Topic) -> Outcome {
    Outcome::Refused(Refusal { topic, ..Refusal::of(status) })
}
