//! What was found out about providers: the results of probes, and every change of what may be asked of them.

use rusqlite::{Connection, Row, Statement, params};

use crate::bounds::{NAME, TEXT, Word, count, cut, cut_maybe, cut_maybe_word, cut_word, number};
use crate::error::StoreError;
use crate::store::Store;

/// A probe and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckRow {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Its name.
    pub provider: String,
    /// What was tried, in a word: connection, API, conversation.
    pub kind: Word,
    /// Whether it went well.
    pub ok: bool,
    /// 0 to 100; `None`: this kind has none.
    pub score: Option<u8>,
    /// The class of the provider after it.
    pub class: Option<Word>,
    /// How long it took.
    pub took_ms: u64,
    /// What was found. The caller has taken secrets out.
    pub detail: Option<String>,
}

/// A breaker changed, or a provider was left out or came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEventRow {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Its name.
    pub provider: String,
    /// The only model that it concerns; `None`: all of them.
    pub model: Option<String>,
    /// What happened, in a word.
    pub kind: Word,
    /// Why.
    pub reason: Option<String>,
    /// Failures in a row by then.
    pub failures: u32,
    /// When it may be tried again, milliseconds since 1970-01-01 UTC.
    pub next_try_ms: Option<i64>,
}

impl HealthCheckRow {
    pub(crate) fn bound(&mut self) {
        cut(&mut self.provider, NAME);
        cut_word(&mut self.kind);
        cut_maybe_word(&mut self.class);
        cut_maybe(&mut self.detail, TEXT);
    }
}

impl ProviderEventRow {
    pub(crate) fn bound(&mut self) {
        cut(&mut self.provider, NAME);
        cut_maybe(&mut self.model, NAME);
        cut_word(&mut self.kind);
        cut_maybe(&mut self.reason, TEXT);
    }
}

// === impl Store ===

impl Store {
    /// The latest probes of a provider, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn health_history(&self, provider: &str, limit: u32) -> Result<Vec<HealthCheckRow>, StoreError> {
        let sql = "SELECT at_ms, provider, kind, ok, score, class, took_ms, detail FROM health_checks
            WHERE provider = ?1 ORDER BY at_ms DESC, id DESC LIMIT ?2";
        let read = || -> rusqlite::Result<_> {
            self.connection.prepare(sql)?.query_map((provider, limit), check_from_row)?.collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// How many probes of this kind each provider had since a moment (milliseconds since 1970-01-01 UTC).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn checks_since(&self, kind: &str, since_ms: i64) -> Result<Vec<(String, u32)>, StoreError> {
        let sql = "SELECT provider, count(*) FROM health_checks WHERE at_ms >= ?1 AND kind = ?2 GROUP BY provider";
        let read = || -> rusqlite::Result<_> {
            self.connection.prepare(sql)?.query_map((since_ms, kind), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The latest events of a provider, or of all with `None`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn provider_events(&self, provider: Option<&str>, limit: u32) -> Result<Vec<ProviderEventRow>, StoreError> {
        let which = if provider.is_some() { "provider = ?1" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT at_ms, provider, model, kind, reason, failures, next_try_ms FROM provider_events
            WHERE {which} ORDER BY at_ms DESC, id DESC LIMIT ?2"
        );
        let read = || -> rusqlite::Result<_> {
            self.connection.prepare(&sql)?.query_map((provider, limit), event_from_row)?.collect()
        };
        read().map_err(|error| self.failed(&error))
    }
}

pub(crate) fn inserting_checks(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO health_checks (at_ms, provider, kind, ok, score, class, took_ms, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
}

pub(crate) fn insert_check(to: &mut Statement<'_>, row: &HealthCheckRow) -> rusqlite::Result<()> {
    to.execute(params![
        row.at_ms,
        row.provider,
        row.kind,
        row.ok,
        row.score,
        row.class,
        number(row.took_ms),
        row.detail
    ])
    .map(drop)
}

pub(crate) fn insert_event(connection: &Connection, row: &ProviderEventRow) -> rusqlite::Result<()> {
    let sql = "INSERT INTO provider_events (at_ms, provider, model, kind, reason, failures, next_try_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![row.at_ms, row.provider, row.model, row.kind, row.reason, row.failures, row.next_try_ms];
    connection.execute(sql, values).map(drop)
}

fn check_from_row(row: &Row<'_>) -> rusqlite::Result<HealthCheckRow> {
    Ok(HealthCheckRow {
        at_ms: row.get(0)?,
        provider: row.get(1)?,
        kind: row.get(2).map(Word::Owned)?,
        ok: row.get(3)?,
        score: row.get(4)?,
        class: row.get::<_, Option<String>>(5)?.map(Word::Owned),
        took_ms: count(row.get(6)?),
        detail: row.get(7)?,
    })
}

fn event_from_row(row: &Row<'_>) -> rusqlite::Result<ProviderEventRow> {
    Ok(ProviderEventRow {
        at_ms: row.get(0)?,
        provider: row.get(1)?,
        model: row.get(2)?,
        kind: row.get(3).map(Word::Owned)?,
        reason: row.get(4)?,
        failures: row.get(5)?,
        next_try_ms: row.get(6)?,
    })
}
