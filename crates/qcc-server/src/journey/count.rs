//! `count_tokens` when no provider counts: whom the prompt is meant for, and what the client is told.

use http::header::HeaderValue;
use http::{Response, StatusCode};
use qcc_policy::engine::Target;
use qcc_policy::{Candidate, Standing};

use super::stop::target_of;
use super::{Asked, Journey};
use crate::body::Body;
use crate::rescue::{self, X_ATTEMPTS};
use crate::state::{Snapshot, State, now};

/// Who would answer this prompt: the first candidate that may be asked now, or else the first at all. Providers count
/// differently, and those of other dialects take no `count_tokens` themselves.
pub(super) fn meant_for(state: &State, snapshot: &Snapshot, candidates: &[Candidate], asked: &Asked) -> Option<Target> {
    let upstreams = candidates.iter().filter_map(|candidate| Some((candidate, snapshot.upstream(candidate.provider)?)));
    let suited = upstreams.filter(|(_, upstream)| asked.inbound.barred(asked.asker, &upstream.provider).is_none());
    let targets: Vec<_> = suited
        .map(|(candidate, upstream)| {
            let model = upstream.model_for(&asked.envelope.model_name, candidate.model.as_deref());
            target_of(upstream, model.as_deref(), asked)
        })
        .collect();
    let mut engine = state.engine();
    let first = targets.iter().position(|target| engine.standing(target, 0, now()) == Standing::Admissible);
    drop(engine);
    targets.into_iter().nth(first.unwrap_or(0))
}

impl Journey {
    /// `count_tokens` always answers, also where a client's own credential was refused: Claude Code would otherwise ask
    /// the same of `/v1/messages`, for money.
    pub(super) async fn estimate(mut self) -> Response<Body> {
        let body = self.asked.body.bytes.clone();
        let model = &self.asked.envelope.model_name;
        let tokens = self.state.counting.estimate(body, model, self.meant_for.as_ref()).await;
        let body = format!("{{\"input_tokens\":{tokens}}}");
        let mut response = rescue::json(StatusCode::OK, body, self.exchange.request_id());
        response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(self.attempts));
        self.exchange.committed(200);
        self.exchange.end("answered", Some(format!("estimated by the gateway; {}", self.last_fault)));
        response
    }
}
