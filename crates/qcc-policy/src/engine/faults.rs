//! Whose breaker a fault concerns: the provider's, or that of one model on it.
//!
//! One attempt cannot tell, so a fault that may be the model's counts for both. Three in a row trip the provider's, unless
//! it served another model in between: then only the model's own count goes on, and trips. When the provider's trips it
//! explains what its models showed, and theirs begin anew. A check of ours that closed it with another model counts as
//! such for a while ([`PROOF`]): or a provider whose large model is broken would be closed by its small one again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Engine, Spent, Target, told};
use crate::breaker::Pass;
use crate::cooldown::{LONGEST_MODEL, Transition};

/// How long a check with one model speaks for the provider against the faults of another: as long as evidence counts half.
const PROOF: Duration = Duration::from_mins(10);

impl Engine {
    fn is_proved_by_another(&self, target: &Target, now: Instant) -> bool {
        let proof = self.proofs.get(&target.provider);
        proof.is_some_and(|(model, at)| *model != target.model && now.saturating_duration_since(*at) < PROOF)
    }

    /// An attempt failed. `model`: the fault may be the model's alone.
    pub(super) fn fail(
        &mut self,
        spent: &mut Spent,
        target: &Target,
        model: bool,
        draw: u64,
        now: Instant,
    ) -> Option<Transition> {
        spent.reported = true;
        let provider = spent.provider;
        let news = if model && self.is_proved_by_another(target, now) {
            self.breakers.release(&provider, spent.pass);
            None
        } else {
            let news = self.breakers.fail(&provider, spent.pass, draw, now);
            news.and_then(|news| self.changed(provider, news, now))
        };
        if let Some(Transition::Out { .. }) = news {
            self.models.forget(|(of, _)| *of == provider);
            self.failback.out(provider, None, now);
            return news;
        }
        if model && target.model.len() <= LONGEST_MODEL {
            let key = (provider, Arc::clone(&target.model));
            // Begun before any model had failed: nothing has been forgotten since.
            let pass = spent.model_pass.or_else(|| self.models.admit(&key, now))?;
            let failed = self.models.fail(&key, pass, draw, now);
            return failed.and_then(|news| told(provider, Some(&target.model), news));
        }
        self.release_model(spent, target);
        news
    }

    /// An attempt ended well.
    pub(super) fn model_succeeds(&mut self, target: &Target, pass: Option<Pass>, now: Instant) -> Option<Transition> {
        let key = (target.provider, Arc::clone(&target.model));
        // A breaker is made by a failure alone: nearly all models never have one.
        let known = !self.models.is_empty() && self.models.is_known(&key);
        let pass = pass.filter(|_| known)?;
        let closed = self.models.succeed(&key, pass, now);
        closed.and_then(|news| told(target.provider, Some(&target.model), news))
    }

    /// It says nothing about the model.
    pub(super) fn release_model(&mut self, spent: &Spent, target: &Target) {
        if let (Some(pass), Some(key)) = (spent.model_pass, self.model_key(target)) {
            self.models.release(&key, pass);
        }
    }
}
