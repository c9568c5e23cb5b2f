//! The schedule in virtual time, over days: who is probed how often, and what it may cost.

use super::*;
use crate::testing::{secs, start};
use proptest::prelude::*;

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const MIDDLE: u64 = u64::MAX / 2;

const SETTINGS: ProbeSettings = ProbeSettings {
    interval: Duration::from_secs(60),
    conversation_interval: Duration::from_secs(600),
    daily_limit: 50,
    lease: Duration::from_secs(40),
};
const PAID_ONLY: ProbeSettings = ProbeSettings { interval: Duration::ZERO, ..SETTINGS };

fn probes(settings: ProbeSettings, now: Instant) -> Probes {
    let mut all = Probes::new(settings);
    all.enrol(A, false, MIDDLE, now);
    all
}

/// Probes that began, in seconds since the start.
#[derive(Debug, Default)]
struct Begun {
    free: Vec<f64>,
    paid: Vec<f64>,
}

/// Plays the schedule for some time; every probe takes a second. `event` happens every `every` seconds.
fn play(
    all: &mut Probes,
    from: Instant,
    length: u64,
    every: u64,
    mut event: impl FnMut(&mut Probes, u64, Instant),
) -> Begun {
    let mut begun = Begun::default();
    let mut draw = 1_u64;
    for second in 0..length {
        let tick = from + secs(second);
        if second % every == 0 {
            event(all, second, tick);
        }
        while let Some(due) = all.next_due(tick).filter(|due| due.at < tick + secs(1)) {
            let at = due.at.max(tick);
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let lease = all.begin(due.provider, due.kind, draw, at).unwrap();
            let list = if due.kind == ProbeKind::Free { &mut begun.free } else { &mut begun.paid };
            list.push((at - from).as_secs_f64());
            assert!(all.done(lease, at + secs(1)));
        }
    }
    begun
}

fn gaps(times: &[f64]) -> impl Iterator<Item = f64> + '_ {
    times.windows(2).map(|pair| pair[1] - pair[0])
}

/// The most of these that lie within any 24 hours.
fn fullest_day(times: &[f64]) -> usize {
    let within = |from: f64| times.iter().filter(|&&at| at >= from && at < from + DAY as f64).count();
    times.iter().map(|&from| within(from)).max().unwrap_or_default()
}

#[test]
fn free_probes_run_every_interval_with_jitter() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, 2 * DAY, DAY, |_, _, _| {});
    assert!(begun.free[0] <= 60.0);
    assert!(gaps(&begun.free).all(|gap| (54.0..=66.1).contains(&gap)));
    let (short, long) = (gaps(&begun.free).fold(99.0, f64::min), gaps(&begun.free).fold(0.0, f64::max));
    assert!(short < 56.0 && long > 64.0, "{short} to {long}");
    assert!((2800..2960).contains(&begun.free.len()), "{}", begun.free.len());
}

#[test]
fn nothing_is_paid_where_nobody_cares() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, 3 * DAY, HOUR, |all, _, tick| all.must_prove(A, tick));
    assert!(begun.paid.is_empty(), "{:?}", begun.paid);
}

#[test]
fn nothing_is_paid_where_traffic_answers_the_question() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, 2 * DAY, 60, |all, _, tick| {
        all.wanted(A, tick);
        all.heard(A, tick);
    });
    assert!(begun.paid.is_empty(), "{:?}", begun.paid);
}

#[test]
fn when_traffic_falls_silent_checks_go_on_for_an_hour_and_stop() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, DAY, 60, |all, second, tick| {
        if second <= HOUR {
            all.wanted(A, tick);
            all.heard(A, tick);
        }
    });
    assert!(begun.paid.iter().all(|at| (4200.0..7200.0).contains(at)), "{:?}", begun.paid);
    assert!((4..=6).contains(&begun.paid.len()), "{:?}", begun.paid);
}

#[test]
fn a_provider_that_is_asked_for_but_out_is_checked_every_interval_up_to_the_daily_limit() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, 4 * DAY, 300, |all, _, tick| all.wanted(A, tick));
    assert!(gaps(&begun.paid).all(|gap| gap >= 540.0), "{:?}", begun.paid);
    assert_eq!(fullest_day(&begun.paid), 50);
    assert!(begun.paid.len() >= 190, "all of every day's budget can be used: {}", begun.paid.len());
    let mut both = [begun.free, begun.paid].concat();
    both.sort_by(f64::total_cmp);
    assert!(gaps(&both).all(|gap| gap <= 67.1), "free ones go on, and a check stands in for one");
}

