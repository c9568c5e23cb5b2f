//! Files in every state that they should not be in: refused with a reason, and left as they are.

use std::fs;
use std::path::Path;

use qcc_store::{Fault, Row, Store, StoreError};
use rusqlite::Connection;

use crate::support::{Place, answered, row};

#[track_caller]
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let Err(error) = Store::open(path) else { panic!("it was opened") };
    assert_eq!(fs::read(path).ok(), before, "the file was touched");
    assert_eq!(error.path(), path);
    assert!(error.to_string().contains(&path.display().to_string()) && !error.hint().is_empty(), "{error}");
    error
}

/// Changes a file behind the back of the library.
fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::empty();
    fs::write(&place.path, "providers: []\n".repeat(100)).unwrap();
    let error = refused(&place.path);
    assert_eq!(error.fault(), Fault::Corrupt);
    assert_eq!(error.to_string(), format!("the database {} is damaged: file is not a database", place.path.display()));
}

#[test]
fn a_database_that_was_damaged_is_refused() {
    let place = Place::pinned("a");
    let mut bytes = fs::read(&place.path).unwrap();
    // All but the first page, by which a file is known.
    bytes[4096..].fill(0xff);
    fs::write(&place.path, bytes).unwrap();
    let found = Store::open(&place.path).and_then(|store| store.pin().and_then(|_| store.failovers(9)));
    assert_eq!(found.unwrap_err().fault(), Fault::Corrupt);
}

#[test]
fn a_newer_version_is_refused_and_named() {
    let place = Place::pinned("a");
    tamper(&place.path, "PRAGMA user_version = 99");
    let error = refused(&place.path);
    assert_eq!(error.fault(), Fault::Newer { found: 99, known: 3 });
    let told = format!("the database {} has version 99, and this qcc knows 3 at most", place.path.display());
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_database_of_the_first_version_is_brought_up_to_date_and_keeps_what_it_had() {
    let place = Place::empty();
    let first = include_str!("../../migrations/0001.sql");
    tamper(
        &place.path,
        &format!("PRAGMA journal_mode = wal; {first} PRAGMA application_id = 0x71636331; PRAGMA user_version = 1"),
    );
    tamper(
        &place.path,
        "INSERT INTO pin VALUES (1, 'a'); INSERT INTO failovers VALUES (1, 5, NULL, 'a', 'why', 'manual')",
    );
    let mut store = place.open();
    assert_eq!((store.pin().unwrap().as_deref(), store.failovers(9).unwrap()[0].at_ms), (Some("a"), 5));
    store.record(Row::Request(Box::new(answered("qcc_1", 1, "a")))).unwrap();
    assert_eq!(place.request("qcc_1"), answered("qcc_1", 1, "a"));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let place = Place::empty();
    tamper(&place.path, "CREATE TABLE bookmarks (url TEXT)");
    assert_eq!(refused(&place.path).fault(), Fault::Foreign);
    let other = Place::empty();
    tamper(&other.path, "PRAGMA application_id = 7; PRAGMA user_version = 1");
    assert_eq!(refused(&other.path).fault(), Fault::Foreign);
}

#[test]
fn an_empty_file_is_a_new_database() {
    let place = Place::empty();
    fs::write(&place.path, "").unwrap();
    place.open().set_pin(Some("a"), &row(1, None, None)).unwrap();
    assert_eq!(place.open().pin().unwrap().as_deref(), Some("a"));
}

#[test]
fn a_file_that_can_be_read_only_still_tells_the_pin() {
    let place = Place::pinned("a");
    let mut bytes = fs::read(&place.path).unwrap();
    // The write version of the file's format: an unknown one forbids writing, also to the superuser.
    // <https://www.sqlite.org/fileformat.html#file_format_version_numbers>
    bytes[18] = 3;
    fs::write(&place.path, bytes).unwrap();
    let mut store = place.open();
    let error = store.set_pin(None, &row(2, None, None)).unwrap_err();
    assert_eq!(error.fault(), Fault::ReadOnly);
    assert_eq!(error.to_string(), format!("the database {} can be read only", place.path.display()));
    assert_eq!(store.pin().unwrap().as_deref(), Some("a"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::empty();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // The superuser may write everywhere.
    let superuser = fs::create_dir(place.folder.path().join("probe")).is_ok();
    match Store::open(&place.path) {
        Ok(_) => assert!(superuser),
        Err(error) => assert_eq!((error.fault(), superuser), (Fault::Unreachable, false)),
    }
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let place = Place::empty();
    let file = place.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(refused(&file.join("qcc.db")).fault(), Fault::Unreachable);
    assert_eq!(refused(place.folder.path()).fault(), Fault::Unreachable);
}

#[test]
fn a_file_that_another_process_holds_is_refused_after_a_while() {
    let place = Place::pinned("a");
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut store = place.open();
    let error = store.set_pin(None, &row(2, None, None)).unwrap_err();
    assert_eq!(error.fault(), Fault::Locked);
    assert_eq!(store.pin().unwrap().as_deref(), Some("a"));
    other.execute_batch("ROLLBACK").unwrap();
    store.set_pin(None, &row(2, None, None)).unwrap();
}
