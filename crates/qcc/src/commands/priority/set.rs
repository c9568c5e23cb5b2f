//! `qcc priority set PROFILE TIER`.

use qcc_config::edit::{Edit, Node};
use serde_json::json;

use crate::cli::setup::{TierName, word};
use crate::commands::endpoint::profile;
use crate::context::Context;
use crate::edits;
use crate::failure::Outcome;
use crate::names::listed;
use crate::output::harmless;

pub(super) fn run(context: &Context, typed: &str, tier: TierName) -> Outcome {
    let tier = word(tier);
    let mut name = String::new();
    let mut left_out = Vec::new();
    let changed = edits::change(context, &format!("priority set {typed} {tier}"), |document| {
        let target = profile(document, typed)?;
        name.clone_from(&target.name);
        let profiles = document.profiles();
        left_out.clear();
        if profiles.iter().all(|profile| profile.tier.is_none()) {
            let others = profiles.iter().filter(|profile| profile.name != target.name && !profile.endpoints.is_empty());
            left_out.extend(others.map(|profile| profile.name.clone()));
        }
        let path = vec!["profiles".into(), target.name.as_str().into(), "tier".into()];
        Ok(vec![Edit::Set { path, value: Node::text(&tier) }])
    })?;
    let shown = harmless(&name);
    let about = json!({ "profile": name, "tier": tier });
    let outcome = edits::tell(context, &changed, &format!("{shown} is {tier}"), about)?;
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(String::as_str).collect();
        let (have, serve) = if names.len() == 1 { ("has", "it now serves") } else { ("have", "they now serve") };
        context.output.note(format_args!(
            "{} {have} no tier, so {serve} only through routes, -f and switch: `qcc priority set NAME TIER`",
            listed(&names)
        ));
    }
    Ok(outcome)
}
