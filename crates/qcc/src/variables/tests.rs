//! Which variables are set for which configuration, and that every shell reads back what was meant.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use qcc_config::env_of;

use super::*;

const URL: &str = "http://127.0.0.1:7860";
const POOLED: &str = "{name: relay, type: anthropic, base_url: 'https://relay.example', auth_value: k}";
const OWN: &str = "{name: official, type: anthropic, base_url: 'https://api.anthropic.com', auth_type: passthrough}";

fn config(providers: &[&str], rest: &str) -> Config {
    let text = format!("providers: [{}]\n{rest}\n", providers.join(", "));
    qcc_config::parse(&text, Path::new("config.yaml"), &|_| None).unwrap().config
}

fn names(variables: &Variables) -> Vec<&str> {
    variables.plain.iter().map(|(name, _)| *name).collect()
}

fn child(variables: &Variables, current: &[(&str, &str)]) -> BTreeMap<&'static str, String> {
    let current: BTreeMap<String, String> =
        current.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.for_child(&env_of(&current)).into_iter().collect()
}

#[test]
fn a_gateway_with_its_own_keys_manages_the_credential() {
    let variables = Variables::new(&config(&[POOLED], ""), URL);
    assert_eq!(names(&variables), ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ENABLE_TOOL_SEARCH"]);
    assert_eq!(variables.plain[1].1, "proxy-managed");
    assert!(variables.notes.is_empty());
}

#[test]
fn where_only_the_own_credential_goes_through_none_is_set_over_it() {
    let variables = Variables::new(&config(&[OWN], ""), URL);
    assert_eq!(names(&variables), ["ANTHROPIC_BASE_URL", "ENABLE_TOOL_SEARCH"]);
    assert_eq!(variables.notes.len(), 1);
}

#[test]
fn a_passthrough_provider_beside_others_is_named() {
    let variables = Variables::new(&config(&[POOLED, OWN], ""), URL);
    assert!(names(&variables).contains(&"ANTHROPIC_API_KEY"));
    assert!(variables.notes[0].starts_with("official: "));
}

#[test]
fn a_provider_of_another_dialect_is_not_given_claudes_credential() {
    let openai =
        "{name: open, type: openai, base_url: 'https://open.example', auth_type: passthrough, allow_passthrough: true}";
    let variables = Variables::new(&config(&[POOLED, openai], ""), URL);
    assert!(names(&variables).contains(&"ANTHROPIC_API_KEY") && variables.notes.is_empty(), "{variables:?}");
    let variables = Variables::new(&config(&[openai], ""), URL);
    assert!(names(&variables).contains(&"ANTHROPIC_API_KEY") && !variables.own_credential);
}

#[test]
fn a_gateway_more_patient_than_the_client_makes_the_client_patient() {
    let set = |rest| {
        Variables::new(&config(&[POOLED], rest), URL)
            .plain
            .into_iter()
            .find(|(name, _)| *name == "CLAUDE_STREAM_IDLE_TIMEOUT_MS")
    };
    assert_eq!(set("timeouts: {stall: 299s}"), None);
    assert_eq!(set("timeouts: {stall: 10m}").unwrap().1, "660000");
    assert_eq!(set("timeouts: {stall: 0s}").unwrap().1, "86400000");
}

#[test]
fn a_client_key_is_given_to_the_child_and_not_shown() {
    let variables = Variables::new(&config(&[POOLED], "proxy: {client_keys: [sesame]}"), URL);
    assert!(!format!("{:?}", variables.plain).contains("sesame"));
    assert!(!names(&variables).contains(&"ANTHROPIC_API_KEY"));
    assert_eq!(child(&variables, &[])["ANTHROPIC_API_KEY"], "sesame");
}

#[test]
fn beside_the_own_credential_the_client_key_takes_the_other_header() {
    let variables = Variables::new(&config(&[OWN], "proxy: {client_keys: [sesame]}"), URL);
    let with_key = child(&variables, &[("ANTHROPIC_API_KEY", "mine")]);
    assert_eq!(with_key["ANTHROPIC_AUTH_TOKEN"], "sesame");
    assert!(!with_key.contains_key("ANTHROPIC_API_KEY"));
    let logged_in = child(&variables, &[("ANTHROPIC_CUSTOM_HEADERS", "x-a: b")]);
    assert_eq!(logged_in["ANTHROPIC_CUSTOM_HEADERS"], "x-a: b\nx-api-key: sesame");
}

#[test]
fn plain_values_are_not_quoted() {
    assert_eq!(Shell::Bash.export("A", URL), "export A=http://127.0.0.1:7860");
    assert_eq!(Shell::Zsh.export("A", ""), "export A=''");
}

#[test]
fn every_shell_has_its_own_quoting() {
    let value = r#"it's 5% "\x" $HOME"#;
    assert_eq!(Shell::Bash.export("A", value), r#"export A='it'\''s 5% "\x" $HOME'"#);
    assert_eq!(Shell::Fish.export("A", value), r#"set -gx A 'it\'s 5% "\\x" $HOME'"#);
    assert_eq!(Shell::Powershell.export("A", value), r#"$Env:A = 'it''s 5% "\x" $HOME'"#);
    assert_eq!(Shell::Cmd.export("A", value), r#"set "A=it's 5%% "\x" $HOME""#);
    assert_eq!(Shell::Nu.export("A", value), r#"$env.A = "it's 5% \"\\x\" $HOME""#);
}

#[test]
fn the_bourne_shell_reads_back_what_was_meant() {
    let value = "a'b \"c\" $(echo no) `no` \\ * \n end";
    let script = format!("{}\nprintf %s \"$A\"", Shell::Bash.export("A", value));
    let read_back = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(read_back).unwrap(), value);
}

#[test]
fn the_shell_is_found_by_its_path() {
    let found = ["/usr/bin/zsh", "/opt/fish", "/bin/dash", "", "/usr/bin/nu"].map(Shell::from_path);
    assert_eq!(found, [Shell::Zsh, Shell::Fish, Shell::Bash, Shell::Bash, Shell::Nu]);
}
