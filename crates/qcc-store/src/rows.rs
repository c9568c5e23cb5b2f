//! The kinds of rows that come from traffic, and how a batch of them is written: all or none.

use rusqlite::Connection;

use crate::attempts;
use crate::error::StoreError;
use crate::failovers::{self, FailoverRow};
use crate::health::{self, HealthCheckRow, ProviderEventRow};
use crate::hours::Batch;
use crate::kept::{self, Kept};
use crate::requests::{self, RequestRecord};
use crate::store::Store;

/// A row of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Another profile leads.
    Failover(FailoverRow),
    /// A request ended.
    Request(Box<RequestRecord>),
    /// A probe ended.
    HealthCheck(HealthCheckRow),
    /// A breaker changed, or a provider was left out or came back.
    ProviderEvent(ProviderEventRow),
    /// What the gateway would lose with the process.
    Kept(Box<Kept>),
}

// === impl Row ===

impl Row {
    /// Whether it comes with every request or probe. Such rows make room for nothing else when there are too many.
    pub(crate) fn is_metric(&self) -> bool {
        match self {
            Self::Request(_) | Self::HealthCheck(_) => true,
            Self::Failover(_) | Self::ProviderEvent(_) | Self::Kept(_) => false,
        }
    }

    /// Cuts what clients and providers may have made too long.
    pub(crate) fn bound(&mut self) {
        match self {
            // All of it is ours.
            Self::Failover(_) | Self::Kept(_) => {}
            Self::Request(record) => record.bound(),
            Self::HealthCheck(row) => row.bound(),
            Self::ProviderEvent(row) => row.bound(),
        }
    }
}

// === impl Store ===

impl Store {
    /// Adds a row at once, where no [`crate::Writer`] runs. Texts beyond 256 bytes (names, ids, words) and 2 KiB (paths,
    /// reasons, errors) are cut.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record(&mut self, mut row: Row) -> Result<(), StoreError> {
        row.bound();
        self.insert(std::slice::from_ref(&row))
    }

    /// Adds bounded rows: all or none.
    pub(crate) fn insert(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        self.in_transaction(|connection| insert(connection, rows))
    }
}

fn insert(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut to_requests = requests::inserting(connection)?;
    let mut to_attempts = attempts::inserting(connection)?;
    let mut to_checks = health::inserting_checks(connection)?;
    let mut sums = Batch::default();
    for row in rows {
        match row {
            Row::Failover(row) => failovers::insert(connection, row)?,
            Row::Request(record) => {
                let id = requests::insert(&mut to_requests, &record.request)?;
                attempts::insert(&mut to_attempts, id, record.request.at_ms, &record.attempts)?;
                sums.add(record);
            }
            Row::HealthCheck(row) => health::insert_check(&mut to_checks, row)?,
            Row::ProviderEvent(row) => health::insert_event(connection, row)?,
            Row::Kept(kept) => kept::save(connection, kept)?,
        }
    }
    sums.save(connection)
}
