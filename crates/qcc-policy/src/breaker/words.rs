//! The words between the breaker and its caller: what it is told, what it hands out, what it reports.

use std::time::{Duration, Instant};

use crate::LONGEST;
use crate::backoff::Backoff;
use crate::window::Counts;

/// How long a probe's lease lasts where [`lease`](field@Config::lease) is zero. Longer than a stream may stall (240 s), so that a
/// probe that hangs reports its failure before the next one may hang too.
pub const LEASE: Duration = Duration::from_mins(5);
/// The longest ramp after a recovery: by then it has been shown to bear what it gets.
pub const RAMP_MOST: Duration = Duration::from_mins(1);
/// The share with which a ramp begins. Not zero, or a quiet gateway would learn nothing from the ramp.
pub const RAMP_LEAST: f64 = 0.1;

/// When a breaker opens, for how long, and what closes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Failures without a success between them that trip; 0: this rule is off.
    pub failure_threshold: u32,
    /// How far the other rule looks back; zero: it is off.
    pub window: Duration,
    /// The share of failures in the window that trips, 0 to 1; 0 or nonsense: this rule is off.
    pub error_rate: f64,
    /// Requests in the window below which the share says nothing; 0: this rule is off.
    pub min_requests: u32,
    /// Successes that close again; 0 counts as 1.
    pub success_threshold: u32,
    /// Leases that may be out at once; 0 counts as 1, since nothing else would ever close it.
    pub half_open_probes: u32,
    /// The first open time; zero: a breaker never opens.
    pub open_initial: Duration,
    /// Growth of the open time per trip without a recovery, at least 1.
    pub multiplier: f64,
    /// No open time is longer, jitter included; less than `open_initial` counts as that.
    pub open_max: Duration,
    /// Share of the open time by which it may be shorter or longer, 0 to 1.
    pub jitter: f64,
    /// After how long a probe that reported nothing makes room for another; zero: [`LEASE`].
    pub lease: Duration,
}

impl Config {
    pub(crate) fn is_off(&self) -> bool {
        self.open_initial.is_zero()
    }

    /// The rule that these counts break.
    pub(crate) fn broken(&self, consecutive: u32, counts: Counts) -> Option<Cause> {
        if self.failure_threshold > 0 && consecutive >= self.failure_threshold {
            return Some(Cause::Consecutive);
        }
        let total = counts.total();
        let enough = self.min_requests > 0 && total >= self.min_requests && self.error_rate > 0.0;
        (enough && f64::from(counts.failures) >= self.error_rate * f64::from(total)).then_some(Cause::Share)
    }

    /// The open time of the `nth` trip since the last recovery, counted from 0.
    pub(crate) fn term(&self, nth: u32, draw: u64) -> Duration {
        let backoff = Backoff {
            initial: self.open_initial,
            multiplier: self.multiplier,
            max: self.longest(),
            jitter: self.jitter,
        };
        backoff.delay(nth, draw)
    }

    pub(crate) fn longest(&self) -> Duration {
        self.open_max.max(self.open_initial).min(LONGEST)
    }

    pub(crate) fn successes_needed(&self) -> u32 {
        self.success_threshold.max(1)
    }

    pub(crate) fn probes(&self) -> usize {
        usize::try_from(self.half_open_probes.max(1)).unwrap_or(usize::MAX)
    }

    pub(crate) fn lease(&self) -> Duration {
        if self.lease.is_zero() { LEASE } else { self.lease }
    }
}

/// The right to one attempt. Its result is reported with it, so that a result that is older than the latest trip or
/// reset is known as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The generation in which the attempt began.
    pub(crate) generation: u64,
    pub(crate) lease: Option<Lease>,
}

impl Pass {
    /// Whether this attempt is a probe: it holds one of the leases.
    pub fn is_probe(&self) -> bool {
        self.lease.is_some()
    }

    /// When another probe may take its place, if it is one.
    pub fn expires(&self) -> Option<Instant> {
        self.lease.map(|lease| lease.until)
    }
}

/// A probe's place. It frees itself at `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// No two leases have the same.
    pub(crate) number: u64,
    pub(crate) until: Instant,
}

/// What a breaker says to a request at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Traffic flows.
    Closed,
    /// Nothing passes.
    Open {
        /// When it becomes half-open.
        until: Instant,
    },
    /// Only probes pass.
    HalfOpen {
        /// How many more may go now.
        free: u32,
        /// With none free: when the first lease frees itself, if its probe does not report before. Else now.
        due: Instant,
    },
}

impl Standing {
    /// Whether an attempt may begin now.
    pub fn is_admissible(self) -> bool {
        match self {
            Self::Closed => true,
            Self::Open { .. } => false,
            Self::HalfOpen { free, .. } => free > 0,
        }
    }

    /// When an attempt may begin at the latest, if nobody reports anything before. `None`: now.
    pub fn due(self) -> Option<Instant> {
        match self {
            Self::Closed => None,
            Self::Open { until } => Some(until),
            Self::HalfOpen { free, due } => (free == 0).then_some(due),
        }
    }
}

/// Why a breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Too many failures without a success between them.
    Consecutive,
    /// Too large a share of failures in the window.
    Share,
    /// It was half-open, and a probe failed.
    Probe,
}

/// Why a breaker closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// Enough probes ended well.
    Recovered,
    /// Somebody said so.
    Reset,
    /// A failure that opened it was not the provider's fault.
    Refunded,
}

/// A change worth a log line. That an open time is over is none: it is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It is open.
    Opened {
        /// Why.
        cause: Cause,
        /// For how long, from now.
        term: Duration,
        /// Trips since the last recovery, this one included.
        trips: u32,
    },
    /// It is half-open before its time: an attempt was made anyway and ended well, or the failed probe was refunded.
    HalfOpened,
    /// Traffic flows again.
    Closed {
        /// Why.
        cause: Return,
        /// How long ago it first opened.
        after: Duration,
    },
}

/// What is kept over a restart. A closed breaker is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// How much longer it is open; zero: it is half-open. Whoever restores subtracts the time since it was saved.
    pub open_for: Duration,
    /// The whole of its latest open time, which is the length of the ramp to come.
    pub term: Duration,
    /// Trips since the last recovery: how far the open time has grown.
    pub trips: u32,
}

/// A breaker, for a status page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// What it says to a request.
    pub standing: Standing,
    /// Failures since the last success. While it is not closed: those that opened it.
    pub consecutive: u32,
    /// What counts in the window. While it is not closed: what counted when it opened.
    pub counts: Counts,
    /// Trips since the last recovery.
    pub trips: u32,
    /// How long ago it first opened, where it is not closed.
    pub out_for: Option<Duration>,
    /// The share of new sessions that may choose it, see [`Breakers::share`](super::Breakers::share).
    pub share: f64,
}
