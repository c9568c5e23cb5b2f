//! Probes as policy sees them: when one may begin, and what its result means for a provider.
//!
//! - **A free probe** shows that somebody answers, not that requests are served: lists of models come from another place,
//!   and many relays have none. So it is evidence for the health, and nothing for the breaker: it opens none, closes none,
//!   and takes no lease. Two things it can do: end the time of a refused credential, where the list took that credential
//!   before; and let a provider that must prove itself do so at once, where it had not been reached and is reached again.
//! - **A conversational check** is a request like any other: it counts against the provider's limits, holds the breaker's
//!   lease, closes the breaker by success and opens it by failure. Only a wrong answer does neither: it says how good the
//!   provider is, not whether it serves.
//! - **Who must prove itself**: whose breaker opened, from the end of its time on, so that no person's request has to find
//!   out; and who became unhealthy. Until the breaker is closed and the class is healthy again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Attempt, Engine, Target, lane, told};
use crate::breaker::{self, Standing as Breaker};
use crate::classify::{Blame, Charge, Reason, Term, Verdict};
use crate::cooldown::Transition;
use crate::health::{Class, Evidence, HealthReport, Judgement};
use crate::later;
use crate::limit::Room;
use crate::load::Ended;
use crate::outcome::ProviderId;
use crate::probe::{Due, LEAST_BETWEEN, ProbeKind, ProbeLease, ProbeRefused, ProbeReport, ProbeSettings};

/// Nobody is probed before [`Engine::configure_probes`].
pub(super) const OFF: ProbeSettings = ProbeSettings {
    interval: Duration::ZERO,
    conversation_interval: Duration::ZERO,
    daily_limit: 0,
    lease: Duration::ZERO,
};

/// A refused credential is looked at again after this part of its time, so that the free probe has answered before a
/// request would.
const RECHECK: f64 = 0.9;

/// Not sooner is somebody looked at again who had no room for a check; and not later than [`LEAST_BETWEEN`], since room is
/// often made before the clock says so.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a free probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An answer, with our credential.
    Accepted {
        /// From its start to its end.
        took: Duration,
    },
    /// An answer that says nothing about the credential.
    Reached {
        /// From its start to its end.
        took: Duration,
    },
    /// Nobody, or somebody on the way who could not reach it either.
    Unreached,
    /// The credential was refused.
    Refused,
    /// An answer from which nothing follows.
    Unclear,
}

/// What a conversational check showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Answer(Judgement),
    /// The model was still thinking when it had to stop: it serves, and its answer cannot be judged.
    Thought {
        /// From its start to its end.
        took: Duration,
    },
    /// No answer.
    Failed(Verdict),
}

/// A conversational check under way. It has to end.
#[derive(Debug)]
#[must_use = "a check that is not ended counts as running for ever"]
pub struct Check {
    lease: ProbeLease,
    attempt: Attempt,
}

/// There is no room for a check: the provider is at a limit, or somebody is finding out already whether it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCheck {
    /// When to look again.
    pub until: Instant,
}

impl Engine {
    /// When probes run, as at start and after a reload.
    pub fn configure_probes(&mut self, settings: ProbeSettings, now: Instant) {
        self.probes.configure(settings, now);
    }

    /// Takes a provider in that is to be probed, as at start and after a reload. `spent`: its conversational checks of
    /// the last 24 hours, which count only for one that is new.
    pub fn enrol(&mut self, provider: ProviderId, passthrough: bool, spent: u32, draw: u64, now: Instant) {
        if self.probes.enrol(provider, passthrough, draw, now) {
            self.probes.restore_spent(provider, spent, now);
            // As an earlier run may have left it.
            let whole = self.cooldowns.iter(now).filter(|out| out.model.is_none() && out.fingerprint.is_none());
            let left =
                whole.filter(|out| out.provider == provider).map(|out| (out.reason, out.until)).collect::<Vec<_>>();
            for (reason, until) in left {
                self.leave_alone(provider, reason, until.saturating_duration_since(now), now);
            }
        }
        match self.breakers.standing(&provider, now) {
            Breaker::Open { until } => self.probes.must_prove(provider, until),
            Breaker::HalfOpen { .. } => self.probes.must_prove(provider, now),
            Breaker::Closed => {}
        }
    }

    /// Probes nobody but these from now on.
    pub fn retire_others(&mut self, keep: impl Fn(ProviderId) -> bool) {
        let gone: Vec<ProviderId> = self.probes.enrolled().filter(|provider| !keep(*provider)).collect();
        for provider in gone {
            self.probes.retire(provider);
            self.listed.remove(&provider);
            self.proofs.remove(&provider);
        }
    }

