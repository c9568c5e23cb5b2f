//! `qcc health status`: how well every provider is, by its traffic and its checks, and when it is checked next. Without a
//! gateway: what the latest checks found.

use std::time::Duration;

use owo_colors::Style;
use qcc_config::Provider;
use qcc_store::HealthCheckRow;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::commands::explain::span;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::{harmless, human, wall_time};
use crate::table::{Cell, Table};

/// What `GET /api/health` says of one provider.
#[derive(Debug, Deserialize)]
struct Told {
    name: String,
    enabled: bool,
    class: String,
    score: Option<u8>,
    state: String,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
    factor: Option<f64>,
    success_rate: Option<f64>,
    average_response_ms: Option<u64>,
    #[serde(default)]
    consecutive_failures: u32,
    last_seen_seconds: Option<u64>,
    breaker: Option<String>,
    open_seconds: Option<u64>,
    checks_today: Option<u64>,
    daily_limit: Option<u32>,
    next_check: Option<Next>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Cooldown {
    reason: String,
    model: Option<String>,
    seconds: u64,
}

#[derive(Debug, Deserialize)]
struct Next {
    kind: String,
    seconds: u64,
}

pub(super) fn run(context: &Context) -> Outcome {
    let Some(gateway) = Gateway::find(context) else { return from_database(context) };
    let mut answer = gateway.get("/api/health")?;
    if context.output.json {
        answer["running"] = true.into();
        context.output.document(&answer)?;
        return Ok(OK);
    }
    let told: Vec<Told> = serde_json::from_value(answer["providers"].take()).map_err(|_| live::not_understood())?;
    context.output.table(&listed(&told))?;
    for one in &told {
        let note = note(one);
        if !note.is_empty() {
            context.output.data(format_args!("{}: {}", harmless(&one.name), harmless(&note)))?;
        }
    }
    context.output.data(overall(&told))?;
    Ok(OK)
}

fn listed(told: &[Told]) -> Table {
    let headings = ["", "PROVIDER", "HEALTH", "SCORE", "OK", "ANSWERS", "FAILED", "SEEN", "NEXT", "PAID"];
    let mut table = Table::new(&headings).shrink(1);
    let ago = |seconds: Option<u64>| seconds.map_or_else(String::new, |seconds| human(Duration::from_secs(seconds)));
    for one in told {
        let next = one.next_check.as_ref().map(|next| {
            let paid = if next.kind == "conversation" { ", paid" } else { "" };
            format!("{}{paid}", human(Duration::from_secs(next.seconds)))
        });
        table.row(vec![
            mark(one),
            Cell::new(&one.name),
            Cell::new(if one.enabled { &one.class } else { "disabled" }),
            Cell::new(one.score.map_or_else(String::new, |score| score.to_string())),
            Cell::new(one.success_rate.map_or_else(String::new, |rate| format!("{:.0} %", rate * 100.0))),
            Cell::new(one.average_response_ms.map_or_else(String::new, span)),
            Cell::new(if one.consecutive_failures == 0 { String::new() } else { one.consecutive_failures.to_string() }),
            Cell::new(ago(one.last_seen_seconds)),
            Cell::new(next.unwrap_or_default()),
            Cell::new(match (one.checks_today, one.daily_limit) {
                (Some(spent), Some(limit)) => format!("{spent}/{limit}"),
                _ => String::new(),
            }),
        ]);
    }
    table
}

fn mark(told: &Told) -> Cell {
    match told.class.as_str() {
        _ if !told.enabled => Cell::new("○"),
        _ if told.state == "cooling" => Cell::mark(false),
        "healthy" => Cell::mark(true),
        "unhealthy" => Cell::mark(false),
        "degraded" | "recovering" => Cell::styled("◐", Style::new().yellow()),
        _ => Cell::new("·"),
    }
}

/// What the table has no room for, in a sentence without a full stop; empty where all is well.
fn note(told: &Told) -> String {
    let mut words = Vec::new();
    match (told.breaker.as_deref(), told.open_seconds) {
        (Some("open"), Some(seconds)) => {
            words.push(format!("left out for failing, tried again in {}", human(Duration::from_secs(seconds))));
        }
        (Some("half-open"), _) => words.push("has to prove itself".to_owned()),
        _ => {}
    }
    for out in told.cooldowns.iter().filter(|out| out.reason != "fault") {
        let model = out.model.as_ref().map_or_else(String::new, |model| format!("{model} "));
        let left = human(Duration::from_secs(out.seconds));
        words.push(format!("{model}left out for {left} ({})", out.reason.replace('_', " ")));
    }
    if let Some(factor) = told.factor.filter(|factor| *factor < 1.0) {
        words.push(format!("has {:.0} % of its weight", factor * 100.0));
    }
    words.extend(told.note.clone().filter(|note| told.enabled || note != "disabled"));
    words.join("; ")
}

/// As `qcc stats` ends, in the words of health.
fn overall(told: &[Told]) -> String {
    let enabled: Vec<&Told> = told.iter().filter(|one| one.enabled).collect();
    let number = |class: &str| enabled.iter().filter(|one| one.class == class).count();
    let others = ["degraded", "unhealthy", "recovering", "unknown"].map(|class| (number(class), class));
    let others = others.iter().filter(|(number, _)| *number > 0).map(|(number, class)| format!(", {number} {class}"));
    format!("Overall: {}/{} healthy{}", number("healthy"), enabled.len(), others.collect::<String>())
}

/// What the latest checks found.
fn from_database(context: &Context) -> Outcome {
    let loaded = context.load()?;
    let latest = latest(context, &loaded.config.providers)?;
    let output = context.output;
    if output.json {
        let providers: Vec<Value> = latest.iter().map(|(name, row)| document(name, row.as_ref())).collect();
        output.document(&json!({ "running": false, "providers": providers }))?;
        return Ok(OK);
    }
    let mut table = Table::new(&["", "PROVIDER", "LAST CHECK", "CHECK", "SCORE", "HEALTH", "FOUND"]).shrink(1).wrap(6);
    for (name, row) in &latest {
        let Some(row) = row else {
            table.row(vec![Cell::new("·"), Cell::new(name), Cell::new("never")]);
            continue;
        };
        table.row(vec![
            Cell::mark(row.ok),
            Cell::new(name),
            Cell::new(wall_time(jiff::Timestamp::from_millisecond(row.at_ms).ok())),
            Cell::new(&row.kind),
            Cell::new(row.score.map_or_else(String::new, |score| score.to_string())),
            Cell::new(row.class.as_deref().unwrap_or_default()),
            Cell::new(row.detail.as_deref().unwrap_or_default()),
        ]);
    }
    output.table(&table)?;
    output.talk("the gateway is not running, so this is what was found last: `qcc proxy start`, or `qcc health check`");
    Ok(OK)
}

/// Every provider with its latest check.
fn latest(context: &Context, providers: &[Provider]) -> Result<Vec<(String, Option<HealthCheckRow>)>, Failure> {
    let store = live::kept(context)?;
    let mut latest = Vec::with_capacity(providers.len());
    for provider in providers {
        let rows = store.as_ref().map(|store| store.health_history(&provider.name, 1));
        let rows = rows.transpose().map_err(|error| live::failed(&error))?.unwrap_or_default();
        latest.push((provider.name.clone(), rows.into_iter().next()));
    }
    Ok(latest)
}

fn document(name: &str, row: Option<&HealthCheckRow>) -> Value {
    let last = row.map(|row| {
        json!({
            "time": jiff::Timestamp::from_millisecond(row.at_ms).ok().map(|time| time.to_string()),
            "kind": row.kind,
            "ok": row.ok,
            "score": row.score,
            "ms": row.took_ms,
            "detail": row.detail,
        })
    });
    json!({ "name": name, "class": row.and_then(|row| row.class.as_deref()), "last_check": last })
}
