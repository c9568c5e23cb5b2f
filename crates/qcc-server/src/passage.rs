//! Routes under `/v1/` that qcc has no opinion on: they go to the first admissible Anthropic provider as they are, and
//! its answer comes back as it is, whatever it says. Nothing is repeated and nobody is charged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use qcc_dialect::asker::Asker;
use qcc_policy::Standing;
use qcc_policy::engine::Target;
use tokio::time::{Instant, timeout_at};

use crate::body::Body;
use crate::events::RequestRow;
use crate::finish::{Charged, Exchange};
use crate::observe;
use crate::pipeline::take_body;
use crate::relay::Passage;
use crate::relay::clock::Clock;
use crate::relay::source::Source;
use crate::rescue::{Failed, Refused, label};
use crate::state::{Snapshot, State, now};
use crate::upstream::Upstream;
use crate::upstream::credential::{Consumed, Inbound};

/// Longest wait for an answer's head where the provider's own limit is switched off.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Passes a request through.
pub(crate) async fn pass(
    state: &Arc<State>,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    consumed: Consumed,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let (head, body) = request.into_parts();
    let body = take_body(state, snapshot, &head.headers, body).await?;
    let row = RequestRow {
        request_id: id.to_owned(),
        path: head.uri.path().to_owned(),
        bytes_in: body.bytes.len() as u64,
        ..RequestRow::default()
    };
    let mut exchange = Exchange::new(state, row, now());
    let inbound = Inbound::new(&head.headers, consumed);
    let Some(upstream) = first_admissible(state, snapshot, &inbound) else {
        return Ok(refuse(exchange, &observe::last_word(qcc_policy::Final::NothingToTry, 0, "", true)));
    };
    exchange.note(|row| {
        row.provider = Some(upstream.name().to_owned());
        row.attempts = 1;
    });
    let target = head.uri.path_and_query().map_or_else(|| head.uri.path(), http::uri::PathAndQuery::as_str);
    let url = upstream.tongue.passage_url(target);
    let headers = inbound.headers_for(Asker::Anthropic, &upstream.provider);
    let until = Instant::now() + upstream.provider.timeouts.response.unwrap_or(LONGEST);
    let sending = upstream.send(head.method, &url, headers, body.bytes);
    let reply = match timeout_at(until, sending).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            let what = format!("{}: {}", upstream.name(), observe::not_sent(&error).what);
            return Ok(refuse(exchange, &Failed::Unavailable(what)));
        }
        Err(_) => return Ok(refuse(exchange, &Failed::Unavailable(format!("{}: no answer in time", upstream.name())))),
    };
    let (answer, incoming) = reply.response.into_parts();
    let source = match Source::new(&answer.headers, incoming, reply.permit, Asker::Anthropic.watcher()) {
        Ok(source) => source,
        Err(encoding) => {
            return Ok(refuse(exchange, &Failed::Unavailable(format!("{}: answers in {encoding}", upstream.name()))));
        }
    };
    exchange.committed(answer.status.as_u16());
    let clock = Clock::new(&upstream.provider.timeouts);
    let passage = Passage::new(source, Bytes::new(), clock, exchange, uncounted(state, &upstream));
    let mut response = Response::new(Body::Passage(Box::new(passage)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = observe::headers_down(&answer.headers, &upstream.provider);
    label(&mut response, upstream.name(), 1);
    Ok(response)
}

/// In plan order of a request without a model; one that is out is better than none.
fn first_admissible(state: &State, snapshot: &Snapshot, inbound: &Inbound) -> Option<Arc<Upstream>> {
    let plan = snapshot.router.plan("");
    let planned = plan.candidates.iter().filter_map(|candidate| snapshot.upstream(candidate.provider));
    let speaks = |upstream: &&Arc<Upstream>| {
        upstream.tongue.is_of(Asker::Anthropic) && inbound.suits(Asker::Anthropic, &upstream.provider)
    };
    let able: Vec<_> = planned.filter(speaks).collect();
    let admissible = able.iter().find(|upstream| {
        let credential = inbound.fingerprint(&upstream.provider);
        let target = Target { provider: upstream.id, model: "".into(), fingerprint: credential };
        state.engine().standing(&target, 0, now()) == Standing::Admissible
    });
    admissible.or_else(|| able.first()).map(|upstream| Arc::clone(upstream))
}

/// Nobody pays for what happens here.
fn uncounted(state: &Arc<State>, upstream: &Upstream) -> Charged {
    let target = Target { provider: upstream.id, model: "".into(), fingerprint: None };
    Charged::new(state, upstream.name(), target, None, None, 0).uncounted()
}

fn refuse(mut exchange: Exchange, failed: &Failed) -> Response<Body> {
    let response = failed.response(Asker::Anthropic, exchange.request_id());
    exchange.note(|row| row.status = response.status().as_u16());
    exchange.end("failed", Some(failed.why().to_owned()));
    response
}
