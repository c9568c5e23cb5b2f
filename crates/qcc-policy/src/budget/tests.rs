//! The share, the floor, the window, and clocks that disagree.

use super::*;
use crate::testing::{secs, start};

fn granted(budget: &mut RetryBudget, asked: u32, now: Instant) -> usize {
    (0..asked).filter(|_| budget.try_repeat(now)).count()
}

#[test]
fn repeats_are_a_share_of_the_requests() {
    let now = start();
    let mut budget = RetryBudget::new(0.2, 0);
    assert_eq!(granted(&mut budget, 5, now), 0);
    for _ in 0..100 {
        budget.request(now);
    }
    assert_eq!(granted(&mut budget, 100, now), 20);
}

#[test]
fn the_floor_holds_in_every_second_without_any_traffic() {
    let now = start();
    let mut budget = RetryBudget::new(0.0, 3);
    for second in 0..30 {
        assert_eq!(granted(&mut budget, 10, now + secs(second)), 3, "second {second}");
    }
}

#[test]
fn the_floor_does_not_add_to_the_share() {
    let now = start();
    let mut budget = RetryBudget::new(0.2, 10);
    for _ in 0..100 {
        budget.request(now);
    }
    assert_eq!(granted(&mut budget, 100, now), 20);
}

#[test]
fn requests_count_for_ten_seconds() {
    let now = start();
    let mut budget = RetryBudget::new(0.5, 0);
    for _ in 0..10 {
        budget.request(now);
    }
    assert_eq!(granted(&mut budget, 2, now + secs(9)), 2);
    assert_eq!(granted(&mut budget, 10, now + secs(10)), 0);
    let mut idle = RetryBudget::new(0.5, 0);
    idle.request(now);
    idle.request(now);
    assert_eq!(granted(&mut idle, 10, now + secs(15)), 0);
}

#[test]
fn repeats_count_for_ten_seconds_too() {
    let now = start();
    let mut budget = RetryBudget::new(1.0, 0);
    budget.request(now + secs(5));
    assert!(budget.try_repeat(now + secs(5)));
    assert!(!budget.try_repeat(now + secs(14)));
    budget.request(now + secs(15));
    assert!(budget.try_repeat(now + secs(15)));
}

#[test]
fn an_older_instant_counts_as_the_newest_second() {
    let now = start();
    let mut budget = RetryBudget::new(0.0, 1);
    budget.request(now);
    assert!(budget.try_repeat(now + secs(100)));
    assert!(!budget.try_repeat(now), "an old clock must not open a new second");
}

#[test]
fn nothing_is_allowed_where_both_are_zero_or_nonsense() {
    let now = start();
    for ratio in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        let mut budget = RetryBudget::new(ratio, 0);
        budget.request(now);
        assert!(!budget.try_repeat(now), "{ratio}");
    }
}

#[test]
fn new_limits_keep_what_was_counted() {
    let now = start();
    let mut budget = RetryBudget::new(0.0, 1);
    assert!(budget.try_repeat(now));
    budget.configure(0.0, 2);
    assert_eq!(granted(&mut budget, 5, now), 1);
}
