//! Rows that come from traffic: handed over without waiting, written by one thread in batches. While the database
//! cannot be written, a bounded number of rows waits for it; what is beyond is lost and counted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::inbox::{BATCH, Inbox};
use crate::rows::Row;
use crate::store::Store;

/// Time between two tries on a database that could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// News of the database, said when it changes and not for every row.
#[derive(Debug)]
pub enum Report {
    /// Rows cannot be written for this reason. They wait, and it is tried again.
    Failed(StoreError),
    /// Rows were written after a failure, or rows were lost before.
    Written {
        /// Rows that were lost since the last report.
        lost: u64,
    },
}

/// The handle on the thread. It ends when this is dropped, after a last try to write what it has.
pub struct Writer {
    inbox: Arc<Inbox>,
}

/// What the thread has.
struct Desk<R> {
    path: PathBuf,
    store: Option<Store>,
    inbox: Arc<Inbox>,
    /// Rows that were taken and are not written yet.
    pending: Vec<Row>,
    /// When it is tried again, while writing fails.
    retry_at: Option<Instant>,
    report: R,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread. `report` is called on it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(path: &Path, report: impl FnMut(Report) + Send + 'static) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let desk = Desk {
            path: path.to_owned(),
            store: None,
            inbox: Arc::clone(&inbox),
            pending: Vec::new(),
            retry_at: None,
            report,
        };
        std::thread::Builder::new().name("qcc-store".to_owned()).spawn(move || desk.run())?;
        Ok(Self { inbox })
    }

    /// Hands a row over. Never waits: where too many wait to be written, the row is lost and counted. It is written
    /// within 200 ms, with what else came by then. Texts are cut as by [`Store::record`].
    pub fn write(&self, mut row: Row) {
        row.bound();
        self.inbox.put(row);
    }

    /// Whether a [`Row::Kept`] would be taken now. Who is the only one that hands such over may rely on it, and hands over
    /// nothing otherwise: what changes meanwhile can wait with its owner.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inbox.has_room()
    }

    /// Waits, for at most `limit`, until it was tried to write every row handed over so far. `true` when none of them
    /// waits any more. Blocks.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        self.inbox.flush(done);
        wait.recv_timeout(limit).unwrap_or(false)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

// === impl Desk ===

impl<R: FnMut(Report)> Desk<R> {
    fn run(mut self) {
        loop {
            let taken = self.inbox.take(&mut self.pending, self.retry_at);
            self.write();
            for done in taken.flushes {
                let _asker_may_be_gone = done.send(self.pending.is_empty());
            }
            if taken.closed {
                return;
            }
        }
    }

    fn write(&mut self) {
        match self.try_write() {
            Ok(()) => {
                let lost = self.inbox.take_lost();
                if self.retry_at.take().is_some() || lost > 0 {
                    (self.report)(Report::Written { lost });
                }
            }
            Err(error) => {
                // The next try begins anew: the file may be another one by then.
                self.store = None;
                if self.retry_at.replace(Instant::now() + RETRY).is_none() {
                    (self.report)(Report::Failed(error));
                }
            }
        }
    }

    /// Writes one batch after another, each whole or not at all.
    fn try_write(&mut self) -> Result<(), StoreError> {
        while !self.pending.is_empty() {
            let batch = self.pending.len().min(BATCH);
            Self::open(&mut self.store, &self.path)?.insert(&self.pending[..batch])?;
            self.inbox.release(&self.pending[..batch]);
            self.pending.drain(..batch);
        }
        Ok(())
    }

    fn open<'a>(store: &'a mut Option<Store>, path: &Path) -> Result<&'a mut Store, StoreError> {
        // A deleted file is let go before its successor is made, so that the two share nothing.
        if store.as_ref().is_some_and(|store| !store.is_in_place()) {
            *store = None;
        }
        match store {
            Some(store) => Ok(store),
            none => Ok(none.insert(Store::open(path)?)),
        }
    }
}

impl<R> Drop for Desk<R> {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}
