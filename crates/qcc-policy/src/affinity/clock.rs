//! Instants as plain milliseconds, so that a hundred thousand sessions need half the memory and can be older than this
//! process: some systems have no instant before their start.

use std::time::{Duration, Instant};

use crate::LONGEST;

/// Counts from a year before the first instant that it was given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    first: Option<Instant>,
}

impl Clock {
    /// The time of `now`; the first one given is where the clock starts.
    pub(super) fn start(&mut self, now: Instant) -> u64 {
        self.first.get_or_insert(now);
        self.at(now)
    }

    /// The time of `now`, also of one before the start.
    pub(super) fn at(self, now: Instant) -> u64 {
        let first = self.first.unwrap_or(now);
        let after = millis(now.saturating_duration_since(first));
        let before = millis(first.saturating_duration_since(now));
        (millis(LONGEST) + after).saturating_sub(before)
    }
}

/// A term in milliseconds, at most [`LONGEST`].
pub(super) fn millis(term: Duration) -> u64 {
    u64::try_from(term.min(LONGEST).as_millis()).unwrap_or(u64::MAX)
}
