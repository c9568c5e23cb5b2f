//! The way of a request: refuse what may not come in, recognise it, plan, try until somebody answers, commit.

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use qcc_dialect::asker::Asker;

use crate::admin;
use crate::attempt::Until;
use crate::body::Body;
use crate::events::{Event, RequestRow};
use crate::finish::Exchange;
use crate::ingress::access;
use crate::ingress::body::{self, Buffered};
use crate::ingress::recognise::{Kind, check_type, recognise, time_allowed};
use crate::ingress::session::Session;
use crate::journey::{Asked, Journey};
use crate::passage;
use crate::rescue::{self, Refused};
use crate::state::{Snapshot, State, now};
use crate::upstream::credential::{Consumed, Inbound};

/// Serves one request. Dropped when the client goes, which ends whatever it was doing.
pub(crate) async fn handle(state: Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let request_id = format!("qcc_{:016x}", state.draw());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let asker = asker_of(&path, request.headers());
    let mut response = match route(&state, request, &request_id).await {
        Ok(response) => response,
        Err(refused) => {
            let (method, status, error) = (method.to_string(), refused.status().as_u16(), refused.to_string());
            state.log.emit(Event::RequestRefused { request_id: request_id.clone(), method, path, status, error });
            refused.response(asker, &request_id)
        }
    };
    rescue::name(&mut response, &request_id);
    response
}

async fn route(state: &Arc<State>, request: Request<Incoming>, id: &str) -> Result<Response<Body>, Refused> {
    let snapshot = state.snapshot();
    let proxy = &snapshot.config.settings.proxy;
    access::check(request.headers(), request.uri().host(), proxy)?;
    let path = request.uri().path().to_owned();
    if path == "/live" {
        return admin::only_read(&request, || admin::live(id));
    }
    let consumed = access::authenticate(request.headers(), &proxy.client_keys)?;
    match path.as_str() {
        "/v1/messages" | "/v1/messages/count_tokens" | "/v1/chat/completions" | "/v1/responses" => {
            only(&request, &Method::POST, "POST")?;
            messages(state, snapshot, request, consumed, id).await
        }
        "/" => admin::only_read(&request, || admin::root(&snapshot, id)),
        "/ready" => admin::only_read(&request, || admin::ready(state, &snapshot, id)),
        "/health" => admin::only_read(&request, || admin::health(state, &snapshot, id)),
        "/providers" => admin::only_read(&request, || admin::providers(state, &snapshot, id)),
        "/providers/reload" => {
            only(&request, &Method::POST, "POST")?;
            Ok(admin::reload(state, id))
        }
        _ if path.starts_with("/api/") => {
            let asker = access::client_key(request.headers(), consumed);
            admin::api::answer(state, &snapshot, request, asker, id).await
        }
        "/v1/models" => {
            read(&request, "GET, HEAD")?;
            let asker = asker_of(&path, request.headers());
            let inbound = Inbound::new(request.headers(), consumed);
            Ok(admin::models::list(state, &snapshot, asker, &inbound, id).await)
        }
        _ => match path.strip_prefix("/v1/models/").filter(|_| is_read(&request)) {
            Some(model) => {
                let asker = asker_of(&path, request.headers());
                let inbound = Inbound::new(request.headers(), consumed);
                Ok(admin::models::one(state, &snapshot, asker, &inbound, model, id).await)
            }
            None if path.starts_with("/v1/") && !is_other_dialect(&path) => {
                let asker = asker_of(&path, request.headers());
                passage::pass(state, &snapshot, request, asker, consumed, id).await
            }
            None => Err(Refused::Route { method: request.method().to_string(), path }),
        },
    }
}

/// Routes of dialects that are not served, and those under the routes of other dialects than Anthropic's, which an
/// Anthropic provider would not know.
fn is_other_dialect(path: &str) -> bool {
    ["/v1/chat/", "/v1/responses"].iter().any(|start| path.starts_with(start))
}

/// The dialect of the client, by the path. The list of models, and routes that are passed on, have one path in all of them:
/// there Anthropic's clients are known by the version that its API asks of every request, and others by their token. A
/// credential in `x-api-key` tells nothing, for it may be the key to our own door.
fn asker_of(path: &str, headers: &http::HeaderMap) -> Asker {
    let under = |route: &str| path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if under("/v1/chat") {
        return Asker::OpenAi;
    }
    if under("/v1/responses") {
        return Asker::Responses;
    }
    let anthropic = ["anthropic-version", "anthropic-beta"].iter().any(|name| headers.contains_key(*name));
    let is_open = under("/v1") && !under("/v1/messages") && !anthropic;
    if is_open && headers.contains_key(http::header::AUTHORIZATION) { Asker::OpenAi } else { Asker::Anthropic }
}

/// Whether it only asks, so that it can be answered twice.
fn is_read(request: &Request<Incoming>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Refuses everything but `GET` and `HEAD`.
pub(crate) fn read(request: &Request<Incoming>, allow: &'static str) -> Result<(), Refused> {
    if is_read(request) { Ok(()) } else { only(request, &Method::GET, allow) }
}

/// Refuses every other method than this one.
pub(crate) fn only(request: &Request<Incoming>, method: &Method, allow: &'static str) -> Result<(), Refused> {
    if request.method() == method {
        return Ok(());
    }
    Err(Refused::Method { method: request.method().to_string(), path: request.uri().path().to_owned(), allow })
}

async fn messages(
    state: &Arc<State>,
    snapshot: Arc<Snapshot>,
    request: Request<Incoming>,
    consumed: Consumed,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let started = now();
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let body = take_body(state, &snapshot, &head.headers, body).await?;
    let path = head.uri.path();
    let (envelope, kind) = recognise(&body.bytes, path.ends_with("/count_tokens"))?;
    let row = RequestRow {
        request_id: id.to_owned(),
        client_key: access::client_key(&head.headers, consumed),
        asker: Asker::of_path(path),
        path: path.to_owned(),
        model: envelope.model_name.clone(),
        stream: kind == Kind::Stream,
        bytes_in: body.bytes.len() as u64,
        ..RequestRow::default()
    };
    let (time, phase) = time_allowed(&head.headers, snapshot.config.settings.timeouts.total);
    let deadline = Until { at: (started + time).into(), phase };
    let target = head.uri.path_and_query().map_or_else(|| path.to_owned(), ToString::to_string);
    let session = Session::of(&head.headers, consumed, &envelope.clues, &body.bytes);
    let inbound = Inbound::new(&head.headers, consumed);
    let asked =
        Asked { asker: Asker::of_path(path), inbound, envelope, session, kind, body, target, began: started, deadline };
    let journey = Journey::new(Arc::clone(state), &snapshot, Exchange::new(state, row, started), asked);
    let limits = snapshot.limits;
    drop(snapshot);
    Ok(journey.travel(limits).await)
}

/// The request's body, in memory.
pub(crate) async fn take_body(
    state: &State,
    snapshot: &Snapshot,
    headers: &http::HeaderMap,
    body: Incoming,
) -> Result<Buffered, Refused> {
    if state.is_draining() {
        return Err(Refused::Draining);
    }
    let proxy = &snapshot.config.settings.proxy;
    body::read(headers, body, &state.buffers, proxy.max_body, proxy.max_buffered).await
}
