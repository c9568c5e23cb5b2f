//! What came together: traffic by provider over a span, with its course by the hour, and the latest tries at a provider.
//! All of it is told from the hours' sums, so the answer takes as long for a million requests as for a hundred.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};

use serde::{Deserialize, Serialize};

use crate::attempts::AttemptOutcome;
use crate::bounds::{Word, count};
use crate::error::StoreError;
use crate::hours::{self, COLUMNS, Durations, HOUR, LastError, Sum, Tokens, hour_of, share};
use crate::store::Store;

/// Sums of provider and hour that one answer is made of: a month of 130 providers. Reading that many takes under a
/// second.
const MOST_SUMS: u32 = 100_000;

const SINCE: &str = "WHERE at_ms >= ?1 ORDER BY at_ms";

const SINCE_OF_ONE: &str = "WHERE at_ms >= ?1 AND provider = ?2 ORDER BY at_ms";

/// The hour of the first sum, counted from the latest one, that is too many.
const BEYOND: &str = "SELECT at_ms FROM hours WHERE at_ms >= ?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2";

const VERDICTS: &str =
    "SELECT verdict, sum(requests) FROM hour_verdicts WHERE at_ms >= ?1 GROUP BY verdict ORDER BY verdict";

const RECENT: &str = "SELECT request_id, tries.at_ms, coalesce(tries.model, requests.model), tries.outcome,
        tries.status, tries.blame, tries.took_ms, tries.first_event_ms, tries.reason,
        tries.outcome = 'success' AND requests.provider = tries.provider,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
    FROM attempts AS tries JOIN requests ON requests.id = tries.request
    WHERE tries.provider = ?1 AND tries.at_ms >= ?2 AND tries.outcome <> 'skipped'
    ORDER BY tries.at_ms DESC, tries.request DESC LIMIT ?3";

/// How durations are spread, milliseconds. Percentiles are off by at most 1/64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many there are, at least one.
    pub count: u64,
    /// The mean.
    pub average_ms: u64,
    /// Half of them are not longer.
    pub p50_ms: u64,
    /// 95 of 100 are not longer.
    pub p95_ms: u64,
}

/// Traffic at one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Tries: successes, failures, and those that count as neither.
    pub requests: u64,
    /// Whole answers.
    pub successes: u64,
    /// Tries that failed by the fault of the provider, or of the credential or the model there.
    pub failures: u64,
    /// Failures because it throttled us (429).
    pub throttled: u64,
    /// Time to whole answers, from the try's start.
    pub latency: Option<Spread>,
    /// Time to first semantic events, from the try's start.
    pub first_event: Option<Spread>,
    /// Tokens.
    pub tokens: Tokens,
}

/// Traffic of one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// When it began, milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// The hour's own.
    pub traffic: Traffic,
}

/// One provider over the whole span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStats {
    /// Its name.
    pub provider: String,
    /// All hours together.
    pub traffic: Traffic,
    /// The latest failure.
    pub last_error: Option<LastError>,
    /// By the hour, oldest first. Hours without traffic are left out.
    pub hours: Vec<Hour>,
}

/// All providers over a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// When the first hour that is counted began: hours are counted whole.
    pub since_ms: i64,
    /// Requests by verdict, as the clients saw them, in alphabetical order.
    #[serde(with = "crate::documents::pairs")]
    pub verdicts: Vec<(String, u64)>,
    /// By name. Providers without traffic are left out.
    pub providers: Vec<ProviderStats>,
}

/// A try, as it is listed under its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryRow {
    /// Of which request.
    pub request_id: String,
    /// When it began, milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// As sent.
    pub model: String,
    /// How it counts.
    pub outcome: AttemptOutcome,
    /// What the provider answered.
    pub status: Option<u16>,
    /// Whose fault it was.
    pub blame: Option<Word>,
    /// From its start to its end.
    pub took_ms: u64,
    /// From its start to its first semantic event.
    pub first_event_ms: Option<u64>,
    /// Why it failed.
    pub reason: Option<String>,
    /// Tokens of the answer, if this try brought it.
    pub tokens: Option<Tokens>,
}

/// One provider: its traffic and its latest tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// When the first hour that is counted began: hours are counted whole.
    pub since_ms: i64,
    /// `None`: no traffic.
    pub stats: Option<ProviderStats>,
    /// Newest first.
    pub recent: Vec<TryRow>,
}

/// A provider's sums while they are read.
struct Course {
    total: Sum,
    hours: Vec<Hour>,
}

// === impl Traffic ===

impl Traffic {
    /// Successes among successes and failures, 0 to 1; `None` without either.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        share(self.successes, self.successes.saturating_add(self.failures))
    }

    fn of(sum: &Sum) -> Self {
        Self {
            requests: sum.requests,
            successes: sum.successes,
            failures: sum.failures,
            throttled: sum.throttled,
            latency: Spread::of(&sum.took),
            first_event: Spread::of(&sum.first_event),
            tokens: sum.tokens,
        }
    }
}

// === impl Spread ===

