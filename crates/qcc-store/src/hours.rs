//! Sums by provider and hour. They are kept with the rows, in the same transaction, so that what happened in a day is
//! told from some dozens of sums, however many requests the day had.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use serde::{Deserialize, Serialize};

use crate::attempts::{AttemptOutcome, AttemptRow};
use crate::bounds::{count, number};
use crate::histogram::Histogram;
use crate::requests::RequestRecord;

/// Milliseconds of the span that one sum covers.
pub(crate) const HOUR: i64 = 60 * 60 * 1000;

/// Tokens, as the providers counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Of prompts, without what has to do with the providers' caches.
    pub input: u64,
    /// Of answers.
    pub output: u64,
    /// Of prompts, read from a provider's cache.
    pub cache_read: u64,
    /// Of prompts, written to a provider's cache.
    pub cache_write: u64,
}

/// The latest failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When the try began, milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Why it failed.
    pub text: String,
}

/// Durations: their sum and how they are spread.
#[derive(Debug, Clone)]
pub(crate) struct Durations {
    pub(crate) sum: u64,
    pub(crate) spread: Histogram,
}

/// What came together for one provider in some span of time.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    pub(crate) requests: u64,
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) throttled: u64,
    pub(crate) tokens: Tokens,
    pub(crate) took: Durations,
    pub(crate) first_event: Durations,
    pub(crate) last_error: Option<LastError>,
}

