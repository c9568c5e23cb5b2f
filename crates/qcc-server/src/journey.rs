//! A request for a model on its way through its plan: try, learn from a fault, try the next, until somebody answers or
//! nobody is left. What to do next is policy's to say ([`Failover`]); this does it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use qcc_dialect::scan::{Envelope, splice_model};
use qcc_dialect::tokens;
use qcc_policy::plan::Warning;
use qcc_policy::SessionKey;
use qcc_policy::engine::{Asking, Target};
use qcc_policy::{Blame, Candidate, Failover, Final, Outcome, Recorded, Standing, Step, classify};

use crate::attempt::{Answer, Call, Fault, Good, Until, attempt};
use crate::body::Body;
use crate::events::Event;
use crate::finish::{Charged, Exchange};
use crate::ingress::body::Buffered;
use crate::ingress::recognise::Kind;
use crate::ingress::session::Session;
use crate::observe;
use crate::relay::clock::Clock;
use crate::relay::{Passage, Relay};
use crate::rescue::{self, X_ATTEMPTS, label};
use crate::state::{Snapshot, State, now};
use crate::upstream::Upstream;
use crate::upstream::credential::Inbound;

/// What is asked, the same on every try.
pub(crate) struct Asked {
    pub(crate) inbound: Inbound,
    pub(crate) envelope: Envelope,
    /// The conversation that it belongs to.
    pub(crate) session: Session,
    pub(crate) kind: Kind,
    pub(crate) body: Buffered,
    /// Path with the client's query.
    pub(crate) target: String,
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
}

/// A candidate of the plan that can be asked, and what came of it.
struct Stop {
    upstream: Arc<Upstream>,
    /// The model that goes up, where it is not the one asked for.
    model: Option<String>,
    charged: Charged,
    /// Its last answer, in case that it has to be passed on.
    answer: Option<Answer>,
}

impl Journey {
    /// Works out where the request may go.
    pub(crate) fn new(state: Arc<State>, snapshot: &Snapshot, mut exchange: Exchange, asked: Asked) -> Self {
        exchange.note(|row| {
            row.session = Some(asked.session.key);
            row.long_cache = asked.session.long_cache;
        });
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
        let stops: Vec<_> =
            plan.candidates.iter().filter_map(|candidate| Stop::new(&state, snapshot, candidate, &asked)).collect();
        let unfit = stops.len() < planned;
        Self { state, exchange, asked, stops, unfit, last_fault: String::new(), attempts: 0 }
    }

    /// Tries until somebody answers or nobody is left.
    pub(crate) async fn travel(mut self, limits: qcc_policy::Limits) -> Response<Body> {
        let providers: Vec<_> = self.stops.iter().map(|stop| stop.upstream.id).collect();
        let mut failover = Failover::new(&providers, limits);
        self.state.budget().request(now());
        loop {
            let step = failover.next(
                &mut |stop| self.standing(stop),
                &mut || self.state.budget().try_repeat(now()),
                self.asked.deadline.at.into_std(),
                self.state.draw(),
                now(),
            );
            match step {
                Step::Try { candidate, wait } => {
                    if !wait.is_zero() {
                        tokio::time::sleep(wait).await;
                    }
                    match self.attempt(candidate).await {
                        Ok(good) => {
                            let done = classify(&Outcome::Done, false);
                            let recorded = failover.record(candidate, &Outcome::Done, &done, now());
                            self.settle(&recorded, now());
                            return self.commit(candidate, good);
                        }
                        Err(fault) => self.learn(&mut failover, candidate, fault),
                    }
                }
                Step::Answer { .. } | Step::GiveUp(_) if self.asked.kind == Kind::CountTokens => {
                    return self.estimate().await;
                }
                Step::Answer { candidate } => return self.answer(candidate),
                Step::GiveUp(end) => return self.give_up(end),
            }
        }
    }

    fn standing(&self, stop: usize) -> Standing {
        self.stops[stop].charged.standing()
    }

    async fn attempt(&mut self, stop: usize) -> Result<Good, Fault> {
        self.attempts += 1;
        let (stop, attempts) = (&mut self.stops[stop], self.attempts);
        let mut headers = self.asked.inbound.headers_for(&stop.upstream.provider);
        // A body is JSON, also where the client did not say so.
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        stop.charged.begin();
        self.exchange.hide(stop.upstream.secrets().chain(self.asked.inbound.secrets()));
        self.exchange.note(|row| {
            row.provider = Some(stop.upstream.name().to_owned());
            row.attempts = attempts;
            row.model_sent.clone_from(&stop.model);
        });
        let body = &self.asked.body.bytes;
        let call = Call {
            kind: self.asked.kind,
            path_and_query: &self.asked.target,
            headers,
            body: match &stop.model {
                Some(model) => splice_model(body, &self.asked.envelope.model, model),
                None => body.clone(),
            },
            deadline: self.asked.deadline,
        };
        attempt(&stop.upstream, call).await
    }

