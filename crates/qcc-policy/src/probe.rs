//! When which provider is probed. The caller asks [`Probes::next_due`], waits until then, begins the probe and reports
//! its end; what the probe showed goes to [`crate::health`].
//!
//! - **Free probes** (a connection, a call that costs nothing) run every `interval`.
//! - **Conversational checks** cost money. One runs only where somebody cares, which is where a request went to the
//!   provider, or would have gone but for its state, within [`CARED_FOR`]; and where traffic does not answer the question
//!   anyway: none of it was heard for `conversation_interval`, or the provider must prove itself. Never more than
//!   `daily_limit` of them begin in any 24 hours, checks by hand included.
//! - **Passthrough** providers are not probed: there is no credential to probe with.
//! - **One at a time** per provider. A running probe is a lease that expires, so one that never reports blocks nothing;
//!   one that reports after that changes nothing.
//! - **Quiet**: a provider that is out by its own word (credential, quota, throttle) is left alone until then. The
//!   first thing after that is a free probe, which is how a refused credential is checked again.
//!
//! All times carry jitter, and the first ones are spread over a whole interval, so that providers are not all probed in
//! one moment, nor those of one host by many gateways. A quarter of one stays free before: what was just started has just
//! been connected to.
//!
//! [`Probes::is_sooner`] tells when to ask again: something has brought a probe forward.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::later;
use crate::outcome::ProviderId;

mod entry;

use entry::{Entry, Running};

/// Somebody cares for a provider this long after a request for it.
pub const CARED_FOR: Duration = Duration::from_hours(1);
/// Between two conversational checks of a provider there is at least this time, however often it must prove itself.
pub const LEAST_BETWEEN: Duration = Duration::from_secs(30);
/// Share of an interval by which it may be shorter or longer.
pub const JITTER: f64 = 0.1;

/// What kind of probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    /// A connection, or a call that costs nothing.
    Free,
    /// A conversational check.
    Conversation,
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Conversation => "conversation",
        })
    }
}

/// How often, and how often at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Between free probes: `health.interval`; zero: none.
    pub interval: Duration,
    /// Between conversational checks: `health.conversation_interval`; zero: none by schedule.
    pub conversation_interval: Duration,
    /// Conversational checks per provider in 24 hours: `health.daily_limit`; 0: none.
    pub daily_limit: u32,
    /// After this time a probe that has not reported is given up: somewhat more than `health.timeout`.
    pub lease: Duration,
}

/// The probe that is due first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// From when on; in the past where it is overdue.
    pub at: Instant,
    /// Which kind.
    pub kind: ProbeKind,
    /// Of which provider.
    pub provider: ProviderId,
}

/// A running probe.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a probe that never reports blocks its provider's next one until the lease expires"]
pub struct ProbeLease {
    /// Of which provider.
    pub provider: ProviderId,
    /// Which kind.
    pub kind: ProbeKind,
    generation: u64,
}

/// Why a probe may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeRefused {
    /// The provider is unknown, or of the passthrough kind.
    NotProbed,
    /// Another one runs on this provider.
    Running,
    /// Its time has not come.
    NotDue,
    /// There were `daily_limit` conversational checks in the last 24 hours.
    DailyLimit,
}

impl fmt::Display for ProbeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotProbed => "this provider is not probed",
            Self::Running => "another probe of this provider is running",
            Self::NotDue => "no probe is due",
            Self::DailyLimit => "the daily limit of paid probes is reached",
        })
    }
}

/// A provider's probes, for a status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeReport {
    /// Conversational checks that began in the last 24 hours.
    pub spent: u64,
    /// The most of them.
    pub daily_limit: u32,
    /// The next one by schedule, in the past where it is overdue or running; `None`: none is planned.
    pub next: Option<(ProbeKind, Instant)>,
}

/// The schedule of all providers. Its size is bounded by the configuration.
#[derive(Debug, Clone)]
pub struct Probes {
    settings: ProbeSettings,
    entries: BTreeMap<ProviderId, Entry>,
    generations: u64,
    /// Whether a probe may be due sooner than was said last.
    sooner: bool,
}

impl Probes {
    /// Nobody is probed yet.
    pub fn new(settings: ProbeSettings) -> Self {
        Self { settings: bounded(settings), entries: BTreeMap::new(), generations: 0, sooner: false }
    }

