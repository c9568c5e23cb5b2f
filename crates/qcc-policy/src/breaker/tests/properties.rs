//! Arbitrary events in arbitrary order, with passes that are reported late, twice or never, and threads whose clocks
//! disagree by a little.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::config;
use crate::breaker::{Breakers, Cause, Config, Pass, Return, Standing, Transition};
use crate::testing::{secs, start};

const KEY: char = 'a';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Admit,
    Anyway,
    /// Of a pass that is out, by its place.
    Succeed(usize),
    Fail(usize),
    Release(usize),
    /// Of a failure that was reported, by its place.
    Refund(usize),
    Reset,
    Wait(u64),
}

fn any_event() -> impl Strategy<Value = Event> {
    let place = 0_usize..16;
    prop_oneof![
        6 => Just(Event::Admit),
        2 => Just(Event::Anyway),
        4 => place.clone().prop_map(Event::Succeed),
        6 => place.clone().prop_map(Event::Fail),
        1 => place.clone().prop_map(Event::Release),
        1 => place.prop_map(Event::Refund),
        1 => Just(Event::Reset),
        3 => (0_u64..100_000).prop_map(Event::Wait),
    ]
}

fn any_events() -> impl Strategy<Value = Vec<(Event, u64, u64)>> {
    // What happens, by how much the thread's clock is late in ms, and the draw.
    prop::collection::vec((any_event(), 0_u64..20, any::<u64>()), 0..120)
}

prop_compose! {
    fn any_config()(
        failure_threshold in 0_u32..5, min_requests in 0_u32..8, error_rate in 0.0_f64..1.0, window in 0_u64..90,
        success_threshold in 0_u32..4, half_open_probes in 0_u32..4, open_initial in 1_u64..100, open_max in 0_u64..400,
        multiplier in 0.5_f64..4.0, jitter in 0.0_f64..1.0, lease in 0_u64..200,
    ) -> Config {
        Config {
            failure_threshold, min_requests, error_rate, window: secs(window), success_threshold, half_open_probes,
            open_initial: secs(open_initial), open_max: secs(open_max), multiplier, jitter, lease: secs(lease),
        }
    }
}

struct World {
    config: Config,
    all: Breakers<char>,
    now: Instant,
    /// The latest instant that was handed in.
    latest: Instant,
    /// Passes that were handed out; those that were reported stay, and may be reported again.
    passes: Vec<Pass>,
    /// Leases that nobody gave back, with their end; emptied by whatever ends them all.
    leases: Vec<Pass>,
    failures: Vec<(Pass, Instant)>,
}

impl World {
    fn new(config: Config) -> Self {
        let now = start();
        let all = Breakers::new(config, 4);
        Self { config, all, now, latest: now, passes: Vec::new(), leases: Vec::new(), failures: Vec::new() }
    }

    /// The clock of a thread that lags behind by so many milliseconds.
    fn clock(&self, late: u64) -> Instant {
        self.now.checked_sub(Duration::from_millis(late)).unwrap_or(self.now)
    }

    fn standing(&self, now: Instant) -> Standing {
        self.all.standing(&KEY, now)
    }

    fn take(&mut self, pass: Pass) {
        self.passes.push(pass);
        if pass.is_probe() {
            let now = self.latest;
            self.leases.retain(|lease| lease.expires().is_some_and(|until| until > now));
            self.leases.push(pass);
            assert!(self.leases.len() <= self.config.probes(), "more leases than allowed");
        }
    }

    fn step(&mut self, event: Event, late: u64, draw: u64) -> Option<Transition> {
        let now = self.clock(late);
        if !matches!(event, Event::Wait(_) | Event::Release(_)) {
            self.latest = self.latest.max(now);
        }
        let pick = |passes: &[Pass], place: usize| passes.len().checked_sub(1 + place).map(|at| passes[at]);
        let (passes, key) = (&self.passes, &KEY);
        let news = match event {
            Event::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                None
            }
            Event::Admit => {
                let admissible = self.standing(now).is_admissible();
                let pass = self.all.admit(key, now);
                assert_eq!(pass.is_some(), admissible, "what is admissible is admitted, and nothing else");
                pass.into_iter().for_each(|pass| self.take(pass));
                None
            }
            Event::Anyway => {
                let pass = self.all.admit_anyway(key, now);
                self.take(pass);
                None
            }
            Event::Succeed(place) => pick(passes, place).and_then(|pass| {
                self.leases.retain(|lease| *lease != pass);
                self.all.succeed(key, pass, now)
            }),
            Event::Fail(place) => pick(passes, place).and_then(|pass| {
                self.leases.retain(|lease| *lease != pass);
                self.failures.push((pass, now));
                self.all.fail(key, pass, draw, now)
            }),
            Event::Release(place) => {
                if let Some(pass) = pick(passes, place) {
                    self.leases.retain(|lease| *lease != pass);
                    self.all.release(key, pass);
                }
                None
            }
            Event::Refund(place) => {
                let failure = self.failures.len().checked_sub(1 + place).map(|at| self.failures[at]);
                failure.and_then(|(pass, at)| self.all.refund(key, pass, at, now))
            }
            Event::Reset => self.all.reset(key, now),
        };
        if matches!(news, Some(Transition::Opened { .. } | Transition::Closed { .. })) || event == Event::Reset {
            self.leases.clear();
        }
        news
    }
}

