//! `qcc claude connect`: starts the gateway, then leads Claude Code to it. In this order, so that a settings file never
//! names an address where nobody is.

use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use qcc_config::{Config, Loaded};
use serde_json::json;

use crate::claude::journal::{Connection, Journal, fingerprint};
use crate::claude::settings::Settings;
use crate::claude::steps::{Store, connecting, writable};
use crate::claude::{entry_for, location, plan, wish};
use crate::cli::Listen;
use crate::commands::env;
use crate::commands::run::warn_of_detours;
use crate::context::{Context, variable};
use crate::failure::{Failure, OK, Outcome};
use crate::place::{Here, Place};
use crate::table::{Cell, Table};
use crate::{ask, daemon, pidfile};

use super::{HIDDEN, backup_of, perform, read, settled, shown, to_come_back};

/// Where the gateway is, or will be.
struct Target {
    url: String,
    addresses: Vec<SocketAddr>,
    /// A start without flags would choose another port.
    by_flag: bool,
}

/// A connection, ready to be made.
struct Ready {
    settings: PathBuf,
    now: Option<Vec<u8>>,
    plan: plan::Connect,
    notes: Vec<String>,
    /// It is there already.
    unchanged: bool,
}

pub(super) fn run(context: &Context, dry_run: bool) -> Outcome {
    let asked = location::asked()?;
    let loaded = context.load()?;
    let store = Store::new(&context.locations.state_dir);
    let target = target(context, &loaded)?;
    refuse_loop(&loaded.config, &target.addresses)?;
    // Whatever is wrong with the settings is said before anything is started.
    let ready = prepare(&store, &store.load()?, &asked, &loaded.config, &target.url)?;
    if dry_run {
        return tell(context, &ready, &target, None);
    }
    if !ready.unchanged {
        writable(&ready.settings)?;
    }
    let started = daemon::ensure(context, &Listen::default())?;
    let target = Target { url: ask::url(started.address), addresses: vec![started.address], ..target };
    refuse_loop(&loaded.config, &target.addresses)?;
    let (lock, journal) = settled(context, &store)?;
    let ready = prepare(&store, &journal, &asked, &loaded.config, &target.url)?;
    if !ready.unchanged {
        let (plan, now) = (&ready.plan, ready.now.as_deref());
        let written = (plan.after.as_slice(), &plan.connection);
        perform(&store, &lock, &connecting(&journal, &ready.settings, now, plan.before.as_deref(), written))?;
    }
    drop(lock);
    tell(context, &ready, &target, Some(started))
}

/// Finds the gateway's address, and refuses one that would not be the same after a restart.
fn target(context: &Context, loaded: &Loaded) -> Result<Target, Failure> {
    let proxy = &loaded.config.settings.proxy;
    let path = &context.locations.pid;
    let running = pidfile::running(path).map_err(|error| Failure::file("read", path, &error))?;
    let record = running.map(|running| running.record);
    let port = record.as_ref().and_then(|record| record.port).unwrap_or(proxy.port);
    if port == 0 {
        return Err(Failure::new(
            "the gateway's port is chosen anew at each start, so a restart would leave Claude Code behind",
            "give it a port of its own: `qcc config set proxy.port 7860`, then `qcc proxy restart --port 7860`",
        ));
    }
    if let Some(address) = record.and_then(|record| record.address) {
        let by_flag = address.port() != proxy.port;
        return Ok(Target { url: ask::url(address), addresses: vec![address], by_flag });
    }
    let host = proxy.host.trim_matches(['[', ']']);
    let addresses = (host, port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    Ok(Target { url: env::configured(host, port)?, addresses, by_flag: false })
}

/// # Errors
/// When a provider leads back to the gateway: one request would become as many as fit into the machine.
fn refuse_loop(config: &Config, addresses: &[SocketAddr]) -> Result<(), Failure> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let here = Here { addresses: addresses.to_vec(), name };
    let leads_back = |url: &str| {
        let Some(place) = Place::of(url) else { return false };
        let resolved = if here.depends_on_name(&place) {
            (place.host.as_str(), place.port).to_socket_addrs().map(Iterator::collect).unwrap_or_default()
        } else {
            Vec::new()
        };
        let resolved: Vec<_> = resolved.iter().map(SocketAddr::ip).collect();
        here.is(&place, &resolved)
    };
    match config.providers.iter().find(|provider| provider.enabled && leads_back(&provider.base_url)) {
        None => Ok(()),
        Some(provider) => Err(Failure::new(
            format!("provider {} leads back to this gateway: every request would go round in a circle", provider.name),
            format!("give it its real address: `qcc config set providers.{}.base_url URL`", provider.name),
        )),
    }
}

