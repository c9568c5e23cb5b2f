//! The loop, told as stories: a plan, what the providers say, and what is tried.

use super::*;
use crate::classify::{Reason, Term, classify};
use crate::cooldown::Cooldowns;
use crate::outcome::{Failure, Phase};
use crate::testing::{refused, secs, start};
use crate::{Backoff, Refusal};

mod final_word;
mod walks;

const DIED: Outcome = Outcome::Failed(Failure::DiedBeforeAnswer);
const SLOW: Outcome = Outcome::Failed(Failure::Timeout(Phase::FirstByte));

fn limits() -> Limits {
    Limits {
        max_attempts: 5,
        same_provider: 1,
        backoff: Backoff { initial: Duration::from_millis(100), multiplier: 2.0, max: secs(5), jitter: 0.0 },
    }
}

/// One request with cooldowns behind it; every candidate asks for a model of its own name.
struct Story {
    failover: Failover,
    providers: Vec<ProviderId>,
    cooldowns: Cooldowns,
    budget: u32,
    deadline: Instant,
    now: Instant,
}

impl Story {
    fn new(providers: &[u32], limits: Limits) -> Self {
        let providers: Vec<ProviderId> = providers.iter().map(|&n| ProviderId(n)).collect();
        let now = start();
        Self {
            failover: Failover::new(&providers, limits),
            providers,
            cooldowns: Cooldowns::new(secs(60)),
            budget: u32::MAX,
            deadline: now + secs(290),
            now,
        }
    }

    fn put_out(mut self, candidate: usize, outcome: &Outcome) -> Self {
        let charge = classify(outcome, false).charge;
        self.charge(candidate, charge);
        self
    }

    fn charge(&mut self, candidate: usize, charge: Charge) {
        let model = candidate.to_string();
        // Cooldowns stand in for the breakers: every fault is the provider's.
        let charge = if charge == Charge::MODEL_FAULT { Charge::FAULT } else { charge };
        self.cooldowns.charge(self.providers[candidate], Some(&model), None, charge, self.now);
    }

    fn next(&mut self) -> Step {
        let (cooldowns, providers, now) = (&self.cooldowns, &self.providers, self.now);
        let budget = &mut self.budget;
        let step = self.failover.next(
            &mut |i| cooldowns.standing(providers[i], Some(&i.to_string()), None, now),
            &mut || {
                let fits = *budget > 0;
                *budget = budget.saturating_sub(1);
                fits
            },
            self.deadline,
            0,
            self.now,
        );
        if let Some(billed) = self.failover.owed() {
            self.charge(billed.candidate, billed.charge);
        }
        step
    }

    fn record(&mut self, candidate: usize, outcome: &Outcome) -> Recorded {
        let verdict = classify(outcome, false);
        let recorded = self.failover.record(candidate, outcome, &verdict, self.now);
        for billed in &recorded.charges {
            self.charge(billed.candidate, billed.charge);
        }
        for refund in &recorded.refunds {
            let model = refund.candidate.to_string();
            let provider = self.providers[refund.candidate];
            self.cooldowns.refund(provider, Some(&model), None, refund.charge, refund.charged_at, self.now);
        }
        recorded
    }

    fn is_out(&self, candidate: usize) -> bool {
        let model = candidate.to_string();
        let standing = self.cooldowns.standing(self.providers[candidate], Some(&model), None, self.now);
        standing != Standing::Admissible
    }

    /// Plays until the end: every try of a candidate ends as `script` says for it, in order, its last word repeated.
    fn play(&mut self, script: &[&[Outcome]]) -> (Vec<(usize, u128)>, Step) {
        let mut tries: Vec<(usize, u128)> = Vec::new();
        loop {
            match self.next() {
                Step::Try { candidate, wait, .. } => {
                    let nth = tries.iter().filter(|(tried, _)| *tried == candidate).count();
                    tries.push((candidate, wait.as_millis()));
                    self.now += wait + Duration::from_millis(1);
                    let words = script[candidate];
                    self.record(candidate, &words[nth.min(words.len() - 1)]);
                }
                end @ (Step::Answer { .. } | Step::GiveUp(_)) => return (tries, end),
            }
        }
    }
}

