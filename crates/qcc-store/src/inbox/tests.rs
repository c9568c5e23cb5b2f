//! What needs made-up instants: how many metric rows are worth their cost.

use std::time::{Duration, Instant};

use super::*;

/// How many of so many rows that come at once are taken.
fn taken(state: &mut State, rows: usize, now: Instant) -> usize {
    (0..rows).filter(|_| !state.is_flooded(now)).count()
}

#[test]
fn a_burst_of_metric_rows_is_taken_and_after_it_as_many_as_a_second_is_worth() {
    let (mut state, start) = (State::default(), Instant::now());
    assert_eq!(taken(&mut state, 10_000, start), MOST_METRICS);
    assert_eq!(taken(&mut state, 10_000, start + Duration::from_secs(1)), 1000);
    assert_eq!(taken(&mut state, 10_000, start + Duration::from_hours(1)), MOST_METRICS);
}

#[test]
fn a_clock_that_goes_back_gives_no_room_and_takes_none() {
    let (mut state, start) = (State::default(), Instant::now());
    let later = start + Duration::from_secs(9);
    assert_eq!(taken(&mut state, MOST_METRICS - 1, later), MOST_METRICS - 1);
    assert_eq!(taken(&mut state, 10, start), 1);
    assert_eq!(taken(&mut state, 10, later), 0);
}
