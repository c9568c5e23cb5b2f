//! What needs the inside of an open file: a full disk, how it is opened.

use super::*;
use crate::{AttemptOutcome, AttemptRow, Found, RequestRecord, RequestRow, Row, Who};

fn row(to: &str) -> FailoverRow {
    FailoverRow { at_ms: 1, from: None, to: Some(to.to_owned()), reason: "r".repeat(9000), who: Who::Manual }
}

/// Lets the file grow no more.
#[track_caller]
fn fill(store: &Store) {
    let number = |sql: &str| store.connection.query_row(sql, (), |row| row.get::<_, u32>(0)).unwrap();
    let pages = number("PRAGMA page_count");
    assert_eq!(number(&format!("PRAGMA max_page_count = {pages}")), pages);
}

fn request(id: usize) -> Row {
    let provider = format!("provider {id}");
    let request =
        RequestRow { request_id: format!("qcc_{id}"), error: Some("e".repeat(2000)), ..RequestRow::default() };
    let attempt = AttemptRow { provider, outcome: AttemptOutcome::Failure, ..AttemptRow::default() };
    Row::Request(Box::new(RequestRecord { request, attempts: vec![attempt] }))
}

#[test]
fn a_full_disk_refuses_a_batch_of_rows_whole_and_keeps_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("qcc.db")).unwrap();
    store.record(request(0)).unwrap();
    let before = store.stats(0).unwrap();
    fill(&store);
    let batch: Vec<Row> = (1..100).map(request).collect();
    assert_eq!(store.insert(&batch).unwrap_err().fault(), Fault::Full);
    assert_eq!(store.stats(0).unwrap(), before);
    assert!(matches!(store.request("qcc_").unwrap(), Found::One(record) if record.request.request_id == "qcc_0"));
}

#[test]
fn a_full_disk_refuses_the_pin_and_keeps_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.db");
    let mut store = Store::open(&path).unwrap();
    store.set_pin(Some("before"), &row("before")).unwrap();
    fill(&store);
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
