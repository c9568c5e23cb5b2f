//! The end of a request, exactly once: health is changed here and nowhere else, and the row is written when the body has
//! ended or was dropped, not when its headers went out.

mod telling;

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderValue};
use qcc_dialect::answer::Told;
use qcc_dialect::canon::{Losses, Usage};
use qcc_dialect::translate::Thoughts;
use qcc_policy::affinity::SessionKey;
use qcc_policy::engine::{Attempt, Engine, Spent, Target};
use qcc_policy::{Charge, Failure, Outcome, Refund, Standing, Transition, classify};

use crate::attempt::in_one_line;
use crate::counting::Sample;
use crate::events::{Event, RequestRow};
use crate::observe;
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

/// One candidate of a request: whom its attempts concern, and the attempt under way. Dropped in mid-attempt, the client
/// has gone, which says nothing about the provider.
pub(crate) struct Charged {
    state: Arc<State>,
    pub(crate) name: Arc<str>,
    pub(crate) target: Target,
    /// When the latest attempt began.
    pub(crate) started: Instant,
    /// The profile in whose turn it was asked, by its place.
    profile: Option<usize>,
    /// The conversation that a success binds, and whether it asked for the long prompt cache.
    session: Option<(SessionKey, bool)>,
    /// About so many tokens go up.
    tokens: u64,
    /// Token counts say nothing about a provider's health: many providers do not offer them at all.
    counts: bool,
    attempt: Option<Attempt>,
    spent: Option<Spent>,
    /// What was charged, and when: a refund concerns one of several attempts.
    billed: Vec<(Instant, Spent)>,
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

// === impl Charged ===

impl Charged {
    /// A candidate of a request of about so many `tokens`.
    pub(crate) fn new(
        state: &Arc<State>,
        name: &str,
        target: Target,
        profile: Option<usize>,
        session: Option<(SessionKey, bool)>,
        tokens: u64,
    ) -> Self {
        Self {
            state: Arc::clone(state),
            name: name.into(),
            target,
            started: now(),
            profile,
            session,
            tokens,
            counts: true,
            attempt: None,
            spent: None,
            billed: Vec::new(),
        }
    }

    /// Nobody pays for what it does.
    pub(crate) fn uncounted(mut self) -> Self {
        self.counts = false;
        self
    }

    /// Whether it may be tried now.
    pub(crate) fn standing(&self) -> Standing {
        self.state.engine().standing(&self.target, self.tokens, now())
    }

    /// A try begins, unless others have taken the last room, or the only probe, since it was looked at. `anyway`: also
    /// where the provider is out.
    pub(crate) fn begin(&mut self, anyway: bool) -> bool {
        self.let_go();
        self.started = now();
        if !self.counts {
            return true;
        }
        self.attempt = {
            let mut engine = self.state.engine();
            let attempt = engine.begin(&self.target, self.tokens, anyway, self.started);
            self.state.probing.look(&mut engine);
            attempt
        };
        if self.attempt.is_some() {
            self.spent = None;
        }
        self.attempt.is_some()
    }

    /// What the headers of its answer say of limits, of the credential that was used.
    pub(crate) fn announced(&self, headers: &HeaderMap) {
        if let (true, Some(said)) = (self.counts, observe::announced(headers)) {
            self.state.engine().announced(&self.target, &said, now());
        }
    }

    /// It said that it is overloaded, asked for this model (a hash of the client's name for it).
    pub(crate) fn overloaded(&self, model: u64) {
        if self.counts {
            self.state.engine().overloaded(self.target.provider, model, now());
        }
    }

    /// The first semantic event of a stream came.
    pub(crate) fn first_event(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            self.state.engine().first_event(attempt, now());
        }
    }

    /// The try ended without a whole answer. `failed`: the provider failed or throttled.
    pub(crate) fn failed(&mut self, failed: bool) {
        if let Some(attempt) = self.attempt.take() {
            self.spent = Some(self.change(|engine| engine.end(attempt, failed, None, now())));
        }
    }

    /// The latest try keeps nobody from being the next probe. It may still be charged.
    fn let_go(&mut self) {
        if let Some(mut spent) = self.spent.take() {
            self.change(|engine| engine.release(&mut spent, &self.target));
            self.spent = Some(spent);
        }
    }

    /// Changes what is known of the provider. Where that makes it admissible, those who wait hear of it: a lease or room
    /// that comes free is no news for the log.
    fn change<T>(&self, change: impl FnOnce(&mut Engine) -> T) -> T {
        let mut engine = self.state.engine();
        let was_out = self.state.room.is_occupied() && !self.is_admissible(&mut engine);
        let changed = change(&mut engine);
        self.state.probing.look(&mut engine);
        let is_back = was_out && self.is_admissible(&mut engine);
        drop(engine);
        if is_back {
            self.tell_room();
        }
        changed
    }

    fn is_admissible(&self, engine: &mut Engine) -> bool {
        engine.standing(&self.target, self.tokens, now()) == Standing::Admissible
    }

    /// Those who wait may go there.
    fn tell_room(&self) {
        let settled = self.state.engine().is_settled(&self.target, now());
        self.state.room.open(self.target.provider, settled);
    }

    /// A success, at its terminal event. `used`: the tokens that the provider counted, and those in its prompt cache.
    pub(crate) fn succeed(&mut self, used: (Option<u64>, u32)) {
        let Some(attempt) = self.attempt.take() else { return };
        let session = self.session.map(|(key, long)| (key, used.1, long));
        let (news, moved) = self.change(|engine| engine.succeed(attempt, &self.target, session, used.0, now()));
        if let Some(moved) = moved {
            let tokens = moved.cache_tokens;
            self.state.log.emit(Event::SessionMoved { provider: self.name.to_string(), cache_tokens: tokens });
        }
        self.tell(news);
        // An answer to anybody says that it is there.
        if self.state.room.is_occupied() && self.is_admissible(&mut self.state.engine()) {
            self.tell_room();
        }
        if self.state.is_led_elsewhere(self.profile) {
            self.state.reconsider();
        }
    }

    /// A failure after commit, where no attempt loop is left to judge it.
    pub(crate) fn broke(&mut self, failure: Failure, exchange: &mut Exchange) {
        self.failed(true);
        if let Some((session, _)) = self.session.filter(|_| self.counts) {
            self.state.engine().broke_off(session, self.target.provider, now());
        }
        let charge = classify(&Outcome::Failed(failure), self.target.fingerprint.is_some()).charge;
        self.charge(charge, now());
        if let Some(trail) = exchange.trail() {
            trail.broke(charge);
        }
    }

    /// Leaves the provider out, as the verdict says.
    pub(crate) fn charge(&mut self, charge: Charge, now: Instant) {
        if let Some(mut spent) = self.spent {
            let draw = self.state.draw();
            let news = self.change(|engine| engine.charge(&mut spent, &self.target, charge, draw, now));
            self.spent = Some(spent);
            self.billed.push((now, spent));
            self.tell(news);
        }
    }

    /// Takes a charge back: the request was at fault, not the provider.
    pub(crate) fn refund(&self, refund: &Refund) {
        let (charge, at) = (refund.charge, refund.charged_at);
        let billed = self.billed.iter().find(|(when, _)| *when == at).map(|(_, spent)| spent);
        if let Some(spent) = billed.or(self.spent.as_ref()) {
            let news = self.change(|engine| engine.refund(spent, &self.target, charge, at, now()));
            self.tell(news);
        }
    }

    fn tell(&self, news: Option<Transition>) {
        self.state.tell(&self.name, news);
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.failed(false);
        self.let_go();
    }
}

#[cfg(test)]
mod tests;
