//! Leaving a tier and returning to it.

use super::*;

const COOLDOWN: u64 = 300;

/// Two primaries and a secondary.
fn gateway(recovery: bool) -> Gateway {
    let tiers = [(Tier::Primary, Strategy::Priority, 0..2), (Tier::Secondary, Strategy::Priority, 2..3)];
    let mut gateway = Gateway::of_tiers(&tiers);
    let mut settings = settings();
    settings.failback = FailbackSettings { recovery, cooldown: secs(COOLDOWN) };
    settings.affinity.recovery = recovery;
    gateway.engine.configure(settings);
    gateway
}

/// Both primaries fail, and are back after the breaker's time.
fn comes_and_goes(gateway: &mut Gateway) {
    gateway.fault(0);
    gateway.fault(1);
    gateway.pass_time(OPEN);
    for provider in 0..2 {
        let probe = gateway.begin(provider);
        gateway.succeed(provider, probe);
    }
}

fn leader(gateway: &mut Gateway) -> usize {
    gateway.engine.lead(&gateway.router, gateway.now).expect("there are profiles").profile
}

#[test]
fn new_sessions_return_to_a_tier_when_it_has_been_back_for_the_cooldown() {
    let mut gateway = gateway(true);
    comes_and_goes(&mut gateway);
    assert_eq!(gateway.order_for(1)[0], 2);
    assert_eq!(leader(&mut gateway), 1);
    gateway.pass_time(COOLDOWN - 1);
    assert_eq!(gateway.order_for(2)[0], 2);
    gateway.pass_time(1);
    assert_eq!(gateway.order_for(3)[2], 2);
    assert_eq!(leader(&mut gateway), 0);
}

#[test]
fn while_nobody_knows_when_the_tier_is_back_it_keeps_its_place_so_that_it_is_probed() {
    let mut gateway = gateway(true);
    gateway.fault(0);
    gateway.fault(1);
    assert_eq!(gateway.order_for(1)[2], 2);
    gateway.pass_time(OPEN);
    assert_eq!(gateway.order_for(1)[2], 2);
    assert_eq!(gateway.standing(0), None);
}

#[test]
fn a_warm_session_goes_on_where_its_cache_is_during_the_cooldown() {
    let mut gateway = gateway(true);
    gateway.serve(1, 0);
    comes_and_goes(&mut gateway);
    assert_eq!(gateway.order_for(1), [0, 2, 1]);
}

#[test]
fn a_tier_that_kept_one_provider_was_not_left() {
    let mut gateway = gateway(true);
    gateway.fault(0);
    gateway.pass_time(OPEN);
    let probe = gateway.begin(0);
    gateway.succeed(0, probe);
    assert_eq!(gateway.order_for(1)[2], 2);
}

#[test]
fn when_the_lower_tier_fails_too_the_better_one_is_asked_at_once() {
    let mut gateway = gateway(true);
    comes_and_goes(&mut gateway);
    gateway.fault(2);
    assert_eq!(gateway.order_for(1)[0], 2);
    assert!(gateway.standing(2).is_some(), "so it is skipped");
    assert_eq!(gateway.standing(0), None);
}

#[test]
fn without_recovery_new_sessions_stay_until_somebody_switches() {
    let mut gateway = gateway(false);
    comes_and_goes(&mut gateway);
    gateway.pass_time(1_000_000);
    assert_eq!(gateway.order_for(1)[0], 2);
    gateway.engine.switch(gateway.now);
    assert_eq!(gateway.order_for(1)[2], 2);
}

#[test]
fn a_tier_that_is_at_the_users_own_limits_was_not_left() {
    let mut gateway = gateway(true);
    for provider in 0..2 {
        gateway.engine.limit(ProviderId(provider), Caps { rpm: 1, ..Caps::default() });
        let attempt = gateway.begin(provider);
        gateway.succeed(provider, attempt);
    }
    assert!(gateway.standing(0).is_some());
    gateway.pass_time(61);
    assert_eq!(gateway.order_for(1)[2], 2);
}

#[test]
fn a_charge_that_is_refunded_was_no_absence() {
    let mut gateway = gateway(true);
    let spent: Vec<Spent> = (0..2).map(|provider| gateway.fault(provider).0).collect();
    for (provider, spent) in (0..).zip(&spent) {
        gateway.engine.refund(spent, &target(provider), Charge::FAULT, gateway.now, gateway.now);
    }
    assert_eq!(gateway.order_for(1)[2], 2);
}
