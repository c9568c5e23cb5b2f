//! Which texts are no credentials, and what goes where it was not made for.

use std::path::Path;

use super::*;

#[test]
fn what_examples_write_in_place_of_a_key_is_recognised() {
    let examples = [
        "sk-...",
        "sk-ant-...",
        "sk-ant-…",
        "your-key",
        "YOUR_API_KEY",
        "<your-token>",
        "changeme",
        "change-me",
        "xxx",
        "sk-xxxxxxxx",
        "sk-ant-XXXX",
        "***",
        "<key>",
        "api-key-here",
        "REPLACE_ME",
        "$ANTHROPIC_API_KEY",
        "proxy-managed",
        "none",
        "placeholder",
    ];
    for example in examples {
        assert!(placeholder(example).is_some(), "{example}");
    }
}

#[test]
fn keys_that_only_look_odd_are_left_alone() {
    for key in ["k", "sk-ant-api03-Xx9", "abc.def.ghi", "team-xx", "sk-or-v1-0a1b", "pass", "box-taxx"] {
        assert_eq!(placeholder(key), None, "{key}");
        assert_eq!(garbled(key), None, "{key}");
    }
}

#[test]
fn what_copying_adds_to_a_key_is_recognised() {
    for (key, word) in [("\"sk-1\"", "quote"), ("'sk-1", "quote"), ("sk 1", "blank"), ("Bearer sk-1", "Bearer")] {
        assert!(garbled(key).is_some_and(|what| what.contains(word)), "{key}");
    }
}

#[test]
fn a_key_of_anthropics_belongs_to_anthropic_and_no_other_does() {
    let at = |key, url| misplaced("one", key, &Place::of(url).unwrap()).is_some();
    assert!(at("sk-ant-api03-a", "https://relay.example"));
    assert!(at("sk-ant-api03-a", "https://anthropic.com.example"));
    assert!(at("sk-relay", "https://api.anthropic.com"));
    assert!(!at("sk-ant-api03-a", "https://api.anthropic.com"));
    assert!(!at("sk-relay", "https://relay.example"));
}

#[test]
fn the_command_that_sets_a_key_names_a_variable_that_a_shell_takes() {
    assert_eq!(set_key("relay"), "qcc config set providers.relay.auth_value '${RELAY_API_KEY}'");
    assert_eq!(set_key("9 lives"), "qcc config set 'providers.9 lives.auth_value' '${_9_LIVES_API_KEY}'");
}

#[test]
fn only_a_variable_with_something_in_it_counts_as_given() {
    assert!(is_entry(b"KEY=value", "KEY"));
    assert!(!is_entry(b"KEY=", "KEY"));
    assert!(!is_entry(b"KEYS=value", "KEY"));
    assert!(!is_entry(b"MY_KEY=value", "KEY"));
}

#[test]
fn providers_with_one_key_at_one_host_are_one_account() {
    let text = "
providers:
  - {name: a, base_url: 'https://relay.example/v1', auth_value: same}
  - {name: b, base_url: 'https://RELAY.example:443/other', auth_type: auth_token, auth_value: same}
  - {name: c, base_url: 'https://relay.example', auth_value: own}
  - {name: d, base_url: 'https://other.example', auth_value: same}
";
    let loaded = qcc_config::parse(text, Path::new("config.yaml"), &|_| None).unwrap();
    let keyed: Vec<(&Provider, &Secret)> =
        loaded.config.providers.iter().filter_map(|provider| Some((provider, key_of(provider)?))).collect();
    let messages: Vec<String> = shared(&keyed).into_iter().map(|finding| finding.message).collect();
    assert_eq!(messages, ["a and b are one account: same key, same host"]);
}
