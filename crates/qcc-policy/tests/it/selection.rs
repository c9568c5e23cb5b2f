//! What holds for the order of any endpoints under any strategy, and how fair the turns are.

use std::collections::BTreeSet;

use proptest::prelude::*;
use qcc_policy::ProviderId;
use qcc_policy::load::Load;
use qcc_policy::select::{Ask, DEPTH, Member, Order, Rotation, Strategy as How};

use crate::random::Random;

const ALL: [How; 6] = [How::Priority, How::Weighted, How::RoundRobin, How::Random, How::LeastInflight, How::Latency];
const IN_TURN: [How; 3] = [How::Priority, How::Weighted, How::RoundRobin];

fn plain(provider: u32, weight: f64) -> Member {
    Member {
        provider: ProviderId(provider),
        priority: 1,
        weight,
        enabled: true,
        usable: true,
        ramp: 1.0,
        load: Load::UNKNOWN,
    }
}

/// Anything, absurd numbers included.
fn arbitrary(random: &mut Random, provider: u32) -> Member {
    let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300];
    let mut number = |usual: f64| if random.percent(10) { random.of(&odd) } else { usual * random.below(100) as f64 };
    let (weight, ramp, debt, latency) = (number(1.0), number(0.02), number(0.1), number(0.1));
    Member {
        weight,
        ramp,
        load: Load { in_flight: random.below(5) as u32, debt, latency },
        priority: random.below(3) as u32,
        enabled: random.percent(90),
        usable: random.percent(70),
        ..plain(provider, 0.0)
    }
}

fn members(random: &mut Random, count: u32) -> Vec<Member> {
    (0..count).map(|provider| arbitrary(random, provider)).collect()
}

fn ask(random: &mut Random, strategies: &[How]) -> Ask {
    let strategy = random.of(strategies);
    let preferred = random.percent(30).then(|| ProviderId(random.below(20) as u32));
    Ask { strategy, preferred, takes_turn: random.percent(80), draw: random.draw() }
}

fn takes_part(member: &Member) -> bool {
    member.enabled && member.weight > 0.0
}

/// What [`How::Latency`] and [`How::LeastInflight`] compare, worked out anew.
fn cost(strategy: How, member: &Member) -> f64 {
    let busy = f64::from(member.load.in_flight) + member.load.debt;
    if strategy == How::Latency { member.load.latency * (busy + 1.0) / member.weight } else { busy / member.weight }
}

