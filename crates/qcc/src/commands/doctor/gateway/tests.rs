//! What the log and the record of a gateway say about it.

use super::super::finding::State;
use super::*;

fn record(address: &str) -> Record {
    Record {
        pid: 1,
        address: Some(address.parse().unwrap()),
        started: String::new(),
        version: String::new(),
        config: "/x".into(),
        host: None,
        port: None,
        stopped: None,
    }
}

fn config(proxy: &str) -> Config {
    let text = format!("proxy: {proxy}\n");
    qcc_config::parse(&text, Path::new("config.yaml"), &|_| None).unwrap().config
}

#[test]
fn an_address_that_others_reach_needs_client_keys() {
    let state = |address, proxy| exposed(&record(address), &config(proxy)).map(|finding| finding.state);
    assert_eq!(state("0.0.0.0:7860", "{}"), Some(State::Problem));
    assert_eq!(state("0.0.0.0:7860", "{client_keys: [sesame]}"), None);
    assert_eq!(state("127.0.0.1:7860", "{}"), None);
    assert_eq!(state("[::1]:7860", "{}"), None);
}

#[test]
fn another_address_in_the_file_waits_for_a_restart() {
    let is_moved = |record: &Record, proxy| moved(record, &config(proxy)).is_some();
    let running = record("127.0.0.1:7860");
    assert!(!is_moved(&running, "{}"));
    assert!(!is_moved(&running, "{host: localhost, port: 0}"));
    assert!(is_moved(&running, "{port: 7861}"));
    assert!(is_moved(&running, "{host: '::1'}"));
    // What a flag said at the start counts more than the file, also in a restart.
    let by_flag = Record { host: Some("127.0.0.1".to_owned()), port: Some(7860), ..running };
    assert!(!is_moved(&by_flag, "{host: '::1', port: 7861}"));
}

#[test]
fn a_refusal_counts_until_something_was_taken_into_force() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("qcc.log");
    let refused = r#"{"level":"error","event":"config_refused","error":"error: no such key\n --> x:1:1"}"#;
    let other = r#"{"level":"info","event":"request_finished"}"#;
    let reloaded = r#"{"level":"info","event":"config_reloaded"}"#;
    let after = |lines: &[&str]| {
        fs::write(&log, lines.join("\n") + "\n").unwrap();
        last_refusal(&log)
    };
    assert_eq!(after(&[reloaded, refused, other]).as_deref(), Some("no such key"));
    assert_eq!(after(&[refused, reloaded, other]), None);
    assert_eq!(after(&[other]), None);
    assert_eq!(last_refusal(&folder.path().join("none")), None);
}

#[test]
fn a_pid_of_somebody_else_is_told_from_one_of_nobody() {
    let of = |pid| stale(Path::new("/x/qcc.pid"), Some(&Record { pid, ..record("127.0.0.1:1") })).message;
    if Path::new("/proc/self").exists() {
        assert!(of(std::process::id()).contains("another program"));
    }
    assert!(of(u32::MAX).contains("crashed or was killed"));
    assert!(stale(Path::new("/x/qcc.pid"), None).message.contains("cannot be understood"));
}
