//! Which variables are set for which configuration and which settings, and which credential never strays.

use std::path::Path;

use super::*;

const URL: &str = "http://127.0.0.1:7860";
const POOLED: &str = "{name: relay, base_url: 'https://relay.example', auth_value: k}";
const PASSING: &str = "{name: official, base_url: 'https://api.anthropic.com', auth_type: passthrough}";

fn wish_in(providers: &[&str], rest: &str, settings: &str, shell: &[(&str, &str)]) -> Result<Wish, Refusal> {
    let text = format!("providers: [{}]\n{rest}\n", providers.join(", "));
    let config = qcc_config::parse(&text, Path::new("config.yaml"), &|_| None).unwrap().config;
    let settings = Settings::read(settings.as_bytes()).unwrap_or_else(|fault| panic!("{fault:?}"));
    let lookup = |name: &str| shell.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    wish(&config, URL, &settings, &lookup)
}

/// What is set, but for the address.
fn set(providers: &[&str], rest: &str, settings: &str) -> String {
    let wish = wish_in(providers, rest, settings, &[]).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let others = wish.keys.iter().skip(1);
    let shown = others.map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("(out)")));
    shown.collect::<Vec<_>>().join(" ")
}

fn refused(providers: &[&str], settings: &str) -> String {
    let refusal = wish_in(providers, "", settings, &[]).err().unwrap();
    format!("{} / {}", refusal.message, refusal.hint)
}

#[test]
fn a_gateway_with_its_own_keys_stands_in_with_a_token_which_raises_no_question() {
    assert_eq!(set(&[POOLED], "", "{}"), "ANTHROPIC_AUTH_TOKEN=proxy-managed ENABLE_TOOL_SEARCH=true");
    let with_key = set(&[POOLED], "proxy: {client_keys: [sesame]}", "{}");
    assert_eq!(with_key, "ANTHROPIC_AUTH_TOKEN=sesame ENABLE_TOOL_SEARCH=true");
}

#[test]
fn a_credential_for_another_address_is_taken_out_with_it() {
    let relay = r#"{"env": {"ANTHROPIC_BASE_URL": "https://other.example", "ANTHROPIC_API_KEY": "sk-other"}}"#;
    assert_eq!(
        set(&[POOLED], "", relay),
        "ANTHROPIC_AUTH_TOKEN=proxy-managed ANTHROPIC_API_KEY=(out) ENABLE_TOOL_SEARCH=true"
    );
    assert_eq!(
        set(&[POOLED, PASSING], "", relay),
        "ANTHROPIC_AUTH_TOKEN=proxy-managed ANTHROPIC_API_KEY=(out) ENABLE_TOOL_SEARCH=true"
    );
}

#[test]
fn where_one_provider_takes_the_own_credential_it_stays_beside_the_stand_in() {
    let key = r#"{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine"}}"#;
    assert_eq!(set(&[POOLED, PASSING], "", key), "ANTHROPIC_AUTH_TOKEN=proxy-managed ENABLE_TOOL_SEARCH=true");
    let token = r#"{"env": {"ANTHROPIC_AUTH_TOKEN": "mine"}}"#;
    assert_eq!(set(&[POOLED, PASSING], "", token), "ANTHROPIC_API_KEY=proxy-managed ENABLE_TOOL_SEARCH=true");
    let notes = wish_in(&[POOLED, PASSING], "", token, &[]).unwrap_or_else(|_| panic!()).notes;
    assert!(notes.iter().any(|note| note.contains("ask once")), "{notes:?}");
}

#[test]
fn where_only_the_own_credential_goes_through_none_is_set_over_it() {
    assert_eq!(set(&[PASSING], "", "{}"), "ENABLE_TOOL_SEARCH=true");
    let key = r#"{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine"}}"#;
    assert_eq!(set(&[PASSING], "", key), "ENABLE_TOOL_SEARCH=true");
    let stand_in = r#"{"env": {"ANTHROPIC_API_KEY": "proxy-managed"}}"#;
    assert_eq!(set(&[PASSING], "", stand_in), "ANTHROPIC_API_KEY=(out) ENABLE_TOOL_SEARCH=true");
}

