//! What the gateway gives away at its end, and takes back at its start.

use qcc_store::{SessionRow, StateRow};
use rusqlite::Connection;

use crate::support::Place;

fn state(identity: &str, updated_ms: i64, state: &str) -> StateRow {
    StateRow { identity: identity.to_owned(), updated_ms, state: state.to_owned() }
}

fn session(key: u64, used_ms: i64) -> SessionRow {
    SessionRow { key, used_ms, identity: "p1".to_owned(), state: format!(r#"{{"tokens":{key}}}"#) }
}

#[test]
fn the_state_of_each_provider_is_the_latest_that_was_saved() {
    let place = Place::empty();
    place.open().save_state(&[state("p1", 1, "{}"), state("p2", 1, "{}")]).unwrap();
    place.open().save_state(&[state("p1", 2, r#"{"open":true}"#)]).unwrap();
    place.open().save_state(&[]).unwrap();
    assert_eq!(place.open().load_state().unwrap(), [state("p1", 2, r#"{"open":true}"#), state("p2", 1, "{}")]);
}

#[test]
fn states_of_providers_that_are_there_no_more_do_not_pile_up() {
    let place = Place::empty();
    let rows: Vec<StateRow> = (0..10_003).map(|n| state(&format!("p{n}"), n, "{}")).collect();
    place.open().save_state(&rows).unwrap();
    let kept = place.open().load_state().unwrap();
    assert_eq!((kept.len(), kept.last().unwrap().updated_ms), (10_000, 3));
}

#[test]
fn sessions_are_found_again_latest_first() {
    let place = Place::empty();
    let mut store = place.open();
    store.save_sessions(&[session(1, 10), session(u64::MAX, 30), session(3, 20)], 100).unwrap();
    store.save_sessions(&[session(1, 40)], 100).unwrap();
    assert_eq!(store.load_sessions(0, 100).unwrap(), [session(1, 40), session(u64::MAX, 30), session(3, 20)]);
    assert_eq!(store.load_sessions(0, 1).unwrap(), [session(1, 40)]);
    assert_eq!(store.load_sessions(30, 100).unwrap(), [session(1, 40), session(u64::MAX, 30)]);
}

#[test]
fn of_too_many_sessions_those_that_were_used_last_stay() {
    let place = Place::empty();
    let mut store = place.open();
    let rows: Vec<SessionRow> = (0..5_000).map(|n: u32| session(n.into(), n.into())).collect();
    store.save_sessions(&rows, 1_500).unwrap();
    let kept = store.load_sessions(0, 10_000).unwrap();
    assert_eq!((kept.len(), kept.last()), (1_500, Some(&session(3_500, 3_500))));
    store.save_sessions(&[], 0).unwrap();
    assert_eq!(store.load_sessions(0, 10_000).unwrap(), []);
}

#[test]
fn states_are_saved_together_or_not_at_all() {
    let place = Place::empty();
    let mut store = place.open();
    store.save_state(&[state("p1", 1, "{}")]).unwrap();
    Connection::open(&place.path)
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER t BEFORE INSERT ON provider_state WHEN new.identity = 'p2' BEGIN SELECT raise(ABORT, 'no'); END",
        )
        .unwrap();
    store.save_state(&[state("p1", 2, "[]"), state("p2", 2, "[]")]).unwrap_err();
    assert_eq!(store.load_state().unwrap(), [state("p1", 1, "{}")]);
}
