//! What is known of providers and sessions survives the process: it is written down while the gateway runs, at a calm
//! rhythm and only what changed, once more at its end, and taken up at the next start. Killing the gateway costs what
//! was learned since the last time.
//!
//! The engine's lock is held for a piece at a time and never while anybody writes: text is made of a piece after the lock
//! was given back, and goes to the writer's queue. Where that is full, because the disk cannot keep up, what changed stays
//! with the engine until there is room.
//!
//! The time while nobody ran counts, by the clock on the wall. One that was set back counts as no time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use qcc_config::AffinitySettings;
use qcc_policy::affinity::{Batch, MODELS};
use qcc_policy::engine::{Engine, KeptProvider, KeptSessions};
use qcc_policy::{ProviderId, affinity};
use qcc_store::{Kept, Row, SessionRow, StateRow, Void};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::events::Event;
use crate::history::Known;
use crate::kept;
use crate::log::Log;
use crate::state::{State, now};
use crate::trail::wall_clock;

/// Time between two looks at what changed of providers. Killing the gateway costs at most this.
const PERIOD: Duration = Duration::from_secs(5);

/// The same for sessions: each request changes one, and what a lost change costs is one fresh prompt cache.
const SESSIONS_PERIOD: Duration = Duration::from_secs(30);

/// Providers of one piece.
const PROVIDERS: usize = 100;

/// Sessions of one piece.
const SESSIONS: usize = 1000;

/// What is written down and what is not yet.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// The latest change of a session that was handed over.
    upto: Mutex<u64>,
    hurry: Arc<Notify>,
}

impl Keeping {
    /// `upto`: the latest change of a session that is in the database.
    pub(crate) fn new(upto: u64) -> Self {
        Self { upto: Mutex::new(upto), hurry: Arc::default() }
    }

    /// Somebody said by hand that things are otherwise, so the next start must not find what was before.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_one();
    }
}

/// Begins to write down what changes, as long as there is a gateway and a database.
pub(crate) fn start(state: &Arc<State>) {
    if state.history.takes_rows() {
        tokio::spawn(run(Arc::downgrade(state), Arc::clone(&state.keeping.hurry)));
    }
}

async fn run(state: Weak<State>, hurry: Arc<Notify>) {
    let (mut saved, mut owed) = (Instant::now(), false);
    loop {
        owed |= tokio::time::timeout(PERIOD, hurry.notified()).await.is_ok();
        let Some(state) = state.upgrade() else { return };
        owed |= saved.elapsed() >= SESSIONS_PERIOD;
        if save(&state, owed) && owed {
            (saved, owed) = (Instant::now(), false);
        }
    }
}

/// Hands over everything that is left, for as long as the disk takes it. Waits for the disk.
pub(crate) fn finish(state: &State) {
    // Where nobody takes anything there is never room.
    while state.history.takes_rows() {
        let all = save(state, true);
        if !state.history.flush() || all {
            return;
        }
    }
}

/// Hands over what changed, of sessions only what is void where `sessions` is not said. `false`: not all was taken.
fn save(state: &State, sessions: bool) -> bool {
    let mut upto = state.keeping.upto.lock().unwrap_or_else(PoisonError::into_inner);
    let most = if sessions { SESSIONS } else { 0 };
    let mut names = None;
    loop {
        if !state.history.has_room() {
            return false;
        }
        let (providers, changed) = {
            let (mut engine, now) = (state.engine(), now());
            (engine.export(PROVIDERS, now), engine.export_sessions(*upto, most, now))
        };
        if providers.is_empty() && changed.void.is_empty() && changed.batch.upto == *upto {
            return true;
        }
        *upto = changed.batch.upto;
        let names = names.get_or_insert_with(|| state.identities());
        let most = most_rows(&state.snapshot().config.settings.affinity);
        state.history.write(Row::Kept(Box::new(rows(providers, changed, names, most))));
    }
}

fn rows(
    providers: Vec<(ProviderId, KeptProvider)>,
    changed: KeptSessions,
    names: &HashMap<ProviderId, String>,
    most_sessions: u32,
) -> Kept {
    let at_ms = wall_clock();
    let mut rows = Kept { void: void(&changed.void, names), most_sessions, ..Kept::default() };
    for (provider, kept) in providers {
        let Some(identity) = names.get(&provider).cloned() else { continue };
        if kept.is_empty() {
            rows.cleared.push(identity);
        } else {
            rows.states.push(StateRow { identity, updated_ms: at_ms, state: kept::text(&kept) });
        }
    }
    let Batch { bindings, ended, .. } = changed.batch;
    rows.ended = ended.into_iter().map(kept::row_of).collect();
    rows.sessions.extend(bindings.iter().filter_map(|binding| {
        let idle = i64::try_from(binding.idle.as_millis()).unwrap_or(i64::MAX);
        Some(SessionRow {
            key: kept::row_of(binding.key),
            used_ms: at_ms.saturating_sub(idle),
            identity: names.get(&binding.provider)?.clone(),
            state: kept::session_text(binding),
        })
    }));
    rows
}

fn void(void: &affinity::Void, names: &HashMap<ProviderId, String>) -> Void {
    if void.all {
        return Void::Everything;
    }
    let of: Vec<String> = void.providers.iter().filter_map(|provider| names.get(provider).cloned()).collect();
    if of.is_empty() { Void::Nothing } else { Void::Of(of) }
}

/// Rows that the sessions of such settings may take.
fn most_rows(settings: &AffinitySettings) -> u32 {
    u32::try_from(settings.max_sessions.saturating_mul(MODELS)).unwrap_or(u32::MAX)
}

/// Which rows of sessions are worth to be read: since when, and how many.
pub(crate) fn wanted(settings: &AffinitySettings) -> Option<(i64, u32)> {
    let ttl = i64::try_from(settings.ttl.as_millis()).unwrap_or(i64::MAX);
    let kept = settings.enabled && ttl > 0 && settings.max_sessions > 0;
    kept.then(|| (wall_clock().saturating_sub(ttl), most_rows(settings)))
}

/// Takes up what an earlier run left, of the providers that there still are. Gives the latest change of a session.
pub(crate) fn restore(engine: &mut Engine, known: Known, providers: &HashMap<String, ProviderId>, log: &Log) -> u64 {
    let (now, wall) = (now(), wall_clock());
    let mut ignored: Vec<String> = Vec::new();
    let mut restored = 0;
    for row in known.states {
        let Some(provider) = providers.get(&row.identity) else { continue };
        match kept::provider(&row.state) {
            Ok(kept) => {
                engine.restore(*provider, kept, away(row.updated_ms, wall), now);
                restored += 1;
            }
            Err(error) => ignored.push(error),
        }
    }
    let mut bindings = Vec::new();
    for row in known.sessions {
        let Some(provider) = providers.get(&row.identity) else { continue };
        match kept::session(&row.state, *provider) {
            Ok(kept) => {
                let idle = i64::try_from(kept.idle.as_millis()).unwrap_or(i64::MAX);
                bindings.push((kept, away(row.used_ms.saturating_add(idle), wall)));
            }
            Err(error) => ignored.push(error),
        }
    }
    let (sessions, upto) = engine.restore_sessions(bindings, now);
    if restored > 0 || sessions > 0 {
        log.emit(Event::StateRestored { providers: restored, sessions });
    }
    if let Some(error) = ignored.first() {
        log.emit(Event::StateIgnored { rows: ignored.len(), error: error.clone() });
    }
    upto
}

/// How long ago something was written down. A clock that was set back since then says nothing.
fn away(written_ms: i64, wall_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(wall_ms.saturating_sub(written_ms)).unwrap_or_default())
}
