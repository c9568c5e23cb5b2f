//! Every enabled provider, asked for what is free.

use qcc_config::Provider;
use qcc_server::Reach;

use crate::context::variable;
use crate::variables::bourne;

use super::facts::{Facts, detour};
use super::finding::{Finding, Fix};
use super::keys::set_key;
use crate::place::Place;

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
    let mut findings: Vec<Finding> = facts
        .enabled()
        .filter_map(|provider| {
            let reach = reached.iter().find(|reach| reach.provider == provider.name)?;
            Some(judged(provider, reach))
        })
        .collect();
    let unasked = facts.enabled().filter(|provider| reached.iter().all(|reach| reach.provider != provider.name));
    let unasked: Vec<&str> = unasked.map(|provider| provider.name.as_str()).collect();
    if !unasked.is_empty() {
        findings.push(Finding::skipped(format!("not asked, for the reasons above: {}", unasked.join(", "))));
    }
    findings
}

/// The command that lets a provider take part.
pub(super) fn enable(provider: &str) -> String {
    format!("qcc config set {} true", bourne(&format!("providers.{provider}.enabled")))
}

fn judged(provider: &Provider, reach: &Reach) -> Finding {
    let name = &reach.provider;
    let through = detour(provider).map_or_else(String::new, |variable| format!(", through {}", proxy(variable)));
    let status = reach.status.map_or_else(String::new, |status| format!(" ({status})"));
    if reach.ok {
        return Finding::ok(format!("{name}: {}{status}, {} ms{through}", reach.detail, reach.ms));
    }
    let hint = reach.hint.clone().unwrap_or_else(|| "try again later, or leave it out".to_owned());
    let fix = match reach.status {
        Some(401 | 403) if hint.contains("auth_value") => Fix::run(set_key(name)),
        _ => Fix::sentence(hint),
    };
    Finding::problem(format!("{name}: {}{status}{through}", reach.detail), fix)
}

/// A proxy that the environment asks for, without what may be secret in its address.
fn proxy(name: &str) -> String {
    let place = variable(name).and_then(|value| Place::of(&value));
    format!("{name}={}", place.map_or_else(|| "(not an address)".to_owned(), |place| place.shown()))
}
