//! What is kept, and that it is found again.

use qcc_store::{FailoverRow, Store, Who};

use crate::support::{Place, row};

#[test]
fn a_pin_survives_until_it_is_taken_back() {
    let place = Place::empty();
    assert_eq!(place.open().pin().unwrap(), None);
    place.open().set_pin(Some("production"), &row(1, None, Some("production"))).unwrap();
    assert_eq!(place.open().pin().unwrap().as_deref(), Some("production"));
    place.open().set_pin(Some("备份 'x'"), &row(2, None, None)).unwrap();
    assert_eq!(place.open().pin().unwrap().as_deref(), Some("备份 'x'"));
    place.open().set_pin(None, &row(3, None, None)).unwrap();
    assert_eq!(place.open().pin().unwrap(), None);
}

#[test]
fn every_change_of_the_pin_is_in_the_history() {
    let place = Place::empty();
    let change = FailoverRow {
        at_ms: 1_763_632_800_123,
        from: Some("production".to_owned()),
        to: None,
        reason: "unpinned".to_owned(),
        who: Who::Automatic,
    };
    place.open().set_pin(None, &change).unwrap();
    assert_eq!(place.open().failovers(9).unwrap(), [change]);
}

#[test]
fn the_history_is_told_newest_first_and_only_as_far_as_asked() {
    let place = Place::empty();
    let mut store = place.open();
    for (at, to) in [(1, "a"), (3, "d"), (2, "b"), (2, "c")] {
        store.record_failover(&row(at, None, Some(to))).unwrap();
    }
    assert_eq!(place.history(), ["d", "c", "b", "a"]);
    assert_eq!(store.failovers(2).unwrap().len(), 2);
    assert_eq!(store.failovers(0).unwrap(), []);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_file_or_the_folders_that_were_made_for_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::empty();
    let path = place.folder.path().join("new/deep/qcc.db");
    let mut store = Store::open(&path).unwrap();
    store.set_pin(Some("a"), &row(1, None, None)).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.folder.path().join("new")), mode(&place.folder.path().join("new/deep"))), (0o700, 0o700));
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let modes: Vec<_> = files.map(|file| (mode(&file), file)).collect();
    assert!(modes.iter().all(|(mode, _)| *mode == 0o600), "{modes:?}");
}

#[test]
fn looking_for_a_database_makes_none() {
    let place = Place::empty();
    assert!(Store::open_existing(&place.path).unwrap().is_none());
    assert!(!place.path.exists());
    drop(place.open());
    assert_eq!(Store::open_existing(&place.path).unwrap().unwrap().pin().unwrap(), None);
}

#[test]
fn the_gateway_and_a_command_have_it_open_together() {
    let place = Place::empty();
    let (mut gateway, mut command) = (place.open(), place.open());
    command.set_pin(Some("a"), &row(1, None, Some("a"))).unwrap();
    assert_eq!(gateway.pin().unwrap().as_deref(), Some("a"));
    gateway.record_failover(&row(2, None, Some("b"))).unwrap();
    command.set_pin(None, &row(3, None, Some("c"))).unwrap();
    assert_eq!(gateway.failovers(9).unwrap(), command.failovers(9).unwrap());
    assert_eq!(place.history(), ["c", "b", "a"]);
}

#[test]
fn many_that_open_a_new_file_at_once_all_find_it_whole() {
    let place = Place::empty();
    std::thread::scope(|scope| {
        for at in 0..16 {
            let path = &place.path;
            scope.spawn(move || {
                let mut store = Store::open(path).unwrap();
                store.set_pin(Some("p"), &row(at, None, Some("p"))).unwrap();
            });
        }
    });
    assert_eq!(place.history().len(), 16);
    assert_eq!(place.open().pin().unwrap().as_deref(), Some("p"));
}