    /// The probe that is due first.
    pub fn next_probe(&mut self, now: Instant) -> Option<Due> {
        self.probes.next_due(now)
    }

    /// Whether a probe may be due sooner than [`Self::next_probe`] said before this was asked last.
    pub fn is_probe_sooner(&mut self) -> bool {
        self.probes.is_sooner()
    }

    /// Begins a probe that is due; `by_hand`: because somebody asked for it, whether it is due or not.
    pub fn begin_probe(
        &mut self,
        provider: ProviderId,
        kind: ProbeKind,
        by_hand: bool,
        draw: u64,
        now: Instant,
    ) -> Result<ProbeLease, ProbeRefused> {
        match by_hand {
            true => self.probes.begin_by_hand(provider, kind, draw, now),
            false => self.probes.begin(provider, kind, draw, now),
        }
    }

    /// A free probe ended, which began at `began`. `None` where nothing changed, or its time was over.
    pub fn found(&mut self, lease: ProbeLease, found: Found, began: Instant, now: Instant) -> Option<Transition> {
        let provider = lease.provider;
        let out = self.cooldowns.iter(now).any(|out| out.provider == provider && out.reason == Reason::Credential);
        if found == Found::Refused && out && self.listed.contains(&provider) {
            let term = crate::classify::CREDENTIAL_RECHECK;
            let charge = Charge::Out { reason: Reason::Credential, how_long: Term::For(term) };
            // It is out already, which makes this no news.
            self.cooldowns.charge(provider, None, None, charge, now);
            self.learned(provider);
            self.failback.out(provider, Some(later(now, term)), now);
            self.leave_alone(provider, Reason::Credential, term, now);
        }
        if !self.probes.done(lease, now) {
            return None;
        }
        match found {
            Found::Accepted { took } | Found::Reached { took } => {
                self.probes.reached(provider, true, now);
                self.learn(provider, Evidence::Reached { took }, now);
            }
            Found::Unreached => {
                self.probes.reached(provider, false, now);
                self.learn(provider, Evidence::Unreached, now);
            }
            Found::Refused | Found::Unclear => {}
        }
        if !matches!(found, Found::Accepted { .. }) {
            return None;
        }
        self.listed.insert(provider);
        // Without a model this ends what is about the credential as a whole.
        let back = self.cooldowns.succeed(provider, None, None, began, now);
        if back.is_some() {
            self.learned(provider);
            self.failback.back(provider, now);
        }
        back
    }

    /// A conversational check goes up, if there is room for it; `lease` is that of [`Self::begin_probe`]. An open breaker
    /// is no hindrance: whoever comes here then knows more than its guess.
    ///
    /// # Errors
    /// When there is no room; then it never began, and costs nothing of the daily limit.
    pub fn begin_check(
        &mut self,
        lease: ProbeLease,
        target: &Target,
        tokens: u64,
        now: Instant,
    ) -> Result<Check, NoCheck> {
        let provider = lease.provider;
        let limited = match self.limits.admit(provider, lane(target), tokens, now) {
            Room::Free => None,
            Room::Out { until, .. } => Some(until),
        };
        let busy = match self.breakers.standing(&provider, now) {
            Breaker::HalfOpen { free: 0, due } => Some(due),
            Breaker::HalfOpen { .. } | Breaker::Open { .. } | Breaker::Closed => None,
        };
        if let Some(until) = limited.max(busy) {
            let until = until.min(later(now, LEAST_BETWEEN)).max(later(now, LOOK_AGAIN));
            self.probes.withdraw(lease, until, now);
            return Err(NoCheck { until });
        }
        let attempt = self.attempt(target, tokens, now);
        Ok(Check { lease, attempt })
    }

    /// A conversational check ended. `tokens`: what it cost, as the provider counted.
    pub fn checked(
        &mut self,
        check: Check,
        target: &Target,
        said: Said,
        tokens: Option<u64>,
        draw: u64,
        now: Instant,
    ) -> Option<Transition> {
        let Check { lease, attempt } = check;
        let provider = attempt.provider;
        if !self.probes.done(lease, now) {
            // Too old to count.
            let mut spent = self.end(attempt, false, tokens, now);
            self.release(&mut spent, target);
            return None;
        }
        match said {
            Said::Answer(judgement) if judgement.answer.is_valid() => {
                self.served(attempt, target, Evidence::Checked(judgement), tokens, now)
            }
            Said::Thought { took } => {
                self.served(attempt, target, Evidence::Answered { first_event: took }, tokens, now)
            }
            Said::Answer(judgement) => {
                self.learn(provider, Evidence::Checked(judgement), now);
                let mut spent = self.end(attempt, false, tokens, now);
                self.release(&mut spent, target);
                None
            }
            Said::Failed(verdict) => {
                let failed = matches!(verdict.blame, Blame::Provider | Blame::Load);
                let mut spent = self.end(attempt, failed, tokens, now);
                let news = match verdict.blame {
                    Blame::Provider | Blame::Load | Blame::Credential | Blame::Quota => {
                        self.charge(&mut spent, target, verdict.charge, draw, now)
                    }
                    // The model of the check is ours, and nobody may ever have asked for it.
                    Blame::Nobody | Blame::Request | Blame::Permission | Blame::Model | Blame::Client => None,
                };
                self.release(&mut spent, target);
                news
            }
        }
    }

