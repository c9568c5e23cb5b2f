//! What the gateway takes from the machine that it runs on: the wall clock, threads for work that blocks, connections to
//! providers, a disk. In a simulation all of it comes from a [`Stage`] instead, so that a run follows from its seed alone.
//!
//! The stage belongs to a thread and is not handed down: most of those who look here have no state at hand, and nobody
//! else would carry it for anything but tests. It costs a look at a thread's own variable for each connection that is
//! opened and each row; bytes that are relayed never come here.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::history::{Shelf, Told};

/// Bytes both ways: a connection of a simulation.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection that is being made.
pub type Dialling = Pin<Box<dyn Future<Output = std::io::Result<Box<dyn Io>>> + Send>>;

/// Makes connections to providers.
pub type Dial = Arc<dyn Fn(&Uri) -> Dialling + Send + Sync>;

/// What stands for the machine.
#[derive(Clone)]
pub struct Stage {
    /// The way to providers; proxies and TLS do not exist.
    pub dial: Dial,
    /// Makes the store. It is handed what has to hear how writing went.
    pub shelf: Arc<dyn Fn(Told) -> Box<dyn Shelf> + Send + Sync>,
    /// The wall clock's time at the beginning, milliseconds since 1970-01-01 UTC. It goes on with tokio's clock.
    pub began_ms: i64,
    /// By how many milliseconds the wall clock was put forward since, or back.
    pub jumped_ms: Arc<AtomicI64>,
}

thread_local! {
    static STAGE: RefCell<Option<(Stage, Instant)>> = const { RefCell::new(None) };
}

/// From now on this thread's gateways are on this stage; `None`: on the machine again.
pub(crate) fn enter(stage: Option<Stage>) {
    STAGE.replace(stage.map(|stage| (stage, Instant::now())));
}

/// The stage of this thread.
pub(crate) fn stage() -> Option<Stage> {
    STAGE.with_borrow(|stage| stage.as_ref().map(|(stage, _)| stage.clone()))
}

/// The wall clock: for what is written down and for dates that others name, never for a wait of our own.
pub(crate) fn wall_clock() -> SystemTime {
    STAGE.with_borrow(|stage| {
        let Some((stage, since)) = stage else { return SystemTime::now() };
        let ms = stage.began_ms.saturating_add(stage.jumped_ms.load(Ordering::Relaxed));
        UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default()) + since.elapsed()
    })
}

/// The wall clock since the Unix epoch.
pub(crate) fn unix_time() -> Duration {
    wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Does work that blocks where it hinders nobody. `None`: the gateway ends.
pub(crate) async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // A thread that comes back when it likes would make every run another one.
    if STAGE.with_borrow(Option::is_some) {
        return Some(work());
    }
    tokio::task::spawn_blocking(work).await.ok()
}
