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
