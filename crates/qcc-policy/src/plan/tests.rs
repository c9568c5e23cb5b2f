//! Order of profiles and routes, the choice of a route, and the glob.

use super::*;
use crate::Reason;
use crate::testing::{secs, start};

fn provider(n: u32) -> PlanProvider {
    PlanProvider { id: ProviderId(n), enabled: true }
}

fn endpoint(n: u32, priority: u32) -> PlanEndpoint {
    PlanEndpoint { provider: ProviderId(n), priority, weight: 100, enabled: true }
}

fn profile(tier: Option<Tier>, endpoints: &[PlanEndpoint]) -> PlanProfile {
    PlanProfile { tier, strategy: Strategy::Priority, key: 0, endpoints: endpoints.to_vec() }
}

fn to_provider(n: u32, model: Option<&str>, priority: u32) -> PlanCandidate {
    PlanCandidate { target: PlanTarget::Provider(ProviderId(n)), model: model.map(Arc::from), priority }
}

fn to_profile(place: usize, model: Option<&str>, priority: u32) -> PlanCandidate {
    PlanCandidate { target: PlanTarget::Profile(place), model: model.map(Arc::from), priority }
}

fn route(glob: &str, candidates: &[PlanCandidate]) -> PlanRoute {
    PlanRoute { glob: glob.to_owned(), candidates: candidates.to_vec() }
}

fn five() -> Vec<PlanProvider> {
    (0..5).map(provider).collect()
}

fn ids(input: &PlanInput, model: &str) -> Vec<u32> {
    let plan = Router::new(input).plan(model);
    plan.candidates.iter().map(|candidate| candidate.provider.0).collect()
}

fn routed(routes: &[PlanRoute]) -> PlanInput {
    PlanInput { providers: five(), routes: routes.to_vec(), ..PlanInput::default() }
}

#[test]
fn without_profiles_the_enabled_providers_are_taken_in_file_order() {
    let mut input = PlanInput { providers: five(), ..PlanInput::default() };
    input.providers[1].enabled = false;
    assert_eq!(ids(&input, "any"), [0, 2, 3, 4]);
}

#[test]
fn profiles_that_name_nobody_yet_change_nothing() {
    let profiles = vec![profile(Some(Tier::Primary), &[]), profile(None, &[])];
    let input = PlanInput { providers: five(), profiles, ..PlanInput::default() };
    assert_eq!(ids(&input, "any"), [0, 1, 2, 3, 4]);
}

#[test]
fn tiers_come_in_order_and_profiles_of_one_tier_in_file_order() {
    let input = PlanInput {
        providers: five(),
        profiles: vec![
            profile(Some(Tier::Fallback), &[endpoint(4, 1)]),
            profile(Some(Tier::Primary), &[endpoint(2, 1)]),
            profile(Some(Tier::Secondary), &[endpoint(3, 1)]),
            profile(Some(Tier::Primary), &[endpoint(1, 1)]),
        ],
        ..PlanInput::default()
    };
    assert_eq!(ids(&input, "any"), [2, 1, 3, 4]);
}

#[test]
fn within_a_profile_lower_numbers_come_first_and_equal_ones_in_file_order() {
    let endpoints = [endpoint(3, 2), endpoint(0, 5), endpoint(2, 1), endpoint(1, 2)];
    let input = PlanInput {
        providers: five(),
        profiles: vec![profile(Some(Tier::Primary), &endpoints)],
        ..PlanInput::default()
    };
    assert_eq!(ids(&input, "any"), [2, 3, 1, 0]);
}

#[test]
fn a_profile_without_a_tier_takes_no_part_unless_none_has_one() {
    let mut input = PlanInput {
        providers: five(),
        profiles: vec![profile(None, &[endpoint(0, 1)]), profile(Some(Tier::Secondary), &[endpoint(1, 1)])],
        ..PlanInput::default()
    };
    assert_eq!(ids(&input, "any"), [1]);
    input.profiles[1].tier = None;
    assert_eq!(ids(&input, "any"), [0, 1]);
}

