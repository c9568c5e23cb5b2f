//! Locks belong to open files, so one process can play both sides.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn record() -> Record {
    Record {
        pid: 4242,
        address: None,
        started: "2026-11-20T10:00:00Z".to_owned(),
        version: "0.1.0".to_owned(),
        config: PathBuf::from("/etc/qcc.yaml"),
        host: None,
        port: Some(7860),
        stopped: None,
    }
}

fn addressed() -> Record {
    Record { address: Some("127.0.0.1:7860".parse().unwrap()), ..record() }
}

#[test]
fn a_claim_is_seen_by_others_and_excludes_them() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let _claim = Claim::take(&path, &addressed()).unwrap().unwrap();
    assert_eq!(running(&path).unwrap().unwrap().record, addressed());
    assert!(Claim::take(&path, &record()).unwrap().is_none());
}

#[test]
fn the_file_is_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("a/b");
    make_directory(&state).unwrap();
    let path = state.join("qcc.pid");
    let _claim = Claim::take(&path, &record()).unwrap().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&path)), (0o700, 0o600));
}

#[test]
fn a_file_that_nobody_locks_names_nobody_and_is_taken_over() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    fs::write(&path, serde_json::to_string(&Record { pid: 1, ..addressed() }).unwrap() + &" ".repeat(500)).unwrap();
    assert!(running(&path).unwrap().is_none());
    let _claim = Claim::take(&path, &record()).unwrap().unwrap();
    assert_eq!(running(&path).unwrap().unwrap().record, record());
}

#[test]
fn a_glance_from_outside_does_not_stop_a_start() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let glance = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
    glance.lock_shared().unwrap();
    let starting = thread::spawn({
        let path = path.clone();
        move || Claim::take(&path, &record()).unwrap().is_some()
    });
    drop(glance);
    assert!(starting.join().unwrap());
}

#[test]
fn a_starting_gateway_is_waited_for_until_it_knows_its_address() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let mut claim = Claim::take(&path, &record()).unwrap().unwrap();
    let seen = running(&path).unwrap().unwrap();
    let waiting = thread::spawn(move || seen.settled(Duration::from_secs(60)).unwrap().record);
    claim.write(&addressed()).unwrap();
    assert_eq!(waiting.join().unwrap(), addressed());
}

#[test]
fn a_gateway_that_dies_while_starting_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let claim = Claim::take(&path, &record()).unwrap().unwrap();
    let seen = running(&path).unwrap().unwrap();
    drop(claim);
    assert!(seen.settled(Duration::from_secs(60)).is_none());
}

#[test]
fn the_last_word_reaches_the_one_who_waits_and_the_file_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let claim = Claim::take(&path, &addressed()).unwrap().unwrap();
    let watch = running(&path).unwrap().unwrap().watch();
    assert_eq!(watch.wait(Duration::ZERO), Waited::Running);
    let stopped = Stopped { finished: 2, cut: 1 };
    claim.retire(&Record { stopped: Some(stopped), ..addressed() }).unwrap();
    assert_eq!(watch.wait(Duration::from_secs(60)), Waited::Ended(Some(stopped)));
    assert!(!path.exists());
}

#[test]
fn a_crash_ends_the_wait_without_a_word() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("qcc.pid");
    let claim = Claim::take(&path, &addressed()).unwrap().unwrap();
    let watch = running(&path).unwrap().unwrap().watch();
    drop(claim);
    assert_eq!(watch.wait(Duration::from_secs(60)), Waited::Ended(None));
}

#[test]
fn no_file_means_that_nothing_runs() {
    let home = tempfile::tempdir().unwrap();
    assert!(running(&home.path().join("qcc.pid")).unwrap().is_none());
}