/// Only the state, not its numbers.
fn kind(standing: Standing) -> u8 {
    match standing {
        Standing::Closed => 0,
        Standing::Open { .. } => 1,
        Standing::HalfOpen { .. } => 2,
    }
}

fn fits(news: Option<Transition>, event: Event, before: Standing, after: Standing) -> bool {
    let (from, to) = (kind(before), kind(after));
    match news {
        None => from == to || (from == 1 && to == 2 && matches!(event, Event::Wait(_))),
        Some(Transition::Opened { cause, .. }) => {
            let expected = if cause == Cause::Probe { 2 } else { 0 };
            matches!(event, Event::Fail(_)) && from == expected && to != 0
        }
        Some(Transition::HalfOpened) => matches!(event, Event::Succeed(_) | Event::Refund(_)) && from == 1 && to == 2,
        Some(Transition::Closed { cause, .. }) => {
            let expected = match event {
                Event::Succeed(_) => Some(Return::Recovered),
                Event::Refund(_) => Some(Return::Refunded),
                Event::Reset => Some(Return::Reset),
                _ => None,
            };
            expected == Some(cause) && from != 0 && to == 0
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_without_a_cause_and_never_are_more_leases_out_than_allowed(
        config in any_config(), events in any_events(),
    ) {
        let mut world = World::new(config);
        for (event, late, draw) in events {
            let before = world.standing(world.clock(late));
            let news = world.step(event, late, draw);
            let after = world.standing(world.clock(late));
            prop_assert!(fits(news, event, before, after), "{event:?}: {before:?}, {news:?}, {after:?}");
        }
    }

    #[test]
    fn whatever_happened_an_open_time_ends_and_no_lease_blocks_for_longer_than_its_time(
        config in any_config(), events in any_events(),
    ) {
        let mut world = World::new(config);
        for (event, late, draw) in events {
            world.step(event, late, draw);
            let standing = world.standing(world.now);
            let Some(due) = standing.due() else { continue };
            let longest = config.longest().max(config.lease());
            prop_assert!(due <= world.now + longest, "out for longer than anything is");
            let mut copy = world.all.clone();
            if let Standing::Open { until } = standing {
                prop_assert!(!matches!(copy.standing(&KEY, until), Standing::Open { .. }), "it does not end");
            }
            // Forced probes may hold every lease when the open time ends.
            let at_last = due + config.lease();
            prop_assert!(copy.admit(&KEY, at_last).is_some());
        }
    }

    #[test]
    fn open_times_grow_per_trip_and_stay_within_their_bounds(config in any_config(), events in any_events()) {
        let mut world = World::new(config);
        let mut trips = 0;
        for (event, late, draw) in events {
            match world.step(event, late, draw) {
                Some(Transition::Opened { term, trips: told, .. }) => {
                    prop_assert!(term <= config.longest());
                    prop_assert_eq!(told, trips + 1);
                    trips = told;
                }
                Some(Transition::Closed { .. }) => trips = 0,
                Some(Transition::HalfOpened) | None => {}
            }
            let told = world.all.iter(world.now).next().map_or(0, |(_, report)| report.trips);
            // Without news only the refund of a probe whose open time is over may take a trip back.
            prop_assert!(told == trips || (matches!(event, Event::Refund(_)) && told + 1 == trips));
            trips = told;
            let share = world.all.share(&KEY, world.now);
            prop_assert!((0.0..=1.0).contains(&share), "{share}");
        }
    }

    #[test]
    fn counts_equal_the_outcomes_since_the_latest_trip_or_reset(events in any_events()) {
        // A window in which nothing grows old.
        let config = Config { window: secs(1_000_000), ..config() };
        let mut world = World::new(config);
        // Passes from before are old; what was counted since.
        let (mut old, mut successes, mut failures, mut in_a_row) = (0, 0, 0, 0);
        for (event, late, draw) in events {
            if matches!(event, Event::Refund(_)) {
                continue;
            }
            let closed = world.standing(world.now) == Standing::Closed;
            let place = match event {
                Event::Succeed(place) | Event::Fail(place) => world.passes.len().checked_sub(1 + place),
                _ => None,
            };
            if closed && place.is_some_and(|at| at >= old) {
                if matches!(event, Event::Fail(_)) {
                    (failures, in_a_row) = (failures + 1, in_a_row + 1);
                } else {
                    (successes, in_a_row) = (successes + 1, 0);
                }
            }
            let news = world.step(event, late, draw);
            if matches!(news, Some(Transition::Closed { .. })) || event == Event::Reset {
                (successes, failures, in_a_row) = (0, 0, 0);
            }
            if matches!(news, Some(Transition::Opened { .. })) || event == Event::Reset {
                old = world.passes.len();
            }
            let told = world.all.iter(world.now).next();
            let told = told.map_or((0, 0, 0), |(_, r)| (r.counts.successes, r.counts.failures, r.consecutive));
            prop_assert_eq!(told, (successes, failures, in_a_row));
            let broken = in_a_row >= 3 || (successes + failures >= 10 && failures >= successes);
            let broke = closed && matches!(event, Event::Fail(_)) && place.is_some_and(|at| at >= old);
            prop_assert!(!(broke && broken), "a rule is broken and it is closed");
        }
    }
}
