//! What the gateway gives away while it runs and at its end, and takes back at its start.

use std::time::Duration;

use qcc_store::{Kept, Row, SessionRow, StateRow, Void, Writer};
use rusqlite::Connection;

use crate::support::{Place, row};

fn state(identity: &str, updated_ms: i64, state: &str) -> StateRow {
    StateRow { identity: identity.to_owned(), updated_ms, state: state.to_owned() }
}

fn session(key: u64, used_ms: i64) -> SessionRow {
    SessionRow { key, used_ms, identity: "p1".to_owned(), state: format!(r#"{{"tokens":{key}}}"#) }
}

fn states<const N: usize>(states: [StateRow; N]) -> Kept {
    Kept { states: states.into(), ..Kept::default() }
}

fn sessions(sessions: impl Into<Vec<SessionRow>>, most_sessions: u32) -> Kept {
    Kept { sessions: sessions.into(), most_sessions, ..Kept::default() }
}

impl Place {
    fn keep(&self, kept: Kept) {
        self.open().record(Row::Kept(Box::new(kept))).unwrap();
    }

    /// The keys of the sessions, the one that was used last first.
    fn sessions(&self) -> Vec<u64> {
        self.open().load_sessions(0, u32::MAX).unwrap().iter().map(|row| row.key).collect()
    }
}

#[test]
fn the_state_of_each_provider_is_the_latest_that_was_saved() {
    let place = Place::empty();
    place.keep(states([state("p1", 1, "{}"), state("p2", 1, "{}")]));
    place.keep(states([state("p1", 2, r#"{"open":true}"#)]));
    place.keep(Kept::default());
    assert_eq!(place.open().load_state().unwrap(), [state("p1", 2, r#"{"open":true}"#), state("p2", 1, "{}")]);
}

#[test]
fn a_provider_of_which_nothing_is_known_any_more_has_no_row() {
    let place = Place::empty();
    place.keep(states([state("p1", 1, "{}"), state("p2", 1, "{}")]));
    place.keep(Kept { cleared: vec!["p1".to_owned(), "p9".to_owned()], ..Kept::default() });
    assert_eq!(place.open().load_state().unwrap(), [state("p2", 1, "{}")]);
}

#[test]
fn states_of_providers_that_are_there_no_more_do_not_pile_up() {
    let place = Place::empty();
    let rows: Vec<StateRow> = (0..10_003).map(|n| state(&format!("p{n}"), n, "{}")).collect();
    place.keep(Kept { states: rows, ..Kept::default() });
    let kept = place.open().load_state().unwrap();
    assert_eq!((kept.len(), kept.last().unwrap().updated_ms), (10_000, 3));
}

#[test]
fn sessions_are_found_again_latest_first() {
    let place = Place::empty();
    place.keep(sessions([session(1, 10), session(u64::MAX, 30), session(3, 20)], 100));
    place.keep(sessions([session(1, 40)], 100));
    let store = place.open();
    assert_eq!(store.load_sessions(0, 100).unwrap(), [session(1, 40), session(u64::MAX, 30), session(3, 20)]);
    assert_eq!(store.load_sessions(0, 1).unwrap(), [session(1, 40)]);
    assert_eq!(store.load_sessions(30, 100).unwrap(), [session(1, 40), session(u64::MAX, 30)]);
}

#[test]
fn of_too_many_sessions_those_that_were_used_last_stay() {
    let place = Place::empty();
    let rows: Vec<SessionRow> = (0..5_000).map(|n: u32| session(n.into(), n.into())).collect();
    for rows in rows.chunks(900) {
        place.keep(sessions(rows, 1_500));
    }
    let kept = place.sessions();
    assert_eq!((kept.len(), kept.last()), (1_500, Some(&3_500)));
}

#[test]
fn sessions_of_a_provider_that_lost_them_go_before_newer_ones_come() {
    let place = Place::empty();
    let elsewhere = SessionRow { identity: "p2".to_owned(), ..session(2, 20) };
    place.keep(sessions([session(1, 10), elsewhere], 100));
    let void = Void::Of(vec!["p1".to_owned()]);
    place.keep(Kept { void, ..sessions([session(3, 30)], 100) });
    assert_eq!(place.sessions(), [3, 2]);
    place.keep(Kept { void: Void::Everything, ..sessions([session(4, 40)], 100) });
    assert_eq!(place.sessions(), [4]);
}

#[test]
fn a_session_that_ended_has_no_row() {
    let place = Place::empty();
    place.keep(sessions([session(u64::MAX, 10), session(2, 20)], 100));
    place.keep(Kept { ended: vec![u64::MAX, 7], ..Kept::default() });
    assert_eq!(place.sessions(), [2]);
}

#[test]
fn who_switches_means_every_session() {
    let place = Place::empty();
    place.keep(sessions([session(1, 10)], 100));
    place.open().set_pin(Some("backup"), &row(1, None, Some("backup"))).unwrap();
    assert_eq!(place.sessions(), []);
}

#[test]
fn it_is_all_written_or_nothing() {
    let place = Place::empty();
    place.keep(Kept { states: vec![state("p1", 1, "{}")], ..sessions([session(1, 10)], 100) });
    Connection::open(&place.path)
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER t BEFORE INSERT ON sessions WHEN new.key = 2 BEGIN SELECT raise(ABORT, 'no'); END",
        )
        .unwrap();
    let more = Kept { states: vec![state("p1", 2, "[]")], void: Void::Everything, ..sessions([session(2, 20)], 100) };
    place.open().record(Row::Kept(Box::new(more))).unwrap_err();
    assert_eq!(place.open().load_state().unwrap(), [state("p1", 1, "{}")]);
    assert_eq!(place.sessions(), [1]);
}

#[test]
fn while_the_database_cannot_be_written_only_so_much_waits_and_there_is_room_again_afterwards() {
    let place = Place::empty();
    drop(place.open());
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writer = Writer::start(&place.path, |_| {}).unwrap();
    let mut handed_over = 0;
    while writer.has_room() {
        writer.write(Row::Kept(Box::new(sessions([session(handed_over, 1)], 100))));
        handed_over += 1;
    }
    assert_eq!(handed_over, 8);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(writer.flush(Duration::from_secs(30)));
    assert!(writer.has_room());
    assert_eq!(place.sessions().len(), 8);
}
