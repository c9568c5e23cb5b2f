//! Whose fault it was: the provider's, its model's, or its host's load.

use super::*;

/// Three faults in a row trip.
fn gateway() -> Gateway {
    let mut gateway = Gateway::new(Strategy::Priority, 3);
    let mut settings = settings();
    settings.breaker.failure_threshold = 3;
    gateway.engine.configure(settings);
    gateway
}

fn asked_for(model: &str) -> Target {
    Target { model: model.into(), ..target(0) }
}

fn fails(gateway: &mut Gateway, model: &str, charge: Charge) -> Option<Transition> {
    let target = asked_for(model);
    let attempt = gateway.engine.begin(&target, 100, true, gateway.now).expect("it is at no limit");
    let mut spent = gateway.engine.end(attempt, true, None, gateway.now);
    gateway.engine.charge(&mut spent, &target, charge, 0, gateway.now)
}

fn works(gateway: &mut Gateway, model: &str) -> Option<Transition> {
    let target = asked_for(model);
    let attempt = gateway.engine.begin(&target, 100, true, gateway.now).expect("it is at no limit");
    gateway.engine.succeed(attempt, &target, None, None, gateway.now).0
}

fn is_out(gateway: &mut Gateway, model: &str) -> Option<Reason> {
    out(gateway.engine.standing(&asked_for(model), 100, gateway.now)).map(|(_, reason)| reason)
}

#[test]
fn a_model_that_fails_while_another_is_served_is_out_alone() {
    let mut gateway = gateway();
    let mut news = None;
    for _ in 0..3 {
        works(&mut gateway, "haiku");
        news = fails(&mut gateway, "opus", Charge::MODEL_FAULT);
    }
    let Some(Transition::Out { model, reason, .. }) = news else { panic!("{news:?}") };
    assert_eq!((model.as_deref(), reason), (Some("opus"), Reason::ModelFault));
    assert_eq!(is_out(&mut gateway, "opus"), Some(Reason::ModelFault));
    assert_eq!(is_out(&mut gateway, "haiku"), None);
    let absent = gateway.engine.absent(gateway.now);
    assert_eq!((absent.len(), absent[0].model.as_deref()), (1, Some("opus")));
    gateway.pass_time(OPEN);
    assert_eq!(is_out(&mut gateway, "opus"), None, "it is half-open");
    let back = works(&mut gateway, "opus");
    assert!(matches!(back, Some(Transition::Back { reason: Reason::ModelFault, .. })), "{back:?}");
}

#[test]
fn a_provider_that_fails_at_everything_is_out_as_a_whole_and_its_models_begin_anew() {
    let mut gateway = gateway();
    fails(&mut gateway, "opus", Charge::MODEL_FAULT);
    fails(&mut gateway, "opus", Charge::MODEL_FAULT);
    let news = fails(&mut gateway, "haiku", Charge::MODEL_FAULT);
    assert!(matches!(news, Some(Transition::Out { model: None, reason: Reason::Fault, .. })), "{news:?}");
    gateway.pass_time(OPEN);
    works(&mut gateway, "haiku");
    assert_eq!(fails(&mut gateway, "opus", Charge::MODEL_FAULT), None, "the first one in a row again");
    assert_eq!(is_out(&mut gateway, "opus"), None);
}

#[test]
fn a_fault_on_the_way_to_the_provider_says_nothing_of_the_model() {
    let mut gateway = gateway();
    for _ in 0..5 {
        works(&mut gateway, "haiku");
        assert_eq!(fails(&mut gateway, "opus", Charge::FAULT), None);
    }
    assert_eq!(is_out(&mut gateway, "opus"), None);
}

#[test]
fn a_half_open_model_lets_one_probe_pass() {
    let mut gateway = gateway();
    for _ in 0..3 {
        works(&mut gateway, "haiku");
        fails(&mut gateway, "opus", Charge::MODEL_FAULT);
    }
    gateway.pass_time(OPEN);
    let opus = asked_for("opus");
    let probe = gateway.engine.begin(&opus, 100, true, gateway.now).expect("it is at no limit");
    assert_eq!(is_out(&mut gateway, "opus"), Some(Reason::ModelFault));
    let mut spent = gateway.engine.end(probe, false, None, gateway.now);
    gateway.engine.release(&mut spent, &opus);
    assert_eq!(is_out(&mut gateway, "opus"), None, "a client that left frees it");
}

#[test]
fn a_model_is_back_when_somebody_enables_its_provider() {
    let mut gateway = gateway();
    for _ in 0..3 {
        works(&mut gateway, "haiku");
        fails(&mut gateway, "opus", Charge::MODEL_FAULT);
    }
    assert_eq!(gateway.engine.reset(ProviderId(0), gateway.now), 1);
    assert_eq!(is_out(&mut gateway, "opus"), None);
}

#[test]
fn the_host_of_an_overloaded_provider_comes_last_but_for_a_warm_session() {
    let mut gateway = gateway();
    for (provider, host) in [(0, 1), (1, 1), (2, 2)] {
        gateway.engine.place(ProviderId(provider), host);
    }
    gateway.serve(1, 1);
    gateway.engine.overloaded(ProviderId(0), session(1).model, gateway.now);
    assert_eq!(gateway.order_for(2)[0], 2);
    assert_eq!(gateway.order_for(1)[..2], [1, 2]);
    gateway.pass_time(10);
    let firsts: Vec<u32> = (2..5).map(|session| gateway.order_for(session)[0]).collect();
    assert!((0..3).all(|provider| firsts.contains(&provider)), "they take turns again: {firsts:?}");
}

#[test]
fn a_provider_that_announced_that_nothing_remains_is_skipped_until_its_reset() {
    let mut gateway = gateway();
    let counter = crate::limit::Counter { limit: Some(50), remaining: 0, reset: secs(20) };
    let said = Announced { requests: Some(counter), ..Announced::default() };
    let until = gateway.engine.announced(&asked_for("opus"), &said, gateway.now);
    assert_eq!(until, Some(gateway.now + secs(20)));
    assert_eq!(is_out(&mut gateway, "opus"), Some(Reason::Limited));
    assert_eq!(is_out(&mut gateway, "haiku"), None, "it is another count");
    gateway.pass_time(20);
    assert_eq!(is_out(&mut gateway, "opus"), None);
}
