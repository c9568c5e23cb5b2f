//! `qcc claude disconnect`: gives the settings back. It needs neither a gateway nor a configuration that can be read.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::claude::journal::{BASE_URL, Entry, Journal, fingerprint};
use crate::claude::plan::{How, Undo};
use crate::claude::settings::Settings;
use crate::claude::steps::{Step, Store, disconnecting};
use crate::claude::wish::{API_KEY, AUTH_TOKEN};
use crate::claude::{entry_for, location, plan};
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::place::Place;
use crate::table::Cell;
use crate::variables::MANAGED;
use crate::{ask, pidfile};

use super::{backup_of, perform, read, settled, shown};

/// What was, or would be, done.
struct Done {
    settings: PathBuf,
    undo: Undo,
    /// It was connected by a journal of ours.
    known: bool,
    /// Where the settings as they were are kept, if not all of them came back.
    copy: Option<PathBuf>,
}

pub(super) fn run(context: &Context, dry_run: bool) -> Outcome {
    let asked = location::asked()?;
    let store = Store::new(&context.locations.state_dir);
    let done = if dry_run {
        prepare(context, &store, &store.load()?, &asked)?.map(|(done, _)| done)
    } else {
        let (lock, journal) = settled(context, &store)?;
        let prepared = prepare(context, &store, &journal, &asked)?;
        if let Some((_, steps)) = &prepared {
            perform(&store, &lock, steps)?;
        }
        prepared.map(|(done, _)| done)
    };
    match done {
        Some(done) => tell(context, &done, dry_run),
        None => tell_nothing(context, &asked),
    }
}

/// What is to be done, if anything is, and its steps.
fn prepare(
    context: &Context,
    store: &Store,
    journal: &Journal,
    asked: &Path,
) -> Result<Option<(Done, Vec<Step>)>, Failure> {
    match entry_for(journal, asked) {
        Some(entry) => by_journal(store, journal, entry).map(Some),
        None => by_hand(context, store, asked),
    }
}

fn by_journal(store: &Store, journal: &Journal, entry: &Entry) -> Result<(Done, Vec<Step>), Failure> {
    let settings = &entry.settings;
    let now = read(settings)?;
    let Some(connection) = &entry.now else {
        return Err(Failure::bare(format!("the change of {} is still under way", settings.display())));
    };
    let backup = backup_of(store, connection);
    let undo = plan::undo(now.as_deref(), connection, backup.as_deref()).map_err(|fault| fault.of(settings))?;
    let keep = backup.filter(|_| !undo.lost.is_empty()).map(|bytes| (copy_name(settings, &bytes), bytes));
    let copy = keep.as_ref().map(|(name, _)| store.backup(name));
    let steps = disconnecting(journal, entry, now.as_deref(), undo.after.as_deref(), keep);
    Ok((Done { settings: settings.clone(), undo, known: true, copy }, steps))
}

/// Settings that lead here though no journal of ours says so: set by hand, or the state folder is gone.
fn by_hand(context: &Context, store: &Store, asked: &Path) -> Result<Option<(Done, Vec<Step>)>, Failure> {
    let Some(now) = read(asked)? else { return Ok(None) };
    // A file that cannot be read as settings leads nowhere.
    let Ok(settings) = Settings::read(&now) else { return Ok(None) };
    let stands_in = [API_KEY, AUTH_TOKEN].iter().any(|name| settings.get(name) == Some(MANAGED));
    let running = pidfile::running(&context.locations.pid).ok().flatten().and_then(|running| running.record.address);
    let running = running.map(ask::url);
    let is_ours = |url: &str| {
        running.as_deref() == Some(url) || stands_in && Place::of(url).is_some_and(|place| place.is_local())
    };
    let Some(undo) = plan::adopt(&now, is_ours).map_err(|fault| fault.of(asked))? else { return Ok(None) };
    let name = copy_name(asked, &now);
    let copy = Some(store.backup(&name));
    let steps = vec![
        Step::Backup(name, now.clone()),
        Step::Settings(asked.to_owned(), Some(fingerprint(&now)), undo.after.clone()),
    ];
    Ok(Some((Done { settings: asked.to_owned(), undo, known: false, copy }, steps)))
}

