//! Own limits in every sliding minute, announced ones per lane, and a memory that clients cannot fill.

use super::*;
use crate::testing::{secs, start};
use proptest::prelude::*;

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const LANE: u64 = 7;

fn limiters(caps: Caps) -> Limiters {
    let mut all = Limiters::new();
    all.configure(A, caps);
    all
}

fn rpm(rpm: u32) -> Caps {
    Caps { rpm, ..Caps::default() }
}

fn tpm(tpm: u32) -> Caps {
    Caps { tpm, ..Caps::default() }
}

fn concurrency(concurrency: u32) -> Caps {
    Caps { concurrency, ..Caps::default() }
}

fn counter(limit: u64, remaining: u64, reset: Duration) -> Counter {
    Counter { limit: Some(limit), remaining, reset }
}

fn requests_left(limit: u64, remaining: u64, reset: u64) -> Announced {
    Announced { requests: Some(counter(limit, remaining, secs(reset))), ..Announced::default() }
}

fn window(rejected: bool, overage: bool, reset: Option<Duration>) -> Announced {
    Announced { unified: Some(Unified { rejected, overage, reset }), ..Announced::default() }
}

fn out(until: Instant, bound: Bound) -> Room {
    Room::Out { until, bound }
}

#[test]
fn without_limits_there_is_always_room() {
    let now = start();
    let mut all = limiters(Caps::default());
    for _ in 0..1000 {
        assert_eq!(all.admit(A, LANE, u64::MAX, now), Room::Free);
        let _running = all.begin(A, LANE, u64::MAX, now);
    }
}

#[test]
fn a_provider_that_was_never_configured_has_no_limit() {
    let now = start();
    let mut all = Limiters::new();
    let permit = all.begin(B, LANE, 10, now);
    assert_eq!(all.admit(B, LANE, 10, now), Room::Free);
    all.end(permit, None, now);
    assert_eq!(all.usage(B, now).map(|usage| usage.in_flight), Some(0));
}

#[test]
fn requests_over_the_limit_wait_until_the_oldest_is_a_minute_old() {
    let now = start();
    let mut all = limiters(rpm(2));
    for at in [0, 10] {
        assert_eq!(all.admit(A, LANE, 0, now + secs(at)), Room::Free);
        let _running = all.begin(A, LANE, 0, now + secs(at));
    }
    assert_eq!(all.admit(A, LANE, 0, now + secs(20)), out(now + secs(61), Bound::Requests));
    assert_eq!(all.admit(B, LANE, 0, now + secs(20)), Room::Free);
    assert_eq!(all.admit(A, LANE, 0, now + secs(61)), Room::Free);
}

#[test]
fn no_burst_at_the_turn_of_a_minute_doubles_the_limit() {
    let now = start();
    let mut all = limiters(rpm(10));
    let mut begun: Vec<u64> = Vec::new();
    for tenth in 0..6000_u64 {
        let at = now + Duration::from_millis(tenth * 100);
        if all.admit(A, LANE, 0, at) == Room::Free {
            let _running = all.begin(A, LANE, 0, at);
            begun.push(tenth);
        }
    }
    assert!(begun.windows(11).all(|of| of[10] - of[0] > 600), "{begun:?}");
    assert!(begun.len() >= 98, "nearly the whole limit can be used: {}", begun.len());
}

#[test]
fn an_attempt_that_is_made_anyway_counts_too() {
    let now = start();
    let mut all = limiters(rpm(1));
    let _first = all.begin(A, LANE, 0, now);
    let _anyway = all.begin(A, LANE, 0, now + secs(30));
    assert_eq!(all.admit(A, LANE, 0, now + secs(61)), out(now + secs(91), Bound::Requests));
}

#[test]
fn tokens_that_were_not_used_are_free_again() {
    let now = start();
    let mut all = limiters(tpm(1000));
    let permit = all.begin(A, LANE, 900, now);
    assert_eq!(all.admit(A, LANE, 200, now), out(now + secs(61), Bound::Tokens));
    all.end(permit, Some(100), now + secs(5));
    assert_eq!(all.admit(A, LANE, 900, now + secs(5)), Room::Free);
    assert_eq!(all.usage(A, now + secs(5)).map(|usage| usage.tokens), Some(100));
}

#[test]
fn tokens_beyond_the_estimate_count_from_when_they_are_known() {
    let now = start();
    let mut all = limiters(tpm(1000));
    let permit = all.begin(A, LANE, 100, now);
    all.end(permit, Some(1000), now + secs(50));
    assert_eq!(all.admit(A, LANE, 200, now + secs(70)), out(now + secs(111), Bound::Tokens));
    assert_eq!(all.admit(A, LANE, 100, now + secs(70)), Room::Free);
}

