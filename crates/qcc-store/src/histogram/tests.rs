//! Percentiles against those of the sorted durations themselves.

use super::*;

/// A fixed row of numbers without any order, below `limit`.
fn mixed(limit: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(7_u64), |last| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(move |number| (number >> 33) % limit)
}

fn of(durations: impl IntoIterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::new();
    durations.into_iter().for_each(|ms| histogram.add(ms));
    histogram
}

#[test]
fn percentiles_are_off_by_at_most_a_sixty_fourth() {
    for limit in [10, 100, 3_000, 600_000, 1 << 31] {
        let mut all: Vec<u64> = mixed(limit).take(5_000).collect();
        let histogram = of(all.iter().copied());
        all.sort_unstable();
        for percent in [1, 50, 95, 99, 100] {
            let exact = all[(all.len() * percent as usize).div_ceil(100) - 1];
            let told = histogram.percentile(percent);
            assert!(told.abs_diff(exact) <= exact / 64, "p{percent} below {limit}: {told} for {exact}");
        }
    }
}

#[test]
fn short_durations_are_told_exactly() {
    for ms in 0..64 {
        assert_eq!(of([ms]).percentile(50), ms);
    }
}

#[test]
fn nothing_has_no_percentile_and_a_duration_of_years_counts_as_the_longest() {
    assert_eq!(Histogram::new().percentile(50), 0);
    let longest = of([u64::MAX]);
    assert_eq!(longest.total(), 1);
    assert_eq!(longest, of([u64::from(u32::MAX)]));
}

#[test]
fn what_was_written_down_is_found_again_and_added() {
    let (one, other) = (of(mixed(60_000).take(100)), of(mixed(500).take(50)));
    let mut both = Histogram::new();
    both.merge_bytes(&one.to_bytes());
    both.merge_bytes(&other.to_bytes());
    let mut merged = one.clone();
    merged.merge(&other);
    assert_eq!((&both, both.total()), (&merged, 150));
}

#[test]
fn bytes_that_are_none_of_ours_change_nothing() {
    let mut histogram = of([5]);
    histogram.merge_bytes(&[0xff; 6]);
    histogram.merge_bytes(&[0, 0, 1]);
    histogram.merge_bytes(&[]);
    assert_eq!(histogram, of([5]));
}
