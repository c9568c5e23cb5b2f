//! What every attempt that failed was charged for, against what it should be and whose fault it truly was.

use qcc_policy::{Blame, Charge, Failure, Outcome, ProviderId, classify};

use super::Request;
use crate::engine::world::World;

/// One attempt that brought no answer.
#[derive(Debug)]
pub(super) struct Bill {
    number: u64,
    stop: usize,
    pub(super) outcome: Outcome,
    truth: Blame,
    blame: Blame,
    pub(super) charged: u32,
    pub(super) refunded: u32,
}

impl Bill {
    pub(super) fn new(number: u64, stop: usize, outcome: Outcome, truth: Blame, blame: Blame) -> Self {
        Self { number, stop, outcome, truth, blame, charged: 0, refunded: 0 }
    }

    fn status(&self) -> Option<u16> {
        if let Outcome::Refused(refusal) = &self.outcome { Some(refusal.status) } else { None }
    }

    /// Whether the last word charges somebody for what is not its fault, or takes a fault for the request's own.
    fn is_false(&self) -> bool {
        let blame = if self.refunded > 0 { Blame::Request } else { self.blame };
        (self.charged > self.refunded || blame == Blame::Request) && blame != self.truth
    }
}

/// Notes something on the bill of an attempt.
pub(super) fn note(bills: &mut [Bill], number: u64, change: impl FnOnce(&mut Bill)) {
    let bill = bills.iter_mut().find(|bill| bill.number == number);
    change(bill.expect("a charge follows an outcome"));
}

impl World {
    /// Every outcome was charged once, or not at all where it says nothing, or not yet, about the provider.
    pub(super) fn audit(&mut self, request: &Request) {
        for (place, bill) in request.bills.iter().enumerate() {
            self.counts.verdicts += 1;
            self.counts.false_verdicts += u64::from(bill.is_false());
            if bill.is_false() {
                self.say(|| format!("       false: {bill:?}"));
            }
            let due = classify(&bill.outcome, false).charge != Charge::None;
            let paid = bill.charged.checked_sub(bill.refunded).expect("only what was charged is refunded");
            let said_before = |other: &Bill| other.status() == bill.status() && other.stop == bill.stop;
            let excused = match bill.outcome {
                // The repeat at once decided about it.
                Outcome::Failed(Failure::DiedBeforeAnswer) => request.tried_at_once(bill),
                // The request is at fault, or the provider has said the same before.
                Outcome::Refused(_) => {
                    bill.blame == Blame::Request
                        || bill.refunded > 0
                        || bill.status() == Some(418) && request.bills[..place].iter().any(said_before)
                }
                Outcome::Done | Outcome::Failed(_) | Outcome::ClientGone => false,
            };
            assert!(paid == u32::from(due) || excused && paid == 0, "{paid} paid for {bill:?}");
        }
    }
}

impl Request {
    /// Whether an idle connection died on it that this configuration does not let it repeat.
    pub(super) fn was_cut_off(&self, id: ProviderId) -> bool {
        let deaths =
            self.bills.iter().filter(|bill| bill.truth == Blame::Nobody && self.stops[bill.stop].target.provider == id);
        let deaths = deaths.count();
        let refused = self.without_budget || self.begun.len() >= self.limits.max_attempts as usize;
        deaths > self.limits.same_provider as usize || deaths > 0 && refused
    }

    /// Whether the next attempt after this one was at the same provider.
    fn tried_at_once(&self, bill: &Bill) -> bool {
        let next = self.begun.iter().find(|(number, _)| *number > bill.number);
        next.is_some_and(|(_, stop)| *stop == bill.stop)
    }
}