#[test]
fn an_estimate_stands_where_the_cost_stays_unknown() {
    let now = start();
    let mut all = limiters(tpm(1000));
    let permit = all.begin(A, LANE, 600, now);
    all.end(permit, None, now + secs(1));
    assert_eq!(all.usage(A, now + secs(1)).map(|usage| usage.tokens), Some(600));
}

#[test]
fn a_request_larger_than_the_limit_goes_alone_instead_of_never() {
    let now = start();
    let mut all = limiters(tpm(1000));
    let permit = all.begin(A, LANE, 1, now);
    all.end(permit, None, now);
    assert_eq!(all.admit(A, LANE, 5000, now + secs(1)), out(now + secs(61), Bound::Tokens));
    assert_eq!(all.admit(A, LANE, 5000, now + secs(61)), Room::Free);
}

#[test]
fn absurd_token_counts_neither_overflow_nor_block_for_longer_than_a_minute() {
    let now = start();
    let mut all = limiters(Caps { rpm: u32::MAX, tpm: u32::MAX, concurrency: u32::MAX });
    for _ in 0..100 {
        let permit = all.begin(A, LANE, u64::MAX, now);
        all.end(permit, Some(u64::MAX), now);
        let permit = all.begin(A, LANE, 0, now);
        all.end(permit, Some(u64::MAX), now);
    }
    assert_eq!(all.admit(A, LANE, u64::MAX, now), out(now + secs(61), Bound::Tokens));
    assert_eq!(all.admit(A, LANE, u64::MAX, now + secs(61)), Room::Free);
}

#[test]
fn only_so_many_run_at_once() {
    let now = start();
    let mut all = limiters(concurrency(2));
    let first = all.begin(A, LANE, 0, now);
    let _second = all.begin(A, LANE, 0, now);
    assert_eq!(all.admit(A, LANE, 0, now), out(now + BUSY_LOOK, Bound::Concurrency));
    all.end(first, Some(0), now);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free);
}

#[test]
fn the_limit_that_holds_longest_is_told() {
    let now = start();
    let mut all = limiters(Caps { rpm: 1, tpm: 0, concurrency: 1 });
    let permit = all.begin(A, LANE, 0, now);
    assert_eq!(all.admit(A, LANE, 0, now), out(now + secs(61), Bound::Requests));
    all.end(permit, None, now);
    let _ = all.observe(A, LANE, &requests_left(50, 0, 600), now);
    assert_eq!(all.admit(A, LANE, 0, now), out(now + secs(600), Bound::Announced));
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let now = start();
    let mut all = limiters(Caps { rpm: 5, tpm: 100, concurrency: 0 });
    let permit = all.begin(A, LANE, 80, now);
    all.configure(A, Caps::default());
    assert_eq!(all.admit(A, LANE, 80, now), Room::Free);
    all.configure(A, Caps { rpm: 1, tpm: 100, concurrency: 1 });
    assert_eq!(all.admit(A, LANE, 0, now), out(now + secs(61), Bound::Requests));
    all.configure(A, Caps { rpm: 0, tpm: 100, concurrency: 1 });
    assert_eq!(all.admit(A, LANE, 0, now), out(now + BUSY_LOOK, Bound::Concurrency));
    all.end(permit, Some(30), now + secs(1));
    assert_eq!(all.usage(A, now + secs(1)).map(|usage| (usage.in_flight, usage.tokens)), Some((0, 30)));
}

#[test]
fn an_attempt_that_outlives_its_provider_gives_nothing_to_the_next_one() {
    let now = start();
    let mut all = limiters(concurrency(1));
    let old = all.begin(A, LANE, 0, now);
    all.retain(|provider| provider != A);
    assert_eq!(all.usage(A, now), None);
    all.configure(A, concurrency(1));
    let _new = all.begin(A, LANE, 0, now);
    all.end(old, None, now);
    assert_eq!(all.admit(A, LANE, 0, now), out(now + BUSY_LOOK, Bound::Concurrency));
}

#[test]
fn nothing_remaining_shuts_the_lane_until_the_reset() {
    let now = start();
    let mut all = Limiters::new();
    let cases = [
        requests_left(50, 0, 40),
        Announced { tokens: Some(counter(1000, 0, secs(40))), ..Announced::default() },
        Announced { input_tokens: Some(counter(1000, 0, secs(40))), ..Announced::default() },
        Announced { output_tokens: Some(counter(1000, 0, secs(40))), ..Announced::default() },
        Announced {
            requests: Some(Counter { limit: None, remaining: 0, reset: secs(40) }),
            tokens: Some(Counter { limit: None, remaining: 0, reset: secs(20) }),
            ..Announced::default()
        },
        window(true, false, Some(secs(40))),
    ];
    for said in cases {
        assert_eq!(all.observe(A, LANE, &said, now), Some(now + secs(40)), "{said:?}");
        assert_eq!(all.observe(A, LANE, &said, now), None, "told once: {said:?}");
        assert_eq!(all.admit(A, LANE, 10, now + secs(39)), out(now + secs(40), Bound::Announced), "{said:?}");
        assert_eq!(all.admit(A, LANE, 10, now + secs(40)), Room::Free, "{said:?}");
        all.clear(A);
    }
}

