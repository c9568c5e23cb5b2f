//! What is known of one provider's probes, and what follows: when each kind is due.

use std::time::{Duration, Instant};

use super::{CARED_FOR, JITTER, LEAST_BETWEEN, ProbeKind, ProbeSettings};
use crate::later;
use crate::sliding::{Sliding, Stamp};

#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub(super) generation: u64,
    pub(super) expires: Instant,
    /// What the latest conversational check before this one was, and where this one is booked.
    pub(super) before: Option<Instant>,
    pub(super) stamp: Option<Stamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The provider's place within an interval.
    pub(super) draw: u64,
    pub(super) next_free: Instant,
    pub(super) next_paid: Instant,
    pub(super) last_paid: Option<Instant>,
    /// The latest request that went to it, or would have.
    pub(super) wanted: Option<Instant>,
    /// The latest outcome of real traffic.
    pub(super) heard: Option<Instant>,
    pub(super) must_prove: bool,
    /// The latest free probe did not reach it.
    pub(super) unreached: bool,
    pub(super) quiet_until: Option<Instant>,
    pub(super) running: Option<Running>,
    /// Conversational checks of the last day, in quarters of an hour.
    pub(super) spent: Sliding,
}

impl Entry {
    pub(super) fn new(settings: &ProbeSettings, draw: u64, now: Instant) -> Self {
        Self {
            draw,
            next_free: later(now, settings.interval.mul_f64(first(draw))),
            next_paid: later(now, settings.conversation_interval.min(CARED_FOR).mul_f64(first(draw))),
            last_paid: None,
            wanted: None,
            heard: None,
            must_prove: false,
            unreached: false,
            quiet_until: None,
            running: None,
            spent: Sliding::new(15 * 60, 4 * 24),
        }
    }

    pub(super) fn is_running(&self, now: Instant) -> bool {
        self.running.is_some_and(|running| running.expires > now)
    }

    pub(super) fn free_at(&self, settings: &ProbeSettings) -> Option<Instant> {
        (!settings.interval.is_zero()).then(|| self.not_in_quiet(self.next_free))
    }

    pub(super) fn paid_at(&mut self, settings: &ProbeSettings, now: Instant) -> Option<Instant> {
        if settings.conversation_interval.is_zero() || settings.daily_limit == 0 {
            return None;
        }
        let cared_until = later(self.wanted?, CARED_FOR);
        let mut at = self.next_paid;
        if let (Some(heard), false) = (self.heard, self.must_prove) {
            at = at.max(later(heard, settings.conversation_interval));
        }
        if let Some(last) = self.last_paid {
            at = at.max(later(last, LEAST_BETWEEN));
        }
        if let Some(until) = self.spent.full_until(1, u64::from(settings.daily_limit), now) {
            at = at.max(until);
        }
        let at = self.not_in_quiet(at);
        (at.max(now) < cared_until).then_some(at)
    }

    /// Which probe comes first, and when.
    pub(super) fn next(&mut self, settings: &ProbeSettings, now: Instant) -> Option<(ProbeKind, Instant)> {
        let free = self.free_at(settings).map(|at| (at, ProbeKind::Free));
        let paid = self.paid_at(settings, now).map(|at| (at, ProbeKind::Conversation));
        free.into_iter().chain(paid).min().map(|(at, kind)| (kind, at))
    }

    pub(super) fn not_in_quiet(&self, at: Instant) -> Instant {
        self.quiet_until.map_or(at, |until| at.max(until))
    }

    /// Where a conversational check is booked.
    pub(super) fn begin(
        &mut self,
        kind: ProbeKind,
        settings: &ProbeSettings,
        draw: u64,
        now: Instant,
    ) -> Option<Stamp> {
        // A conversation answers the free question too.
        self.next_free = later(now, jittered(settings.interval, draw));
        if kind == ProbeKind::Free {
            return None;
        }
        self.next_paid = later(now, jittered(settings.conversation_interval, draw));
        self.last_paid = self.last_paid.max(Some(now));
        Some(self.spent.add(1, now))
    }
}

/// A draw as a number from 0 to 1.
fn unit(draw: u64) -> f64 {
    draw as f64 / u64::MAX as f64
}

/// The part of an interval after which the first probe comes: somewhere in a whole one, after a quarter of one.
fn first(draw: u64) -> f64 {
    0.25 + unit(draw)
}

fn jittered(interval: Duration, draw: u64) -> Duration {
    interval.mul_f64(1.0 + JITTER * (2.0 * unit(draw) - 1.0))
}
