//! `qcc health check [ID]`: asks providers now. Where a gateway runs it does the asking, so that what is found counts for
//! it; else this command asks by itself, and only keeps what was found.

use std::collections::BTreeMap;
use std::time::Duration;

use owo_colors::Style;
use qcc_config::Loaded;
use qcc_server::{Checked, Layer};
use qcc_store::{HealthCheckRow, Row};
use serde_json::json;

use super::provider;
use crate::commands::explain::span;
use crate::context::Context;
use crate::failure::{FAILED, Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::{count, harmless};
use crate::progress::Progress;
use crate::table::{Cell, Table};

/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;

/// A check waits twice for the provider, and before that for one that runs already.
const SPARE: Duration = Duration::from_secs(90);

/// As long as a provider may take where `health.timeout` is off.
const LONGEST: Duration = Duration::from_mins(5);

pub(super) fn run(context: &Context, typed: Option<&str>, talk: bool) -> Outcome {
    let loaded = context.load()?;
    let wanted = typed.map(|typed| provider(&loaded, typed)).transpose()?;
    let gateway = Gateway::find(context);
    let found = {
        let named = wanted.as_ref().map_or_else(|| count(loaded.config.providers.len(), "provider"), Clone::clone);
        let _progress = Progress::start(context.output, format!("checking {}", harmless(&named)));
        match &gateway {
            Some(gateway) => asked(gateway, &loaded, wanted.as_deref(), talk)?,
            None => alone(context, &loaded, wanted.as_deref(), talk)?,
        }
    };
    let checked: Vec<&Checked> = found.iter().filter(|checked| !checked.layers.is_empty()).collect();
    let well = checked.iter().filter(|checked| checked.is_well()).count();
    let good = !checked.is_empty() && well == checked.len();
    let output = context.output;
    if output.json {
        output.document(&json!({ "ok": good, "running": gateway.is_some(), "checks": found }))?;
        return Ok(if good { OK } else { FAILED });
    }
    output.table(&table(&found))?;
    for (checked, layer) in found.iter().filter_map(|checked| Some((checked, checked.layers.last()?))) {
        if let (false, Some(hint)) = (layer.ok, &layer.hint) {
            output.talk(format_args!("hint: {}: {}", harmless(&checked.provider), harmless(hint)));
        }
    }
    match checked.len() {
        0 => output.data("no provider was checked")?,
        all => output.data(format_args!("{well} of {} well", count(all, "provider")))?,
    }
    if gateway.is_none() {
        output.talk("the gateway is not running, so this changes nobody's health; it is kept in the history");
    }
    Ok(if good { OK } else { FAILED })
}

fn asked(gateway: &Gateway, loaded: &Loaded, wanted: Option<&str>, talk: bool) -> Result<Vec<Checked>, Failure> {
    let limit = loaded.config.settings.health.timeout.unwrap_or(LONGEST) * 2 + SPARE;
    let mut body = json!({ "conversation": talk });
    if let Some(name) = wanted {
        body["provider"] = name.into();
    }
    let mut answer = gateway.post_within(limit, "/api/health/check", &body)?;
    serde_json::from_value(answer["checks"].take()).map_err(|_| live::not_understood())
}

/// Without a gateway.
fn alone(context: &Context, loaded: &Loaded, wanted: Option<&str>, talk: bool) -> Result<Vec<Checked>, Failure> {
    // What is paid for has to be counted, so without a database nothing is paid for.
    let mut store = live::store(context)?;
    let since = jiff::Timestamp::now().as_millisecond() - DAY;
    let spent: BTreeMap<String, u32> = match talk {
        true => store.checks_since("conversation", since).map_err(|error| live::failed(&error))?.into_iter().collect(),
        false => BTreeMap::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::bare(format!("cannot open connections: {error}")))?;
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let found = runtime.block_on(qcc_server::check(loaded, is_wanted, talk, &spent));
    for (checked, layer) in found.iter().flat_map(|checked| checked.layers.iter().map(move |layer| (checked, layer))) {
        store.record(Row::HealthCheck(row(&checked.provider, layer))).map_err(|error| live::failed(&error))?;
    }
    Ok(found)
}

fn row(provider: &str, layer: &Layer) -> HealthCheckRow {
    HealthCheckRow {
        at_ms: jiff::Timestamp::now().as_millisecond(),
        provider: provider.to_owned(),
        kind: layer.kind.clone().into(),
        ok: layer.ok,
        score: layer.score,
        class: layer.class.clone().map(Into::into),
        took_ms: layer.ms,
        detail: Some(layer.detail.clone()),
    }
}

fn table(found: &[Checked]) -> Table {
    let mut table = Table::new(&["", "PROVIDER", "CHECK", "TIME", "SCORE", "FOUND"]).shrink(1).wrap(5);
    for checked in found {
        for layer in &checked.layers {
            table.row(vec![
                Cell::mark(layer.ok),
                Cell::new(&checked.provider),
                Cell::new(&layer.kind),
                Cell::styled(span(layer.ms), Style::new().dimmed()),
                Cell::new(layer.score.map_or_else(String::new, |score| score.to_string())),
                Cell::new(&layer.detail),
            ]);
        }
        if let Some(why) = &checked.skipped {
            let cells = [Cell::new("○"), Cell::new(&checked.provider), Cell::new("-"), Cell::new(""), Cell::new("")];
            table.row(cells.into_iter().chain([Cell::new(why)]).collect());
        }
    }
    table
}
