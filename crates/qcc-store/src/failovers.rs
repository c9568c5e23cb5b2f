//! The history of failovers: which profile led after which, when, and why.

use rusqlite::{Connection, Row};

use crate::error::StoreError;
use crate::store::Store;

/// Who changed the profile that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Somebody, with `qcc priority switch`.
    Manual,
    /// The gateway.
    Automatic,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverRow {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// The profile that led before; `None`: none did.
    pub from: Option<String>,
    /// The profile that leads now; `None`: none does.
    pub to: Option<String>,
    /// In a few words.
    pub reason: String,
    /// By hand or not.
    pub who: Who,
}

// === impl Who ===

impl Who {
    /// The word for it in the database and in answers: `manual` or `automatic`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
        }
    }
}

impl Store {
    /// Adds a change to the history.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record_failover(&mut self, row: &FailoverRow) -> Result<(), StoreError> {
        insert(&self.connection, row).map_err(|error| self.failed(&error))
    }

    /// The latest changes, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn failovers(&self, limit: u32) -> Result<Vec<FailoverRow>, StoreError> {
        let sql = "SELECT at_ms, from_profile, to_profile, reason, who FROM failovers
            ORDER BY at_ms DESC, id DESC LIMIT ?1";
        let read = || -> rusqlite::Result<_> { self.connection.prepare(sql)?.query_map((limit,), from_row)?.collect() };
        read().map_err(|error| self.failed(&error))
    }
}

pub(crate) fn insert(connection: &Connection, row: &FailoverRow) -> rusqlite::Result<()> {
    let sql = "INSERT INTO failovers (at_ms, from_profile, to_profile, reason, who) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.execute(sql, (row.at_ms, &row.from, &row.to, &row.reason, row.who.name())).map(drop)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<FailoverRow> {
    // The table allows no third word.
    let who = if row.get::<_, String>(4)? == Who::Manual.name() { Who::Manual } else { Who::Automatic };
    Ok(FailoverRow { at_ms: row.get(0)?, from: row.get(1)?, to: row.get(2)?, reason: row.get(3)?, who })
}
