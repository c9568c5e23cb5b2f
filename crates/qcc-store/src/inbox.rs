//! Where rows wait for the thread that writes. Whoever brings one takes a lock for some nanoseconds and never waits for
//! the disk. The thread is woken for the first row of a batch and for a full one, not for each: a wake costs more than
//! handing a row over.

use std::mem;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::rows::Row;

/// Rows of one transaction. More of them would save little, and keep other writers waiting.
pub(crate) const BATCH: usize = 200;

/// Longest time that a row waits for others to be written with.
const GATHER: Duration = Duration::from_millis(200);

/// Metric rows that may wait to be written. They last for most hiccups of a disk; what waits longer is an outage.
const MOST_METRICS: usize = 4096;

/// Other rows that may wait, apart from those, so that a flood of requests costs no change of who leads.
const MOST_OTHERS: usize = 4096;

/// Rows of what is to be kept that may wait. Each may hold a thousand sessions; what changes meanwhile is in the next one.
const MOST_KEPT: usize = 8;

/// Metric rows that are taken in a second, in the long run; [`MOST_METRICS`] of them at once. A row costs the thread some 15 us: past this a flood of requests would
/// spend more on being remembered than on being served, and grow the file by gigabytes an hour.
const MOST_A_SECOND: f64 = 1000.0;

#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rows: Vec<Row>,
    /// When the first of `rows` came.
    since: Option<Instant>,
    /// Rows that wait here or with the thread.
    metrics: usize,
    others: usize,
    kept: usize,
    lost: u64,
    /// Since when, and how many metric rows may come at once as of then.
    spare: Option<(Instant, f64)>,
    flushes: Vec<SyncSender<bool>>,
    closed: bool,
}

/// What the thread takes out.
pub(crate) struct Taken {
    /// Who wants to know when it was tried to write everything.
    pub(crate) flushes: Vec<SyncSender<bool>>,
    /// Nothing more will come.
    pub(crate) closed: bool,
}

// === impl Inbox ===

impl Inbox {
    /// Takes a row in, or counts it as lost where too many wait.
    pub(crate) fn put(&self, row: Row) {
        let mut state = self.lock();
        let closed = state.closed;
        let now = Instant::now();
        let flooded = row.is_metric() && state.is_flooded(now);
        let (waiting, most) = state.waiting(&row);
        if closed || flooded || *waiting >= most {
            state.lost += 1;
            return;
        }
        *waiting += 1;
        if state.rows.is_empty() {
            state.since = Some(now);
        }
        state.rows.push(row);
        if matches!(state.rows.len(), 1 | BATCH) {
            self.changed.notify_one();
        }
    }

    /// Whether another row of what is to be kept may come.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        !state.closed && state.kept < MOST_KEPT
    }

    /// Asks the thread to write at once, and to say whether all is written.
    pub(crate) fn flush(&self, done: SyncSender<bool>) {
        let mut state = self.lock();
        if !state.closed {
            state.flushes.push(done);
            self.changed.notify_one();
        }
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits until there is something to do, and moves what has come to the end of `rows`. `retry_at`: when rows that
    /// could not be written are tried again; there is no hurry with others until then.
    pub(crate) fn take(&self, rows: &mut Vec<Row>, retry_at: Option<Instant>) -> Taken {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let due = retry_at.or_else(|| state.since.map(|since| since + GATHER));
            let full = retry_at.is_none() && state.rows.len() >= BATCH;
            if full || state.closed || !state.flushes.is_empty() || due.is_some_and(|due| due <= now) {
                rows.append(&mut state.rows);
                state.since = None;
                return Taken { flushes: mem::take(&mut state.flushes), closed: state.closed };
            }
            state = match due {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let waited = self.changed.wait_timeout(state, due.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Makes room again: these rows wait no more.
    pub(crate) fn release(&self, rows: &[Row]) {
        let mut state = self.lock();
        for row in rows {
            let (waiting, _) = state.waiting(row);
            *waiting = waiting.saturating_sub(1);
        }
    }

    /// Rows that were lost since this was asked last.
    pub(crate) fn take_lost(&self) -> u64 {
        mem::take(&mut self.lock().lost)
    }

    /// Nobody takes anything out any more: lets go of all, and of everybody who waits.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        *state = State { closed: true, lost: state.lost, ..State::default() };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    /// Whether more metric rows come than are worth their cost. Takes one into account if not.
    fn is_flooded(&mut self, now: Instant) -> bool {
        let most = MOST_METRICS as f64;
        let (since, spare) = self.spare.unwrap_or((now, most));
        let spare = (spare + now.saturating_duration_since(since).as_secs_f64() * MOST_A_SECOND).min(most);
        let flooded = spare < 1.0;
        self.spare = Some((now.max(since), if flooded { spare } else { spare - 1.0 }));
        flooded
    }

    /// How many rows like this one wait, and how many may.
    fn waiting(&mut self, row: &Row) -> (&mut usize, usize) {
        match row {
            Row::Kept(_) => (&mut self.kept, MOST_KEPT),
            row if row.is_metric() => (&mut self.metrics, MOST_METRICS),
            _ => (&mut self.others, MOST_OTHERS),
        }
    }
}

#[cfg(test)]
mod tests;