#[test]
fn a_provider_that_must_prove_itself_is_checked_when_its_time_comes_though_traffic_is_heard() {
    let now = start();
    let mut all = probes(PAID_ONLY, now);
    let begun = play(&mut all, now, HOUR, 1, |all, second, tick| {
        all.wanted(A, tick);
        all.heard(A, tick);
        match second {
            1000 => all.must_prove(A, tick + secs(60)),
            1700 => all.proved(A),
            _ => {}
        }
    });
    assert_eq!(begun.paid.len(), 2, "{:?}", begun.paid);
    assert!((1060.0..1061.0).contains(&begun.paid[0]), "{:?}", begun.paid);
    assert!((1600.0..1722.0).contains(&begun.paid[1]), "{:?}", begun.paid);
}

#[test]
fn a_provider_that_must_prove_itself_all_the_time_stays_within_its_budget() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let begun = play(&mut all, now, 2 * DAY, 1, |all, _, tick| {
        all.wanted(A, tick);
        all.must_prove(A, tick);
    });
    assert!(gaps(&begun.paid).all(|gap| gap >= 30.0), "{:?}", begun.paid);
    assert_eq!(fullest_day(&begun.paid), 50);
}

#[test]
fn passthrough_providers_are_never_probed() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    all.enrol(A, true, MIDDLE, now);
    all.wanted(A, now);
    all.must_prove(A, now);
    assert_eq!(all.next_due(now + secs(DAY)), None);
    assert_eq!(all.begin_by_hand(A, ProbeKind::Conversation, 0, now), Err(ProbeRefused::NotProbed));
}

#[test]
fn zero_switches_each_kind_off() {
    let now = start();
    let off = [
        ProbeSettings { conversation_interval: Duration::ZERO, ..PAID_ONLY },
        ProbeSettings { daily_limit: 0, ..PAID_ONLY },
    ];
    for settings in off {
        let mut all = probes(settings, now);
        all.wanted(A, now);
        all.must_prove(A, now);
        assert_eq!(all.next_due(now), None, "{settings:?}");
    }
    let mut all = probes(ProbeSettings { daily_limit: 0, ..SETTINGS }, now);
    assert_eq!(all.begin_by_hand(A, ProbeKind::Conversation, 0, now), Err(ProbeRefused::DailyLimit));
}

#[test]
fn a_provider_has_one_probe_at_a_time() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    all.enrol(B, false, MIDDLE, now);
    let lease = all.begin_by_hand(A, ProbeKind::Free, MIDDLE, now).unwrap();
    assert_eq!(all.begin_by_hand(A, ProbeKind::Conversation, 0, now), Err(ProbeRefused::Running));
    assert!(all.begin_by_hand(B, ProbeKind::Free, 0, now).is_ok());
    assert!(all.done(lease, now + secs(5)));
    assert!(all.begin_by_hand(A, ProbeKind::Free, 0, now + secs(5)).is_ok());
}

#[test]
fn a_probe_that_never_reports_blocks_nothing_beyond_its_lease() {
    let now = start();
    let mut all = probes(ProbeSettings { interval: secs(10), ..SETTINGS }, now);
    let lost = all.begin_by_hand(A, ProbeKind::Free, MIDDLE, now).unwrap();
    let due = all.next_due(now + secs(20)).unwrap();
    assert_eq!((due.at, due.kind), (now + secs(40), ProbeKind::Free));
    let fresh = all.begin(A, ProbeKind::Free, MIDDLE, due.at).unwrap();
    assert!(!all.done(lost, due.at + secs(1)), "too late to count");
    assert_eq!(all.begin_by_hand(A, ProbeKind::Free, 0, due.at + secs(1)), Err(ProbeRefused::Running));
    assert!(all.done(fresh, due.at + secs(2)));
}

#[test]
fn a_probe_begins_when_it_is_due_and_not_before() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let due = all.next_due(now).unwrap();
    assert_eq!(all.begin(A, ProbeKind::Free, 0, due.at - Duration::from_millis(1)), Err(ProbeRefused::NotDue));
    assert_eq!(all.begin(A, ProbeKind::Conversation, 0, due.at), Err(ProbeRefused::NotDue));
    assert!(all.begin(A, ProbeKind::Free, 0, due.at).is_ok());
    assert_eq!(all.begin(B, ProbeKind::Free, 0, now), Err(ProbeRefused::NotProbed));
}

