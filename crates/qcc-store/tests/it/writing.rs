//! The thread that writes what comes from traffic, also while it cannot.

use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use qcc_store::{Fault, Report, Row, Writer};
use rusqlite::Connection;

use crate::support::{Place, row};

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