#[test]
fn a_disabled_endpoint_provider_or_an_unknown_one_is_left_out() {
    let mut disabled = endpoint(1, 1);
    disabled.enabled = false;
    let endpoints = [endpoint(0, 1), disabled, endpoint(2, 1), endpoint(77, 1)];
    let mut input = PlanInput {
        providers: five(),
        profiles: vec![profile(Some(Tier::Primary), &endpoints)],
        routes: vec![route("x", &[to_provider(0, None, 1), to_provider(3, None, 1), to_profile(9, None, 1)])],
        ..PlanInput::default()
    };
    input.providers[0].enabled = false;
    assert_eq!(ids(&input, "any"), [2]);
    assert_eq!(ids(&input, "x"), [3]);
}

#[test]
fn a_provider_in_two_profiles_is_tried_once_at_its_better_place() {
    let input = PlanInput {
        providers: five(),
        profiles: vec![
            profile(Some(Tier::Primary), &[endpoint(0, 1), endpoint(1, 2)]),
            profile(Some(Tier::Secondary), &[endpoint(1, 1), endpoint(2, 1), endpoint(0, 1)]),
        ],
        ..PlanInput::default()
    };
    assert_eq!(ids(&input, "any"), [0, 1, 2]);
}

#[test]
fn a_route_orders_by_priority_and_names_the_model() {
    let input = routed(&[route(
        "*haiku*",
        &[to_provider(3, Some("b"), 2), to_provider(1, None, 1), to_provider(3, Some("a"), 2)],
    )]);
    let plan = Router::new(&input).plan("claude-haiku-4-5");
    let found: Vec<(u32, Option<&str>)> = plan.candidates.iter().map(|c| (c.provider.0, c.model.as_deref())).collect();
    assert_eq!(found, [(1, None), (3, Some("b")), (3, Some("a"))]);
    assert_eq!(plan.warning, None);
}

#[test]
fn a_profile_in_a_route_expands_in_place_with_the_routes_model() {
    let input = PlanInput {
        providers: five(),
        profiles: vec![profile(None, &[endpoint(2, 9), endpoint(1, 1)])],
        routes: vec![route(
            "*",
            &[
                to_provider(0, None, 1),
                to_profile(0, Some("m"), 2),
                to_provider(1, Some("m"), 3),
                to_provider(4, None, 3),
            ],
        )],
        ..PlanInput::default()
    };
    let plan = Router::new(&input).plan("x");
    let found: Vec<(u32, Option<&str>)> = plan.candidates.iter().map(|c| (c.provider.0, c.model.as_deref())).collect();
    assert_eq!(found, [(0, None), (1, Some("m")), (2, Some("m")), (4, None)]);
}

#[test]
fn the_route_with_the_most_literal_characters_wins_then_file_order() {
    let input = routed(&[
        route("*", &[to_provider(0, None, 1)]),
        route("claude-*", &[to_provider(1, None, 1)]),
        route("*-opus*", &[to_provider(2, None, 1)]),
        route("????-????", &[to_provider(3, None, 1)]),
        route("*claude*", &[to_provider(4, None, 1)]),
    ]);
    assert_eq!(ids(&input, "claude-opus-4"), [1]);
    assert_eq!(ids(&input, "claudia-opus"), [2]);
    assert_eq!(ids(&input, "qwen-opus"), [2]);
    assert_eq!(ids(&input, "qwen-plus"), [3]);
    assert_eq!(ids(&input, "my-claude"), [4]);
    assert_eq!(ids(&input, "other"), [0]);
    let tie = routed(&[route("a*", &[to_provider(1, None, 1)]), route("*b", &[to_provider(2, None, 1)])]);
    assert_eq!(ids(&tie, "ab"), [1]);
}

#[test]
fn profiles_are_not_tried_where_a_route_matches_even_an_empty_one() {
    let input = PlanInput {
        providers: five(),
        profiles: vec![profile(Some(Tier::Primary), &[endpoint(0, 1)])],
        routes: vec![route("gpt*", &[]), route("o3", &[to_provider(1, None, 1)])],
        ..PlanInput::default()
    };
    assert_eq!(ids(&input, "GPT-5"), [0; 0]);
    assert_eq!(ids(&input, "o3"), [1]);
    assert_eq!(ids(&input, "claude"), [0]);
}

