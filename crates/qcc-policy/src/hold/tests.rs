//! Who waits, who goes on when, and who is sent to find out.

use super::*;
use crate::classify::Reason;
use crate::cooldown::Standing;
use crate::engine::Target;
use crate::testing::{secs, start};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const C: ProviderId = ProviderId(3);

/// A candidate for the model that everybody wants.
fn of(provider: ProviderId, fingerprint: Option<u64>) -> Target {
    Target { provider, model: "sonnet".into(), fingerprint }
}

fn out(reason: Reason, until: Instant) -> Standing {
    Standing::Out { until, reason }
}

/// A provider that is out for a fault.
fn faulty(provider: ProviderId, until: Instant) -> Absence {
    Absence { door: Door::of(provider), until, shared: true, guess: true }
}

fn throttled(provider: ProviderId, until: Instant) -> Absence {
    Absence { guess: false, ..faulty(provider, until) }
}

fn well(provider: ProviderId, now: Instant) -> Absence {
    Absence::new(&of(provider, None), Standing::Admissible, now)
}

fn hold() -> Hold {
    Hold::new(secs(240), 1000)
}

/// Enters with a deadline that does not matter.
fn enter(hold: &mut Hold, absences: &[Absence], now: Instant) -> Ticket {
    match hold.enter(absences.to_vec(), now + secs(290), now) {
        Entry::Held(ticket) => ticket,
        Entry::Full => panic!("no room"),
    }
}

fn sent(hold: &mut Hold, now: Instant) -> Vec<(Ticket, ProviderId, bool)> {
    let events = hold.poll(now).into_iter();
    events
        .map(|event| match event {
            HoldEvent::Go { ticket, provider, trial } => (ticket, provider, trial),
            HoldEvent::Over { .. } => panic!("over"),
        })
        .collect()
}

/// The times at which a lone waiter is sent as a trial, and where to, while every try fails at once.
fn trials(absences: &[Absence], term: u64, until: u64) -> Vec<(u64, u32)> {
    let (start, mut hold) = (start(), hold());
    let mut known = absences.to_vec();
    let ticket = enter(&mut hold, &known, start);
    let mut found = Vec::new();
    for second in 0..=until {
        let now = start + secs(second);
        while let Some(&(_, provider, trial)) = sent(&mut hold, now).first() {
            assert!(trial, "the time of {provider:?} is not over");
            found.push((second, provider.0));
            for absence in known.iter_mut().filter(|absence| absence.door.provider == provider) {
                absence.until = now + secs(term);
            }
            assert!(hold.update(ticket, known.clone(), true, now));
        }
    }
    found
}

#[test]
fn a_request_may_wait_for_what_can_come_back_in_time() {
    let now = start();
    let may = |standing| may_hold([standing], secs(240), now);
    assert!(may(Standing::Admissible));
    assert!(may(out(Reason::Fault, now + secs(600))), "the end of a fault is our guess");
    assert!(may(out(Reason::Throttled, now + secs(240))));
    assert!(!may(out(Reason::Throttled, now + secs(241))), "it said so itself");
    assert!(!may(out(Reason::ModelMissing, now + secs(600))));
    for reason in [Reason::Credential, Reason::Quota, Reason::ClientCredential] {
        assert!(!may(out(reason, now + secs(1))), "{reason}");
    }
    let one_of_two = [out(Reason::Quota, now + secs(1)), out(Reason::Throttled, now + secs(9))];
    assert!(may_hold(one_of_two, secs(240), now));
    assert!(!may_hold([Standing::Admissible], Duration::ZERO, now), "holding is off");
    assert!(!may_hold([], secs(240), now));
}

#[test]
fn a_full_room_or_one_that_is_switched_off_takes_nobody() {
    let now = start();
    let mut small = Hold::new(secs(240), 1);
    let first = enter(&mut small, &[faulty(A, now + secs(60))], now);
    assert_eq!(small.enter(Vec::new(), now + secs(9), now), Entry::Full);
    small.leave(first, now);
    assert!(matches!(small.enter(Vec::new(), now + secs(9), now), Entry::Held(_)));
    assert_eq!(Hold::new(Duration::ZERO, 9).enter(Vec::new(), now + secs(9), now), Entry::Full);
    small.configure(secs(1), 2);
    assert!(matches!(small.enter(Vec::new(), now + secs(9), now), Entry::Held(_)));
}

