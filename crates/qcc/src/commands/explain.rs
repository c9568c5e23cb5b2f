//! `qcc explain`: what became of one request: who answered and why, who was tried and who was passed over, and how long
//! each step took.

use std::time::Duration;

use owo_colors::Style;
use qcc_store::{AttemptOutcome, AttemptRow, Found, RequestRecord, RequestRow};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::{count, human, wall_time};
use crate::table::{Cell, Table};

pub(super) fn run(context: &Context, id: &str) -> Outcome {
    // As they are drawn; anything else would have to be escaped, and is none.
    let may_be = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let found = if may_be { find(context, id)? } else { Found::None };
    let record = match found {
        Found::One(record) => record,
        Found::Many(ids) => {
            let message = format!("several requests begin with `{id}`: {}", ids.join(", "));
            return Err(Failure::new(message, "write more of the id"));
        }
        Found::None => {
            let hint = "ids are in `qcc proxy logs --grep request_finished`; rows are kept for storage.retention";
            return Err(Failure::new(format!("there is no request `{id}`"), hint));
        }
    };
    let output = context.output;
    if output.json {
        output.document(&json!(record))?;
        return Ok(OK);
    }
    output.table(&head(&record))?;
    if !record.attempts.is_empty() {
        output.data("")?;
        output.table(&steps(&record.attempts))?;
    }
    Ok(OK)
}

