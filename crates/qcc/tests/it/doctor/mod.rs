//! `qcc doctor`: every fault that it knows, made for real, and the words and the command that it has for it.

mod broken;
mod gateway;
mod upstreams;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use qcc_testkit::{Reply, replies};
use regex::Regex;
use serde_json::{Value, json};

use crate::home::{Ended, Home};

/// A certificate that nothing was ever signed with.
const ROOT: &str = include_str!("root.pem");

/// A home on a machine where nothing is wrong: one trusted root, Claude Code in PATH.
fn sound(config: &str) -> Home {
    let home = Home::with(config);
    for folder in ["bin", ".claude"] {
        fs::create_dir(home.path(folder)).unwrap();
    }
    fs::write(home.path("root.pem"), ROOT).unwrap();
    fs::write(home.path("bin/claude"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(home.path("bin/claude"), Permissions::from_mode(0o755)).unwrap();
    home
}

/// The command on the machine of [`sound`], with more variables.
fn command(home: &Home, variables: &[(&str, &str)]) -> Command {
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.env("PATH", home.path("bin")).env("SSL_CERT_FILE", home.path("root.pem"));
    command.arg("doctor").envs(variables.iter().copied());
    command
}

fn doctor(home: &Home, variables: &[(&str, &str)]) -> Ended {
    Ended::of(command(home, variables).output().unwrap())
}

fn document(home: &Home, variables: &[(&str, &str)]) -> Value {
    let ended = Ended::of(command(home, variables).arg("--json").output().unwrap());
    let document: Value =
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err));
    assert_eq!(ended.code, Some(if document["ok"] == true { 0 } else { 1 }));
    assert_eq!(ended.err, "");
    document
}

/// What one check found: state, message, fix.
fn found(home: &Home, document: &Value, check: &str) -> String {
    let mut lines = String::new();
    for finding in document["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check) {
        lines += &format!("{}: {}\n", finding["state"].as_str().unwrap(), finding["message"].as_str().unwrap());
        lines += &finding["fix"].as_str().map_or_else(String::new, |fix| format!("  fix: {fix}\n"));
    }
    stable(home, &lines)
}

fn stable(home: &Home, text: &str) -> String {
    [
        (r"\d+ ms", "[time]"),
        (r"\d+ [kMG]B free", "[room] free"),
        (r"(\d+[smhd] ?)+ ahead", "[time] ahead"),
        (r"kill -9 \d+", "kill -9 [pid]"),
        (r"0\.0\.0\.0:\d+", "0.0.0.0:[port]"),
    ]
    .iter()
    .fold(home.stable(text), |text, (pattern, stable)| {
        Regex::new(pattern).unwrap().replace_all(&text, *stable).into_owned()
    })
}

/// A list of models from a provider whose clock is right.
fn models() -> Reply {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    replies::json_body(200, &[("date", &date)], &json!({ "data": [] }))
}

/// Every path below the home, with what decides whether it was touched. The log belongs to the gateway, which writes when
/// it likes.
fn listing(home: &Home) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut folders = vec![home.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.file_name() != "qcc.log") {
            let meta = entry.metadata().unwrap();
            let modified = meta.modified().unwrap();
            all.push(format!("{:?} {} {:?} {modified:?}", entry.path(), meta.len(), meta.permissions()));
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    all.sort();
    all
}
