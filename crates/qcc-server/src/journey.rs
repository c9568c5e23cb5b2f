//! A request for a model on its way through its plan: try, learn from a fault, try the next, until somebody answers or
//! nobody is left. What to do next is policy's to say ([`Failover`]); this does it.

mod count;
mod ends;
mod stop;
mod wait;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use qcc_dialect::asker::Asker;
use qcc_dialect::scan::{Envelope, splice_model};
use qcc_policy::engine::{Asking, Target};
use qcc_policy::plan::Warning;
use qcc_policy::{Billed, Blame, Failover, Final, Outcome, Phase, Recorded, SessionKey, Step, classify, is_overload};

use crate::attempt::{Answer, Call, Fault, Good, Until, attempt};
use crate::body::Body;
use crate::events::Event;
use crate::finish::Exchange;
use crate::ingress::body::Buffered;
use crate::ingress::recognise::Kind;
use crate::ingress::session::Session;
use crate::room::{Place, Turn};
use crate::state::{Snapshot, State, dialect_name, now};
use crate::trail::{self, Try};
use crate::upstream::credential::Inbound;
use stop::Stop;
use wait::{Own, Waited, own};

/// Why a provider without a key of its own is passed over.
const NO_CREDENTIAL: &str = "it takes the client's own credential, and the request carries none for it";

/// What is asked, the same on every try.
pub(crate) struct Asked {
    /// The client's dialect.
    pub(crate) asker: Asker,
    pub(crate) inbound: Inbound,
    pub(crate) envelope: Envelope,
    /// The conversation that it belongs to.
    pub(crate) session: Session,
    pub(crate) kind: Kind,
    pub(crate) body: Buffered,
    /// Path with the client's query.
    pub(crate) target: String,
    /// When it was taken up.
    pub(crate) began: Instant,
    /// Everything before commit ends here.
    pub(crate) deadline: Until,
}

impl Asked {
    /// What a prompt cache belongs to: one model within a session.
    fn conversation(&self) -> SessionKey {
        let mut hasher = DefaultHasher::new();
        self.envelope.model_name.hash(&mut hasher);
        SessionKey { session: self.session.key, model: hasher.finish() }
    }

    /// The end of everything before commit, and what it says about an attempt that begins now.
    fn deadline(&self) -> Until {
        let Until { at, phase } = self.deadline;
        let phase = match phase {
            Phase::Total => Phase::of_deadline(self.began, now(), at.into_std()),
            other => other,
        };
        Until { at, phase }
    }
}

/// A request on its way.
pub(crate) struct Journey {
    state: Arc<State>,
    exchange: Exchange,
    asked: Asked,
    stops: Vec<Stop>,
    /// Whether providers were left out because the request carries no credential for them.
    unfit: bool,
    last_fault: String,
    attempts: u32,
    /// How long it may be held; zero: not at all.
    max_wait: Duration,
    /// Its session's own provider is back so soon that the prompt cache there is worth the wait.
    own: Option<Own>,
    /// Who would answer the prompt whose tokens are to be counted.
    meant_for: Option<Target>,
}

/// How a walk along the candidates ended.
#[expect(clippy::large_enum_variant, reason = "one per request, moved twice: cheaper than an allocation")]
enum Walked {
    Answered {
        stop: usize,
        good: Good,
    },
    /// This one's refusal is the answer.
    Refused {
        stop: usize,
    },
    /// Nobody is left.
    GaveUp(Final),
}

impl Journey {
    /// Works out where the request may go.
    pub(crate) fn new(state: Arc<State>, snapshot: &Snapshot, mut exchange: Exchange, asked: Asked) -> Self {
        exchange.note(|row| {
            row.session = Some(asked.session.key);
            row.long_cache = asked.session.long_cache;
        });
        exchange.follow(asked.kind != Kind::CountTokens);
        let asking = Asking {
            model: &asked.envelope.model_name,
            session: Some(asked.conversation()),
            binds: asked.kind != Kind::CountTokens,
            draw: state.draw(),
        };
        let plan = state.engine().arrange(&snapshot.router, &asking, now());
        if let Some(Warning::StandIn { glob }) = &plan.warning {
            let (request_id, model) = (exchange.request_id().to_owned(), asked.envelope.model_name.clone());
            state.log.emit(Event::RouteGuessed { request_id, model, route: glob.to_string() });
        }
        let planned = plan.candidates.len();
        let mut stops = Vec::with_capacity(planned);
        for candidate in &plan.candidates {
            let stop = Stop::new(&state, snapshot, candidate, &asked);
            let unfit = stop.is_none().then(|| snapshot.upstream(candidate.provider)).flatten();
            if let (Some(upstream), Some(trail)) = (unfit, exchange.trail()) {
                trail.skip(upstream.name(), None, NO_CREDENTIAL.to_owned());
            }
            stops.extend(stop);
        }
        let unfit = stops.len() < planned;
        let max_wait = snapshot.config.settings.hold.max_wait;
        let own = plan.bound.and_then(|bound| own(&stops, &bound, snapshot.config.settings.affinity.max_wait));
        let counts = asked.kind == Kind::CountTokens;
        let meant_for = counts.then(|| count::meant_for(&state, snapshot, &plan.candidates, &asked)).flatten();
        Self { state, exchange, asked, stops, unfit, last_fault: String::new(), attempts: 0, max_wait, own, meant_for }
    }

