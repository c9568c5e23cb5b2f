//! `qcc proxy logs`, on a log that the test wrote.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};

use insta::assert_snapshot;

use crate::home::{Home, Lines};

const LOG: &str = r#"{"time":"2026-11-20T10:00:00.000Z","level":"info","event":"gateway_started","address":"http://127.0.0.1:7860"}
{"time":"2026-11-20T10:00:01.000Z","level":"warn","event":"attempt_failed","provider":"relay","error":"it timed out"}
{"time":"2026-11-20T10:00:02.000Z","level":"error","event":"request_finished","provider":"relay","status":503}
"#;

fn logged() -> Home {
    let home = Home::empty();
    std::fs::write(home.path("qcc.log"), LOG).unwrap();
    home
}

#[test]
fn lines_are_shown_as_people_read_them() {
    let home = logged();
    assert_snapshot!(home.qcc(&["proxy", "logs"]).out, @r#"
    10:00:00 info  gateway started    address=http://127.0.0.1:7860
    10:00:01 warn  attempt failed     provider=relay error="it timed out"
    10:00:02 error request finished   provider=relay status=503
    "#);
}

#[test]
fn level_pattern_and_number_narrow_it_down() {
    let home = logged();
    let count = |arguments: &[&str]| home.qcc(&[&["proxy", "logs"], arguments].concat()).out.lines().count();
    assert_eq!(count(&["-n", "2"]), 2);
    assert_eq!(count(&["--level", "warn"]), 2);
    assert_eq!(count(&["--level", "ERROR"]), 1);
    assert_eq!(count(&["--grep", "relay", "-n", "1"]), 1);
    assert_eq!(count(&["--grep", "timed.out"]), 1);
    assert_eq!(count(&["--grep", "nothing"]), 0);
}

#[test]
fn with_json_the_lines_are_as_they_were_written() {
    let home = logged();
    assert_eq!(home.qcc(&["proxy", "logs", "--json"]).out, LOG);
}

#[test]
fn a_rotated_file_is_read_when_more_lines_are_wanted() {
    let home = logged();
    std::fs::write(home.path("qcc.log.1"), LOG.replace(":00:0", ":59:0")).unwrap();
    let shown = home.qcc(&["proxy", "logs", "-n", "4"]).out;
    assert_eq!(shown.lines().count(), 4);
    assert!(shown.starts_with("10:59:02"), "{shown}");
}

#[test]
fn a_broken_pattern_is_wrong_usage() {
    let home = logged();
    assert_snapshot!(home.qcc(&["proxy", "logs", "--grep", "a("]).shown(&home), @r"
    exit 2
    --- stderr
    error: `a(` is not a regular expression: unclosed group
    hint: write a backslash before a character that is meant as it is, such as \(
    ");
}

#[test]
fn without_a_log_it_says_so() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["proxy", "logs"]).shown(&home), @r"
    exit 0
    --- stderr
    note: nothing was logged yet: [home]/qcc.log does not exist
    ");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let home = logged();
    std::fs::write(home.path("qcc.log"), LOG.repeat(2_000)).unwrap();
    let mut child = home.spawn(&["proxy", "logs", "-n", "6000"]);
    drop(child.0.stdout.take());
    let status = child.0.wait().unwrap();
    let said: Vec<String> = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    assert_eq!((status.code(), said), (Some(0), Vec::new()));
}

#[test]
fn following_shows_new_lines_across_a_rotation() {
    let home = logged();
    let mut child = home.spawn(&["proxy", "logs", "-f", "-n", "1", "--json"]);
    let mut lines = Lines::of(child.0.stdout.take().unwrap());
    lines.until("request_finished");
    let append = |text: &str| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(home.path("qcc.log"))
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap()
    };
    append("{\"n\":1}\n");
    assert_eq!(lines.until("n"), "{\"n\":1}\n");
    std::fs::rename(home.path("qcc.log"), home.path("qcc.log.1")).unwrap();
    append("{\"n\":2}\n");
    assert_eq!(lines.until("n"), "{\"n\":2}\n");
}
