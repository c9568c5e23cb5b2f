//! What does not go by the rule: attempts made anyway, refunds, resets, the ramp, a clock that goes back.

use super::{KEY, One, closed, config, opened};
use crate::breaker::{Cause, Config, Pass, RAMP_LEAST, Return, Standing, Transition};
use crate::testing::{secs, start};
use std::time::Instant;

#[test]
fn an_attempt_that_is_made_anyway_counts_as_a_probe() {
    let mut one = One::opened(config());
    assert!(one.anyway().is_probe());
    assert!(!one.anyway().is_probe(), "one probes already, but nobody is refused");
    one.pass_time(secs(60));
    assert_eq!(one.admit(), None);
    assert_eq!(one.standing(), Standing::HalfOpen { free: 0, due: one.now + secs(240) });
}

#[test]
fn an_attempt_made_anyway_that_ends_well_ends_the_open_time() {
    let mut one = One::opened(config());
    one.pass_time(secs(10));
    let pass = one.anyway();
    assert_eq!(one.succeed(pass), Some(Transition::HalfOpened));
    assert_eq!(one.standing(), Standing::HalfOpen { free: 1, due: one.now });
    assert_eq!(one.succeed_now(), closed(Return::Recovered, 10));
}

#[test]
fn attempts_made_anyway_that_fail_do_not_push_the_return_away() {
    let mut one = One::opened(config());
    let before = one.standing();
    for _ in 0..10 {
        one.pass_time(secs(1));
        let pass = one.anyway();
        assert_eq!(one.fail(pass), None);
    }
    assert_eq!(one.standing(), before);
    let late = [one.anyway(), one.anyway()];
    one.pass_time(secs(60));
    assert_eq!(one.fail(late[0]), opened(Cause::Probe, 120, 2));
    assert_eq!(one.fail(late[1]), None, "the open time grows once for what failed together");
}

#[test]
fn a_closed_breaker_admits_anyway_without_a_lease() {
    let mut one = One::new(config());
    assert!(!one.anyway().is_probe());
    one.fail_now();
    assert!(!one.anyway().is_probe());
}

