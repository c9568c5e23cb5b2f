//! Each strategy on a few endpoints, who takes part at all, and what a reload does to turns. What holds for any
//! endpoints is in `tests/it/selection.rs`.

use super::*;
use crate::load::Load;

fn member(provider: u32, weight: f64) -> Member {
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

fn equals(count: u32) -> Vec<Member> {
    (0..count).map(|provider| member(provider, 100.0)).collect()
}

fn ask(strategy: Strategy, draw: u64) -> Ask {
    Ask { strategy, preferred: None, takes_turn: true, draw }
}

fn ordered(rotation: &mut Rotation, members: &[Member], ask: &Ask) -> Vec<usize> {
    let mut order = Order::new();
    rotation.order(members, ask, &mut order);
    order.usable().collect()
}

/// The first choices of so many requests. Draws that follow from the number of the request.
fn firsts(rotation: &mut Rotation, members: &[Member], strategy: Strategy, rounds: u64) -> Vec<usize> {
    let mut order = Order::new();
    let mut draws = Draws::new(rounds);
    (0..rounds)
        .filter_map(|_| {
            let draw = (draws.unit() * 1e18) as u64;
            rotation.order(members, &ask(strategy, draw), &mut order);
            order.first()
        })
        .collect()
}

fn count(firsts: &[usize], place: usize) -> usize {
    firsts.iter().filter(|first| **first == place).count()
}

#[test]
fn lower_numbers_go_first_and_equal_ones_in_turn_by_weight() {
    let mut members = vec![member(0, 100.0), member(1, 100.0), member(2, 50.0), member(3, 100.0)];
    members[0].priority = 2;
    members[3].priority = 2;
    let mut rotation = Rotation::new();
    assert_eq!(firsts(&mut rotation, &members, Strategy::Priority, 6), [1, 2, 1, 1, 2, 1]);
    let order = ordered(&mut rotation, &members, &ask(Strategy::Priority, 7));
    assert_eq!(order[..2], [1, 2]);
    members[1].usable = false;
    members[2].usable = false;
    assert_eq!(firsts(&mut rotation, &members, Strategy::Priority, 4), [0, 3, 0, 3]);
}

#[test]
fn weighted_ignores_priorities_and_shares_by_weight() {
    let mut members = vec![member(0, 100.0), member(1, 50.0)];
    members[0].priority = 9;
    let firsts = firsts(&mut Rotation::new(), &members, Strategy::Weighted, 300);
    assert_eq!((count(&firsts, 0), count(&firsts, 1)), (200, 100));
}

#[test]
fn round_robin_ignores_weights_except_zero() {
    let members = vec![member(0, 1000.0), member(1, 1.0), member(2, 0.0), member(3, 50.0)];
    let firsts = firsts(&mut Rotation::new(), &members, Strategy::RoundRobin, 9);
    assert_eq!(firsts, [0, 1, 3, 0, 1, 3, 0, 1, 3]);
}

#[test]
fn random_draws_by_weight() {
    let members = vec![member(0, 300.0), member(1, 100.0)];
    let firsts = firsts(&mut Rotation::new(), &members, Strategy::Random, 4000);
    assert!((2850..3150).contains(&count(&firsts, 0)), "{}", count(&firsts, 0));
}

#[test]
fn least_inflight_takes_the_shortest_queue_per_weight() {
    let mut members = vec![member(0, 100.0), member(1, 100.0), member(2, 50.0)];
    for (member, in_flight) in members.iter_mut().zip([3, 2, 1]) {
        member.load.in_flight = in_flight;
    }
    members[1].load.debt = 1.5;
    assert_eq!(ordered(&mut Rotation::new(), &members, &ask(Strategy::LeastInflight, 5)), [2, 0, 1]);
}

#[test]
fn among_equally_busy_ones_weight_decides_by_draw() {
    let members = vec![member(0, 300.0), member(1, 100.0)];
    let firsts = firsts(&mut Rotation::new(), &members, Strategy::LeastInflight, 4000);
    assert!((2850..3150).contains(&count(&firsts, 0)), "{}", count(&firsts, 0));
}

#[test]
fn latency_takes_the_better_of_two_and_counts_the_queue() {
    let mut members = equals(2);
    (members[0].load.latency, members[0].load.in_flight) = (1.0, 5);
    (members[1].load.latency, members[1].load.in_flight) = (2.0, 1);
    for draw in 0..100 {
        assert_eq!(ordered(&mut Rotation::new(), &members, &ask(Strategy::Latency, draw)), [1, 0]);
    }
    members[0].weight = 1000.0;
    for draw in 0..100 {
        assert_eq!(ordered(&mut Rotation::new(), &members, &ask(Strategy::Latency, draw)), [0, 1]);
    }
}

#[test]
fn the_disabled_and_those_of_weight_zero_take_no_part_even_when_preferred() {
    let odd = [0.0, -0.0, -5.0, f64::NAN, f64::NEG_INFINITY];
    let mut members: Vec<Member> = (0..).zip(odd).map(|(provider, weight)| member(provider, weight)).collect();
    members.push(Member { enabled: false, ..member(5, 100.0) });
    for strategy in ALL {
        for preferred in [None, Some(ProviderId(0)), Some(ProviderId(5))] {
            let mut order = Order::new();
            Rotation::new().order(&members, &Ask { preferred, ..ask(strategy, 1) }, &mut order);
            assert_eq!((order.first(), order.all().len()), (None, 0), "{strategy:?}");
        }
    }
}

const ALL: [Strategy; 6] = [
    Strategy::Priority,
    Strategy::Weighted,
    Strategy::RoundRobin,
    Strategy::Random,
    Strategy::LeastInflight,
    Strategy::Latency,
];

#[test]
fn who_is_not_usable_now_comes_last_by_priority_and_place() {
    let mut members = equals(5);
    for (member, (usable, priority)) in
        members.iter_mut().zip([(false, 3), (true, 9), (false, 1), (false, 3), (false, 2)])
    {
        (member.usable, member.priority) = (usable, priority);
    }
    for strategy in ALL {
        let mut order = Order::new();
        Rotation::new().order(&members, &ask(strategy, 1), &mut order);
        assert_eq!(order.usable().collect::<Vec<_>>(), [1], "{strategy:?}");
        assert_eq!(order.all().collect::<Vec<_>>(), [1, 2, 4, 0, 3], "{strategy:?}");
    }
}

#[test]
fn one_that_just_recovered_gets_its_ramp_share_and_the_rest_goes_past_it() {
    let mut members = equals(2);
    members[0].ramp = 0.25;
    members[1].priority = 2;
    for strategy in [Strategy::Priority, Strategy::Weighted, Strategy::LeastInflight, Strategy::Latency] {
        members[0].load.latency = 0.01;
        let firsts = firsts(&mut Rotation::new(), &members, strategy, 4000);
        assert!((400..1150).contains(&count(&firsts, 0)), "{strategy:?}: {}", count(&firsts, 0));
        let order = ordered(&mut Rotation::new(), &members, &ask(strategy, 3));
        assert_eq!(order.len(), 2, "{strategy:?}: it is still there to fail over to");
    }
    members[1].usable = false;
    let alone = firsts(&mut Rotation::new(), &members, Strategy::Priority, 50);
    assert_eq!(count(&alone, 0), 50, "while nobody else is usable there is nothing to ramp");
}

#[test]
fn a_session_keeps_its_provider_whatever_the_strategy_priority_and_ramp() {
    let mut members = equals(4);
    (members[3].priority, members[3].ramp, members[3].load.in_flight) = (9, 0.0, 50);
    for strategy in ALL {
        let bound = Ask { preferred: Some(ProviderId(3)), ..ask(strategy, 11) };
        let mut order = ordered(&mut Rotation::new(), &members, &bound);
        assert_eq!(order[0], 3, "{strategy:?}");
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3], "{strategy:?}");
    }
    members[3].usable = false;
    let bound = Ask { preferred: Some(ProviderId(3)), ..ask(Strategy::Priority, 11) };
    assert_eq!(ordered(&mut Rotation::new(), &members, &bound).len(), 3);
    let unknown = Ask { preferred: Some(ProviderId(99)), ..ask(Strategy::Priority, 11) };
    assert_eq!(ordered(&mut Rotation::new(), &members, &unknown)[0], 0);
}

