//! Cooldowns on their way to the database and back, with times that mean something to another process.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::{Cooldowns, Entry, LONGEST_MODEL, Place};
use crate::classify::Reason;
use crate::later;
use crate::outcome::ProviderId;

/// A cooldown of one provider. Times are relative to the moment of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCooldown {
    /// Why it is out.
    pub reason: Reason,
    /// Which model, where only that is out.
    pub model: Option<String>,
    /// Which client's credential, where only that is out.
    pub fingerprint: Option<u64>,
    /// For how long it has been out.
    pub since: Duration,
    /// How much longer it is out.
    pub left: Duration,
}

impl Cooldowns {
    /// What is in force, by provider.
    pub fn export(&self, now: Instant) -> impl Iterator<Item = (ProviderId, KeptCooldown)> {
        let in_force = self.entries.iter().filter(move |(_, entry)| entry.until > now);
        in_force.map(move |(place, entry)| {
            let kept = KeptCooldown {
                reason: place.reason,
                model: place.model.as_deref().map(str::to_owned),
                fingerprint: place.fingerprint,
                since: now.saturating_duration_since(entry.since),
                left: entry.until.saturating_duration_since(now),
            };
            (place.provider, kept)
        })
    }

    /// Takes up what was exported `away` ago, as far as it is not over. What is known already counts more.
    pub fn restore(&mut self, provider: ProviderId, kept: KeptCooldown, away: Duration, now: Instant) {
        let KeptCooldown { reason, model, fingerprint, since, left } = kept;
        let left = left.saturating_sub(away);
        if left.is_zero() || model.as_ref().is_some_and(|name| name.len() > LONGEST_MODEL) {
            return;
        }
        let place = Place { provider, reason, fingerprint, model: model.map(Cow::Owned) };
        if self.entries.contains_key(&place) {
            return;
        }
        self.make_room(&place);
        // A machine may have started later than that; then the age is lost, which only a status page notices.
        let since = now.checked_sub(since.saturating_add(away)).unwrap_or(now);
        self.entries.insert(place, Entry { since, latest: now, until: later(now, left), charges: 1 });
    }

    /// Drops everything about providers that are gone.
    pub fn retain(&mut self, mut keep: impl FnMut(ProviderId) -> bool) {
        self.entries.retain(|place, _| keep(place.provider));
    }
}