#[test]
fn beside_the_own_credential_the_client_key_takes_the_other_header() {
    let keyed = "proxy: {client_keys: [sesame]}";
    let key = r#"{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine"}}"#;
    assert_eq!(set(&[PASSING], keyed, key), "ANTHROPIC_AUTH_TOKEN=sesame ENABLE_TOOL_SEARCH=true");
    let headers = r#"{"env": {"ANTHROPIC_CUSTOM_HEADERS": "x-a: b"}}"#;
    assert_eq!(
        set(&[PASSING], keyed, headers),
        "ANTHROPIC_CUSTOM_HEADERS=x-a: b\nx-api-key: sesame ENABLE_TOOL_SEARCH=true"
    );
    let in_shell = wish_in(&[PASSING], keyed, "{}", &[("ANTHROPIC_API_KEY", "sk-ant-mine")]);
    assert!(in_shell.is_ok_and(|wish| wish.keys.iter().any(|(name, _)| name == "ANTHROPIC_AUTH_TOKEN")));
}

#[test]
fn a_credential_is_not_handed_to_a_provider_that_it_is_not_for() {
    let relay = r#"{"env": {"ANTHROPIC_BASE_URL": "https://other.example/v1", "ANTHROPIC_AUTH_TOKEN": "sk-other"}}"#;
    insta::assert_snapshot!(refused(&[PASSING], relay), @"the settings hold ANTHROPIC_AUTH_TOKEN for other.example:443, and official would be given it / make that address a provider with its key: `qcc add NAME --base-url URL --auth-type auth_token --api-key -`");
    let helper = r#"{"apiKeyHelper": "pass show x", "env": {"ANTHROPIC_BASE_URL": "https://other.example"}}"#;
    insta::assert_snapshot!(refused(&[POOLED, PASSING], helper), @"the settings hold apiKeyHelper for other.example:443, and official would be given it / make that address a provider with its key: `qcc add NAME --base-url URL --auth-type auth_token --api-key -`");
    let local = r#"{"env": {"ANTHROPIC_BASE_URL": "http://localhost:4000", "ANTHROPIC_API_KEY": "sk-local"}}"#;
    insta::assert_snapshot!(refused(&[PASSING], local), @"the settings hold ANTHROPIC_API_KEY for localhost:4000, and official would be given it / take ANTHROPIC_API_KEY out of the settings, or give official a key of its own");
}

#[test]
fn a_credential_for_anthropic_may_go_to_anthropic() {
    let home = r#"{"env": {"ANTHROPIC_BASE_URL": "https://api.anthropic.com/", "ANTHROPIC_API_KEY": "sk-ant"}}"#;
    assert_eq!(set(&[PASSING], "", home), "ENABLE_TOOL_SEARCH=true");
    let other_gateway =
        r#"{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "proxy-managed"}}"#;
    assert_eq!(set(&[PASSING], "", other_gateway), "ANTHROPIC_AUTH_TOKEN=(out) ENABLE_TOOL_SEARCH=true");
}

#[test]
fn a_program_that_gives_the_key_is_named_with_who_gets_it() {
    let helper = r#"{"apiKeyHelper": "pass show x"}"#;
    let notes = |providers: &[&str]| wish_in(providers, "", helper, &[]).unwrap_or_else(|_| panic!()).notes.join("\n");
    assert!(notes(&[POOLED]).contains("qcc passes it to no provider"), "{}", notes(&[POOLED]));
    assert!(notes(&[POOLED, PASSING]).contains("qcc passes it to official alone"));
}

#[test]
fn choices_that_serve_as_well_are_left_alone() {
    let chosen = r#"{"env": {"ENABLE_TOOL_SEARCH": "auto:5", "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "900000"}}"#;
    let patient = "timeouts: {stall: 10m}";
    assert_eq!(set(&[POOLED], patient, chosen), "ANTHROPIC_AUTH_TOKEN=proxy-managed");
    let short = r#"{"env": {"ENABLE_TOOL_SEARCH": "auto:5", "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1000"}}"#;
    assert_eq!(
        set(&[POOLED], patient, short),
        "ANTHROPIC_AUTH_TOKEN=proxy-managed CLAUDE_STREAM_IDLE_TIMEOUT_MS=660000"
    );
}
