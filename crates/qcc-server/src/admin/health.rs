//! How well every provider is, what its checks found, and a check right now: what `qcc health` asks for.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use qcc_config::Provider;
use qcc_dialect::asker::Asker;
use qcc_policy::breaker::Standing;
use qcc_policy::{HealthReport, ProbeKind, ProbeReport, ProviderId};
use qcc_store::HealthCheckRow;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::api::waiting;
use super::page;
use super::providers::Report;
use crate::body::Body;
use crate::check::{Checked, not_checked};
use crate::ingress::access::shorten;
use crate::ingress::body::Buffered;
use crate::log::timestamp;
use crate::rescue::{Failed, Refused};
use crate::state::{Snapshot, State, now};
use crate::tasks::probe::by_hand;

/// Checks that are told when nobody says how many.
const CHECKS: u32 = 20;

/// Most checks that are told at once.
const MOST_CHECKS: u32 = 1000;

/// What `POST /api/health/check` may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// `None`: everybody.
    provider: Option<String>,
    /// Whether to spend a little.
    conversation: bool,
}

/// The body of `GET /api/health`.
pub(super) fn listed(state: &State, snapshot: &Snapshot) -> Value {
    let report = Report::new(state, snapshot);
    let entries = snapshot.config.providers.iter().map(|provider| {
        let mut entry = report.entry(provider);
        entry["note"] = not_checked(provider).into();
        if let Some(upstream) = snapshot.upstream_named(&provider.name) {
            let known = Known::of(state, upstream.id);
            known.add_to(&mut entry);
        }
        entry
    });
    json!({"providers": entries.collect::<Vec<_>>()})
}

/// What is known of one provider at one moment.
struct Known {
    now: Instant,
    health: HealthReport,
    breaker: Standing,
    probes: Option<ProbeReport>,
    latest: [Option<Value>; 2],
    /// What the latest checks found wrong.
    fault: Option<String>,
}

impl Known {
    fn of(state: &State, id: ProviderId) -> Self {
        let now = now();
        let (health, breaker, probes) = {
            let mut engine = state.engine();
            (engine.health(id, now), engine.breaker(id, now), engine.probes(id, now))
        };
        let kinds = [ProbeKind::Free, ProbeKind::Conversation];
        let latest = kinds.map(|kind| state.probing.latest(id, kind));
        // The conversation proves more, as long as the free probe has not found worse since.
        let wrong = latest.iter().rev().flatten().filter(|(_, layer)| !layer.ok);
        let fault = wrong.map(|(_, layer)| layer.detail.clone()).next();
        let latest = latest.map(|found| {
            let (since, layer) = found?;
            let mut shown = json!(layer);
            shown["seconds_ago"] = now.saturating_duration_since(since).as_secs().into();
            Some(shown)
        });
        Self { now, health, breaker, probes, latest, fault }
    }

    fn add_to(self, entry: &mut Value) {
        let health = &self.health;
        entry["factor"] = json!((health.factor * 100.0).round() / 100.0);
        entry["success_rate"] = json!(health.success_rate);
        entry["average_response_ms"] = json!(health.average_response.map(whole_millis));
        entry["consecutive_failures"] = json!(health.consecutive_failures);
        entry["evidence"] = json!(health.checks);
        entry["last_seen_seconds"] = json!(health.last_check.map(|ago| ago.as_secs()));
        entry["breaker"] = self.breaker_word().into();
        if let Standing::Open { until } = self.breaker {
            entry["open_seconds"] = self.seconds_to(until).into();
        }
        let [free, conversation] = self.latest.clone();
        entry["last_check"] = json!({"free": free, "conversation": conversation});
        if let Some(probes) = self.probes {
            let next = probes.next.map(|(kind, at)| json!({"kind": kind.to_string(), "seconds": self.seconds_to(at)}));
            entry["checks_today"] = json!(probes.spent);
            entry["daily_limit"] = json!(probes.daily_limit);
            entry["next_check"] = json!(next);
        }
        if entry["note"].is_null() {
            entry["note"] = json!(self.fault);
        }
    }

