//! Requests that ended, one row each with what was done for it, and the question what became of one of them.

use rusqlite::{Connection, Row, Statement, params};

use serde::{Deserialize, Serialize};

use crate::attempts::{self, AttemptRow};
use crate::bounds::{NAME, TEXT, Word, count, cut, cut_maybe, cut_maybe_word, cut_word, maybe_number, number};
use crate::error::StoreError;
use crate::store::Store;

/// Ids that are named where the beginning of one fits several requests.
const NAMED: u32 = 10;

/// A request, at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestRow {
    /// Ours, as in `x-qcc-request-id`.
    pub request_id: String,
    /// The provider's id of its answer.
    pub upstream_id: Option<String>,
    /// Arrival, milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Which client key it carried: an id of the key, never the key.
    pub client_key: Option<String>,
    /// Hash of the session that it belongs to.
    #[serde(with = "crate::documents::hexadecimal")]
    pub session: Option<u64>,
    /// As sent.
    pub method: Word,
    /// Without the query.
    pub path: String,
    /// The client's dialect.
    pub dialect_down: Word,
    /// The provider's dialect; `None`: nobody was asked.
    pub dialect_up: Option<Word>,
    /// As asked.
    pub model: String,
    /// As sent, where it differs.
    pub model_sent: Option<String>,
    /// Whether a stream was asked for.
    pub streaming: bool,
    /// Who answered, or was tried last.
    pub provider: Option<String>,
    /// What went down; 0 when the client left before that.
    pub status: u16,
    /// How it ended, in a word.
    pub verdict: Word,
    /// Whose fault that was.
    pub blame: Option<Word>,
    /// Why the model stopped, in the provider's word.
    pub stop_reason: Option<Word>,
    /// How many tries it took.
    pub tries: u32,
    /// How long it was held because nobody could be tried.
    pub held_ms: u64,
    /// Arrival to the first byte sent down.
    pub first_event_ms: Option<u64>,
    /// Arrival to the end.
    pub total_ms: u64,
    /// Tokens of the prompt that the provider's cache had nothing to do with.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// Tokens of the prompt that were read from the provider's cache.
    pub cache_read_tokens: Option<u64>,
    /// Tokens of the prompt that were written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
    /// The request's body.
    pub bytes_in: u64,
    /// The answer's body.
    pub bytes_out: u64,
    /// What our own cache did, as in `x-qcc-cache`.
    pub cache: Option<Word>,
    /// What went wrong in the end. The caller has taken secrets out.
    pub error: Option<String>,
    /// What a translation between dialects could not carry, in one line.
    pub loss: Option<String>,
}

/// A request and what was done for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The request.
    pub request: RequestRow,
    /// Its tries and the candidates that were passed over, in the order of events. Of more than 200, tries are kept
    /// first.
    pub attempts: Vec<AttemptRow>,
}

/// What an id, or the beginning of one, leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No request.
    None,
    /// One request.
    One(Box<RequestRecord>),
    /// Several requests: the first ids in alphabetical order, at most ten.
    Many(Vec<String>),
}

// === impl RequestRecord ===

impl RequestRecord {
    pub(crate) fn bound(&mut self) {
        let row = &mut self.request;
        for text in [&mut row.request_id, &mut row.model] {
            cut(text, NAME);
        }
        for text in [&mut row.upstream_id, &mut row.client_key, &mut row.model_sent, &mut row.provider] {
            cut_maybe(text, NAME);
        }
        for word in [&mut row.method, &mut row.dialect_down, &mut row.verdict] {
            cut_word(word);
        }
        for word in [&mut row.dialect_up, &mut row.blame, &mut row.stop_reason, &mut row.cache] {
            cut_maybe_word(word);
        }
        cut(&mut row.path, TEXT);
        cut_maybe(&mut row.error, TEXT);
        cut_maybe(&mut row.loss, TEXT);
        attempts::bound(&mut self.attempts);
    }
}

// === impl Store ===

impl Store {
    /// The request with this id, or, where there is none, the requests whose ids begin with it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn request(&self, id: &str) -> Result<Found, StoreError> {
        find(&self.connection, id).map_err(|error| self.failed(&error))
    }
}

