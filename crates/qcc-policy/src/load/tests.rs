//! One provider's figures over a life of good and bad attempts, and what keeps a fast failure from looking fast.

use super::*;
use crate::testing::{secs, start};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
}

/// An attempt that ends well, its first event after so many milliseconds.
fn answer(loads: &mut Loads, millis: u64, now: Instant) -> Instant {
    let mut running = loads.begin(A, now);
    let now = now + Duration::from_millis(millis);
    loads.first_event(&mut running, now);
    loads.end(running, Ended::Well, now);
    now
}

/// An attempt that fails before its first event.
fn failure(loads: &mut Loads, millis: u64, now: Instant) -> Instant {
    let running = loads.begin(A, now);
    let now = now + Duration::from_millis(millis);
    loads.end(running, Ended::Failed, now);
    now
}

#[test]
fn an_attempt_is_in_flight_until_it_ends_however_it_ends() {
    let now = start();
    let mut loads = Loads::new();
    assert_eq!(loads.load(A, now), Load::UNKNOWN);
    let mut running: Vec<Running> = (0..3).map(|_| loads.begin(A, now)).collect();
    assert_eq!(loads.load(A, now).in_flight, 3);
    loads.first_event(&mut running[0], now + secs(1));
    assert_eq!(loads.load(A, now + secs(1)).in_flight, 3, "a stream goes on after its first event");
    for (left, how) in [(2, Ended::Well), (1, Ended::Failed), (0, Ended::Left)] {
        loads.end(running.pop().unwrap(), how, now + secs(2));
        assert_eq!(loads.load(A, now + secs(2)).in_flight, left);
    }
    assert_eq!(loads.load(B, now), Load::UNKNOWN);
}

#[test]
fn a_slower_answer_counts_at_once_and_a_faster_one_little_by_little() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 1000, start());
    near(loads.load(A, now).latency, 1.0);
    let now = answer(&mut loads, 4000, now);
    near(loads.load(A, now).latency, 4.0);
    let later = answer(&mut loads, 500, now);
    let old = (-0.5_f64 / 10.0).exp();
    near(loads.load(A, later).latency, 4.0 * old + 0.5 * (1.0 - old));
}

#[test]
fn ten_fast_answers_at_the_same_moment_count_no_more_than_one() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 4000, start());
    let mut running: Vec<Running> = (0..10).map(|_| loads.begin(A, now)).collect();
    let now = now + secs(1);
    loads.first_event(&mut running[0], now);
    let after_one = loads.load(A, now).latency;
    for running in &mut running {
        loads.first_event(running, now);
    }
    near(loads.load(A, now).latency, after_one);
    running.into_iter().for_each(|running| loads.end(running, Ended::Well, now));
}

#[test]
fn only_the_first_event_is_the_first() {
    let now = start();
    let mut loads = Loads::new();
    let mut running = loads.begin(A, now);
    loads.first_event(&mut running, now + secs(1));
    loads.first_event(&mut running, now + secs(9));
    near(loads.load(A, now + secs(9)).latency, 0.1 + 0.9 * (-8.0_f64 / 300.0).exp());
    loads.end(running, Ended::Well, now + secs(9));
}

#[test]
fn an_idle_provider_fades_towards_optimism_and_never_below() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 4000, start());
    near(loads.load(A, now + FADE).latency, 0.1 + 3.9 * (-1.0_f64).exp());
    near(loads.load(A, now + secs(86_400)).latency, 0.1);
    let mut fast = Loads::new();
    let now = answer(&mut fast, 20, start());
    near(fast.load(A, now + FADE).latency, 0.02);
}

#[test]
fn a_provider_that_hangs_does_not_become_attractive_by_hanging() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 4000, start());
    let hanging = loads.begin(A, now);
    near(loads.load(A, now + secs(100)).latency, 4.0);
    loads.end(hanging, Ended::Left, now + secs(100));
    near(loads.load(A, now + secs(100)).latency, 100.0);
}

#[test]
fn a_client_that_leaves_early_says_nothing_about_the_provider() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 4000, start());
    let before = loads.load(A, now);
    let running = loads.begin(A, now);
    loads.end(running, Ended::Left, now + secs(1));
    assert_eq!(loads.load(A, now + secs(1)), before);
    let mut running = loads.begin(A, now + secs(1));
    loads.first_event(&mut running, now + secs(2));
    let before = loads.load(A, now + secs(2)).latency;
    loads.end(running, Ended::Left, now + secs(2));
    near(loads.load(A, now + secs(2)).latency, before);
}

#[test]
fn a_long_stream_is_not_a_slow_one() {
    let now = start();
    let mut loads = Loads::new();
    let mut running = loads.begin(A, now);
    loads.first_event(&mut running, now + secs(2));
    loads.end(running, Ended::Failed, now + secs(600));
    near(loads.load(A, now + secs(600)).latency, 30.0);
}

#[test]
fn a_whole_answer_is_no_sample_of_the_first_event() {
    let now = start();
    let mut loads = Loads::new();
    let running = loads.begin(A, now);
    loads.end(running, Ended::Well, now + secs(50));
    assert_eq!(loads.load(A, now + secs(50)), Load::UNKNOWN);
}

