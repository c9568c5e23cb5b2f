//! The check and its score, the mean of all evidence, the factor, and what survives a restart.

use super::*;
use crate::testing::{secs, start};
use crate::{Outcome, Topic, classify};
use proptest::prelude::*;

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const GOOD: Evidence = Evidence::Answered { first_event: Duration::from_secs(1) };
const REACHED: Evidence = Evidence::Reached { took: Duration::from_millis(50) };

fn table() -> HealthTable {
    HealthTable::new(HealthSettings::default())
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Records the same evidence some times, a second apart; returns when it ended.
fn repeat(all: &mut HealthTable, evidence: Evidence, times: u64, from: Instant) -> Instant {
    for nth in 0..times {
        all.record(A, evidence, from + secs(nth));
    }
    from + secs(times)
}

fn score(all: &HealthTable, now: Instant) -> u8 {
    all.report(A, false, now).score.unwrap_or_default()
}

fn class(all: &HealthTable, now: Instant) -> Class {
    all.report(A, false, now).class
}

// The conversational check.

#[test]
fn a_code_is_six_letters_or_digits_and_follows_from_the_draw() {
    assert_eq!(Code::new(0).as_str(), "AAAAAA");
    assert_eq!(Code::new(35).as_str(), "9AAAAA");
    assert_eq!(Code::new(36).to_string(), "ABAAAA");
    assert!(Code::new(u64::MAX).prompt().ends_with(Code::new(u64::MAX).as_str()));
}

#[test]
fn answers_are_judged_by_the_code_they_hold() {
    let code = Code::new(0x0123_4567_89ab_cdef);
    let text = code.as_str();
    let cases = [
        (text.to_owned(), Answer::Exact),
        (format!(" {}\n", text.to_lowercase()), Answer::Exact),
        (format!("**`{text}`**."), Answer::Exact),
        (format!("The code is {text}."), Answer::Contains),
        (format!("\u{4f60}\u{597d} {text}\u{3002}"), Answer::Contains),
        (format!("X{text}"), Answer::Wrong),
        (format!("It is {text}7"), Answer::Wrong),
        ("ZZZZZZ".to_owned(), Answer::Wrong),
        ("I am sorry, I cannot do that.".to_owned(), Answer::Wrong),
        (code.prompt(), Answer::Wrong),
        (format!("You said: {}", code.prompt().to_uppercase()), Answer::Wrong),
        (String::new(), Answer::Empty),
        (" \n\t".to_owned(), Answer::Empty),
    ];
    for (answer, kind) in cases {
        assert_eq!(code.judge(&answer, millis(100)).answer, kind, "{answer:?}");
    }
}

#[test]
fn a_check_scores_validity_speed_and_brevity() {
    let code = Code::new(42);
    let padded = |length: usize| format!("{code} {}", ".".repeat(length - 7));
    let said = |length: usize| format!("{code} {}", "a ".repeat((length - 7) / 2));
    let score = |answer: &str, took: u64| code.judge(answer, millis(took)).score;
    assert_eq!([499, 500, 999, 1000, 1999, 2000].map(|took| score(code.as_str(), took)), [100, 90, 90, 80, 80, 70]);
    assert_eq!([51, 101, 201].map(|length| score(&said(length), 100)), [95, 90, 90]);
    assert_eq!(score(&padded(49), 100), 100);
}

#[test]
fn a_wrong_answer_is_unhealthy_however_fast_and_short() {
    let code = Code::new(42);
    let wrong = code.judge("no", millis(1));
    assert_eq!((wrong.score, wrong.class()), (39, Class::Unhealthy));
    assert_eq!(code.judge("no", secs(60)).score, 20);
    assert_eq!(code.judge("", millis(1)).score, 0);
    assert_eq!(code.judge(code.as_str(), secs(29)).class(), Class::Healthy);
}

// The score.

#[test]
fn the_classes_begin_where_the_design_says() {
    let classes = [100, 70, 69, 40, 39, 0].map(Class::of);
    use Class::{Degraded, Healthy, Unhealthy};
    assert_eq!(classes, [Healthy, Healthy, Degraded, Degraded, Unhealthy, Unhealthy]);
}

#[test]
fn nothing_is_known_without_evidence() {
    let now = start();
    let all = table();
    let report = all.report(A, false, now);
    assert_eq!((report.score, report.class, report.checks), (None, Class::Unknown, 0));
    assert_eq!((report.success_rate, report.average_response, report.last_check), (None, None, None));
    assert!((all.factor(A, now) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn only_what_tells_of_the_provider_is_evidence() {
    let evidence = |outcome: &Outcome| Evidence::of(classify(outcome, false).blame, secs(1));
    assert_eq!(evidence(&Outcome::Done), Some(GOOD));
    assert_eq!(evidence(&crate::testing::refused(529)), Some(Evidence::Fault));
    assert_eq!(evidence(&crate::testing::refused(429)), Some(Evidence::Throttled));
    for status in [400, 401, 402, 403, 404, 413] {
        assert_eq!(evidence(&crate::testing::refused(status)), None, "{status}");
    }
    assert_eq!(evidence(&crate::testing::about(500, Topic::Quota)), None);
    assert_eq!(evidence(&Outcome::ClientGone), None);
}

#[test]
fn one_failure_makes_nobody_unhealthy() {
    let now = start();
    let mut all = table();
    all.record(A, Evidence::Fault, now);
    assert_eq!(class(&all, now), Class::Degraded);
    let mut all = table();
    let now = repeat(&mut all, GOOD, 50, now);
    all.record(A, Evidence::Fault, now);
    assert_eq!(class(&all, now), Class::Healthy);
}

#[test]
fn failures_in_a_row_are_seen_soon() {
    let now = start();
    let mut new = table();
    let after = repeat(&mut new, Evidence::Fault, 3, now);
    assert_eq!(class(&new, after), Class::Unhealthy);
    let mut busy = table();
    let now = repeat(&mut busy, GOOD, 50, now);
    let now = repeat(&mut busy, Evidence::Fault, 4, now);
    assert_eq!(class(&busy, now), Class::Degraded);
    let now = repeat(&mut busy, Evidence::Fault, 8, now);
    assert_eq!(class(&busy, now), Class::Unhealthy);
    assert_eq!(busy.report(A, false, now).consecutive_failures, 12);
}

#[test]
fn a_slow_provider_that_always_answers_is_healthy() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Answered { first_event: secs(60) }, 200, now);
    assert_eq!(class(&all, now), Class::Healthy);
    assert_eq!(all.report(A, false, now).average_response, Some(secs(60)));
}

#[test]
fn a_throttled_provider_is_degraded_and_never_unhealthy() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Throttled, 300, now);
    let report = all.report(A, false, now);
    assert_eq!((report.class, report.consecutive_failures, report.success_rate), (Class::Degraded, 0, None));
}