#[test]
fn another_lane_and_another_provider_stay_open() {
    let now = start();
    let mut all = Limiters::new();
    let _ = all.observe(A, LANE, &requests_left(50, 0, 40), now);
    assert_eq!(all.admit(A, LANE + 1, 0, now), Room::Free);
    assert_eq!(all.admit(B, LANE, 0, now), Room::Free);
    assert_eq!(all.shut(now).collect::<Vec<_>>(), [(A, LANE, now + secs(40))]);
    assert_eq!(all.shut(now + secs(40)).count(), 0);
}

#[test]
fn absurd_resets_are_bounded_to_a_second_and_a_day() {
    let now = start();
    let mut all = Limiters::new();
    for (reset, bounded) in [(Duration::ZERO, secs(1)), (Duration::MAX, secs(86_400))] {
        let said = Announced { requests: Some(counter(50, 0, reset)), ..Announced::default() };
        assert_eq!(all.observe(A, LANE, &said, now), Some(now + bounded));
        all.clear(A);
        assert_eq!(all.observe(A, LANE, &window(true, false, Some(reset)), now), Some(now + bounded));
        all.clear(A);
    }
    assert_eq!(all.observe(A, LANE, &window(true, false, None), now), Some(now + secs(30)));
}

#[test]
fn a_later_answer_reopens_the_lane() {
    let now = start();
    let mut all = Limiters::new();
    let _ = all.observe(A, LANE, &requests_left(50, 0, 40), now);
    assert_eq!(all.observe(A, LANE, &requests_left(50, 40, 10), now), None);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free);
    let _ = all.observe(A, LANE, &window(true, false, None), now);
    let _ = all.observe(A, LANE, &window(false, false, None), now);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free);
    assert!(all.lanes.is_empty(), "what does not matter is not kept");
}

#[test]
fn an_answer_that_says_nothing_leaves_in_force_what_was_announced() {
    let now = start();
    let mut all = Limiters::new();
    let _ = all.observe(A, LANE, &requests_left(50, 0, 40), now);
    let _ = all.observe(A, LANE, &Announced::default(), now);
    assert_eq!(all.admit(A, LANE, 0, now), out(now + secs(40), Bound::Announced));
}

#[test]
fn overage_and_counters_of_nothing_shut_nobody_out() {
    let now = start();
    let mut all = Limiters::new();
    assert_eq!(all.observe(A, LANE, &window(true, true, Some(secs(600))), now), None);
    assert_eq!(all.observe(A, LANE, &requests_left(0, 0, 60), now), None);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free);
}

#[test]
fn starts_are_spread_at_the_rate_of_the_refill_while_little_remains() {
    let now = start();
    let mut all = Limiters::new();
    // 45 of 50 come back in 54 s: about one in 1.2 s.
    let _ = all.observe(A, LANE, &requests_left(50, 5, 54), now);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free);
    let _running = all.begin(A, LANE, 0, now);
    let Room::Out { until, bound: Bound::Spread } = all.admit(A, LANE, 0, now) else {
        panic!("a second start at the same moment");
    };
    assert!((1.0..1.3).contains(&(until - now).as_secs_f64()), "{:?}", until - now);
    assert_eq!(all.admit(A, LANE, 0, until), Room::Free);
    let _ = all.observe(A, LANE, &requests_left(50, 6, 54), now);
    assert_eq!(all.admit(A, LANE, 0, now), Room::Free, "enough remains");
}

#[test]
fn without_a_stated_limit_what_remains_is_spread_over_the_time_left() {
    let now = start();
    let mut all = Limiters::new();
    let said = Announced {
        requests: Some(Counter { limit: None, remaining: 9, reset: secs(18) }),
        tokens: Some(Counter { limit: None, remaining: 9, reset: secs(18) }),
        ..Announced::default()
    };
    let _ = all.observe(A, LANE, &said, now);
    let _running = all.begin(A, LANE, 100_000, now);
    assert_eq!(all.admit(A, LANE, 100_000, now), out(now + secs(2), Bound::Spread));
}