#[test]
fn a_waiter_goes_on_the_moment_that_its_provider_is_due() {
    let now = start();
    let mut hold = hold();
    let ticket = enter(&mut hold, &[throttled(A, now + secs(50)), throttled(B, now + secs(8))], now);
    assert_eq!(hold.poll(now), []);
    assert_eq!(hold.next_deadline(now), Some(now + secs(8)));
    assert_eq!(hold.poll(now + secs(7)), []);
    assert_eq!(sent(&mut hold, now + secs(8)), [(ticket, B, false)]);
}

#[test]
fn a_waiter_is_over_at_the_end_of_its_patience_or_in_time_for_a_last_try() {
    let now = start();
    let mut hold = hold();
    let patient = enter(&mut hold, &[throttled(A, now + secs(999))], now);
    let Entry::Held(hurried) = hold.enter(vec![throttled(A, now + secs(999))], now + secs(24), now) else {
        panic!("no room");
    };
    assert_eq!(hold.poll(now + secs(19)), []);
    assert_eq!(hold.next_deadline(now + secs(19)), Some(now + secs(20)));
    assert_eq!(hold.poll(now + secs(20)), [HoldEvent::Over { ticket: hurried }]);
    assert_eq!(hold.poll(now + secs(240)), [HoldEvent::Over { ticket: patient }]);
    assert!(hold.is_empty());
    assert_eq!(hold.next_deadline(now + secs(240)), None);
}

#[test]
fn a_faulty_provider_is_tried_after_5_10_and_then_every_20_seconds() {
    let now = start();
    let found = trials(&[faulty(A, now + secs(999))], 999, 100);
    assert_eq!(found, [(5, 1), (15, 1), (35, 1), (55, 1), (75, 1), (95, 1)]);
}

#[test]
fn the_provider_that_is_due_first_is_tried_and_the_next_one_when_that_failed() {
    let now = start();
    let absences = [faulty(A, now + secs(400)), faulty(B, now + secs(300)), throttled(C, now + secs(299))];
    assert_eq!(trials(&absences, 500, 30), [(5, 2), (10, 1), (15, 2), (20, 1)]);
}

#[test]
fn providers_whose_time_a_failed_trial_leaves_as_it_is_have_their_turns_too() {
    let now = start();
    let mut hold = hold();
    let known = vec![faulty(A, now + secs(300)), faulty(B, now + secs(400))];
    let ticket = enter(&mut hold, &known, now);
    let mut found = Vec::new();
    for second in 0..35 {
        for (_, provider, _) in sent(&mut hold, now + secs(second)) {
            found.push(provider);
            assert!(hold.update(ticket, known.clone(), true, now + secs(second)));
        }
    }
    assert_eq!(found, [A, B, A, B]);
}

#[test]
fn a_provider_that_announced_its_return_is_not_tried_before() {
    let now = start();
    assert_eq!(trials(&[throttled(A, now + secs(200))], 999, 199), []);
}

#[test]
fn one_waiter_is_the_trial_for_all() {
    let now = start();
    let mut hold = hold();
    let first = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    for _ in 0..5 {
        enter(&mut hold, &[faulty(A, now + secs(60))], now);
    }
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(first, A, true)]);
    assert_eq!(hold.poll(now + secs(30)), [], "the trial is still under way");
    assert_eq!(hold.poll(now + secs(60)), [], "it stands for the end of the cooldown too");
}

#[test]
fn who_asked_in_vain_lets_the_others_go_first_and_who_did_not_ask_keeps_its_place() {
    let now = start();
    let mut hold = hold();
    let tickets = [(); 3].map(|()| enter(&mut hold, &[throttled(A, now + secs(9))], now));
    let mut found = Vec::new();
    for second in 9..90 {
        for (ticket, ..) in sent(&mut hold, now + secs(second)) {
            // The first one is poisoned, the second one is overtaken at first.
            let asked = ticket == tickets[0] || found.contains(&ticket);
            found.push(ticket);
            assert!(hold.update(ticket, vec![well(A, now + secs(second))], asked, now + secs(second)));
        }
    }
    assert_eq!(found[..5], [tickets[0], tickets[1], tickets[1], tickets[2], tickets[2]]);
}