fn find(connection: &Connection, id: &str) -> rusqlite::Result<Found> {
    if let Some(record) = exactly(connection, id)? {
        return Ok(Found::One(Box::new(record)));
    }
    let sql = "SELECT DISTINCT request_id FROM requests
        WHERE request_id >= ?1 AND request_id < ?1 || char(1114111) ORDER BY request_id LIMIT ?2";
    let ids: Vec<String> =
        connection.prepare(sql)?.query_map((id, NAMED), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let [only] = ids.as_slice() else {
        return Ok(if ids.is_empty() { Found::None } else { Found::Many(ids) });
    };
    Ok(exactly(connection, only)?.map_or(Found::None, |record| Found::One(Box::new(record))))
}

/// The latest one, should an id have been drawn twice.
fn exactly(connection: &Connection, id: &str) -> rusqlite::Result<Option<RequestRecord>> {
    let sql = "SELECT id, request_id, upstream_id, at_ms, client_key, session, method, path, dialect_down, dialect_up,
            model, model_sent, streaming, provider, status, verdict, blame, stop_reason, tries, held_ms, first_event_ms,
            total_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, bytes_in, bytes_out, cache,
            error, loss
        FROM requests WHERE request_id = ?1 ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((id,))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let request = from_row(row)?;
    let attempts = attempts::of(connection, row.get(0)?, request.at_ms)?;
    Ok(Some(RequestRecord { request, attempts }))
}

pub(crate) fn inserting(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO requests (request_id, upstream_id, at_ms, client_key, session, method, path, dialect_down,
            dialect_up, model, model_sent, streaming, provider, status, verdict, blame, stop_reason, tries, held_ms,
            first_event_ms, total_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, bytes_in,
            bytes_out, cache, error, loss)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
            ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
    )
}

/// Adds a request, and tells by which number its attempts know it.
pub(crate) fn insert(to: &mut Statement<'_>, row: &RequestRow) -> rusqlite::Result<i64> {
    to.insert(params![
        row.request_id,
        row.upstream_id,
        row.at_ms,
        row.client_key,
        row.session.map(u64::cast_signed),
        row.method,
        row.path,
        row.dialect_down,
        row.dialect_up,
        row.model,
        row.model_sent,
        row.streaming,
        row.provider,
        row.status,
        row.verdict,
        row.blame,
        row.stop_reason,
        row.tries,
        number(row.held_ms),
        maybe_number(row.first_event_ms),
        number(row.total_ms),
        maybe_number(row.input_tokens),
        maybe_number(row.output_tokens),
        maybe_number(row.cache_read_tokens),
        maybe_number(row.cache_write_tokens),
        number(row.bytes_in),
        number(row.bytes_out),
        row.cache,
        row.error,
        row.loss,
    ])
}

/// A row of [`exactly`].
fn from_row(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    let word = |at| row.get(at).map(Word::Owned);
    let maybe_word = |at| row.get::<_, Option<String>>(at).map(|word| word.map(Word::Owned));
    let counted = |at| row.get(at).map(count);
    let maybe_counted = |at| row.get::<_, Option<i64>>(at).map(|number| number.map(count));
    Ok(RequestRow {
        request_id: row.get(1)?,
        upstream_id: row.get(2)?,
        at_ms: row.get(3)?,
        client_key: row.get(4)?,
        session: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        method: word(6)?,
        path: row.get(7)?,
        dialect_down: word(8)?,
        dialect_up: maybe_word(9)?,
        model: row.get(10)?,
        model_sent: row.get(11)?,
        streaming: row.get(12)?,
        provider: row.get(13)?,
        status: row.get(14)?,
        verdict: word(15)?,
        blame: maybe_word(16)?,
        stop_reason: maybe_word(17)?,
        tries: row.get(18)?,
        held_ms: counted(19)?,
        first_event_ms: maybe_counted(20)?,
        total_ms: counted(21)?,
        input_tokens: maybe_counted(22)?,
        output_tokens: maybe_counted(23)?,
        cache_read_tokens: maybe_counted(24)?,
        cache_write_tokens: maybe_counted(25)?,
        bytes_in: counted(26)?,
        bytes_out: counted(27)?,
        cache: maybe_word(28)?,
        error: row.get(29)?,
        loss: row.get(30)?,
    })
}