    /// The model answered: what a success of traffic does, too.
    fn served(
        &mut self,
        attempt: Attempt,
        target: &Target,
        evidence: Evidence,
        tokens: Option<u64>,
        now: Instant,
    ) -> Option<Transition> {
        let Attempt { provider, began, running, permit, pass, model_pass, .. } = attempt;
        self.learned(provider);
        self.loads.end(running, Ended::Well, now);
        self.limits.end(permit, tokens, now);
        self.probes.reached(provider, true, now);
        self.learn(provider, evidence, now);
        let closed = self.breakers.succeed(&provider, pass, now).and_then(|news| self.changed(provider, news, now));
        if closed.is_some() {
            self.failback.back(provider, now);
            self.proofs.insert(provider, (Arc::clone(&target.model), now));
        }
        let model_closed = self.model_succeeds(target, model_pass, now);
        if matches!(self.breakers.standing(&provider, now), Breaker::HalfOpen { .. }) {
            // One success is not enough: the next one, after the least pause.
            self.probes.must_prove(provider, now);
        }
        let back = self.cooldowns.succeed(provider, Some(&target.model), None, began, now);
        closed.or(model_closed).or(back)
    }

    /// How a provider is, as far as is known.
    pub fn health(&self, provider: ProviderId, now: Instant) -> HealthReport {
        let half_open = matches!(self.breakers.standing(&provider, now), Breaker::HalfOpen { .. });
        self.health.report(provider, half_open, now)
    }

    /// The probes of a provider; `None`: it is not probed.
    pub fn probes(&mut self, provider: ProviderId, now: Instant) -> Option<ProbeReport> {
        self.probes.report(provider, now)
    }

    /// Traffic, or a check in its place, showed how a provider is.
    pub(super) fn hear(&mut self, provider: ProviderId, evidence: Evidence, now: Instant) {
        self.probes.heard(provider, now);
        self.learn(provider, evidence, now);
    }

    fn learn(&mut self, provider: ProviderId, evidence: Evidence, now: Instant) {
        self.learned(provider);
        let Some(change) = self.health.record(provider, evidence, now) else { return };
        match change.to {
            Class::Unhealthy => {
                let from = match self.breakers.standing(&provider, now) {
                    Breaker::Open { until } => until,
                    Breaker::Closed | Breaker::HalfOpen { .. } => now,
                };
                self.probes.must_prove(provider, from);
            }
            Class::Healthy if self.breakers.standing(&provider, now) == Breaker::Closed => self.probes.proved(provider),
            Class::Healthy | Class::Degraded | Class::Recovering | Class::Unknown => {}
        }
    }

    /// What a breaker's change means for the probes, and how it is told.
    pub(super) fn changed(
        &mut self,
        provider: ProviderId,
        news: breaker::Transition,
        now: Instant,
    ) -> Option<Transition> {
        match news {
            breaker::Transition::Opened { term, .. } => self.probes.must_prove(provider, later(now, term)),
            breaker::Transition::Closed { .. } => self.probes.proved(provider),
            breaker::Transition::HalfOpened => {}
        }
        told(provider, None, news)
    }

    /// No probe of a provider that is out by its own word, until that is over.
    pub(super) fn leave_alone(&mut self, provider: ProviderId, reason: Reason, term: Duration, now: Instant) {
        match reason {
            Reason::Credential => self.probes.quiet(provider, later(now, term.mul_f64(RECHECK))),
            Reason::Quota | Reason::Throttled => self.probes.quiet(provider, later(now, term)),
            Reason::Fault
            | Reason::ModelFault
            | Reason::Limited
            | Reason::ClientCredential
            | Reason::Permission
            | Reason::ModelMissing
            | Reason::Unfit => {}
        }
    }
}

#[cfg(test)]
mod tests;