impl Spread {
    fn of(durations: &Durations) -> Option<Self> {
        let count = durations.spread.total();
        let average_ms = durations.sum.checked_div(count)?;
        let percentile = |percent| durations.spread.percentile(percent);
        Some(Self { count, average_ms, p50_ms: percentile(50), p95_ms: percentile(95) })
    }
}

// === impl Store ===

impl Store {
    /// Traffic by provider since a moment, milliseconds since 1970-01-01 UTC; the hour of that moment counts whole.
    /// Of a very long span with very many providers the latest part is told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn stats(&self, since_ms: i64) -> Result<Stats, StoreError> {
        stats(&self.connection, since_ms, MOST_SUMS).map_err(|error| self.failed(&error))
    }

    /// Traffic of one provider since a moment, as [`Store::stats`], and its latest tries since then, at most `recent`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn metrics(&self, provider: &str, since_ms: i64, recent: u32) -> Result<Metrics, StoreError> {
        metrics(&self.connection, provider, since_ms, recent).map_err(|error| self.failed(&error))
    }
}

fn stats(connection: &Connection, since_ms: i64, most: u32) -> rusqlite::Result<Stats> {
    // One view of the file for all that is read.
    let view = connection.unchecked_transaction()?;
    let since_ms = first_hour(&view, since_ms, most)?;
    let mut statement = view.prepare(&format!("SELECT {COLUMNS}, at_ms, provider FROM hours {SINCE}"))?;
    let mut rows = statement.query((since_ms,))?;
    let mut providers = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let provider: String = row.get(15)?;
        providers.entry(provider).or_insert_with(Course::new).add(row.get(14)?, &hours::from_row(row)?);
    }
    let providers = providers.into_iter().map(|(provider, course)| course.finish(provider)).collect();
    Ok(Stats { since_ms, verdicts: verdicts(&view, since_ms)?, providers })
}

fn metrics(connection: &Connection, provider: &str, since_ms: i64, recent: u32) -> rusqlite::Result<Metrics> {
    let view = connection.unchecked_transaction()?;
    let since_ms = first_hour(&view, since_ms, MOST_SUMS)?;
    let mut statement = view.prepare(&format!("SELECT {COLUMNS}, at_ms FROM hours {SINCE_OF_ONE}"))?;
    let mut rows = statement.query((since_ms, provider))?;
    let mut course = Course::new();
    while let Some(row) = rows.next()? {
        course.add(row.get(14)?, &hours::from_row(row)?);
    }
    let stats = (!course.hours.is_empty()).then(|| course.finish(provider.to_owned()));
    let recent =
        view.prepare(RECENT)?.query_map((provider, since_ms, recent), try_from_row)?.collect::<Result<_, _>>()?;
    Ok(Metrics { since_ms, stats, recent })
}

/// The first hour of the span, or a later one if its sums are more than `most`.
fn first_hour(connection: &Connection, since_ms: i64, most: u32) -> rusqlite::Result<i64> {
    let since_ms = hour_of(since_ms);
    let beyond: Option<i64> = connection.query_row(BEYOND, (since_ms, most), |row| row.get(0)).optional()?;
    // Its other providers may be within, and would be told alone.
    Ok(beyond.map_or(since_ms, |hour| hour.saturating_add(HOUR)))
}

fn verdicts(connection: &Connection, since_ms: i64) -> rusqlite::Result<Vec<(String, u64)>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1).map(count)?));
    connection.prepare(VERDICTS)?.query_map((since_ms,), read)?.collect()
}

fn try_from_row(row: &Row<'_>) -> rusqlite::Result<TryRow> {
    let maybe_counted = |at| row.get::<_, Option<i64>>(at).map(|number| number.map(count));
    let tokens = |at| maybe_counted(at).map(Option::unwrap_or_default);
    let answered: bool = row.get(9)?;
    let told = Tokens { input: tokens(10)?, output: tokens(11)?, cache_read: tokens(12)?, cache_write: tokens(13)? };
    Ok(TryRow {
        request_id: row.get(0)?,
        at_ms: row.get(1)?,
        model: row.get(2)?,
        outcome: AttemptOutcome::from_name(row.get_ref(3)?.as_str()?),
        status: row.get(4)?,
        blame: row.get::<_, Option<String>>(5)?.map(Word::Owned),
        took_ms: count(row.get(6)?),
        first_event_ms: maybe_counted(7)?,
        reason: row.get(8)?,
        tokens: answered.then_some(told),
    })
}

// === impl Course ===

impl Course {
    fn new() -> Self {
        Self { total: Sum::new(), hours: Vec::new() }
    }

    fn add(&mut self, at_ms: i64, sum: &Sum) {
        self.total.merge(sum);
        self.hours.push(Hour { at_ms, traffic: Traffic::of(sum) });
    }

    fn finish(self, provider: String) -> ProviderStats {
        let traffic = Traffic::of(&self.total);
        ProviderStats { provider, traffic, last_error: self.total.last_error, hours: self.hours }
    }
}

#[cfg(test)]
mod tests;