/// Weights of one group: equal ones, of few kinds, or far apart.
fn weights() -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![Just(1.0), Just(100.0), Just(10_000.0), 1.0..100.0_f64, 0.1..10_000.0_f64];
    prop::collection::vec(number, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_order_is_everybody_who_takes_part_once_and_the_usable_before_the_rest(
        count in 0_u32..20, seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let (mut rotation, mut order) = (Rotation::new(), Order::new());
        for _ in 0..10 {
            let members = members(&mut random, count);
            let ask = ask(&mut random, &ALL);
            rotation.order(&members, &ask, &mut order);
            let all: Vec<usize> = order.all().collect();
            let usable: Vec<usize> = order.usable().collect();
            prop_assert_eq!(&all[..usable.len()], &usable[..]);
            prop_assert_eq!(order.first(), usable.first().copied());
            prop_assert!(usable.iter().all(|place| members[*place].usable));
            prop_assert!(all[usable.len()..].iter().all(|place| !members[*place].usable));
            let expected: BTreeSet<usize> = (0..members.len()).filter(|at| takes_part(&members[*at])).collect();
            prop_assert_eq!(all.len(), expected.len(), "somebody is there twice");
            prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[test]
    fn a_preferred_provider_that_is_usable_is_first(count in 1_u32..20, seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let members = members(&mut random, count);
        let ask = ask(&mut random, &ALL);
        let mut order = Order::new();
        Rotation::new().order(&members, &ask, &mut order);
        let bound = members.iter().position(|member| {
            Some(member.provider) == ask.preferred && takes_part(member) && member.usable
        });
        if bound.is_some() {
            prop_assert_eq!(order.first(), bound);
        }
    }

    #[test]
    fn lower_priorities_come_first_among_those_without_a_ramp(count in 1_u32..20, seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut members = members(&mut random, count);
        members.iter_mut().for_each(|member| member.ramp = 1.0);
        let ask = Ask { preferred: None, ..ask(&mut random, &[How::Priority]) };
        let mut order = Order::new();
        Rotation::new().order(&members, &ask, &mut order);
        prop_assert!(order.usable().map(|place| members[place].priority).is_sorted());
    }

    #[test]
    fn whoever_is_held_back_by_its_ramp_stands_behind_all_who_are_not(count in 1_u32..20, seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut members = members(&mut random, count);
        members.iter_mut().for_each(|member| member.ramp = random.of(&[0.0, 1.0]));
        let ask = Ask { preferred: None, ..ask(&mut random, &ALL) };
        let mut order = Order::new();
        Rotation::new().order(&members, &ask, &mut order);
        prop_assert!(order.usable().is_sorted_by_key(|place| members[place].ramp < 0.5));
    }

    #[test]
    fn the_same_draw_gives_the_same_order(count in 0_u32..20, seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let members = members(&mut random, count);
        let ask = ask(&mut random, &ALL);
        let (mut one, mut two) = (Order::new(), Order::new());
        Rotation::new().order(&members, &ask, &mut one);
        Rotation::new().order(&members, &ask, &mut two);
        prop_assert!(one.all().eq(two.all()));
    }

    #[test]
    fn after_every_single_turn_everybody_is_within_one_of_its_share(
        weights in weights(), strategy in prop::sample::select(&IN_TURN[..]), seed in any::<u64>(),
    ) {
        let members: Vec<Member> = (0..).zip(&weights).map(|(provider, weight)| plain(provider, *weight)).collect();
        let weight = |place: usize| if strategy == How::RoundRobin { 1.0 } else { weights[place] };
        let total: f64 = (0..weights.len()).map(weight).sum();
        let mut random = Random::new(seed);
        let (mut rotation, mut order) = (Rotation::new(), Order::new());
        let mut turns = vec![0_u32; weights.len()];
        for round in 1..=400 {
            let ask = Ask { strategy, preferred: None, takes_turn: true, draw: random.draw() };
            rotation.order(&members, &ask, &mut order);
            turns[order.first().unwrap()] += 1;
            for (place, had) in turns.iter().enumerate() {
                let share = f64::from(round) * weight(place) / total;
                prop_assert!((f64::from(*had) - share).abs() < 1.0 + 1e-6, "{had} of {share} in round {round}");
            }
        }
    }

    #[test]
    fn nobody_starves_and_nobody_floods_while_others_come_and_go(
        weights in prop::collection::vec(1.0..100.0_f64, 2..10), seed in any::<u64>(),
    ) {
        let mut members: Vec<Member> = (0..).zip(&weights).map(|(provider, weight)| plain(provider, *weight)).collect();
        let mut random = Random::new(seed);
        let (mut rotation, mut order) = (Rotation::new(), Order::new());
        for _ in 0..20 {
            members.iter_mut().for_each(|member| member.usable = random.percent(60));
            let usable: Vec<usize> = (0..members.len()).filter(|place| members[*place].usable).collect();
            let total: f64 = usable.iter().map(|place| weights[*place]).sum();
            let mut turns = vec![0_u32; members.len()];
            let rounds = random.below(200) as u32;
            for _ in 0..rounds {
                let ask = Ask { strategy: How::Weighted, preferred: None, takes_turn: true, draw: random.draw() };
                rotation.order(&members, &ask, &mut order);
                if let Some(first) = order.first() {
                    turns[first] += 1;
                }
            }
            // What a member had before counts for two turns at most, and all others' in the sum.
            let slack = 2.0 + 2.0 * members.len() as f64;
            for place in usable {
                let share = f64::from(rounds) * weights[place] / total;
                prop_assert!((f64::from(turns[place]) - share).abs() <= slack, "{} of {share}", turns[place]);
            }
        }
    }

    #[test]
    fn of_two_the_strictly_worse_is_never_preferred(
        seed in any::<u64>(), strategy in prop::sample::select(&[How::Latency, How::LeastInflight][..]),
    ) {
        let mut random = Random::new(seed);
        let two: Vec<Member> = (0..2).map(|provider| Member {
            load: Load {
                in_flight: random.below(20) as u32,
                debt: random.below(4) as f64,
                latency: random.below(10_000) as f64 / 1000.0,
            },
            ..plain(provider, 1.0 + random.below(100) as f64)
        }).collect();
        let ask = Ask { strategy, preferred: None, takes_turn: true, draw: random.draw() };
        let mut order = Order::new();
        Rotation::new().order(&two, &ask, &mut order);
        let costs: Vec<f64> = order.usable().map(|place| cost(strategy, &two[place])).collect();
        prop_assert!(costs[0] <= costs[1], "{costs:?}");
    }

    #[test]
    fn the_single_worst_of_many_comes_first_in_none_of_the_places_that_are_chosen(
        count in 2_u32..30, seed in any::<u64>(),
        strategy in prop::sample::select(&[How::Latency, How::LeastInflight][..]),
    ) {
        let mut random = Random::new(seed);
        let mut members: Vec<Member> = (0..count).map(|provider| Member {
            load: Load { in_flight: random.below(20) as u32, debt: 0.0, latency: 0.1 + random.below(9) as f64 },
            ..plain(provider, 1.0)
        }).collect();
        let worst = random.below(u64::from(count)) as usize;
        (members[worst].load.in_flight, members[worst].load.latency) = (100, 100.0);
        let ask = Ask { strategy, preferred: None, takes_turn: true, draw: random.draw() };
        let mut order = Order::new();
        Rotation::new().order(&members, &ask, &mut order);
        let chosen: Vec<usize> = order.usable().take(DEPTH.min(members.len() - 1)).collect();
        prop_assert!(!chosen.contains(&worst));
    }
}