fn answer(candidate: usize) -> Step {
    Step::Answer { candidate }
}

/// A first try of somebody who is admissible.
fn first(candidate: usize) -> Step {
    Step::Try { candidate, wait: Duration::ZERO, anyway: false }
}

const UNAVAILABLE: Step = Step::GiveUp(Final::Unavailable);
const FORBIDDEN: Step = Step::GiveUp(Final::Forbidden);

#[test]
fn a_success_ends_it() {
    let mut story = Story::new(&[1, 2], limits());
    assert_eq!(story.play(&[&[Outcome::Done], &[Outcome::Done]]), (vec![(0, 0)], answer(0)));
}

#[test]
fn every_candidate_has_its_first_try_without_waiting_whatever_max_attempts_says() {
    let mut story = Story::new(&[1, 2, 3, 4], Limits { max_attempts: 1, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    let (tries, end) = story.play(&[down, down, down, down]);
    assert_eq!(tries, [(0, 0), (1, 0), (2, 0), (3, 0)]);
    assert_eq!(end, UNAVAILABLE);
}

#[test]
fn a_repeat_comes_when_nothing_else_is_left_and_after_a_backoff() {
    let mut story = Story::new(&[1, 2], limits());
    let (tries, end) = story.play(&[&[refused(500), Outcome::Done], &[refused(503)]]);
    assert_eq!(tries, [(0, 0), (1, 0), (0, 100)]);
    assert_eq!(end, answer(0));
}

#[test]
fn repeats_go_round_and_their_waits_grow() {
    let mut story = Story::new(&[1, 2], Limits { same_provider: 2, max_attempts: 10, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    let (tries, end) = story.play(&[down, down]);
    assert_eq!(tries, [(0, 0), (1, 0), (0, 100), (1, 100), (0, 200), (1, 200)]);
    assert_eq!(end, UNAVAILABLE);
}

#[test]
fn max_attempts_counts_first_tries_and_stops_repeats() {
    let mut story = Story::new(&[1, 2], Limits { same_provider: 9, max_attempts: 3, ..limits() });
    let down: &[Outcome] = &[refused(500)];
    assert_eq!(story.play(&[down, down]).0, [(0, 0), (1, 0), (0, 100)]);
}

#[test]
fn a_connection_that_died_is_repeated_at_once_and_costs_nothing_if_that_works() {
    let mut story = Story::new(&[1, 2], limits());
    let (tries, end) = story.play(&[&[DIED, Outcome::Done], &[Outcome::Done]]);
    assert_eq!(tries, [(0, 0), (0, 0)]);
    assert_eq!(end, answer(0));
    assert!(!story.is_out(0));
}

#[test]
fn a_connection_that_dies_twice_costs_and_the_next_candidate_follows() {
    let mut story = Story::new(&[1, 2], limits());
    let (tries, end) = story.play(&[&[DIED], &[Outcome::Done]]);
    assert_eq!(tries, [(0, 0), (0, 0), (1, 0)]);
    assert_eq!(end, answer(1));
    assert!(story.is_out(0));
}

#[test]
fn the_repeat_at_once_happens_once_and_later_ones_wait_their_turn() {
    let mut story = Story::new(&[1, 2], Limits { same_provider: 2, ..limits() });
    let (tries, _) = story.play(&[&[DIED], &[refused(401)]]);
    assert_eq!(tries, [(0, 0), (0, 0), (1, 0), (0, 200)]);
}

#[test]
fn a_withheld_charge_is_paid_when_the_budget_refuses_the_repeat() {
    let mut story = Story::new(&[1, 2], limits());
    story.budget = 0;
    assert_eq!(story.next(), first(0));
    assert_eq!(story.record(0, &DIED).charges, []);
    assert!(!story.is_out(0));
    assert_eq!(story.next(), first(1));
    assert!(story.is_out(0));
}

#[test]
fn a_withheld_charge_is_paid_when_the_walk_ends_without_the_repeat() {
    let mut story = Story::new(&[1], limits());
    story.budget = 0;
    story.next();
    assert_eq!(story.record(0, &DIED).charges, []);
    assert_eq!(story.next(), UNAVAILABLE);
    assert!(story.is_out(0), "nobody paid for the connection that died");
}

#[test]
fn a_withheld_charge_is_paid_when_the_repeat_cannot_begin() {
    let mut story = Story::new(&[1, 2], limits());
    story.next();
    story.record(0, &DIED);
    assert_eq!(story.next(), Step::Try { candidate: 0, wait: Duration::ZERO, anyway: true });
    story.failover.not_begun();
    assert_eq!(story.failover.owed(), Some(Billed { candidate: 0, charge: Charge::FAULT }));
    assert_eq!(story.next(), first(1));
}

#[test]
fn a_budget_that_refuses_the_repeat_at_once_is_not_asked_again_in_the_same_step() {
    let mut story = Story::new(&[1], limits());
    story.next();
    story.record(0, &DIED);
    let mut asked = 0;
    let mut refuse = || {
        asked += 1;
        false
    };
    let (deadline, now) = (story.deadline, story.now);
    let step = story.failover.next(&mut |_| Standing::Admissible, &mut refuse, deadline, 0, now);
    assert_eq!((step, asked), (UNAVAILABLE, 1));
}

#[test]
fn a_death_is_charged_at_once_where_no_repeat_is_allowed() {
    let mut story = Story::new(&[1], Limits { same_provider: 0, ..limits() });
    story.next();
    assert_eq!(story.record(0, &DIED).charges.len(), 1);
}

#[test]
fn an_empty_budget_stops_repeats_but_no_first_try() {
    let mut story = Story::new(&[1, 2], limits());
    story.budget = 0;
    let down: &[Outcome] = &[refused(500)];
    assert_eq!(story.play(&[down, down]), (vec![(0, 0), (1, 0)], UNAVAILABLE));
}

#[test]
fn nothing_is_repeated_after_a_time_out_or_a_refused_credential() {
    for outcome in [SLOW, refused(401), refused(402), refused(403), refused(404), refused(429)] {
        let mut story = Story::new(&[1], limits());
        let (tries, _) = story.play(&[std::slice::from_ref(&outcome)]);
        assert_eq!(tries, [(0, 0)], "{outcome:?}");
    }
}

#[test]
fn two_models_of_one_provider_share_its_repeats() {
    let mut story = Story::new(&[1, 1], limits());
    let (tries, end) = story.play(&[&[refused(404)], &[refused(500)]]);
    assert_eq!(tries, [(0, 0), (1, 0), (1, 100)]);
    assert_eq!(end, UNAVAILABLE);
}

#[test]
fn a_second_model_of_a_provider_that_just_failed_is_a_repeat() {
    let mut story = Story::new(&[1, 1, 2], limits());
    let (tries, _) = story.play(&[&[refused(500)], &[refused(500)], &[SLOW]]);
    assert_eq!(tries, [(0, 0), (2, 0), (0, 100)]);
}

#[test]
fn a_time_out_under_one_model_rules_out_repeats_under_another() {
    let mut story = Story::new(&[1, 1], limits());
    assert_eq!(story.play(&[&[SLOW], &[Outcome::Done]]), (vec![(0, 0)], UNAVAILABLE));
}

#[test]
fn who_is_out_is_passed_over() {
    let mut story = Story::new(&[1, 2], limits()).put_out(0, &refused(500));
    assert_eq!(story.play(&[&[Outcome::Done], &[Outcome::Done]]), (vec![(1, 0)], answer(1)));
}

#[test]
fn who_is_out_is_tried_anyway_when_nobody_else_is_left_the_first_due_first_and_once() {
    let hour = Outcome::Refused(Refusal { retry_after: Some(secs(3600)), ..Refusal::of(429) });
    let mut story = Story::new(&[1, 2, 3], limits()).put_out(0, &hour).put_out(1, &refused(500));
    let down: &[Outcome] = &[refused(500)];
    let (tries, end) = story.play(&[down, down, &[SLOW]]);
    assert_eq!(tries, [(2, 0), (1, 0), (0, 0)]);
    assert_eq!(end, UNAVAILABLE);
}

#[test]
fn a_provider_that_is_out_for_credential_or_quota_is_never_tried() {
    let mut story = Story::new(&[1, 2], limits()).put_out(0, &refused(401)).put_out(1, &refused(402));
    assert_eq!(story.play(&[&[Outcome::Done], &[Outcome::Done]]), (vec![], FORBIDDEN));
}

#[test]
fn a_provider_that_lost_its_credential_meanwhile_is_not_repeated() {
    let mut story = Story::new(&[1], limits());
    story.next();
    story.record(0, &refused(500));
    story = story.put_out(0, &refused(401));
    assert_eq!(story.next(), UNAVAILABLE);
}

#[test]
fn the_requests_own_fault_is_answered_at_once_and_costs_nobody() {
    let mut story = Story::new(&[1, 2], limits());
    assert_eq!(story.play(&[&[refused(400)], &[Outcome::Done]]), (vec![(0, 0)], answer(0)));
    assert!(!story.is_out(0));
}

#[test]
fn the_same_unexplained_refusal_from_two_providers_is_the_requests_fault_and_is_refunded() {
    let mut story = Story::new(&[1, 2, 3], limits());
    let same: &[Outcome] = &[refused(409)];
    assert_eq!(story.play(&[same, same, &[Outcome::Done]]), (vec![(0, 0), (1, 0)], answer(1)));
    assert!(!story.is_out(0) && !story.is_out(1));
}

#[test]
fn a_confirmed_refusal_is_recorded_as_the_requests() {
    let mut story = Story::new(&[1, 2], limits());
    story.next();
    assert_eq!(story.record(0, &refused(418)).verdict.blame, Blame::Provider);
    story.next();
    let recorded = story.record(1, &refused(418));
    assert_eq!(recorded.verdict, Verdict::REQUEST);
    assert_eq!(recorded.charges, []);
    assert_eq!(recorded.refunds.len(), 1);
}

#[test]
fn different_unexplained_refusals_stay_the_providers_fault() {
    let mut story = Story::new(&[1, 2, 3], limits());
    let (tries, end) = story.play(&[&[refused(409)], &[refused(418)], &[Outcome::Done]]);
    assert_eq!((tries.len(), end), (3, answer(2)));
    assert!(story.is_out(0) && story.is_out(1));
}

#[test]
fn one_provider_cannot_confirm_itself() {
    let mut story = Story::new(&[1], limits());
    assert_eq!(story.play(&[&[refused(409)]]), (vec![(0, 0), (0, 100)], UNAVAILABLE));
    assert!(story.is_out(0));
}

#[test]
fn other_charges_are_kept_when_a_refusal_is_refunded() {
    let mut story = Story::new(&[1, 2, 3], limits());
    let (_, end) = story.play(&[&[refused(409)], &[refused(500)], &[refused(409)]]);
    assert_eq!(end, answer(2));
    assert!(!story.is_out(0) && story.is_out(1) && !story.is_out(2));
}

#[test]
fn the_end_stays_the_end() {
    let mut story = Story::new(&[1], limits());
    story.next();
    story.record(0, &refused(401));
    let end = story.next();
    story.record(0, &Outcome::Done);
    story.cooldowns.clear(ProviderId(1));
    assert_eq!(story.next(), end);
}

#[test]
fn a_candidate_outside_the_plan_is_ignored() {
    let mut story = Story::new(&[1], limits());
    let verdict = classify(&Outcome::Done, false);
    story.failover.record(9, &Outcome::Done, &verdict, story.now);
    assert_eq!(story.next(), first(0));
}

#[test]
fn the_clients_own_refused_credential_is_charged_and_answered() {
    let mut story = Story::new(&[1, 2], limits());
    story.next();
    let outcome = refused(401);
    let verdict = classify(&outcome, true);
    let recorded = story.failover.record(0, &outcome, &verdict, story.now);
    let how_long = Term::For(secs(1800));
    let charge = Charge::Out { reason: Reason::ClientCredential, how_long };
    assert_eq!(recorded.charges, [Billed { candidate: 0, charge }]);
    assert_eq!(story.next(), answer(0));
}

#[test]
fn candidates_of_one_provider_share_its_place_whatever_its_number() {
    for far in [5, 1_000_000] {
        let providers = [7, far, 7, 0, far].map(ProviderId);
        assert_eq!(seat::places(&providers), [0, 1, 0, 2, 1]);
    }
    assert!(seat::places(&[]).is_empty());
}