/// From the gateway, which first writes what is still on its way to the disk; else from the database itself.
fn find(context: &Context, id: &str) -> Result<Found, Failure> {
    let kept = || match live::kept(context)? {
        Some(store) => store.request(id).map_err(|error| live::failed(&error)),
        None => Ok(Found::None),
    };
    let Some(gateway) = Gateway::find(context) else { return kept() };
    let (status, body) = gateway.look_up(&format!("/api/requests/{id}"), &[404, 409])?;
    Ok(match status {
        // The gateway tells each client key of its own requests alone; whoever reads the file may see them all.
        404 => kept()?,
        409 => Found::Many(names(&body["matches"])),
        _ => Found::One(serde_json::from_value(body).map_err(|_| live::not_understood())?),
    })
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// What is known of the request as a whole. Losses can be many, so they go on in the next line.
fn head(record: &RequestRecord) -> Table {
    let row = &record.request;
    let time = jiff::Timestamp::from_millisecond(row.at_ms).ok();
    let mut lines = vec![
        ("request", row.request_id.clone()),
        ("time", wall_time(time)),
        ("asked", asked(row)),
        ("end", end(row)),
        ("why", why(record)),
        ("took", took(row)),
    ];
    if let Some(tokens) = tokens(row) {
        lines.push(("tokens", tokens));
    }
    if let Some(error) = &row.error {
        lines.push(("error", error.clone()));
    }
    if let Some(translated) = translated(row) {
        lines.push(("translated", translated));
    }
    let mut table = Table::new(&["", ""]).wrap(1);
    for (name, text) in lines {
        table.row(vec![Cell::styled(name, Style::new().dimmed()), Cell::new(text)]);
    }
    table
}

/// What became of its words, where somebody of another dialect has answered.
fn translated(row: &RequestRow) -> Option<String> {
    let up = row.dialect_up.as_ref().filter(|up| **up != row.dialect_down)?;
    // A refusal that was passed on, or an estimate of our own, is no translated answer.
    let is_answered = row.status != 0 && !matches!(row.verdict.as_ref(), "failed" | "answered");
    let lost = row.loss.as_deref().unwrap_or("nothing was lost");
    is_answered.then(|| format!("{} to {up} and back: {lost}", row.dialect_down))
}

fn asked(row: &RequestRow) -> String {
    let form = if row.streaming { "as a stream" } else { "in one piece" };
    let sent = row.model_sent.as_ref().map_or_else(String::new, |model| format!(", sent as {model}"));
    format!("{}{sent}, {form}, {} {}", row.model, row.method, row.path)
}

fn end(row: &RequestRow) -> String {
    let words = match row.verdict.as_ref() {
        "done" => "a whole answer",
        "answered" => "an answer was passed on",
        "failed" => "nobody answered",
        "broken" => "the answer broke off",
        "client_gone" => "the client left",
        other => other,
    };
    let status = if row.status == 0 { String::new() } else { format!(", status {}", row.status) };
    let reason = row.stop_reason.as_ref().map_or_else(String::new, |reason| format!(", stopped by {reason}"));
    format!("{words}{status}{reason}")
}

/// Why it went to this provider.
fn why(record: &RequestRecord) -> String {
    let tries: Vec<_> = record.attempts.iter().filter(|row| row.outcome.is_try()).collect();
    let Some(last) = tries.last() else { return "nobody could be asked".to_owned() };
    let turn = last.via.as_ref().map_or_else(String::new, |via| format!(", in the turn of the profile {via}"));
    let skipped = record.attempts.iter().filter(|row| !row.outcome.is_try()).count();
    let before = match (tries.len() - 1, skipped) {
        (0, 0) => "first in line".to_owned(),
        (0, skipped) => format!("after {skipped} passed over"),
        (failed, 0) => format!("after {}", count(failed, "failed attempt")),
        (failed, skipped) => format!("after {} and {skipped} passed over", count(failed, "failed attempt")),
    };
    format!("{}{turn}: {before}", last.provider)
}

fn took(row: &RequestRow) -> String {
    let first = row.first_event_ms.map_or_else(String::new, |ms| format!(", first byte after {}", span(ms)));
    let held = if row.held_ms == 0 { String::new() } else { format!(", held for {}", span(row.held_ms)) };
    format!("{}{first}{held}", span(row.total_ms))
}

fn tokens(row: &RequestRow) -> Option<String> {
    let parts = [
        ("in", row.input_tokens),
        ("out", row.output_tokens),
        ("read from the cache", row.cache_read_tokens),
        ("written to it", row.cache_write_tokens),
    ];
    let known: Vec<_> = parts.iter().filter_map(|(name, tokens)| Some(format!("{} {name}", (*tokens)?))).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

fn steps(rows: &[AttemptRow]) -> Table {
    let headings = ["", "AFTER", "PROVIDER", "RESULT", "STATUS", "TOOK", "FIRST EVENT", "WHY"];
    let mut table = Table::new(&headings).shrink(2).wrap(7);
    for row in rows {
        let mark = match row.outcome {
            AttemptOutcome::Success => Cell::mark(true),
            AttemptOutcome::Failure | AttemptOutcome::Throttled => Cell::mark(false),
            AttemptOutcome::Uncharged | AttemptOutcome::Skipped => Cell::new("·"),
        };
        table.row(vec![
            mark,
            Cell::new(span(row.started_ms)),
            Cell::new(&row.provider),
            Cell::new(result(row.outcome)),
            Cell::new(row.status.map_or_else(String::new, |status| status.to_string())),
            Cell::new(if row.outcome.is_try() { span(row.took_ms) } else { String::new() }),
            Cell::new(row.first_event_ms.map_or_else(String::new, span)),
            Cell::new(reason(row)),
        ]);
    }
    table
}

fn result(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Success => "answered",
        AttemptOutcome::Failure => "failed",
        AttemptOutcome::Throttled => "throttled",
        AttemptOutcome::Uncharged => "not counted",
        AttemptOutcome::Skipped => "passed over",
    }
}

fn reason(row: &AttemptRow) -> String {
    let waited = (row.waited_ms > 0).then(|| format!("waited {} before", span(row.waited_ms)));
    let blame = row.blame.as_ref().map(|blame| format!("blame: {blame}"));
    let charge = row.charge.as_ref().map(|charge| format!("charged: {charge}"));
    [row.reason.clone(), blame, charge, waited].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// `12 ms`, `1.5 s`, `2m 3s`.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => human(Duration::from_millis(ms)),
    }
}
