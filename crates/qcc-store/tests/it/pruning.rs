//! What is old goes, what is not stays, and nobody waits for it.

use qcc_store::{Found, HealthCheckRow, Kept, ProviderEventRow, Row, SessionRow, StateRow, Store};
use rusqlite::Connection;

use crate::support::{Place, answered, row};

const HOUR: i64 = 3_600_000;

/// One row of every kind at each of these moments.
fn everything(at: &[i64]) -> Place {
    let place = Place::empty();
    let mut store = place.open();
    for at_ms in at.iter().copied() {
        let name = at_ms.to_string();
        store.record(Row::Request(Box::new(answered(&name, at_ms, "a")))).unwrap();
        store.record(Row::Failover(row(at_ms, None, Some(&name)))).unwrap();
        let (provider, kind) = (name.clone(), "k");
        let check = HealthCheckRow {
            at_ms,
            provider,
            kind: kind.into(),
            ok: true,
            score: None,
            class: None,
            took_ms: 1,
            detail: None,
        };
        store.record(Row::HealthCheck(check)).unwrap();
        let event = ProviderEventRow {
            at_ms,
            provider: name.clone(),
            model: None,
            kind: kind.into(),
            reason: None,
            failures: 1,
            next_try_ms: None,
        };
        store.record(Row::ProviderEvent(event)).unwrap();
        let kept = Kept {
            states: vec![StateRow { identity: name.clone(), updated_ms: at_ms, state: name.clone() }],
            sessions: vec![SessionRow {
                key: at_ms.unsigned_abs(),
                used_ms: at_ms,
                identity: name.clone(),
                state: name,
            }],
            most_sessions: 100,
            ..Kept::default()
        };
        store.record(Row::Kept(Box::new(kept))).unwrap();
    }
    place
}

/// Rows of each table.
fn rows(place: &Place) -> Vec<(String, u32)> {
    let connection = Connection::open(&place.path).unwrap();
    let tables =
        "requests attempts failovers health_checks provider_events provider_state sessions hours hour_verdicts";
    let count = |table: &str| connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0));
    tables.split(' ').map(|table| (table.to_owned(), count(table).unwrap())).collect()
}

fn prune_all(store: &mut Store, before_ms: i64, batch: u32) -> Vec<u64> {
    let deletions = std::iter::repeat_with(|| store.prune(before_ms, batch).unwrap());
    deletions.take_while(|deleted| *deleted > 0).collect()
}

#[test]
fn of_every_kind_only_what_is_older_goes() {
    let place = everything(&[HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]);
    assert!(rows(&place).iter().all(|(_, count)| *count == 4), "{:?}", rows(&place));
    let mut store = place.open();
    assert_eq!(prune_all(&mut store, 3 * HOUR, 100), [2 * 8]);
    assert!(rows(&place).iter().all(|(_, count)| *count == 2), "{:?}", rows(&place));
    let (old, kept) = ((2 * HOUR).to_string(), (3 * HOUR).to_string());
    assert_eq!(store.request(&old).unwrap(), Found::None);
    assert_eq!(place.request(&kept), answered(&kept, 3 * HOUR, "a"));
    assert_eq!(store.load_sessions(0, 9).unwrap().len(), 2);
    assert_eq!(store.stats(0).unwrap().providers[0].traffic.requests, 2);
}

#[test]
fn a_batch_bounds_what_goes_at_once() {
    let place = everything(&(0..10).map(|n| n * HOUR).collect::<Vec<_>>());
    // Of the failovers, the latest stays.
    assert_eq!(prune_all(&mut place.open(), 100 * HOUR, 4), [32, 32, 15]);
    assert_eq!(prune_all(&mut place.open(), 100 * HOUR, 0), [0; 0]);
}

#[test]
fn an_hour_is_summed_until_all_of_it_is_old() {
    let place = everything(&[HOUR]);
    prune_all(&mut place.open(), 2 * HOUR - 1, 100);
    assert_eq!(place.open().stats(0).unwrap().providers.len(), 1);
    prune_all(&mut place.open(), 2 * HOUR, 100);
    assert_eq!(place.open().stats(0).unwrap().providers.len(), 0);
}

#[test]
fn the_pin_and_who_led_last_are_never_forgotten() {
    let place = Place::pinned("a");
    place.open().record_failover(&row(2, None, Some("b"))).unwrap();
    assert_eq!(prune_all(&mut place.open(), i64::MAX, 100), [1]);
    assert_eq!(place.history(), ["b"]);
    assert_eq!(place.open().pin().unwrap().as_deref(), Some("a"));
}
