//! The breaker: who is left out for failing, who may find out whether that is over, and how traffic returns.
//!
//! Closed, all traffic flows and is counted. Two rules open it: so many failures without a success between them, or a
//! share of failures in a window in which enough was asked. The first has no time limit: somebody who works alone and
//! waits two minutes for each time-out would never see three of them in a minute. Only a failure can break a rule; a
//! success that completes the number of requests opens nothing.
//!
//! Open, nothing passes until its time is over. The time grows with every trip and starts anew after a recovery.
//!
//! Half-open, so many probes pass at a time as there are leases. A probe is a client's own request, so it may hang, and
//! its client may leave: a lease has an end, and nothing that fails to report can keep the breaker half-open for good.
//! A failure opens again; enough successes close.
//!
//! After that a ramp: a growing share of new sessions may choose it while others could take them, so that a provider
//! that has just come up is not met by everybody at once. Nobody who has no other choice is kept away by it.
//!
//! Many requests run at once, so results arrive late and out of order:
//! - Every attempt carries a [`Pass`] with the generation in which it began. A trip and a reset begin a new one, and
//!   results of older ones change nothing: the twenty requests that were under way when the third failed neither open
//!   it further nor close it.
//! - A lease that expired gives its place away, not its word: what its probe reports is newer than the trip, so it counts.
//! - An instant older than the latest one counts as the latest.
//!
//! When everything is out, trying one that is open beats refusing. Such an attempt takes a lease if there is one. Its
//! success ends the open time, since that was only a guess; its failure changes nothing, or many impatient clients would
//! push the return of a provider ever further away.
//!
//! A refund takes back one failure. When without it no rule is broken, the breaker closes as if it had never opened:
//! one client's bad requests, which two providers refused alike, put nobody out.

use std::time::{Duration, Instant};

use crate::later;
use crate::window::{Counts, Window};

mod registry;
mod words;

pub use registry::Breakers;
pub(crate) use words::Lease;
pub use words::{Cause, Config, LEASE, Pass, RAMP_LEAST, RAMP_MOST, Report, Return, Saved, Standing, Transition};

/// Numbers generations and leases: later ones are larger, over all breakers, so that a breaker which was dropped to make
/// room and is made again cannot take an old result for a new one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn latest(self) -> u64 {
        self.0
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.saturating_add(1);
        self.0
    }
}

/// One breaker that is open or half-open; which of them is a matter of the time.
#[derive(Debug, Clone)]
struct Trip {
    /// When it first opened; further trips without a recovery leave it.
    since: Instant,
    until: Instant,
    term: Duration,
    successes: u32,
    leases: Vec<Lease>,
    undo: Option<Undo>,
}

/// What a refund needs to take a trip back.
#[derive(Debug, Clone, Copy)]
struct Undo {
    cause: Cause,
    /// The generation that it ended.
    generation: u64,
    /// `now` of the failure that did it, as its caller gave it.
    charged_at: Instant,
}

/// The state of one key.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    /// Results of passes from before it count no more.
    generation: u64,
    /// Both counts stand still while it is not closed, so that a refund can judge the trip again.
    window: Window,
    consecutive: u32,
    /// The first of the consecutive failures, while there are any.
    first: Option<Instant>,
    /// Trips since the last recovery.
    trips: u32,
    trip: Option<Trip>,
    /// When it last recovered, and how long its ramp is.
    ramp: Option<(Instant, Duration)>,
    latest: Instant,
}

// === impl Breaker ===

impl Breaker {
    /// Closed. `generation`: results of older passes do not count.
    pub(crate) fn new(generation: u64, window: Duration, now: Instant) -> Self {
        Self {
            generation,
            window: Window::new(window),
            consecutive: 0,
            first: None,
            trips: 0,
            trip: None,
            ramp: None,
            latest: now,
        }
    }

    pub(crate) fn restored(saved: Saved, config: &Config, numbers: &mut Numbers, now: Instant) -> Self {
        let trip = Trip {
            since: now,
            until: later(now, saved.open_for.min(config.longest())),
            term: saved.term.min(config.longest()),
            successes: 0,
            leases: Vec::new(),
            undo: None,
        };
        let closed = Self::new(numbers.next(), config.window, now);
        Self { trips: saved.trips.max(1), trip: Some(trip), ..closed }
    }

