//! `qcc drill`: the whole list against the gateway of this very build.

use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;

/// Faults that the drill must not lose.
const FAULTS: [&str; 32] = [
    "connection-refused",
    "closed-before-answer",
    "error-500",
    "overloaded-529",
    "throttled-429",
    "key-refused-401",
    "key-forbidden-403",
    "large-body",
    "html-under-200",
    "error-under-200",
    "error-event",
    "empty-stream",
    "reset-before-content",
    "end-before-content",
    "half-an-answer",
    "silence",
    "stall-before-content",
    "only-pings",
    "slow-drip",
    "one-byte-segments",
    "gzip",
    "cut-in-first-block",
    "half-an-event",
    "stall-in-first-block",
    "end-after-text",
    "cut-after-tool-use",
    "client-leaves-early",
    "client-leaves-mid-stream",
    "bad-request-400",
    "all-down",
    "all-throttled",
    "all-keys-refused",
];

fn names(document: &Value) -> Vec<&str> {
    let faults = document["faults"].as_array().into_iter().flatten();
    faults.map(|fault| fault["name"].as_str().unwrap_or_default()).collect()
}

#[test]
fn every_promise_holds() {
    let home = Home::empty();
    let ended = home.qcc(&["drill", "--json"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(names(&document), FAULTS);
    assert_eq!(document["held"], FAULTS.len());
    assert_eq!(document["broken"], 0);
}

#[test]
fn nothing_is_written_and_the_configuration_is_not_even_read() {
    let home = Home::with("providers: 3\n");
    assert_eq!(home.qcc(&["drill", "--only", "error-500"]).code, Some(0));
    let files = std::fs::read_dir(home.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["config.yaml"]);
}

#[test]
fn a_proxy_in_the_environment_leads_nothing_away_from_this_machine() {
    let home = Home::empty();
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    // Nothing listens at the discard port, so a request that went there would fail.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("all_proxy", "http://127.0.0.1:9");
    let output = command.args(["drill", "--only", "gzip"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_table_says_what_happened_in_words() {
    let ended = Home::empty().qcc(&["drill", "--only", "error-500", "--only", "cut-in-first-block"]);
    let stable = regex::Regex::new(r"\d+(\.\d)? (m?s)\b").unwrap().replace_all(&ended.out, "[n] $2").into_owned();
    let stable = regex::Regex::new(" +").unwrap().replace_all(&stable, " ").into_owned();
    assert_snapshot!(stable, @r"
     FAULT CLIENT SAW QCC DID TOOK
    ✓ error-500 200, 14 events, whole first: fault, out [n] s; second answered [n] ms
    ✓ cut-in-first-block 200, 6 events, error at the end, cut off first: fault, out [n] s; ended its stream [n] ms
    2 of 2 promises held in [n] s
    ");
}

#[test]
fn a_fault_that_does_not_exist_is_wrong_usage() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["drill", "--only", "gremlins"]).shown(&home), @"
    exit 2
    --- stderr
    error: there is no fault `gremlins`
    hint: `qcc drill --list` shows them
    ");
}

#[test]
fn the_faults_can_be_listed() {
    assert_eq!(names(&Home::empty().json(&["drill", "--list"])), FAULTS);
}
