//! `qcc priority list`: the profiles in the order in which they are asked.

use qcc_config::edit::WrittenProfile;
use serde_json::json;

use crate::commands::setup::list::{profile_state, state_cell};
use crate::context::Context;
use crate::edits;
use crate::failure::{OK, Outcome};
use crate::live::{self, Gateway};
use crate::table::{Cell, Table};

/// Tiers in the order in which they are asked; a profile without one comes last.
const TIERS: [&str; 3] = ["primary", "secondary", "fallback"];

pub(super) fn run(context: &Context) -> Outcome {
    let document = edits::document(context)?;
    let gateway = Gateway::find(context);
    let served = gateway.as_ref().and_then(|gateway| gateway.profiles().ok());
    let pinned = live::pinned(context);
    let mut profiles = document.profiles();
    profiles.sort_by_key(|profile| (pinned.as_deref() != Some(profile.name.as_str()), rank(profile)));
    let output = context.output;
    if output.json {
        let rows = profiles.iter().map(|profile| {
            json!({
                "profile": profile.name,
                "tier": profile.tier,
                "endpoints": profile.endpoints.len(),
                "state": served.as_ref().map(|served| profile_state(profile, Some(served), None)),
                "active": served.as_ref().map(|served| served.active.as_ref() == Some(&profile.name)),
                "pinned": pinned.as_ref() == Some(&profile.name),
            })
        });
        output.document(&json!({
            "running": gateway.is_some(),
            "active": served.as_ref().and_then(|served| served.active.clone()),
            "pinned": pinned,
            "profiles": rows.collect::<Vec<_>>(),
        }))?;
        return Ok(OK);
    }
    if profiles.is_empty() {
        output.data("no profiles: all enabled providers are asked in the order of the file")?;
        output.talk("next: `qcc add NAME`, then `qcc priority set NAME primary`");
        return Ok(OK);
    }
    let untiered = profiles.iter().all(|profile| profile.tier.is_none());
    let mut table = Table::new(&["TIER", "PROFILE", "ENDPOINTS", "STATE"]).shrink(2);
    for profile in &profiles {
        let endpoints: Vec<&str> = profile.endpoints.iter().map(|endpoint| endpoint.provider.as_str()).collect();
        let tier = profile.tier.as_deref().unwrap_or(if untiered { "primary" } else { "-" });
        table.row(vec![
            Cell::new(tier),
            Cell::new(&profile.name),
            Cell::new(if endpoints.is_empty() { "-".to_owned() } else { endpoints.join(", ") }),
            state_cell(&profile_state(profile, served.as_ref(), pinned.as_deref())),
        ]);
    }
    output.table(&table)?;
    if gateway.is_none() {
        output.talk("the gateway is not running, so nothing is known of their state: `qcc proxy start`");
    }
    Ok(OK)
}

fn rank(profile: &WrittenProfile) -> usize {
    let tier = profile.tier.as_deref();
    TIERS.iter().position(|name| tier == Some(name)).unwrap_or(TIERS.len())
}
