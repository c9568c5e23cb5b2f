//! The gateway's side of the database: what an earlier run left there, and what this one adds. A database that cannot be
//! used fails nothing: it is said once in the log, and what should have been kept holds until the gateway stops.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use qcc_store::{
    FailoverRow, Found, HealthCheckRow, Metrics, Report, Row, SessionRow, StateRow, Stats, Store, StoreError, Writer,
};

use crate::events::Event;
use crate::log::Log;
use crate::outside;
use crate::retention::Retention;
use crate::trail::wall_clock;

/// Longest wait for rows on their way to the disk.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// Tries that are listed under a provider.
const RECENT: u32 = 50;

/// The database, where there is one.
pub(crate) struct History {
    database: Option<Database>,
}

struct Database {
    path: PathBuf,
    shelf: Box<dyn Shelf>,
    /// `None`: its thread could not be started.
    retention: Option<Retention>,
    faults: Faults,
}

/// Where rows from traffic and the pin are put: the database, or in a simulation a store that fails when it is told to.
pub trait Shelf: Send + Sync {
    /// Whether there is anybody to take rows.
    fn takes_rows(&self) -> bool;

    /// Adds a row. Never waits.
    fn write(&self, row: Row);

    /// Whether a [`Row::Kept`] would be taken now.
    fn has_room(&self) -> bool;

    /// Waits until rows are written, or cannot be for now, for at most so long. Whether they are.
    fn flush(&self, limit: Duration) -> bool;

    /// Keeps the pin. May wait.
    ///
    /// # Errors
    /// Why it is not kept.
    fn set_pin(&self, pin: Option<&str>, row: &FailoverRow) -> Result<(), StoreError>;

    /// The pin that is kept. May wait.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn pin(&self) -> Result<Option<String>, StoreError>;
}

/// Hears how writing went.
pub type Told = Box<dyn FnMut(Report) + Send>;

/// The database and the thread that writes it.
struct OnDisk {
    path: PathBuf,
    /// `None`: its thread could not be started.
    writer: Option<Writer>,
}

/// What an earlier run left.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// The profile that is tried before all tiers.
    pub(crate) pin: Option<String>,
    /// The profile that led at last.
    pub(crate) leader: Option<String>,
}

/// What an earlier run knew of providers and sessions.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) states: Vec<StateRow>,
    pub(crate) sessions: Vec<SessionRow>,
}

/// Says a fault once, until writing works again.
#[derive(Clone)]
struct Faults {
    log: Log,
    standing: Arc<AtomicBool>,
}

// === impl History ===

impl History {
    /// Opens the database at `path` and reads what an earlier run left. May wait for the disk.
    pub(crate) fn open(path: Option<PathBuf>, log: &Log) -> (Self, Left) {
        let faults = Faults { log: log.clone(), standing: Arc::default() };
        if let Some(stage) = outside::stage() {
            let shelf = (stage.shelf)(faults.told_by_writer());
            return (
                Self { database: Some(Database { path: "simulated".into(), shelf, retention: None, faults }) },
                Left::default(),
            );
        }
        let Some(path) = path else { return (Self { database: None }, Left::default()) };
        let left = left_at(&path).unwrap_or_else(|error| {
            faults.found(&error);
            Left::default()
        });
        let writer = Writer::start(&path, faults.told_by_writer()).ok();
        let told = faults.clone();
        let retention = Retention::start(&path, move |round| match round {
            Ok(0) => {}
            Ok(rows) => told.log.emit(Event::HistoryPruned { rows }),
            Err(error) => told.found(&error),
        });
        let shelf = Box::new(OnDisk { path: path.clone(), writer });
        (Self { database: Some(Database { path, shelf, retention, faults }) }, left)
    }

    /// How long rows are kept; `None`: for ever.
    pub(crate) fn retain(&self, time: Option<Duration>) {
        if let Some(retention) = self.database.as_ref().and_then(|database| database.retention.as_ref()) {
            retention.keep(time);
        }
    }

    /// Whether there is anybody to take rows.
    pub(crate) fn takes_rows(&self) -> bool {
        self.database.as_ref().is_some_and(|database| database.shelf.takes_rows())
    }

    /// Adds what came from traffic. Never waits.
    pub(crate) fn write(&self, row: Row) {
        if let Some(database) = &self.database {
            database.shelf.write(row);
        }
    }

    /// Whether a [`Row::Kept`] would be taken now.
    pub(crate) fn has_room(&self) -> bool {
        self.database.as_ref().is_some_and(|database| database.shelf.has_room())
    }

    /// What an earlier run knew; of sessions those used since a moment, so many at most. Nothing where it cannot be read,
    /// which is said in the log. May wait for the disk.
    pub(crate) fn known(&self, sessions: Option<(i64, u32)>) -> Known {
        let read = self.read(|store| {
            let sessions = sessions.map(|(since, most)| store.load_sessions(since, most)).transpose()?;
            Ok(Known { states: store.load_state()?, sessions: sessions.unwrap_or_default() })
        });
        read.ok().flatten().unwrap_or_default()
    }