    pub(crate) fn configure(&mut self, config: &Config) {
        self.window.configure(config.window);
    }

    /// `anyway`: also where nothing may pass. Then it is a probe only if there is a lease for it.
    pub(crate) fn admit(&mut self, anyway: bool, config: &Config, numbers: &mut Numbers, now: Instant) -> Option<Pass> {
        let now = self.forward(now);
        let generation = numbers.latest();
        let Some(trip) = &mut self.trip else {
            return Some(Pass { generation, lease: None });
        };
        if now < trip.until && !anyway {
            return None;
        }
        trip.leases.retain(|lease| lease.until > now);
        if trip.leases.len() < config.probes() {
            let lease = Lease { number: numbers.next(), until: later(now, config.lease()) };
            trip.leases.push(lease);
            return Some(Pass { generation, lease: Some(lease) });
        }
        anyway.then_some(Pass { generation, lease: None })
    }

    pub(crate) fn succeed(&mut self, pass: Pass, config: &Config, now: Instant) -> Option<Transition> {
        let now = self.forward(now);
        if pass.generation < self.generation {
            return None;
        }
        let Some(trip) = &mut self.trip else {
            self.window.succeed(now);
            self.consecutive = 0;
            self.first = None;
            return None;
        };
        trip.give_back(pass);
        trip.successes = trip.successes.saturating_add(1);
        if trip.successes >= config.successes_needed() {
            self.ramp = Some((now, trip.term.min(RAMP_MOST)));
            return self.close(Return::Recovered, now);
        }
        let early = now < trip.until;
        trip.until = trip.until.min(now);
        early.then_some(Transition::HalfOpened)
    }

    pub(crate) fn fail(
        &mut self,
        pass: Pass,
        config: &Config,
        numbers: &mut Numbers,
        draw: u64,
        now: Instant,
    ) -> Option<Transition> {
        let charged_at = now;
        let now = self.forward(now);
        if pass.generation < self.generation {
            return None;
        }
        let cause = if let Some(trip) = &mut self.trip {
            trip.give_back(pass);
            (now >= trip.until).then_some(Cause::Probe)
        } else {
            self.window.fail(now);
            self.consecutive = self.consecutive.saturating_add(1);
            self.first.get_or_insert(charged_at);
            config.broken(self.consecutive, self.window.counts(now))
        }?;
        if config.is_off() {
            return None;
        }
        let undo = Undo { cause, generation: self.generation, charged_at };
        let term = config.term(self.trips, draw);
        self.generation = numbers.next();
        self.trips = self.trips.saturating_add(1);
        self.trip = Some(Trip {
            since: self.trip.as_ref().map_or(now, |trip| trip.since),
            until: later(now, term),
            term,
            successes: 0,
            leases: Vec::new(),
            undo: Some(undo),
        });
        Some(Transition::Opened { cause, term, trips: self.trips })
    }

    /// Frees the lease, if the pass holds one.
    pub(crate) fn release(&mut self, pass: Pass) {
        if let Some(trip) = &mut self.trip {
            trip.give_back(pass);
        }
    }

    pub(crate) fn refund(
        &mut self,
        pass: Pass,
        charged_at: Instant,
        config: &Config,
        now: Instant,
    ) -> Option<Transition> {
        let now = self.forward(now);
        let Some(trip) = &mut self.trip else {
            if pass.generation >= self.generation {
                self.take_back(charged_at);
            }
            return None;
        };
        let undo = trip.undo.filter(|undo| (undo.generation..self.generation).contains(&pass.generation))?;
        if undo.cause == Cause::Probe {
            if undo.charged_at != charged_at {
                return None;
            }
            trip.undo = None;
            let early = now < trip.until;
            trip.until = trip.until.min(now);
            self.trips = self.trips.saturating_sub(1);
            return early.then_some(Transition::HalfOpened);
        }
        let taken = self.take_back(charged_at);
        if !taken || config.broken(self.consecutive, self.counts(now)).is_some() {
            return None;
        }
        let after = self.out_for(now).unwrap_or_default();
        // Results of the attempts that were under way count again.
        self.generation = undo.generation;
        self.trips = self.trips.saturating_sub(1);
        self.trip = None;
        Some(Transition::Closed { cause: Return::Refunded, after })
    }

