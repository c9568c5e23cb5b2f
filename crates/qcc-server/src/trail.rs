//! What is done for a request, noted while it happens and handed to the database at its end: the tries with how they
//! count, and the candidates that were passed over. It decides nothing, and a gateway without a database notes nothing.

use std::time::{Instant, UNIX_EPOCH};

use qcc_policy::{Blame, Charge, Reason, Term};
use qcc_store::{AttemptOutcome, AttemptRow, RequestRecord, RequestRow as Kept, Row};

use crate::events::RequestRow;
use crate::outside;
use crate::state::now;

/// The notes of one request.
pub(crate) struct Trail {
    arrived: Instant,
    rows: Vec<AttemptRow>,
    /// The try that has not ended, by its place.
    open: Option<usize>,
    stop_reason: Option<String>,
    /// A try says nothing about the provider's health.
    counts: bool,
}

/// A try that begins.
pub(crate) struct Try<'a> {
    pub(crate) provider: &'a str,
    /// As sent, where it differs.
    pub(crate) model: Option<&'a str>,
    /// The profile in whose turn it is asked.
    pub(crate) via: Option<&'a str>,
    /// What was waited for it.
    pub(crate) waited_ms: u64,
}

/// A try that failed.
pub(crate) struct Failed {
    pub(crate) blame: Blame,
    pub(crate) status: Option<u16>,
    /// Without credentials.
    pub(crate) reason: String,
}

// === impl Trail ===

impl Trail {
    /// `counts`: tries count for their providers.
    pub(crate) fn new(arrived: Instant, counts: bool) -> Self {
        Self { arrived, rows: Vec::new(), open: None, stop_reason: None, counts }
    }

    fn elapsed(&self) -> u64 {
        millis(now().saturating_duration_since(self.arrived))
    }

    /// Gives the place of the try, for [`Trail::charged`] and [`Trail::refunded`].
    pub(crate) fn begin(&mut self, tried: &Try<'_>) -> usize {
        let place = self.rows.len();
        self.rows.push(AttemptRow {
            provider: tried.provider.to_owned(),
            model: tried.model.map(str::to_owned),
            via: tried.via.map(str::to_owned),
            started_ms: self.elapsed(),
            waited_ms: tried.waited_ms,
            outcome: AttemptOutcome::Uncharged,
            ..AttemptRow::default()
        });
        self.open = Some(place);
        place
    }

    /// A candidate is passed over.
    pub(crate) fn skip(&mut self, provider: &str, via: Option<&str>, reason: String) {
        self.rows.push(AttemptRow {
            provider: provider.to_owned(),
            via: via.map(str::to_owned),
            started_ms: self.elapsed(),
            reason: Some(reason),
            ..AttemptRow::default()
        });
    }

    /// The try came to nothing.
    pub(crate) fn failed(&mut self, failed: Failed) {
        let outcome = match failed.blame {
            _ if !self.counts => AttemptOutcome::Uncharged,
            Blame::Provider | Blame::Credential | Blame::Quota | Blame::Permission | Blame::Model => {
                AttemptOutcome::Failure
            }
            Blame::Load => AttemptOutcome::Throttled,
            Blame::Nobody | Blame::Request | Blame::Client => AttemptOutcome::Uncharged,
        };
        if let Some(row) = self.close(outcome) {
            row.blame = Some(failed.blame.to_string().into());
            row.status = failed.status;
            row.reason = Some(failed.reason);
        }
    }

    /// The try whose answer is under way cost its provider something.
    pub(crate) fn broke(&mut self, charge: Charge) {
        if let Some(place) = self.open {
            self.charged(place, charge);
        }
    }

    /// A try cost its provider something.
    pub(crate) fn charged(&mut self, place: usize, charge: Charge) {
        if !self.counts {
            return;
        }
        if let (Some(row), Charge::Out { reason, how_long }) = (self.rows.get_mut(place), charge) {
            row.charge = Some(match how_long {
                Term::Configured => Reason::Fault.to_string(),
                Term::For(time) => format!("{reason} for {} s", time.as_secs_f64().ceil()),
            });
        }
    }

