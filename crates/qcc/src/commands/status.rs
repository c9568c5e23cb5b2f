//! `qcc proxy status`: whether the gateway runs, where, since when, and how its providers are.

use std::time::Duration;

use owo_colors::{OwoColorize, Style};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ask;
use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::output::{Cell, harmless, human, table};
use crate::pidfile::{self, Record};

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
    output.data(describe(&record, &providers))?;
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
    started.and_then(|started| Duration::try_from(jiff::Timestamp::now().duration_since(started)).ok()).unwrap_or_default()
}

/// What the gateway says of its providers, or why it does not.
fn providers(context: &Context, record: &Record) -> Result<Vec<Value>, String> {
    let address = record.address.ok_or("it is still starting")?;
    // A file that is broken by now only means that no key is known; on loopback none is needed.
    let key = context.load().ok().and_then(|loaded| loaded.config.settings.proxy.client_keys.first().cloned());
    let answer = ask::get(address, "/providers", key.as_ref()).map_err(|error| format!("it does not answer: {error}"))?;
    match answer.status {
        200 => serde_json::from_slice::<Providers>(&answer.body).map(|all| all.providers).map_err(|_| "its answer is not understood".to_owned()),
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

fn describe(record: &Record, providers: &Result<Vec<Value>, String>) -> String {
    let address = record.address.map_or_else(|| "starting".to_owned(), ask::url);
    let config = if record.config.exists() { record.config.display().to_string() } else { "none: the client's own credential goes to Anthropic".to_owned() };
    let label = |text: &'static str| Cell::styled(text, Style::new().dimmed());
    let mut rows = vec![
        vec![label("  address"), Cell::new(&address)],
        vec![label("  process"), Cell::new(format_args!("pid {}, up {}", record.pid, human(uptime(record))))],
        vec![label("  version"), Cell::new(&record.version)],
        vec![label("  config"), Cell::new(config)],
    ];
    let known: Vec<Provider> = providers.iter().flatten().filter_map(|value| serde_json::from_value(value.clone()).ok()).collect();
    if !known.is_empty() {
        let healthy = known.iter().filter(|provider| provider.healthy).count();
        rows.push(vec![label("  providers"), Cell::new(format_args!("{healthy} of {} available", known.len()))]);
    }
    let lines: Vec<Vec<Cell>> = known.iter().map(line).collect();
    let head = format!("{} qcc is running", "●".green());
    [head, table(&rows), table(&lines)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn line(provider: &Provider) -> Vec<Cell> {
    let mut mark = vec![Cell::new("   "), Cell::mark(provider.healthy)];
    mark.extend([
        Cell::new(format_args!("{} ({})", harmless(&provider.name), harmless(&provider.dialect))),
        Cell::new(harmless(&provider.base_url)),
        Cell::styled(harmless(&provider.state), Style::new().dimmed()),
    ]);
    mark
}