#[test]
fn wrong_answers_under_200_are_found_by_the_check() {
    let now = start();
    let mut all = table();
    let wrong = Evidence::Checked(Code::new(1).judge("Hello! How can I help?", millis(90)));
    for nth in 0..20 {
        all.record(A, wrong, now + secs(600 * nth));
        all.record(A, REACHED, now + secs(600 * nth + 1));
    }
    let report = all.report(A, false, now + secs(600 * 19));
    assert_ne!(report.class, Class::Healthy);
    assert_eq!(report.consecutive_failures, 20, "a list of models is no answer");
}

#[test]
fn a_free_probe_ends_the_failures_of_free_probes_only() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Unreached, 3, now);
    all.record(A, REACHED, now);
    assert_eq!(all.report(A, false, now).consecutive_failures, 0);
    all.record(A, Evidence::Fault, now);
    all.record(A, REACHED, now);
    assert_eq!(all.report(A, false, now).consecutive_failures, 1);
    all.record(A, GOOD, now);
    assert_eq!(all.report(A, false, now).consecutive_failures, 0);
}

#[test]
fn evidence_fades_until_nothing_is_known() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Fault, 20, now);
    let at_once = score(&all, now);
    let after = score(&all, now + secs(1800));
    assert!(at_once < 20 && after > 40, "{at_once} {after}");
    assert_eq!(class(&all, now + secs(86_400)), Class::Unknown);
}

