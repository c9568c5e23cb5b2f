//! `qcc claude connect | disconnect | status`: Claude Code's own settings file, changed so that it can be undone.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::claude::journal::{BASE_URL, Connection, Journal};
use crate::claude::steps::{Lock, Step, Store};
use crate::cli::Claude;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::harmless;
use crate::place::Place;
use crate::variables::MANAGED;

mod connect;
mod disconnect;
mod status;

/// What stands in place of a secret.
const HIDDEN: &str = "[redacted]";

pub(crate) fn run(context: &Context, command: &Claude) -> Outcome {
    match command {
        Claude::Connect(change) => connect::run(context, change.dry_run),
        Claude::Disconnect(change) => disconnect::run(context, change.dry_run),
        Claude::Status => status::run(context),
    }
}

/// The value of a variable as it may be shown.
fn shown(name: &str, value: &str) -> String {
    match name {
        _ if value == MANAGED || value.is_empty() => value.to_owned(),
        BASE_URL => match (value.split_once("://"), Place::of(value)) {
            (Some((scheme, _)), Some(place)) => {
                let usual = if scheme == "https" { ":443" } else { ":80" };
                let place = place.shown();
                harmless(&format!("{scheme}://{}", place.strip_suffix(usual).unwrap_or(&place)))
            }
            _ => HIDDEN.to_owned(),
        },
        "ENABLE_TOOL_SEARCH" | "CLAUDE_STREAM_IDLE_TIMEOUT_MS" => harmless(value),
        _ => HIDDEN.to_owned(),
    }
}

/// What comes back at `disconnect`: names, and values as they may be shown.
fn to_come_back(connection: &Connection) -> Vec<(&str, String)> {
    let changed = connection.keys.iter().filter(|key| key.original != key.ours);
    changed.filter_map(|key| Some((key.name.as_str(), shown(&key.name, key.original.as_ref()?)))).collect()
}

fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// The bytes of a settings file.
fn read(settings: &Path) -> Result<Option<Vec<u8>>, Failure> {
    crate::claude::steps::read(settings).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let message = format!("cannot read {}: {error}", settings.display());
            Failure::new(message, "make it readable for this user; it is as it was")
        }
        std::io::ErrorKind::IsADirectory => {
            Failure::new(format!("{} is a folder", settings.display()), "move it away: Claude Code needs a file there")
        }
        _ => Failure::file("read", settings, &error),
    })
}

/// What is remembered, with what an interrupted command left settled. The lock is held from here on.
fn settled(context: &Context, store: &Store) -> Result<(Lock, Journal), Failure> {
    let lock = store.lock()?;
    let (journal, notes) = store.settle(&lock)?;
    notes.iter().for_each(|note| context.output.note(note));
    Ok((lock, journal))
}

/// Does the steps. When one fails, the journal is settled at once, and the settings are as they were.
fn perform(store: &Store, lock: &Lock, steps: &[Step]) -> Result<(), Failure> {
    store.perform(steps).inspect_err(|_| {
        // It will be settled by the next command if it cannot be now.
        let _what_failed_matters_more = store.settle(lock);
    })
}

/// The copy of the settings that a connection keeps.
fn backup_of(store: &Store, connection: &Connection) -> Option<Vec<u8>> {
    std::fs::read(store.backup(&connection.backup.as_ref()?.name)).ok()
}
