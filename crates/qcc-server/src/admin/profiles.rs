//! Every profile with the state of its endpoints, and which of them leads.

use qcc_config::{Endpoint, Profile, Tier};
use serde_json::{Value, json};

use super::providers::Report;
use crate::state::{Snapshot, State};

/// The body of `GET /api/profiles`.
pub(crate) fn listed(state: &State, snapshot: &Snapshot) -> Value {
    let profiles = &snapshot.config.profiles;
    let report = Report::new(state, snapshot);
    let active = state.leader(snapshot).map(|lead| lead.profile);
    let name = |place: Option<usize>| place.and_then(|place| profiles.get(place)).map(|profile| profile.name.as_str());
    let untiered = profiles.iter().all(|profile| profile.tier.is_none());
    let listed: Vec<Value> = profiles
        .iter()
        .enumerate()
        .map(|(place, profile)| {
            let endpoints: Vec<Value> =
                profile.endpoints.iter().map(|endpoint| entry(snapshot, &report, endpoint)).collect();
            json!({
                "name": profile.name,
                "tier": tier(profile, untiered),
                "pinned": snapshot.pinned == Some(place),
                "active": active == Some(place),
                "state": word(&endpoints),
                "endpoints": endpoints,
            })
        })
        .collect();
    json!({"active": name(active), "pinned": name(snapshot.pinned), "profiles": listed})
}

/// The tier that counts: all are primary where none has one.
fn tier(profile: &Profile, untiered: bool) -> Option<&'static str> {
    match profile.tier.or_else(|| untiered.then_some(Tier::Primary))? {
        Tier::Primary => Some("primary"),
        Tier::Secondary => Some("secondary"),
        Tier::Fallback => Some("fallback"),
    }
}

/// `ready`: somebody can be asked; `out`: everybody is out for now; `empty`: nobody takes part.
fn word(endpoints: &[Value]) -> &'static str {
    let any = |state: &str| endpoints.iter().any(|endpoint| endpoint["state"] == state);
    if any("closed") {
        "ready"
    } else if any("cooling") {
        "out"
    } else {
        "empty"
    }
}

fn entry(snapshot: &Snapshot, report: &Report<'_>, endpoint: &Endpoint) -> Value {
    let provider = snapshot.config.providers.iter().find(|provider| provider.name == endpoint.provider);
    let takes_part = endpoint.enabled && endpoint.weight > 0;
    json!({
        "provider": endpoint.provider,
        "enabled": endpoint.enabled,
        "weight": endpoint.weight,
        "priority": endpoint.priority,
        "state": provider.filter(|_| takes_part).map_or("disabled", |provider| report.word(provider)),
        "cooldowns": provider.map(|provider| report.cooldowns(provider)).unwrap_or_default(),
    })
}