#[test]
fn a_half_open_breaker_shows_as_recovering() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Fault, 5, now);
    assert_eq!(all.report(A, true, now).class, Class::Recovering);
}

#[test]
fn a_change_of_class_is_told_once_and_does_not_flutter() {
    let now = start();
    let mut all = table();
    let first = all.record(A, GOOD, now).map(|change| (change.provider, change.from, change.to));
    assert_eq!(first, Some((A, Class::Unknown, Class::Healthy)));
    let mut told = Vec::new();
    let mut scores = Vec::new();
    for nth in 0..300_u64 {
        // Two of three succeed, which is around the bound of healthy.
        let evidence = if nth % 3 == 2 { Evidence::Fault } else { GOOD };
        told.extend(all.record(A, evidence, now + secs(nth)).map(|change| change.to));
        scores.push(score(&all, now + secs(nth)));
    }
    assert!(scores.iter().skip(50).any(|&score| score >= HEALTHY) && scores.iter().any(|&score| score < HEALTHY));
    assert_eq!(told, [Class::Degraded]);
}

// The factor.

#[test]
fn the_factor_waits_for_enough_evidence() {
    let now = start();
    let mut all = HealthTable::new(HealthSettings { weight_adjustment: true, min_checks: 5 });
    let now = repeat(&mut all, Evidence::Fault, 4, now);
    assert!(all.factor(A, now) >= 1.0);
    let now = repeat(&mut all, Evidence::Fault, 1, now);
    assert!(all.factor(A, now) < 0.9);
    assert!(all.factor(B, now) >= 1.0);
}

#[test]
fn the_factor_sinks_in_steps_to_its_floor_and_comes_back_to_one() {
    let now = start();
    let mut all = table();
    let mut now = repeat(&mut all, GOOD, 20, now);
    let mut last = 1.0;
    for _ in 0..100 {
        all.record(A, Evidence::Fault, now);
        let factor = all.factor(A, now);
        assert!(factor <= last && factor >= FACTOR_LEAST && last - factor < 0.35, "{last} {factor}");
        last = factor;
        now += millis(100);
    }
    assert!(last < 0.3, "{last}");
    for _ in 0..100 {
        all.record(A, GOOD, now);
        now += millis(100);
    }
    assert!((all.factor(A, now) - 1.0).abs() < f64::EPSILON, "{}", all.factor(A, now));
}

#[test]
fn the_factor_keeps_its_way_between_its_two_bounds() {
    let now = start();
    let mut all = table();
    let mut now = repeat(&mut all, GOOD, 20, now);
    // Falling through 79 to 70 the factor stays; rising through the same scores it is not yet sent back to 1.
    while score(&all, now) >= HEALTHY {
        assert!(all.factor(A, now) >= 1.0);
        all.record(A, Evidence::Fault, now);
    }
    while score(&all, now) < RECOVERED {
        assert!(all.factor(A, now) < 1.0);
        all.record(A, GOOD, now);
        now += millis(1);
    }
}

#[test]
fn a_provider_without_traffic_gets_its_weight_back() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Fault, 30, now);
    let low = all.factor(A, now);
    let half = all.factor(A, now + HALF_LIFE);
    assert!(((1.0 - half) - (1.0 - low) / 2.0).abs() < 0.01, "{low} {half}");
    assert!(all.factor(A, now + secs(86_400)) > 0.999);
}

#[test]
fn switched_off_the_factor_is_one() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Fault, 30, now);
    all.configure(HealthSettings { weight_adjustment: false, min_checks: 3 });
    assert!(all.factor(A, now) >= 1.0 && all.report(A, false, now).factor >= 1.0);
    assert_eq!(class(&all, now), Class::Unhealthy);
}

#[test]
fn a_forgotten_provider_starts_anew() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, Evidence::Fault, 30, now);
    all.forget(A);
    assert_eq!((class(&all, now), all.factor(A, now).to_bits()), (Class::Unknown, 1.0_f64.to_bits()));
}

