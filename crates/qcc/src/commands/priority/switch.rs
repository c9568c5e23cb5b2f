//! `qcc priority switch PROFILE|auto` and `qcc use PROFILE`: puts a profile before all tiers, until `auto`. It is kept in
//! the database, so it survives a restart; a running gateway is told first, and keeps it itself.

use qcc_store::{FailoverRow, Who};
use serde_json::json;

use crate::commands::endpoint::profile;
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::harmless;
use crate::table::{Cell, table};

pub(crate) fn run(context: &Context, typed: &str) -> Outcome {
    let document = edits::document(context)?;
    let wanted = match typed {
        "auto" => None,
        typed if document.profiles().is_empty() => {
            let message = format!("there is no profile `{}`, nor any other", harmless(typed));
            return Err(Failure::new(message, "make one: `qcc add NAME`"));
        }
        typed => Some(profile(&document, typed)?),
    };
    let name = wanted.as_ref().map(|profile| profile.name.as_str());
    let gateway = Gateway::find(context);
    let kept = match &gateway {
        Some(gateway) => gateway.post("/api/pin", &json!({ "profile": name }))?["kept"] == json!(true),
        None => {
            keep(context, name)?;
            true
        }
    };
    let output = context.output;
    if output.json {
        output.document(&json!({ "pinned": name, "kept": kept, "running": gateway.is_some() }))?;
        return Ok(OK);
    }
    let mark = table(&[vec![Cell::mark(true)]]);
    match name {
        Some(name) => output
            .data(format_args!("{mark} {} comes before all tiers, until `qcc priority switch auto`", harmless(name)))?,
        None => output.data(format_args!("{mark} the tiers decide again"))?,
    }
    if !kept {
        output.note("the database cannot be written, so this holds until the gateway stops: `qcc doctor`");
    }
    if wanted.is_some_and(|profile| profile.endpoints.is_empty()) {
        output.note("it has no endpoints, so it is skipped: `qcc endpoint add`");
    }
    if gateway.is_none() {
        output.talk("the gateway is not running; it will find this when it starts");
    }
    Ok(OK)
}

/// Into the database, for the next start.
fn keep(context: &Context, name: Option<&str>) -> Result<(), Failure> {
    let before = match live::kept(context)? {
        Some(store) => store.pin().map_err(|error| live::failed(&error))?,
        None => None,
    };
    if before.as_deref() == name {
        return Ok(());
    }
    let row = FailoverRow {
        at_ms: jiff::Timestamp::now().as_millisecond(),
        from: before,
        to: name.map(str::to_owned),
        // The words of the gateway, which writes the row where it runs.
        reason: if name.is_some() { "pinned" } else { "unpinned" }.to_owned(),
        who: Who::Manual,
    };
    live::store(context)?.set_pin(name, &row).map_err(|error| live::failed(&error))
}
