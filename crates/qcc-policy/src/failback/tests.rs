//! A tier of two providers, 1 and 2.

use super::*;
use crate::testing::{secs, start};

const TIER: [ProviderId; 2] = [ProviderId(1), ProviderId(2)];

struct Tier {
    failback: Failback,
    start: Instant,
}

impl Tier {
    fn new(recovery: bool, cooldown: u64) -> Self {
        Self { failback: Failback::new(FailbackSettings { recovery, cooldown: secs(cooldown) }), start: start() }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + secs(second)
    }

    /// Out at `from`; back at `until`.
    fn breaks(&mut self, provider: usize, from: u64, until: u64) {
        self.failback.out(TIER[provider], None, self.at(from));
        self.failback.back(TIER[provider], self.at(until));
    }

    fn is_held_back(&self, second: u64) -> bool {
        self.failback.is_held_back(TIER, self.at(second))
    }
}

#[test]
fn a_tier_that_was_never_left_is_not_held_back() {
    let mut tier = Tier::new(true, 300);
    assert!(!tier.is_held_back(0));
    tier.breaks(0, 10, 70);
    assert!(!tier.is_held_back(71));
    // The other one fails later: at no time were both out.
    tier.breaks(1, 80, 140);
    assert!(!tier.is_held_back(141));
    assert!(!tier.failback.is_held_back([], tier.at(1)));
}

#[test]
fn new_sessions_return_when_the_tier_has_been_back_for_the_cooldown() {
    let mut tier = Tier::new(true, 300);
    tier.breaks(0, 10, 70);
    tier.breaks(1, 20, 200);
    assert!(tier.is_held_back(71));
    assert!(tier.is_held_back(369));
    assert!(!tier.is_held_back(370));
}

#[test]
fn while_nobody_knows_whether_the_tier_is_back_it_keeps_its_place_so_that_it_is_probed() {
    let mut tier = Tier::new(true, 300);
    tier.failback.out(TIER[0], None, tier.at(10));
    tier.failback.out(TIER[1], Some(tier.at(100)), tier.at(20));
    assert!(!tier.is_held_back(30));
    assert!(tier.is_held_back(101));
}

#[test]
fn an_announced_absence_ends_by_itself_and_is_lengthened_by_another() {
    let mut tier = Tier::new(true, 60);
    tier.failback.out(TIER[0], Some(tier.at(30)), tier.at(10));
    tier.failback.out(TIER[0], Some(tier.at(20)), tier.at(11));
    tier.failback.out(TIER[1], Some(tier.at(90)), tier.at(12));
    assert!(tier.is_held_back(30));
    assert!(!tier.is_held_back(90));
}

#[test]
fn without_recovery_only_somebodys_word_ends_it() {
    let mut tier = Tier::new(false, 1);
    tier.breaks(0, 10, 70);
    tier.failback.out(TIER[1], None, tier.at(20));
    assert!(tier.is_held_back(30));
    assert!(tier.is_held_back(1_000_000));
    tier.failback.switch();
    assert!(!tier.is_held_back(1_000_000));
}

#[test]
fn without_a_cooldown_and_for_a_forgotten_member_the_tier_returns_at_once() {
    let mut tier = Tier::new(true, 0);
    tier.breaks(0, 10, 70);
    tier.breaks(1, 10, 70);
    assert!(!tier.is_held_back(70));
    let mut tier = Tier::new(true, 300);
    tier.breaks(0, 10, 70);
    tier.breaks(1, 10, 70);
    tier.failback.forget(TIER[0]);
    assert!(!tier.is_held_back(71));
}

#[test]
fn instants_out_of_order_never_hold_a_tier_back_for_longer_than_the_cooldown() {
    let mut tier = Tier::new(true, 300);
    tier.breaks(0, 70, 10);
    tier.breaks(1, 50, 40);
    assert!(!tier.is_held_back(400));
}
