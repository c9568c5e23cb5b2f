//! What every module needs: a folder with a database in it, and rows to put there.

use std::path::PathBuf;

use qcc_store::{FailoverRow, Store, Who};
use tempfile::TempDir;

/// A place for a database, in a folder of its own.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    /// Nothing is there yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qcc.db");
        Self { folder, path }
    }

    /// With a database that holds a pin.
    pub(crate) fn pinned(profile: &str) -> Self {
        let place = Self::empty();
        place.open().set_pin(Some(profile), &row(1, None, Some(profile))).unwrap();
        place
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.path).unwrap()
    }

    /// The names that led, newest first.
    pub(crate) fn history(&self) -> Vec<String> {
        self.open().failovers(100).unwrap().into_iter().map(|row| row.to.unwrap_or_default()).collect()
    }
}

pub(crate) fn row(at_ms: i64, from: Option<&str>, to: Option<&str>) -> FailoverRow {
    FailoverRow {
        at_ms,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        reason: "a reason".to_owned(),
        who: Who::Manual,
    }
}
