//! How busy and how slow every provider is, as far as the choice among them needs to know.
//!
//! Three figures are kept per provider:
//! - **in flight**: attempts that began and did not end.
//! - **latency**: a peak average of the time to the first semantic event. A slower sample counts at once, since it is
//!   the news; faster ones pull it down over [`MEMORY`], so that one lucky answer proves nothing. While nobody waits for
//!   the provider it fades over [`FADE`] towards [`OPTIMISM`], so that one slow day is tried again. While somebody waits
//!   it does not: a provider that hangs must not become attractive by hanging.
//! - **debt**: failures that are not made up for. They count like attempts in flight.
//!
//! A failure is quick: 429 in 5 ms, nothing in flight any more. Taken at face value it would make the failing provider
//! the fastest and the least busy one, and draw all traffic to it. So a failure counts as a latency of at least
//! [`PENALTY`] (or of what is known, or of what it took, if more), and as debt that doubles with every further one. Both
//! are needed: the penalty alone loses against a good provider with enough requests in flight. As debt fades, a request
//! finds out whether the provider is well again: if so half of the debt is forgiven and the next one comes sooner, if not
//! the debt doubles. What the load cannot do is keep requests away for good: that is for cooldowns and breakers.
//!
//! All time is lazy: figures fade when they are read, and nothing has to run in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::outcome::ProviderId;

/// Over this time samples below the average pull it down by 63 %.
pub const MEMORY: Duration = Duration::from_secs(10);
/// Over this time debt fades by 63 %, and so does the latency of a provider that nobody waits for. Those who choose are
/// new sessions, which may be minutes apart: less, and all would be forgotten from one to the next.
pub const FADE: Duration = Duration::from_mins(5);
/// The latency of a provider of which nothing is known, and what an idle one fades to. Less than hosted models need, so
/// that the unknown are tried; more than nothing, so that not everybody tries them at once.
pub const OPTIMISM: Duration = Duration::from_millis(100);
/// The latency for which a failure counts at least. As long as a provider is left out after a 429 without a stated wait;
/// longer than a first event takes under any usual prompt.
pub const PENALTY: Duration = Duration::from_secs(30);
/// Ten failures in a row, and more attempts in flight than one user has. Not more, since after an outage of everybody
/// the first provider that answers has all traffic until the others' debt fades.
pub const MOST_DEBT: f64 = 1023.0;
/// Longer samples count as this long.
pub const LONGEST_SAMPLE: Duration = Duration::from_hours(1);

/// Less debt is none, so that two idle providers are equals in the end.
const LEAST_DEBT: f64 = 0.01;

/// How busy and how slow a provider is at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Attempts that began and did not end.
    pub in_flight: u32,
    /// Failures that are not made up for, in attempts; 0 to [`MOST_DEBT`].
    pub debt: f64,
    /// Expected time to the first semantic event, in seconds.
    pub latency: f64,
}

impl Load {
    /// A provider of which nothing is known.
    pub const UNKNOWN: Self = Self { in_flight: 0, debt: 0.0, latency: OPTIMISM.as_millis() as f64 / 1000.0 };
}

impl Default for Load {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// An attempt under way. It has to be handed back to [`Loads::end`], also when nobody waits for the answer any more.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an attempt that is not ended counts as in flight for ever"]
pub struct Running {
    provider: ProviderId,
    began: Instant,
    /// Whether its first event was seen.
    answered: bool,
}

/// How an attempt ended, in the eyes of the provider's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The answer was whole.
    Well,
    /// The provider failed or throttled, before or after its first event.
    Failed,
    /// It says nothing about the provider: the client left, another attempt won, the request itself was at fault. Only
    /// the time that was waited in vain counts, where it is longer than the estimate.
    Left,
}

/// What outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remembered {
    /// Seconds to the first event; `None` where it was never seen.
    pub latency: Option<f64>,
    /// See [`Load::debt`].
    pub debt: f64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    in_flight: u32,
    /// Those of them that have no first event yet.
    waiting: u32,
    /// Seconds, as of `rested` where nobody waits.
    latency: f64,
    /// When the latest sample was taken.
    sampled: Option<Instant>,
    /// Since when nobody waits.
    rested: Instant,
    /// The latency before the failures that are not made up for.
    unpunished: Option<f64>,
    /// As of `charged`.
    debt: f64,
    charged: Instant,
}

/// The load of every provider. One value serves all requests; only the configuration makes it grow.
#[derive(Debug, Clone, Default)]
pub struct Loads {
    entries: BTreeMap<ProviderId, Entry>,
}

// === impl Loads ===

impl Loads {
    /// Nothing is known of anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// An attempt begins.
    pub fn begin(&mut self, provider: ProviderId, now: Instant) -> Running {
        let entry = self.entries.entry(provider).or_insert_with(|| Entry::new(now));
        if entry.waiting == 0 {
            entry.latency = entry.latency_at(now);
        }
        entry.in_flight = entry.in_flight.saturating_add(1);
        entry.waiting = entry.waiting.saturating_add(1);
        Running { provider, began: now, answered: false }
    }

    /// Its first semantic event came; only the first call counts. Not for an answer that is not streamed: the time
    /// until it is whole says more about its length than about the provider.
    pub fn first_event(&mut self, running: &mut Running, now: Instant) {
        if std::mem::replace(&mut running.answered, true) {
            return;
        }
        if let Some(entry) = self.entries.get_mut(&running.provider) {
            entry.sample(seconds(now.saturating_duration_since(running.began)), now);
            entry.unpunished = None;
            entry.stop_waiting(now);
        }
    }

