//! Rows that come from traffic: handed over without waiting, written by one thread in batches. While the database
//! cannot be written, a bounded number of rows waits for it; what is beyond is lost and counted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::TransactionBehavior;

use crate::error::StoreError;
use crate::failovers::{self, FailoverRow};
use crate::store::Store;

/// Rows on their way to the thread. It takes them within microseconds unless it waits for the disk.
const CHANNEL: usize = 1024;

/// Rows that wait for a database that cannot be written.
const PENDING: usize = 4096;

/// Time between two tries on a database that could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// A row of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Another profile leads.
    Failover(FailoverRow),
}

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
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Row(Row),
    Flush(SyncSender<bool>),
}

/// What the thread has.
struct Desk<R> {
    path: PathBuf,
    store: Option<Store>,
    pending: Vec<Row>,
    /// Since when writing fails, and when it is tried again.
    retry_at: Option<Instant>,
    lost: Arc<AtomicU64>,
    report: R,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread. `report` is called on it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(path: &Path, report: impl FnMut(Report) + Send + 'static) -> io::Result<Self> {
        let (messages, received) = sync_channel(CHANNEL);
        let lost = Arc::new(AtomicU64::new(0));
        let desk = Desk {
            path: path.to_owned(),
            store: None,
            pending: Vec::new(),
            retry_at: None,
            lost: Arc::clone(&lost),
            report,
        };
        std::thread::Builder::new().name("qcc-store".to_owned()).spawn(move || desk.run(&received))?;
        Ok(Self { messages, lost })
    }

    /// Hands a row over. Never waits: with a full channel the row is lost and counted.
    pub fn write(&self, row: Row) {
        if self.messages.try_send(Message::Row(row)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits, for at most `limit` after the thread heard of it, until it was tried to write every row handed over so
    /// far. `true` when none of them waits any more. Blocks.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        self.messages.send(Message::Flush(done)).is_ok() && wait.recv_timeout(limit).unwrap_or(false)
    }
}

// === impl Desk ===

impl<R: FnMut(Report)> Desk<R> {
    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let first = match self.retry_at {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => messages.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            let mut flushes = Vec::new();
            let over = matches!(first, Err(RecvTimeoutError::Disconnected));
            for message in first.into_iter().chain(messages.try_iter()) {
                match message {
                    Message::Row(row) => self.take(row),
                    Message::Flush(done) => flushes.push(done),
                }
            }
            if over || !flushes.is_empty() || self.retry_at.is_none_or(|at| at <= Instant::now()) {
                self.write();
            }
            for done in flushes {
                let _asker_may_be_gone = done.send(self.pending.is_empty());
            }
            if over {
                return;
            }
        }
    }

    fn take(&mut self, row: Row) {
        if self.pending.len() < PENDING {
            self.pending.push(row);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn write(&mut self) {
        let result = if self.pending.is_empty() { Ok(()) } else { self.try_write() };
        match result {
            Ok(()) => {
                self.pending.clear();
                let lost = self.lost.swap(0, Ordering::Relaxed);
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

    /// All pending rows or none.
    fn try_write(&mut self) -> Result<(), StoreError> {
        // A deleted file is let go before its successor is made, so that the two share nothing.
        if self.store.as_ref().is_some_and(|store| !store.is_in_place()) {
            self.store = None;
        }
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::open(&self.path)?),
        };
        let failed = |error: rusqlite::Error| StoreError::sql(&self.path, &error);
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        for row in &self.pending {
            match row {
                Row::Failover(row) => failovers::insert(&transaction, row).map_err(failed)?,
            }
        }
        transaction.commit().map_err(failed)
    }
}