#[test]
fn a_fast_failure_makes_a_provider_slower_than_any_usual_answer() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 1000, start());
    let now = failure(&mut loads, 5, now);
    near(loads.load(A, now).latency, 30.0);
    near(loads.load(A, now).debt, 1.0);
    let mut slow = Loads::new();
    let now = failure(&mut slow, 120_000, start());
    near(slow.load(A, now).latency, 120.0);
    let now = failure(&mut slow, 5, now);
    near(slow.load(A, now).latency, 0.1 + 119.9 * 1.0);
}

#[test]
fn debt_doubles_with_failures_halves_with_answers_and_fades() {
    let now = start();
    let mut loads = Loads::new();
    for expected in [1.0, 3.0, 7.0] {
        failure(&mut loads, 0, now);
        near(loads.load(A, now).debt, expected);
    }
    answer(&mut loads, 0, now);
    near(loads.load(A, now).debt, 3.5);
    near(loads.load(A, now + FADE).debt, 3.5 * (-1.0_f64).exp());
    assert!(loads.load(A, now + secs(7200)).debt <= 0.0, "two idle providers are equals in the end");
    for _ in 0..100 {
        failure(&mut loads, 0, now);
    }
    near(loads.load(A, now).debt, MOST_DEBT);
}

#[test]
fn requests_that_hang_together_fail_once() {
    let now = start();
    let mut loads = Loads::new();
    let hanging: Vec<Running> = (0..10).map(|_| loads.begin(A, now)).collect();
    hanging.into_iter().for_each(|running| loads.end(running, Ended::Failed, now + secs(120)));
    near(loads.load(A, now + secs(120)).debt, 10.0);
}

#[test]
fn a_refund_takes_back_one_failure() {
    let mut loads = Loads::new();
    let now = answer(&mut loads, 1000, start());
    let before = loads.load(A, now);
    failure(&mut loads, 0, now);
    failure(&mut loads, 0, now);
    loads.refund(A, now);
    near(loads.load(A, now).debt, 1.0);
    near(loads.load(A, now).latency, 30.0);
    loads.refund(A, now);
    assert_eq!(loads.load(A, now), before);
    loads.refund(A, now);
    loads.refund(B, now);
    assert_eq!(loads.load(A, now), before);
    assert_eq!(loads.load(B, now), Load::UNKNOWN);
}

#[test]
fn to_enable_a_provider_clears_its_past_and_not_what_runs() {
    let mut loads = Loads::new();
    let now = failure(&mut loads, 5, start());
    let running = loads.begin(A, now);
    loads.clear(A, now);
    assert_eq!(loads.load(A, now), Load { in_flight: 1, ..Load::UNKNOWN });
    loads.end(running, Ended::Well, now);
    assert_eq!(loads.load(A, now), Load::UNKNOWN);
}

#[test]
fn a_provider_that_is_gone_is_dropped_once_nothing_runs_on_it() {
    let now = start();
    let mut loads = Loads::new();
    failure(&mut loads, 5, now);
    let running = loads.begin(A, now);
    loads.retain(|provider| provider == B);
    assert_eq!(loads.load(A, now).in_flight, 1);
    loads.end(running, Ended::Well, now);
    loads.retain(|provider| provider == B);
    assert_eq!(loads.load(A, now), Load::UNKNOWN);
}

#[test]
fn a_restart_keeps_what_was_learned_and_the_time_that_passed_counts() {
    let mut loads = Loads::new();
    let now = failure(&mut loads, 5, start());
    let running = loads.begin(B, now);
    let saved: Vec<_> = loads.export(now).collect();
    assert_eq!(saved[1], (B, Remembered { latency: None, debt: 0.0 }));
    let mut restored = Loads::new();
    for (provider, remembered) in saved {
        restored.restore(provider, remembered, FADE, now);
    }
    let known = loads.load(A, now + FADE);
    near(restored.load(A, now).latency, known.latency);
    near(restored.load(A, now).debt, known.debt);
    assert_eq!(restored.load(B, now), Load::UNKNOWN, "what ran before the restart does not run any more");
    restored.restore(A, Remembered { latency: Some(1.0), debt: 0.0 }, secs(0), now);
    near(restored.load(A, now).latency, known.latency);
    loads.end(running, Ended::Left, now);
}

#[test]
fn figures_of_a_damaged_database_do_no_harm() {
    let now = start();
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 0.0];
    for (number, (latency, debt)) in odd.iter().flat_map(|one| odd.iter().map(move |two| (*one, *two))).enumerate() {
        let provider = ProviderId(number as u32);
        let mut loads = Loads::new();
        loads.restore(provider, Remembered { latency: Some(latency), debt }, secs(1), now);
        for later in [0, 1, 1_000_000] {
            let load = loads.load(provider, now + secs(later));
            assert!((0.0..=3600.0).contains(&load.latency), "{latency}: {load:?}");
            assert!((0.0..=MOST_DEBT).contains(&load.debt), "{debt}: {load:?}");
        }
    }
}

#[test]
fn instants_slightly_out_of_order_are_harmless() {
    let now = start() + secs(100);
    let mut loads = Loads::new();
    let mut running = loads.begin(A, now);
    loads.first_event(&mut running, now - secs(1));
    near(loads.load(A, now - secs(50)).latency, 0.0);
    loads.end(running, Ended::Failed, now - secs(2));
    near(loads.load(A, now - secs(50)).latency, 30.0);
    near(loads.load(A, now - secs(50)).debt, 1.0);
}