    /// Tries until somebody answers, waiting where that may help.
    pub(crate) async fn travel(mut self, limits: qcc_policy::Limits) -> Response<Body> {
        self.state.budget().request(now());
        let providers: Vec<_> = self.stops.iter().map(|stop| stop.upstream.id).collect();
        let mut failover = Failover::new(&providers, limits);
        let mut place: Option<Place> = None;
        let mut patient = self.may_wait();
        if patient {
            failover = failover.patient();
        }
        if let Some(own) = self.own.filter(|own| own.until < self.asked.deadline.at.into_std()) {
            tokio::time::sleep_until(own.until.into()).await;
            failover.again(self.way_to(Turn { provider: own.provider, trial: false }), patient);
        }
        let mut last = false;
        loop {
            let before = self.attempts;
            let end = match self.walk(&mut failover).await {
                Walked::Answered { stop, good } => {
                    if let Some(place) = place {
                        place.answered(&self.stops[stop].charged.target);
                    }
                    return self.commit(stop, good);
                }
                Walked::Refused { .. } | Walked::GaveUp(_) if self.asked.kind == Kind::CountTokens => {
                    return self.estimate().await;
                }
                Walked::Refused { stop } => {
                    // Its own refusal says that the provider is there.
                    if let Some(place) = place {
                        place.answered(&self.stops[stop].charged.target);
                    }
                    return self.answer(stop);
                }
                Walked::GaveUp(end) => end,
            };
            if last || !self.may_wait() {
                return self.give_up(end);
            }
            match self.wait(&mut place, self.attempts > before).await {
                Waited::Turn(turn) => {
                    patient = !turn.trial;
                    failover.again(self.way_to(turn), patient);
                }
                // Nothing to wait for, or it has waited long enough: who is out is asked all the same, rather than
                // refusing unasked.
                Waited::NoUse if !patient => return self.give_up(end),
                waited @ (Waited::NoUse | Waited::Over) => {
                    (patient, last) = (false, matches!(waited, Waited::Over));
                    failover.again((0..self.stops.len()).collect(), patient);
                }
            }
        }
    }

