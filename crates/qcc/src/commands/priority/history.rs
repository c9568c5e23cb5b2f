//! `qcc priority history`: when, from where, to where and why the serving profile changed.

use qcc_store::FailoverRow;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{OK, Outcome};
use crate::live;
use crate::output::wall_time;
use crate::table::{Cell, Table};

pub(super) fn run(context: &Context, lines: u32) -> Outcome {
    // The gateway writes its rows within moments, and reading beside it is safe: there is no need to ask it.
    let store = live::kept(context)?;
    let rows = match store {
        Some(store) => store.failovers(lines).map_err(|error| live::failed(&error))?,
        None => Vec::new(),
    };
    let output = context.output;
    if output.json {
        output.document(&json!({ "changes": rows.iter().map(document).collect::<Vec<_>>() }))?;
        return Ok(OK);
    }
    if rows.is_empty() {
        output.data("no change of the profile yet")?;
        return Ok(OK);
    }
    let mut table = Table::new(&["TIME", "FROM", "TO", "WHO", "WHY"]).shrink(4);
    for row in &rows {
        table.row(vec![
            Cell::new(wall_time(utc(row.at_ms))),
            Cell::new(row.from.as_deref().unwrap_or("-")),
            Cell::new(row.to.as_deref().unwrap_or("-")),
            Cell::new(row.who.name()),
            Cell::new(&row.reason),
        ]);
    }
    output.table(&table)?;
    Ok(OK)
}

fn document(row: &FailoverRow) -> Value {
    json!({
        "time": utc(row.at_ms).map(|time| time.to_string()),
        "from": row.from,
        "to": row.to,
        "who": row.who.name(),
        "reason": row.reason,
    })
}

fn utc(time_ms: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(time_ms).ok()
}
