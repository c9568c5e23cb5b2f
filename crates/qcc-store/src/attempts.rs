//! What was done for a request, in its order: the tries, and the candidates that were passed over, each with its reason.
//! A provider is judged by its tries, not by the requests that it answered: one that always fails answers none.

use rusqlite::{Connection, Row, Statement, params};

use serde::{Deserialize, Serialize};

use crate::bounds::{NAME, TEXT, Word, count, cut, cut_maybe, cut_maybe_word, maybe_number, number};

/// Rows of one request that are kept: its first tries, and what room is left for candidates that were passed over. Far
/// more than a request needs, unless hundreds of providers are out together.
const MOST: usize = 200;

/// How a try counts for its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The answer was whole.
    Success,
    /// It was the provider's fault, or that of the credential or the model there.
    Failure,
    /// As a failure, because the provider throttled us (429).
    Throttled,
    /// Neither: the request was at fault, or the client left.
    Uncharged,
    /// It was not tried.
    #[default]
    Skipped,
}

/// A try, or a candidate that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Its name.
    pub provider: String,
    /// As sent; `None`: as asked.
    pub model: Option<String>,
    /// What made it a candidate, and this one's turn: the profile or the route, the session's home.
    pub via: Option<String>,
    /// When it began (or was passed over), milliseconds after the request's arrival.
    pub started_ms: u64,
    /// How much of the time before it was spent waiting for it: backoff, hold.
    pub waited_ms: u64,
    /// From its start to its end; 0 when it was not tried.
    pub took_ms: u64,
    /// From its start to its first semantic event.
    pub first_event_ms: Option<u64>,
    /// How it counts.
    pub outcome: AttemptOutcome,
    /// What the provider answered.
    pub status: Option<u16>,
    /// Whose fault it was.
    pub blame: Option<Word>,
    /// What it cost the provider, such as `throttled for 30 s`.
    pub charge: Option<String>,
    /// Why it failed, or was passed over. The caller has taken secrets out.
    pub reason: Option<String>,
}

// === impl AttemptOutcome ===

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Success, Self::Failure, Self::Throttled, Self::Uncharged, Self::Skipped];

    /// The word for it in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Throttled => "throttled",
            Self::Uncharged => "uncharged",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the provider was asked.
    #[must_use]
    pub fn is_try(self) -> bool {
        self != Self::Skipped
    }

    pub(crate) fn from_name(name: &str) -> Self {
        // The table allows no other word.
        Self::ALL.into_iter().find(|outcome| outcome.name() == name).unwrap_or(Self::Uncharged)
    }
}

impl AttemptRow {
    fn bound(&mut self) {
        cut(&mut self.provider, NAME);
        cut_maybe(&mut self.model, NAME);
        cut_maybe(&mut self.via, TEXT);
        cut_maybe_word(&mut self.blame);
        cut_maybe(&mut self.charge, NAME);
        cut_maybe(&mut self.reason, TEXT);
    }
}

/// Cuts what is too much of one request.
pub(crate) fn bound(rows: &mut Vec<AttemptRow>) {
    if rows.len() > MOST {
        let tries = rows.iter().filter(|row| row.outcome.is_try()).count();
        let (mut tries, mut skips) = (tries.min(MOST), MOST.saturating_sub(tries));
        rows.retain(|row| {
            let room = if row.outcome.is_try() { &mut tries } else { &mut skips };
            let stays = *room > 0;
            *room = room.saturating_sub(1);
            stays
        });
        rows.shrink_to_fit();
    }
    rows.iter_mut().for_each(AttemptRow::bound);
}

pub(crate) fn inserting(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO attempts (request, place, at_ms, provider, model, via, waited_ms, took_ms, first_event_ms,
            outcome, status, blame, charge, reason)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
}

/// Adds the rows of a request that arrived at `at_ms`.
pub(crate) fn insert(to: &mut Statement<'_>, request: i64, at_ms: i64, rows: &[AttemptRow]) -> rusqlite::Result<()> {
    for (place, row) in (1_i64..).zip(rows) {
        to.execute(params![
            request,
            place,
            at_ms.saturating_add(number(row.started_ms)),
            row.provider,
            row.model,
            row.via,
            number(row.waited_ms),
            number(row.took_ms),
            maybe_number(row.first_event_ms),
            row.outcome.name(),
            row.status,
            row.blame,
            row.charge,
            row.reason,
        ])?;
    }
    Ok(())
}

/// The rows of a request that arrived at `at_ms`.
pub(crate) fn of(connection: &Connection, request: i64, at_ms: i64) -> rusqlite::Result<Vec<AttemptRow>> {
    let sql = "SELECT at_ms, provider, model, via, waited_ms, took_ms, first_event_ms, outcome, status, blame, charge,
            reason
        FROM attempts WHERE request = ?1 ORDER BY place LIMIT ?2";
    connection.prepare(sql)?.query_map(params![request, MOST as i64], |row| from_row(row, at_ms))?.collect()
}

fn from_row(row: &Row<'_>, at_ms: i64) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        started_ms: count(row.get::<_, i64>(0)?.saturating_sub(at_ms)),
        provider: row.get(1)?,
        model: row.get(2)?,
        via: row.get(3)?,
        waited_ms: count(row.get(4)?),
        took_ms: count(row.get(5)?),
        first_event_ms: row.get::<_, Option<i64>>(6)?.map(count),
        outcome: AttemptOutcome::from_name(row.get_ref(7)?.as_str()?),
        status: row.get(8)?,
        blame: row.get::<_, Option<String>>(9)?.map(Word::Owned),
        charge: row.get(10)?,
        reason: row.get(11)?,
    })
}