#[test]
fn a_model_without_a_route_takes_the_sonnet_route_and_says_so() {
    let opus = route("*opus*", &[to_provider(1, None, 1)]);
    let sonnet = route("*Sonnet*", &[to_provider(2, None, 1)]);
    let plan = Router::new(&routed(&[opus.clone(), sonnet])).plan("claude-5");
    assert_eq!(plan.candidates[0].provider, ProviderId(2));
    assert_eq!(plan.warning, Some(Warning::StandIn { glob: Arc::from("*Sonnet*") }));
    let plan = Router::new(&routed(&[opus])).plan("claude-5");
    assert_eq!(plan.candidates[0].provider, ProviderId(1));
    assert!(plan.warning.is_some());
}

#[test]
fn a_model_without_a_route_goes_to_the_profiles_where_nothing_stands_in() {
    let input = routed(&[route("*haiku*", &[to_provider(4, None, 1)])]);
    let plan = Router::new(&input).plan("claude-5");
    assert_eq!(plan.candidates.len(), 5);
    assert_eq!(plan.warning, None);
}

#[test]
fn globs_match_whole_names_in_either_case() {
    let table = [
        ("*", "", true),
        ("*", "anything", true),
        ("", "", true),
        ("", "a", false),
        ("?", "", false),
        ("?", "é", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*haiku*", "Claude-HAIKU-4", true),
        ("*haiku", "claude-haiku-4", false),
        ("haiku*", "claude-haiku", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("*a*a*a", "aa", false),
        ("**b", "ab", true),
        ("[a]*", "[A]x", true),
        ("[a]", "a", false),
        ("Ä*", "äb", true),
        ("a*", "b", false),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
    }
}

#[test]
fn a_glob_full_of_stars_ends_on_a_long_hostile_name() {
    let pattern = "*a".repeat(30) + "b";
    assert!(!Glob::new(&pattern).matches(&"a".repeat(5000)));
}

/// Two primaries, a secondary, one without a tier, one without endpoints: places 0 to 4.
fn tiers() -> PlanInput {
    PlanInput {
        providers: five(),
        profiles: vec![
            profile(Some(Tier::Primary), &[endpoint(0, 1)]),
            profile(Some(Tier::Primary), &[endpoint(1, 1)]),
            profile(Some(Tier::Secondary), &[endpoint(2, 1), endpoint(0, 2)]),
            profile(None, &[endpoint(3, 1)]),
            profile(Some(Tier::Primary), &[]),
        ],
        ..PlanInput::default()
    }
}

fn pinned(place: usize) -> PlanInput {
    PlanInput { pinned: Some(place), ..tiers() }
}

fn staying(input: PlanInput) -> PlanInput {
    PlanInput { auto: false, ..input }
}

#[test]
fn a_pinned_profile_goes_before_all_tiers_and_each_provider_is_still_tried_once() {
    assert_eq!(ids(&pinned(2), "any"), [2, 0, 1]);
    assert_eq!(ids(&pinned(1), "any"), [1, 0, 2]);
}

#[test]
fn a_pin_reaches_a_profile_without_a_tier() {
    assert_eq!(ids(&pinned(3), "any"), [3, 0, 1, 2]);
}

#[test]
fn a_pin_without_usable_endpoints_is_skipped() {
    assert_eq!(ids(&pinned(4), "any"), ids(&tiers(), "any"));
    assert_eq!(ids(&pinned(77), "any"), ids(&tiers(), "any"));
    let mut disabled = pinned(3);
    disabled.providers[3].enabled = false;
    assert_eq!(ids(&disabled, "any"), ids(&tiers(), "any"));
}

#[test]
fn a_pin_changes_no_route() {
    let mut input = pinned(2);
    input.routes = vec![route("claude*", &[to_provider(4, None, 1), to_profile(3, None, 2)])];
    assert_eq!(ids(&input, "claude"), [4, 3]);
    assert_eq!(ids(&input, "gpt"), [2, 0, 1]);
}

#[test]
fn without_automatic_failover_only_the_first_usable_tier_is_tried() {
    assert_eq!(ids(&staying(tiers()), "any"), [0, 1]);
    let mut input = staying(tiers());
    input.providers[0].enabled = false;
    assert_eq!(ids(&input, "any"), [1]);
    input.providers[1].enabled = false;
    assert_eq!(ids(&input, "any"), [2], "nobody of the first tier can be asked at all");
    input.providers[2].enabled = false;
    assert_eq!(ids(&input, "any"), [0; 0]);
}

#[test]
fn without_automatic_failover_a_pinned_profile_is_not_left() {
    assert_eq!(ids(&staying(pinned(2)), "any"), [2, 0]);
    assert_eq!(ids(&staying(pinned(3)), "any"), [3]);
    assert_eq!(ids(&staying(pinned(4)), "any"), [0, 1], "a pin that is skipped leaves the tiers");
}

#[test]
fn without_profiles_there_is_no_tier_to_stay_in() {
    let input = staying(PlanInput { providers: five(), pinned: Some(0), ..PlanInput::default() });
    assert_eq!(ids(&input, "any"), [0, 1, 2, 3, 4]);
}

#[test]
fn a_candidate_says_in_whose_turn_it_comes() {
    let mut input = pinned(2);
    input.routes = vec![route("x", &[to_profile(2, None, 1)])];
    let turns = |model: &str| -> Vec<Option<usize>> {
        Router::new(&input).plan(model).candidates.iter().map(|candidate| candidate.profile).collect()
    };
    assert_eq!(turns("any"), [Some(2), Some(2), Some(1)]);
    assert_eq!(turns("x"), [None, None], "a route is nobody's turn");
}

/// Who leads while these are out: provider, reason, seconds.
fn leader(input: &PlanInput, out: &[(u32, Reason, u64)]) -> Option<(usize, bool)> {
    let start = start();
    let lead = Router::new(input).lead(&[], &mut |asked| {
        out.iter().find(|(id, ..)| *id == asked.0).map_or(Standing::Admissible, |(_, reason, seconds)| Standing::Out {
            until: start + secs(*seconds),
            reason: *reason,
        })
    });
    lead.map(|lead| (lead.profile, lead.admissible))
}

#[test]
fn the_profile_of_the_first_admissible_provider_leads() {
    assert_eq!(leader(&tiers(), &[]), Some((0, true)));
    assert_eq!(leader(&tiers(), &[(0, Reason::Fault, 60)]), Some((1, true)));
    assert_eq!(leader(&tiers(), &[(0, Reason::Fault, 60), (1, Reason::Quota, 60)]), Some((2, true)));
    assert_eq!(leader(&pinned(3), &[]), Some((3, true)));
    assert_eq!(leader(&pinned(3), &[(3, Reason::Throttled, 9)]), Some((0, true)));
}

#[test]
fn when_all_are_out_the_one_that_is_due_first_leads_unless_it_may_not_be_tried() {
    let out = |third| [(0, Reason::Fault, 60), (1, Reason::Fault, 50), (2, third, 40)];
    assert_eq!(leader(&tiers(), &out(Reason::Throttled)), Some((2, false)));
    assert_eq!(leader(&tiers(), &out(Reason::Credential)), Some((1, false)));
    let refused = [(0, Reason::Credential, 9), (1, Reason::Quota, 9), (2, Reason::Credential, 9)];
    assert_eq!(leader(&tiers(), &refused), None);
}

#[test]
fn nobody_leads_where_there_are_no_profiles_or_no_usable_ones() {
    assert_eq!(leader(&PlanInput { providers: five(), ..PlanInput::default() }, &[]), None);
    assert_eq!(leader(&PlanInput { providers: Vec::new(), ..tiers() }, &[]), None);
}

#[test]
fn a_profile_is_before_those_whose_turn_is_later() {
    let router = Router::new(&pinned(2));
    assert!(router.is_before(2, 1));
    assert!(!router.is_before(1, 2) && !router.is_before(2, 2));
    assert!(!router.is_before(2, 3) && !router.is_before(3, 2), "it never has a turn");
    assert!(!router.is_before(0, 1), "its only provider has its turn in the pinned profile");
}
