//! The attempt loop as a machine: which candidate is tried next, after which wait, and when to stop with which final
//! word. The caller does what a [`Step`] says, reports what came of it, and asks again.
//!
//! The order, best first:
//! 1. the same provider at once, where a connection died before an answer (it had probably just idled too long), also
//!    where it was tried although it is out;
//! 2. an untried candidate that is admissible, in plan order: always allowed, no wait;
//! 3. an untried candidate that is out, of those that have not failed this request yet the one that is due first: better
//!    than refusing, once, no wait; not for a request that can wait ([`Failover::patient`]);
//! 4. a repeat on a provider that this request already tried, fewest repeats first, then plan order, after a backoff.
//!
//! `max_attempts`, `same_provider` and the retry budget bound 1 and 4, never 2. Two candidates of one provider (two
//! models) share its repeats; that provider's second candidate is under 2 while it is admissible, else under 4.
//!
//! A request that waits for a provider to return goes through its plan more than once. Each walk ([`Failover::again`])
//! may try everybody once more, since the waiting room says who goes when; all else is the request's: the tries and
//! repeats that it has had, and what every candidate said last.
//!
//! Two things depend on more than one attempt and are decided here too. The same unexplained 4xx from a second provider
//! is the request's own fault, and the first provider gets its charge back; from the same provider it says nothing new
//! and is charged once. The charge for a connection that died is withheld while the repeat at once may still show that
//! the provider is well.

use std::time::{Duration, Instant};

use crate::classify::{Blame, Charge, Next, Repeat, Verdict, unexplained};
use crate::cooldown::Standing;
use crate::later;
use crate::outcome::{Outcome, ProviderId};

mod last_word;
mod seat;
mod step;

use seat::{Before, Host, Seat, Strange};
pub use step::{Billed, Final, Limits, Recorded, Refund, Step};

