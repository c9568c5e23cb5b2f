//! `qcc remove NAME`: a profile, a provider, or the two of the same name. What something else refers to stays.

use qcc_config::edit::{Document, Edit};
use serde_json::json;

use crate::cli::setup::Remove;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::names::resolve;
use crate::output::harmless;
use crate::{edits, live};

pub(crate) fn run(context: &Context, remove: &Remove) -> Outcome {
    let pinned = live::pinned(context);
    let mut removed = (None, None);
    let mut name = String::new();
    let changed = edits::change(context, &format!("remove {}", remove.name), |document| {
        let (edits, gone, meant) = plan(document, remove, pinned.as_deref())?;
        removed = gone;
        name = meant;
        Ok(edits)
    })?;
    let shown = harmless(&name);
    let done = match &removed {
        (Some(_), Some(_)) => format!("removed the profile and the provider {shown}"),
        (Some(_), None) => format!("removed the profile {shown}"),
        _ => format!("removed the provider {shown}"),
    };
    let about = json!({ "profile": removed.0, "provider": removed.1 });
    let outcome = edits::tell(context, &changed, &done, about)?;
    context.output.talk("undo: `qcc config rollback`");
    Ok(outcome)
}

type Gone = (Option<String>, Option<String>);

fn plan(document: &Document, remove: &Remove, pinned: Option<&str>) -> Result<(Vec<Edit>, Gone, String), Failure> {
    let (profiles, providers) = (document.profiles(), document.providers());
    let both = profiles.iter().map(|profile| profile.name.as_str());
    let mut names: Vec<&str> = both.chain(providers.iter().map(|provider| provider.name.as_str())).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let name = resolve("profile or provider", &remove.name, &names, "qcc list")?.to_owned();
    let profile = profiles.iter().any(|profile| profile.name == name);
    let provider = providers.iter().position(|provider| provider.name == name);
    let provider = provider.filter(|_| !remove.keep_provider);
    if !profile && remove.keep_provider {
        let message = format!("there is no profile `{}`, only the provider", harmless(&name));
        return Err(Failure::new(message, "leave --keep-provider out to remove the provider"));
    }
    if profile {
        may_go(&name, document, pinned)?;
    }
    let mut edits = Vec::new();
    if let Some(place) = provider {
        is_unused(&name, document, profile)?;
        edits.push(Edit::Remove { path: vec!["providers".into(), place.into()] });
    }
    if profile {
        edits.push(Edit::Remove { path: vec!["profiles".into(), name.as_str().into()] });
    }
    Ok((edits, (profile.then(|| name.clone()), provider.map(|_| name.clone())), name))
}

/// A profile goes only when no route names it and it is not what `priority switch` chose.
fn may_go(name: &str, document: &Document, pinned: Option<&str>) -> Result<(), Failure> {
    if pinned == Some(name) {
        let message = format!("the profile `{}` is the one that `priority switch` put first", harmless(name));
        return Err(Failure::new(message, "end that first: `qcc priority switch auto`"));
    }
    let routes = document.routes();
    match routes.iter().find(|route| route.profiles.iter().any(|profile| profile == name)) {
        Some(route) => Err(referenced("profile", name, &route.glob, route.line)),
        None => Ok(()),
    }
}

/// A provider goes only when neither another profile nor a route names it.
fn is_unused(name: &str, document: &Document, with_profile: bool) -> Result<(), Failure> {
    for profile in document.profiles().iter().filter(|profile| !(with_profile && profile.name == name)) {
        let Some(endpoint) = profile.endpoints.iter().find(|endpoint| endpoint.provider == name) else { continue };
        let (name, holder) = (harmless(name), harmless(&profile.name));
        let message =
            format!("the provider `{name}` is an endpoint of the profile `{holder}` (line {})", endpoint.line);
        let keep = if with_profile { "; or keep it: --keep-provider" } else { "" };
        return Err(Failure::new(message, format!("take it out first: `qcc endpoint remove {holder} {name}`{keep}")));
    }
    let routes = document.routes();
    match routes.iter().find(|route| route.providers.iter().any(|provider| provider == name)) {
        Some(route) => Err(referenced("provider", name, &route.glob, route.line)),
        None => Ok(()),
    }
}

fn referenced(what: &str, name: &str, glob: &str, line: usize) -> Failure {
    let message = format!("the route `{}` names the {what} `{}` (line {line})", harmless(glob), harmless(name));
    Failure::new(message, "change the route first, under `model_routes` in the file")
}
