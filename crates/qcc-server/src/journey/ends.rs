//! How a request's way ends: an answer goes down, a refusal is passed on, or nobody is left.

use http::Response;
use http::header::HeaderValue;
use qcc_dialect::asker::Asker;
use qcc_policy::Final;

use super::Journey;
use super::stop::Stop;
use crate::attempt::{Good, Lost};
use crate::body::Body;
use crate::counting::Sample;
use crate::ingress::recognise::Kind;
use crate::observe;
use crate::relay::clock::Clock;
use crate::relay::{Passage, Relay};
use crate::rescue::{X_ATTEMPTS, X_LOSS, label, tell};

impl Journey {
    /// The first byte goes down: from here there is no failover, and the request's body is let go.
    pub(super) fn commit(mut self, stop: usize, good: Good) -> Response<Body> {
        let Stop { upstream, mut charged, .. } = self.stops.swap_remove(stop);
        let clock = Clock::new(&upstream.provider.timeouts);
        charged.announced(&good.head().headers);
        // Only prompts of this dialect can be estimated.
        if self.asked.asker == Asker::Anthropic && self.asked.kind != Kind::CountTokens {
            self.exchange.sample = Sample::begin(&self.state, &charged.target, self.asked.body);
        }
        if let Some(Lost(lost)) = good.head().extensions.get() {
            self.exchange.note(|row| row.loss = Some(lost.clone()));
        }
        let (head, body) = match good {
            Good::Whole { head, body, told, thoughts, .. } => {
                self.exchange.committed(head.status.as_u16());
                self.exchange.used(told);
                self.exchange.thought(thoughts);
                charged.succeed(self.exchange.tokens());
                self.exchange.note(|row| row.bytes_out = body.len() as u64);
                self.exchange.end("done", None);
                (head, Body::whole(body))
            }
            Good::Stream { head, held, source } => {
                charged.first_event();
                if let Some(trail) = self.exchange.trail() {
                    trail.first_event();
                }
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
        if let Some(Lost(lost)) = head.extensions.get() {
            tell(&mut response, X_LOSS, lost);
        }
        response
    }

    /// Passes a provider's refusal on as it is.
    pub(super) fn answer(mut self, stop: usize) -> Response<Body> {
        let Some(answer) = self.stops[stop].answer.take() else { return self.give_up(Final::Unavailable) };
        let upstream = &self.stops[stop].upstream;
        // What was put into other words is ours, and no text of ours shows a credential.
        let body = match std::str::from_utf8(&answer.body) {
            Ok(text) if !upstream.tongue.is_of(self.asked.asker) => self.exchange.masked(text.to_owned()).into(),
            _ => answer.body,
        };
        self.exchange.committed(answer.status.as_u16());
        self.exchange.note(|row| row.bytes_out = body.len() as u64);
        self.exchange.end("answered", Some(self.last_fault));
        let mut response = Response::new(Body::whole(body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = observe::headers_down(&answer.headers, &upstream.provider);
        label(&mut response, upstream.name(), self.attempts);
        response
    }

    /// Nobody answered. A prompt that nobody has room for is told as such, for clients then shorten it.
    pub(super) fn give_up(mut self, end: Final) -> Response<Body> {
        let too_long = self.stops.iter().position(|stop| stop.unfit && stop.answer.is_some());
        if let (Final::Forbidden, Some(stop)) = (end, too_long) {
            return self.answer(stop);
        }
        let nobody_can = !self.stops.is_empty() && self.stops.iter().all(|stop| stop.unfit);
        let failed = match end {
            Final::Forbidden if nobody_can => observe::nobody_can(&self.last_fault),
            end => observe::last_word(end, self.attempts, &self.last_fault, self.barred, self.asked.asker),
        };
        let mut response = failed.response(self.asked.asker, self.exchange.request_id());
        response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(self.attempts));
        self.exchange.note(|row| row.status = response.status().as_u16());
        self.exchange.end("failed", Some(failed.why().to_owned()));
        response
    }
}