    /// It ended.
    pub fn end(&mut self, running: Running, how: Ended, now: Instant) {
        let Some(entry) = self.entries.get_mut(&running.provider) else {
            return;
        };
        let in_vain = if running.answered { Duration::ZERO } else { now.saturating_duration_since(running.began) };
        match how {
            Ended::Well => entry.owe(entry.debt_at(now) / 2.0, now),
            Ended::Failed => {
                let known = entry.latency_at(now);
                entry.unpunished.get_or_insert(known);
                entry.sample(seconds(in_vain.max(PENALTY)).max(known), now);
                // What began before the latest news is no news of its own: a hundred requests that hang together fail
                // once.
                let grown = if running.began < entry.charged { 1.0 } else { 2.0 };
                entry.owe(entry.debt_at(now) * grown + 1.0, now);
            }
            Ended::Left => {
                if seconds(in_vain) > entry.latency_at(now) {
                    entry.sample(seconds(in_vain), now);
                }
            }
        }
        entry.in_flight = entry.in_flight.saturating_sub(1);
        if !running.answered {
            entry.stop_waiting(now);
        }
    }

    /// Takes back one failure: it turned out to be the request's own fault.
    pub fn refund(&mut self, provider: ProviderId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.owe((entry.debt_at(now) - 1.0) / 2.0, now);
            if entry.debt <= 0.0
                && let Some(latency) = entry.unpunished.take()
            {
                entry.latency = latency;
                entry.rested = now;
            }
        }
    }

    /// The load of a provider.
    pub fn load(&self, provider: ProviderId, now: Instant) -> Load {
        self.entries.get(&provider).map_or(Load::UNKNOWN, |entry| Load {
            in_flight: entry.in_flight,
            debt: entry.debt_at(now),
            latency: entry.latency_at(now),
        })
    }

    /// Forgets how slow a provider was and how often it failed: somebody enabled it by hand. What runs goes on.
    pub fn clear(&mut self, provider: ProviderId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            *entry = Entry { in_flight: entry.in_flight, waiting: entry.waiting, ..Entry::new(now) };
        }
    }

    /// Drops the providers that are gone from the configuration, unless they still have attempts in flight.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.entries.retain(|provider, entry| entry.in_flight > 0 || keep(*provider));
    }

    /// What is worth to be kept over a restart.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, Remembered)> {
        self.entries.iter().map(move |(provider, entry)| {
            let latency = entry.sampled.map(|_| entry.latency_at(now));
            (*provider, Remembered { latency, debt: entry.debt_at(now) })
        })
    }

    /// Takes in what was exported `ago`. Figures out of range are taken as the nearest sensible ones; a provider that
    /// is known already stays as it is.
    pub fn restore(&mut self, provider: ProviderId, remembered: Remembered, ago: Duration, now: Instant) {
        self.entries.entry(provider).or_insert_with(|| {
            let mut entry = Entry::new(now);
            if let Some(latency) = remembered.latency.filter(|latency| latency.is_finite()) {
                entry.latency = faded(latency.clamp(0.0, seconds(LONGEST_SAMPLE)), seconds(OPTIMISM), ago);
                entry.sampled = Some(now);
            }
            entry.owe(faded(remembered.debt, 0.0, ago), now);
            entry
        });
    }
}

// === impl Entry ===

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            in_flight: 0,
            waiting: 0,
            latency: Load::UNKNOWN.latency,
            sampled: None,
            rested: now,
            unpunished: None,
            debt: 0.0,
            charged: now,
        }
    }

    fn latency_at(&self, now: Instant) -> f64 {
        if self.waiting > 0 {
            return self.latency;
        }
        faded(self.latency, Load::UNKNOWN.latency, now.saturating_duration_since(self.rested))
    }

    fn debt_at(&self, now: Instant) -> f64 {
        let debt = faded(self.debt, 0.0, now.saturating_duration_since(self.charged));
        if debt < LEAST_DEBT { 0.0 } else { debt }
    }

    fn owe(&mut self, debt: f64, now: Instant) {
        self.debt = if debt.is_nan() { 0.0 } else { debt.clamp(0.0, MOST_DEBT) };
        self.charged = now;
    }

    /// The time since the last sample decides what a lower one weighs, so that ten samples at once count no more than
    /// one.
    fn sample(&mut self, latency: f64, now: Instant) {
        let known = self.latency_at(now);
        self.latency = match self.sampled {
            Some(last) if latency < known => {
                let old = (-seconds(now.saturating_duration_since(last)) / seconds(MEMORY)).exp();
                known * old + latency * (1.0 - old)
            }
            Some(_) | None => latency,
        };
        self.sampled = Some(now);
        self.rested = now;
    }

    fn stop_waiting(&mut self, now: Instant) {
        self.waiting = self.waiting.saturating_sub(1);
        self.rested = now;
    }
}

fn seconds(time: Duration) -> f64 {
    time.min(LONGEST_SAMPLE).as_secs_f64()
}

/// What is left of `value` after so much idle time; what is below `floor` stays.
fn faded(value: f64, floor: f64, idle: Duration) -> f64 {
    if value <= floor || idle.is_zero() {
        return value;
    }
    floor + (value - floor) * (-idle.as_secs_f64() / FADE.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests;