    fn breaker_word(&self) -> &'static str {
        match self.breaker {
            Standing::Closed => "closed",
            Standing::Open { .. } => "open",
            Standing::HalfOpen { .. } => "half-open",
        }
    }

    fn seconds_to(&self, moment: Instant) -> u64 {
        moment.saturating_duration_since(self.now).as_secs_f64().ceil() as u64
    }
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `POST /api/health/check`
pub(super) async fn check(
    state: &Arc<State>,
    snapshot: &Snapshot,
    body: Buffered,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let wanted: Wanted = match body.bytes.trim_ascii() {
        [] => Wanted::default(),
        text => serde_json::from_slice(text).map_err(|error| Refused::Check(error.to_string()))?,
    };
    let all = &snapshot.config.providers;
    let chosen: Vec<&Provider> = match &wanted.provider {
        None => all.iter().collect(),
        Some(name) => vec![known(snapshot, name)?],
    };
    let mut running = JoinSet::new();
    let mut found: Vec<(usize, Checked)> = Vec::new();
    for (place, provider) in chosen.into_iter().enumerate() {
        match (not_checked(provider), snapshot.upstream_named(&provider.name)) {
            (None, Some(upstream)) => {
                // It goes on when the client leaves, so that what it took is given back.
                let check = tokio::spawn(by_hand(Arc::clone(state), Arc::clone(upstream), wanted.conversation));
                running.spawn(async move { (place, check.await) });
            }
            (skipped, _) => {
                let skipped = Some(skipped.unwrap_or_else(|| "not served".to_owned()));
                let (provider, layers) = (provider.name.clone(), Vec::new());
                found.push((place, Checked { provider, class: None, layers, skipped }));
            }
        }
    }
    let all = async {
        while let Some(ended) = running.join_next().await {
            // It fails only when the gateway ends.
            found.extend(ended.ok().and_then(|(place, checked)| Some((place, checked.ok()?))));
        }
    };
    tokio::select! {
        biased;
        () = all => {}
        () = state.probing.stopped() => return Err(Refused::Draining),
    }
    found.sort_by_key(|(place, _)| *place);
    let checks: Vec<Checked> = found.into_iter().map(|(_, checked)| checked).collect();
    Ok(page(StatusCode::OK, &json!({"checks": checks}), id))
}

fn known<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s Provider, Refused> {
    let all = &snapshot.config.providers;
    all.iter().find(|provider| provider.name == name).ok_or_else(|| {
        let known: Vec<String> = all.iter().map(|provider| provider.name.clone()).collect();
        Refused::unknown("provider", name, &known)
    })
}

/// `GET /api/health/history`
pub(super) async fn history(
    state: &Arc<State>,
    snapshot: &Snapshot,
    query: Option<&str>,
    id: &str,
) -> Result<Response<Body>, Refused> {
    let (name, limit) = which(query)?;
    let provider = name.clone();
    let rows = match waiting(state, move |state| state.history.checks(&provider, limit)).await? {
        Ok(rows) => rows.unwrap_or_default(),
        Err(why) => return Ok(Failed::Unavailable(why).response(Asker::default(), id)),
    };
    // One that was removed from the configuration is still told of, as long as there are rows.
    if rows.is_empty() {
        known(snapshot, &name)?;
    }
    let checks: Vec<Value> = rows.iter().map(shown).collect();
    Ok(page(StatusCode::OK, &json!({"provider": name, "checks": checks}), id))
}

/// The provider and the number of checks that a query asks for.
fn which(query: Option<&str>) -> Result<(String, u32), Refused> {
    let possible = || format!("provider=NAME and n=N with N from 1 to {MOST_CHECKS}");
    let (mut name, mut limit) = (None, CHECKS);
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let refused = || Refused::Query { given: shorten(part), possible: possible() };
        match part.split_once('=') {
            Some(("provider", text)) => name = Some(percent_decode_str(text).decode_utf8_lossy().into_owned()),
            Some(("n", text)) => {
                let number = text.parse().ok().filter(|number| (1..=MOST_CHECKS).contains(number));
                limit = number.ok_or_else(refused)?;
            }
            _ => return Err(refused()),
        }
    }
    let name = name.ok_or_else(|| Refused::Query { given: "no provider".to_owned(), possible: possible() })?;
    Ok((name, limit))
}

fn shown(row: &HealthCheckRow) -> Value {
    let since = Duration::from_millis(u64::try_from(row.at_ms).unwrap_or_default());
    json!({
        "time": timestamp(UNIX_EPOCH + since),
        "time_ms": row.at_ms,
        "kind": row.kind,
        "ok": row.ok,
        "score": row.score,
        "class": row.class,
        "ms": row.took_ms,
        "detail": row.detail,
    })
}