    /// Closed, with nothing counted and no ramp.
    pub(crate) fn reset(&mut self, numbers: &mut Numbers, now: Instant) -> Option<Transition> {
        let now = self.forward(now);
        self.generation = numbers.next();
        self.ramp = None;
        self.close(Return::Reset, now)
    }

    pub(crate) fn standing(&self, config: &Config, now: Instant) -> Standing {
        let now = now.max(self.latest);
        let Some(trip) = &self.trip else { return Standing::Closed };
        if now < trip.until {
            return Standing::Open { until: trip.until };
        }
        let held = trip.leases.iter().filter(|lease| lease.until > now);
        let free = config.probes().saturating_sub(held.clone().count());
        let due = if free > 0 { now } else { held.map(|lease| lease.until).min().unwrap_or(now) };
        Standing::HalfOpen { free: u32::try_from(free).unwrap_or(u32::MAX), due }
    }

    pub(crate) fn share(&self, config: &Config, now: Instant) -> f64 {
        match (self.standing(config, now), self.ramp) {
            (Standing::Closed, Some((from, length))) => {
                let passed = now.saturating_duration_since(from).as_secs_f64();
                // A length of zero gives no number at its very moment; `min` then says 1.
                let way = (passed / length.as_secs_f64()).min(1.0);
                RAMP_LEAST + (1.0 - RAMP_LEAST) * way
            }
            (standing, _) => f64::from(u8::from(standing.is_admissible())),
        }
    }

    pub(crate) fn report(&self, config: &Config, now: Instant) -> Report {
        Report {
            standing: self.standing(config, now),
            consecutive: self.consecutive,
            counts: self.counts(now),
            trips: self.trips,
            out_for: self.out_for(now),
            share: self.share(config, now),
        }
    }

    /// `None` where it is closed.
    pub(crate) fn saved(&self, now: Instant) -> Option<Saved> {
        let trip = self.trip.as_ref()?;
        let open_for = trip.until.saturating_duration_since(now.max(self.latest));
        Some(Saved { open_for, term: trip.term, trips: self.trips })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.trip.is_none()
    }

    /// Whether it was ever opened or reset since `generation`.
    pub(crate) fn is_newer(&self, generation: u64) -> bool {
        self.generation > generation
    }

    /// When it was last used.
    pub(crate) fn latest(&self) -> Instant {
        self.latest
    }

    /// What counts now; while it is not closed, what counted when it first opened.
    fn counts(&self, now: Instant) -> Counts {
        self.window.counts(self.trip.as_ref().map_or(now, |trip| trip.since))
    }

    fn out_for(&self, now: Instant) -> Option<Duration> {
        self.trip.as_ref().map(|trip| now.saturating_duration_since(trip.since))
    }

    /// Takes back one failure. Returns whether it still counted.
    fn take_back(&mut self, charged_at: Instant) -> bool {
        let in_window = self.window.refund(charged_at);
        let in_a_row = self.consecutive > 0 && self.first.is_some_and(|first| first <= charged_at);
        if in_a_row {
            self.consecutive -= 1;
            if self.consecutive == 0 {
                self.first = None;
            }
        }
        in_window || in_a_row
    }

    fn close(&mut self, cause: Return, now: Instant) -> Option<Transition> {
        let after = self.out_for(now);
        self.window.clear();
        self.consecutive = 0;
        self.first = None;
        self.trips = 0;
        self.trip = None;
        after.map(|after| Transition::Closed { cause, after })
    }

    fn forward(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

// === impl Trip ===

impl Trip {
    fn give_back(&mut self, pass: Pass) {
        if let Some(held) = pass.lease {
            self.leases.retain(|lease| lease.number != held.number);
        }
    }
}

#[cfg(test)]
mod tests;