/// What a batch of rows adds.
#[derive(Default)]
pub(crate) struct Batch<'a> {
    sums: BTreeMap<(i64, &'a str), Sum>,
    verdicts: BTreeMap<(i64, &'a str), u64>,
}

// === impl Tokens ===

impl Tokens {
    /// Which share of the prompts' tokens came from the providers' caches, 0 to 1; `None` without any.
    #[must_use]
    pub fn cache_share(&self) -> Option<f64> {
        let all = self.input.saturating_add(self.cache_read).saturating_add(self.cache_write);
        share(self.cache_read, all)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
pub(crate) fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

// === impl Durations ===

impl Durations {
    fn new() -> Self {
        Self { sum: 0, spread: Histogram::new() }
    }

    fn add(&mut self, ms: u64) {
        self.sum = self.sum.saturating_add(ms);
        self.spread.add(ms);
    }

    fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.spread.merge(&other.spread);
    }
}

// === impl Sum ===

impl Sum {
    pub(crate) fn new() -> Self {
        Self {
            requests: 0,
            successes: 0,
            failures: 0,
            throttled: 0,
            tokens: Tokens::default(),
            took: Durations::new(),
            first_event: Durations::new(),
            last_error: None,
        }
    }

    fn add(&mut self, at_ms: i64, row: &AttemptRow) {
        self.requests += 1;
        match row.outcome {
            AttemptOutcome::Success => {
                self.successes += 1;
                // Of whole answers only: a refusal within milliseconds says nothing about speed.
                self.took.add(row.took_ms);
            }
            AttemptOutcome::Failure => self.failures += 1,
            AttemptOutcome::Throttled => {
                self.failures += 1;
                self.throttled += 1;
            }
            AttemptOutcome::Uncharged | AttemptOutcome::Skipped => {}
        }
        if let Some(ms) = row.first_event_ms {
            self.first_event.add(ms);
        }
        if matches!(row.outcome, AttemptOutcome::Failure | AttemptOutcome::Throttled) {
            let text = row.reason.clone().unwrap_or_else(|| row.outcome.name().to_owned());
            self.failed(LastError { at_ms, text });
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.successes = self.successes.saturating_add(other.successes);
        self.failures = self.failures.saturating_add(other.failures);
        self.throttled = self.throttled.saturating_add(other.throttled);
        self.tokens.add(other.tokens);
        self.took.merge(&other.took);
        self.first_event.merge(&other.first_event);
        if let Some(error) = &other.last_error {
            self.failed(error.clone());
        }
    }

    fn failed(&mut self, error: LastError) {
        if self.last_error.as_ref().is_none_or(|last| last.at_ms <= error.at_ms) {
            self.last_error = Some(error);
        }
    }
}

// === impl Batch ===

impl<'a> Batch<'a> {
    pub(crate) fn add(&mut self, record: &'a RequestRecord) {
        let request = &record.request;
        *self.verdicts.entry((hour_of(request.at_ms), &request.verdict)).or_default() += 1;
        for row in record.attempts.iter().filter(|row| row.outcome.is_try()) {
            let at_ms = request.at_ms.saturating_add(number(row.started_ms));
            self.sum(at_ms, &row.provider).add(at_ms, row);
        }
        let tokens = Tokens {
            input: request.input_tokens.unwrap_or(0),
            output: request.output_tokens.unwrap_or(0),
            cache_read: request.cache_read_tokens.unwrap_or(0),
            cache_write: request.cache_write_tokens.unwrap_or(0),
        };
        if let Some(provider) = request.provider.as_deref().filter(|_| tokens != Tokens::default()) {
            // Where its last try is counted, so that an hour's tokens belong to its requests.
            let last = record.attempts.iter().rfind(|row| row.outcome.is_try() && row.provider == provider);
            let started = last.map_or(0, |row| number(row.started_ms));
            self.sum(request.at_ms.saturating_add(started), provider).tokens.add(tokens);
        }
    }

    fn sum(&mut self, at_ms: i64, provider: &'a str) -> &mut Sum {
        self.sums.entry((hour_of(at_ms), provider)).or_insert_with(Sum::new)
    }

    /// Adds all of it to what is kept.
    pub(crate) fn save(self, connection: &Connection) -> rusqlite::Result<()> {
        for ((hour, provider), mut sum) in self.sums {
            if let Some(kept) = load(connection, hour, provider)? {
                sum.merge(&kept);
            }
            save(connection, hour, provider, &sum)?;
        }
        let sql = "INSERT INTO hour_verdicts (at_ms, verdict, requests) VALUES (?1, ?2, ?3)
            ON CONFLICT (at_ms, verdict) DO UPDATE SET requests = requests + excluded.requests";
        for ((hour, verdict), requests) in self.verdicts {
            connection.execute(sql, (hour, verdict, number(requests)))?;
        }
        Ok(())
    }
}

/// When the hour of a moment began.
pub(crate) fn hour_of(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(HOUR))
}

/// The columns that [`from_row`] takes.
pub(crate) const COLUMNS: &str = "requests, successes, failures, throttled, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, took_sum_ms, first_event_sum_ms, error_at_ms, error, took, first_event";

pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Sum> {
    let counted = |at| row.get(at).map(count);
    let mut sum = Sum {
        requests: counted(0)?,
        successes: counted(1)?,
        failures: counted(2)?,
        throttled: counted(3)?,
        tokens: Tokens { input: counted(4)?, output: counted(5)?, cache_read: counted(6)?, cache_write: counted(7)? },
        last_error: match (row.get(10)?, row.get(11)?) {
            (Some(at_ms), Some(text)) => Some(LastError { at_ms, text }),
            _ => None,
        },
        ..Sum::new()
    };
    sum.took.sum = counted(8)?;
    sum.first_event.sum = counted(9)?;
    sum.took.spread.merge_bytes(row.get_ref(12)?.as_blob()?);
    sum.first_event.spread.merge_bytes(row.get_ref(13)?.as_blob()?);
    Ok(sum)
}

fn load(connection: &Connection, hour: i64, provider: &str) -> rusqlite::Result<Option<Sum>> {
    let sql = format!("SELECT {COLUMNS} FROM hours WHERE at_ms = ?1 AND provider = ?2");
    connection.query_row(&sql, (hour, provider), from_row).optional()
}

fn save(connection: &Connection, hour: i64, provider: &str, sum: &Sum) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO hours (at_ms, provider, {COLUMNS})
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
        ON CONFLICT (at_ms, provider) DO UPDATE SET requests = excluded.requests, successes = excluded.successes,
            failures = excluded.failures, throttled = excluded.throttled, input_tokens = excluded.input_tokens,
            output_tokens = excluded.output_tokens, cache_read_tokens = excluded.cache_read_tokens,
            cache_write_tokens = excluded.cache_write_tokens, took_sum_ms = excluded.took_sum_ms,
            first_event_sum_ms = excluded.first_event_sum_ms, error_at_ms = excluded.error_at_ms,
            error = excluded.error, took = excluded.took, first_event = excluded.first_event"
    );
    let error = sum.last_error.as_ref();
    let values = params![
        hour,
        provider,
        number(sum.requests),
        number(sum.successes),
        number(sum.failures),
        number(sum.throttled),
        number(sum.tokens.input),
        number(sum.tokens.output),
        number(sum.tokens.cache_read),
        number(sum.tokens.cache_write),
        number(sum.took.sum),
        number(sum.first_event.sum),
        error.map(|error| error.at_ms),
        error.map(|error| &error.text),
        sum.took.spread.to_bytes(),
        sum.first_event.spread.to_bytes(),
    ];
    connection.execute(&sql, values).map(drop)
}
