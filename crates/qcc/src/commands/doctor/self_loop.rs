//! Requests that come back to where they started. One such request becomes as many as the gateway can hold.

use super::facts::{Facts, Loop};
use super::finding::{Finding, Fix};
use crate::variables::bourne;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.here.addresses.is_empty() {
        return vec![Finding::skipped("not known until the gateway has an address")];
    }
    if !facts.loops.is_empty() {
        return facts.loops.iter().map(|found| told(facts, found)).collect();
    }
    vec![match facts.config() {
        Some(_) => Finding::ok("nothing leads back to the gateway"),
        None => Finding::skipped("not known while the configuration has faults"),
    }]
}

fn told(facts: &Facts<'_>, found: &Loop) -> Finding {
    let here = facts.here.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let key = |name: &str, key: &str| bourne(&format!("providers.{name}.{key}"));
    match found {
        Loop::Provider(name) => Finding::problem(
            format!("{name}: its base_url leads to this gateway itself ({here})"),
            Fix::run(format!("qcc config set {} https://...", key(name, "base_url"))),
        ),
        Loop::ProxyOf(name) => Finding::problem(
            format!("{name}: its proxy is this gateway itself ({here})"),
            Fix::run(format!("qcc config reset {}", key(name, "proxy"))),
        ),
        Loop::Variable(name) => Finding::problem(
            format!("{name} leads to this gateway itself ({here}), which is no proxy of this kind"),
            Fix::run(format!("unset {name}")),
        ),
    }
}