fn prepare(store: &Store, journal: &Journal, asked: &Path, config: &Config, url: &str) -> Result<Ready, Failure> {
    let entry = entry_for(journal, asked);
    let settings = entry.map_or_else(|| asked.to_owned(), |entry| entry.settings.clone());
    let now = read(&settings)?;
    let known = entry.and_then(|entry| entry.now.as_ref());
    let backup = known.and_then(|connection| backup_of(store, connection));
    let fault = |fault: crate::claude::settings::Fault| fault.of(&settings);
    let before = plan::without(now.as_deref(), known.map(|known| (known, backup.as_deref())), url).map_err(fault)?;
    let read = Settings::read(before.as_deref().unwrap_or_default()).map_err(fault)?;
    let wish =
        wish::wish(config, url, &read, &variable).map_err(|refusal| Failure::new(refusal.message, refusal.hint))?;
    let name: String = fingerprint(settings.as_os_str().as_encoded_bytes()).chars().take(16).collect();
    let mut made = known.map(|known| known.made_folders.clone()).unwrap_or_default();
    made.extend(
        location::missing_folders(&settings).into_iter().filter(|folder| !made.contains(folder)).collect::<Vec<_>>(),
    );
    let plan = plan::connect(before, url, wish.keys, &name, made).map_err(fault)?;
    let unchanged = now.as_ref() == Some(&plan.after) && known == Some(&plan.connection);
    Ok(Ready { settings, now, plan, notes: wish.notes, unchanged })
}

fn tell(context: &Context, ready: &Ready, target: &Target, started: Option<daemon::Started>) -> Outcome {
    let output = context.output;
    let notes = notes(ready, target, started.is_some());
    let (url, settings) = (&target.url, ready.settings.display());
    if output.json {
        output.document(&json!({
            "connected": started.is_some() || ready.unchanged,
            "changed": started.is_some() && !ready.unchanged,
            "dry_run": started.is_none(),
            "settings": ready.settings,
            "created": ready.plan.before.is_none(),
            "address": url,
            "set": set(&ready.plan.connection),
            "comes_back": super::object(to_come_back(&ready.plan.connection)),
            "gateway": started.map(|started| json!({ "already": started.already, "pid": started.pid })),
            "notes": notes,
        }))?;
        return Ok(OK);
    }
    match started {
        None => output.data(format_args!("{settings} would be changed:"))?,
        Some(_) if ready.unchanged => {
            output.data(format_args!("{} nothing to change: Claude Code is connected to {url}", Cell::mark(true)))?;
        }
        Some(_) => output.data(format_args!("{} Claude Code is connected to {url}: {settings}", Cell::mark(true)))?,
    }
    if !ready.unchanged {
        output.table(&changes(&ready.plan.connection))?;
    }
    if started.is_some_and(|started| !started.already) {
        output.talk(format_args!("qcc is running: {url}"));
    }
    notes.iter().for_each(|note| output.note(note));
    match started {
        None => output.note("nothing was written"),
        Some(_) if ready.unchanged => {}
        Some(_) => output.talk("next: start Claude Code anew; `qcc claude disconnect` gives the settings back"),
    }
    if started.is_some() {
        warn_of_detours(output, url);
    }
    Ok(OK)
}

/// What is set, for people.
fn changes(connection: &Connection) -> Table {
    let mut table = Table::new(&["VARIABLE", "VALUE", "BEFORE"]).shrink(2).shrink(1);
    for key in &connection.keys {
        let now = key.ours.as_ref().map_or_else(|| "(taken out)".to_owned(), |value| shown(&key.name, value));
        let before = key.original.as_ref().map_or_else(|| "-".to_owned(), |value| shown(&key.name, value));
        table.row(vec![Cell::new(&key.name), Cell::new(now), Cell::new(before)]);
    }
    table
}

/// What is set, for programs: `null` stands for what is taken out.
fn set(connection: &Connection) -> serde_json::Map<String, serde_json::Value> {
    let value = |name: &str, value: &Option<String>| json!(value.as_ref().map(|value| shown(name, value)));
    connection.keys.iter().map(|key| (key.name.clone(), value(&key.name, &key.ours))).collect()
}

fn notes(ready: &Ready, target: &Target, written: bool) -> Vec<String> {
    let mut notes = ready.notes.clone();
    let path = ready.settings.display();
    if let Some(line) = ready.plan.not_plain {
        notes.push(format!(
            "{path} has a comment or a trailing comma (line {line}): Claude Code 2.1.197 ignores such a file as a whole"
        ));
    }
    if target.by_flag {
        notes.push(format!(
            "the gateway listens there because of --port: set proxy.port too, or a later start will be elsewhere ({})",
            target.url
        ));
    }
    let secret = ready
        .plan
        .connection
        .keys
        .iter()
        .any(|key| key.ours.as_ref().is_some_and(|value| shown(&key.name, value) == HIDDEN));
    let mode = std::fs::metadata(&ready.settings).map_or(0, |meta| meta.permissions().mode() & 0o777);
    if written && secret && mode & 0o077 != 0 {
        notes.push(format!("{path} holds a client key now and others may read it: `chmod 600 {path}`"));
    }
    notes
}
