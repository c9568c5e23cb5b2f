//! What is known of providers and sessions as it stands in the database: JSON with a version, times in milliseconds
//! relative to the moment of writing. Another version, or text that cannot be read, is no error but nothing.

use std::sync::Arc;
use std::time::Duration;

use qcc_policy::breaker::Saved;
use qcc_policy::engine::KeptProvider;
use qcc_policy::{
    KeptAbsence, KeptBinding, KeptCooldown, KeptEnd, KeptLane, ProviderId, Reason, Remembered, SavedHealth, SessionKey,
};
use serde::{Deserialize, Serialize};

/// Of what is written. A change that an older or newer version would misread makes it another one.
const VERSION: u32 = 1;

/// The version, which is the first thing that is read.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "u32")]
struct Version(u32);

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(found: u32) -> Result<Self, String> {
        let known = found == VERSION;
        known.then_some(Self(found)).ok_or_else(|| format!("it has version {found}, and this qcc knows {VERSION}"))
    }
}

#[derive(Serialize, Deserialize)]
struct Provider {
    v: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breaker: Option<Breaker>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    models: Vec<Model>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cooldowns: Vec<Cooldown>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<Lane>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absence: Option<Absence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    load: Option<Load>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
}

#[derive(Serialize, Deserialize)]
struct Breaker {
    open_ms: u64,
    term_ms: u64,
    trips: u32,
}

#[derive(Serialize, Deserialize)]
struct Model {
    model: String,
    #[serde(flatten)]
    breaker: Breaker,
}

#[derive(Serialize, Deserialize)]
struct Cooldown {
    /// As in the log.
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<u64>,
    since_ms: u64,
    left_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Lane {
    lane: u64,
    left_ms: [u64; 5],
}

#[derive(Serialize, Deserialize)]
struct Absence {
    began_ms: u64,
    /// Without both nobody knows its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_in_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_ago_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Load {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency: Option<f64>,
    debt: f64,
}

/// Value and weight of each mean.
#[derive(Serialize, Deserialize)]
struct Health {
    points: (f64, f64),
    success: (f64, f64),
    response_secs: (f64, f64),
    factor: f64,
    lowered: bool,
    failures: u32,
    conversation_failed: bool,
    checks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_check_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Session {
    v: Version,
    session: u64,
    model: u64,
    cached: u32,
    cached_ms: u64,
    latest: u32,
    warm_ms: u64,
    idle_ms: u64,
}

/// A provider's state as text.
pub(crate) fn text(kept: &KeptProvider) -> String {
    let models = kept.models.iter().map(|(model, saved)| Model { model: model.to_string(), breaker: saved.into() });
    let form = Provider {
        v: Version(VERSION),
        breaker: kept.breaker.as_ref().map(Breaker::from),
        models: models.collect(),
        cooldowns: kept.cooldowns.iter().map(Cooldown::from).collect(),
        lanes: kept.lanes.iter().map(|lane| Lane { lane: lane.lane, left_ms: lane.left.map(millis) }).collect(),
        absence: kept.absence.map(Absence::from),
        load: kept.load.map(|load| Load { latency: load.latency, debt: load.debt }),
        health: kept.health.map(Health::from),
    };
    // Strings as keys and numbers: it cannot fail.
    serde_json::to_string(&form).unwrap_or_default()
}

/// A provider's state of such a text.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn provider(text: &str) -> Result<KeptProvider, String> {
    let form: Provider = read(text)?;
    Ok(KeptProvider {
        breaker: form.breaker.map(Saved::from),
        models: form.models.into_iter().map(|model| (Arc::from(model.model), model.breaker.into())).collect(),
        cooldowns: form.cooldowns.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        lanes: form.lanes.into_iter().map(|lane| KeptLane { lane: lane.lane, left: lane.left_ms.map(time) }).collect(),
        absence: form.absence.map(KeptAbsence::from),
        load: form.load.map(|load| Remembered { latency: load.latency, debt: load.debt }),
        health: form.health.map(SavedHealth::from),
    })
}

/// A binding as text, but for its provider, which stands beside it.
pub(crate) fn session_text(kept: &KeptBinding) -> String {
    let form = Session {
        v: Version(VERSION),
        session: kept.key.session,
        model: kept.key.model,
        cached: kept.cache_tokens,
        cached_ms: millis(kept.cached_for),
        latest: kept.latest_tokens,
        warm_ms: millis(kept.warm_for),
        idle_ms: millis(kept.idle),
    };
    serde_json::to_string(&form).unwrap_or_default()
}

/// The binding of such a text to this provider.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn session(text: &str, provider: ProviderId) -> Result<KeptBinding, String> {
    let form: Session = read(text)?;
    Ok(KeptBinding {
        key: SessionKey { session: form.session, model: form.model },
        provider,
        cache_tokens: form.cached,
        cached_for: time(form.cached_ms),
        latest_tokens: form.latest,
        warm_for: time(form.warm_ms),
        idle: time(form.idle_ms),
    })
}

