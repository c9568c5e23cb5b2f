//! What happened, from the database: one request with everything that was tried for it, and the traffic of some hours.

use std::sync::Arc;

use http::{Response, StatusCode};
use qcc_dialect::asker::Asker;
use qcc_store::{Found, RequestRecord};
use serde_json::json;

use super::api::waiting;
use super::page;
use crate::body::Body;
use crate::ingress::access::shorten;
use crate::rescue::{Failed, Refused};
use crate::state::{Snapshot, State};
use crate::trail::key_name;

/// Hours that are told when nobody says how many.
const HOURS: u32 = 24;

/// Most hours that are told: 30 days, as long as rows are usually kept.
const MOST_HOURS: u32 = 720;

/// `GET /api/requests/{id}`. With client keys, a key sees its own requests alone, by their whole id.
pub(super) async fn request(
    state: &Arc<State>,
    wanted: String,
    asker: Option<u64>,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let name = wanted.clone();
    let asker = asker.map(key_name);
    let may_see = |record: &RequestRecord| {
        let row = &record.request;
        asker.is_none() || (row.client_key == asker && row.request_id == name)
    };
    match waiting(state, move |state| state.history.request(&wanted)).await? {
        Ok(Found::One(record)) if may_see(&record) => Ok(page(StatusCode::OK, &json!(record), id)),
        Ok(Found::Many(ids)) if asker.is_none() => Ok(page(StatusCode::CONFLICT, &several(&name, &ids), id)),
        Ok(Found::One(_) | Found::Many(_) | Found::None) => Err(Refused::Unknown {
            what: "request",
            name: shorten(&name),
            known: "rows are kept for storage.retention, and only of requests for a model".to_owned(),
        }),
        Err(why) => Ok(Failed::Unavailable(why).response(Asker::default(), id)),
    }
}

fn several(name: &str, ids: &[String]) -> serde_json::Value {
    let message = format!("several requests begin with `{}`: {}", shorten(name), ids.join(", "));
    let error = json!({"type": "invalid_request_error", "message": message});
    json!({"type": "error", "error": error, "matches": ids})
}

/// `GET /api/stats`
pub(super) async fn stats(state: &Arc<State>, hours: u32, id: &str) -> Result<Response<Body>, Refused> {
    match waiting(state, move |state| state.history.stats(hours)).await? {
        Ok(Some(stats)) => Ok(page(StatusCode::OK, &json!(stats), id)),
        Ok(None) => Ok(none(id)),
        Err(why) => Ok(Failed::Unavailable(why).response(Asker::default(), id)),
    }
}

/// `GET /api/metrics/{provider}`
pub(super) async fn metrics(
    state: &Arc<State>,
    snapshot: &Snapshot,
    provider: String,
    hours: u32,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let name = provider.clone();
    let metrics = match waiting(state, move |state| state.history.metrics(&provider, hours)).await? {
        Ok(Some(metrics)) => metrics,
        Ok(None) => return Ok(none(id)),
        Err(why) => return Ok(Failed::Unavailable(why).response(Asker::default(), id)),
    };
    // One that was removed from the configuration is still told of, as long as there are rows.
    let providers = &snapshot.config.providers;
    if metrics.stats.is_none() && !providers.iter().any(|provider| provider.name == name) {
        let known: Vec<String> = providers.iter().map(|provider| provider.name.clone()).collect();
        return Err(Refused::unknown("provider", &name, &known));
    }
    Ok(page(StatusCode::OK, &json!(metrics), id))
}

fn none(id: &str) -> Response<Body> {
    Failed::Unavailable("this gateway has no database".to_owned()).response(Asker::default(), id)
}

/// The hours of a query.
pub(super) fn hours(query: Option<&str>) -> Result<u32, Refused> {
    let mut hours = HOURS;
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let number = part.strip_prefix("hours=").and_then(|text| text.parse().ok());
        hours = number.filter(|number| (1..=MOST_HOURS).contains(number)).ok_or_else(|| Refused::Query {
            given: shorten(part),
            possible: format!("hours=N with N from 1 to {MOST_HOURS}"),
        })?;
    }
    Ok(hours)
}
