//! What a fault means for the rest of the way: who is charged, who may still be tried, and what is told of it. A provider
//! that cannot be asked this as it is meant is not tried at all: no attempt, no limit, no probe is spent on it.

use std::time::Instant;

use qcc_dialect::translate::NotSent;
use qcc_policy::{Blame, Failover, Failure, Outcome, classify, is_overload};

use super::Journey;
use crate::attempt::{Fault, not_put};
use crate::events::Event;
use crate::state::now;
use crate::trail;

impl Journey {
    /// Takes a fault into account.
    pub(super) fn learn(&mut self, failover: &mut Failover, stop: usize, fault: Fault) {
        let at = now();
        let error = self.exchange.masked(fault.what);
        let status = match &fault.outcome {
            Outcome::Refused(refusal) => Some(refusal.status),
            Outcome::Done | Outcome::Failed(_) | Outcome::ClientGone => None,
        };
        if let Some(answer) = &fault.answer {
            self.stops[stop].charged.announced(&answer.headers);
        }
        if is_overload(&fault.outcome) {
            self.defer_the_host_of(stop, failover);
        }
        let own = self.stops[stop].charged.target.fingerprint.is_some();
        let verdict = classify(&fault.outcome, own);
        let recorded = failover.record(stop, &fault.outcome, &verdict, at);
        let blame = recorded.verdict.blame;
        self.stops[stop].charged.failed(matches!(blame, Blame::Provider | Blame::Load));
        self.last_fault = format!("{}: {error}", self.stops[stop].charged.name);
        self.stops[stop].unfit = fault.outcome == Outcome::Failed(Failure::Unfit);
        self.tell_failed(stop, trail::Failed { blame, status, reason: error }, at);
        self.settle(&recorded, at);
        self.stops[stop].answer = fault.answer;
    }

    fn tell_failed(&mut self, stop: usize, failed: trail::Failed, at: Instant) {
        let charged = &self.stops[stop].charged;
        self.state.log.emit(Event::AttemptFailed {
            request_id: self.exchange.request_id().to_owned(),
            provider: charged.name.to_string(),
            attempt: self.attempts,
            blame: failed.blame.to_string(),
            error: failed.reason.clone(),
            took: at.saturating_duration_since(charged.started),
        });
        if let Some(trail) = self.exchange.trail() {
            trail.failed(failed);
        }
    }

    /// It cannot be put so: the provider is passed over, or the request is wrong and hears that.
    pub(super) fn not_put(&mut self, failover: &mut Failover, stop: usize, why: NotSent) {
        let is_unfit = matches!(why, NotSent::Unfit(_));
        let Fault { outcome, what, answer, .. } = not_put(why, self.asked.asker);
        let what = self.exchange.masked(what);
        if is_unfit {
            failover.not_begun();
            self.stops[stop].passed_over(&what, self.exchange.trail());
            self.state.log.emit(Event::ProviderUnfit {
                request_id: self.exchange.request_id().to_owned(),
                provider: self.stops[stop].charged.name.to_string(),
                error: what.clone(),
            });
        } else {
            failover.record(stop, &outcome, &classify(&outcome, false), now());
        }
        self.pay(failover.owed(), now());
        let stop = &mut self.stops[stop];
        self.last_fault = format!("{}: {what}", stop.charged.name);
        stop.answer = answer;
    }
}
