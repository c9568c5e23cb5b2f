//! `qcc proxy status`: whether the gateway runs, where, since when, and how its providers are.

use std::time::Duration;

use owo_colors::{OwoColorize, Style};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ask;
use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::output::human;
use crate::pidfile::{self, Record};
use crate::table::{Cell, Table, table};

/// What `GET /providers` says of one provider, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
struct Provider {
    name: String,
    #[serde(rename = "type")]
    dialect: String,
    base_url: String,
    #[serde(default)]
    healthy: bool,
    #[serde(default)]
    state: String,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
}

/// Why and for how long a provider, or one model of it, is left out.
#[derive(Debug, Clone, Deserialize)]
struct Cooldown {
    reason: String,
    model: Option<String>,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Providers {
    providers: Vec<Value>,
}

pub(crate) fn run(context: &Context) -> Outcome {
    let output = context.output;
    let Some(record) = running(context)? else {
        if output.json {
            output.document(&json!({ "running": false, "config": context.config_in_use() }))?;
        } else {
            output.data(format_args!("{} qcc is not running", "○".dimmed()))?;
            output.talk("next: `qcc proxy start`");
        }
        return Ok(FAILED);
    };
    let providers = providers(context, &record);
    if output.json {
        output.document(&document(&record, &providers))?;
        return Ok(OK);
    }
    let known = known(&providers);
    output.data(describe(&record, &known))?;
    if !known.is_empty() {
        output.data("")?;
        output.table(&listed(&known))?;
    }
    match &providers {
        Err(reason) => output.note(format_args!("its providers are not known: {reason}")),
        Ok(_) => output.talk("next: `qcc run -- claude`, or `qcc env` for the variables"),
    }
    if record.version != env!("CARGO_PKG_VERSION") {
        let (running, here) = (&record.version, env!("CARGO_PKG_VERSION"));
        output.note(format_args!("version {running} is running and this is {here}: `qcc proxy restart` changes over"));
    }
    Ok(OK)
}

/// The gateway that runs, if one does.
///
/// # Errors
/// When the pid file cannot be read.
pub(super) fn running(context: &Context) -> Result<Option<Record>, Failure> {
    let path = &context.locations.pid;
    let running = pidfile::running(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok(running.map(|running| running.record))
}

/// How long it has been running.
pub(super) fn uptime(record: &Record) -> Duration {
    let started: Option<jiff::Timestamp> = record.started.parse().ok();
    started
        .and_then(|started| Duration::try_from(jiff::Timestamp::now().duration_since(started)).ok())
        .unwrap_or_default()
}

/// What the gateway says of its providers, or why it does not.
fn providers(context: &Context, record: &Record) -> Result<Vec<Value>, String> {
    let address = record.address.ok_or("it is still starting")?;
    // A file that is broken by now only means that no key is known; on loopback none is needed.
    let key = context.load().ok().and_then(|loaded| loaded.config.settings.proxy.client_keys.first().cloned());
    let answer =
        ask::get(address, "/providers", key.as_ref()).map_err(|error| format!("it does not answer: {error}"))?;
    match answer.status {
        200 => serde_json::from_slice::<Providers>(&answer.body)
            .map(|all| all.providers)
            .map_err(|_| "its answer is not understood".to_owned()),
        401 | 403 => Err("it wants a client key that the configuration does not hold".to_owned()),
        other => Err(format!("it answered with status {other}")),
    }
}

fn document(record: &Record, providers: &Result<Vec<Value>, String>) -> Value {
    json!({
        "running": true,
        "address": record.address.map(ask::url),
        "pid": record.pid,
        "uptime_seconds": uptime(record).as_secs(),
        "started": record.started,
        "version": record.version,
        "config": record.config,
        "providers": providers.as_ref().ok(),
    })
}

fn known(providers: &Result<Vec<Value>, String>) -> Vec<Provider> {
    providers.iter().flatten().filter_map(|value| serde_json::from_value(value.clone()).ok()).collect()
}

fn describe(record: &Record, known: &[Provider]) -> String {
    let address = record.address.map_or_else(|| "starting".to_owned(), ask::url);
    let config = if record.config.exists() {
        record.config.display().to_string()
    } else {
        "none: the client's own credential goes to Anthropic".to_owned()
    };
    let label = |text: &'static str| Cell::styled(text, Style::new().dimmed());
    let mut rows = vec![
        vec![label("  address"), Cell::new(&address)],
        vec![label("  process"), Cell::new(format_args!("pid {}, up {}", record.pid, human(uptime(record))))],
        vec![label("  version"), Cell::new(&record.version)],
        vec![label("  config"), Cell::new(config)],
    ];
    if !known.is_empty() {
        let healthy = known.iter().filter(|provider| provider.healthy).count();
        rows.push(vec![label("  providers"), Cell::new(format_args!("{healthy} of {} available", known.len()))]);
    }
    format!("{} qcc is running\n{}", "●".green(), table(&rows))
}

/// The state in words: the breaker of a healthy provider is called closed, which reads like its opposite.
fn state(provider: &Provider) -> String {
    let cooling = provider.cooldowns.iter().map(|cooldown| {
        let what = cooldown.model.as_ref().map_or_else(String::new, |model| format!("{model}: "));
        let left = Duration::try_from_secs_f64(cooldown.seconds).unwrap_or_default();
        format!("{what}{}, {} left", cooldown.reason.replace('_', " "), human(left))
    });
    let word = match provider.state.as_str() {
        "closed" => None,
        "cooling" => Some("left out".to_owned()),
        other => Some(other.replace('_', " ")),
    };
    word.into_iter().chain(cooling).collect::<Vec<_>>().join("; ")
}

fn listed(known: &[Provider]) -> Table {
    let mut table = Table::new(&["", "PROVIDER", "TYPE", "URL", "STATE"]).shrink(1).shrink(3).wrap(4);
    for provider in known {
        table.row(vec![
            Cell::mark(provider.healthy),
            Cell::new(&provider.name),
            Cell::new(&provider.dialect),
            Cell::new(&provider.base_url),
            Cell::styled(state(provider), Style::new().dimmed()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(value: Value) -> Provider {
        let mut all = json!({ "name": "relay", "type": "anthropic", "base_url": "https://relay.example" });
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_provider_that_takes_requests_needs_no_words() {
        assert_eq!(state(&provider(json!({ "state": "closed", "healthy": true }))), "");
    }

    #[test]
    fn a_provider_that_is_left_out_says_why_and_for_how_long() {
        let cooling =
            json!({ "state": "cooling", "cooldowns": [{ "reason": "rate_limit", "model": null, "seconds": 90.0 }] });
        assert_eq!(state(&provider(cooling)), "left out; rate limit, 1m 30s left");
        let partly =
            json!({ "state": "closed", "cooldowns": [{ "reason": "forbidden", "model": "m", "seconds": 1.0 }] });
        assert_eq!(state(&provider(partly)), "m: forbidden, 1s left");
    }

    #[test]
    fn a_start_that_cannot_be_read_is_no_uptime() {
        let started = "not a time".to_owned();
        let record = Record {
            pid: 1,
            address: None,
            started,
            version: String::new(),
            config: "/x".into(),
            host: None,
            port: None,
            stopped: None,
        };
        assert_eq!(uptime(&record), Duration::ZERO);
    }
}
