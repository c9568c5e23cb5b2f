//! One candidate of a request, and what its attempts mean to the provider. This is where health changes.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use qcc_policy::affinity::SessionKey;
use qcc_policy::engine::{Attempt, Engine, Spent, Target};
use qcc_policy::{Charge, Failure, Outcome, Refund, Standing, Transition, classify};

use super::Exchange;
use crate::events::Event;
use crate::observe;
use crate::state::{State, now};

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
