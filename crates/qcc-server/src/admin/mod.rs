//! What qcc says about itself over HTTP. All of it is read from the state that serves requests; nothing is kept twice.

pub(crate) mod api;

mod happened;

mod health;

pub(crate) mod models;

mod profiles;

mod providers;

use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use providers::Report;
use serde_json::{Value, json};

use crate::VERSION;
use crate::body::Body;
use crate::rescue::{Refused, json as answer};
use crate::state::{Snapshot, State};
use crate::tasks;

/// Answers `GET` and `HEAD`. hyper leaves the body of a `HEAD` answer out by itself.
pub(crate) fn only_read(
    request: &Request<Incoming>,
    respond: impl FnOnce() -> Response<Body>,
) -> Result<Response<Body>, Refused> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(respond()),
        _ => Err(Refused::Method {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            allow: "GET, HEAD",
        }),
    }
}

/// `/live`: the process runs.
pub(crate) fn live(id: &str) -> Response<Body> {
    page(StatusCode::OK, &json!({"status": "live"}), id)
}

/// `/`: Claude Code asks it with `HEAD` before its first request.
pub(crate) fn root(snapshot: &Snapshot, id: &str) -> Response<Body> {
    let providers: Vec<&str> = snapshot.upstreams.iter().map(|upstream| upstream.name()).collect();
    page(StatusCode::OK, &json!({"name": "qcc", "version": VERSION, "status": "ok", "providers": providers}), id)
}

/// `/ready`: 200 when requests can be served.
pub(crate) fn ready(state: &State, snapshot: &Snapshot, id: &str) -> Response<Body> {
    let (status, word) = if state.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if snapshot.upstreams.is_empty() {
        (StatusCode::SERVICE_UNAVAILABLE, "no provider that can be asked")
    } else {
        (StatusCode::OK, "ready")
    };
    page(status, &json!({"status": word}), id)
}

/// `/health`: every provider and whether it may be asked now.
pub(crate) fn health(state: &State, snapshot: &Snapshot, id: &str) -> Response<Body> {
    let providers = Report::new(state, snapshot).all();
    let admissible = providers.iter().filter(|provider| provider["state"] == "closed").count();
    let status = if admissible > 0 { "ok" } else { "degraded" };
    let body = json!({
        "status": status,
        "version": VERSION,
        "uptime_seconds": state.uptime().as_secs(),
        "admissible": admissible,
        "providers": providers,
    });
    page(StatusCode::OK, &body, id)
}

/// `GET /providers`
pub(crate) fn providers(state: &State, snapshot: &Snapshot, id: &str) -> Response<Body> {
    page(StatusCode::OK, &json!({"providers": Report::new(state, snapshot).all()}), id)
}

/// `POST /providers/reload`
pub(crate) fn reload(state: &State, id: &str) -> Response<Body> {
    match tasks::reload::reload(state, "request") {
        Ok(done) => {
            let notices: Vec<_> = done.notices.iter().map(|notice| &notice.message).collect();
            let changes = json!({
                "added": done.changes.added,
                "removed": done.changes.removed,
                "changed": done.changes.changed,
                "sections": done.changes.sections,
                "needs_restart": done.changes.needs_restart,
            });
            let body =
                json!({"status": "reloaded", "providers": done.providers, "changes": changes, "notices": notices});
            page(StatusCode::OK, &body, id)
        }
        Err(error) => {
            let message = format!("the configuration was not changed\n{error}");
            let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}, "request_id": id});
            page(StatusCode::UNPROCESSABLE_ENTITY, &body, id)
        }
    }
}

fn page(status: StatusCode, body: &Value, id: &str) -> Response<Body> {
    let mut response = answer(status, format!("{body}\n"), id);
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
