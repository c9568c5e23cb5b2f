//! `qcc claude status`: is Claude Code connected, to whom, does that one run, and what would come back.

use serde_json::json;

use crate::claude::journal::BASE_URL;
use crate::claude::settings::Settings;
use crate::claude::steps::Store;
use crate::claude::{entry_for, location};
use crate::context::Context;
use crate::failure::{FAILED, OK, Outcome};
use crate::table::{Cell, Table};
use crate::{ask, pidfile};

use super::{object, read, shown, to_come_back};

pub(super) fn run(context: &Context) -> Outcome {
    let asked = location::asked()?;
    let journal = Store::new(&context.locations.state_dir).load()?;
    let known = entry_for(&journal, &asked).and_then(|entry| entry.now.as_ref());
    let now = read(&asked)?.and_then(|bytes| Settings::read(&bytes).ok());
    let leads = now.as_ref().and_then(|settings| settings.get(BASE_URL));
    let running = pidfile::running(&context.locations.pid).ok().flatten().and_then(|running| running.record.address);
    let running = running.map(ask::url);
    let connected = known.is_some_and(|known| leads == Some(known.url.as_str()));
    let reaches = connected && running.as_deref() == leads;
    let output = context.output;
    let back = known.map(to_come_back).unwrap_or_default();
    if output.json {
        output.document(&json!({
            "connected": connected,
            "settings": asked,
            "address": known.map(|known| &known.url),
            "leads_to": leads.map(|url| shown(BASE_URL, url)),
            "gateway": running,
            "reaches_gateway": reaches,
            "comes_back": object(back),
        }))?;
        return Ok(if connected { OK } else { FAILED });
    }
    let path = asked.display();
    match (known, connected) {
        (Some(known), true) => {
            output.data(format_args!("{} Claude Code is connected to {}: {path}", Cell::mark(reaches), known.url))?;
        }
        (Some(_), false) => {
            let now = leads.map_or_else(
                || "it leads nowhere now".to_owned(),
                |url| format!("it leads to {} now", shown(BASE_URL, url)),
            );
            output.data(format_args!("{} Claude Code was connected by {path}, but {now}", Cell::mark(false)))?;
        }
        (None, _) => output.data(format_args!("Claude Code is not connected: {path}"))?,
    }
    if !back.is_empty() {
        let mut table = Table::new(&["COMES BACK", "VALUE"]).shrink(1);
        back.into_iter().for_each(|(name, value)| table.row(vec![Cell::new(name), Cell::new(value)]));
        output.table(&table)?;
    }
    match (known.is_some(), connected, &running) {
        (true, true, None) => {
            output.note(
                "qcc is not running, so Claude Code reaches nobody: `qcc proxy start`, or `qcc claude disconnect`",
            );
        }
        (true, true, Some(url)) if !reaches => {
            output.note(format_args!("qcc runs at {url}: `qcc claude connect` leads Claude Code there"));
        }
        (true, false, _) => output.talk("next: `qcc claude connect`, or `qcc claude disconnect` to forget it"),
        (false, _, _) => output.talk("next: `qcc claude connect`"),
        _ => {}
    }
    Ok(if connected { OK } else { FAILED })
}
