//! Many keys: bounds, reload, restart, status.

use super::{HALF, config};
use crate::breaker::{Breakers, Cause, Config, Pass, Return, Saved, Standing, Transition};
use crate::testing::{secs, start};
use std::time::{Duration, Instant};

fn fail(all: &mut Breakers<u32>, key: u32, now: Instant) -> Option<Transition> {
    let pass = all.admit(&key, now).unwrap();
    all.fail(&key, pass, HALF, now)
}

fn open(all: &mut Breakers<u32>, key: u32, now: Instant) {
    let opened = (0..3).find_map(|_| fail(all, key, now));
    assert!(opened.is_some());
}

fn is_open(all: &Breakers<u32>, key: u32, now: Instant) -> bool {
    matches!(all.standing(&key, now), Standing::Open { .. })
}

#[test]
fn keys_do_not_share_anything() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    open(&mut all, 1, now);
    assert!(is_open(&all, 1, now));
    assert_eq!(all.standing(&2, now), Standing::Closed);
    assert_eq!(fail(&mut all, 2, now), None);
}

#[test]
fn looking_and_asking_take_no_memory() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    for key in 0..100 {
        all.standing(&key, now);
        all.admit(&key, now);
        all.admit_anyway(&key, now);
    }
    assert_eq!(all.iter(now).count(), 0);
}

#[test]
fn a_flood_of_keys_is_bounded_and_leaves_what_is_open_and_what_is_used() {
    let mut now = start();
    let mut all = Breakers::new(Config { open_initial: secs(6000), open_max: secs(6000), ..config() }, 64);
    open(&mut all, 1, now);
    for key in 1000..3000 {
        now += Duration::from_millis(1);
        let (used, invented) = (all.admit(&2, now).unwrap(), all.admit(&key, now).unwrap());
        all.succeed(&2, used, now);
        all.fail(&key, invented, HALF, now);
        assert!(all.iter(now).count() <= 64);
    }
    assert!(is_open(&all, 1, now));
    assert!(all.iter(now).any(|(key, _)| *key == 2));
}

#[test]
fn a_flood_of_open_keys_is_bounded_too() {
    let mut now = start();
    let mut all = Breakers::new(config(), 16);
    for key in 0..500 {
        now += Duration::from_millis(1);
        open(&mut all, key, now);
        assert!(all.iter(now).count() <= 16);
    }
    assert!(is_open(&all, 499, now));
    let mut one = Breakers::new(config(), 0);
    open(&mut one, 1, now);
    fail(&mut one, 2, now);
    assert_eq!(one.iter(now).count(), 1);
}

#[test]
fn a_breaker_that_made_room_and_came_back_does_not_take_old_results_for_new_ones() {
    let mut now = start();
    let mut all = Breakers::new(Config { failure_threshold: 1, ..config() }, 1);
    let old: Vec<Pass> = (0..2).map(|_| all.admit(&1, now).unwrap()).collect();
    assert!(all.fail(&1, old[0], HALF, now).is_some());
    now += secs(1);
    fail(&mut all, 2, now);
    assert_eq!(all.standing(&1, now), Standing::Closed, "it made room");
    assert_eq!(all.fail(&1, old[1], HALF, now), None);
    assert!(fail(&mut all, 1, now).is_some());
}

#[test]
fn forgotten_keys_begin_anew_and_results_under_way_do_not_count() {
    let now = start();
    let mut all = Breakers::new(Config { failure_threshold: 1, ..config() }, 8);
    let old = all.admit(&1, now).unwrap();
    fail(&mut all, 1, now);
    fail(&mut all, 2, now);
    assert_eq!(all.forget(|key| *key == 1), 1);
    assert_eq!(all.standing(&1, now), Standing::Closed);
    assert!(is_open(&all, 2, now));
    assert_eq!(all.fail(&1, old, HALF, now), None);
}

#[test]
fn a_reset_of_an_unknown_key_makes_results_under_way_old() {
    let now = start();
    let mut all = Breakers::new(Config { failure_threshold: 1, ..config() }, 8);
    let old = all.admit(&1, now).unwrap();
    assert_eq!(all.reset(&1, now), None);
    assert_eq!(all.fail(&1, old, HALF, now), None);
    assert!(fail(&mut all, 1, now).is_some());
}

