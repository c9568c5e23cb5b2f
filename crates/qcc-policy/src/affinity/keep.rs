//! Bindings on their way to the database and back: in bounded batches, so that the lock is short, and with times that
//! mean something to another process.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::clock::millis;
use super::slot::Slot;
use super::{Affinity, LONG_CACHE_LIFETIME, SessionKey};
use crate::outcome::ProviderId;

/// A binding on its way to or from the database. Times are relative to the moment of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBinding {
    /// Whose it is.
    pub key: SessionKey,
    /// Who is preferred.
    pub provider: ProviderId,
    /// Tokens in its cache.
    pub cache_tokens: u32,
    /// How long that figure holds.
    pub cached_for: Duration,
    /// Tokens of the last success, which hold as long as the session is warm.
    pub latest_tokens: u32,
    /// How long the session stays warm.
    pub warm_for: Duration,
    /// Since the last success.
    pub idle: Duration,
}

/// What was saved and counts no more: it has to be deleted before anything newer is saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Void {
    /// Everything.
    pub all: bool,
    /// What prefers one of these.
    pub providers: BTreeSet<ProviderId>,
}

/// What changed since an earlier export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The bindings of the sessions of this batch, the oldest change first. May be empty where some are void.
    pub bindings: Vec<KeptBinding>,
    /// Those of these sessions that count no more: an earlier batch may have told of them.
    pub ended: Vec<SessionKey>,
    /// Where the next batch begins; where this one began if nothing is left.
    pub upto: u64,
}

impl Void {
    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        !self.all && self.providers.is_empty()
    }
}

impl KeptBinding {
    /// The same after a time away.
    #[must_use]
    pub fn aged(self, away: Duration) -> Self {
        Self {
            cached_for: self.cached_for.min(LONG_CACHE_LIFETIME).saturating_sub(away),
            warm_for: self.warm_for.min(LONG_CACHE_LIFETIME).saturating_sub(away),
            idle: self.idle.saturating_add(away),
            ..self
        }
    }
}

impl Affinity {
    /// What became void since this was asked last.
    pub fn take_void(&mut self) -> Void {
        std::mem::take(&mut self.void)
    }

    /// Where an export of what changes from now on begins.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The sessions that changed after `after` ([`Batch::upto`] of the previous call, 0 for all), at most `most` of
    /// them, so at most [`MODELS`](super::MODELS) times as many bindings.
    pub fn export(&self, after: u64, most: usize, now: Instant) -> Batch {
        let at = self.clock.at(now);
        let mut batch = Batch { bindings: Vec::new(), ended: Vec::new(), upto: after };
        for (&turn, &name) in self.by_turn.range(after.max(self.switched.turn).saturating_add(1)..).take(most) {
            batch.upto = turn;
            let slots = self.sessions.get(&name).into_iter().flat_map(|session| &session.slots);
            for slot in slots.filter(|slot| slot.turn > 0) {
                let key = SessionKey { session: name, model: slot.model };
                if self.is_in_force(slot, at) {
                    batch.bindings.push(kept(key, slot, at));
                } else {
                    batch.ended.push(key);
                }
            }
        }
        batch
    }

    /// Takes up what was exported `away` ago. What is bound already counts more. Where not all fit, the latest ones
    /// stay. Returns how many bindings were taken up.
    pub fn restore(&mut self, mut bindings: Vec<KeptBinding>, away: Duration, now: Instant) -> usize {
        let at = self.clock.start(now);
        bindings.iter_mut().for_each(|kept| *kept = kept.aged(away));
        let room = if self.is_off() { 0 } else { self.max_sessions.saturating_sub(self.sessions.len()) };
        let mut chosen = BTreeSet::new();
        bindings.sort_by_key(|kept| kept.idle);
        bindings.retain(|kept| {
            let name = kept.key.session;
            let free = !self.sessions.contains_key(&name) && millis(kept.idle) < self.ttl;
            free && (chosen.contains(&name) || chosen.len() < room && chosen.insert(name))
        });
        for kept in bindings.iter().rev() {
            let left = |term: Duration| at.saturating_add(millis(term));
            let slot = Slot {
                turn: self.turn + 1,
                model: kept.key.model,
                provider: kept.provider,
                cached: kept.cache_tokens,
                cached_until: left(kept.cached_for),
                latest: kept.latest_tokens,
                warm_until: left(kept.warm_for),
                last: at.saturating_sub(millis(kept.idle)),
            };
            self.put(kept.key.session, slot);
        }
        bindings.len()
    }
}

fn kept(key: SessionKey, slot: &Slot, at: u64) -> KeptBinding {
    KeptBinding {
        key,
        provider: slot.provider,
        cache_tokens: slot.cached,
        cached_for: Duration::from_millis(slot.cached_until.saturating_sub(at)),
        latest_tokens: slot.latest,
        warm_for: Duration::from_millis(slot.warm_until.saturating_sub(at)),
        idle: Duration::from_millis(at.saturating_sub(slot.last)),
    }
}
