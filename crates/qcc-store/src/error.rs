//! Why the database could not be used, sorted by what somebody can do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What is wrong with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A newer qcc wrote it.
    Newer {
        /// Its version.
        found: u32,
        /// The newest that this qcc knows.
        known: u32,
    },
    /// It is a database of another program.
    Foreign,
    /// It is damaged, or no database at all.
    Corrupt,
    /// Somebody else held it for longer than we wait.
    Locked,
    /// It can be read only.
    ReadOnly,
    /// The disk is full.
    Full,
    /// The file or its folder cannot be opened, made, read or written.
    Unreachable,
    /// Anything else that SQLite reports.
    Other,
}

/// The database could not be used. Holds nothing of what should have been stored.
#[derive(Debug, Clone, thiserror::Error)]
pub struct StoreError {
    path: PathBuf,
    fault: Fault,
    cause: String,
}

// === impl StoreError ===

impl StoreError {
    pub(crate) fn new(path: &Path, fault: Fault, cause: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), fault, cause: cause.to_string() }
    }

    pub(crate) fn sql(path: &Path, error: &rusqlite::Error) -> Self {
        let fault = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Fault::Corrupt,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Locked,
            Some(ErrorCode::ReadOnly) => Fault::ReadOnly,
            Some(ErrorCode::DiskFull) => Fault::Full,
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => {
                Fault::Unreachable
            }
            _ => Fault::Other,
        };
        Self::new(path, fault, error)
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.fault {
            Fault::Newer { .. } => "use the newer qcc, or give this one a file of its own with `storage.path`",
            Fault::Foreign => "set `storage.path` to a file that no other program uses",
            Fault::Corrupt => "move the file away; a new one is made, without the pin and the history of this one",
            Fault::Locked => "find out which program holds the file, and try again",
            Fault::ReadOnly => "make the file and its folder writable, or set `storage.path` to another file",
            Fault::Full => "make room on the disk",
            Fault::Unreachable => "check that the folder exists and can be written, or set `storage.path` elsewhere",
            Fault::Other => "try again; if it stays, move the file away",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.fault {
            Fault::Newer { found, known } => {
                write!(f, "the database {path} has version {found}, and this qcc knows {known} at most")
            }
            Fault::Foreign => write!(f, "the database {path} belongs to another program"),
            Fault::Corrupt => write!(f, "the database {path} is damaged: {}", self.cause),
            Fault::Locked => write!(f, "the database {path} is locked by another process"),
            Fault::ReadOnly => write!(f, "the database {path} can be read only"),
            Fault::Full => write!(f, "the disk with the database {path} is full"),
            Fault::Unreachable | Fault::Other => {
                write!(f, "the database {path} cannot be used: {}", self.cause)
            }
        }
    }
}
