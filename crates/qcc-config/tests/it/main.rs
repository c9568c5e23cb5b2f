//! What the crate promises, seen from outside: files that load, files that do not, and what the user is then told.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

mod balancer;
mod edit;
mod errors;
mod examples;
mod files;
mod secrets;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use qcc_config::{Config, ConfigError, Loaded, env_of, parse};

/// The variables that the tests and examples refer to.
fn variables() -> BTreeMap<String, String> {
    let names = ["ANTHROPIC_API_KEY", "RELAY_TOKEN", "OPENROUTER_API_KEY", "KEY", "QCC_CLIENT_KEY"];
    let mut variables: BTreeMap<String, String> =
        names.iter().map(|name| ((*name).to_owned(), format!("value-of-{name}"))).collect();
    variables.insert("HOST".to_owned(), "relay.example".to_owned());
    variables.insert("EMPTY".to_owned(), String::new());
    variables.insert("TWO_LINES".to_owned(), "first\nsecond".to_owned());
    variables
}

fn attempt(text: &str) -> Result<Loaded, ConfigError> {
    let variables = variables();
    parse(text, Path::new("config.yaml"), &env_of(&variables))
}

#[track_caller]
fn loaded(text: &str) -> Loaded {
    attempt(text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn config(text: &str) -> Config {
    loaded(text).config
}

/// What the user is told about a file that must not load.
#[track_caller]
fn fault(text: &str) -> String {
    match attempt(text) {
        Ok(_) => panic!("this must not load:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// One provider with more lines of its own.
fn provider(more: &str) -> String {
    let lines: String = more.lines().map(|line| format!("    {line}\n")).collect();
    format!("providers:\n  - name: relay\n    base_url: https://relay.example\n{lines}")
}

/// The messages of a load, one per line.
fn notices(loaded: &Loaded) -> String {
    let line = |line: Option<usize>| line.map(|line| format!("{line}: ")).unwrap_or_default();
    let all = loaded.notices.iter().map(|notice| format!("{}{}", line(notice.line), notice.message));
    all.collect::<Vec<_>>().join("\n")
}

/// Each input with the report that it gives, for one snapshot to be read as a whole.
#[track_caller]
fn reports(inputs: &[&str]) -> String {
    inputs.iter().map(|input| format!("{input}\n{}\n\n{}\n", fault(input), "=".repeat(40))).collect()
}
