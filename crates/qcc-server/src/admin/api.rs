//! `/api/...`: what the commands ask a running gateway. Which route it is, with which methods; bodies and queries are
//! small and checked before anything happens.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use qcc_dialect::asker::Asker;
use qcc_store::FailoverRow;
use serde_json::{Value, json};

use super::{happened, health, page, profiles, providers};
use crate::body::Body;
use crate::events::Event;
use crate::ingress::access::shorten;
use crate::ingress::body::{self, Buffered};
use crate::ingress::recognise::check_type;
use crate::log::timestamp;
use crate::outside;
use crate::pipeline::{only, read};
use crate::rescue::{Failed, Refused};
use crate::state::{Pin, Snapshot, State, now};

/// Largest body that a route here reads, bytes.
const MAX_BODY: u64 = 4 * 1024;

/// Changes that are told when nobody says how many.
const FAILOVERS: u32 = 50;

/// Most changes that are told at once.
const MOST_FAILOVERS: u32 = 1000;

/// Answers a request below `/api/`. `asker`: the client's key, where one is asked for.
pub(crate) async fn answer(
    state: &Arc<State>,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    asker: Option<u64>,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/api/pin" if request.method() == Method::POST => switch(state, snapshot, request, id).await,
        "/api/pin" => {
            read(&request, "GET, HEAD, POST")?;
            show_pin(state, id).await
        }
        "/api/profiles" => {
            read(&request, "GET, HEAD")?;
            Ok(page(StatusCode::OK, &profiles::listed(state, snapshot), id))
        }
        "/api/failovers" => {
            read(&request, "GET, HEAD")?;
            failovers(state, limit(request.uri().query())?, id).await
        }
        "/api/stats" => {
            read(&request, "GET, HEAD")?;
            happened::stats(state, happened::hours(request.uri().query())?, id).await
        }
        "/api/health" => {
            read(&request, "GET, HEAD")?;
            Ok(page(StatusCode::OK, &health::listed(state, snapshot), id))
        }
        "/api/health/check" => {
            only(&request, &Method::POST, "POST")?;
            health::check(state, snapshot, small_body(state, snapshot, request).await?, id).await
        }
        "/api/health/history" => {
            read(&request, "GET, HEAD")?;
            health::history(state, snapshot, request.uri().query(), id).await
        }
        _ => named(state, snapshot, &request, asker, id).await,
    }
}

/// Routes whose path ends with a name.
async fn named(
    state: &Arc<State>,
    snapshot: &Snapshot,
    request: &Request<Incoming>,
    asker: Option<u64>,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let path = request.uri().path();
    let text = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
    if let Some(name) = path.strip_prefix("/api/providers/").and_then(|rest| rest.strip_suffix("/reset")) {
        only(request, &Method::POST, "POST")?;
        return reset(state, snapshot, &text(name), id);
    }
    if let Some(name) = path.strip_prefix("/api/requests/").filter(|name| !name.is_empty()) {
        read(request, "GET, HEAD")?;
        return happened::request(state, text(name), asker, id).await;
    }
    if let Some(name) = path.strip_prefix("/api/metrics/").filter(|name| !name.is_empty()) {
        read(request, "GET, HEAD")?;
        let hours = happened::hours(request.uri().query())?;
        return happened::metrics(state, snapshot, text(name), hours, id).await;
    }
    Err(Refused::Route { method: request.method().to_string(), path: path.to_owned() })
}

/// `GET /api/pin`
async fn show_pin(state: &Arc<State>, id: &str) -> Result<Response<Body>, Refused> {
    let pin = waiting(state, |state| state.pin()).await?;
    Ok(page(StatusCode::OK, &pin_body(pin), id))
}

/// `POST /api/pin`
async fn switch(
    state: &Arc<State>,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let body = small_body(state, snapshot, request).await?;
    let wanted = wanted(&body.bytes)?;
    let name = wanted.clone();
    // It goes on when the client leaves: what is in force is also kept.
    match waiting(state, move |state| state.switch(wanted.as_deref())).await? {
        Ok(pin) => Ok(page(StatusCode::OK, &pin_body(pin), id)),
        Err(unknown) => Err(Refused::unknown("profile", &name.unwrap_or_default(), &unknown.known)),
    }
}

