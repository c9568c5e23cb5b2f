//! Every provider with its state, as of one moment.

use qcc_config::Provider;
use qcc_policy::breaker::Standing;
use qcc_policy::engine::Absent;
use qcc_policy::{Class, HealthReport, ProviderId, Reason};
use serde_json::{Value, json};

use crate::state::{Snapshot, State, dialect_name, now};

/// Who is out, as of the moment when it was made.
pub(crate) struct Report<'s> {
    snapshot: &'s Snapshot,
    out: Vec<Out>,
    /// Those that have to prove themselves before traffic comes back.
    recovering: Vec<ProviderId>,
    health: Vec<(ProviderId, HealthReport)>,
}

struct Out {
    provider: ProviderId,
    /// Everybody is affected: not one model alone, or one client.
    whole: bool,
    shown: Value,
}

// === impl Report ===

impl<'s> Report<'s> {
    pub(crate) fn new(state: &State, snapshot: &'s Snapshot) -> Self {
        let now = now();
        let shown = |out: Absent| {
            let seconds = out.until.saturating_duration_since(now).as_secs_f64().ceil() as u64;
            Out {
                provider: out.provider,
                whole: out.model.is_none() && out.reason != Reason::ClientCredential,
                shown: json!({"reason": out.reason.to_string(), "model": out.model, "seconds": seconds}),
            }
        };
        let engine = state.engine();
        let out = engine.absent(now).into_iter().map(shown).collect();
        let ids = snapshot.upstreams.iter().map(|upstream| upstream.id);
        let half_open = |id: &ProviderId| matches!(engine.breaker(*id, now), Standing::HalfOpen { .. });
        let recovering = ids.clone().filter(half_open).collect();
        let health = ids.map(|id| (id, engine.health(id, now))).collect();
        Self { snapshot, out, recovering, health }
    }

    /// Every provider of the configuration; no credential.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.snapshot.config.providers.iter().map(|provider| self.entry(provider)).collect()
    }

    /// One provider; no credential.
    pub(crate) fn entry(&self, provider: &Provider) -> Value {
        let word = self.word(provider);
        let mut entry = json!({
            "name": provider.name,
            "type": dialect_name(provider.dialect),
            "base_url": provider.base_url,
            "enabled": provider.enabled,
            "healthy": word == "closed",
            "state": word,
            "cooldowns": self.cooldowns(provider),
            "class": Class::Unknown.to_string(),
            "score": null,
        });
        let id = self.snapshot.upstream_named(&provider.name).map(|upstream| upstream.id);
        if let Some((_, health)) = self.health.iter().find(|(known, _)| Some(*known) == id) {
            entry["class"] = health.class.to_string().into();
            entry["score"] = health.score.into();
        }
        if id.is_some_and(|id| self.recovering.contains(&id)) {
            entry["recovering"] = true.into();
        }
        entry
    }

    /// `closed`: traffic flows; else why not: `cooling` or `disabled`.
    pub(crate) fn word(&self, provider: &Provider) -> &'static str {
        match self.snapshot.upstream_named(&provider.name) {
            None => "disabled",
            Some(upstream) if self.out.iter().any(|out| out.whole && out.provider == upstream.id) => "cooling",
            Some(_) => "closed",
        }
    }

    /// What is out of it, with reason, model and seconds left.
    pub(crate) fn cooldowns(&self, provider: &Provider) -> Vec<Value> {
        let id = self.snapshot.upstream_named(&provider.name).map(|upstream| upstream.id);
        self.out.iter().filter(|out| Some(out.provider) == id).map(|out| out.shown.clone()).collect()
    }
}
