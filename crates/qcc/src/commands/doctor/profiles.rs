//! The profiles: can each of them answer, and is every provider in one?

use qcc_config::{Config, Endpoint, Profile, RouteTarget, Tier};

use crate::variables::bourne;

use super::facts::Facts;
use super::finding::{Finding, Fix, State};
use super::providers::enable;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(config) = facts.config() else {
        return vec![Finding::skipped("not known while the configuration has faults")];
    };
    if config.profiles.is_empty() {
        return vec![Finding::ok("none: the enabled providers are tried in the order of the file")];
    }
    let usable = usable(config);
    let mut findings: Vec<Finding> = usable.iter().map(|names| Finding::ok(names.clone())).collect();
    findings.extend(config.profiles.iter().filter_map(|profile| idle(config, profile)));
    if nobody_answers(config) {
        findings
            .iter_mut()
            .filter(|finding| finding.state == State::Warning)
            .for_each(|one| one.state = State::Problem);
    }
    findings.extend(unused(config));
    findings
}

/// Whether all profiles are skipped that requests go to by themselves: then nothing is left but routes.
fn nobody_answers(config: &Config) -> bool {
    let tiers = config.profiles.iter().any(|profile| profile.tier.is_some());
    let mut asked = config.profiles.iter().filter(|profile| !tiers || profile.tier.is_some());
    asked.all(|profile| idle(config, profile).is_some())
}

/// The profiles that can answer, in one line.
fn usable(config: &Config) -> Option<String> {
    let name = |profile: &Profile| match profile.tier {
        Some(Tier::Primary) => format!("{} (primary)", profile.name),
        Some(Tier::Secondary) => format!("{} (secondary)", profile.name),
        Some(Tier::Fallback) => format!("{} (fallback)", profile.name),
        None => profile.name.clone(),
    };
    let names: Vec<String> =
        config.profiles.iter().filter(|profile| idle(config, profile).is_none()).map(name).collect();
    (!names.is_empty()).then(|| format!("usable: {}", names.join(", ")))
}

/// A profile in which nobody can answer, and the shortest way to change that.
fn idle(config: &Config, profile: &Profile) -> Option<Finding> {
    let is_enabled =
        |endpoint: &Endpoint| config.providers.iter().any(|one| one.name == endpoint.provider && one.enabled);
    if profile.endpoints.iter().any(|endpoint| endpoint.enabled && endpoint.weight > 0 && is_enabled(endpoint)) {
        return None;
    }
    let name = bourne(&profile.name);
    let find = |wanted: &dyn Fn(&Endpoint) -> bool| profile.endpoints.iter().find(|endpoint| wanted(endpoint));
    let (why, fix) = if let Some(endpoint) = find(&|endpoint| endpoint.weight > 0 && is_enabled(endpoint)) {
        ("its endpoints are disabled", format!("qcc endpoint enable {name} {}", bourne(&endpoint.provider)))
    } else if let Some(endpoint) = find(&|endpoint| endpoint.enabled && is_enabled(endpoint)) {
        let key = bourne(&format!("profiles.{}.endpoints.{}.weight", profile.name, endpoint.provider));
        ("its endpoints have weight 0", format!("qcc config set {key} 100"))
    } else if let Some(endpoint) = find(&is_enabled) {
        (
            "its endpoints are disabled and have weight 0",
            format!("qcc endpoint enable {name} {}", bourne(&endpoint.provider)),
        )
    } else if let Some(endpoint) = profile.endpoints.first() {
        ("its providers are disabled", enable(&endpoint.provider))
    } else {
        let provider = config.providers.iter().find(|provider| provider.enabled).or_else(|| config.providers.first());
        let provider = provider.map_or("NAME", |provider| provider.name.as_str());
        ("it has no endpoints", format!("qcc endpoint add {name} -f {}", bourne(provider)))
    };
    Some(Finding::warning(format!("{} is skipped: {why}", profile.name), Fix::run(fix)))
}

/// Enabled providers that no request can get to.
fn unused(config: &Config) -> Option<Finding> {
    let in_profile = |name: &str| {
        let mut endpoints = config.profiles.iter().flat_map(|profile| &profile.endpoints);
        endpoints.any(|endpoint| endpoint.provider == name)
    };
    let in_route = |name: &str| {
        let mut candidates = config.routes.iter().flat_map(|route| &route.candidates);
        candidates.any(|candidate| matches!(&candidate.target, RouteTarget::Provider(target) if target == name))
    };
    let enabled = config.providers.iter().filter(|provider| provider.enabled).map(|provider| provider.name.as_str());
    let names: Vec<&str> = enabled.filter(|name| !in_profile(name) && !in_route(name)).collect();
    let add = format!("qcc endpoint add {} -f", bourne(&config.profiles.first()?.name));
    match names.as_slice() {
        [] => None,
        [name] => Some(Finding::warning(
            format!("{name} is in no profile and no route, so it is never asked"),
            Fix::run(format!("{add} {}", bourne(name))),
        )),
        [first, ..] => Some(Finding::warning(
            format!("{} are in no profile and no route, so they are never asked", names.join(", ")),
            Fix::sentence(format!("`{add} {}`, and so on", bourne(first))),
        )),
    }
}

#[cfg(test)]
mod tests;