// A restart.

#[test]
fn a_restart_is_like_waiting() {
    let now = start();
    let mut all = table();
    let now = repeat(&mut all, GOOD, 10, now);
    let now = repeat(&mut all, Evidence::Fault, 5, now);
    let then = now + secs(300);
    let mut restarted = table();
    for (provider, saved) in all.export(now) {
        restarted.restore(provider, &saved, secs(300), then);
    }
    let (kept, restored) = (all.report(A, false, then), restarted.report(A, false, then));
    assert_eq!((kept.score, kept.class, kept.checks), (restored.score, restored.class, restored.checks));
    assert_eq!((kept.consecutive_failures, kept.last_check), (restored.consecutive_failures, restored.last_check));
    assert!((kept.factor - restored.factor).abs() < 1e-9);
    let same = [&mut all, &mut restarted].map(|table| table.record(A, GOOD, then).map(|change| change.to));
    assert_eq!(same[0], same[1]);
}

#[test]
fn what_was_learned_since_the_start_is_better_than_what_was_saved() {
    let now = start();
    let mut all = table();
    all.record(A, GOOD, now);
    let bad = SavedHealth { points_weight: 10.0, ..SavedHealth::default() };
    all.restore(A, &bad, Duration::ZERO, now);
    assert_eq!(class(&all, now), Class::Healthy);
}

#[test]
fn a_saved_state_of_nonsense_is_put_right() {
    let now = start();
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 1e300] {
        let mut all = table();
        let saved = SavedHealth {
            points: odd,
            points_weight: odd,
            success: odd,
            success_weight: odd,
            response_secs: odd,
            response_weight: odd,
            factor: odd,
            lowered: true,
            consecutive_failures: u32::MAX,
            conversation_failed: true,
            checks: u32::MAX,
            last_check: Some(Duration::MAX),
        };
        all.restore(A, &saved, Duration::MAX, now);
        all.record(A, Evidence::Fault, now);
        let report = all.report(A, false, now);
        assert!((FACTOR_LEAST..=1.0).contains(&report.factor), "{odd}: {report:?}");
        assert!(report.score.is_some_and(|score| score <= 100), "{odd}: {report:?}");
    }
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        any::<u32>().prop_map(|n| Evidence::Answered { first_event: millis(u64::from(n)) }),
        Just(Evidence::Answered { first_event: Duration::MAX }),
        Just(Evidence::Fault),
        Just(Evidence::Throttled),
        Just(Evidence::Unreached),
        (0_u64..5000).prop_map(|n| Evidence::Reached { took: millis(n) }),
        (any::<String>(), 0_u64..5000).prop_map(|(said, n)| Evidence::Checked(Code::new(n).judge(&said, millis(n)))),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_numbers_stay_in_their_ranges(
        steps in prop::collection::vec((0_u64..4_000_000, 0_u64..5000, any_evidence()), 1..100),
    ) {
        let mut now = start();
        let mut all = table();
        for (step, back, evidence) in steps {
            now += millis(step);
            // A thread that is late.
            let at = now.checked_sub(millis(back)).unwrap_or(now);
            all.record(A, evidence, at);
            let report = all.report(A, false, now);
            prop_assert!(report.score.is_none_or(|score| score <= 100));
            prop_assert_eq!(report.class, report.score.map_or(Class::Unknown, Class::of));
            prop_assert!((FACTOR_LEAST..=1.0).contains(&report.factor));
            prop_assert!(report.success_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
        }
        let later = now + secs(86_400);
        prop_assert!(all.factor(A, later) > 0.999);
        prop_assert_eq!(all.report(A, false, later).class, Class::Unknown);
    }

    #[test]
    fn no_answer_without_the_code_is_valid(draw in any::<u64>(), answer in any::<String>()) {
        let code = Code::new(draw);
        let judged = code.judge(&answer, millis(1));
        let holds = answer.to_ascii_uppercase().contains(code.as_str());
        prop_assert!(holds || !judged.answer.is_valid());
        prop_assert!(judged.answer.is_valid() || judged.class() == Class::Unhealthy);
    }
}
