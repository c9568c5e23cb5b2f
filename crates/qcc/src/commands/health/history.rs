//! `qcc health history ID`: the latest checks of a provider, newest first.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qcc_store::HealthCheckRow;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::provider;
use crate::commands::explain::span;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::{harmless, wall_time};
use crate::table::{Cell, Table};

/// A check as it was kept.
#[derive(Debug, Deserialize, Serialize)]
struct Check {
    time_ms: i64,
    kind: String,
    ok: bool,
    score: Option<u8>,
    class: Option<String>,
    ms: u64,
    detail: Option<String>,
}

pub(super) fn run(context: &Context, typed: &str, lines: u32) -> Outcome {
    let name = provider(&context.load()?, typed)?;
    let checks = kept(context, &name, lines)?;
    let output = context.output;
    if output.json {
        let time = |check: &Check| utc(check.time_ms).map(|time| time.to_string());
        let checks = checks.iter().map(|check| {
            let mut shown = json!(check);
            shown["time"] = time(check).into();
            shown
        });
        output.document(&json!({ "provider": name, "checks": checks.collect::<Vec<_>>() }))?;
        return Ok(OK);
    }
    if checks.is_empty() {
        output.data(format_args!("no check of {} yet", harmless(&name)))?;
        output.talk(format_args!("next: `qcc health check {}`", harmless(&name)));
        return Ok(OK);
    }
    let mut table = Table::new(&["", "TIME", "CHECK", "SCORE", "HEALTH", "FOUND"]).wrap(5);
    for check in &checks {
        table.row(vec![
            Cell::mark(check.ok),
            Cell::new(wall_time(utc(check.time_ms))),
            Cell::new(&check.kind),
            Cell::new(check.score.map_or_else(String::new, |score| score.to_string())),
            Cell::new(check.class.as_deref().unwrap_or_default()),
            Cell::new(format_args!("{}, {}", check.detail.as_deref().unwrap_or_default(), span(check.ms))),
        ]);
    }
    output.table(&table)?;
    Ok(OK)
}

/// From the gateway, which first writes what is still on its way to the disk; else from the database itself.
fn kept(context: &Context, name: &str, lines: u32) -> Result<Vec<Check>, Failure> {
    if let Some(gateway) = Gateway::find(context) {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let mut answer = gateway.get(&format!("/api/health/history?provider={name}&n={lines}"))?;
        return serde_json::from_value(answer["checks"].take()).map_err(|_| live::not_understood());
    }
    let Some(store) = live::kept(context)? else { return Ok(Vec::new()) };
    let rows = store.health_history(name, lines).map_err(|error| live::failed(&error))?;
    Ok(rows.into_iter().map(Check::from).collect())
}

impl From<HealthCheckRow> for Check {
    fn from(row: HealthCheckRow) -> Self {
        Self {
            time_ms: row.at_ms,
            kind: row.kind.into_owned(),
            ok: row.ok,
            score: row.score,
            class: row.class.map(std::borrow::Cow::into_owned),
            ms: row.took_ms,
            detail: row.detail,
        }
    }
}

fn utc(time_ms: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(time_ms).ok()
}
