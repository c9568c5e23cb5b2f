//! `qcc endpoint list PROFILE`: who is in it, in which order, and how they are.

use qcc_config::edit::{WrittenEndpoint, WrittenProvider};
use serde_json::json;

use super::profile;
use crate::commands::setup::list::{state_cell, state_word};
use crate::context::Context;
use crate::edits;
use crate::failure::{OK, Outcome};
use crate::live::{Gateway, Profiles};
use crate::output::harmless;
use crate::table::{Cell, Table};

pub(super) fn run(context: &Context, typed: &str) -> Outcome {
    let document = edits::document(context)?;
    let profile = profile(&document, typed)?;
    let providers = document.providers();
    let served = Gateway::find(context).and_then(|gateway| gateway.profiles().ok());
    let provider = |endpoint: &WrittenEndpoint| providers.iter().find(|provider| provider.name == endpoint.provider);
    let output = context.output;
    if output.json {
        let endpoints = profile.endpoints.iter().enumerate().map(|(place, endpoint)| {
            json!({
                "number": place + 1,
                "provider": endpoint.provider,
                "weight": endpoint.weight,
                "priority": endpoint.priority,
                "enabled": endpoint.enabled,
                "base_url": provider(endpoint).map(|provider| &provider.base_url),
                "state": live_state(served.as_ref(), &profile.name, endpoint),
            })
        });
        output.document(&json!({
            "profile": profile.name,
            "tier": profile.tier,
            "running": served.is_some(),
            "endpoints": endpoints.collect::<Vec<_>>(),
        }))?;
        return Ok(OK);
    }
    let name = harmless(&profile.name);
    if profile.endpoints.is_empty() {
        output.data(format_args!("the profile {name} has no endpoints"))?;
        output.talk(format_args!("next: `qcc endpoint add {name}`"));
        return Ok(OK);
    }
    let mut table = Table::new(&["#", "PROVIDER", "PRIORITY", "WEIGHT", "STATE", "BASE URL"]).shrink(5).shrink(1);
    for (place, endpoint) in profile.endpoints.iter().enumerate() {
        let known = provider(endpoint);
        let state = match live_state(served.as_ref(), &profile.name, endpoint) {
            _ if !is_enabled(endpoint, known) => "disabled".to_owned(),
            Some(state) => state,
            None => "-".to_owned(),
        };
        table.row(vec![
            Cell::new(place + 1),
            Cell::new(&endpoint.provider),
            Cell::new(endpoint.priority),
            Cell::new(endpoint.weight),
            state_cell(&state),
            Cell::new(known.map_or("-", |provider| &provider.base_url)),
        ]);
    }
    output.table(&table)?;
    Ok(OK)
}

fn is_enabled(endpoint: &WrittenEndpoint, provider: Option<&WrittenProvider>) -> bool {
    endpoint.enabled && provider.is_some_and(|provider| provider.enabled)
}

fn live_state(served: Option<&Profiles>, profile: &str, endpoint: &WrittenEndpoint) -> Option<String> {
    let profile = served?.profiles.iter().find(|other| other.name == profile)?;
    let known = profile.endpoints.iter().find(|other| other.provider == endpoint.provider)?;
    Some(state_word(&known.state).to_owned())
}