#[test]
fn bound_sessions_and_looks_ahead_take_no_turn() {
    let members = equals(3);
    let mut rotation = Rotation::new();
    assert_eq!(firsts(&mut rotation, &members, Strategy::Priority, 1), [0]);
    for draw in 0..20 {
        let bound = Ask { preferred: Some(ProviderId(1)), ..ask(Strategy::Priority, draw) };
        assert_eq!(ordered(&mut rotation, &members, &bound)[0], 1);
        let look = Ask { takes_turn: false, ..ask(Strategy::Priority, draw) };
        assert_eq!(ordered(&mut rotation, &members, &look)[0], 1, "the same turn every time");
    }
    assert_eq!(firsts(&mut rotation, &members, Strategy::Priority, 3), [1, 2, 0]);
}

#[test]
fn who_was_out_returns_to_its_share_and_not_to_saved_turns() {
    let mut members = equals(3);
    let mut rotation = Rotation::new();
    firsts(&mut rotation, &members, Strategy::Weighted, 10);
    members[0].usable = false;
    let without = firsts(&mut rotation, &members, Strategy::Weighted, 100);
    assert_eq!((count(&without, 0), count(&without, 1), count(&without, 2)), (0, 50, 50));
    members[0].usable = true;
    let with = firsts(&mut rotation, &members, Strategy::Weighted, 9);
    assert_eq!(count(&with, 0), 3);
}

