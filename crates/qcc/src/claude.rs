//! Leading every Claude Code of this user through qcc by its own settings file, and giving that file back.
//!
//! Users of other gateways lost their settings to a rewritten file, to a stale copy put back, or to an address that
//! nobody listened on any more. So: only variables of ours are edited (`settings`, `wish`), what was there is remembered
//! before anything is written (`journal`), a change happens in steps that may be interrupted anywhere (`steps`), and
//! giving back keeps what the user edited meanwhile (`plan`).

use std::path::Path;

use crate::ask;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) mod journal;
pub(crate) mod location;
pub(crate) mod plan;
pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod wish;

use journal::{BASE_URL, Connection, Entry, Journal, Seen};
use settings::{Fault, Settings};
use steps::Store;

/// Settles what an interrupted `connect` or `disconnect` left. Costs one look at the disk when there is nothing, and
/// never keeps a command from its own work.
pub(crate) fn heal(context: &Context) {
    let store = Store::new(&context.locations.state_dir);
    if !store.exists() || !store.load().is_ok_and(|journal| journal.is_unsettled()) {
        return;
    }
    // Another command holds the lock: the change is not interrupted but under way.
    let Some(lock) = store.try_lock() else { return };
    match store.settle(&lock) {
        Ok((_, notes)) => notes.iter().for_each(|note| context.output.note(note)),
        Err(failure) => context.output.note(format_args!(
            "a `qcc claude` command was interrupted, and that cannot be settled: {}",
            failure.message()
        )),
    }
}

/// The entry for this settings file, by whatever way it is reached.
pub(crate) fn entry_for<'a>(journal: &'a Journal, asked: &Path) -> Option<&'a Entry> {
    let real = location::real(asked).ok();
    let same = |entry: &&Entry| real.is_some() && location::real(&entry.settings).ok() == real;
    journal.entry(asked).or_else(|| journal.entries.iter().find(same))
}

/// The settings files that lead here by our doing, each with the address that it leads to.
pub(crate) fn connected(context: &Context) -> Vec<(Entry, Connection)> {
    let store = Store::new(&context.locations.state_dir);
    if !store.exists() {
        return Vec::new();
    }
    let entries = store.load().map(|journal| journal.entries).unwrap_or_default();
    let connected = entries.into_iter().filter_map(|entry| entry.now.clone().map(|now| (entry, now)));
    connected.filter(|(entry, now)| leads_to(&entry.settings, &now.url)).collect()
}

/// Whether the file leads Claude Code to this address now.
pub(crate) fn leads_to(settings: &Path, url: &str) -> bool {
    let Seen::File(Some(bytes)) = steps::look(settings) else { return false };
    Settings::read(&bytes).is_ok_and(|settings| settings.get(BASE_URL) == Some(url))
}

/// Says that the gateway which Claude Code is connected to has stopped.
pub(crate) fn tell_stopped(context: &Context) {
    for (entry, _) in connected(context) {
        context.output.note(format_args!(
            "Claude Code is connected ({}) and reaches nobody now: `qcc proxy start`, or `qcc claude disconnect`",
            entry.settings.display()
        ));
    }
}

/// Says that Claude Code is connected to another address than that of the gateway which has started.
pub(crate) fn tell_started(context: &Context, address: std::net::SocketAddr) {
    let url = ask::url(address);
    for (entry, now) in connected(context).into_iter().filter(|(_, now)| now.url != url) {
        context.output.note(format_args!(
            "Claude Code is connected to {} ({}), which is not this gateway: `qcc claude connect`",
            now.url,
            entry.settings.display()
        ));
    }
}

impl Fault {
    /// As a failure of the file at `path`.
    pub(crate) fn of(self, path: &Path) -> Failure {
        let place = self.at.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        let hint = format!("{}; nothing was written", self.hint);
        Failure::new(format!("{}{place} cannot be edited: {}", path.display(), self.message), hint)
    }
}
