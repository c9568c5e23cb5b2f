//! The shape of the wait, its bounds, and values that make no sense.

use super::*;
use proptest::prelude::*;

const HALF: u64 = u64::MAX / 2;

fn plain() -> Backoff {
    Backoff { initial: Duration::from_millis(100), multiplier: 2.0, max: Duration::from_secs(5), jitter: 0.0 }
}

#[test]
fn the_wait_doubles_up_to_its_maximum() {
    let millis: Vec<u128> = (0..8).map(|nth| plain().delay(nth, HALF).as_millis()).collect();
    assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert_eq!(plain().delay(u32::MAX, HALF), Duration::from_secs(5));
}

#[test]
fn jitter_spreads_the_wait_to_both_sides() {
    let backoff = Backoff { jitter: 0.1, ..plain() };
    assert_eq!(backoff.delay(0, 0).as_millis(), 90);
    assert_eq!(backoff.delay(0, u64::MAX).as_millis(), 110);
}

#[test]
fn the_longest_wait_is_still_spread() {
    let backoff = Backoff { jitter: 0.5, ..plain() };
    let (least, most) = (backoff.delay(50, 0), backoff.delay(50, u64::MAX));
    assert!(most <= backoff.max, "{most:?}");
    assert!(least < most / 2, "{least:?} to {most:?}");
}

#[test]
fn zero_switches_the_wait_off() {
    let off = Backoff { initial: Duration::ZERO, ..plain() };
    assert_eq!(off.delay(5000, u64::MAX), Duration::ZERO);
    let off = Backoff { max: Duration::ZERO, ..plain() };
    assert_eq!(off.delay(3, u64::MAX), Duration::ZERO);
}

proptest! {
    #[test]
    fn no_value_makes_a_wait_longer_than_the_maximum(
        initial in 0..=u64::MAX, max in 0..=u64::MAX, multiplier in any::<f64>(), jitter in any::<f64>(),
        nth in any::<u32>(), draw in any::<u64>(),
    ) {
        let (initial, max) = (Duration::from_nanos(initial), Duration::from_nanos(max));
        let backoff = Backoff { initial, multiplier, max, jitter };
        prop_assert!(backoff.delay(nth, draw) <= max);
    }
}
