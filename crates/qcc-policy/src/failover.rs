//! The attempt loop as a machine: which candidate is tried next, after which wait, and when to stop with which final
//! word. The caller does what a [`Step`] says, reports what came of it, and asks again.
//!
//! The order, best first:
//! 1. the same provider at once, where a connection died before an answer (it had probably just idled too long);
//! 2. an untried candidate that is admissible, in plan order: always allowed, no wait;
//! 3. an untried candidate that is out, the one that is due first: better than refusing, once, no wait; not for a request
//!    that can wait ([`Failover::patient`]);
//! 4. a repeat on a provider that this request already tried, fewest repeats first, then plan order, after a backoff.
//!
//! `max_attempts`, `same_provider` and the retry budget bound 1 and 4, never 2. Two candidates of one provider (two
//! models) share its repeats; that provider's second candidate is under 2 while it is admissible, else under 4.
//!
//! Two things depend on more than one attempt and are decided here too. The same unexplained 4xx from a second provider
//! is the request's own fault, and the first provider gets its charge back. The charge for a connection that died is
//! withheld while the repeat at once may still show that the provider is well.

use std::time::{Duration, Instant};

use crate::classify::{Blame, Charge, Next, Reason, Repeat, Verdict, unexplained};
use crate::cooldown::Standing;
use crate::later;
use crate::outcome::{Outcome, ProviderId};

mod step;

pub use step::{Billed, Final, Limits, Recorded, Refund, Step};

/// A candidate within this request.
#[derive(Debug, Clone, Copy)]
struct Seat {
    /// Place of its provider in `Failover::hosts`.
    host: usize,
    /// It was tried although it was out, so it is not repeated.
    anyway: bool,
    /// It comes after the others.
    deferred: bool,
    tried: bool,
    /// The latest verdict, once there is one.
    last: Option<(Blame, Repeat)>,
}

/// A provider within this request.
#[derive(Debug, Clone, Copy)]
struct Host {
    provider: ProviderId,
    tried: bool,
    repeats: u32,
    at_once_spent: bool,
    /// Whether its latest outcome, under any of its candidates, allows a repeat.
    repeatable: bool,
}

/// An unexplained 4xx, kept in case that a second provider confirms it.
#[derive(Debug, Clone, Copy)]
struct Strange {
    status: u16,
    refund: Refund,
}

/// One request's way through its plan.
#[derive(Debug, Clone)]
pub struct Failover {
    limits: Limits,
    /// Whether a candidate that is out is tried rather than nobody.
    anyway: bool,
    seats: Vec<Seat>,
    hosts: Vec<Host>,
    tries: u32,
    /// The candidate whose connection just died.
    at_once: Option<usize>,
    /// The charge for that, until the repeat has been started.
    withheld: Option<Billed>,
    strange: Vec<Strange>,
    last_missing: Option<usize>,
    over: Option<Step>,
}

impl Failover {
    /// `providers`: the provider of every candidate, in plan order.
    pub fn new(providers: &[ProviderId], limits: Limits) -> Self {
        let mut hosts: Vec<Host> = Vec::new();
        let mut seats = Vec::with_capacity(providers.len());
        for &provider in providers {
            let known = hosts.iter().position(|host| host.provider == provider);
            let host = known.unwrap_or_else(|| {
                hosts.push(Host { provider, tried: false, repeats: 0, at_once_spent: false, repeatable: false });
                hosts.len() - 1
            });
            seats.push(Seat { host, anyway: false, deferred: false, tried: false, last: None });
        }
        Self {
            limits,
            anyway: true,
            seats,
            hosts,
            tries: 0,
            at_once: None,
            withheld: None,
            strange: Vec::new(),
            last_missing: None,
            over: None,
        }
    }

