//! Routes under `/v1/` that qcc has no opinion on: they go to the first admissible Anthropic provider as they are, and
//! its answer comes back as it is, whatever it says. Nothing is repeated and nobody is charged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use qcc_dialect::asker::Asker;
use qcc_policy::engine::Target;
use qcc_policy::{Final, Standing};
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
use crate::upstream::credential::{Barred, Consumed, Inbound};

/// Longest wait for an answer's head where the provider's own limit is switched off.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Passes a request through. `asker`: whose client it is, as far as headers tell; a credential of another vendor's client
/// is none of Anthropic's business.
pub(crate) async fn pass(
    state: &Arc<State>,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    asker: Asker,
    consumed: Consumed,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let (head, body) = request.into_parts();
    let body = take_body(state, snapshot, &head.headers, body).await?;
    let row = RequestRow {
        request_id: id.to_owned(),
        asker,
        path: head.uri.path().to_owned(),
        bytes_in: body.bytes.len() as u64,
        ..RequestRow::default()
    };
    let mut exchange = Exchange::new(state, row, now());
    let inbound = Inbound::new(&head.headers, consumed);
    let upstream = match first_admissible(state, snapshot, &inbound, asker) {
        Ok(upstream) => upstream,
        Err(barred) => return Ok(refuse(exchange, asker, &nobody(barred, asker))),
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
            return Ok(refuse(exchange, asker, &Failed::Unavailable(what)));
        }
        Err(_) => {
            return Ok(refuse(
                exchange,
                asker,
                &Failed::Unavailable(format!("{}: no answer in time", upstream.name())),
            ));
        }
    };
    let (answer, incoming) = reply.response.into_parts();
    let source = match Source::new(&answer.headers, incoming, reply.permit, Asker::Anthropic.watcher()) {
        Ok(source) => source,
        Err(encoding) => {
            return Ok(refuse(
                exchange,
                asker,
                &Failed::Unavailable(format!("{}: answers in {encoding}", upstream.name())),
            ));
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

/// In plan order of a request without a model; one that is out is better than none. `Err`: what keeps all of them away, if
/// there are any.
fn first_admissible(
    state: &State,
    snapshot: &Snapshot,
    inbound: &Inbound,
    asker: Asker,
) -> Result<Arc<Upstream>, Option<Barred>> {
    let plan = snapshot.router.plan("");
    let planned = plan.candidates.iter().filter_map(|candidate| snapshot.upstream(candidate.provider));
    let (mut able, mut barred) = (Vec::new(), None);
    for upstream in planned.filter(|upstream| upstream.tongue.is_of(Asker::Anthropic)) {
        match inbound.barred(asker, &upstream.provider) {
            None => able.push(upstream),
            why => barred = barred.max(why),
        }
    }
    let admissible = able.iter().find(|upstream| {
        let credential = inbound.fingerprint(&upstream.provider);
        let target = Target { provider: upstream.id, model: "".into(), fingerprint: credential };
        state.engine().standing(&target, 0, now()) == Standing::Admissible
    });
    admissible.or_else(|| able.first()).map(|upstream| Arc::clone(upstream)).ok_or(barred)
}

/// The final word when there is nobody to pass it to.
fn nobody(barred: Option<Barred>, asker: Asker) -> Failed {
    match barred {
        Some(_) => observe::last_word(Final::NothingToTry, 0, "", barred, asker),
        None => Failed::Forbidden(
            "This route is passed on to providers of type anthropic alone, and none takes part. hint: models are asked at \
             POST /v1/messages, POST /v1/chat/completions or POST /v1/responses"
                .to_owned(),
        ),
    }
}

/// Nobody pays for what happens here.
fn uncounted(state: &Arc<State>, upstream: &Upstream) -> Charged {
    let target = Target { provider: upstream.id, model: "".into(), fingerprint: None };
    Charged::new(state, upstream.name(), target, None, None, 0).uncounted()
}

fn refuse(mut exchange: Exchange, asker: Asker, failed: &Failed) -> Response<Body> {
    let response = failed.response(asker, exchange.request_id());
    exchange.note(|row| row.status = response.status().as_u16());
    exchange.end("failed", Some(failed.why().to_owned()));
    response
}
