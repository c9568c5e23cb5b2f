//! The way from the line to one provider: shut, or open for so many at once.

use std::time::{Duration, Instant};

use super::{FIRST_TRIAL, LONGEST_PAUSE, PROVEN};
use crate::later;

/// How many of the line are sent to a provider at once, and when it is tried while none are.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// Requests that may be under way at once; 0: shut.
    window: u32,
    /// Whether an answer came since it was shut.
    proven: bool,
    /// Whether the provider takes everybody again. Until then those of the line go one at a time, as trials.
    settled: bool,
    /// Requests of the line that are under way.
    pub(super) running: u32,
    /// When it opens by itself, while shut.
    pub(super) until: Instant,
    /// When it is tried, while shut and somebody aims at it.
    pub(super) next_trial: Option<Instant>,
    /// Pauses before trials since it was proven.
    pauses: u32,
    /// Trials since it was proven.
    pub(super) trials: u32,
}

impl Gate {
    /// Shut until then, or open where the provider is not out.
    pub(super) fn new(until: Option<Instant>, now: Instant) -> Self {
        Self {
            window: if until.is_some() { 0 } else { PROVEN },
            proven: until.is_none(),
            settled: true,
            running: 0,
            until: until.unwrap_or(now),
            next_trial: None,
            pauses: 0,
            trials: 0,
        }
    }

    pub(super) fn is_shut(&self) -> bool {
        self.window == 0
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether an answer came, but the provider is out until further ones do.
    pub(super) fn is_unsettled(&self) -> bool {
        self.proven && !self.settled
    }

    pub(super) fn has_room(&self) -> bool {
        self.running < if self.is_unsettled() { self.window.min(1) } else { self.window }
    }

    /// When it is tried next; the first time after a pause.
    pub(super) fn trial_at(&mut self, now: Instant) -> Instant {
        match self.next_trial {
            Some(at) => at,
            None => self.wait(now),
        }
    }

    /// The next trial is after a pause, longer than the last one.
    pub(super) fn wait(&mut self, now: Instant) -> Instant {
        let at = later(now, pause(self.pauses));
        self.pauses = self.pauses.saturating_add(1);
        self.next_trial = Some(at);
        at
    }

    pub(super) fn come_back(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// The provider is out. `trial`: whoever found out was one. Of many that were sent together one lengthens the pause.
    pub(super) fn shut(&mut self, until: Instant, trial: bool, now: Instant) {
        let was_shut = self.is_shut();
        self.window = 0;
        self.proven = false;
        self.until = until;
        if trial || !was_shut {
            self.wait(now);
        }
    }

    /// The provider failed one, but is not out.
    pub(super) fn fail(&mut self, trial: bool, now: Instant) {
        let was_shut = self.is_shut();
        self.window /= 2;
        if self.is_shut() && (trial || !was_shut) {
            self.proven = false;
            self.until = self.wait(now);
        }
    }

    /// The provider is said to be back.
    pub(super) fn open(&mut self, settled: bool) {
        self.settled = settled;
        let told = if self.proven { PROVEN } else { 1 };
        self.window = self.window.max(told);
    }

    /// The provider answered.
    pub(super) fn prove(&mut self, settled: bool) {
        self.window = if self.proven { self.window.saturating_add(1) } else { PROVEN };
        self.settled = settled;
        self.proven = true;
        self.pauses = 0;
        self.trials = 0;
        self.next_trial = None;
    }
}

/// The pause before the `nth` trial, counted from 0.
pub(super) fn pause(nth: u32) -> Duration {
    FIRST_TRIAL.saturating_mul(2_u32.saturating_pow(nth)).min(LONGEST_PAUSE)
}