    /// New settings, as after a reload. Where an interval changed, its next probes are spread anew; what was spent
    /// today stays spent.
    pub fn configure(&mut self, settings: ProbeSettings, now: Instant) {
        let old = std::mem::replace(&mut self.settings, bounded(settings));
        self.sooner = true;
        for entry in self.entries.values_mut() {
            let fresh = Entry::new(&self.settings, entry.draw, now);
            if old.interval != self.settings.interval {
                entry.next_free = fresh.next_free;
            }
            if old.conversation_interval != self.settings.conversation_interval {
                entry.next_paid = fresh.next_paid;
            }
        }
    }

    /// Takes a provider in; one that is known already keeps its state. One of the passthrough kind is put out instead.
    /// Says whether it is new.
    pub fn enrol(&mut self, provider: ProviderId, passthrough: bool, draw: u64, now: Instant) -> bool {
        if passthrough {
            self.retire(provider);
            return false;
        }
        let is_new = !self.entries.contains_key(&provider);
        self.entries.entry(provider).or_insert_with(|| Entry::new(&self.settings, draw, now));
        self.sooner |= is_new;
        is_new
    }

    /// Puts a provider out that is gone or disabled.
    pub fn retire(&mut self, provider: ProviderId) {
        self.entries.remove(&provider);
    }