    /// Tries one candidate after the other.
    async fn walk(&mut self, failover: &mut Failover) -> Walked {
        loop {
            let Self { state, stops, exchange, asked, .. } = &mut *self;
            let step = failover.next(
                &mut |candidate| stops[candidate].standing(exchange.trail()),
                &mut || state.budget().try_repeat(now()),
                asked.deadline.at.into_std(),
                state.draw(),
                now(),
            );
            self.pay(failover.owed(), now());
            let (stop, wait, anyway) = match step {
                Step::Try { candidate, wait, anyway } => (candidate, wait, anyway),
                Step::Answer { candidate } => return Walked::Refused { stop: candidate },
                Step::GiveUp(end) => return Walked::GaveUp(end),
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            if !self.stops[stop].charged.begin(anyway) {
                failover.not_begun();
                self.pay(failover.owed(), now());
                continue;
            }
            match self.attempt(stop, wait).await {
                Ok(good) => {
                    let done = classify(&Outcome::Done, false);
                    let recorded = failover.record(stop, &Outcome::Done, &done, now());
                    self.settle(&recorded, now());
                    return Walked::Answered { stop, good };
                }
                Err(fault) => self.learn(failover, stop, fault),
            }
        }
    }

    async fn attempt(&mut self, stop: usize, waited: Duration) -> Result<Good, Fault> {
        self.attempts += 1;
        let (stop, attempts) = (&mut self.stops[stop], self.attempts);
        let mut headers = self.asked.inbound.headers_for(self.asked.asker, &stop.upstream.provider);
        // A body is JSON, also where the client did not say so.
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        if let Some(trail) = self.exchange.trail() {
            stop.tried = Some(trail.begin(&Try {
                provider: stop.upstream.name(),
                model: stop.model.as_deref(),
                via: stop.via.as_deref(),
                waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        self.exchange.hide(stop.upstream.secrets().chain(self.asked.inbound.secrets()));
        self.exchange.note(|row| {
            row.provider = Some(stop.upstream.name().to_owned());
            row.attempts = attempts;
            row.model_sent.clone_from(&stop.model);
            row.dialect_up = Some(dialect_name(stop.upstream.provider.dialect));
        });
        let body = &self.asked.body.bytes;
        let call = Call {
            kind: self.asked.kind,
            asker: self.asked.asker,
            path_and_query: &self.asked.target,
            headers,
            body: match &stop.model {
                Some(model) if stop.upstream.tongue.is_of(self.asked.asker) => {
                    splice_model(body, &self.asked.envelope.model, model)
                }
                _ => body.clone(),
            },
            model: stop.model.as_deref(),
            sent_model: stop.model.as_deref().unwrap_or(&self.asked.envelope.model_name),
            request_id: self.exchange.request_id(),
            lessons: &self.state.lessons,
            recalled: &|call| self.state.thoughts.of(self.asked.session.key, call),
            deadline: self.asked.deadline(),
        };
        attempt(&stop.upstream, call).await
    }

    /// Takes a fault into account: who is charged, and what may be tried next.
    fn learn(&mut self, failover: &mut Failover, stop: usize, fault: Fault) {
        let at = now();
        let error = self.exchange.masked(fault.what);
        let status = match &fault.outcome {
            Outcome::Refused(refusal) => Some(refusal.status),
            Outcome::Done | Outcome::Failed(_) | Outcome::ClientGone => None,
        };
        if let Some(answer) = &fault.answer {
            self.stops[stop].charged.announced(&answer.headers);
        }
        if is_overload(&fault.outcome) {
            self.defer_the_host_of(stop, failover);
        }
        self.stops[stop].unfit = fault.outcome == Outcome::Failed(qcc_policy::Failure::Unfit);
        let own = self.stops[stop].charged.target.fingerprint.is_some();
        let verdict = classify(&fault.outcome, own);
        let recorded = failover.record(stop, &fault.outcome, &verdict, at);
        self.stops[stop].charged.failed(matches!(recorded.verdict.blame, Blame::Provider | Blame::Load));
        let charged = &self.stops[stop].charged;
        self.last_fault = format!("{}: {error}", charged.name);
        if let Some(trail) = self.exchange.trail() {
            trail.failed(trail::Failed { blame: recorded.verdict.blame, status, reason: error.clone() });
        }
        self.state.log.emit(Event::AttemptFailed {
            request_id: self.exchange.request_id().to_owned(),
            provider: charged.name.to_string(),
            attempt: self.attempts,
            blame: recorded.verdict.blame.to_string(),
            error,
            took: at.saturating_duration_since(charged.started),
        });
        self.settle(&recorded, at);
        self.stops[stop].answer = fault.answer.map(|answer| self.told(stop, answer));
    }

    /// What of a refusal the client may hear: the bytes of its own dialect as they are, and of words that are ours no
    /// credential, which some providers repeat.
    fn told(&self, stop: usize, answer: Answer) -> Answer {
        if self.stops[stop].upstream.tongue.is_of(self.asked.asker) {
            return answer;
        }
        let body = self.exchange.masked(String::from_utf8_lossy(&answer.body).into_owned()).into();
        Answer { body, ..answer }
    }

    /// A provider said that it is overloaded: others on its host come last, for this request too.
    fn defer_the_host_of(&self, stop: usize, failover: &mut Failover) {
        let model = self.asked.conversation().model;
        self.stops[stop].charged.overloaded(model);
        let engine = self.state.engine();
        failover.defer(|candidate| {
            let target = &self.stops[candidate].charged.target;
            engine.is_presumed_loaded(target.provider, model, now())
        });
    }

    /// Puts charges into force and takes others back, as policy says.
    fn settle(&mut self, recorded: &Recorded, at: Instant) {
        self.pay(recorded.charges.iter().copied(), at);
        for refund in &recorded.refunds {
            let stop = &self.stops[refund.candidate];
            stop.charged.refund(refund);
            if let (Some(place), Some(trail)) = (stop.tried, self.exchange.trail()) {
                trail.refunded(place);
            }
        }
    }

    fn pay(&mut self, charges: impl IntoIterator<Item = Billed>, at: Instant) {
        for billed in charges {
            let stop = &mut self.stops[billed.candidate];
            stop.charged.charge(billed.charge, at);
            if let (Some(place), Some(trail)) = (stop.tried, self.exchange.trail()) {
                trail.charged(place, billed.charge);
            }
        }
    }
}
