//! A providers.yaml of the Balancer keeps its meaning.

use std::time::Duration;

use qcc_config::{Auth, ColorChoice, Dialect, Level, RouteTarget};

use crate::{config, fault, loaded, notices};

const README: &str = include_str!("../../../../examples/providers.yaml");

#[test]
fn the_file_of_its_readme_loads_unchanged() {
    let loaded = loaded(README);
    let config = &loaded.config;
    let names: Vec<&str> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["Claude Code Official", "GAC", "AnyRouter", "OpenRouter"]);
    assert!(matches!(&config.providers[1].auth, Auth::ApiKey(key) if key.expose() == "your-api-key-here"));
    assert!(matches!(&config.providers[2].auth, Auth::Token(key) if key.expose() == "your-auth-token-here"));
    assert_eq!(config.providers[3].dialect, Dialect::Openai);
    let sonnet = &config.routes[0];
    assert_eq!(sonnet.glob, "*sonnet*");
    assert_eq!(sonnet.candidates[0].target, RouteTarget::Provider("GAC".to_owned()));
    assert_eq!(sonnet.candidates[0].model, None);
    assert_eq!(sonnet.candidates[2].model.as_deref(), Some("google/gemini-2.5-pro"));
    assert_eq!(sonnet.candidates.iter().map(|candidate| candidate.priority).collect::<Vec<_>>(), [1, 2, 3]);
    let settings = &config.settings;
    assert_eq!(settings.breaker.open_initial, Duration::from_secs(90));
    assert_eq!(settings.timeouts.response, Some(Duration::from_secs(40)));
    assert_eq!(settings.timeouts.first_byte, Some(Duration::from_secs(40)));
    assert_eq!(settings.logging.level, Level::Info);
    assert_eq!(settings.logging.color, ColorChoice::Auto);
    assert_eq!((settings.proxy.host.as_str(), settings.proxy.port), ("127.0.0.1", 8080));
    insta::assert_snapshot!(notices(&loaded));
}

#[test]
fn all_known_settings_are_moved_or_reported() {
    let loaded = loaded(
        "settings:
  selection_strategy: round_robin
  failure_cooldown: 300
  unhealthy_threshold: 2
  unhealthy_reset_on_success: true
  unhealthy_reset_timeout: 300
  reload: false
  reload_includes: ['*.py']
  timeouts:
    non_streaming: {connect_timeout: 30, read_timeout: 121, pool_timeout: 30}
    streaming: {connect_timeout: 31, read_timeout: 122, pool_timeout: 30}
    caching: {deduplication_timeout: 180}
  sticky_provider_duration: 300
  unhealthy_exception_patterns: [timeout]
  unhealthy_response_body_patterns: ['\"error\"']
  unhealthy_http_codes: [402, 403]
  log_level: WARNING
  log_color: false
  log_file_path: logs/logs.jsonl
  host: 0.0.0.0
  port: 9090
  app_name: Balancer
  app_version: 0.5.0
  auth: {enabled: true, api_key: '${KEY}', exempt_paths: [/health]}
  oauth: {enable_persistence: true, proxy: null}
  deduplication: {enabled: true, include_max_tokens_in_signature: false, sse_error_cleanup_delay: 3}
  testing: {simulate_delay: false}
  request_timeout: 40
  enable_deduplication: true
  cache_ttl: 3600
  cache_size_limit: 1000
",
    );
    let settings = &loaded.config.settings;
    assert_eq!(settings.timeouts.connect, Some(Duration::from_secs(31)));
    assert_eq!(settings.timeouts.first_byte, Some(Duration::from_secs(122)));
    assert_eq!(settings.timeouts.idle, Some(Duration::from_secs(122)));
    assert_eq!(settings.timeouts.response, Some(Duration::from_secs(121)));
    assert_eq!(settings.logging.level, Level::Warn);
    assert_eq!(settings.logging.color, ColorChoice::Never);
    assert_eq!(settings.proxy.client_keys[0].expose(), "value-of-KEY");
    insta::assert_snapshot!(notices(&loaded));
}

#[test]
fn a_key_of_qcc_wins_over_the_setting() {
    let loaded = loaded("breaker: {open_initial: 5s}\nsettings: {failure_cooldown: 90}\n");
    assert_eq!(loaded.config.settings.breaker.open_initial, Duration::from_secs(5));
    assert_eq!(notices(&loaded), "2: settings.failure_cooldown is ignored: breaker.open_initial is set and wins");
}

#[test]
fn seconds_may_be_fractions_and_zero_switches_off() {
    let settings = config("settings: {failure_cooldown: 1.5, request_timeout: 0}\n").settings;
    assert_eq!(settings.breaker.open_initial, Duration::from_millis(1500));
    assert_eq!(settings.timeouts.response, None);
}

#[test]
fn settings_are_checked_at_their_own_place() {
    let text = "settings:\n  failure_cooldown: 90s\n  request_timeout: -1\n  log_level: LOUD\n  port: 80000\n  host: 0.0.0.0\n  auth: {enabled: false, api_key: x}\n";
    insta::assert_snapshot!(fault(text));
}

#[test]
fn a_switched_off_access_key_is_not_asked_for() {
    assert!(config("settings: {auth: {enabled: false, api_key: x}}\n").settings.proxy.client_keys.is_empty());
}

#[test]
fn route_entries_can_be_switched_off() {
    let text = "model_routes:
  '*opus*':
    - {provider: anthropic, enabled: false, mode: burn}
    - {provider: anthropic, model: other, priority: 7}
  '*haiku*':
    - {provider: anthropic, enabled: false}
";
    let loaded = loaded(text);
    let routes = &loaded.config.routes;
    assert_eq!(routes.len(), 1);
    assert_eq!(routes[0].candidates.len(), 1);
    assert_eq!(routes[0].candidates[0].priority, 7);
    insta::assert_snapshot!(notices(&loaded));
}

#[test]
fn the_client_s_own_credential_may_be_asked_for_as_a_value() {
    let text = "providers:\n  - {name: a, base_url: https://api.anthropic.com, auth_type: api_key, auth_value: passthrough, streaming_mode: auto}\n";
    let loaded = loaded(text);
    assert_eq!(loaded.config.providers[0].auth, Auth::Passthrough);
    assert_eq!(notices(&loaded), "2: streaming_mode of `a` has no counterpart in qcc and is ignored");
}
