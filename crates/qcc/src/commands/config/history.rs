//! `qcc config history [N]`: the versions of the file that are kept, and what each of them changed.

use owo_colors::Style;
use qcc_config::Version;
use serde_json::{Value, json};

use crate::context::Context;
use crate::edits;
use crate::failure::{OK, Outcome};
use crate::output::wall_time;
use crate::table::{Cell, Table};

use super::diff;

pub(super) fn list(context: &Context) -> Outcome {
    let versions = edits::editor(context).versions()?;
    let output = context.output;
    if output.json {
        let versions: Vec<Value> = versions.iter().map(document).collect();
        output.document(&json!({ "file": context.locations.config, "versions": versions }))?;
        return Ok(OK);
    }
    if versions.is_empty() {
        output.data("no version is kept yet: the first change by a command makes one")?;
        return Ok(OK);
    }
    let mut table = Table::new(&["VERSION", "TIME", "LINES", "CHANGE", ""]).shrink(3);
    for version in &versions {
        table.row(vec![
            Cell::new(version.number),
            Cell::styled(wall_time(utc(version.time)), Style::new().dimmed()),
            Cell::new(format_args!("+{} -{}", version.added, version.removed)),
            Cell::new(&version.what),
            Cell::styled(if version.current { "current" } else { "" }, Style::new().green()),
        ]);
    }
    output.table(&table)?;
    if !versions.iter().any(|version| version.current) {
        output.talk("the file was edited by hand since: the next change by a command keeps that as a version too");
    }
    Ok(OK)
}

pub(super) fn show(context: &Context, number: u64) -> Outcome {
    let changes = edits::editor(context).diff(number)?;
    let output = context.output;
    if output.json {
        output.document(&json!({ "version": number, "diff": diff::document(&changes) }))?;
        return Ok(OK);
    }
    diff::show(context, &changes)?;
    output.talk(format_args!("go back to it: `qcc config rollback {number}`"));
    Ok(OK)
}

fn document(version: &Version) -> Value {
    json!({
        "version": version.number,
        "time": utc(version.time).map(|time| time.to_string()),
        "change": version.what,
        "added": version.added,
        "removed": version.removed,
        "current": version.current,
    })
}

fn utc(seconds: u64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}
