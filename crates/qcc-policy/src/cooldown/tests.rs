//! Who is out for what, and news that arrive in an order other than that of the events.

use super::*;
use crate::classify::classify;
use crate::testing::{about, refused, secs, start};
use crate::{Outcome, Refusal, Topic};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);

fn cooldowns() -> Cooldowns {
    Cooldowns::new(secs(60))
}

fn cost(outcome: &Outcome) -> Charge {
    classify(outcome, false).charge
}

fn throttle(wait: u64) -> Charge {
    cost(&Outcome::Refused(Refusal { retry_after: Some(secs(wait)), ..Refusal::of(429) }))
}

fn until(cooldowns: &Cooldowns, now: Instant) -> Option<Instant> {
    match cooldowns.standing(A, None, None, now) {
        Standing::Admissible => None,
        Standing::Out { until, .. } => Some(until),
    }
}

#[test]
fn a_fault_puts_the_provider_out_for_everybody_and_the_configured_time() {
    let now = start();
    let mut all = cooldowns();
    let news = all.charge(A, Some("m"), Some(7), Charge::FAULT, now);
    let expected = Transition::Out { provider: A, model: None, reason: Reason::Fault, term: secs(60) };
    assert_eq!(news, Some(expected));
    let out = Standing::Out { until: now + secs(60), reason: Reason::Fault };
    assert_eq!(all.standing(A, Some("other"), None, now), out);
    assert_eq!(all.standing(A, None, Some(9), now + secs(59)), out);
    assert_eq!(all.standing(A, None, None, now + secs(60)), Standing::Admissible);
    assert_eq!(all.standing(B, Some("m"), Some(7), now), Standing::Admissible);
}

#[test]
fn a_fault_term_of_zero_switches_the_cooldown_off() {
    let now = start();
    let mut all = Cooldowns::new(Duration::ZERO);
    assert_eq!(all.charge(A, None, None, Charge::FAULT, now), None);
    assert_eq!(until(&all, now), None);
    all.set_fault_term(secs(5));
    all.charge(A, None, None, Charge::FAULT, now);
    assert_eq!(until(&all, now), Some(now + secs(5)));
}

#[test]
fn one_clients_credential_does_not_put_out_another_client() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, Some(7), throttle(20), now);
    assert_ne!(all.standing(A, None, Some(7), now), Standing::Admissible);
    assert_eq!(all.standing(A, None, Some(8), now), Standing::Admissible);
    assert_eq!(all.standing(A, None, None, now), Standing::Admissible);
}

#[test]
fn a_missing_model_puts_out_only_that_model() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, Some("gone"), None, cost(&refused(404)), now);
    assert_ne!(all.standing(A, Some("gone"), None, now), Standing::Admissible);
    assert_eq!(all.standing(A, Some("here"), None, now), Standing::Admissible);
    assert_eq!(all.standing(A, None, None, now), Standing::Admissible);
}

#[test]
fn a_later_shorter_charge_shortens_nothing_and_is_no_news() {
    let now = start();
    let mut all = cooldowns();
    assert!(all.charge(A, None, None, throttle(600), now).is_some());
    assert_eq!(all.charge(A, None, None, throttle(5), now + secs(1)), None);
    assert_eq!(until(&all, now), Some(now + secs(600)));
    assert_eq!(all.charge(A, None, None, throttle(900), now + secs(2)), None);
    assert_eq!(until(&all, now), Some(now + secs(902)));
}

#[test]
fn of_several_reasons_the_longest_counts_unless_one_forbids_a_last_try() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    all.charge(A, None, None, throttle(7200), now);
    let out = |reason| Standing::Out { until: now + secs(7200), reason };
    assert_eq!(all.standing(A, None, None, now), out(Reason::Throttled));
    all.charge(A, None, None, cost(&refused(401)), now);
    assert_eq!(all.standing(A, None, None, now), out(Reason::Credential));
    let after_recheck = now + secs(1801);
    assert_eq!(all.standing(A, None, None, after_recheck), out(Reason::Throttled));
}

#[test]
fn a_success_ends_a_fault_and_tells_how_long_it_lasted() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    let news = all.succeed(A, None, None, now + secs(1), now + secs(3));
    let back = Transition::Back { provider: A, model: None, reason: Reason::Fault, after: secs(3) };
    assert_eq!(news, Some(back));
    assert_eq!(until(&all, now + secs(3)), None);
}

#[test]
fn a_success_that_began_before_the_fault_proves_nothing() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now + secs(10));
    assert_eq!(all.succeed(A, None, None, now, now + secs(20)), None);
    assert_eq!(until(&all, now + secs(20)), Some(now + secs(70)));
}

#[test]
fn a_success_that_began_before_the_latest_of_several_faults_proves_nothing() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    all.charge(A, None, None, Charge::FAULT, now + secs(10));
    assert_eq!(all.succeed(A, None, None, now + secs(5), now + secs(20)), None);
    assert!(all.succeed(A, None, None, now + secs(10), now + secs(20)).is_some());
}

#[test]
fn a_success_does_not_lift_a_limit_that_the_provider_announced() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, throttle(100), now);
    all.charge(A, None, None, cost(&about(400, Topic::Quota)), now);
    assert_eq!(all.succeed(A, None, None, now + secs(1), now + secs(2)), None);
    assert_eq!(until(&all, now + secs(2)), Some(now + secs(3600)));
}