#[test]
fn a_refund_takes_back_one_failure() {
    let mut one = One::new(config());
    let pass = one.admit().unwrap();
    one.fail(pass);
    let charged_at = one.now;
    one.fail_now();
    one.pass_time(secs(1));
    assert_eq!(one.all.refund(&KEY, pass, charged_at, one.now), None);
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn a_refund_from_before_the_last_success_does_not_touch_the_failures_since() {
    let mut one = One::new(config());
    let pass = one.admit().unwrap();
    one.fail(pass);
    let charged_at = one.now;
    one.pass_time(secs(1));
    one.succeed_now();
    one.fail_now();
    one.fail_now();
    one.all.refund(&KEY, pass, charged_at, one.now);
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn bad_requests_of_one_client_that_opened_it_are_undone_by_their_refunds() {
    let mut one = One::new(config());
    let charges: Vec<(Pass, Instant)> = (0..3)
        .map(|_| {
            one.pass_time(secs(1));
            let pass = one.admit().unwrap();
            one.fail(pass);
            (pass, one.now)
        })
        .collect();
    let running = one.anyway();
    one.pass_time(secs(2));
    let refunds: Vec<_> = charges.iter().map(|(pass, at)| one.all.refund(&KEY, *pass, *at, one.now)).collect();
    assert_eq!(refunds, [closed(Return::Refunded, 2), None, None]);
    assert_eq!(one.all.iter(one.now).next().unwrap().1.counts.total(), 0);
    assert_eq!(one.all.share(&KEY, one.now).to_bits(), 1.0_f64.to_bits(), "it was never away, so there is no ramp");
    assert_eq!(one.fail(running), None);
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn a_refund_closes_nothing_while_others_failures_break_a_rule() {
    let mut one = One::new(Config { failure_threshold: 0, ..config() });
    for _ in 0..40 {
        one.succeed_now();
    }
    one.pass_time(secs(30));
    for _ in 0..12 {
        assert_eq!(one.fail_now(), None);
    }
    one.pass_time(secs(35));
    let pass = one.admit().unwrap();
    assert_eq!(one.fail(pass), opened(Cause::Share, 60, 1), "the successes are too old by now");
    assert_eq!(one.all.refund(&KEY, pass, one.now, one.now), None);
    assert!(matches!(one.standing(), Standing::Open { .. }), "twelve of twelve are left");
}

#[test]
fn the_refund_of_a_failed_probe_makes_it_half_open_again() {
    let mut one = One::half_open(config());
    let probe = one.admit().unwrap();
    one.fail(probe);
    let charged_at = one.now;
    one.pass_time(secs(1));
    assert_eq!(one.all.refund(&KEY, probe, charged_at, one.now), Some(Transition::HalfOpened));
    assert_eq!(one.standing(), Standing::HalfOpen { free: 1, due: one.now });
    assert_eq!(one.all.refund(&KEY, probe, charged_at, one.now), None);
    assert_eq!(one.fail_now(), opened(Cause::Probe, 120, 2), "the refunded trip left no growth behind");
}

#[test]
fn only_the_failure_that_opened_it_again_is_refunded_to_half_open() {
    let mut one = One::half_open(Config { half_open_probes: 2, ..config() });
    let probes = [one.admit().unwrap(), one.admit().unwrap()];
    one.fail(probes[0]);
    one.pass_time(secs(1));
    one.fail(probes[1]);
    assert_eq!(one.all.refund(&KEY, probes[1], one.now, one.now), None);
    assert!(matches!(one.standing(), Standing::Open { .. }));
}

#[test]
fn refunds_of_failures_that_had_no_part_in_it_do_not_close_it() {
    let mut one = One::new(config());
    let old = one.admit().unwrap();
    one.all.reset(&KEY, one.now);
    for _ in 0..3 {
        one.fail_now();
    }
    one.fail(old);
    let forced = one.anyway();
    one.fail(forced);
    for pass in [old, forced] {
        assert_eq!(one.all.refund(&KEY, pass, one.now, one.now), None);
    }
    assert!(matches!(one.standing(), Standing::Open { .. }));
}

#[test]
fn a_refund_of_what_never_counted_takes_nothing() {
    let mut one = One::new(config());
    let old = one.admit().unwrap();
    one.all.reset(&KEY, one.now);
    one.fail(old);
    one.fail_now();
    one.fail_now();
    one.all.refund(&KEY, old, one.now, one.now);
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn a_reset_closes_at_once_and_forgets_what_is_under_way() {
    let mut one = One::opened(config());
    let forced = one.anyway();
    one.pass_time(secs(7));
    assert_eq!(one.all.reset(&KEY, one.now), closed(Return::Reset, 7));
    assert_eq!(one.standing(), Standing::Closed);
    assert_eq!(one.all.share(&KEY, one.now).to_bits(), 1.0_f64.to_bits());
    assert_eq!(one.fail(forced), None);
    one.fail_now();
    one.fail_now();
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
    assert_eq!(One::new(config()).all.reset(&KEY, start()), None);
}

#[test]
fn after_a_recovery_the_share_grows_to_all() {
    let mut one = One::half_open(config());
    one.recover();
    let share = |after: u64| one.all.share(&KEY, one.now + secs(after));
    assert!((share(0) - RAMP_LEAST).abs() < 1e-9);
    assert!((share(30) - 0.55).abs() < 1e-9);
    assert!((share(60) - 1.0).abs() < 1e-9);
    assert!((share(6000) - 1.0).abs() < 1e-9);
}

#[test]
fn a_ramp_is_as_long_as_the_last_open_time_at_most_a_minute() {
    let mut brief = One::half_open(Config { open_initial: secs(10), open_max: secs(10), ..config() });
    brief.recover();
    assert!((brief.all.share(&KEY, brief.now + secs(10)) - 1.0).abs() < 1e-9);
    let mut long = One::half_open(config());
    long.fail_now();
    long.pass_time(secs(120));
    long.recover();
    assert!(long.all.share(&KEY, long.now + secs(59)) < 1.0);
    assert!((long.all.share(&KEY, long.now + secs(60)) - 1.0).abs() < 1e-9);
}

#[test]
fn new_sessions_go_where_a_lease_is_free_and_not_where_nothing_passes() {
    let mut one = One::opened(config());
    let share = |one: &One| one.all.share(&KEY, one.now).to_bits();
    assert_eq!(share(&one), 0.0_f64.to_bits());
    one.pass_time(secs(60));
    assert_eq!(share(&one), 1.0_f64.to_bits());
    one.admit().unwrap();
    assert_eq!(share(&one), 0.0_f64.to_bits());
}

#[test]
fn a_clock_that_goes_back_is_harmless() {
    let mut one = One::opened(config());
    one.pass_time(secs(60));
    let probe = one.admit().unwrap();
    one.now -= secs(1);
    assert!(matches!(one.standing(), Standing::HalfOpen { free: 0, .. }));
    assert_eq!(one.fail(probe), opened(Cause::Probe, 120, 2));
    assert_eq!(one.standing(), Standing::Open { until: one.now + secs(121) });
    one.now -= secs(100);
    assert_eq!(one.admit(), None);
}