#[test]
fn who_was_a_trial_is_the_next_one_after_all_others() {
    let now = start();
    let mut hold = hold();
    let tickets = [(); 3].map(|()| enter(&mut hold, &[faulty(A, now + secs(999))], now));
    let mut found = Vec::new();
    for second in 0..80 {
        for (ticket, ..) in sent(&mut hold, now + secs(second)) {
            found.push(ticket);
            assert!(hold.update(ticket, vec![faulty(A, now + secs(999))], true, now + secs(second)));
        }
    }
    assert_eq!(found, [tickets[0], tickets[1], tickets[2], tickets[0], tickets[1]]);
}

#[test]
fn of_many_that_come_back_together_one_lengthens_the_pause() {
    let now = start();
    let mut hold = hold();
    let tickets: Vec<_> = (0..9).map(|_| enter(&mut hold, &[faulty(A, now + secs(60))], now)).collect();
    hold.open(A, true);
    assert_eq!(sent(&mut hold, now).len(), 1);
    hold.answered(tickets[0], A, true, now);
    let wave = sent(&mut hold, now);
    assert_eq!(wave.len(), 8);
    for (ticket, ..) in wave {
        assert!(hold.update(ticket, vec![faulty(A, now + secs(60))], true, now));
    }
    assert_eq!(hold.poll(now + secs(4)), []);
    assert_eq!(sent(&mut hold, now + secs(5)), [(tickets[1], A, true)]);
}

#[test]
fn while_a_trial_hangs_the_next_provider_has_its_turn() {
    let now = start();
    let mut hold = hold();
    let absences = [faulty(A, now + secs(100)), faulty(B, now + secs(200))];
    let first = enter(&mut hold, &absences, now);
    let second = enter(&mut hold, &absences, now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(first, A, true)]);
    assert_eq!(sent(&mut hold, now + secs(10)), [(second, B, true)]);
}

#[test]
fn an_answer_lets_a_few_go_on_and_every_further_answer_two() {
    let now = start();
    let mut hold = hold();
    let tickets: Vec<_> = (0..30).map(|_| enter(&mut hold, &[faulty(A, now + secs(60))], now)).collect();
    hold.poll(now);
    let now = now + secs(5);
    assert_eq!(sent(&mut hold, now).len(), 1);
    hold.answered(tickets[0], A, true, now);
    let few: Vec<_> = sent(&mut hold, now).into_iter().map(|(ticket, ..)| ticket).collect();
    assert_eq!(few, tickets[1..9], "in order of arrival");
    assert_eq!(hold.poll(now), []);
    hold.answered(tickets[4], A, true, now);
    let more: Vec<_> = sent(&mut hold, now).into_iter().map(|(ticket, ..)| ticket).collect();
    assert_eq!(more, tickets[9..11]);
}

#[test]
fn while_a_provider_that_answered_is_still_out_one_goes_after_the_other_by_force() {
    let now = start();
    let mut hold = hold();
    let tickets: Vec<_> = (0..9).map(|_| enter(&mut hold, &[faulty(A, now + secs(60))], now)).collect();
    hold.open(A, false);
    assert_eq!(sent(&mut hold, now), [(tickets[0], A, false)], "as the probe of a half-open breaker");
    hold.answered(tickets[0], A, false, now);
    assert_eq!(sent(&mut hold, now), [(tickets[1], A, true)], "that answer still runs, so its breaker admits nobody");
    assert_eq!(hold.poll(now + secs(30)), [], "one at a time");
    hold.open(A, false);
    assert_eq!(hold.poll(now + secs(30)), [], "a lease that comes free settles nothing");
    hold.open(A, true);
    assert_eq!(sent(&mut hold, now + secs(30)).len(), 7);
}