    /// The same for a request that can wait: who is out is left alone, and nobody left is the end for now.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { anyway: false, ..self }
    }

    /// Those that come after all others from here on: presumed loaded, since one of their host said so.
    pub fn defer(&mut self, is_presumed: impl Fn(usize) -> bool) {
        for (candidate, seat) in self.seats.iter_mut().enumerate() {
            seat.deferred |= is_presumed(candidate);
        }
    }

    /// Decides the next step. `standing` answers for a candidate by its place in the plan; `repeat_allowed` takes one
    /// repeat from the budget and is asked at most once, only for a repeat that everything else allows. `deadline`
    /// bounds the start of a try, its wait included. After an end the same end is given again.
    pub fn next(
        &mut self,
        standing: &mut dyn FnMut(usize) -> Standing,
        repeat_allowed: &mut dyn FnMut() -> bool,
        deadline: Instant,
        draw: u64,
        now: Instant,
    ) -> Step {
        if let Some(end) = self.over {
            return end;
        }
        let step = self.choose(standing, repeat_allowed, deadline, draw, now);
        match step {
            Step::Try { .. } => self.tries = self.tries.saturating_add(1),
            Step::Answer { .. } | Step::GiveUp(_) => self.over = Some(step),
        }
        step
    }

    /// Takes in what came of a try. The caller applies the charges and refunds before it asks for the next step.
    pub fn record(&mut self, candidate: usize, outcome: &Outcome, verdict: &Verdict, now: Instant) -> Recorded {
        let mut recorded = Recorded {
            verdict: *verdict,
            // Still here: the repeat that was to decide about it never started.
            charges: self.withheld.take().into_iter().collect(),
            refunds: Vec::new(),
        };
        let Some(host) = self.seats.get(candidate).map(|seat| seat.host) else {
            return recorded;
        };
        if let Some(status) = unexplained(outcome) {
            if self.is_confirmed(status, host) {
                recorded.verdict = Verdict::REQUEST;
                recorded.refunds = self.refunds(status);
            } else {
                let refund = Refund { candidate, charge: verdict.charge, charged_at: now };
                self.strange.push(Strange { status, refund });
            }
        }
        self.take_in(candidate, host, &mut recorded);
        recorded
    }

    fn take_in(&mut self, candidate: usize, host: usize, recorded: &mut Recorded) {
        let Verdict { blame, next, charge } = recorded.verdict;
        let bill = (charge != Charge::None).then_some(Billed { candidate, charge });
        let repeat = match next {
            Next::Finish | Next::Answer => {
                self.over.get_or_insert(Step::Answer { candidate });
                recorded.charges.extend(bill);
                return;
            }
            Next::Failover { repeat } => repeat,
        };
        self.seats[candidate].last = Some((blame, repeat));
        self.hosts[host].repeatable = repeat != Repeat::Never;
        if blame == Blame::Model {
            self.last_missing = Some(candidate);
        }
        if repeat == Repeat::AtOnce && !self.hosts[host].at_once_spent && self.is_repeatable(candidate) {
            self.at_once = Some(candidate);
            self.withheld = bill;
        } else {
            recorded.charges.extend(bill);
        }
    }

    fn choose(
        &mut self,
        standing: &mut dyn FnMut(usize) -> Standing,
        repeat_allowed: &mut dyn FnMut() -> bool,
        deadline: Instant,
        draw: u64,
        now: Instant,
    ) -> Step {
        if self.seats.is_empty() {
            return Step::GiveUp(Final::NothingToTry);
        }
        let late = |wait| later(now, wait) >= deadline;
        let mut refused = false;
        if let Some(candidate) = self.at_once.take()
            && stands_for_a_repeat(standing(candidate))
        {
            if late(Duration::ZERO) {
                return Step::GiveUp(Final::Deadline);
            }
            self.hosts[self.seats[candidate].host].at_once_spent = true;
            if repeat_allowed() {
                self.withheld = None;
                return self.repeat(candidate, Duration::ZERO);
            }
            refused = true;
        }
        if let Some((candidate, anyway)) = self.fresh(standing) {
            if late(Duration::ZERO) {
                return Step::GiveUp(Final::Deadline);
            }
            return self.first(candidate, anyway);
        }
        if !refused && let Some(candidate) = self.repeatable(standing) {
            let nth = self.hosts[self.seats[candidate].host].repeats;
            let wait = self.limits.backoff.delay(nth, draw);
            if late(wait) {
                return Step::GiveUp(Final::Deadline);
            }
            if repeat_allowed() {
                return self.repeat(candidate, wait);
            }
        }
        self.last_word(standing, now)
    }

    /// The best first try, and whether it is one of a candidate that is out.
    fn fresh(&self, standing: &mut dyn FnMut(usize) -> Standing) -> Option<(usize, bool)> {
        let mut due_first: Option<(Instant, usize)> = None;
        let mut deferred = None;
        for (candidate, seat) in self.seats.iter().enumerate().filter(|(_, seat)| !seat.tried) {
            match standing(candidate) {
                Standing::Admissible if seat.deferred => deferred = deferred.or(Some((candidate, false))),
                Standing::Admissible => return Some((candidate, false)),
                Standing::Out { until, reason } => {
                    let sooner = due_first.is_none_or(|(due, _)| until < due);
                    if self.anyway && sooner && reason.may_be_tried_anyway() && !self.hosts[seat.host].tried {
                        due_first = Some((until, candidate));
                    }
                }
            }
        }
        deferred.or_else(|| due_first.map(|(_, candidate)| (candidate, true)))
    }

    /// The best repeat that the request's own limits allow.
    fn repeatable(&self, standing: &mut dyn FnMut(usize) -> Standing) -> Option<usize> {
        (0..self.seats.len())
            .filter(|&candidate| self.is_repeatable(candidate))
            .filter(|&candidate| stands_for_a_repeat(standing(candidate)))
            .min_by_key(|&candidate| self.hosts[self.seats[candidate].host].repeats)
    }

    fn is_repeatable(&self, candidate: usize) -> bool {
        let seat = &self.seats[candidate];
        let host = &self.hosts[seat.host];
        let own = match seat.last {
            Some((_, repeat)) => repeat != Repeat::Never,
            // Untried, but its provider was put out meanwhile, perhaps by this request under another model.
            None => !seat.tried,
        };
        own && !seat.anyway
            && host.tried
            && host.repeatable
            && host.repeats < self.limits.same_provider
            && self.tries < self.limits.max_attempts
    }

    fn first(&mut self, candidate: usize, anyway: bool) -> Step {
        let seat = &mut self.seats[candidate];
        seat.tried = true;
        seat.anyway = anyway;
        self.hosts[seat.host].tried = true;
        Step::Try { candidate, wait: Duration::ZERO }
    }

    fn repeat(&mut self, candidate: usize, wait: Duration) -> Step {
        let seat = &mut self.seats[candidate];
        seat.tried = true;
        self.hosts[seat.host].repeats += 1;
        Step::Try { candidate, wait }
    }

    fn is_confirmed(&self, status: u16, host: usize) -> bool {
        self.strange.iter().any(|strange| strange.status == status && self.seats[strange.refund.candidate].host != host)
    }

    fn refunds(&self, status: u16) -> Vec<Refund> {
        let same = self.strange.iter().filter(|strange| strange.status == status);
        same.map(|strange| strange.refund).collect()
    }

    fn last_word(&self, standing: &mut dyn FnMut(usize) -> Standing, now: Instant) -> Step {
        let mut wait: Option<Duration> = None;
        let (mut throttled, mut missing, mut forbidden) = (true, true, true);
        for (candidate, seat) in self.seats.iter().enumerate() {
            let standing = standing(candidate);
            let blame = match seat.last {
                Some((blame, _)) => Some(blame),
                None => standing_blame(standing),
            };
            throttled &= blame == Some(Blame::Load);
            missing &= blame == Some(Blame::Model);
            forbidden &= matches!(blame, Some(Blame::Credential | Blame::Quota | Blame::Permission));
            let due = match standing {
                Standing::Admissible => Duration::ZERO,
                Standing::Out { until, .. } => until.saturating_duration_since(now),
            };
            wait = Some(wait.map_or(due, |least| least.min(due)));
        }
        if missing && let Some(candidate) = self.last_missing {
            return Step::Answer { candidate };
        }
        Step::GiveUp(if forbidden {
            Final::Forbidden
        } else if throttled {
            let wait = wait.unwrap_or_default();
            Final::Throttled { wait }
        } else {
            Final::Unavailable
        })
    }
}

/// A provider that failed this request is out by this request's own charge, so a fault does not stand in the way of a
/// repeat. Anything else that puts it out does.
fn stands_for_a_repeat(standing: Standing) -> bool {
    match standing {
        Standing::Admissible => true,
        Standing::Out { reason, .. } => reason.is_guess(),
    }
}

/// Whom a candidate blames that was never tried.
fn standing_blame(standing: Standing) -> Option<Blame> {
    match standing {
        Standing::Admissible => None,
        Standing::Out { reason, .. } => Some(match reason {
            Reason::Fault | Reason::ModelFault => Blame::Provider,
            Reason::Throttled | Reason::Limited => Blame::Load,
            Reason::Credential | Reason::ClientCredential => Blame::Credential,
            Reason::Quota => Blame::Quota,
            Reason::Permission => Blame::Permission,
            Reason::ModelMissing => Blame::Model,
        }),
    }
}

#[cfg(test)]
mod tests;
