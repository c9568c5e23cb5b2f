//! When new sessions return to a tier that was left. Not the moment one of its providers answers again: a provider that
//! comes and goes would drag every new session along, each with a cold prompt cache. They return after
//! `failover.cooldown`, or never by themselves where `failover.recovery` is off.
//!
//! A tier was left when all its members were out at one time. That is told from each member's latest absence alone, so
//! nothing has to be noticed at the moment it happens: they overlap, or they do not. An absence ends when its announced
//! time is over, or, for a breaker, when it has closed. Until then a half-open breaker's provider is asked in its place as
//! always, or nobody would find out that it is back.
//!
//! What is not the provider's doing is no absence: a limit that the user set, one client's credential, one model.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::later;
use crate::outcome::ProviderId;

/// How tiers are returned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailbackSettings {
    /// `failover.recovery`: whether they are, without somebody's word.
    pub recovery: bool,
    /// `failover.cooldown`: how long after it has recovered; zero: at once.
    pub cooldown: Duration,
}

/// A provider's latest absence on its way to the database and back. Times are relative to the moment of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptAbsence {
    /// How long ago it began.
    pub began: Duration,
    /// When it ends or ended.
    pub end: KeptEnd,
}

/// The end of an absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptEnd {
    /// Nobody knows.
    Open,
    /// It is announced to end after this time.
    In(Duration),
    /// It ended so long ago.
    Ago(Duration),
}

#[derive(Debug, Clone, Copy)]
struct Absence {
    from: Instant,
    /// `None`: nobody knows.
    until: Option<Instant>,
}

/// The latest absence of every provider. Bounded by the configuration.
#[derive(Debug, Clone)]
pub struct Failback {
    settings: FailbackSettings,
    absences: BTreeMap<ProviderId, Absence>,
}

impl Failback {
    /// Nobody was out yet.
    pub fn new(settings: FailbackSettings) -> Self {
        Self { settings, absences: BTreeMap::new() }
    }

    /// New settings, as after a reload.
    pub fn configure(&mut self, settings: FailbackSettings) {
        self.settings = settings;
    }

    /// A provider is out as a whole, until then or until [`Self::back`].
    pub fn out(&mut self, provider: ProviderId, until: Option<Instant>, now: Instant) {
        let absence = self.absences.entry(provider).or_insert(Absence { from: now, until: Some(now) });
        match absence.until {
            Some(ended) if ended <= now => *absence = Absence { from: now, until },
            Some(known) => absence.until = until.map(|until| until.max(known)),
            None => {}
        }
    }

    /// It answers again.
    pub fn back(&mut self, provider: ProviderId, now: Instant) {
        if let Some(absence) = self.absences.get_mut(&provider) {
            absence.until = Some(absence.until.map_or(now, |until| until.min(now)));
        }
    }

    /// What is kept over a restart: the absences that still hold somebody back, or may.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, KeptAbsence)> {
        let counts = move |absence: &&Absence| {
            let over = absence.until.is_some_and(|until| later(until, self.settings.cooldown) <= now);
            !over || !self.settings.recovery
        };
        let absences = self.absences.iter().map(|(provider, absence)| (*provider, absence));
        absences.filter(move |(_, absence)| counts(absence)).map(move |(provider, absence)| {
            let end = match absence.until {
                None => KeptEnd::Open,
                Some(until) if until > now => KeptEnd::In(until.saturating_duration_since(now)),
                Some(until) => KeptEnd::Ago(now.saturating_duration_since(until)),
            };
            (provider, KeptAbsence { began: now.saturating_duration_since(absence.from), end })
        })
    }

    /// Takes up what was exported `away` ago. What is known already counts more.
    pub fn restore(&mut self, provider: ProviderId, kept: KeptAbsence, away: Duration, now: Instant) {
        // A machine may have started later than that: an absence without a beginning holds nobody back.
        let ago = |time: Duration| now.checked_sub(time.saturating_add(away));
        let Some(from) = ago(kept.began) else { return };
        let until = match kept.end {
            KeptEnd::Open => None,
            KeptEnd::In(left) if left > away => Some(later(now, left.saturating_sub(away))),
            KeptEnd::In(left) => now.checked_sub(away.saturating_sub(left)),
            KeptEnd::Ago(time) => ago(time),
        };
        self.absences.entry(provider).or_insert(Absence { from, until });
    }

    /// Drops providers that are gone.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.absences.retain(|provider, _| keep(*provider));
    }

    /// It was not out rightly, somebody enabled it by hand, or it is gone.
    pub fn forget(&mut self, provider: ProviderId) {
        self.absences.remove(&provider);
    }

    /// Somebody said where requests go.
    pub fn switch(&mut self) {
        self.absences.clear();
    }

    /// Whether nobody was out lately: then no tier is held back.
    pub fn is_idle(&self) -> bool {
        self.absences.is_empty()
    }

    /// Whether new sessions stay away from the tier of these members. Costs a look-up for each.
    pub fn is_held_back(&self, members: impl IntoIterator<Item = ProviderId>, now: Instant) -> bool {
        let mut left: Option<Instant> = None;
        let mut recovered: Option<Instant> = None;
        for member in members {
            let Some(absence) = self.absences.get(&member) else { return false };
            left = left.max(Some(absence.from));
            if let Some(until) = absence.until {
                recovered = Some(recovered.map_or(until, |first| first.min(until)));
            }
        }
        let Some(left) = left else { return false };
        match recovered {
            // One of them was there all the time.
            Some(recovered) if recovered <= left => false,
            Some(recovered) => {
                !self.settings.recovery || (recovered <= now && now < later(recovered, self.settings.cooldown))
            }
            None => !self.settings.recovery,
        }
    }
}

#[cfg(test)]
mod tests;