#[test]
fn checks_by_hand_count_against_the_daily_limit_and_end_there() {
    let now = start();
    let mut all = probes(ProbeSettings { daily_limit: 3, ..PAID_ONLY }, now);
    for nth in 0..3 {
        let lease = all.begin_by_hand(A, ProbeKind::Conversation, 0, now + secs(nth)).unwrap();
        assert!(all.done(lease, now + secs(nth)));
    }
    let later = now + secs(HOUR);
    assert_eq!(all.begin_by_hand(A, ProbeKind::Conversation, 0, later), Err(ProbeRefused::DailyLimit));
    all.wanted(A, later);
    all.must_prove(A, later);
    assert_eq!(all.next_due(later), None, "the budget is free again long after anybody cares");
    assert_eq!(all.report(A, later).unwrap().spent, 3);
    let tomorrow = now + secs(DAY + 900);
    all.wanted(A, tomorrow);
    assert_eq!(all.next_due(tomorrow).map(|due| due.kind), Some(ProbeKind::Conversation));
}

#[test]
fn a_restart_does_not_renew_the_daily_budget() {
    let now = start();
    let mut all = probes(PAID_ONLY, now);
    all.restore_spent(A, 50, now);
    let begun = play(&mut all, now, DAY, 60, |all, _, tick| all.wanted(A, tick));
    assert!(begun.paid.is_empty(), "{:?}", begun.paid);
}

#[test]
fn a_quiet_provider_is_left_alone_and_first_asked_for_free() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    let until = now + secs(1800);
    all.quiet(A, until);
    all.quiet(A, now + secs(5));
    all.wanted(A, now);
    all.must_prove(A, now);
    assert_eq!(all.next_due(now), Some(Due { at: until, kind: ProbeKind::Free, provider: A }));
    assert_eq!(all.begin(A, ProbeKind::Conversation, 0, now + secs(60)), Err(ProbeRefused::NotDue));
    let lease = all.begin(A, ProbeKind::Free, MIDDLE, until).unwrap();
    let again = until + secs(1800);
    all.quiet(A, again);
    assert!(all.done(lease, until + secs(1)));
    assert_eq!(all.next_due(until + secs(1)).map(|due| due.at), Some(again));
    all.lift(A, until + secs(2));
    assert_eq!(all.next_due(until + secs(2)).map(|due| due.at <= until + secs(2)), Some(true));
}

#[test]
fn a_free_probe_comes_first_after_quiet_however_long_the_interval_is() {
    let now = start();
    let mut all = probes(ProbeSettings { interval: secs(DAY), ..SETTINGS }, now);
    let until = now + secs(1800);
    all.wanted(A, now);
    all.quiet(A, until);
    assert_eq!(all.next_due(now), Some(Due { at: until, kind: ProbeKind::Free, provider: A }));
}

#[test]
fn the_first_probes_of_many_providers_are_spread_over_an_interval() {
    let now = start();
    let mut all = Probes::new(SETTINGS);
    for n in 0..60 {
        all.enrol(ProviderId(n), false, u64::MAX / 60 * u64::from(n), now);
    }
    for second in (15..75).step_by(10) {
        let until = now + secs(second + 10);
        let mut begun = 0;
        while let Some(due) = all.next_due(until).filter(|due| due.at < until) {
            let lease = all.begin(due.provider, due.kind, MIDDLE, until).unwrap();
            assert!(all.done(lease, until));
            begun += 1;
        }
        assert!((9..=11).contains(&begun), "{begun} in ten seconds");
    }
}

#[test]
fn a_reload_takes_new_intervals_into_use_without_a_stampede() {
    let now = start();
    let mut all = Probes::new(ProbeSettings { interval: secs(DAY), ..SETTINGS });
    for n in 0..100 {
        all.enrol(ProviderId(n), false, u64::MAX / 100 * u64::from(n), now);
    }
    all.configure(SETTINGS, now + secs(10));
    let first = all.next_due(now + secs(10)).unwrap();
    assert_eq!(first.at, now + secs(25), "{first:?}");
    let at_once = all.entries.values().filter(|entry| entry.next_free <= now + secs(26)).count();
    assert!(at_once <= 2, "{at_once}");
    let before: Vec<Instant> = all.entries.values().map(|entry| entry.next_free).collect();
    all.configure(SETTINGS, now + secs(30));
    let after: Vec<Instant> = all.entries.values().map(|entry| entry.next_free).collect();
    assert_eq!(before, after, "nothing changed");
}

