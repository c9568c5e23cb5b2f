//! The end of a request, exactly once: health is changed here and nowhere else, and the row is written when the body has
//! ended or was dropped, not when its headers went out.

mod charged;
mod telling;

pub(crate) use charged::Charged;

use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use qcc_dialect::answer::Told;
use qcc_dialect::canon::{Losses, Usage};
use qcc_dialect::translate::Thoughts;

use crate::attempt::in_one_line;
use crate::counting::Sample;
use crate::events::{Event, RequestRow};
use crate::state::{Running, State, now};
use crate::trail::Trail;

/// What a request was when it is dropped without an end.
const CLIENT_GONE: &str = "client_gone";

/// A shorter text is no real credential, and might be a part of any word.
const SHORTEST_SECRET: usize = 6;

/// A request from its recognition to its end. Dropped without an end, the client has gone.
pub(crate) struct Exchange {
    state: Arc<State>,
    row: Option<Box<RequestRow>>,
    started: Instant,
    /// What it was when nothing more is said.
    verdict: &'static str,
    /// Credentials that went up, which no text may show.
    secrets: Vec<HeaderValue>,
    /// What is done for it, where that is kept.
    trail: Option<Trail>,
    /// Its prompt is being estimated, to be compared with what the provider counts.
    pub(crate) sample: Option<Sample>,
    _running: Running,
}

impl Exchange {
    pub(crate) fn new(state: &Arc<State>, row: RequestRow, started: Instant) -> Self {
        Self {
            state: Arc::clone(state),
            row: Some(Box::new(row)),
            started,
            verdict: CLIENT_GONE,
            secrets: Vec::new(),
            trail: None,
            sample: None,
            _running: state.run(),
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        self.row.as_ref().map_or("", |row| &row.request_id)
    }

    /// Notes what is known by now.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut RequestRow)) {
        if let Some(row) = &mut self.row {
            change(row);
        }
    }

    /// What happens to it will be kept. `counts`: its tries count for their providers.
    pub(crate) fn follow(&mut self, counts: bool) {
        if self.state.history.takes_rows() {
            self.trail = Some(Trail::new(self.started, counts));
        }
    }

    /// What is kept of it.
    pub(crate) fn trail(&mut self) -> Option<&mut Trail> {
        self.trail.as_mut()
    }

    /// Keeps these out of everything that is said about the request: a provider may repeat them in its errors.
    pub(crate) fn hide(&mut self, secrets: impl Iterator<Item = HeaderValue>) {
        self.secrets.extend(secrets);
    }

    /// A text without the credentials that went up.
    pub(crate) fn masked(&self, text: String) -> String {
        mask(text, &self.secrets)
    }

    /// The first byte goes down.
    pub(crate) fn committed(&mut self, status: u16) {
        let waited = now().saturating_duration_since(self.started);
        self.note(|row| {
            row.first_event_ms = Some(waited);
            row.status = status;
        });
        if let Some(trail) = &mut self.trail {
            trail.answered(status);
        }
    }

    /// What the provider counted, and why its model stopped.
    pub(crate) fn used(&mut self, told: Told) {
        let Told { id, stop_reason, usage } = told;
        if let Some(trail) = &mut self.trail {
            trail.stopped(stop_reason.as_deref());
        }
        self.note(|row| {
            row.input_tokens = usage.input;
            row.output_tokens = usage.output;
            row.cache_read_tokens = usage.cache_read;
            row.cache_write_tokens = usage.cache_write;
            row.upstream_id = id;
        });
    }

    /// Tokens that the provider counted, and those that it now holds of the prompt.
    pub(crate) fn tokens(&self) -> (Option<u64>, u32) {
        let Some(row) = &self.row else { return (None, 0) };
        let cached = row.cache_read_tokens.unwrap_or(0) + row.cache_write_tokens.unwrap_or(0);
        let counted = row.input_tokens.map(|input| input + row.output_tokens.unwrap_or(0));
        (counted, u32::try_from(cached).unwrap_or(u32::MAX))
    }

    /// What of the answer could not be carried into the client's dialect, beside what the request lost.
    pub(crate) fn lost(&mut self, losses: &Losses) {
        let more = in_one_line(losses);
        self.note(|row| {
            row.loss = Some(match row.loss.take() {
                Some(known) => format!("{known}, {more}"),
                None => more,
            });
        });
    }

    /// What was thought in the answer and the client will not send back.
    pub(crate) fn thought(&mut self, thoughts: Thoughts) {
        if let Some(session) = self.row.as_ref().and_then(|row| row.session).filter(|_| !thoughts.is_empty()) {
            self.state.thoughts.put(session, thoughts);
        }
    }

    /// The terminal event is on its way: a client that leaves now has the whole answer.
    pub(crate) fn whole(&mut self) {
        self.verdict = "done";
    }

    /// Writes the row. Later calls, and the drop, do nothing more.
    pub(crate) fn end(&mut self, verdict: &'static str, error: Option<String>) {
        self.close(verdict, error, false);
    }

    /// `cut`: the gateway's own end ended it.
    fn close(&mut self, verdict: &'static str, error: Option<String>, cut: bool) {
        let Some(mut row) = self.row.take() else { return };
        row.verdict = verdict;
        row.error = error.map(|text| self.masked(text));
        if let Some(sample) = self.sample.take().filter(|_| verdict == "done")
            && let Some(prompt) = prompt_of(&row)
        {
            sample.counted(prompt);
        }
        row.total = now().saturating_duration_since(self.started);
        if let Some(trail) = self.trail.take() {
            self.state.history.write(trail.finish(&row, cut));
        }
        self.state.log.emit(Event::RequestFinished(row));
    }
}

/// Tokens of the whole prompt, as the provider counted them.
fn prompt_of(row: &RequestRow) -> Option<u64> {
    let (cache_read, cache_write) = (row.cache_read_tokens, row.cache_write_tokens);
    Usage { input: row.input_tokens, cache_read, cache_write, ..Usage::default() }.prompt()
}

/// A text without these credentials.
pub(crate) fn mask(text: String, secrets: &[HeaderValue]) -> String {
    let sent = secrets.iter().filter_map(|value| value.to_str().ok());
    // `Bearer` is no secret, what follows it is.
    let bare = sent.map(|value| value.split_once(' ').map_or(value, |(_, token)| token.trim()));
    let known = bare.filter(|secret| secret.len() >= SHORTEST_SECRET);
    known.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "[redacted]") } else { text })
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.verdict == CLIENT_GONE && self.state.is_cutting() {
            let why = "cut: it outlived proxy.drain when the gateway stopped";
            return self.close("broken", Some(why.to_owned()), true);
        }
        self.end(self.verdict, None);
    }
}

#[cfg(test)]
mod tests;
