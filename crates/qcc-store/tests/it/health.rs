//! Probes and changes of providers, found again.

use qcc_store::{HealthCheckRow, ProviderEventRow, Row};

use crate::support::Place;

fn check(at_ms: i64, provider: &str) -> HealthCheckRow {
    HealthCheckRow {
        at_ms,
        provider: provider.to_owned(),
        kind: "conversation".into(),
        ok: true,
        score: Some(100),
        class: Some("healthy".into()),
        took_ms: 700,
        detail: Some("the code came back".to_owned()),
    }
}

fn event(at_ms: i64, provider: &str) -> ProviderEventRow {
    ProviderEventRow {
        at_ms,
        provider: provider.to_owned(),
        model: Some("m".to_owned()),
        kind: "opened".into(),
        reason: Some("3 failures in a row".to_owned()),
        failures: 3,
        next_try_ms: Some(at_ms + 60_000),
    }
}

#[test]
fn the_probes_of_a_provider_are_told_newest_first_and_only_as_far_as_asked() {
    let place = Place::empty();
    let mut store = place.open();
    let little = HealthCheckRow { ok: false, score: None, class: None, detail: None, ..check(3, "a") };
    for row in [check(1, "a"), little.clone(), check(2, "a"), check(9, "b")] {
        store.record(Row::HealthCheck(row)).unwrap();
    }
    assert_eq!(store.health_history("a", 9).unwrap(), [little.clone(), check(2, "a"), check(1, "a")]);
    assert_eq!(store.health_history("a", 1).unwrap(), [little]);
    assert_eq!(store.health_history("c", 9).unwrap(), []);
}

#[test]
fn the_probes_of_a_kind_since_a_moment_are_counted_by_provider() {
    let place = Place::empty();
    let mut store = place.open();
    let free = HealthCheckRow { kind: "api".into(), ..check(5, "a") };
    for row in [check(1, "a"), check(4, "a"), check(5, "a"), free, check(9, "b")] {
        store.record(Row::HealthCheck(row)).unwrap();
    }
    let counted = store.checks_since("conversation", 4).unwrap();
    assert_eq!(counted, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(store.checks_since("connection", 0).unwrap(), []);
}

#[test]
fn the_events_of_one_provider_or_of_all_are_told_newest_first() {
    let place = Place::empty();
    let mut store = place.open();
    let little = ProviderEventRow { model: None, reason: None, next_try_ms: None, ..event(3, "a") };
    for row in [event(1, "a"), little.clone(), event(2, "b")] {
        store.record(Row::ProviderEvent(row)).unwrap();
    }
    assert_eq!(store.provider_events(None, 9).unwrap(), [little.clone(), event(2, "b"), event(1, "a")]);
    assert_eq!(store.provider_events(Some("a"), 9).unwrap(), [little.clone(), event(1, "a")]);
    assert_eq!(store.provider_events(None, 1).unwrap(), [little]);
}
