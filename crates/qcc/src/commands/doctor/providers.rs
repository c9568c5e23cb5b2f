//! Every enabled provider, asked for what is free.

use qcc_config::Provider;
use qcc_server::Reach;

use crate::context::variable;
use crate::variables::bourne;

use super::facts::{Facts, PROXIES};
use super::finding::{Finding, Fix};
use super::keys::set_key;
use super::place::Place;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(config) = facts.config() else {
        return vec![Finding::skipped("not known while the configuration has faults")];
    };
    let reached = match &facts.reached {
        Ok(reached) => reached,
        Err(why) => return vec![Finding::skipped(why.clone())],
    };
    if facts.enabled().next().is_none() {
        let names: Vec<&str> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
        let first = names.first().copied().unwrap_or_default();
        let message = format!("none is enabled, so every request is refused (there are: {})", names.join(", "));
        return vec![Finding::problem(message, Fix::run(enable(first)))];
    }
    let detours = detours();
    let mut findings: Vec<Finding> = facts
        .enabled()
        .map(|provider| match reached.iter().find(|reach| reach.provider == provider.name) {
            Some(reach) => judged(provider, reach, &detours),
            None => Finding::skipped(format!("{}: not asked, see above", provider.name)),
        })
        .collect();
    if !detours.is_empty() && facts.enabled().any(|provider| provider.proxy.is_none()) {
        findings.push(Finding::ok(format!("asked through {}", detours.join(", "))));
    }
    findings
}

/// The command that lets a provider take part.
pub(super) fn enable(provider: &str) -> String {
    format!("qcc config set {} true", bourne(&format!("providers.{provider}.enabled")))
}

fn judged(provider: &Provider, reach: &Reach, detours: &[String]) -> Finding {
    let name = &reach.provider;
    let status = reach.status.map_or_else(String::new, |status| format!(" ({status})"));
    if reach.ok {
        return Finding::ok(format!("{name}: {}{status}, {} ms", reach.detail, reach.ms));
    }
    let hint = reach.hint.as_deref().unwrap_or("try again later, or leave it out");
    let fix = match reach.status {
        Some(401 | 403) if hint.contains("auth_value") => format!("{hint}: `{}`", set_key(name)),
        None if provider.proxy.is_none() && !detours.is_empty() => format!("{hint} ({} in force)", detours.join(", ")),
        _ => hint.to_owned(),
    };
    Finding::problem(format!("{name}: {}{status}", reach.detail), Fix::sentence(fix))
}

/// The proxies that the environment asks for, without what may be secret in their addresses.
fn detours() -> Vec<String> {
    let shown = |name: &&str| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some(format!(
            "{name}={}",
            Place::of(&value).map_or_else(|| "(not an address)".to_owned(), |place| place.shown())
        ))
    };
    PROXIES.iter().filter_map(shown).collect()
}
