//! The end of a request, exactly once: health is changed here and nowhere else, and the row is written when the body has
//! ended or was dropped, not when its headers went out.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use qcc_dialect::anthropic::Usage;
use qcc_policy::{Charge, Outcome, ProviderId, Refund, Transition, classify};

use crate::events::{Event, RequestRow};
use crate::state::{Running, State, now};

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
    _running: Running,
}

/// Whom an attempt's result concerns.
#[derive(Debug, Clone)]
pub(crate) struct Charged {
    pub(crate) provider: ProviderId,
    pub(crate) name: Arc<str>,
    /// Model as sent.
    pub(crate) model: Arc<str>,
    /// The client's credential, where that is what went up.
    pub(crate) credential: Option<u64>,
    /// When the attempt began: a success says nothing about faults that came after that.
    pub(crate) started: Instant,
    /// The profile in whose turn it was asked, by its place.
    pub(crate) profile: Option<usize>,
    /// Token counts say nothing about a provider's health: many providers do not offer them at all.
    pub(crate) counts: bool,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(state: &Arc<State>, row: RequestRow, started: Instant) -> Self {
        Self {
            state: Arc::clone(state),
            row: Some(Box::new(row)),
            started,
            verdict: CLIENT_GONE,
            secrets: Vec::new(),
            _running: state.run(),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
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

    /// Keeps these out of everything that is said about the request: a provider may repeat them in its errors.
    pub(crate) fn hide(&mut self, secrets: impl Iterator<Item = HeaderValue>) {
        self.secrets.extend(secrets);
    }

    /// A text without the credentials that went up.
    pub(crate) fn masked(&self, text: String) -> String {
        let sent = self.secrets.iter().filter_map(|value| value.to_str().ok());
        // `Bearer` is no secret, what follows it is.
        let bare = sent.map(|value| value.split_once(' ').map_or(value, |(_, token)| token.trim()));
        let known = bare.filter(|secret| secret.len() >= SHORTEST_SECRET);
        known.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "[redacted]") } else { text })
    }

    /// The first byte goes down.
    pub(crate) fn committed(&mut self, status: u16) {
        let waited = now().saturating_duration_since(self.started);
        self.note(|row| {
            row.first_event_ms = Some(waited);
            row.status = status;
        });
    }

    /// What the provider counted.
    pub(crate) fn used(&mut self, usage: Usage, upstream_id: Option<&str>) {
        self.note(|row| {
            row.input_tokens = usage.input;
            row.output_tokens = usage.output;
            row.cache_read_tokens = usage.cache_read;
            row.cache_write_tokens = usage.cache_write;
            row.upstream_id = upstream_id.map(str::to_owned);
        });
    }

    /// The terminal event is on its way: a client that leaves now has the whole answer.
    pub(crate) fn whole(&mut self) {
        self.verdict = "done";
    }

    /// Writes the row. Later calls, and the drop, do nothing more.
    pub(crate) fn end(&mut self, verdict: &'static str, error: Option<String>) {
        let Some(mut row) = self.row.take() else { return };
        row.verdict = verdict;
        row.error = error.map(|text| self.masked(text));
        row.total = now().saturating_duration_since(self.started);
        self.state.log.emit(Event::RequestFinished(row));
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.verdict == CLIENT_GONE && self.state.is_cutting() {
            return self.end("broken", Some("cut: it outlived proxy.drain when the gateway stopped".to_owned()));
        }
        self.end(self.verdict, None);
    }
}

// === impl Charged ===

impl Charged {
    /// A success, at its terminal event.
    pub(crate) fn succeed(&self, state: &State) {
        if self.counts {
            let news =
                state.cooldowns().succeed(self.provider, Some(&self.model), self.credential, self.started, now());
            self.tell(state, news);
            if state.is_led_elsewhere(self.profile) {
                state.reconsider();
            }
        }
    }

    /// A failure after commit, where no attempt loop is left to judge it.
    pub(crate) fn broke(&self, state: &State, outcome: &Outcome) {
        self.charge(state, classify(outcome, self.credential.is_some()).charge, now());
    }

    /// Leaves the provider out, as the verdict says.
    pub(crate) fn charge(&self, state: &State, charge: Charge, now: Instant) {
        if self.counts {
            let news = state.cooldowns().charge(self.provider, Some(&self.model), self.credential, charge, now);
            self.tell(state, news);
        }
    }

    /// Takes a charge back: the request was at fault, not the provider.
    pub(crate) fn refund(&self, state: &State, refund: &Refund) {
        if self.counts {
            let (charge, at) = (refund.charge, refund.charged_at);
            let news = state.cooldowns().refund(self.provider, Some(&self.model), self.credential, charge, at, now());
            self.tell(state, news);
        }
    }

    fn tell(&self, state: &State, news: Option<Transition>) {
        let Some(news) = news else { return };
        let provider = self.name.to_string();
        match news {
            Transition::Out { model, reason, term, .. } => {
                state.log.emit(Event::ProviderCooled { provider, reason: reason.to_string(), lasts: term, model });
            }
            Transition::Back { model, reason, .. } => {
                state.log.emit(Event::ProviderRecovered { provider, reason: reason.to_string(), model });
            }
        }
        state.reconsider();
    }
}
