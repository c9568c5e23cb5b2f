//! Probes: our own requests that find out how providers are. When which one runs is policy's to say
//! ([`qcc_policy::probe`]); one task waits for that moment and runs them, each in a task of its own, so that a provider
//! that hangs delays nobody's probe. What a probe found changes the engine as the end of a request does.
//!
//! None runs while the gateway drains, and none is waited for: neither a start nor a stop depends on a provider.

mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use qcc_policy::engine::Engine;
use qcc_policy::{ProbeKind, ProviderId};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::check::{Layer, Lists};
use crate::state::{State, now};

pub(crate) use run::by_hand;

/// What probes share.
#[derive(Default)]
pub(crate) struct Probing {
    /// A probe may be due sooner than the task knows.
    news: Notify,
    /// A probe has ended.
    ended: Notify,
    over: CancellationToken,
    lists: Mutex<Lists>,
    /// The latest result of each provider, free or paid.
    latest: Mutex<BTreeMap<(ProviderId, ProbeKind), (Instant, Layer)>>,
}

/// The task; it ends when this is dropped.
pub(crate) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Probing ===

impl Probing {
    /// Wakes the task where the engine says that a probe may be due sooner.
    pub(crate) fn look(&self, engine: &mut Engine) {
        if engine.is_probe_sooner() {
            self.news.notify_one();
        }
    }

    /// No more probes: those that run are dropped.
    pub(crate) fn stop(&self) {
        self.over.cancel();
    }

    /// Waits until there are no more probes.
    pub(crate) async fn stopped(&self) {
        self.over.cancelled().await;
    }

    /// The latest result of this kind, and when it came.
    pub(crate) fn latest(&self, provider: ProviderId, kind: ProbeKind) -> Option<(Instant, Layer)> {
        lock(&self.latest).get(&(provider, kind)).cloned()
    }

    /// Returns the result before.
    fn keep(&self, provider: ProviderId, kind: ProbeKind, layer: &Layer) -> Option<Layer> {
        lock(&self.latest).insert((provider, kind), (now(), layer.clone())).map(|(_, layer)| layer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the task.
pub(crate) fn start(state: &Arc<State>) -> Task {
    let state = Arc::clone(state);
    Task(tokio::spawn(async move { run(&state).await }))
}

async fn run(state: &Arc<State>) {
    let mut running = JoinSet::new();
    loop {
        let next = begin_due(state, &mut running);
        tokio::select! {
            biased;
            () = state.probing.over.cancelled() => return,
            () = state.probing.news.notified() => {}
            Some(_) = running.join_next() => {}
            () = until(next) => {}
        }
    }
}

/// Begins what is due, and says when to look again.
fn begin_due(state: &Arc<State>, running: &mut JoinSet<()>) -> Option<Instant> {
    loop {
        let (now, draw) = (now(), state.draw());
        let mut engine = state.engine();
        let due = engine.next_probe(now)?;
        if due.at > now {
            return Some(due.at);
        }
        if let Ok(lease) = engine.begin_probe(due.provider, due.kind, false, draw, now) {
            drop(engine);
            let state = Arc::clone(state);
            running.spawn(async move { run::scheduled(&state, lease).await });
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