    /// Takes a fault into account: who is charged, and what may be tried next.
    fn learn(&mut self, failover: &mut Failover, stop: usize, fault: Fault) {
        let at = now();
        let error = self.exchange.masked(fault.what);
        let own = self.stops[stop].charged.target.fingerprint.is_some();
        let verdict = classify(&fault.outcome, own);
        let recorded = failover.record(stop, &fault.outcome, &verdict, at);
        self.stops[stop].charged.failed(matches!(recorded.verdict.blame, Blame::Provider | Blame::Load));
        let charged = &self.stops[stop].charged;
        self.last_fault = format!("{}: {error}", charged.name);
        self.state.log.emit(Event::AttemptFailed {
            request_id: self.exchange.request_id().to_owned(),
            provider: charged.name.to_string(),
            attempt: self.attempts,
            blame: recorded.verdict.blame.to_string(),
            error,
            took: at.saturating_duration_since(charged.started),
        });
        self.settle(&recorded, at);
        self.stops[stop].answer = fault.answer;
    }

    /// Puts charges into force and takes others back, as policy says.
    fn settle(&mut self, recorded: &Recorded, at: Instant) {
        for billed in &recorded.charges {
            self.stops[billed.candidate].charged.charge(billed.charge, at);
        }
        for refund in &recorded.refunds {
            self.stops[refund.candidate].charged.refund(refund);
        }
    }

    /// The first byte goes down: from here there is no failover, and the request's body is let go.
    fn commit(mut self, stop: usize, good: Good) -> Response<Body> {
        let Stop { upstream, mut charged, .. } = self.stops.swap_remove(stop);
        let clock = Clock::new(&upstream.provider.timeouts);
        let (head, body) = match good {
            Good::Whole { head, body, message } => {
                self.exchange.committed(head.status.as_u16());
                self.exchange.used(message.usage, message.id.as_deref());
                charged.succeed(self.exchange.tokens());
                self.exchange.note(|row| row.bytes_out = body.len() as u64);
                self.exchange.end("done", None);
                (head, Body::whole(body))
            }
            Good::Stream { head, held, source } => {
                charged.first_event();
                self.exchange.committed(head.status.as_u16());
                let relay = Relay::new(*source, held, clock, self.exchange, charged);
                (head, Body::Relay(Box::new(relay)))
            }
            Good::Large { head, held, source } => {
                self.exchange.committed(head.status.as_u16());
                let passage = Passage::new(*source, held, clock, self.exchange, charged);
                (head, Body::Passage(Box::new(passage)))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = observe::headers_down(&head.headers, &upstream.provider);
        label(&mut response, upstream.name(), self.attempts);
        response
    }

    /// Passes a provider's refusal on as it is.
    fn answer(mut self, stop: usize) -> Response<Body> {
        let Some(answer) = self.stops[stop].answer.take() else { return self.give_up(Final::Unavailable) };
        let upstream = &self.stops[stop].upstream;
        self.exchange.committed(answer.status.as_u16());
        self.exchange.note(|row| row.bytes_out = answer.body.len() as u64);
        self.exchange.end("answered", Some(self.last_fault));
        let mut response = Response::new(Body::whole(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = observe::headers_down(&answer.headers, &upstream.provider);
        label(&mut response, upstream.name(), self.attempts);
        response
    }

    /// Nobody answered.
    fn give_up(mut self, end: Final) -> Response<Body> {
        let failed = observe::last_word(end, self.attempts, &self.last_fault, self.unfit);
        let mut response = failed.response(self.exchange.request_id());
        response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(self.attempts));
        self.exchange.note(|row| row.status = response.status().as_u16());
        self.exchange.end("failed", Some(failed.why().to_owned()));
        response
    }

    /// `count_tokens` always answers, also where a client's own credential was refused: Claude Code would otherwise ask
    /// the same of `/v1/messages`, for money.
    async fn estimate(mut self) -> Response<Body> {
        let body = self.asked.body.bytes.clone();
        let length = body.len() as u64;
        // A large body takes so long that other requests would have to wait for the thread. The rough figure stands for
        // a runtime that is shutting down.
        let counted = tokio::task::spawn_blocking(move || tokens::estimate(&body)).await;
        let tokens = counted.unwrap_or(length / 4);
        let body = format!("{{\"input_tokens\":{tokens}}}");
        let mut response = rescue::json(StatusCode::OK, body, self.exchange.request_id());
        response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(self.attempts));
        self.exchange.committed(200);
        self.exchange.end("answered", Some(format!("estimated by the gateway; {}", self.last_fault)));
        response
    }
}

impl Stop {
    /// `None` when the provider cannot be asked this: it needs the client's credential and there is none.
    fn new(state: &Arc<State>, snapshot: &Snapshot, candidate: &Candidate, asked: &Asked) -> Option<Self> {
        let upstream = Arc::clone(snapshot.upstream(candidate.provider)?);
        if !asked.inbound.suits(&upstream.provider) {
            return None;
        }
        let model = upstream.model_for(&asked.envelope.model_name, candidate.model.as_deref());
        let target = Target {
            provider: upstream.id,
            model: model.as_deref().unwrap_or(&asked.envelope.model_name).into(),
            fingerprint: asked.inbound.fingerprint(&upstream.provider),
        };
        let session = (asked.conversation(), asked.session.long_cache);
        // Four bytes a token: what a limit needs is the size, and the answer's own count corrects it.
        let tokens = asked.body.bytes.len() as u64 / 4;
        let charged = Charged::new(state, upstream.name(), target, candidate.profile, Some(session), tokens);
        let charged = if asked.kind == Kind::CountTokens { charged.uncounted() } else { charged };
        Some(Self { upstream, model, charged, answer: None })
    }
}