#[test]
fn what_is_only_estimated_delays_and_never_shuts_out() {
    let now = start();
    let mut all = Limiters::new();
    let said = Announced { input_tokens: Some(counter(30_000, 1000, secs(3600))), ..Announced::default() };
    let _ = all.observe(A, LANE, &said, now);
    for nth in 0..20 {
        let at = now + SPREAD_MOST * nth;
        assert_eq!(all.admit(A, LANE, 200_000, at), Room::Free, "{nth}");
        let _running = all.begin(A, LANE, 200_000, at);
        assert_eq!(all.admit(A, LANE, 200_000, at), out(at + SPREAD_MOST, Bound::Spread));
    }
}

#[test]
fn lanes_that_clients_invent_do_not_fill_the_memory() {
    let now = start();
    let mut all = Limiters::new();
    let last = MOST_LANES as u64 * 2;
    for lane in 0..=last {
        let _ = all.observe(A, lane, &requests_left(50, 0, 100 + lane), now);
        assert!(all.lanes.len() <= MOST_LANES);
    }
    assert_eq!(all.admit(A, 0, 0, now), Room::Free);
    assert_eq!(all.admit(A, last, 0, now), out(now + secs(100 + last), Bound::Announced));
}

/// Every minute that begins with one of these.
fn fullest_minute(events: &[(Instant, u64)]) -> u64 {
    let of = |from: Instant| events.iter().filter(move |(at, _)| *at >= from && *at - from < secs(60));
    events.iter().map(|(from, _)| of(*from).map(|(_, cost)| cost).sum()).max().unwrap_or_default()
}

proptest! {
    #[test]
    fn no_minute_exceeds_a_limit_and_every_wait_ends_when_it_was_said(
        steps in prop::collection::vec((0_u64..9000, 1_u64..60, 0_u64..60, any::<bool>()), 1..300),
        rpm in 1_u32..20, tpm in 60_u32..200, concurrency in 1_u32..6,
    ) {
        let mut now = start();
        let mut all = limiters(Caps { rpm, tpm, concurrency });
        let mut running: Vec<(Permit, usize, u64)> = Vec::new();
        let mut events: Vec<(Instant, u64)> = Vec::new();
        for (step, estimate, actual, ends) in steps {
            now += Duration::from_millis(step);
            if ends && !running.is_empty() {
                let (permit, event, cost) = running.remove(0);
                all.end(permit, Some(cost), now);
                events[event].1 = cost;
            }
            match all.admit(A, LANE, estimate, now) {
                Room::Free => {
                    running.push((all.begin(A, LANE, estimate, now), events.len(), actual.min(estimate)));
                    events.push((now, estimate));
                }
                Room::Out { until, bound } => {
                    prop_assert!(until > now && until <= now + secs(61));
                    let then = all.clone().admit(A, LANE, estimate, until);
                    prop_assert!(then == Room::Free || running.len() >= concurrency as usize, "{:?} {:?}", bound, then);
                }
            }
            prop_assert!(running.len() <= concurrency as usize);
            prop_assert_eq!(all.usage(A, now).map(|usage| usage.in_flight as usize), Some(running.len()));
        }
        prop_assert!(fullest_minute(&events) <= u64::from(tpm));
        let starts: Vec<(Instant, u64)> = events.iter().map(|(at, _)| (*at, 1)).collect();
        prop_assert!(fullest_minute(&starts) <= u64::from(rpm));
    }

    #[test]
    fn whatever_a_provider_announces_no_wait_is_longer_than_a_day(
        steps in prop::collection::vec(
            (0_u64..100_000, prop::option::of(any::<u64>()), any::<u64>(), 0_u64..20, any::<u64>(), any::<bool>()), 1..60,
        ),
    ) {
        let mut now = start();
        let mut all = Limiters::new();
        for (step, limit, reset, remaining, tokens, rejected) in steps {
            now += Duration::from_millis(step);
            let counter = Counter { limit, remaining, reset: Duration::from_millis(reset) };
            let said = Announced {
                requests: Some(counter),
                tokens: limit.is_some().then_some(counter),
                input_tokens: Some(Counter { remaining: tokens, ..counter }),
                unified: rejected.then_some(Unified { rejected, overage: false, reset: None }),
                ..Announced::default()
            };
            let _ = all.observe(A, LANE, &said, now);
            let permit = all.begin(A, LANE, tokens, now);
            all.end(permit, Some(tokens), now);
            if let Room::Out { until, bound } = all.admit(A, LANE, tokens, now) {
                prop_assert!(until > now && until <= now + secs(86_400));
                prop_assert!(bound == Bound::Announced || until <= now + SPREAD_MOST);
                prop_assert_eq!(all.admit(A, LANE, tokens, until), Room::Free);
            }
        }
    }
}