    /// A request went to this provider, or would have gone but for its state.
    pub fn wanted(&mut self, provider: ProviderId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            self.sooner |= entry.wanted.is_none_or(|last| now.saturating_duration_since(last) >= CARED_FOR);
            entry.wanted = entry.wanted.max(Some(now));
        }
    }

    /// Real traffic showed how this provider is: an answer, or a fault of its own.
    pub fn heard(&mut self, provider: ProviderId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.heard = entry.heard.max(Some(now));
        }
    }

    /// This provider must prove itself, for the first time at `from`: its breaker may be half-open then, or its score
    /// fell. Traffic does not stand in for its checks until [`Self::proved`].
    pub fn must_prove(&mut self, provider: ProviderId, from: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.must_prove = true;
            entry.next_paid = from;
            self.sooner = true;
        }
    }

    /// This provider has proved itself.
    pub fn proved(&mut self, provider: ProviderId) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.must_prove = false;
        }
    }

    /// A free probe reached this provider, or did not. Where one that must prove itself is reached again, it may do so at
    /// once: the time until which it would be left alone was a guess.
    pub fn reached(&mut self, provider: ProviderId, reached: bool, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            let was_unreached = std::mem::replace(&mut entry.unreached, !reached);
            if reached && was_unreached && entry.must_prove {
                entry.next_paid = entry.next_paid.min(now);
                self.sooner = true;
            }
        }
    }

    /// Leaves a provider alone until then. Only ever longer, as a cooldown; [`Self::lift`] ends it. Where the free probe
    /// at the end of it is refused again, say so before [`Self::done`], or a paid one may follow.
    pub fn quiet(&mut self, provider: ProviderId, until: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.quiet_until = entry.quiet_until.max(Some(until));
            entry.next_free = entry.next_free.min(until);
        }
    }

    /// Its key changed, or somebody enabled it by hand: quiet ends, and a free probe is due at once.
    pub fn lift(&mut self, provider: ProviderId, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.quiet_until = None;
            entry.next_free = entry.next_free.min(now);
            self.sooner = true;
        }
    }

    /// Whether a probe may be due sooner than [`Self::next_due`] said before this was asked last.
    pub fn is_sooner(&mut self) -> bool {
        std::mem::take(&mut self.sooner)
    }

    /// The probe that is due first. Of two that are due at the same moment the free one, whose answer may save the
    /// other.
    pub fn next_due(&mut self, now: Instant) -> Option<Due> {
        let settings = &self.settings;
        let dues = self.entries.iter_mut().filter_map(|(&provider, entry)| {
            let blocked_until = entry.running.map(|running| running.expires).filter(|&expires| expires > now);
            let (kind, at) = entry.next(settings, now)?;
            Some(Due { at: blocked_until.map_or(at, |until| at.max(until)), kind, provider })
        });
        dues.min()
    }

    /// Begins a probe that is due.
    pub fn begin(
        &mut self,
        provider: ProviderId,
        kind: ProbeKind,
        draw: u64,
        now: Instant,
    ) -> Result<ProbeLease, ProbeRefused> {
        let entry = self.entries.get_mut(&provider).ok_or(ProbeRefused::NotProbed)?;
        let at = match kind {
            ProbeKind::Free => entry.free_at(&self.settings),
            ProbeKind::Conversation => entry.paid_at(&self.settings, now),
        };
        if at.is_none_or(|at| at > now) {
            return Err(ProbeRefused::NotDue);
        }
        self.start(provider, kind, draw, now)
    }

    /// Begins a probe because somebody asked for it, whether it is due or not.
    pub fn begin_by_hand(
        &mut self,
        provider: ProviderId,
        kind: ProbeKind,
        draw: u64,
        now: Instant,
    ) -> Result<ProbeLease, ProbeRefused> {
        self.start(provider, kind, draw, now)
    }

    fn start(
        &mut self,
        provider: ProviderId,
        kind: ProbeKind,
        draw: u64,
        now: Instant,
    ) -> Result<ProbeLease, ProbeRefused> {
        let entry = self.entries.get_mut(&provider).ok_or(ProbeRefused::NotProbed)?;
        if entry.is_running(now) {
            return Err(ProbeRefused::Running);
        }
        let limit = self.settings.daily_limit;
        let exhausted = limit == 0 || entry.spent.full_until(1, u64::from(limit), now).is_some();
        if kind == ProbeKind::Conversation && exhausted {
            return Err(ProbeRefused::DailyLimit);
        }
        let before = entry.last_paid;
        let stamp = entry.begin(kind, &self.settings, draw, now);
        self.generations += 1;
        let expires = later(now, self.settings.lease);
        entry.running = Some(Running { generation: self.generations, expires, before, stamp });
        Ok(ProbeLease { provider, kind, generation: self.generations })
    }

    /// A probe ended. Says whether its lease still held; if not, what it showed is too old to count.
    pub fn done(&mut self, lease: ProbeLease, now: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&lease.provider) else {
            return false;
        };
        let held = entry.running.is_some_and(|running| running.generation == lease.generation);
        let in_time = held && entry.is_running(now);
        if held {
            entry.running = None;
        }
        in_time
    }

    /// A conversational check could not be made after all: it costs nothing, and none is due before `until`.
    pub fn withdraw(&mut self, lease: ProbeLease, until: Instant, now: Instant) {
        let Some(entry) = self.entries.get_mut(&lease.provider) else {
            return;
        };
        if let Some(running) = entry.running.filter(|running| running.generation == lease.generation)
            && let Some(stamp) = running.stamp
        {
            entry.spent.take_back(stamp, 1, now);
            (entry.last_paid, entry.next_paid) = (running.before, until);
        }
        self.done(lease, now);
    }

    /// A provider's probes; `None`: it is not probed.
    pub fn report(&mut self, provider: ProviderId, now: Instant) -> Option<ProbeReport> {
        let settings = self.settings;
        let entry = self.entries.get_mut(&provider)?;
        let next = entry.next(&settings, now);
        Some(ProbeReport { spent: entry.spent.sum(now), daily_limit: settings.daily_limit, next })
    }

    /// The providers that are probed.
    pub fn enrolled(&self) -> impl Iterator<Item = ProviderId> + '_ {
        self.entries.keys().copied()
    }

    /// Counts checks of the last 24 hours from before a restart, as if they had begun now: too strict rather than too
    /// costly.
    pub fn restore_spent(&mut self, provider: ProviderId, spent: u32, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&provider) {
            entry.spent.add(spent, now);
        }
    }
}

/// Keeps the arithmetic far from overflow. A lease of no time would make every probe's report come too late.
fn bounded(settings: ProbeSettings) -> ProbeSettings {
    ProbeSettings {
        interval: settings.interval.min(crate::LONGEST),
        conversation_interval: settings.conversation_interval.min(crate::LONGEST),
        lease: settings.lease.clamp(Duration::from_secs(1), crate::LONGEST),
        daily_limit: settings.daily_limit,
    }
}

#[cfg(test)]
mod tests;
