//! What all requests share: the snapshot of the configuration in force, who is out and until when, the retry budget, the
//! pin. The clock and the random source live here, so that policy gets both as arguments.

mod identities;
mod lead;
mod thoughts;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use qcc_config::{Auth, Config, Dialect, Loaded};
use qcc_policy::engine::Engine;
use qcc_policy::{Backoff, Hold, Limits, ProviderId, RetryBudget, Router};

use crate::admin::models::ModelCache;
use crate::attempt::Lessons;
use crate::counting::Counting;
use crate::gateway::Source;
use crate::history::History;
use crate::ingress::body::Buffers;
use crate::log::Log;
use crate::observe;
use crate::room::Room;
use crate::tasks::keep::{self, Keeping};
use crate::tasks::probe::Probing;
use crate::upstream::tls::Roots;
use crate::upstream::{Transport, Unusable, Upstream};

pub use identities::identity_of;
pub(crate) use lead::{Pin, RECOVERED};

use identities::Identities;
use thoughts::ThoughtStore;

/// The configuration in force, with everything derived from it. Immutable: a reload makes a new one.
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    /// Whether a file says so, or nobody did.
    pub(crate) from_file: bool,
    /// Providers that can be asked, in file order.
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// The profile that is tried before all tiers, by its place.
    pub(crate) pinned: Option<usize>,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
}

/// Shared by everything that runs.
pub(crate) struct State {
    pub(crate) log: Log,
    pub(crate) source: Source,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) models: ModelCache,
    pub(crate) thoughts: ThoughtStore,
    pub(crate) lessons: Lessons,
    pub(crate) history: History,
    pub(crate) counting: Counting,
    pub(crate) probing: Probing,
    pub(crate) keeping: Keeping,
    leading: lead::Leading,
    snapshot: ArcSwap<Snapshot>,
    pub(crate) room: Room,
    engine: Mutex<Engine>,
    budget: Mutex<RetryBudget>,
    identities: Mutex<Identities>,
    roots: Arc<Roots>,
    listen_host: String,
    draining: AtomicBool,
    cutting: AtomicBool,
    running: AtomicUsize,
    started: Instant,
}

/// Counts a request as running until it is dropped.
pub(crate) struct Running(Arc<State>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl State ===

impl State {
    /// `database` keeps the pin and the history, if it can be used.
    pub(crate) fn new(
        loaded: Loaded,
        source: Source,
        log: Log,
        listen_host: String,
        database: Option<PathBuf>,
    ) -> Result<Arc<Self>, Unusable> {
        let roots = Arc::new(Roots::default());
        let mut identities = Identities::default();
        let snapshot = Snapshot::new(loaded, &[], &mut identities, &roots, &listen_host)?;
        let (ratio, floor) = budget_of(&snapshot.config);
        let mut engine = engine_for(&snapshot);
        let hold = snapshot.config.settings.hold;
        let (history, left) = History::open(database, &log);
        history.retain(snapshot.config.settings.storage_retention);
        let known = history.known(keep::wanted(&snapshot.config.settings.affinity));
        let upto = keep::restore(&mut engine, known, &identities.by_name(), &log);
        let state = Arc::new(Self {
            log,
            source,
            buffers: Arc::default(),
            models: ModelCache::default(),
            thoughts: ThoughtStore::default(),
            lessons: Lessons::default(),
            history,
            counting: Counting::default(),
            probing: Probing::default(),
            keeping: Keeping::new(upto),
            leading: lead::Leading::new(left.pin),
            snapshot: ArcSwap::from_pointee(snapshot),
            room: Room::new(Hold::new(hold.max_wait, hold.max_waiters)),
            engine: Mutex::new(engine),
            budget: Mutex::new(RetryBudget::new(ratio, floor)),
            identities: Mutex::new(identities),
            roots,
            listen_host,
            draining: AtomicBool::new(false),
            cutting: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            started: now(),
        });
        state.resume(left.leader);
        state.enrol(&state.history.conversations());
        Ok(state)
    }

    /// The configuration in force. Keep it for one request, not longer.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts a new configuration into force. Connections that it does not change are kept.
    pub(crate) fn replace(&self, loaded: Loaded) -> Result<(), Unusable> {
        let old = self.snapshot();
        let snapshot = {
            let mut identities = lock(&self.identities);
            Snapshot::new(loaded, &old.upstreams, &mut identities, &self.roots, &self.listen_host)?
        };
        let settings = &snapshot.config.settings;
        let (ratio, floor) = budget_of(&snapshot.config);
        self.budget().configure(ratio, floor);
        {
            let mut engine = self.engine();
            engine.configure(observe::engine_settings(settings));
            set_limits(&mut engine, &snapshot);
        }
        self.history.retain(settings.storage_retention);
        let hold = settings.hold;
        self.room.with(|room| room.configure(hold.max_wait, hold.max_waiters));
        self.models.clear();
        self.put(&snapshot);
        self.forget_the_gone();
        self.enrol(&HashMap::new());
        // What was changed may be what they wait for: whose turn it is finds out.
        for upstream in &snapshot.upstreams {
            self.back(upstream.id);
        }
        Ok(())
    }

    /// Has the providers of the snapshot in force probed. `spent`: conversational checks of the last 24 hours, by name.
    fn enrol(&self, spent: &HashMap<String, u32>) {
        let (snapshot, now) = (self.snapshot(), now());
        let mut engine = self.engine();
        engine.configure_probes(observe::probe_settings(&snapshot.config.settings), now);
        for upstream in &snapshot.upstreams {
            let spent = spent.get(upstream.name()).copied().unwrap_or(0);
            let passthrough = upstream.provider.auth == Auth::Passthrough;
            engine.enrol(upstream.id, passthrough, spent, self.draw(), now);
        }
        engine.retire_others(|id| snapshot.upstream(id).is_some());
        self.probing.look(&mut engine);
    }

    /// Who may be asked, and in which order. Held for a moment only, never across a wait.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        lock(&self.engine)
    }

    /// How providers are named in the database.
    pub(crate) fn identities(&self) -> HashMap<ProviderId, String> {
        lock(&self.identities).names()
    }

    /// After a reload: what is known of profiles that are gone, and of providers that are gone for long.
    fn forget_the_gone(&self) {
        let snapshot = self.snapshot();
        let left = lock(&self.identities).settle();
        let mut engine = self.engine();
        engine.retain_turns(&snapshot.router);
        if let Some(left) = left {
            engine.retain(&left);
        }
    }

    /// What may still be repeated.
    pub(crate) fn budget(&self) -> MutexGuard<'_, RetryBudget> {
        lock(&self.budget)
    }

    /// A random draw.
    #[expect(
        clippy::unused_self,
        reason = "randomness is the state's to give, so that it can be replaced in one place"
    )]
    pub(crate) fn draw(&self) -> u64 {
        fastrand::u64(..)
    }

    pub(crate) fn uptime(&self) -> std::time::Duration {
        now().saturating_duration_since(self.started)
    }

    pub(crate) fn run(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether what still runs is being cut, because it outlived `proxy.drain`.
    pub(crate) fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Relaxed)
    }

    pub(crate) fn start_cutting(&self) {
        self.cutting.store(true, Ordering::Relaxed);
    }

    /// Requests that have not ended.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Returns how many requests are running.
    pub(crate) fn start_draining(&self) -> usize {
        self.draining.store(true, Ordering::Relaxed);
        self.probing.stop();
        self.running()
    }
}

