//! What is remembered of a session: for each of its models who answered last, and what that provider holds of it.

use super::clock::millis;
use super::{CACHE_LIFETIME, LEAST_CACHED, LONG_CACHE_LIFETIME, MODELS, Served, SessionKey};
use crate::outcome::ProviderId;

/// One model's binding. Times are milliseconds of the [`Clock`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// When it was written, counted in writes; 0: never.
    pub(super) turn: u64,
    pub(super) model: u64,
    pub(super) provider: ProviderId,
    /// The largest figure, and how long it holds.
    pub(super) cached: u32,
    pub(super) cached_until: u64,
    /// The figure of the last success.
    pub(super) latest: u32,
    pub(super) warm_until: u64,
    pub(super) last: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// The newest turn of its slots.
    pub(super) turn: u64,
    pub(super) slots: [Slot; MODELS],
}

impl Slot {
    pub(super) const NEVER: Self = Self {
        turn: 0,
        model: 0,
        provider: ProviderId(0),
        cached: 0,
        cached_until: 0,
        latest: 0,
        warm_until: 0,
        last: 0,
    };

    pub(super) fn is_warm(&self, at: u64) -> bool {
        self.warm_until > at
    }

    /// Tokens that the provider still holds.
    pub(super) fn cached(&self, at: u64) -> u32 {
        match (self.cached_until > at, self.is_warm(at)) {
            (true, _) => self.cached,
            (false, true) => self.latest,
            (false, false) => 0,
        }
    }

    /// Whether there is something in a cache to stay for.
    pub(super) fn is_worth_staying(&self, at: u64) -> bool {
        self.cached(at) >= LEAST_CACHED
    }

    /// The slot after another success. `known`: this model's binding so far.
    pub(super) fn after(known: Option<Self>, key: SessionKey, served: &Served, turn: u64, at: u64) -> Self {
        let lifetime = millis(if served.long { LONG_CACHE_LIFETIME } else { CACHE_LIFETIME });
        let (cached, cached_until) = (served.cached, at.saturating_add(lifetime));
        let fresh = Self {
            turn,
            model: key.model,
            provider: served.provider,
            cached,
            cached_until,
            latest: cached,
            warm_until: cached_until,
            last: at,
        };
        let Some(known) = known.filter(|known| known.provider == served.provider) else {
            return fresh;
        };
        let warm_until = known.warm_until.max(fresh.warm_until);
        if known.cached_until > at && known.cached > cached {
            Self { cached: known.cached, cached_until: known.cached_until, warm_until, ..fresh }
        } else {
            Self { warm_until, ..fresh }
        }
    }
}

impl Session {
    /// The newest success of all.
    pub(super) fn last(&self) -> u64 {
        self.slots.iter().map(|slot| slot.last).max().unwrap_or_default()
    }

    /// Where a model's slot is, or goes.
    pub(super) fn place(&self, model: u64) -> usize {
        let known = self.slots.iter().position(|slot| slot.turn > 0 && slot.model == model);
        let oldest = || (0..MODELS).min_by_key(|&place| self.slots[place].turn);
        known.or_else(oldest).unwrap_or_default()
    }
}
