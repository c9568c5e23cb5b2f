//! How everybody stands, for those who look on: a status page, the log, the waiting room. Nothing is changed here.

use std::sync::Arc;
use std::time::Instant;

use super::{Engine, Target, fault};
use crate::breaker;
use crate::classify::Reason;
use crate::outcome::ProviderId;

/// Who is out at the moment, for a status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Which provider.
    pub provider: ProviderId,
    /// Which model, where only that is out.
    pub model: Option<String>,
    /// Which client's credential, where only that is out.
    pub fingerprint: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// For how long it has been out, where that is known.
    pub since: Option<Instant>,
    /// When it returns. A provider that is half-open and busy with its probe: when the next one may go.
    pub until: Instant,
}

impl Engine {
    /// Everybody who is out at the moment.
    pub fn absent(&self, now: Instant) -> Vec<Absent> {
        let cooling = self.cooldowns.iter(now).map(|out| Absent {
            provider: out.provider,
            model: out.model.map(str::to_owned),
            fingerprint: out.fingerprint,
            reason: out.reason,
            since: Some(out.since),
            until: out.until,
        });
        let providers = self.breakers.iter(now).filter_map(|(provider, report)| open(*provider, None, &report, now));
        let models = self.models.iter(now);
        let models = models.filter_map(|((provider, model), report)| open(*provider, Some(model), &report, now));
        cooling.chain(providers).chain(models).collect()
    }

    /// Whether a candidate takes everybody, as far as faults go: its breaker is closed, and that of its model too.
    pub fn is_settled(&self, target: &Target, now: Instant) -> bool {
        let model = self.model_key(target).map_or(breaker::Standing::Closed, |key| self.models.standing(&key, now));
        self.breaker(target.provider, now) == breaker::Standing::Closed && model == breaker::Standing::Closed
    }

    /// What a provider's breaker says.
    pub fn breaker(&self, provider: ProviderId, now: Instant) -> breaker::Standing {
        self.breakers.standing(&provider, now)
    }

    /// Failures since its last success; while its breaker is not closed, those that opened it. For a status page.
    pub fn failures_in_a_row(&self, provider: ProviderId, now: Instant) -> u32 {
        let mut all = self.breakers.iter(now);
        all.find(|(known, _)| **known == provider).map_or(0, |(_, report)| report.consecutive)
    }
}

/// A breaker that lets nobody pass at the moment. `model`: where it is a model's.
fn open(provider: ProviderId, model: Option<&Arc<str>>, report: &breaker::Report, now: Instant) -> Option<Absent> {
    let until = report.standing.due().filter(|until| *until > now)?;
    let (model, reason) = fault(model);
    let since = report.out_for.and_then(|ago| now.checked_sub(ago));
    Some(Absent { provider, model, fingerprint: None, reason, since, until })
}