#[test]
fn a_provider_that_is_enabled_by_hand_proves_itself_with_one_request() {
    let now = start();
    let mut hold = hold();
    for _ in 0..3 {
        enter(&mut hold, &[faulty(A, now + secs(60)), throttled(B, now + secs(70))], now);
    }
    hold.open(B, true);
    assert_eq!(sent(&mut hold, now).len(), 1);
    hold.open(C, true);
    assert_eq!(hold.poll(now), [], "nobody waits for that one");
}

#[test]
fn who_comes_back_has_its_old_place_and_shuts_the_gate() {
    let now = start();
    let mut hold = hold();
    let first = enter(&mut hold, &[faulty(A, now + secs(8))], now);
    let second = enter(&mut hold, &[faulty(A, now + secs(8))], now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(first, A, true)]);
    let again = now + secs(6);
    assert!(hold.update(first, vec![faulty(A, again + secs(60))], false, again));
    assert_eq!(hold.poll(now + secs(8)), [], "its new time counts for everybody");
    hold.open(A, true);
    assert_eq!(sent(&mut hold, now + secs(9)), [(first, A, false)]);
    hold.answered(first, A, true, now + secs(10));
    assert_eq!(sent(&mut hold, now + secs(10)), [(second, A, false)]);
}

#[test]
fn a_newcomer_that_looked_before_the_provider_came_back_does_not_shut_the_gate() {
    let now = start();
    let mut hold = hold();
    let first = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    hold.open(A, true);
    enter(&mut hold, &[faulty(A, now + secs(60))], now);
    assert_eq!(sent(&mut hold, now), [(first, A, false)]);
}

#[test]
fn a_waiter_that_looks_again_and_finds_a_provider_goes_on() {
    let now = start();
    let mut hold = hold();
    let ticket = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    assert!(hold.update(ticket, vec![faulty(A, now + secs(60)), well(B, now + secs(1))], false, now + secs(1)));
    assert_eq!(sent(&mut hold, now + secs(1)), [(ticket, B, false)]);
}

#[test]
fn a_request_that_a_well_provider_fails_pauses_and_does_not_stand_in_the_way() {
    let now = start();
    let mut hold = hold();
    let poisoned = enter(&mut hold, &[well(A, now)], now);
    assert_eq!(hold.poll(now), [], "it has just been asked");
    let now = now + secs(5);
    assert_eq!(sent(&mut hold, now), [(poisoned, A, false)]);
    assert!(hold.update(poisoned, vec![well(A, now)], true, now));
    let other = enter(&mut hold, &[throttled(A, now + secs(2))], now);
    assert_eq!(sent(&mut hold, now), [(other, A, false)]);
    hold.answered(other, A, true, now);
    assert_eq!(hold.poll(now), [], "the other's answer does not shorten its pause");
    assert_eq!(sent(&mut hold, now + secs(5)), [(poisoned, A, false)]);
}

#[test]
fn where_nothing_puts_a_provider_out_its_failures_slow_the_line_down() {
    let start = start();
    let mut hold = hold();
    for _ in 0..40 {
        enter(&mut hold, &[well(A, start)], start);
    }
    let mut tries = 0;
    for second in 0..200 {
        let now = start + secs(second);
        for (ticket, ..) in sent(&mut hold, now) {
            tries += 1;
            assert!(hold.update(ticket, vec![well(A, now)], true, now));
        }
    }
    assert!((10..30).contains(&tries), "{tries}: a few at first, then one every 20 s");
}

#[test]
fn a_model_that_is_missing_for_one_keeps_nobody_else_away() {
    let now = start();
    let mut hold = hold();
    let missing = Absence::new(&of(A, None), out(Reason::ModelMissing, now + secs(100)), now);
    let first = enter(&mut hold, &[missing, throttled(B, now + secs(230))], now);
    let second = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    hold.open(A, true);
    assert_eq!(sent(&mut hold, now), [(second, A, false)]);
    hold.answered(second, A, true, now);
    assert_eq!(hold.poll(now + secs(99)), []);
    assert_eq!(sent(&mut hold, now + secs(100)), [(first, A, false)]);
}

