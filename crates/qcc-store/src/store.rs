//! The open file, and the pin in it. Everything here may wait for the disk: call it where waiting is allowed.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::error::{Fault, StoreError};
use crate::failovers::{self, FailoverRow};
use crate::kept;
use crate::schema;

/// How long we wait for another process that writes. Writes of ours take milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The open database. For one thread at a time; open another one for another thread.
pub struct Store {
    path: PathBuf,
    pub(crate) connection: Connection,
    identity: Option<Identity>,
}

/// Which file a path led to. A file that was deleted or replaced can still be written to, and nobody ever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

// === impl Store ===

impl Store {
    /// Opens the database, makes file (mode 0600) and folder (0700) where there are none, and brings it up to date.
    ///
    /// # Errors
    /// When it cannot be read or written, is damaged or another program's, or a newer qcc wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        make(path).map_err(|error| StoreError::new(path, Fault::Unreachable, error))?;
        Self::connect(path)
    }

    /// Opens the database if there is one, and makes nothing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, StoreError> {
        let exists = {
            let _nobody_makes_it = lock();
            path.try_exists()
        };
        match exists {
            Ok(false) => Ok(None),
            Ok(true) => Self::connect(path).map(Some),
            Err(error) => Err(StoreError::new(path, Fault::Unreachable, error)),
        }
    }

    fn connect(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: rusqlite::Error| StoreError::sql(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // With a write-ahead log a crash of the machine may cost the last rows, never the file.
        connection.pragma_update(None, "synchronous", "normal").map_err(failed)?;
        schema::migrate(&mut connection, path, PATIENCE)?;
        Ok(Self { path: path.to_owned(), connection, identity: identity(path) })
    }

    /// The profile that is tried before all tiers.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pin(&self) -> Result<Option<String>, StoreError> {
        let found = self.connection.query_row("SELECT profile FROM pin", (), |row| row.get(0)).optional();
        found.map_err(|error| self.failed(&error))
    }

    /// Keeps the pin, `None` for no pin, and `row` in the history: both or neither. Whoever switches means everybody, so
    /// no conversation is at home anywhere from then on.
    ///
    /// # Errors
    /// When the database cannot be written; then it holds what it held before.
    pub fn set_pin(&mut self, profile: Option<&str>, row: &FailoverRow) -> Result<(), StoreError> {
        self.in_transaction(|connection| {
            match profile {
                Some(name) => connection.execute("INSERT OR REPLACE INTO pin (id, profile) VALUES (1, ?1)", (name,)),
                None => connection.execute("DELETE FROM pin", ()),
            }?;
            kept::forget_sessions(connection)?;
            failovers::insert(connection, row)
        })
    }

    /// Does all of it or nothing. Nobody else writes meanwhile.
    pub(crate) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let failed = |error: rusqlite::Error| StoreError::sql(path, &error);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = work(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// Whether the path still leads to the file that is open here.
    pub(crate) fn is_in_place(&self) -> bool {
        identity(&self.path) == self.identity
    }

    pub(crate) fn failed(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sql(&self.path, error)
    }
}

/// Closing a file releases all locks that SQLite holds on it in this process. So an existing one is not touched here,
/// and nobody opens a new one before it is closed.
fn make(path: &Path) -> io::Result<()> {
    let _until_it_is_closed = lock();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn lock() -> MutexGuard<'static, ()> {
    static MAKING: Mutex<()> = Mutex::new(());
    MAKING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| Identity(file.dev(), file.ino()))
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some(Identity(0, 0))
}

#[cfg(test)]
mod tests;
