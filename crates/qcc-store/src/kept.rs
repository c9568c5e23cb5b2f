//! What the gateway knows by heart and would lose with the process: the state of each provider, and where conversations
//! are at home. What is inside belongs to the gateway; here it is a text.

use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::store::Store;

/// Providers that are remembered: more than anybody has, and a bound on those that are there no more.
const MOST_STATES: u32 = 10_000;

/// Sessions of one transaction, which keeps others from writing for some milliseconds.
const BATCH: usize = 1000;

/// What is known of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// Which provider it is. Changes with its key, and does not tell the key.
    pub identity: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub updated_ms: i64,
    /// JSON.
    pub state: String,
}

/// Where a conversation is at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of what identifies it.
    pub key: u64,
    /// Its last success, milliseconds since 1970-01-01 UTC.
    pub used_ms: i64,
    /// Which provider, as in [`StateRow::identity`].
    pub identity: String,
    /// JSON.
    pub state: String,
}

// === impl Store ===

impl Store {
    /// Keeps these states in place of earlier ones of the same providers: all of them or none.
    ///
    /// # Errors
    /// When the database cannot be written; then it holds what it held before.
    pub fn save_state(&mut self, rows: &[StateRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.in_transaction(|connection| {
            let sql = "INSERT OR REPLACE INTO provider_state (identity, updated_ms, state) VALUES (?1, ?2, ?3)";
            let mut keep = connection.prepare(sql)?;
            for row in rows {
                keep.execute((&row.identity, row.updated_ms, &row.state))?;
            }
            let sql = "DELETE FROM provider_state WHERE identity IN
                (SELECT identity FROM provider_state ORDER BY updated_ms DESC LIMIT -1 OFFSET ?1)";
            connection.execute(sql, (MOST_STATES,)).map(drop)
        })
    }

    /// The state of every provider that is remembered, latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn load_state(&self) -> Result<Vec<StateRow>, StoreError> {
        let sql = "SELECT identity, updated_ms, state FROM provider_state ORDER BY updated_ms DESC LIMIT ?1";
        let read = || -> rusqlite::Result<_> {
            let rows = |row: &rusqlite::Row<'_>| {
                Ok(StateRow { identity: row.get(0)?, updated_ms: row.get(1)?, state: row.get(2)? })
            };
            self.connection.prepare(sql)?.query_map((MOST_STATES,), rows)?.collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Keeps these sessions in place of earlier rows with the same keys, and of all of them the `most` that were used
    /// last. Writes in batches: after an error, some may be kept.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_sessions(&mut self, rows: &[SessionRow], most: u32) -> Result<(), StoreError> {
        for batch in rows.chunks(BATCH) {
            self.in_transaction(|connection| {
                let sql = "INSERT OR REPLACE INTO sessions (key, used_ms, identity, state) VALUES (?1, ?2, ?3, ?4)";
                let mut keep = connection.prepare(sql)?;
                for row in batch {
                    keep.execute(params![row.key.cast_signed(), row.used_ms, row.identity, row.state])?;
                }
                Ok(())
            })?;
        }
        while self.in_transaction(|connection| evict(connection, most))? > 0 {}
        Ok(())
    }

    /// The sessions that were used since a moment (milliseconds since 1970-01-01 UTC), latest first, at most `most`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn load_sessions(&self, since_ms: i64, most: u32) -> Result<Vec<SessionRow>, StoreError> {
        let sql = "SELECT key, used_ms, identity, state FROM sessions WHERE used_ms >= ?1
            ORDER BY used_ms DESC LIMIT ?2";
        let read = || -> rusqlite::Result<_> {
            let rows = |row: &rusqlite::Row<'_>| {
                let key = row.get::<_, i64>(0)?.cast_unsigned();
                Ok(SessionRow { key, used_ms: row.get(1)?, identity: row.get(2)?, state: row.get(3)? })
            };
            self.connection.prepare(sql)?.query_map((since_ms, most), rows)?.collect()
        };
        read().map_err(|error| self.failed(&error))
    }
}

/// Forgets the sessions that were used longest ago, as far as there are more than `most`.
fn evict(connection: &Connection, most: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM sessions WHERE key IN
        (SELECT key FROM sessions ORDER BY used_ms
            LIMIT min(?1, max(0, (SELECT count(*) FROM sessions) - ?2)))";
    connection.execute(sql, (i64::try_from(BATCH).unwrap_or(0), most))
}
