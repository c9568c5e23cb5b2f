//! One key's life in virtual time: what opens it, who may probe it, what closes it, which results are too old.

mod exceptions;
mod properties;
mod registry;

use super::*;
use crate::testing::{secs, start};

pub(super) const HALF: u64 = u64::MAX / 2;
const KEY: char = 'a';

pub(super) fn config() -> Config {
    Config {
        failure_threshold: 3,
        window: secs(60),
        error_rate: 0.5,
        min_requests: 10,
        success_threshold: 2,
        half_open_probes: 1,
        open_initial: secs(60),
        multiplier: 2.0,
        open_max: secs(600),
        jitter: 0.0,
        lease: secs(300),
    }
}

/// One breaker, and short ways to tell it what happened.
struct One {
    all: Breakers<char>,
    now: Instant,
}

impl One {
    fn new(config: Config) -> Self {
        Self { all: Breakers::new(config, 8), now: start() }
    }

    fn opened(config: Config) -> Self {
        let mut one = Self::new(config);
        for _ in 0..config.failure_threshold {
            one.fail_now();
        }
        assert!(matches!(one.standing(), Standing::Open { .. }));
        one
    }

    fn half_open(config: Config) -> Self {
        let mut one = Self::opened(config);
        one.pass_time(config.longest());
        assert!(matches!(one.standing(), Standing::HalfOpen { .. }));
        one
    }

    fn pass_time(&mut self, time: Duration) {
        self.now += time;
    }

    fn standing(&self) -> Standing {
        self.all.standing(&KEY, self.now)
    }

    fn admit(&mut self) -> Option<Pass> {
        self.all.admit(&KEY, self.now)
    }

    fn anyway(&mut self) -> Pass {
        self.all.admit_anyway(&KEY, self.now)
    }

    fn succeed(&mut self, pass: Pass) -> Option<Transition> {
        self.all.succeed(&KEY, pass, self.now)
    }

    fn fail(&mut self, pass: Pass) -> Option<Transition> {
        self.all.fail(&KEY, pass, HALF, self.now)
    }

    fn fail_now(&mut self) -> Option<Transition> {
        let pass = self.admit().unwrap();
        self.fail(pass)
    }

    fn succeed_now(&mut self) -> Option<Transition> {
        let pass = self.admit().unwrap();
        self.succeed(pass)
    }

    fn recover(&mut self) {
        while self.standing() != Standing::Closed {
            self.succeed_now();
        }
    }
}

fn opened(cause: Cause, term: u64, trips: u32) -> Option<Transition> {
    Some(Transition::Opened { cause, term: secs(term), trips })
}

fn closed(cause: Return, after: u64) -> Option<Transition> {
    Some(Transition::Closed { cause, after: secs(after) })
}

#[test]
fn failures_in_a_row_open_it_and_a_success_between_them_does_not_let_them_add_up() {
    let mut one = One::new(config());
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.succeed_now(), None);
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.fail_now(), None);
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
    assert_eq!(one.standing(), Standing::Open { until: one.now + secs(60) });
    assert_eq!(one.admit(), None);
}

