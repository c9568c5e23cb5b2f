//! `GET /v1/models`: what the providers serve, in the asker's dialect. Asked of all of them at once when somebody wants
//! to know, for at most 3 s (Claude Code's own limit), kept for a while, and never an error: a provider that does not
//! answer is left out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;
use qcc_config::Auth;
use qcc_dialect::asker::Asker;
use qcc_dialect::gemini;
use qcc_dialect::translate::Dialect;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::body::Body;
use crate::rescue::json as answer;
use crate::state::{Snapshot, State};
use crate::upstream::Upstream;
use crate::upstream::credential::Inbound;

/// Longest wait for the providers.
const LIMIT: Duration = Duration::from_secs(3);

/// How long a list is good.
const FRESH: Duration = Duration::from_secs(300);

/// Largest list that is read, bytes.
const MAX_LIST: usize = 4 * 1024 * 1024;

/// How many entries are asked for where a list has pages: the API's maximum.
const MOST: &str = "?limit=1000";

/// The last list, for providers that have a credential of their own.
#[derive(Default)]
pub(crate) struct ModelCache {
    kept: Mutex<Option<(Instant, Arc<Vec<Value>>)>>,
}

impl ModelCache {
    pub(crate) fn clear(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<Arc<Vec<Value>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(since, _)| since.elapsed() < FRESH).map(|(_, list)| Arc::clone(list))
    }

    fn put(&self, list: &Arc<Vec<Value>>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(list)));
    }
}

/// `GET /v1/models`
pub(crate) async fn list(
    state: &State,
    snapshot: &Snapshot,
    asker: Asker,
    inbound: &Inbound,
    id: &str,
) -> Response<Body> {
    let models = models(state, snapshot, asker, inbound).await;
    if asker != Asker::Anthropic {
        let data: Vec<Value> = models.iter().map(in_openai_form).collect();
        return answer(StatusCode::OK, json!({"object": "list", "data": data}).to_string(), id);
    }
    let end = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
    let body = json!({
        "data": models.as_slice(),
        "has_more": false,
        "first_id": end(models.first()),
        "last_id": end(models.last()),
    });
    answer(StatusCode::OK, body.to_string(), id)
}

/// `GET /v1/models/{id}`. Vendors have names with slashes in them, which some clients send percent-encoded.
pub(crate) async fn one(
    state: &State,
    snapshot: &Snapshot,
    asker: Asker,
    inbound: &Inbound,
    model: &str,
    id: &str,
) -> Response<Body> {
    let model = &*percent_decode_str(model).decode_utf8_lossy();
    let models = models(state, snapshot, asker, inbound).await;
    let found = models.iter().find(|known| known["id"] == model).cloned();
    // A model that nobody lists may still be served, by a mapping for instance: saying so beats an error.
    let found = found.unwrap_or_else(|| entry(model));
    let body = if asker == Asker::Anthropic { found } else { in_openai_form(&found) };
    answer(StatusCode::OK, body.to_string(), id)
}

async fn models(state: &State, snapshot: &Snapshot, asker: Asker, inbound: &Inbound) -> Arc<Vec<Value>> {
    if let Some(list) = state.models.get() {
        return list;
    }
    let mut asking = tokio::task::JoinSet::new();
    for (place, upstream) in snapshot.upstreams.iter().enumerate() {
        if inbound.barred(asker, &upstream.provider).is_some() {
            continue;
        }
        let headers = inbound.headers_for(asker, &upstream.provider);
        let upstream = Arc::clone(upstream);
        asking.spawn(async move { (place, timeout(LIMIT, ask(&upstream, headers)).await.ok().flatten()) });
    }
    // In the order of the file, whoever answers first: of a model that two of them list, the first one's entry counts.
    let mut answers = asking.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    let mut listed: Vec<Value> = answers.into_iter().flat_map(|(_, models)| models.unwrap_or_default()).collect();
    let answered = !listed.is_empty();
    listed.extend(snapshot.config.routes.iter().filter(|route| is_name(&route.glob)).map(|route| entry(&route.glob)));
    let mut seen = HashSet::new();
    listed.retain(|model| model["id"].as_str().is_some_and(|id| seen.insert(id.to_owned())));
    let list = Arc::new(listed);
    // What a client's own credential may see is that client's business, and a list without it is not everybody's.
    let is_private = |upstream: &Arc<Upstream>| upstream.provider.auth == Auth::Passthrough;
    if answered && !snapshot.upstreams.iter().any(is_private) {
        state.models.put(&list);
    }
    list
}

/// What one provider lists; `None`: nothing that can be read.
pub(crate) async fn ask(upstream: &Upstream, headers: http::HeaderMap) -> Option<Vec<Value>> {
    let reply = upstream.send(Method::GET, &upstream.tongue.models_url(MOST), headers, Bytes::new()).await.ok()?;
    if reply.response.status() != StatusCode::OK {
        return None;
    }
    let body = Limited::new(reply.response.into_body(), MAX_LIST).collect().await.ok()?.to_bytes();
    if upstream.tongue.dialect() == Dialect::Gemini {
        return Some(gemini::model_names(&body).ok()?.iter().map(|name| entry(name)).collect());
    }
    let mut list: Value = serde_json::from_slice(&body).ok()?;
    match list["data"].take() {
        // Other dialects' entries have little more than the name.
        Value::Array(models) if !upstream.tongue.is_of(Asker::Anthropic) => {
            Some(models.iter().filter_map(|model| model["id"].as_str().map(entry)).collect())
        }
        Value::Array(models) => Some(models),
        _ => None,
    }
}

/// An entry as OpenAI's clients read it. When a model was made is told in seconds there.
fn in_openai_form(model: &Value) -> Value {
    let created = model["created_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let created = created.map_or(0, |at| at.as_second());
    json!({"id": model["id"], "object": "model", "created": created, "owned_by": "qcc"})
}

fn is_name(glob: &str) -> bool {
    !glob.contains(['*', '?', '['])
}

/// An entry in Anthropic's form for a model of which only the name is known.
fn entry(id: &str) -> Value {
    json!({"type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z"})
}