#[test]
fn turns_outlive_a_reload_that_leaves_the_group_as_it_is() {
    let mut members = equals(4);
    let mut rotation = Rotation::new();
    let mut turn = |members: &[Member]| members[firsts(&mut rotation, members, Strategy::Priority, 1)[0]].provider.0;
    assert_eq!(turn(&members), 0);
    members.rotate_left(2);
    assert_eq!(turn(&members), 2, "in another order: 2 stands first among those who had no turn");
    members.push(Member { priority: 2, ..member(7, 100.0) });
    members.iter_mut().for_each(|member| member.weight *= 3.0);
    members.reverse();
    assert_eq!(turn(&members), 1, "another group and other weights");
    assert_eq!(turn(&members), 3);
    assert_eq!(turn(&members), 1, "all had one");
    members.retain(|member| member.provider != ProviderId(3));
    assert_eq!(turn(&members), 1, "a member less: the turns begin anew");
}

#[test]
fn profiles_have_turns_of_their_own() {
    let members = equals(2);
    let mut rotations = Rotations::new();
    assert_eq!(firsts(rotations.of("a"), &members, Strategy::Priority, 1), [0]);
    assert_eq!(firsts(rotations.of("b"), &members, Strategy::Priority, 1), [0]);
    assert_eq!(firsts(rotations.of("a"), &members, Strategy::Priority, 1), [1]);
    rotations.retain(|key| *key == "b");
    assert_eq!(firsts(rotations.of("a"), &members, Strategy::Priority, 1), [0]);
    assert_eq!(firsts(rotations.of("b"), &members, Strategy::Priority, 1), [1]);
}

#[test]
fn behind_a_failing_one_the_others_share_by_weight() {
    let members = vec![member(0, 100.0), member(1, 300.0), member(2, 100.0)];
    let mut rotation = Rotation::new();
    let (mut order, mut draws) = (Order::new(), Draws::new(1));
    let mut seconds = Vec::new();
    for _ in 0..10_000 {
        let draw = (draws.unit() * 1e18) as u64;
        rotation.order(&members, &ask(Strategy::Priority, draw), &mut order);
        if order.first() == Some(0) {
            seconds.extend(order.usable().nth(1));
        }
    }
    assert_eq!(seconds.len(), 2000);
    assert!((1420..1580).contains(&count(&seconds, 1)), "{}", count(&seconds, 1));
}

#[test]
fn behind_an_enormous_weight_the_tiny_ones_still_share() {
    let members = vec![member(0, 1e12), member(1, 1e-5), member(2, 1e-5)];
    let mut draws = Draws::new(1);
    let mut seconds = [0, 0, 0];
    for _ in 0..1000 {
        let draw = (draws.unit() * 1e18) as u64;
        seconds[ordered(&mut Rotation::new(), &members, &ask(Strategy::Random, draw))[1]] += 1;
    }
    assert!(seconds[0] == 0 && seconds[1] > 400 && seconds[2] > 400, "{seconds:?}");
}

#[test]
fn behind_a_bound_provider_that_ramps_come_those_that_do_not() {
    let mut members = equals(4);
    (members[1].ramp, members[2].ramp) = (0.0, 0.0);
    let bound = Ask { preferred: Some(ProviderId(2)), ..ask(Strategy::Random, 0) };
    for draw in 0..50 {
        let order = ordered(&mut Rotation::new(), &members, &Ask { draw, ..bound });
        assert_eq!((order[0], order[3]), (2, 1), "{order:?}");
    }
}

#[test]
fn nobody_is_a_possible_order() {
    for strategy in ALL {
        assert_eq!(ordered(&mut Rotation::new(), &[], &ask(strategy, 1)), Vec::<usize>::new());
        assert_eq!(ordered(&mut Rotation::new(), &equals(1), &ask(strategy, 1)), [0]);
    }
}

#[test]
fn only_two_strategies_look_at_load() {
    let reading: Vec<Strategy> = ALL.into_iter().filter(|strategy| strategy.reads_load()).collect();
    assert_eq!(reading, [Strategy::LeastInflight, Strategy::Latency]);
}