// === impl Snapshot ===

impl Snapshot {
    fn new(
        loaded: Loaded,
        old: &[Arc<Upstream>],
        identities: &mut Identities,
        roots: &Arc<Roots>,
        listen_host: &str,
    ) -> Result<Self, Unusable> {
        let mut config = loaded.config;
        listen_host.clone_into(&mut config.settings.proxy.host);
        let pool = config.settings.pool;
        identities.begin();
        let mut upstreams = Vec::with_capacity(config.providers.len());
        for provider in config.providers.iter().filter(|provider| provider.enabled) {
            let id = identities.id(provider);
            let key = Transport::key_of(provider, &pool);
            let kept = old.iter().find(|upstream| upstream.transport.key == key);
            let transport = match kept {
                Some(upstream) => Arc::clone(&upstream.transport),
                None => Arc::new(Transport::new(provider, &pool, roots)?),
            };
            upstreams.push(Arc::new(Upstream::new(id, provider.clone(), transport)?));
        }
        let router = observe::router(&config, &upstreams, None);
        let retry = config.settings.retry;
        let backoff =
            Backoff { initial: retry.initial, multiplier: retry.multiplier, max: retry.max, jitter: retry.jitter };
        let limits = Limits { max_attempts: retry.max_attempts, same_provider: retry.same_provider, backoff };
        Ok(Self {
            from_file: loaded.path.is_some_and(|path| path.exists()),
            config,
            upstreams,
            pinned: None,
            router,
            limits,
        })
    }

    pub(crate) fn upstream(&self, id: ProviderId) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.id == id)
    }

    pub(crate) fn upstream_named(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.name() == name)
    }
}

fn engine_for(snapshot: &Snapshot) -> Engine {
    let mut engine = Engine::new(observe::engine_settings(&snapshot.config.settings));
    set_limits(&mut engine, snapshot);
    engine
}

fn set_limits(engine: &mut Engine, snapshot: &Snapshot) {
    for upstream in &snapshot.upstreams {
        engine.limit(upstream.id, observe::caps(&upstream.provider));
        engine.place(upstream.id, observe::host_of(&upstream.provider));
    }
}

/// The name of a dialect in the configuration.
pub(crate) fn dialect_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "anthropic",
        Dialect::Openai => "openai",
        Dialect::Responses => "responses",
        Dialect::Gemini => "gemini",
    }
}

/// The clock: tokio's, so that tests can turn it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Repeats per request, and the floor per second.
fn budget_of(config: &Config) -> (f64, u32) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float saturates, and it was validated"
    )]
    (config.settings.retry.budget, config.settings.retry.budget_floor as u32)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
