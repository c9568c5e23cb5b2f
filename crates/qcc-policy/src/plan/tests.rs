//! Order of profiles and routes, the choice of a route, and the glob.

use super::*;

fn provider(n: u32) -> PlanProvider {
    PlanProvider { id: ProviderId(n), enabled: true }
}

fn endpoint(n: u32, priority: u32) -> PlanEndpoint {
    PlanEndpoint { provider: ProviderId(n), priority, enabled: true }
}

fn profile(tier: Option<Tier>, endpoints: &[PlanEndpoint]) -> PlanProfile {
    PlanProfile { tier, endpoints: endpoints.to_vec() }
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
    PlanInput { providers: five(), profiles: Vec::new(), routes: routes.to_vec() }
}

#[test]
fn without_profiles_the_enabled_providers_are_taken_in_file_order() {
    let mut input = PlanInput { providers: five(), ..PlanInput::default() };
    input.providers[1].enabled = false;
    assert_eq!(ids(&input, "any"), [0, 2, 3, 4]);
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
        routes: Vec::new(),
    };
    assert_eq!(ids(&input, "any"), [2, 1, 3, 4]);
}

#[test]
fn within_a_profile_lower_numbers_come_first_and_equal_ones_in_file_order() {
    let endpoints = [endpoint(3, 2), endpoint(0, 5), endpoint(2, 1), endpoint(1, 2)];
    let input =
        PlanInput { providers: five(), profiles: vec![profile(Some(Tier::Primary), &endpoints)], routes: Vec::new() };
    assert_eq!(ids(&input, "any"), [2, 3, 1, 0]);
}

#[test]
fn a_profile_without_a_tier_takes_no_part_unless_none_has_one() {
    let mut input = PlanInput {
        providers: five(),
        profiles: vec![profile(None, &[endpoint(0, 1)]), profile(Some(Tier::Secondary), &[endpoint(1, 1)])],
        routes: Vec::new(),
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
        routes: Vec::new(),
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
