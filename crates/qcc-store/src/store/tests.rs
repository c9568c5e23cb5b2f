//! What needs the inside of an open file: a full disk, an older layout.

use super::*;
use crate::Who;

fn row(to: &str) -> FailoverRow {
    FailoverRow { at_ms: 1, from: None, to: Some(to.to_owned()), reason: "r".repeat(9000), who: Who::Manual }
}

#[test]
fn a_full_disk_refuses_the_pin_and_keeps_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.db");
    let mut store = Store::open(&path).unwrap();
    store.set_pin(Some("before"), &row("before")).unwrap();
    let pages: u32 = store.connection.query_row("PRAGMA page_count", (), |row| row.get(0)).unwrap();
    let limit: u32 =
        store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |row| row.get(0)).unwrap();
    assert_eq!(limit, pages);
    let error = store.set_pin(Some("after"), &row("after")).unwrap_err();
    assert_eq!(error.fault(), Fault::Full);
    assert_eq!(error.to_string(), format!("the disk with the database {} is full", path.display()));
    assert_eq!((store.pin().unwrap().as_deref(), store.failovers(9).unwrap().len()), (Some("before"), 1));
}

#[test]
fn the_file_is_written_ahead_and_waits_for_other_writers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("qcc.db")).unwrap();
    let text = |sql: &str| store.connection.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap();
    let number = |sql: &str| store.connection.query_row(sql, (), |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(text("PRAGMA journal_mode"), "wal");
    assert_eq!((number("PRAGMA synchronous"), number("PRAGMA busy_timeout")), (1, 2000));
}