    /// A charge was taken back: the request was at fault.
    pub(crate) fn refunded(&mut self, place: usize) {
        if let Some(row) = self.rows.get_mut(place) {
            row.charge = None;
            row.outcome = AttemptOutcome::Uncharged;
            row.blame = Some(Blame::Request.to_string().into());
        }
    }

    /// The answer has begun.
    pub(crate) fn answered(&mut self, status: u16) {
        if let Some(row) = self.open.and_then(|place| self.rows.get_mut(place)) {
            row.status = Some(status);
        }
    }

    /// The first semantic event of a stream came.
    pub(crate) fn first_event(&mut self) {
        let elapsed = self.elapsed();
        if let Some(row) = self.open.and_then(|place| self.rows.get_mut(place)) {
            row.first_event_ms = Some(elapsed.saturating_sub(row.started_ms));
        }
    }

    /// Why the model stopped.
    pub(crate) fn stopped(&mut self, reason: Option<&str>) {
        self.stop_reason = reason.map(str::to_owned);
    }

    fn close(&mut self, outcome: AttemptOutcome) -> Option<&mut AttemptRow> {
        let elapsed = self.elapsed();
        let row = self.rows.get_mut(self.open.take()?)?;
        row.took_ms = elapsed.saturating_sub(row.started_ms);
        row.outcome = outcome;
        Some(row)
    }

    /// The row of a request that has ended. `cut`: it was ended by the gateway's own end.
    pub(crate) fn finish(mut self, row: &RequestRow, cut: bool) -> Row {
        self.end_of_answer(row, cut);
        let last = self.rows.iter().rfind(|row| row.outcome.is_try());
        let ago = i64::try_from(row.total.as_millis()).unwrap_or(i64::MAX);
        let request = Kept {
            request_id: row.request_id.clone(),
            upstream_id: row.upstream_id.clone(),
            at_ms: wall_clock().saturating_sub(ago),
            client_key: row.client_key.map(key_name),
            session: row.session,
            method: "POST".into(),
            path: row.path.clone(),
            dialect_down: row.asker.name().into(),
            dialect_up: row.dialect_up.map(Into::into),
            model: row.model.clone(),
            model_sent: row.model_sent.clone(),
            streaming: row.stream,
            provider: row.provider.clone(),
            status: row.status,
            verdict: row.verdict.into(),
            blame: last.and_then(|last| last.blame.clone()).filter(|_| row.verdict != "done"),
            stop_reason: self.stop_reason.map(Into::into),
            tries: row.attempts,
            held_ms: row.held_ms.map_or(0, millis),
            first_event_ms: row.first_event_ms.map(millis),
            total_ms: millis(row.total),
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cache_read_tokens: row.cache_read_tokens,
            cache_write_tokens: row.cache_write_tokens,
            bytes_in: row.bytes_in,
            bytes_out: row.bytes_out,
            error: row.error.clone(),
            loss: row.loss.clone(),
            ..Kept::default()
        };
        Row::Request(Box::new(RequestRecord { request, attempts: self.rows }))
    }

    /// The try that was under way ends with the request.
    fn end_of_answer(&mut self, row: &RequestRow, cut: bool) {
        let (outcome, blame) = match row.verdict {
            "done" => (AttemptOutcome::Success, None),
            "broken" if !cut => (AttemptOutcome::Failure, Some(Blame::Provider)),
            "client_gone" => (AttemptOutcome::Uncharged, Some(Blame::Client)),
            _ => (AttemptOutcome::Uncharged, None),
        };
        let outcome = if self.counts { outcome } else { AttemptOutcome::Uncharged };
        if let Some(tried) = self.close(outcome) {
            tried.blame = blame.map(|blame| blame.to_string().into());
            if row.verdict == "broken" {
                tried.reason.clone_from(&row.error);
            }
        }
    }
}

/// How a client's key is named in the database.
pub(crate) fn key_name(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// Why a candidate is passed over that is out.
pub(crate) fn out(reason: Reason, until: Instant) -> String {
    let left = until.saturating_duration_since(now()).as_secs_f64().ceil();
    format!("out: {reason}, {left} s left")
}

/// Milliseconds since 1970-01-01 UTC: for the history, never for a decision.
pub(crate) fn wall_clock() -> i64 {
    let since = outside::wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
