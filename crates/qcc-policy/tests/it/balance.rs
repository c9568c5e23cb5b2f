//! Traffic over providers of which one fails at once, with nothing but load and selection to keep requests away from it:
//! no cooldown, no breaker. Virtual time, one seed per run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use qcc_policy::ProviderId;
use qcc_policy::load::{Ended, Loads, Running};
use qcc_policy::select::{Ask, Member, Order, Rotation, Strategy};

use crate::random::{Random, start};
use Nature::{Answers, Fails};

/// How a provider behaves.
#[derive(Debug, Clone, Copy)]
enum Nature {
    /// First event after so many milliseconds, give or take half; whole after ten times as many.
    Answers(u64),
    /// Refuses after so many milliseconds.
    Fails(u64),
}

struct World {
    natures: Vec<Nature>,
    strategy: Strategy,
    random: Random,
    now: Instant,
    loads: Loads,
    rotation: Rotation,
    order: Order,
    /// What happens to attempts under way, by time and number: the first event where the stream goes on for so long,
    /// else the end.
    due: BTreeMap<(Instant, u64), (Running, Option<Duration>)>,
    number: u64,
    /// Attempts by provider.
    attempts: Vec<u32>,
    lost: u32,
}

impl World {
    fn new(natures: &[Nature], strategy: Strategy, seed: u64) -> Self {
        Self {
            natures: natures.to_vec(),
            strategy,
            random: Random::new(seed),
            now: start(),
            loads: Loads::new(),
            rotation: Rotation::new(),
            order: Order::new(),
            due: BTreeMap::new(),
            number: 0,
            attempts: vec![0; natures.len()],
            lost: 0,
        }
    }

    /// So many requests, one every so many milliseconds.
    fn run(&mut self, requests: u32, gap: u64) {
        for _ in 0..requests {
            self.now += Duration::from_millis(gap);
            let now = self.now;
            while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
                let (at, number) = *entry.key();
                let (mut running, rest) = entry.remove();
                if let Some(rest) = rest {
                    self.loads.first_event(&mut running, at);
                    self.due.insert((at + rest, number), (running, None));
                } else {
                    self.loads.end(running, Ended::Well, at);
                }
            }
            self.request(now);
        }
    }

    /// The share of all attempts that a provider got, in percent.
    fn share(&self, place: usize) -> f64 {
        100.0 * f64::from(self.attempts[place]) / f64::from(self.attempts.iter().sum::<u32>())
    }

    fn members(&self, now: Instant) -> Vec<Member> {
        (0..self.natures.len() as u32)
            .map(|number| Member {
                provider: ProviderId(number),
                priority: 1,
                weight: 100.0,
                enabled: true,
                usable: true,
                ramp: 1.0,
                load: self.loads.load(ProviderId(number), now),
            })
            .collect()
    }

    /// Along the order until somebody does not fail at once.
    fn request(&mut self, mut now: Instant) {
        let members = self.members(now);
        let ask = Ask { strategy: self.strategy, preferred: None, takes_turn: true, draw: self.random.draw() };
        self.rotation.order(&members, &ask, &mut self.order);
        for place in self.order.usable() {
            self.attempts[place] += 1;
            let running = self.loads.begin(ProviderId(place as u32), now);
            self.number += 1;
            match self.natures[place] {
                Answers(millis) => {
                    let first = millis / 2 + self.random.below(millis);
                    let rest = Duration::from_millis(10 * millis);
                    self.due.insert((now + Duration::from_millis(first), self.number), (running, Some(rest)));
                    return;
                }
                Fails(millis) => {
                    now += Duration::from_millis(millis);
                    self.loads.end(running, Ended::Failed, now);
                }
            }
        }
        self.lost += 1;
    }
}

const BY_LOAD: [Strategy; 2] = [Strategy::Latency, Strategy::LeastInflight];

#[test]
fn a_provider_that_fails_at_once_gets_less_than_a_tenth_of_the_attempts() {
    let good = [vec![Answers(500)], vec![Answers(8000)], vec![Answers(1000), Answers(3000)], vec![Answers(20_000); 2]];
    for (strategy, gap) in BY_LOAD.into_iter().flat_map(|one| [20, 200, 1000, 5000, 20_000].map(|gap| (one, gap))) {
        for (seed, good) in (0..).zip(&good) {
            let mut world = World::new(&[&good[..], &[Fails(5)]].concat(), strategy, seed);
            world.run(1000, gap);
            let share = world.share(good.len());
            assert!(share < 10.0, "{strategy:?}, beside {good:?}, one in {gap} ms: {share:.1} %");
            assert!(share > 0.0, "{strategy:?}: nobody would find out that it recovered");
            assert_eq!(world.lost, 0);
        }
    }
}

#[test]
fn once_it_answers_again_it_gets_its_share_of_the_traffic() {
    for (strategy, seed) in BY_LOAD.into_iter().flat_map(|one| (0..5).map(move |seed| (one, seed))) {
        let mut world = World::new(&[Answers(1000), Fails(5)], strategy, seed);
        world.run(2000, 200);
        world.natures[1] = Answers(1000);
        world.run(3000, 200);
        world.attempts.fill(0);
        world.run(1000, 200);
        let share = world.share(1);
        assert!((35.0..65.0).contains(&share), "{strategy:?}, seed {seed}: {share:.1} %");
    }
}

#[test]
fn the_faster_a_provider_the_more_it_gets_and_all_get_some() {
    for (strategy, seed) in BY_LOAD.into_iter().flat_map(|one| (0..5).map(move |seed| (one, seed))) {
        let mut world = World::new(&[Answers(500), Answers(2000), Answers(8000)], strategy, seed);
        world.run(2000, 200);
        let shares = [world.share(0), world.share(1), world.share(2)];
        assert!(shares[0] > shares[1] && shares[1] > shares[2] && shares[2] > 1.0, "{strategy:?}: {shares:.1?}");
    }
}

#[test]
fn while_all_fail_every_request_asks_them_all_and_none_is_favoured_afterwards() {
    for strategy in BY_LOAD {
        let mut world = World::new(&[Fails(5), Fails(5)], strategy, 1);
        world.run(300, 200);
        assert_eq!((world.lost, &world.attempts[..]), (300, &[300, 300][..]));
        world.natures.fill(Answers(1000));
        world.run(10_000, 200);
        world.attempts.fill(0);
        world.run(1000, 200);
        let share = world.share(0);
        assert!((35.0..65.0).contains(&share), "{strategy:?}: {share:.1} %");
    }
}
