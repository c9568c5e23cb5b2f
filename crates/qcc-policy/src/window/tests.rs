//! What counts, for how long, and instants that come out of order.

use super::*;
use crate::testing::{secs, start};
use proptest::prelude::*;

const SPAN: Duration = secs(60);

fn counts(successes: u32, failures: u32) -> Counts {
    Counts { successes, failures }
}

#[test]
fn successes_and_failures_count_for_nine_tenths_of_the_span_and_never_longer_than_it() {
    let now = start();
    let mut window = Window::new(SPAN);
    window.succeed(now);
    window.fail(now + secs(5));
    assert_eq!(window.counts(now + secs(59)), counts(1, 1));
    assert_eq!(window.counts(now + secs(60)), counts(0, 0));
    window.fail(now + secs(61));
    assert_eq!(window.counts(now + secs(61)), counts(0, 1));
}

#[test]
fn a_slot_that_is_used_again_begins_empty() {
    let now = start();
    let mut window = Window::new(SPAN);
    for second in 0..600 {
        window.fail(now + secs(second));
        let total = window.counts(now + secs(second)).total();
        assert!(second < 60 || (55..=60).contains(&total), "{total} at {second}");
    }
    window.succeed(now + secs(100_000));
    assert_eq!(window.counts(now + secs(100_000)), counts(1, 0));
}

#[test]
fn an_older_instant_counts_as_the_newest() {
    let now = start();
    let mut window = Window::new(SPAN);
    window.fail(now + secs(100));
    window.fail(now);
    assert_eq!(window.counts(now), counts(0, 2));
    assert_eq!(window.counts(now + secs(159)), counts(0, 2));
}

#[test]
fn a_refund_takes_back_one_failure_of_its_time() {
    let now = start();
    let mut window = Window::new(SPAN);
    window.fail(now);
    window.fail(now + secs(30));
    assert!(window.refund(now));
    assert_eq!(window.counts(now + secs(80)), counts(0, 1));
    assert!(window.refund(now + secs(30)));
    assert!(!window.refund(now + secs(30)), "nothing is left to take back");
    assert_eq!(window.counts(now + secs(30)), counts(0, 0));
}

#[test]
fn a_refund_of_what_counts_no_more_takes_nothing() {
    let now = start();
    let mut window = Window::new(SPAN);
    assert!(!window.refund(now), "nothing was ever counted");
    window.fail(now);
    window.fail(now + secs(60));
    assert!(!window.refund(now));
    window.clear();
    window.fail(now + secs(70));
    assert!(!window.refund(now + secs(60)), "that one was counted before the window was cleared");
    assert_eq!(window.counts(now + secs(70)), counts(0, 1));
}

#[test]
fn a_span_of_zero_counts_nothing() {
    let now = start();
    let mut window = Window::new(Duration::ZERO);
    window.fail(now);
    window.succeed(now);
    assert_eq!(window.counts(now), counts(0, 0));
    assert!(!window.refund(now));
}

#[test]
fn absurd_spans_are_harmless() {
    let now = start();
    for span in [Duration::MAX, Duration::from_nanos(1)] {
        let mut window = Window::new(span);
        window.fail(now);
        assert_eq!(window.counts(now), counts(0, 1), "{span:?}");
        window.fail(now + LONGEST);
        assert_eq!(window.counts(now + LONGEST).failures, 1, "{span:?}");
    }
}

#[test]
fn only_another_span_begins_anew() {
    let now = start();
    let mut window = Window::new(SPAN);
    window.fail(now);
    window.configure(SPAN);
    assert_eq!(window.counts(now), counts(0, 1));
    window.configure(secs(30));
    assert_eq!(window.counts(now), counts(0, 0));
    window.fail(now);
    assert_eq!(window.counts(now + secs(29)), counts(0, 1));
    assert_eq!(window.counts(now + secs(30)), counts(0, 0));
}

proptest! {
    #[test]
    fn counts_lie_between_those_of_nine_tenths_of_the_span_and_of_the_whole(
        steps in prop::collection::vec((0_u64..20_000, any::<bool>()), 0..200), rest in 0_u64..70_000,
    ) {
        let mut window = Window::new(SPAN);
        let mut now = start();
        let mut events = Vec::new();
        for (millis, failed) in steps {
            now += Duration::from_millis(millis);
            if failed { window.fail(now) } else { window.succeed(now) }
            events.push((now, failed));
        }
        now += Duration::from_millis(rest);
        let within = |span: Duration, kind: bool| {
            let recent = events.iter().filter(|(at, failed)| *failed == kind && now.duration_since(*at) < span);
            u32::try_from(recent.count()).unwrap()
        };
        let counts = window.counts(now);
        let least = SPAN * 9 / 10;
        prop_assert!((within(least, true)..=within(SPAN, true)).contains(&counts.failures));
        prop_assert!((within(least, false)..=within(SPAN, false)).contains(&counts.successes));
    }
}
