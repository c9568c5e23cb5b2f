//! The gateway on a [`Stage`], for the simulation in `tests/sim`: a module that is always there and not in the
//! documentation, rather than a feature of the crate. With a feature the tests would run against another build than
//! users do, and the plain `cargo test` would leave the simulation out. The program never calls it, so that its linker
//! drops it.
//!
//! A stage belongs to its thread: one simulation at a time in each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use qcc_policy::engine::Target;
use qcc_policy::{Caps, Standing, breaker};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::events::Event;
use crate::gateway::{Drained, Gateway, Source, StartError};
use crate::listen::Listening;
use crate::log::Log;
use crate::outside;
use crate::state::{State, now};
use crate::tasks;
use crate::workers::Workers;

pub use crate::history::{Shelf, Told};
pub use crate::outside::{Dial, Dialling, Io, Stage};

/// A gateway on a stage.
pub struct Simulated {
    gateway: Gateway,
    door: UnboundedSender<Box<dyn Io>>,
}

/// Where clients come in.
#[derive(Clone)]
pub struct Door(UnboundedSender<Box<dyn Io>>);

impl Door {
    /// A client connects. Once the gateway drains it is let go of.
    pub fn connect(&self, stream: Box<dyn Io>) {
        let _draining_closes_it = self.0.send(stream);
    }
}

/// A look inside.
#[derive(Clone)]
pub struct Inside(Arc<State>);

/// What is kept in memory for requests. All of it is zero when none runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budgets {
    /// Bytes of request bodies.
    pub buffered: u64,
    /// Requests that have not ended.
    pub running: usize,
    /// Requests in the waiting room.
    pub waiting: usize,
}

impl Simulated {
    /// Starts with the configuration `text`. `seed` decides every random draw of this thread, `hear` is called with
    /// every event of the log; it must not call back into the gateway except at the end of a request.
    ///
    /// # Errors
    /// When the configuration cannot be served.
    pub fn start(
        text: &str,
        seed: u64,
        stage: Stage,
        hear: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        outside::enter(Some(stage));
        fastrand::seed(seed);
        let source = Source::Text(text.to_owned());
        let loaded = crate::gateway::load(&source)?;
        let notices = loaded.notices.clone();
        let state = State::new(loaded, source, Log::here(hear), "127.0.0.1".to_owned(), None)
            .map_err(|error| StartError::Provider(error.to_string()))?;
        let (door, streams) = unbounded_channel();
        let workers = Workers::start(0).map_err(StartError::Workers)?;
        let listening = Listening::simulated(streams, Arc::clone(&state), workers);
        let gateway = Gateway::of_parts(state, listening, ([127, 0, 0, 1], 7860).into(), notices, None);
        Ok(Self { gateway, door })
    }

    /// Where clients come in.
    #[must_use]
    pub fn door(&self) -> Door {
        Door(self.door.clone())
    }

    /// Another configuration, as after an edit of the file.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn reload(&self, text: &str) -> Result<(), String> {
        let loaded = crate::gateway::load(&Source::Text(text.to_owned())).map_err(|error| error.to_string());
        tasks::reload::apply(self.gateway.state(), loaded, "file").map(drop)
    }

    /// For looking inside, also after the end.
    #[must_use]
    pub fn inside(&self) -> Inside {
        Inside(Arc::clone(self.gateway.state()))
    }

    /// As [`Gateway::drain`].
    pub async fn drain(self) -> Drained {
        drop(self.door);
        self.gateway.drain().await
    }
}

/// The end of the simulation in this thread: it is on the machine again.
pub fn leave() {
    outside::enter(None);
}

// === impl Inside ===

impl Inside {
    /// Whether nobody else holds what all requests share: no task, no connection, no thread.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// What is kept in memory for requests.
    #[must_use]
    pub fn budgets(&self) -> Budgets {
        Budgets {
            buffered: self.0.buffers.total(),
            running: self.0.running(),
            waiting: self.0.room.with(|hold| hold.len()),
        }
    }

    /// How a provider stands for a request for `model`, as sent, of so many bytes. `None`: there is no such provider.
    #[must_use]
    pub fn standing(&self, provider: &str, model: &str, bytes: u64) -> Option<Standing> {
        let id = self.0.snapshot().upstream_named(provider)?.id;
        let target = Target { provider: id, model: model.into(), fingerprint: None };
        Some(self.0.engine().standing(&target, bytes / 4, now()))
    }

    /// What a provider's breaker says.
    #[must_use]
    pub fn breaker(&self, provider: &str) -> Option<breaker::Standing> {
        let id = self.0.snapshot().upstream_named(provider)?.id;
        Some(self.0.engine().breaker(id, now()))
    }

    /// Whether an attempt at a provider counts as running, under whatever model. It changes the provider's limits, so it
    /// is for the end.
    #[must_use]
    pub fn is_busy(&self, provider: &str, model: &str) -> bool {
        let Some(id) = self.0.snapshot().upstream_named(provider).map(|upstream| upstream.id) else { return false };
        let mut engine = self.0.engine();
        engine.limit(id, Caps { concurrency: 1, ..Caps::default() });
        let target = Target { provider: id, model: model.into(), fingerprint: None };
        // By then nobody is out for anything else.
        let later = now() + Duration::from_hours(60 * 24);
        engine.standing(&target, 0, later) != Standing::Admissible
    }
}

impl Stage {
    /// The wall clock jumps by so many milliseconds, forward or back.
    pub fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}
