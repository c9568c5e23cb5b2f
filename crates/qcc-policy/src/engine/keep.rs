//! What outlives the process, of each provider and of each session, and what is forgotten because its provider is gone.
//!
//! Kept is whatever a fresh start would have to learn again at somebody's cost: who is out and until when, how weights and
//! latencies stood, which tier was left, where prompt caches are. Not kept is what passes by itself within about a
//! minute: attempts under way, the counts of breakers that are closed, ramps, the user's own limits, hosts that are
//! presumed loaded, whose turn it is.
//!
//! All times are relative to the moment of the export, because instants mean nothing to another process. Whoever restores
//! says how long it was away, and what would be over by now is over.
//!
//! An export holds the lock of the engine, so it takes only what changed since the last one, a bounded piece at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use crate::affinity::{Batch, KeptBinding, Void};
use crate::breaker::Saved;
use crate::cooldown::KeptCooldown;
use crate::failback::KeptAbsence;
use crate::health::SavedHealth;
use crate::limit::KeptLane;
use crate::load::Remembered;
use crate::outcome::ProviderId;
use crate::plan::Router;

/// Everything that is kept of one provider. Times are relative to the moment of the export.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeptProvider {
    /// Its breaker, where that is not closed.
    pub breaker: Option<Saved>,
    /// Those of its models that are not closed.
    pub models: Vec<(Arc<str>, Saved)>,
    /// What it announced and refused.
    pub cooldowns: Vec<KeptCooldown>,
    /// Where its headers said that nothing remains.
    pub lanes: Vec<KeptLane>,
    /// Its latest absence, as far as that still keeps new sessions away from its tier.
    pub absence: Option<KeptAbsence>,
    /// How slow it was, and how often it failed.
    pub load: Option<Remembered>,
    /// How well it is.
    pub health: Option<SavedHealth>,
}

/// What has to be written down of sessions, in this order: what is void is deleted, then these are put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSessions {
    /// What was saved before and counts no more.
    pub void: Void,
    /// What changed.
    pub batch: Batch,
}

impl KeptProvider {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Engine {
    /// Something was learned of a provider, so what was kept of it is out of date.
    pub(super) fn learned(&mut self, provider: ProviderId) {
        self.touch(provider);
        self.changed.insert(provider);
    }

    /// The providers of which something was learned since the last call, at most `most` of them. One of which nothing is
    /// known any more is among them, empty.
    pub fn export(&mut self, most: usize, now: Instant) -> Vec<(ProviderId, KeptProvider)> {
        let mut all = BTreeMap::new();
        while all.len() < most
            && let Some(provider) = self.changed.pop_first()
        {
            all.insert(provider, KeptProvider::default());
        }
        if all.is_empty() {
            return Vec::new();
        }
        let mut of = |provider: ProviderId, put: &mut dyn FnMut(&mut KeptProvider)| {
            all.get_mut(&provider).into_iter().for_each(put);
        };
        for (provider, saved) in self.breakers.export(now) {
            of(*provider, &mut |kept| kept.breaker = Some(saved));
        }
        for ((provider, model), saved) in self.models.export(now) {
            of(*provider, &mut |kept| kept.models.push((Arc::clone(model), saved)));
        }
        for (provider, cooldown) in self.cooldowns.export(now) {
            of(provider, &mut |kept| kept.cooldowns.push(cooldown.clone()));
        }
        for (provider, lane) in self.limits.export(now) {
            of(provider, &mut |kept| kept.lanes.push(lane));
        }
        for (provider, absence) in self.failback.export(now) {
            of(provider, &mut |kept| kept.absence = Some(absence));
        }
        let known = |load: &Remembered| load.latency.is_some() || load.debt > 0.0;
        for (provider, load) in self.loads.export(now) {
            of(provider, &mut |kept| kept.load = Some(load).filter(known));
        }
        for (provider, health) in self.health.export(now) {
            of(provider, &mut |kept| kept.health = Some(health));
        }
        all.into_iter().collect()
    }

    /// Takes up what was exported of a provider `away` ago, as at start. What is known of it already counts more.
    pub fn restore(&mut self, provider: ProviderId, kept: KeptProvider, away: Duration, now: Instant) {
        self.touch(provider);
        let aged = |saved: Saved| Saved { open_for: saved.open_for.saturating_sub(away), ..saved };
        if let Some(saved) = kept.breaker {
            self.breakers.restore(provider, aged(saved), now);
        }
        for (model, saved) in kept.models {
            self.models.restore((provider, model), aged(saved), now);
        }
        for cooldown in kept.cooldowns {
            self.cooldowns.restore(provider, cooldown, away, now);
        }
        for lane in kept.lanes {
            self.limits.restore(provider, lane, away, now);
        }
        if let Some(absence) = kept.absence {
            self.failback.restore(provider, absence, away, now);
        }
        if let Some(load) = kept.load {
            self.loads.restore(provider, load, away, now);
        }
        if let Some(health) = kept.health {
            self.health.restore(provider, &health, away, now);
        }
    }

    /// What changed of sessions after `after` (where the batch before ended, 0 for all), of at most `most` sessions.
    pub fn export_sessions(&mut self, after: u64, most: usize, now: Instant) -> KeptSessions {
        KeptSessions { void: self.affinity.take_void(), batch: self.affinity.export(after, most, now) }
    }

    /// Takes up bindings that were exported as long ago as is said beside each, all at once: what is bound already counts
    /// more. Tells how many were taken up, and where the next export begins.
    pub fn restore_sessions(
        &mut self,
        bindings: impl IntoIterator<Item = (KeptBinding, Duration)>,
        now: Instant,
    ) -> (usize, u64) {
        let bindings = bindings.into_iter().map(|(kept, away)| kept.aged(away)).collect();
        let taken = self.affinity.restore(bindings, Duration::ZERO, now);
        (taken, self.affinity.turn())
    }

    /// Drops providers that are gone for good. Their sessions are found void when they ask: nobody is named like them
    /// again.
    pub fn retain(&mut self, known: &BTreeSet<ProviderId>) {
        self.glances.clear();
        let keep = |provider| known.contains(&provider);
        self.cooldowns.retain(keep);
        self.breakers.forget(|provider| !keep(*provider));
        self.models.forget(|(provider, _)| !keep(*provider));
        self.failback.retain(keep);
        self.overloads.retain(keep);
        self.limits.retain(keep);
        self.loads.retain(keep);
        self.health.retain(keep);
        self.changed.retain(|provider| keep(*provider));
    }

    /// Drops the turns of profiles that are gone, as after a reload.
    pub fn retain_turns(&mut self, router: &Router) {
        let known: BTreeSet<u64> = router.keys().collect();
        self.turns.retain(|(key, _)| known.contains(key));
    }
}