#[test]
fn who_wants_a_model_that_fails_waits_for_that_model_and_keeps_nobody_else_away() {
    let now = start();
    let mut hold = hold();
    let fails = |until| Absence::new(&of(A, None), out(Reason::ModelFault, until), now);
    let first = enter(&mut hold, &[fails(now + secs(600))], now);
    let second = enter(&mut hold, &[fails(now + secs(600))], now);
    let other = enter(&mut hold, &[throttled(A, now + secs(3))], now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(3)), [(other, A, false)]);
    assert_eq!(sent(&mut hold, now + secs(5)), [(first, A, true)], "its return is a guess too");
    hold.answered(first, A, false, now + secs(6));
    assert_eq!(sent(&mut hold, now + secs(6)), [(second, A, true)]);
}

#[test]
fn a_trial_that_finds_another_fault_pauses_all_the_same() {
    let now = start();
    let mut hold = hold();
    let first = enter(&mut hold, &[faulty(A, now + secs(600))], now);
    hold.poll(now);
    let now = now + secs(5);
    assert_eq!(sent(&mut hold, now), [(first, A, true)]);
    let fails = Absence::new(&of(A, None), out(Reason::ModelFault, now + secs(600)), now);
    assert!(hold.update(first, vec![fails], true, now));
    enter(&mut hold, &[faulty(A, now + secs(600))], now);
    assert_eq!(hold.poll(now), []);
    assert_eq!(hold.poll(now + secs(4)), []);
}

#[test]
fn a_limit_of_a_clients_own_credential_is_its_own_matter() {
    let now = start();
    let limit = out(Reason::Throttled, now + secs(30));
    let mut hold = hold();
    let own = enter(&mut hold, &[Absence::new(&of(A, Some(7)), limit, now)], now);
    hold.open(A, true);
    assert_eq!(hold.poll(now), []);
    assert_eq!(sent(&mut hold, now + secs(30)), [(own, A, false)]);
    let pooled = enter(&mut hold, &[Absence::new(&of(B, None), limit, now)], now);
    hold.open(B, true);
    assert_eq!(sent(&mut hold, now + secs(1)), [(pooled, B, false)]);
}

#[test]
fn a_client_that_leaves_leaves_no_trace() {
    let now = start();
    let mut hold = hold();
    let first = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    let second = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(first, A, true)]);
    hold.leave(first, now + secs(6));
    assert!(!hold.update(first, vec![faulty(A, now + secs(60))], true, now + secs(6)), "a void ticket");
    hold.answered(first, B, true, now + secs(6));
    assert_eq!(hold.poll(now + secs(6)), [], "leaving hurries no trial");
    assert_eq!(sent(&mut hold, now + secs(16)), [(second, A, true)]);
    hold.leave(second, now + secs(17));
    assert!(hold.is_empty() && hold.gates.is_empty());
}

#[test]
fn a_trial_that_never_reports_frees_its_place_at_its_deadline() {
    let now = start();
    let mut hold = hold();
    let Entry::Held(lost) = hold.enter(vec![faulty(A, now + secs(999))], now + secs(40), now) else {
        panic!("no room");
    };
    let next = enter(&mut hold, &[faulty(A, now + secs(999))], now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(lost, A, true)]);
    assert_eq!(hold.next_deadline(now + secs(39)), Some(now + secs(40)));
    assert_eq!(hold.poll(now + secs(40)), []);
    assert!(!hold.update(lost, vec![], true, now + secs(40)));
    assert_eq!(sent(&mut hold, now + secs(50)), [(next, A, true)]);
}

#[test]
fn who_comes_back_after_its_patience_is_over() {
    let now = start();
    let mut hold = Hold::new(secs(10), 9);
    let ticket = enter(&mut hold, &[faulty(A, now + secs(60))], now);
    hold.poll(now);
    assert_eq!(sent(&mut hold, now + secs(5)), [(ticket, A, true)]);
    assert_eq!(hold.poll(now + secs(12)), [], "it is under way");
    assert!(!hold.update(ticket, vec![faulty(A, now + secs(60))], true, now + secs(12)));
    assert!(hold.is_empty());
}
