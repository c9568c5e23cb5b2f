//! Which rule says whom to ask for a model, and under which name.

use std::path::Path;

use super::*;

const FILE: &str = "
providers:
  - {name: official, base_url: 'https://one.example', auth_value: k}
  - {name: open, type: openai, base_url: 'https://two.example', auth_value: k,
     models: {'*opus*': big, 'routed-*': renamed, 'kept': passthrough}}
  - {name: off, base_url: 'https://three.example', auth_value: k, enabled: false}
";

const PROFILES: &str = "
profiles:
  main: {tier: primary, endpoints: [{provider: official}, {provider: off}]}
  spare: {tier: secondary, endpoints: [{provider: open}]}
";

fn config(parts: &[&str]) -> Config {
    qcc_config::parse(&parts.concat(), Path::new("t"), &|_| None).unwrap_or_else(|error| panic!("{error}")).config
}

/// `provider:name sent:entry` of each candidate.
fn told(asked: &Asked<'_>) -> Vec<String> {
    let entry = |candidate: &Candidate<'_>| candidate.entry.unwrap_or("-").to_owned();
    asked.candidates.iter().map(|one| format!("{}:{}:{}", one.provider, one.sent, entry(one))).collect()
}

#[test]
fn without_profiles_all_enabled_providers_are_asked_in_file_order_under_their_own_names() {
    let config = config(&[FILE]);
    let mapping = Mapping::new(&config, None);
    let asked = mapping.of("claude-opus-5");
    assert_eq!(asked.way, Way::Profiles(Vec::new()));
    assert_eq!(told(&asked), ["official:claude-opus-5:-", "open:big:*opus*"]);
    assert_eq!(asked.candidates.iter().map(|one| one.dialect).collect::<Vec<_>>(), ["anthropic", "openai"]);
}

#[test]
fn profiles_are_asked_by_tier_and_a_pinned_one_first() {
    let config = config(&[FILE, PROFILES]);
    assert_eq!(Mapping::new(&config, None).without_route(), Way::Profiles(vec!["main", "spare"]));
    let mapping = Mapping::new(&config, Some("spare"));
    let asked = mapping.of("claude-opus-5");
    assert_eq!(asked.way, Way::Profiles(vec!["spare", "main"]));
    assert_eq!(told(&asked), ["open:big:*opus*", "official:claude-opus-5:-"]);
    let profiles: Vec<_> = asked.candidates.iter().map(|one| one.profile).collect();
    assert_eq!(profiles, [Some("spare"), Some("main")]);
    assert_eq!(Mapping::new(&config, Some("nobody")).without_route(), Way::Profiles(vec!["main", "spare"]));
}

#[test]
fn the_most_specific_route_wins_and_its_name_goes_through_the_providers_table() {
    let routes = "
model_routes:
  '*': [{provider: official}]
  'claude-*': [{provider: open, model: routed-a}, {provider: open, model: kept, priority: 0}, {profile: main, priority: 2}]
";
    let config = config(&[FILE, PROFILES, routes]);
    let mapping = Mapping::new(&config, None);
    assert_eq!(mapping.routes().map(|route| route.glob.as_str()).collect::<Vec<_>>(), ["claude-*", "*"]);
    let asked = mapping.of("Claude-Haiku-5");
    assert_eq!(asked.way, Way::Route("claude-*"));
    assert_eq!(told(&asked), ["open:kept:kept", "open:renamed:routed-*", "official:Claude-Haiku-5:-"]);
    assert_eq!(asked.candidates.iter().map(|one| one.routed).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_route_that_stands_in_is_told_as_such() {
    let routes = "model_routes: {'*sonnet*': [{provider: official}], 'x': [{provider: off}]}";
    let config = config(&[FILE, routes]);
    let mapping = Mapping::new(&config, None);
    assert_eq!(mapping.of("claude-sonnet-5").way, Way::Route("*sonnet*"));
    assert_eq!(mapping.of("gpt-5").way, Way::StandIn("*sonnet*"));
    assert_eq!(mapping.without_route(), Way::StandIn("*sonnet*"));
    assert_eq!(mapping.of("x"), Asked { way: Way::Route("x"), candidates: Vec::new() });
    assert_eq!(mapping.left_out().collect::<Vec<_>>(), ["off"]);
}