async fn small_body(state: &State, snapshot: &Snapshot, request: Request<Incoming>) -> Result<Buffered, Refused> {
    if state.is_draining() {
        return Err(Refused::Draining);
    }
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let most = snapshot.config.settings.proxy.max_buffered;
    body::read(&head.headers, body, &state.buffers, MAX_BODY, most).await
}

/// The profile to pin, `None` for none.
fn wanted(body: &[u8]) -> Result<Option<String>, Refused> {
    let mut body: Value = serde_json::from_slice(body).map_err(|error| Refused::Pin(format!("not JSON: {error}")))?;
    let Some(fields) = body.as_object_mut() else { return Err(Refused::Pin("not an object".to_owned())) };
    let wanted = match fields.remove("profile") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) => None,
        Some(_) => return Err(Refused::Pin("`profile` is neither a text nor null".to_owned())),
        None => return Err(Refused::Pin("no `profile`".to_owned())),
    };
    match fields.keys().next() {
        Some(other) => Err(Refused::Pin(format!("no such field: `{}`", shorten(other)))),
        None => Ok(wanted),
    }
}

fn pin_body(pin: Pin) -> Value {
    let mut body = json!({"pinned": pin.profile, "kept": pin.kept.is_ok()});
    if let Err(why) = pin.kept {
        body["note"] = format!("it holds until the gateway stops: {why}").into();
    }
    if let Some(name) = pin.ignored {
        body["note"] = format!("the pin on `{name}` is ignored: there is no such profile").into();
    }
    body
}

/// `POST /api/providers/{name}/reset`
fn reset(state: &State, snapshot: &Snapshot, name: &str, id: &str) -> Result<Response<Body>, Refused> {
    let Some(provider) = snapshot.config.providers.iter().find(|provider| provider.name == name) else {
        let known: Vec<String> = snapshot.config.providers.iter().map(|provider| provider.name.clone()).collect();
        return Err(Refused::unknown("provider", name, &known));
    };
    if let Some(upstream) = snapshot.upstream_named(name) {
        let cooldowns = {
            let mut engine = state.engine();
            let cooldowns = engine.reset(upstream.id, now());
            state.probing.look(&mut engine);
            cooldowns
        };
        state.keeping.hurry();
        state.back(upstream.id);
        state.log.emit(Event::ProviderReset { provider: name.to_owned(), cooldowns });
        state.reconsider();
    }
    Ok(page(StatusCode::OK, &providers::Report::new(state, snapshot).entry(provider), id))
}

/// `GET /api/failovers`
async fn failovers(state: &Arc<State>, limit: u32, id: &str) -> Result<Response<Body>, Refused> {
    match waiting(state, move |state| state.history.failovers(limit)).await? {
        Ok(rows) => {
            let rows: Vec<Value> = rows.iter().map(failover).collect();
            Ok(page(StatusCode::OK, &json!({"failovers": rows}), id))
        }
        Err(why) => Ok(Failed::Unavailable(why).response(Asker::default(), id)),
    }
}

fn failover(row: &FailoverRow) -> Value {
    let since = std::time::Duration::from_millis(u64::try_from(row.at_ms).unwrap_or_default());
    json!({
        "time": timestamp(std::time::UNIX_EPOCH + since),
        "time_ms": row.at_ms,
        "from": row.from,
        "to": row.to,
        "reason": row.reason,
        "who": row.who.name(),
    })
}

fn limit(query: Option<&str>) -> Result<u32, Refused> {
    let mut limit = FAILOVERS;
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let number = part.strip_prefix("limit=").and_then(|text| text.parse().ok());
        limit = number.filter(|number| (1..=MOST_FAILOVERS).contains(number)).ok_or_else(|| Refused::Query {
            given: shorten(part),
            possible: format!("limit=N with N from 1 to {MOST_FAILOVERS}"),
        })?;
    }
    Ok(limit)
}

/// Does what may wait for the disk where waiting hinders nobody.
pub(super) async fn waiting<T: Send + 'static>(
    state: &Arc<State>,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, Refused> {
    let state = Arc::clone(state);
    // It fails only when the gateway ends.
    outside::away(move || work(&state)).await.ok_or(Refused::Draining)
}