#[test]
fn enrolling_again_keeps_the_state() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    all.restore_spent(A, 7, now);
    all.enrol(A, false, 0, now + secs(5));
    assert_eq!(all.report(A, now + secs(5)).unwrap().spent, 7);
    all.retire(A);
    assert_eq!(all.next_due(now), None);
}

proptest! {
    #[test]
    fn whatever_happens_costs_and_leases_stay_bounded(
        steps in prop::collection::vec((0_u64..4_000, 0_u8..10, any::<u64>()), 1..400),
        daily_limit in 0_u32..6, interval in 0_u64..100, conversation in 0_u64..1000,
    ) {
        let from = start();
        let settings = ProbeSettings {
            interval: secs(interval), conversation_interval: secs(conversation), daily_limit, lease: secs(40),
        };
        let mut all = probes(settings, from);
        let mut now = from;
        let mut running: Option<(ProbeLease, Instant)> = None;
        let mut paid: Vec<f64> = Vec::new();
        for (step, event, draw) in steps {
            now += secs(step);
            match event {
                0 => all.wanted(A, now),
                1 => all.heard(A, now),
                2 => all.must_prove(A, now + secs(draw % 1000)),
                3 => all.proved(A),
                4 => all.quiet(A, now + secs(draw % 1000)),
                5 => all.lift(A, now),
                6 => if let Some((lease, since)) = running.take() {
                    prop_assert_eq!(all.done(lease, now), now - since < secs(40));
                },
                _ => {
                    let due = all.next_due(now);
                    let hand = event == 9;
                    let kind = due.map_or(ProbeKind::Conversation, |due| due.kind);
                    let started = if hand {
                        all.begin_by_hand(A, ProbeKind::Conversation, draw, now)
                    } else {
                        all.begin(A, kind, draw, now)
                    };
                    let free = running.as_ref().is_none_or(|(_, since)| now - *since >= secs(40));
                    if let Some(due) = due.filter(|_| !hand) {
                        prop_assert_eq!(started.is_ok(), due.at <= now, "what is due can begin, and nothing else");
                    }
                    if let Ok(lease) = started {
                        prop_assert!(free, "two at a time");
                        if lease.kind == ProbeKind::Conversation {
                            paid.push((now - from).as_secs_f64());
                        }
                        running = Some((lease, now));
                    }
                }
            }
        }
        prop_assert!(fullest_day(&paid) <= daily_limit as usize);
    }
}

#[test]
fn what_was_just_started_is_not_probed_in_the_first_quarter_of_an_interval() {
    let now = start();
    let mut all = Probes::new(SETTINGS);
    all.enrol(A, false, 0, now);
    assert_eq!(all.next_due(now).map(|due| due.at), Some(now + secs(15)));
}

#[test]
fn a_check_that_could_not_be_made_costs_nothing_and_waits() {
    let now = start();
    let mut all = probes(PAID_ONLY, now);
    all.wanted(A, now);
    all.must_prove(A, now);
    let lease = all.begin(A, ProbeKind::Conversation, MIDDLE, now).unwrap();
    all.withdraw(lease, now + secs(5), now);
    assert_eq!(all.report(A, now).unwrap().spent, 0);
    assert_eq!(all.next_due(now).map(|due| due.at), Some(now + secs(5)), "and no pause after a check that never was");
    assert!(all.begin(A, ProbeKind::Conversation, MIDDLE, now + secs(5)).is_ok());
}

#[test]
fn a_provider_that_is_reached_again_may_prove_itself_at_once() {
    let now = start();
    let mut all = probes(PAID_ONLY, now);
    all.wanted(A, now);
    all.must_prove(A, now + secs(600));
    all.reached(A, true, now);
    assert_eq!(all.next_due(now).map(|due| due.at), Some(now + secs(600)), "it was reached all the time");
    all.reached(A, false, now + secs(60));
    all.reached(A, true, now + secs(120));
    assert_eq!(all.next_due(now + secs(120)).map(|due| due.at), Some(now + secs(120)));
}

#[test]
fn it_is_said_once_that_a_probe_was_brought_forward() {
    let now = start();
    let mut all = probes(SETTINGS, now);
    assert!(all.is_sooner() && !all.is_sooner(), "a new provider");
    all.wanted(A, now);
    assert!(all.is_sooner(), "the first request");
    all.wanted(A, now + secs(HOUR - 1));
    assert!(!all.is_sooner(), "one of many");
    all.wanted(A, now + secs(2 * HOUR));
    assert!(all.is_sooner(), "the first for an hour");
    all.must_prove(A, now);
    assert!(all.is_sooner());
    all.lift(A, now);
    assert!(all.is_sooner());
}
