//! The span, what leaves it when, and clocks that disagree.

use super::*;
use crate::testing::{secs, start};
use proptest::prelude::*;

#[test]
fn what_was_booked_counts_for_the_span_and_at_most_one_bucket_longer() {
    let now = start();
    let mut spent = Sliding::new(1, 60);
    spent.add(5, now);
    spent.add(7, now + Duration::from_millis(1900));
    assert_eq!(spent.sum(now + secs(60)), 12);
    assert_eq!(spent.sum(now + secs(61)), 7);
    assert_eq!(spent.sum(now + secs(62)), 0);
}

#[test]
fn a_long_silence_forgets_everything() {
    let now = start();
    let mut spent = Sliding::new(1, 60);
    spent.add(5, now);
    assert_eq!(spent.sum(now + secs(1_000_000)), 0);
    spent.add(3, now + secs(1_000_000));
    assert_eq!(spent.sum(now + secs(1_000_000)), 3);
}

#[test]
fn years_of_running_change_nothing() {
    let now = start();
    let mut spent = Sliding::new(1, 60);
    spent.add(1, now);
    let late = now + secs(3 * 366 * 86_400);
    spent.add(1, late);
    assert_eq!(spent.full_until(1, 1, late), Some(late + secs(61)));
}

#[test]
fn what_is_taken_back_no_longer_counts_and_only_while_it_did() {
    let now = start();
    let mut spent = Sliding::new(1, 60);
    let stamp = spent.add(10, now);
    spent.take_back(stamp, 4, now + secs(30));
    assert_eq!(spent.sum(now + secs(30)), 6);
    spent.take_back(stamp, 100, now + secs(30));
    assert_eq!(spent.sum(now + secs(30)), 0);
    spent.add(9, now + secs(61));
    spent.take_back(stamp, 9, now + secs(61));
    assert_eq!(spent.sum(now + secs(61)), 9, "the place of the old bucket is in use again");
}

#[test]
fn an_amount_over_the_limit_fits_once_nothing_counts() {
    let now = start();
    let mut spent = Sliding::new(1, 60);
    assert_eq!(spent.full_until(1000, 100, now), None);
    spent.add(1, now);
    assert_eq!(spent.full_until(1000, 100, now), Some(now + secs(61)));
    assert_eq!(spent.full_until(1000, 100, now + secs(61)), None);
}

proptest! {
    #[test]
    fn the_time_at_which_it_fits_is_exact(
        bookings in prop::collection::vec((0_u64..40_000, 0_u32..50), 1..60), amount in 0_u64..120, back in 0_u64..5000,
    ) {
        let mut now = start();
        let mut spent = Sliding::new(1, 60);
        for (step, booked) in bookings {
            now += Duration::from_millis(step);
            spent.add(booked, now);
        }
        // A thread that is late.
        let asked = now.checked_sub(Duration::from_millis(back)).unwrap_or(now);
        if let Some(until) = spent.full_until(amount, 100, asked) {
            prop_assert!(until > now);
            prop_assert!(until <= now + secs(61));
            prop_assert!(spent.clone().full_until(amount, 100, until - Duration::from_nanos(1)).is_some());
            prop_assert_eq!(spent.full_until(amount, 100, until), None);
        }
    }
}
