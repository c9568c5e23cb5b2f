//! `qcc stats`: how each provider is and what it did in the last hours.

use std::time::Duration;

use qcc_store::{ProviderStats, Stats, Traffic};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::explain::span;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::{count, human};
use crate::table::{Cell, Table};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// What `GET /providers` says of one.
#[derive(Debug, Deserialize)]
struct Live {
    name: String,
    healthy: bool,
    state: String,
    /// Traffic comes back to it, as far as it proves itself.
    #[serde(default)]
    recovering: bool,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
}

#[derive(Debug, Deserialize)]
struct Cooldown {
    model: Option<String>,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Providers {
    providers: Vec<Live>,
}

/// How many providers are how. Disabled ones are nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Overall {
    total: usize,
    healthy: usize,
    recovering: usize,
    down: usize,
}

/// A provider's state, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Healthy,
    Recovering,
    Down,
    Disabled,
}

pub(super) fn run(context: &Context, hours: u32) -> Outcome {
    let (stats, live) = told(context, hours)?;
    let output = context.output;
    let overall = live.as_deref().map(overall);
    if output.json {
        let health = live.as_ref().map(|live| {
            let entries = live.iter().map(|live| {
                json!({ "name": live.name, "health": health(live), "retry_seconds": retry(live).map(|wait| wait.as_secs()) })
            });
            entries.collect::<Vec<_>>()
        });
        output.document(&json!({ "hours": hours, "traffic": stats, "health": health, "overall": overall }))?;
        return Ok(OK);
    }
    let table = listed(&stats, live.as_deref());
    match &table {
        Some(table) => output.table(table)?,
        None => output.data(format_args!("no request in the last {}", count(hours as usize, "hour")))?,
    }
    match overall {
        Some(all) => output.data(format_args!(
            "Overall: {}/{} healthy, {} recovering, {} down",
            all.healthy, all.total, all.recovering, all.down
        ))?,
        None => output.talk("the gateway is not running, so nothing is known of their health: `qcc proxy start`"),
    }
    Ok(OK)
}

/// Traffic, and the state of the providers where a gateway runs.
fn told(context: &Context, hours: u32) -> Result<(Stats, Option<Vec<Live>>), Failure> {
    let since_ms = jiff::Timestamp::now().as_millisecond() - i64::from(hours) * HOUR;
    let Some(gateway) = Gateway::find(context) else {
        let stats = match live::kept(context)? {
            Some(store) => store.stats(since_ms).map_err(|error| live::failed(&error))?,
            None => Stats { since_ms, verdicts: Vec::new(), providers: Vec::new() },
        };
        return Ok((stats, None));
    };
    let stats = gateway.get(&format!("/api/stats?hours={hours}"))?;
    let stats = serde_json::from_value(stats).map_err(|_| live::not_understood())?;
    let live: Providers = serde_json::from_value(gateway.get("/providers")?).map_err(|_| live::not_understood())?;
    Ok((stats, Some(live.providers)))
}

fn health(live: &Live) -> Health {
    match live.state.as_str() {
        "disabled" => Health::Disabled,
        _ if live.recovering => Health::Recovering,
        _ if live.healthy => Health::Healthy,
        _ => Health::Down,
    }
}

fn overall(live: &[Live]) -> Overall {
    let number = |wanted: Health| live.iter().filter(|live| health(live) == wanted).count();
    let (healthy, recovering, down) = (number(Health::Healthy), number(Health::Recovering), number(Health::Down));
    Overall { total: healthy + recovering + down, healthy, recovering, down }
}

/// Until when it is left out as a whole.
fn retry(live: &Live) -> Option<Duration> {
    let whole = live.cooldowns.iter().filter(|cooldown| cooldown.model.is_none());
    whole.filter_map(|cooldown| Duration::try_from_secs_f64(cooldown.seconds).ok()).max()
}

/// Those that run, as configured, then those of which only rows are left. `None`: nobody.
fn listed(stats: &Stats, live: Option<&[Live]>) -> Option<Table> {
    let headings = [
        "",
        "PROVIDER",
        "HEALTH",
        "REQUESTS",
        "OK",
        "FAILURES",
        "MEDIAN",
        "P95",
        "FIRST EVENT",
        "TOKENS",
        "RETRY IN",
        "LAST ERROR",
    ];
    let mut table = Table::new(&headings).shrink(1).wrap(11);
    let live = live.unwrap_or_default();
    for one in live {
        let traffic = stats.providers.iter().find(|provider| provider.provider == one.name);
        table.row(row(&one.name, Some(one), traffic));
    }
    let gone: Vec<_> =
        stats.providers.iter().filter(|known| live.iter().all(|live| live.name != known.provider)).collect();
    for provider in &gone {
        table.row(row(&provider.provider, None, Some(provider)));
    }
    (!live.is_empty() || !gone.is_empty()).then_some(table)
}

fn row(name: &str, live: Option<&Live>, stats: Option<&ProviderStats>) -> Vec<Cell> {
    let (mark, word) = match live.map(health) {
        Some(Health::Healthy) => (Cell::mark(true), "healthy"),
        Some(Health::Recovering) => (Cell::new("◐"), "recovering"),
        Some(Health::Down) => (Cell::mark(false), "down"),
        Some(Health::Disabled) => (Cell::new("○"), "disabled"),
        None => (Cell::new(""), "-"),
    };
    let traffic = stats.map(|stats| &stats.traffic);
    let cell =
        |tell: &dyn Fn(&Traffic) -> Option<String>| Cell::new(traffic.and_then(tell).unwrap_or_else(|| "-".to_owned()));
    vec![
        mark,
        Cell::new(name),
        Cell::new(word),
        Cell::new(traffic.map_or(0, |traffic| traffic.requests)),
        cell(&|traffic| traffic.success_rate().map(|rate| format!("{:.1} %", rate * 100.0))),
        Cell::new(traffic.map_or(0, |traffic| traffic.failures)),
        cell(&|traffic| traffic.latency.map(|latency| span(latency.p50_ms))),
        cell(&|traffic| traffic.latency.map(|latency| span(latency.p95_ms))),
        cell(&|traffic| traffic.first_event.map(|first| span(first.p50_ms))),
        cell(&|traffic| {
            let tokens = traffic.tokens;
            let all = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
            Some(all.iter().fold(0, |sum: u64, part| sum.saturating_add(*part)).to_string())
        }),
        Cell::new(live.and_then(retry).map_or_else(String::new, human)),
        Cell::new(stats.and_then(|stats| stats.last_error.as_ref()).map_or("", |error| &error.text)),
    ]
}