/// The key of a binding's row: two hashes in one. A collision costs a prompt cache.
pub(crate) fn row_of(key: SessionKey) -> u64 {
    key.session.rotate_left(32) ^ key.model
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// === the two forms of each ===

impl From<&Saved> for Breaker {
    fn from(saved: &Saved) -> Self {
        Self { open_ms: millis(saved.open_for), term_ms: millis(saved.term), trips: saved.trips }
    }
}

impl From<Breaker> for Saved {
    fn from(form: Breaker) -> Self {
        Self { open_for: time(form.open_ms), term: time(form.term_ms), trips: form.trips }
    }
}

impl From<&KeptCooldown> for Cooldown {
    fn from(kept: &KeptCooldown) -> Self {
        Self {
            reason: kept.reason.to_string(),
            model: kept.model.clone(),
            fingerprint: kept.fingerprint,
            since_ms: millis(kept.since),
            left_ms: millis(kept.left),
        }
    }
}

impl TryFrom<Cooldown> for KeptCooldown {
    type Error = String;

    fn try_from(form: Cooldown) -> Result<Self, String> {
        let known = Reason::ALL.into_iter().find(|reason| reason.to_string() == form.reason);
        Ok(Self {
            reason: known.ok_or_else(|| format!("it names the unknown reason `{}`", form.reason))?,
            model: form.model,
            fingerprint: form.fingerprint,
            since: time(form.since_ms),
            left: time(form.left_ms),
        })
    }
}

impl From<KeptAbsence> for Absence {
    fn from(kept: KeptAbsence) -> Self {
        let (ends_in_ms, ended_ago_ms) = match kept.end {
            KeptEnd::Open => (None, None),
            KeptEnd::In(left) => (Some(millis(left)), None),
            KeptEnd::Ago(ago) => (None, Some(millis(ago))),
        };
        Self { began_ms: millis(kept.began), ends_in_ms, ended_ago_ms }
    }
}

impl From<Absence> for KeptAbsence {
    fn from(form: Absence) -> Self {
        let end = match (form.ends_in_ms, form.ended_ago_ms) {
            (Some(left), _) => KeptEnd::In(time(left)),
            (None, Some(ago)) => KeptEnd::Ago(time(ago)),
            (None, None) => KeptEnd::Open,
        };
        Self { began: time(form.began_ms), end }
    }
}

impl From<SavedHealth> for Health {
    fn from(saved: SavedHealth) -> Self {
        Self {
            points: (saved.points, saved.points_weight),
            success: (saved.success, saved.success_weight),
            response_secs: (saved.response_secs, saved.response_weight),
            factor: saved.factor,
            lowered: saved.lowered,
            failures: saved.consecutive_failures,
            conversation_failed: saved.conversation_failed,
            checks: saved.checks,
            last_check_ms: saved.last_check.map(millis),
        }
    }
}

impl From<Health> for SavedHealth {
    fn from(form: Health) -> Self {
        let ((points, points_weight), (success, success_weight)) = (form.points, form.success);
        let (response_secs, response_weight) = form.response_secs;
        Self {
            points,
            points_weight,
            success,
            success_weight,
            response_secs,
            response_weight,
            factor: form.factor,
            lowered: form.lowered,
            consecutive_failures: form.failures,
            conversation_failed: form.conversation_failed,
            checks: form.checks,
            last_check: form.last_check_ms.map(time),
        }
    }
}

#[cfg(test)]
mod tests;
