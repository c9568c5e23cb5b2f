//! `qcc list`: every profile and every provider, with what is known of their state.

use std::collections::BTreeMap;

use owo_colors::Style;
use qcc_config::edit::{Credential, WrittenProfile, WrittenProvider};
use serde_json::{Value, json};

use crate::context::{Context, variable};
use crate::edits;
use crate::failure::{OK, Outcome};
use crate::live::{self, Gateway, Profiles};
use crate::table::{Cell, Table};

pub(crate) fn run(context: &Context) -> Outcome {
    let document = edits::document(context)?;
    let (profiles, providers) = (document.profiles(), document.providers());
    let gateway = Gateway::find(context);
    let served = gateway.as_ref().and_then(|gateway| gateway.profiles().ok());
    let states = gateway.as_ref().map(provider_states).unwrap_or_default();
    let pinned = live::pinned(context);
    let output = context.output;
    if output.json {
        output.document(&json!({
            "running": gateway.is_some(),
            "active": served.as_ref().and_then(|served| served.active.clone()),
            "pinned": pinned,
            "profiles": profiles.iter().map(|profile| profile_document(profile, served.as_ref())).collect::<Vec<_>>(),
            "providers": providers.iter().map(|provider| provider_document(provider, &states)).collect::<Vec<_>>(),
        }))?;
        return Ok(OK);
    }
    if providers.is_empty() && profiles.is_empty() {
        output.data("no provider and no profile yet: requests go to Anthropic with the client's own credential")?;
        output.talk("next: `qcc add NAME --preset PRESET`, or `qcc init`");
        return Ok(OK);
    }
    if !profiles.is_empty() {
        output.table(&profile_table(&profiles, served.as_ref(), pinned.as_deref()))?;
    }
    if !profiles.is_empty() && !providers.is_empty() {
        output.data("")?;
    }
    if !providers.is_empty() {
        output.table(&provider_table(&providers, &states))?;
    }
    if gateway.is_none() {
        output.talk("the gateway is not running, so only what the file says is shown: `qcc proxy start`");
    }
    Ok(OK)
}

/// Name to state, as the gateway sees it.
fn provider_states(gateway: &Gateway) -> BTreeMap<String, String> {
    let all = gateway.get("/providers").unwrap_or_default();
    let providers = all["providers"].as_array().cloned().unwrap_or_default();
    let pair = |provider: Value| {
        Some((provider["name"].as_str()?.to_owned(), state_word(provider["state"].as_str()?).to_owned()))
    };
    providers.into_iter().filter_map(pair).collect()
}

/// The breaker of a healthy provider is called closed, which reads like its opposite.
pub(crate) fn state_word(state: &str) -> &str {
    match state {
        "closed" => "ready",
        "cooling" => "left out",
        other => other,
    }
}

fn profile_table(profiles: &[WrittenProfile], served: Option<&Profiles>, pinned: Option<&str>) -> Table {
    let mut table = Table::new(&["PROFILE", "TIER", "ENDPOINTS", "STATE", "DESCRIPTION"]).shrink(2).shrink(4);
    for profile in profiles {
        let endpoints: Vec<&str> = profile.endpoints.iter().map(|endpoint| endpoint.provider.as_str()).collect();
        table.row(vec![
            Cell::new(&profile.name),
            Cell::new(profile.tier.as_deref().unwrap_or("-")),
            Cell::new(if endpoints.is_empty() { "-".to_owned() } else { endpoints.join(", ") }),
            state_cell(&profile_state(profile, served, pinned)),
            Cell::styled(&profile.description, Style::new().dimmed()),
        ]);
    }
    table
}

/// `active`, `ready`, `out`, `empty`; with `pinned` where it is.
pub(crate) fn profile_state(profile: &WrittenProfile, served: Option<&Profiles>, pinned: Option<&str>) -> String {
    let known = served.and_then(|served| served.profiles.iter().find(|other| other.name == profile.name));
    let active = served.is_some_and(|served| served.active.as_ref() == Some(&profile.name));
    let word = match known {
        Some(_) if active => "active",
        Some(known) => known.state.as_str(),
        None if profile.endpoints.is_empty() => "empty",
        None => "-",
    };
    if pinned == Some(profile.name.as_str()) { format!("{word}, pinned") } else { word.to_owned() }
}

/// A state in its colour; the word says the same.
pub(crate) fn state_cell(state: &str) -> Cell {
    let style = match state.split([',', ' ']).next() {
        Some("active" | "ready") => Style::new().green(),
        Some("out" | "left") => Style::new().red(),
        Some("empty" | "disabled" | "type") => Style::new().yellow(),
        _ => Style::new().dimmed(),
    };
    Cell::styled(state, style)
}

fn provider_table(providers: &[WrittenProvider], states: &BTreeMap<String, String>) -> Table {
    let mut table = Table::new(&["PROVIDER", "TYPE", "BASE URL", "KEY", "STATE"]).shrink(2).shrink(3);
    for provider in providers {
        table.row(vec![
            Cell::new(&provider.name),
            Cell::new(&provider.kind),
            Cell::new(&provider.base_url),
            Cell::new(key_with_state(&provider.credential)),
            state_cell(&provider_state(provider, states)),
        ]);
    }
    table
}

fn provider_state(provider: &WrittenProvider, states: &BTreeMap<String, String>) -> String {
    match states.get(&provider.name) {
        _ if !provider.enabled => "disabled".to_owned(),
        Some(state) => state.clone(),
        None => "-".to_owned(),
    }
}

fn key_in_words(credential: &Credential) -> String {
    match credential {
        Credential::Passthrough => "the client's own".to_owned(),
        Credential::Reference(reference) => reference.clone(),
        Credential::Literal => "in the file".to_owned(),
        Credential::Missing => "missing".to_owned(),
    }
}

/// Also whether the variable is set, for people; a gateway may have been started where it is.
fn key_with_state(credential: &Credential) -> String {
    let words = key_in_words(credential);
    let name = words.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    match name.filter(|name| !name.starts_with("file:")) {
        Some(name) if variable(name).is_none() => format!("{words} (not set here)"),
        _ => words,
    }
}

fn profile_document(profile: &WrittenProfile, served: Option<&Profiles>) -> Value {
    let known = served.and_then(|served| served.profiles.iter().find(|other| other.name == profile.name));
    let endpoint = |endpoint: &qcc_config::edit::WrittenEndpoint| {
        json!({
            "provider": endpoint.provider,
            "weight": endpoint.weight,
            "priority": endpoint.priority,
            "enabled": endpoint.enabled,
        })
    };
    json!({
        "name": profile.name,
        "description": profile.description,
        "tier": profile.tier,
        "strategy": profile.strategy,
        "state": known.map(|known| &known.state),
        "active": served.map(|served| served.active.as_ref() == Some(&profile.name)),
        "endpoints": profile.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

fn provider_document(provider: &WrittenProvider, states: &BTreeMap<String, String>) -> Value {
    json!({
        "name": provider.name,
        "type": provider.kind,
        "base_url": provider.base_url,
        "auth_type": provider.auth_type,
        "key": key_in_words(&provider.credential),
        "enabled": provider.enabled,
        "state": states.get(&provider.name),
    })
}