/// A copy that stays is named after where it comes from and what it holds.
fn copy_name(settings: &Path, bytes: &[u8]) -> String {
    let short = |bytes: &[u8]| fingerprint(bytes).chars().take(8).collect::<String>();
    format!("settings-{}-{}.json", short(settings.as_os_str().as_encoded_bytes()), short(bytes))
}

fn tell(context: &Context, done: &Done, dry_run: bool) -> Outcome {
    let output = context.output;
    let Done { settings, undo, known, copy } = done;
    let copy = copy.as_ref().filter(|_| !dry_run);
    if output.json {
        output.document(&json!({
            "connected": dry_run,
            "changed": !dry_run,
            "dry_run": dry_run,
            "settings": settings,
            "how": how(undo.how),
            "came_back": undo.back,
            "kept": undo.kept,
            "copy": copy,
        }))?;
        return Ok(OK);
    }
    let path = settings.display();
    let what = match undo.how {
        How::Exact => format!("{path} is as it was, byte for byte"),
        How::Merged if *known => format!("{path} is without our variables; what you edited meanwhile stays"),
        How::Merged => format!("{path} is without what led to qcc"),
        How::Removed => format!("{path} is removed, as there was none before"),
        How::Gone => format!("{path} was removed meanwhile, so there is nothing to give back"),
    };
    if dry_run {
        output.data(format_args!("Claude Code would be disconnected: {path} ({})", how(undo.how)))?;
    } else {
        output.data(format_args!("{} Claude Code is disconnected: {what}", Cell::mark(true)))?;
    }
    if !undo.back.is_empty() {
        let verb = if dry_run { "would come" } else { "came" };
        output.talk(format_args!("{verb} back: {}", undo.back.join(", ")));
    }
    if !known {
        output.note("it was not qcc that connected it, or qcc's own notes of that are gone");
    }
    tell_kept(context, undo, settings);
    if let Some(copy) = copy {
        output.note(format_args!("the earlier settings are kept in {}", copy.display()));
    }
    if dry_run {
        output.note("nothing was written");
    }
    Ok(OK)
}

/// Variables of ours that the user changed.
fn tell_kept(context: &Context, undo: &Undo, settings: &Path) {
    let after = undo.after.as_deref().and_then(|bytes| Settings::read(bytes).ok());
    for name in &undo.kept {
        let value = after.as_ref().and_then(|after| after.get(name));
        let now = value.map_or_else(|| "it is gone".to_owned(), |value| format!("it is {}", shown(name, value)));
        context.output.note(format_args!("{name} was changed meanwhile in {} and stays: {now}", settings.display()));
    }
    if undo.kept.iter().any(|name| name == BASE_URL) {
        return;
    }
    let leads = after.as_ref().and_then(|after| after.get(BASE_URL)).and_then(Place::of);
    if let Some(place) = leads.filter(Place::is_local) {
        context.output.note(format_args!("Claude Code is led to {} again, as before", place.shown()));
    }
}

fn tell_nothing(context: &Context, asked: &Path) -> Outcome {
    if context.output.json {
        context.output.document(&json!({
            "connected": false,
            "changed": false,
            "dry_run": false,
            "settings": asked,
            "how": null,
            "came_back": [],
            "kept": [],
            "copy": null,
        }))?;
    } else {
        context.output.data(format_args!("Claude Code is not connected: {}", asked.display()))?;
    }
    Ok(OK)
}

fn how(how: How) -> &'static str {
    match how {
        How::Exact => "exact",
        How::Merged => "merged",
        How::Removed => "removed",
        How::Gone => "gone",
    }
}