#[test]
fn a_new_configuration_applies_to_what_comes_and_leaves_open_times_as_they_are() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    open(&mut all, 1, now);
    fail(&mut all, 2, now);
    let strict = Config { failure_threshold: 2, open_initial: secs(5), half_open_probes: 2, ..config() };
    all.configure(strict);
    assert_eq!(all.standing(&1, now), Standing::Open { until: now + secs(60) });
    assert_eq!(fail(&mut all, 2, now), Some(Transition::Opened { cause: Cause::Consecutive, term: secs(5), trips: 1 }));
    let later = now + secs(60);
    assert_eq!(all.standing(&1, later), Standing::HalfOpen { free: 2, due: later });
    let probes = [all.admit(&1, later).unwrap(), all.admit(&1, later).unwrap()];
    all.configure(Config { half_open_probes: 1, success_threshold: 1, ..strict });
    all.release(&1, probes[0]);
    assert_eq!(all.admit(&1, later), None, "one is still out");
    let closed = Transition::Closed { cause: Return::Recovered, after: secs(60) };
    assert_eq!(all.succeed(&1, probes[1], later), Some(closed));
}

#[test]
fn switched_off_every_breaker_closes() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    open(&mut all, 1, now);
    all.configure(Config { open_initial: Duration::ZERO, ..config() });
    assert_eq!(all.standing(&1, now), Standing::Closed);
    all.restore(1, Saved { open_for: secs(9), term: secs(9), trips: 1 }, now);
    assert_eq!(all.standing(&1, now), Standing::Closed);
}

#[test]
fn a_restart_keeps_what_is_out_and_how_far_it_has_grown() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    open(&mut all, 1, now);
    open(&mut all, 2, now);
    fail(&mut all, 3, now);
    let later = now + secs(60);
    fail(&mut all, 2, later);
    let kept: Vec<(u32, Saved)> = all.export(later).map(|(key, saved)| (*key, saved)).collect();
    let half_open = Saved { open_for: Duration::ZERO, term: secs(60), trips: 1 };
    let grown = Saved { open_for: secs(120), term: secs(120), trips: 2 };
    assert_eq!(kept, [(1, half_open), (2, grown)]);

    let mut after = Breakers::new(config(), 8);
    let old = after.admit(&2, now).unwrap();
    for (key, saved) in kept {
        after.restore(key, saved, later);
    }
    assert_eq!(after.standing(&1, later), Standing::HalfOpen { free: 1, due: later });
    assert_eq!(after.standing(&2, later), Standing::Open { until: later + secs(120) });
    assert_eq!(after.succeed(&2, old, later), None);
    assert!(is_open(&after, 2, later), "an attempt from before proves nothing");
    let due = later + secs(120);
    assert_eq!(fail(&mut after, 2, due), Some(Transition::Opened { cause: Cause::Probe, term: secs(240), trips: 3 }));
}

#[test]
fn absurd_rows_are_bounded_and_do_not_undo_what_is_known() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    let absurd = Saved { open_for: Duration::MAX, term: Duration::MAX, trips: u32::MAX };
    all.restore(1, absurd, now);
    assert_eq!(all.standing(&1, now), Standing::Open { until: now + secs(600) });
    assert!(fail(&mut all, 1, now + secs(600)).is_some());
    assert!(!is_open(&all, 1, now + secs(1200)));
    fail(&mut all, 2, now);
    all.restore(2, absurd, now);
    assert_eq!(all.standing(&2, now), Standing::Closed);
}

#[test]
fn the_next_deadline_is_the_first_moment_at_which_time_alone_helps() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    assert_eq!(all.next_deadline(now), None);
    open(&mut all, 1, now);
    open(&mut all, 2, now + secs(5));
    assert_eq!(all.next_deadline(now), Some(now + secs(60)));
    assert_eq!(all.next_deadline(now + secs(60)), Some(now + secs(65)));
    let late = now + secs(70);
    assert_eq!(all.next_deadline(late), None);
    all.admit(&2, late).unwrap();
    assert_eq!(all.next_deadline(late), Some(late + secs(300)));
}

#[test]
fn the_status_says_what_stands_and_why() {
    let now = start();
    let mut all = Breakers::new(config(), 8);
    let pass = all.admit(&1, now).unwrap();
    all.succeed(&1, pass, now);
    open(&mut all, 1, now);
    let later = now + secs(70);
    fail(&mut all, 1, later);
    let (key, report) = all.iter(later + secs(9)).next().unwrap();
    assert_eq!((*key, report.consecutive, report.trips), (1, 3, 2));
    assert_eq!((report.counts.successes, report.counts.failures), (1, 3));
    assert_eq!(report.out_for, Some(secs(79)));
    assert_eq!(report.standing, Standing::Open { until: later + secs(120) });
    assert_eq!(report.standing.due(), Some(later + secs(120)));
    assert!(!report.standing.is_admissible());
}