#[test]
fn failures_in_a_row_may_lie_far_apart() {
    let mut one = One::new(config());
    one.fail_now();
    one.pass_time(secs(120));
    one.fail_now();
    one.pass_time(secs(120));
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn a_share_of_failures_opens_it_once_enough_was_asked() {
    let mut one = One::new(config());
    for _ in 0..4 {
        one.fail_now();
        one.succeed_now();
    }
    one.succeed_now();
    assert_eq!(one.fail_now(), opened(Cause::Share, 60, 1));
}

#[test]
fn the_share_counts_successes_from_before_the_first_failure() {
    let mut one = One::new(config());
    for _ in 0..20 {
        one.succeed_now();
    }
    for _ in 0..10 {
        assert_eq!(one.fail_now(), None);
        assert_eq!(one.succeed_now(), None);
    }
}

#[test]
fn what_left_the_window_has_no_share() {
    let mut one = One::new(config());
    for _ in 0..4 {
        one.fail_now();
        one.succeed_now();
    }
    one.succeed_now();
    one.pass_time(secs(60));
    assert_eq!(one.fail_now(), None);
}

#[test]
fn a_success_that_completes_the_number_of_requests_opens_nothing() {
    let mut one = One::new(Config { failure_threshold: 0, min_requests: 2, ..config() });
    one.fail_now();
    assert_eq!(one.succeed_now(), None);
    assert_eq!(one.standing(), Standing::Closed);
}

#[test]
fn zero_switches_each_rule_off() {
    let share_only = Config { failure_threshold: 0, ..config() };
    let mut one = One::new(share_only);
    assert_eq!((0..9).find_map(|_| one.fail_now()), None);
    assert_eq!(one.fail_now(), opened(Cause::Share, 60, 1));
    for off in [
        Config { window: Duration::ZERO, ..share_only },
        Config { error_rate: 0.0, ..share_only },
        Config { error_rate: f64::NAN, ..share_only },
        Config { min_requests: 0, ..share_only },
        Config { open_initial: Duration::ZERO, ..config() },
    ] {
        let mut one = One::new(off);
        assert_eq!((0..50).find_map(|_| one.fail_now()), None, "{off:?}");
        assert_eq!(one.standing(), Standing::Closed);
    }
}

#[test]
fn an_open_breaker_becomes_half_open_by_itself_and_admits_one_probe() {
    let mut one = One::opened(config());
    one.pass_time(secs(59));
    assert_eq!(one.admit(), None);
    one.pass_time(secs(1));
    assert_eq!(one.standing(), Standing::HalfOpen { free: 1, due: one.now });
    let probe = one.admit().unwrap();
    assert!(probe.is_probe());
    assert_eq!(probe.expires(), Some(one.now + secs(300)));
    assert_eq!(one.standing(), Standing::HalfOpen { free: 0, due: one.now + secs(300) });
    assert_eq!(one.admit(), None);
}

#[test]
fn as_many_probes_as_configured_run_at_once() {
    let mut one = One::half_open(Config { half_open_probes: 3, ..config() });
    let probes: Vec<Pass> = (0..3).map(|_| one.admit().unwrap()).collect();
    assert_eq!(one.admit(), None);
    one.all.release(&KEY, probes[1]);
    assert!(one.admit().is_some());
    assert_eq!(one.admit(), None);
}

#[test]
fn successful_probes_close_it_and_the_open_time_starts_anew() {
    let mut one = One::half_open(config());
    assert_eq!(one.succeed_now(), None);
    one.pass_time(secs(5));
    assert_eq!(one.succeed_now(), closed(Return::Recovered, 605));
    assert_eq!(one.standing(), Standing::Closed);
    one.fail_now();
    one.fail_now();
    assert_eq!(one.fail_now(), opened(Cause::Consecutive, 60, 1));
}

#[test]
fn one_failed_probe_opens_it_again_for_longer_up_to_the_longest() {
    let mut one = One::opened(config());
    let mut terms = Vec::new();
    for trips in 2..8 {
        one.pass_time(secs(600));
        one.succeed_now();
        let Some(Transition::Opened { cause: Cause::Probe, term, trips: told }) = one.fail_now() else {
            panic!("not opened");
        };
        assert_eq!(told, trips);
        terms.push(term.as_secs());
    }
    assert_eq!(terms, [120, 240, 480, 600, 600, 600]);
}

#[test]
fn the_open_time_is_jittered_and_never_longer_than_the_longest() {
    let jittered = Config { jitter: 0.2, ..config() };
    assert_eq!(jittered.term(0, 0), secs(48));
    assert_eq!(jittered.term(0, u64::MAX), secs(72));
    assert!(jittered.term(50, u64::MAX) <= secs(600));
    let short = Config { open_max: secs(1), ..config() };
    assert_eq!(short.term(9, HALF), secs(60), "the first open time is the least of the longest");
}

#[test]
fn a_probe_that_never_reports_frees_its_place() {
    let mut one = One::half_open(config());
    let lost = one.admit().unwrap();
    one.pass_time(secs(299));
    assert_eq!(one.admit(), None);
    one.pass_time(secs(1));
    let second = one.admit().unwrap();
    assert_ne!(lost, second);
    assert_eq!(one.admit(), None);
    one.all.release(&KEY, lost);
    assert_eq!(one.admit(), None, "a lease that expired is nobody's place");
}

#[test]
fn a_lease_has_an_end_even_where_none_is_configured() {
    let mut one = One::half_open(Config { lease: Duration::ZERO, half_open_probes: 0, ..config() });
    assert_eq!(one.admit().unwrap().expires(), Some(one.now + LEASE));
    assert_eq!(one.admit(), None);
}

#[test]
fn a_probe_that_reports_after_its_lease_still_counts() {
    let mut one = One::half_open(config());
    let late = one.admit().unwrap();
    one.pass_time(secs(400));
    one.succeed_now();
    assert_eq!(one.succeed(late), closed(Return::Recovered, 1000));
}

#[test]
fn a_probe_of_an_older_trip_changes_nothing() {
    let mut one = One::half_open(config());
    let old = one.admit().unwrap();
    one.pass_time(secs(300));
    one.fail_now();
    let before = one.standing();
    assert_eq!(one.fail(old), None);
    assert_eq!(one.succeed(old), None);
    assert_eq!(one.standing(), before);
    one.pass_time(secs(120));
    let probe = one.admit().unwrap();
    one.all.release(&KEY, old);
    assert_eq!(one.succeed(old), None);
    assert_eq!(one.admit(), None, "the old lease is not the new one's");
    assert_eq!(one.succeed(probe), None);
    assert_eq!(one.succeed_now(), closed(Return::Recovered, 1020));
}

#[test]
fn results_of_attempts_from_before_the_trip_change_nothing() {
    let mut one = One::new(Config { success_threshold: 1, ..config() });
    let old: Vec<Pass> = (0..20).map(|_| one.admit().unwrap()).collect();
    let news: Vec<_> = old[..10].iter().filter_map(|pass| one.fail(*pass)).collect();
    assert_eq!(news.len(), 1);
    assert_eq!(one.succeed(old[10]), None, "a stream that began before proves nothing");
    one.pass_time(secs(60));
    assert_eq!(one.fail(old[11]), None);
    assert_eq!(one.succeed(old[12]), None);
    assert_eq!(one.standing(), Standing::HalfOpen { free: 1, due: one.now });
    one.recover();
    for pass in &old[13..] {
        assert_eq!(one.fail(*pass), None);
    }
    assert_eq!(one.all.iter(one.now).next().unwrap().1.consecutive, 0);
}

#[test]
fn a_lease_that_is_given_back_is_no_verdict() {
    let mut one = One::half_open(config());
    let probe = one.admit().unwrap();
    one.all.release(&KEY, probe);
    assert_eq!(one.standing(), Standing::HalfOpen { free: 1, due: one.now });
}

#[test]
fn a_result_counts_after_its_lease_was_given_back() {
    let mut one = One::half_open(config());
    let probe = one.admit().unwrap();
    one.all.release(&KEY, probe);
    assert_eq!(one.succeed_now(), None);
    assert_eq!(one.succeed(probe), closed(Return::Recovered, 600));
}
