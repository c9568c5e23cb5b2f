//! Which profiles are skipped, and the shortest way to change that.

use std::path::Path;

use super::*;

fn config(profiles: &str) -> Config {
    let text = format!(
        "
providers:
  - {{name: on, base_url: 'https://a.example', auth_value: k}}
  - {{name: off, base_url: 'https://b.example', auth_value: k, enabled: false}}
  - {{name: loose, base_url: 'https://c.example', auth_value: k}}
profiles:
{profiles}"
    );
    qcc_config::parse(&text, Path::new("config.yaml"), &|_| None).unwrap().config
}

fn fix_of(endpoints: &str) -> Option<String> {
    let config = config(&format!("  p: {{endpoints: [{endpoints}]}}\n"));
    idle(&config, &config.profiles[0]).and_then(|finding| finding.fix).map(|fix| fix.to_string())
}

#[test]
fn each_reason_for_which_a_profile_is_skipped_has_its_own_command() {
    assert_eq!(fix_of("{provider: on}"), None);
    assert_eq!(fix_of("").as_deref(), Some("qcc endpoint add p -f on"));
    assert_eq!(fix_of("{provider: off}").as_deref(), Some("qcc config set providers.off.enabled true"));
    assert_eq!(fix_of("{provider: off}, {provider: on, enabled: false}").as_deref(), Some("qcc endpoint enable p on"));
    assert_eq!(
        fix_of("{provider: on, weight: 0}").as_deref(),
        Some("qcc config set profiles.p.endpoints.on.weight 100")
    );
    assert_eq!(
        fix_of("{provider: off}, {provider: on, weight: 0, enabled: false}").as_deref(),
        Some("qcc endpoint enable p on")
    );
}

#[test]
fn nobody_answers_when_every_profile_that_takes_part_is_skipped() {
    assert!(nobody_answers(&config("  a: {endpoints: []}\n  b: {endpoints: [{provider: off}]}\n")));
    assert!(!nobody_answers(&config("  a: {endpoints: []}\n  b: {endpoints: [{provider: on}]}\n")));
    // Where one has a tier, those without take part through routes alone.
    assert!(nobody_answers(&config("  a: {tier: primary, endpoints: []}\n  b: {endpoints: [{provider: on}]}\n")));
}

#[test]
fn a_provider_without_profile_and_route_is_named() {
    let one = config("  p: {endpoints: [{provider: on}]}\n");
    assert_eq!(unused(&one).and_then(|found| found.fix), Some(Fix::run("qcc endpoint add p -f loose")));
    let routed = config("  p: {endpoints: [{provider: on}]}\nmodel_routes: {'*haiku*': [{provider: loose}]}\n");
    assert_eq!(unused(&routed), None);
}
