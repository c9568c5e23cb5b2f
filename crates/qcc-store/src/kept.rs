//! What the gateway knows by heart and would lose with the process: the state of each provider, and where conversations
//! are at home. What is inside belongs to the gateway; here it is a text.

use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::store::Store;

/// Providers that are remembered: more than anybody has, and a bound on those that are there no more.
const MOST_STATES: u32 = 10_000;

/// Sessions that are forgotten at once, where there are too many: more than come at once.
const EVICTED: u32 = 10_000;

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

/// What changed of that, and is written in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Providers of which nothing is known any more, by their identity.
    pub cleared: Vec<String>,
    /// In place of earlier rows of the same providers. Of all rows the 10,000 latest are kept.
    pub states: Vec<StateRow>,
    /// Sessions that are at home nowhere.
    pub void: Void,
    /// Keys of sessions that ended.
    pub ended: Vec<u64>,
    /// In place of earlier rows with the same keys.
    pub sessions: Vec<SessionRow>,
    /// Of all sessions so many that were used last are kept.
    pub most_sessions: u32,
}

/// Which rows of sessions count no more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Void {
    /// None.
    #[default]
    Nothing,
    /// Those of these providers, by their identity.
    Of(Vec<String>),
    /// All.
    Everything,
}

pub(crate) fn save(connection: &Connection, kept: &Kept) -> rusqlite::Result<()> {
    let mut clear = connection.prepare("DELETE FROM provider_state WHERE identity = ?1")?;
    for identity in &kept.cleared {
        clear.execute((identity,))?;
    }
    if !kept.states.is_empty() {
        save_states(connection, &kept.states)?;
    }
    match &kept.void {
        Void::Nothing => {}
        Void::Of(identities) => {
            let mut forget = connection.prepare("DELETE FROM sessions WHERE identity = ?1")?;
            for identity in identities {
                forget.execute((identity,))?;
            }
        }
        Void::Everything => forget_sessions(connection)?,
    }
    if !kept.ended.is_empty() {
        let mut end = connection.prepare("DELETE FROM sessions WHERE key = ?1")?;
        for key in &kept.ended {
            end.execute((key.cast_signed(),))?;
        }
    }
    if !kept.sessions.is_empty() {
        save_sessions(connection, &kept.sessions, kept.most_sessions)?;
    }
    Ok(())
}

/// No conversation is at home anywhere.
pub(crate) fn forget_sessions(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions", ()).map(drop)
}

fn save_states(connection: &Connection, rows: &[StateRow]) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO provider_state (identity, updated_ms, state) VALUES (?1, ?2, ?3)";
    let mut keep = connection.prepare(sql)?;
    for row in rows {
        keep.execute((&row.identity, row.updated_ms, &row.state))?;
    }
    let sql = "DELETE FROM provider_state WHERE identity IN
        (SELECT identity FROM provider_state ORDER BY updated_ms DESC LIMIT -1 OFFSET ?1)";
    connection.execute(sql, (MOST_STATES,)).map(drop)
}

fn save_sessions(connection: &Connection, rows: &[SessionRow], most: u32) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO sessions (key, used_ms, identity, state) VALUES (?1, ?2, ?3, ?4)";
    let mut keep = connection.prepare(sql)?;
    for row in rows {
        keep.execute(params![row.key.cast_signed(), row.used_ms, row.identity, row.state])?;
    }
    let sql = "DELETE FROM sessions WHERE key IN
        (SELECT key FROM sessions ORDER BY used_ms
            LIMIT min(?1, max(0, (SELECT count(*) FROM sessions) - ?2)))";
    connection.execute(sql, (EVICTED, most)).map(drop)
}

// === impl Store ===

impl Store {
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
