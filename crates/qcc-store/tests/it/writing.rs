//! The thread that writes what comes from traffic, also while it cannot.

use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use qcc_store::{Fault, Found, Report, Row, Writer};
use rusqlite::Connection;

use crate::support::{Place, answered, row};

/// Far more than a write takes.
const LONG: Duration = Duration::from_secs(30);

fn start(place: &Place) -> (Writer, Receiver<Report>) {
    let (tell, reports) = channel();
    let writer = Writer::start(&place.path, move |report| tell.send(report).unwrap()).unwrap();
    (writer, reports)
}

fn change(to: &str) -> Row {
    Row::Failover(row(1, None, Some(to)))
}

fn request(id: &str) -> Row {
    Row::Request(Box::new(answered(id, 1, "a")))
}

#[track_caller]
fn failed(reports: &Receiver<Report>) -> Fault {
    match reports.recv_timeout(LONG).unwrap() {
        Report::Failed(error) => error.fault(),
        Report::Written { lost } => panic!("written, {lost} lost"),
    }
}

#[track_caller]
fn lost(reports: &Receiver<Report>) -> u64 {
    match reports.recv_timeout(LONG).unwrap() {
        Report::Failed(error) => panic!("{error}"),
        Report::Written { lost } => lost,
    }
}

#[test]
fn rows_are_written_in_their_order() {
    let place = Place::empty();
    let (writer, reports) = start(&place);
    for to in ["a", "b", "c"] {
        writer.write(change(to));
    }
    assert!(writer.flush(LONG));
    assert_eq!(place.history(), ["c", "b", "a"]);
    assert!(reports.try_recv().is_err(), "there is nothing to say about that");
}

#[test]
fn what_was_handed_over_before_the_end_is_written() {
    let place = Place::empty();
    let (writer, reports) = start(&place);
    writer.write(change("a"));
    drop(writer);
    // The thread drops its end when it is over.
    assert!(reports.recv_timeout(LONG).is_err());
    assert_eq!(place.history(), ["a"]);
}

#[test]
fn a_database_that_cannot_be_written_is_reported_once_and_its_rows_wait() {
    let place = Place::empty();
    fs::write(&place.path, "this is no database".repeat(100)).unwrap();
    let (writer, reports) = start(&place);
    for to in ["a", "b"] {
        writer.write(change(to));
        assert!(!writer.flush(LONG));
    }
    assert_eq!(failed(&reports), Fault::Corrupt);
    assert!(reports.try_recv().is_err(), "once is enough");
    fs::remove_file(&place.path).unwrap();
    assert!(writer.flush(LONG));
    assert_eq!(lost(&reports), 0);
    assert_eq!(place.history(), ["b", "a"]);
}

#[test]
fn rows_beyond_what_may_wait_are_lost_and_counted() {
    let place = Place::empty();
    fs::create_dir(&place.path).unwrap();
    let (writer, reports) = start(&place);
    for _ in 0..5 {
        for _ in 0..1000 {
            writer.write(change("a"));
        }
        assert!(!writer.flush(LONG));
    }
    assert_eq!(failed(&reports), Fault::Unreachable);
    fs::remove_dir(&place.path).unwrap();
    assert!(writer.flush(LONG));
    assert_eq!(lost(&reports), 5000 - 4096);
    assert_eq!(place.open().failovers(10_000).unwrap().len(), 4096);
}

#[test]
fn a_deleted_database_has_a_successor_with_the_next_row() {
    let place = Place::pinned("a");
    let (writer, _reports) = start(&place);
    writer.write(change("before"));
    assert!(writer.flush(LONG));
    fs::remove_file(&place.path).unwrap();
    writer.write(change("after"));
    assert!(writer.flush(LONG));
    assert_eq!(place.history(), ["after"]);
    assert_eq!(place.open().pin().unwrap(), None);
}

#[test]
fn nobody_waits_for_a_locked_database_and_nothing_is_lost() {
    let place = Place::pinned("a");
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (writer, reports) = start(&place);
    writer.write(change("b"));
    assert_eq!(failed(&reports), Fault::Locked);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(writer.flush(LONG));
    assert_eq!(lost(&reports), 0);
    assert_eq!(place.history(), ["b", "a"]);
}

#[test]
fn a_row_is_written_before_long_without_anybody_asking() {
    let place = Place::pinned("a");
    let (writer, _reports) = start(&place);
    writer.write(request("qcc_1"));
    let until = Instant::now() + LONG;
    while place.open().request("qcc_1").unwrap() == Found::None {
        assert!(Instant::now() < until, "it was never written");
        std::thread::yield_now();
    }
}

#[test]
fn more_rows_than_one_batch_are_all_written_in_their_order() {
    let place = Place::empty();
    let (writer, _reports) = start(&place);
    for n in 0..1_000 {
        writer.write(request(&format!("qcc_{n:03}")));
    }
    assert!(writer.flush(LONG));
    let connection = Connection::open(&place.path).unwrap();
    let ids: Vec<String> = connection
        .prepare("SELECT request_id FROM requests ORDER BY id")
        .unwrap()
        .query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(ids.is_sorted() && ids.len() == 1_000, "{}", ids.len());
    assert_eq!(place.open().stats(0).unwrap().providers[0].traffic.requests, 1_000);
}

#[test]
fn a_flood_of_requests_costs_requests_and_no_change_of_who_leads() {
    let place = Place::empty();
    fs::create_dir(&place.path).unwrap();
    let (writer, reports) = start(&place);
    for n in 0..10_000 {
        writer.write(request(&format!("qcc_{n}")));
    }
    writer.write(change("a"));
    assert!(!writer.flush(LONG));
    assert_eq!(failed(&reports), Fault::Unreachable);
    fs::remove_dir(&place.path).unwrap();
    assert!(writer.flush(LONG));
    assert_eq!(lost(&reports), 10_000 - 4096);
    assert_eq!(place.history(), ["a"]);
    assert_eq!(place.open().stats(0).unwrap().verdicts, [("done".to_owned(), 4096)]);
}

#[test]
fn requests_that_wait_for_a_damaged_database_are_in_its_successor() {
    let place = Place::with([answered("qcc_0", 1, "a")]);
    let mut bytes = fs::read(&place.path).unwrap();
    bytes[100..].fill(0xff);
    fs::write(&place.path, bytes).unwrap();
    let (writer, reports) = start(&place);
    writer.write(request("qcc_1"));
    assert!(!writer.flush(LONG));
    assert_eq!(failed(&reports), Fault::Corrupt);
    fs::remove_file(&place.path).unwrap();
    assert!(writer.flush(LONG));
    assert_eq!(lost(&reports), 0);
    assert_eq!(place.request("qcc"), answered("qcc_1", 1, "a"));
    assert_eq!(place.open().request("qcc_0").unwrap(), Found::None);
}

#[test]
fn nobody_waits_for_a_thread_that_is_gone() {
    let place = Place::empty();
    fs::create_dir(&place.path).unwrap();
    let writer = Writer::start(&place.path, |_| panic!("whoever is told fails")).unwrap();
    writer.write(request("qcc_1"));
    let forever = Duration::from_hours(24);
    assert!(!writer.flush(forever));
    writer.write(request("qcc_2"));
    assert!(!writer.flush(forever));
}