#[test]
fn a_success_proves_its_own_credential_and_model_only() {
    let now = start();
    let mut all = cooldowns();
    for model in ["m", "n"] {
        all.charge(A, Some(model), None, cost(&refused(403)), now);
    }
    all.charge(A, None, Some(7), classify(&refused(401), true).charge, now);
    assert!(all.succeed(A, Some("m"), None, now, now).is_some());
    assert_eq!(all.standing(A, Some("m"), None, now), Standing::Admissible);
    assert_ne!(all.standing(A, Some("n"), None, now), Standing::Admissible);
    assert_ne!(all.standing(A, Some("m"), Some(7), now), Standing::Admissible);
    assert!(all.succeed(A, Some("m"), Some(7), now, now).is_some());
    assert_eq!(all.standing(A, Some("m"), Some(7), now), Standing::Admissible);
}

#[test]
fn a_return_is_told_with_the_first_success_even_after_the_time_was_over() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    let later = now + secs(500);
    all.prune(later);
    let back = Transition::Back { provider: A, model: None, reason: Reason::Fault, after: secs(500) };
    assert_eq!(all.succeed(A, None, None, later, later), Some(back));
    assert_eq!(all.succeed(A, None, None, later, later), None);
}

#[test]
fn a_fault_after_the_time_was_over_is_news_again() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    assert!(all.charge(A, None, None, Charge::FAULT, now + secs(60)).is_some());
    assert_eq!(until(&all, now + secs(60)), Some(now + secs(120)));
}

#[test]
fn a_refund_takes_back_its_own_charge() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    let news = all.refund(A, None, None, Charge::FAULT, now, now + secs(1));
    assert!(matches!(news, Some(Transition::Back { .. })));
    assert_eq!(until(&all, now + secs(1)), None);
}

#[test]
fn a_refund_leaves_the_charges_of_others_in_force() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    all.charge(A, None, None, Charge::FAULT, now + secs(1));
    assert_eq!(all.refund(A, None, None, Charge::FAULT, now, now + secs(2)), None);
    assert_eq!(until(&all, now + secs(2)), Some(now + secs(61)));
    assert!(all.refund(A, None, None, Charge::FAULT, now + secs(1), now + secs(2)).is_some());
    assert_eq!(until(&all, now + secs(2)), None);
}

#[test]
fn a_refund_does_not_touch_a_newer_cooldown() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    all.succeed(A, None, None, now, now + secs(1));
    all.charge(A, None, None, Charge::FAULT, now + secs(2));
    assert_eq!(all.refund(A, None, None, Charge::FAULT, now, now + secs(3)), None);
    assert_eq!(until(&all, now + secs(3)), Some(now + secs(62)));
}

#[test]
fn clearing_forgets_one_provider() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, cost(&refused(401)), now);
    all.charge(A, Some("m"), Some(3), cost(&refused(404)), now);
    all.charge(B, None, None, Charge::FAULT, now);
    assert_eq!(all.clear(A), 2);
    assert_eq!(all.standing(A, Some("m"), Some(3), now), Standing::Admissible);
    assert_ne!(all.standing(B, None, None, now), Standing::Admissible);
}

#[test]
fn a_status_page_sees_what_is_in_force_and_nothing_else() {
    let now = start();
    let mut all = cooldowns();
    all.charge(B, Some("m"), Some(3), cost(&refused(404)), now);
    all.charge(A, None, None, Charge::FAULT, now);
    let seen: Vec<Cooldown<'_>> = all.iter(now + secs(1)).collect();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].provider, seen[0].reason), (A, Reason::Fault));
    assert_eq!((seen[1].model, seen[1].fingerprint), (Some("m"), Some(3)));
    assert_eq!((seen[1].since, seen[1].until), (now, now + secs(600)));
    assert_eq!(all.iter(now + secs(100)).count(), 1);
}

#[test]
fn models_that_clients_invent_do_not_fill_the_memory() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, throttle(1), now);
    for n in 0..MOST_ENTRIES as u64 * 2 {
        let at = now + Duration::from_millis(n);
        all.charge(B, Some(&format!("model-{n}")), None, cost(&refused(404)), at);
        assert!(all.entries.len() <= MOST_ENTRIES + 1);
    }
    let end = now + Duration::from_millis(MOST_ENTRIES as u64 * 2);
    let newest = format!("model-{}", MOST_ENTRIES * 2 - 1);
    assert_ne!(all.standing(B, Some(&newest), None, end), Standing::Admissible);
    assert_eq!(all.standing(B, Some("model-0"), None, end), Standing::Admissible);
}

#[test]
fn entries_of_a_whole_provider_never_make_room() {
    let now = start();
    let mut all = cooldowns();
    all.charge(A, None, None, Charge::FAULT, now);
    for n in 0..MOST_ENTRIES as u64 * 2 {
        all.charge(B, None, Some(n), throttle(600), now);
    }
    assert_eq!(until(&all, now), Some(now + secs(60)));
}

#[test]
fn an_absurdly_long_model_name_is_not_kept() {
    let now = start();
    let mut all = cooldowns();
    let name = "x".repeat(LONGEST_MODEL + 1);
    assert_eq!(all.charge(A, Some(&name), None, cost(&refused(404)), now), None);
    assert_eq!(all.standing(A, Some(&name), None, now), Standing::Admissible);
    all.charge(A, Some(&name), None, Charge::FAULT, now);
    assert_ne!(all.standing(A, Some(&name), None, now), Standing::Admissible);
}

#[test]
fn an_absurd_term_does_not_overflow() {
    let now = start();
    let mut all = Cooldowns::new(Duration::MAX);
    all.charge(A, None, None, Charge::FAULT, now);
    assert_ne!(all.standing(A, None, None, now + secs(3600)), Standing::Admissible);
}