/// One request's way through its plan.
#[derive(Debug, Clone)]
pub struct Failover {
    limits: Limits,
    /// Whether a candidate that is out is tried rather than nobody.
    anyway: bool,
    seats: Vec<Seat>,
    hosts: Vec<Host>,
    /// The candidates of this walk, in its order.
    way: Vec<usize>,
    tries: u32,
    begun: Option<Before>,
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
        let places = seat::places(providers);
        let hosts = places.iter().max().map_or(0, |last| last + 1);
        let seat = |host| Seat { host, tried: false, anyway: false, deferred: false, last: None };
        let seats: Vec<Seat> = places.into_iter().map(seat).collect();
        let hosts = vec![Host { tried: false, repeats: 0, at_once_spent: false, repeatable: false }; hosts];
        Self {
            limits,
            anyway: true,
            way: (0..seats.len()).collect(),
            seats,
            hosts,
            tries: 0,
            begun: None,
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

    /// Another walk, along these candidates in this order, for a request that waited. `patient`: see
    /// [`patient`](Self::patient). An answer that was found ends the request all the same.
    pub fn again(&mut self, way: Vec<usize>, patient: bool) {
        if matches!(self.over, Some(Step::Answer { .. })) {
            return;
        }
        self.over = None;
        self.at_once = None;
        self.anyway = !patient;
        self.way = way.into_iter().filter(|&candidate| candidate < self.seats.len()).collect();
        for seat in &mut self.seats {
            (seat.tried, seat.anyway, seat.deferred) = (false, false, false);
        }
        for host in &mut self.hosts {
            (host.tried, host.at_once_spent, host.repeatable) = (false, false, false);
        }
    }

    /// Those that come after all others from here on: presumed loaded, since one of their host said so.
    pub fn defer(&mut self, is_presumed: impl Fn(usize) -> bool) {
        for (candidate, seat) in self.seats.iter_mut().enumerate() {
            seat.deferred |= is_presumed(candidate);
        }
    }

    /// Decides the next step. `standing` answers for a candidate by its place in the plan; `repeat_allowed` takes one
    /// repeat from the budget and is asked at most once, only for a repeat that everything else allows. `deadline`
    /// bounds the start of a try, its wait included. After an end the same end is given again. Ask for
    /// [`owed`](Self::owed) each time.
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

    /// The charge that was withheld, once the repeat that was to decide about it will not come. To be asked after every
    /// [`next`](Self::next), and applied.
    pub fn owed(&mut self) -> Option<Billed> {
        self.withheld.take()
    }

    /// The try of the last step did not begin: others took the room meanwhile. It counts as if it had not been said.
    /// Ask for [`owed`](Self::owed) after it.
    pub fn not_begun(&mut self) {
        let Some(Before { candidate, seat, host, withheld }) = self.begun.take() else { return };
        self.tries = self.tries.saturating_sub(1);
        self.hosts[seat.host] = host;
        self.seats[candidate] = seat;
        self.withheld = withheld;
    }

    /// Takes in what came of a try. The caller applies the charges and refunds before it asks for the next step.
    pub fn record(&mut self, candidate: usize, outcome: &Outcome, verdict: &Verdict, now: Instant) -> Recorded {
        let mut recorded = Recorded { verdict: *verdict, charges: Vec::new(), refunds: Vec::new() };
        self.begun = None;
        let Some(host) = self.seats.get(candidate).map(|seat| seat.host) else {
            return recorded;
        };
        if let Some(status) = unexplained(outcome) {
            if self.is_confirmed(status, host) {
                recorded.verdict = Verdict::REQUEST;
                recorded.refunds = self.refunds(status);
            } else if self.strange.iter().any(|known| known.status == status && self.host_of(known) == host) {
                recorded.verdict.charge = Charge::None;
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
        if repeat == Repeat::AtOnce && !self.hosts[host].at_once_spent && self.has_repeats(host) {
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
            && stands_for_a_repeat(standing(candidate), self.seats[candidate].anyway)
        {
            if late(Duration::ZERO) {
                return Step::GiveUp(Final::Deadline);
            }
            self.hosts[self.seats[candidate].host].at_once_spent = true;
            if repeat_allowed() {
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
        let mut due_first: Option<((bool, Instant), usize)> = None;
        let mut deferred = None;
        for &candidate in &self.way {
            let seat = &self.seats[candidate];
            if seat.tried {
                continue;
            }
            match standing(candidate) {
                Standing::Admissible if seat.deferred => deferred = deferred.or(Some((candidate, false))),
                Standing::Admissible => return Some((candidate, false)),
                Standing::Out { until, reason } => {
                    // Whoever has not failed this request yet goes first: there may be no time for all.
                    let due = (seat.last.is_some(), until);
                    let sooner = due_first.is_none_or(|(known, _)| due < known);
                    if self.anyway && sooner && reason.may_be_tried_anyway() && !self.hosts[seat.host].tried {
                        due_first = Some((due, candidate));
                    }
                }
            }
        }
        deferred.or_else(|| due_first.map(|(_, candidate)| (candidate, true)))
    }

    /// The best repeat that the request's own limits allow.
    fn repeatable(&self, standing: &mut dyn FnMut(usize) -> Standing) -> Option<usize> {
        self.way
            .iter()
            .copied()
            .filter(|&candidate| self.is_repeatable(candidate))
            .filter(|&candidate| stands_for_a_repeat(standing(candidate), false))
            .min_by_key(|&candidate| self.hosts[self.seats[candidate].host].repeats)
    }

    fn is_repeatable(&self, candidate: usize) -> bool {
        let seat = &self.seats[candidate];
        let host = &self.hosts[seat.host];
        // Untried: its provider was put out meanwhile, perhaps by this request under another model.
        let own = !seat.tried || seat.last.is_some_and(|(_, repeat)| repeat != Repeat::Never);
        own && !seat.anyway && host.tried && host.repeatable && self.has_repeats(seat.host)
    }

    fn has_repeats(&self, host: usize) -> bool {
        self.hosts[host].repeats < self.limits.same_provider && self.tries < self.limits.max_attempts
    }

    fn first(&mut self, candidate: usize, anyway: bool) -> Step {
        let host = self.begin(candidate);
        self.seats[candidate].anyway = anyway;
        self.hosts[host].tried = true;
        Step::Try { candidate, wait: Duration::ZERO, anyway }
    }

    fn repeat(&mut self, candidate: usize, wait: Duration) -> Step {
        let host = self.begin(candidate);
        self.hosts[host].repeats += 1;
        Step::Try { candidate, wait, anyway: true }
    }

    fn begin(&mut self, candidate: usize) -> usize {
        let seat = self.seats[candidate];
        let withheld = self.withheld.take_if(|billed| billed.candidate == candidate);
        self.begun = Some(Before { candidate, seat, host: self.hosts[seat.host], withheld });
        self.seats[candidate].tried = true;
        seat.host
    }

    fn host_of(&self, strange: &Strange) -> usize {
        self.seats[strange.refund.candidate].host
    }

    fn is_confirmed(&self, status: u16, host: usize) -> bool {
        self.strange.iter().any(|strange| strange.status == status && self.host_of(strange) != host)
    }

    fn refunds(&self, status: u16) -> Vec<Refund> {
        let same = self.strange.iter().filter(|strange| strange.status == status);
        same.map(|strange| strange.refund).collect()
    }
}

/// A provider that failed this request is out by this request's own charge, so a fault does not stand in the way of a
/// repeat. Anything else that puts it out does, unless it was tried `anyway`.
fn stands_for_a_repeat(standing: Standing, anyway: bool) -> bool {
    match standing {
        Standing::Admissible => true,
        Standing::Out { reason, .. } => reason.is_guess() || anyway && reason.may_be_tried_anyway(),
    }
}

#[cfg(test)]
mod tests;