    /// Keeps the pin over restarts, with its row. May wait for the disk.
    ///
    /// # Errors
    /// Why it holds only until the gateway stops.
    pub(crate) fn keep(&self, pin: Option<&str>, row: &FailoverRow) -> Result<(), String> {
        let Some(database) = &self.database else { return no_database(pin) };
        match database.shelf.set_pin(pin, row) {
            Ok(()) => {
                database.faults.over(0);
                Ok(())
            }
            Err(error) => Err(database.faults.told(&error)),
        }
    }

    /// Whether a restart would find this pin. May wait for the disk.
    ///
    /// # Errors
    /// Why it would not.
    pub(crate) fn keeps(&self, pin: Option<&str>) -> Result<(), String> {
        let Some(database) = &self.database else { return no_database(pin) };
        match database.shelf.pin() {
            Ok(found) if found.as_deref() == pin => Ok(()),
            Ok(_) => Err(format!("the database {} does not hold it\nhint: set it again", database.path.display())),
            Err(error) => Err(database.faults.told(&error)),
        }
    }

    /// The latest changes, newest first. May wait for the disk.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub(crate) fn failovers(&self, limit: u32) -> Result<Vec<FailoverRow>, String> {
        Ok(self.read(|store| store.failovers(limit))?.unwrap_or_default())
    }

    /// What became of the request with this id, or with ids of this beginning. May wait for the disk.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn request(&self, id: &str) -> Result<Found, String> {
        Ok(self.read(|store| store.request(id))?.unwrap_or(Found::None))
    }

    /// Traffic of the last hours; `None` without a database. May wait for the disk.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn stats(&self, hours: u32) -> Result<Option<Stats>, String> {
        self.read(|store| store.stats(ago(hours)))
    }

    /// One provider's traffic of the last hours; `None` without a database. May wait for the disk.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn metrics(&self, provider: &str, hours: u32) -> Result<Option<Metrics>, String> {
        self.read(|store| store.metrics(provider, ago(hours), RECENT))
    }

    /// How many conversational checks each provider had in the last 24 hours. May wait for the disk; what cannot be read
    /// counts as none.
    pub(crate) fn conversations(&self) -> HashMap<String, u32> {
        let read = self.read(|store| store.checks_since("conversation", ago(24)));
        read.ok().flatten().unwrap_or_default().into_iter().collect()
    }

    /// The latest checks of a provider, newest first; `None` without a database. May wait for the disk.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub(crate) fn checks(&self, provider: &str, limit: u32) -> Result<Option<Vec<HealthCheckRow>>, String> {
        self.read(|store| store.health_history(provider, limit))
    }

    fn read<T>(&self, work: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<Option<T>, String> {
        let Some(database) = &self.database else { return Ok(None) };
        self.flush();
        Store::open_existing(&database.path)
            .and_then(|store| store.as_ref().map(work).transpose())
            .map_err(|error| database.faults.told(&error))
    }

    /// Waits until what was handed over is written, or cannot be for now; what waits is tried again. Whether it is
    /// written. Blocks.
    pub(crate) fn flush(&self) -> bool {
        self.database.as_ref().is_none_or(|database| database.shelf.flush(FLUSH_LIMIT))
    }
}

// === impl OnDisk ===

impl Shelf for OnDisk {
    fn takes_rows(&self) -> bool {
        self.writer.is_some()
    }

    fn write(&self, row: Row) {
        if let Some(writer) = &self.writer {
            writer.write(row);
        }
    }

    fn has_room(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::has_room)
    }

    fn flush(&self, limit: Duration) -> bool {
        self.writer.as_ref().is_none_or(|writer| writer.flush(limit))
    }

    fn set_pin(&self, pin: Option<&str>, row: &FailoverRow) -> Result<(), StoreError> {
        Store::open(&self.path)?.set_pin(pin, row)
    }

    fn pin(&self) -> Result<Option<String>, StoreError> {
        Store::open_existing(&self.path)?.map_or(Ok(None), |store| store.pin())
    }
}

/// The moment so many hours ago, milliseconds since 1970-01-01 UTC.
fn ago(hours: u32) -> i64 {
    wall_clock().saturating_sub(i64::from(hours) * 3_600_000)
}

fn left_at(path: &Path) -> Result<Left, StoreError> {
    let store = Store::open(path)?;
    let leader = store.failovers(1)?.pop().and_then(|row| row.to);
    Ok(Left { pin: store.pin()?, leader })
}

/// Nothing is kept, which for no pin is the same as keeping it.
fn no_database(pin: Option<&str>) -> Result<(), String> {
    if pin.is_none() { Ok(()) } else { Err("this gateway has no database".to_owned()) }
}

// === impl Faults ===

impl Faults {
    fn told_by_writer(&self) -> Told {
        let faults = self.clone();
        Box::new(move |report| match report {
            Report::Failed(error) => faults.found(&error),
            Report::Written { lost } => faults.over(lost),
        })
    }

    fn found(&self, error: &StoreError) {
        if !self.standing.swap(true, Ordering::Relaxed) {
            self.log.emit(Event::StoreFailed { error: error.to_string(), hint: error.hint() });
        }
    }

    fn over(&self, lost: u64) {
        if self.standing.swap(false, Ordering::Relaxed) || lost > 0 {
            self.log.emit(Event::StoreRecovered { lost });
        }
    }

    /// As said to whoever asked.
    fn told(&self, error: &StoreError) -> String {
        self.found(error);
        format!("{error}\nhint: {}", error.hint())
    }
}
