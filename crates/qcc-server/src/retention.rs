//! What is older than `storage.retention` is deleted, once an hour and a little at a time, on a thread of its own that
//! waits in between: requests have nothing to do with it, and it may wait for the disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use qcc_store::{Store, StoreError};

use crate::trail::wall_clock;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_hours(1);

/// Rows of each kind that are deleted in one transaction: others who write wait for some milliseconds.
const BATCH: u32 = 500;

/// Time between two batches, in which others can write.
const PAUSE: Duration = Duration::from_millis(20);

/// The thread. It ends with this, at the latest after the batch under way.
pub(crate) struct Retention {
    settings: Sender<Option<Duration>>,
}

// === impl Retention ===

impl Retention {
    /// Starts the thread, which waits to hear how long rows are kept. `told` hears how each round went: how many rows
    /// were deleted, or why none could be. `None` when no thread can be started.
    pub(crate) fn start(path: &Path, told: impl Fn(Result<u64, StoreError>) + Send + 'static) -> Option<Self> {
        let (settings, changes) = channel();
        let path = path.to_owned();
        let thread = thread::Builder::new().name("qcc-retention".to_owned());
        thread.spawn(move || run(&path, &changes, told)).ok()?;
        Some(Self { settings })
    }

    /// How long rows are kept from now on; `None`: for ever.
    pub(crate) fn keep(&self, time: Option<Duration>) {
        // The thread is gone only when it panicked; then rows are kept.
        let _sent = self.settings.send(time);
    }
}

fn run(path: &Path, changes: &Receiver<Option<Duration>>, told: impl Fn(Result<u64, StoreError>)) {
    let mut kept: Option<Duration> = None;
    let mut wait = PERIOD;
    loop {
        match changes.recv_timeout(wait) {
            // Its first word, or another one: a repeated one, as every reload brings it, is no reason for a round.
            Ok(time) if time == kept => continue,
            Ok(time) => kept = time,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        wait = PERIOD;
        let Some(time) = kept else { continue };
        let age = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let before = wall_clock().saturating_sub(age);
        told(round(path, before, || match changes.recv_timeout(PAUSE) {
            Ok(time) => {
                kept = time;
                wait = Duration::ZERO;
                false
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }));
    }
}

/// Deletes until nothing old is left, or `pause` says that it is enough.
fn round(path: &Path, before: i64, mut pause: impl FnMut() -> bool) -> Result<u64, StoreError> {
    let Some(mut store) = Store::open_existing(path)? else { return Ok(0) };
    let mut all = 0;
    loop {
        let deleted = store.prune(before, BATCH)?;
        all += deleted;
        if deleted == 0 || !pause() {
            return Ok(all);
        }
    }
}
