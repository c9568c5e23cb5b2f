//! Claude Code: does it come here? Its settings files beat the environment, and both beat nothing at all, so a leftover
//! from another tool leads it past the gateway in silence, or to a gateway that does not run.

use std::collections::BTreeSet;
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::commands::run::{DETOURS, settings_files};
use crate::context::variable;

use super::facts::Facts;
use super::finding::{Finding, Fix};
use crate::place::Place;

/// The variable that leads Claude Code.
const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// Whoever listens on this machine takes a connection at once.
const CONNECT: Duration = Duration::from_millis(500);

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = vec![program()];
    // In the home folder the user's settings are those of the project as well.
    let mut seen = BTreeSet::new();
    for file in settings_files() {
        if seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
            findings.extend(settings(facts, &file));
        }
    }
    if let Some(url) = variable(BASE_URL).filter(|url| !url.is_empty()) {
        findings.extend(led(facts, &format!("{BASE_URL} in this shell"), &url, &Fix::run(format!("unset {BASE_URL}"))));
    }
    let detours = DETOURS.into_iter().filter(|name| variable(name).is_some_and(|value| is_on(&value)));
    findings.extend(detours.map(|name| {
        Finding::warning(
            format!("{name} is set in this shell: Claude Code does not use qcc"),
            Fix::run(format!("unset {name}")),
        )
    }));
    findings
}

fn program() -> Finding {
    let runs =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let folders = variable("PATH").unwrap_or_default();
    match std::env::split_paths(&folders).map(|folder| folder.join("claude")).find(runs) {
        Some(path) => Finding::ok(format!("installed: {}", path.display())),
        None => Finding::skipped("`claude` is in no folder of PATH"),
    }
}

/// One settings file of Claude Code's, where it exists.
fn settings(facts: &Facts<'_>, file: &Path) -> Vec<Finding> {
    let shown = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![Finding::skipped(format!("{shown} cannot be read: {error}"))],
    };
    let Ok(settings) = serde_json::from_str::<Value>(&text) else {
        let fix = Fix::sentence(format!("correct {shown}, or move it away"));
        return vec![Finding::warning(format!("{shown} is not valid JSON, so Claude Code cannot use it"), fix)];
    };
    let set = &settings["env"];
    let away = || Fix::sentence(format!("take it out of {shown}, or lead Claude Code here with `qcc claude connect`"));
    let led = set[BASE_URL].as_str().and_then(|url| led(facts, &format!("{BASE_URL} in {shown}"), url, &away()));
    let detours = DETOURS.into_iter().filter(|name| match &set[*name] {
        Value::String(value) => is_on(value),
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => false,
    });
    let detours = detours.map(|name| {
        let fix = Fix::sentence(format!("take it out of {shown}"));
        Finding::warning(format!("{name} is set in {shown}: Claude Code does not use qcc"), fix)
    });
    led.into_iter().chain(detours).collect()
}

/// Where a base URL leads: here, here while nobody is at home, or elsewhere.
fn led(facts: &Facts<'_>, what: &str, url: &str, away: &Fix) -> Option<Finding> {
    let Some(place) = Place::of(url) else {
        return Some(Finding::problem(format!("{what} is not an address"), away.clone()));
    };
    let shown = place.shown();
    let running = facts.gateway.address();
    if facts.here.is(&place, &[]) {
        let message = format!("{what} leads here");
        return Some(match running {
            Some(address) if address.port() == place.port => Finding::ok(message),
            Some(address) => Finding::problem(
                format!("{what} leads to {shown}, and the gateway listens on {address}"),
                Fix::run("qcc proxy restart"),
            ),
            None => Finding::problem(
                format!("{what} leads to the gateway, which is not running: Claude Code cannot work"),
                Fix::run("qcc proxy start"),
            ),
        });
    }
    let nobody = place.is_local() && !answers(&place);
    Some(if nobody {
        Finding::problem(
            format!("{what} leads to {shown}, where nobody listens: Claude Code cannot work"),
            away.clone(),
        )
    } else {
        Finding::warning(format!("{what} leads to {shown}: Claude Code does not use qcc"), away.clone())
    })
}

/// A connection, and nothing over it.
fn answers(place: &Place) -> bool {
    let Some(ip) = place.address() else { return true };
    TcpStream::connect_timeout(&crate::ask::reachable((ip, place.port).into()), CONNECT).is_ok()
}

/// How Claude Code reads a switch.
fn is_on(value: &str) -> bool {
    !matches!(value, "" | "0" | "false")
}
