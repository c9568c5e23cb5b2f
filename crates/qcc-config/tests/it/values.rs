//! What valid files mean.

use std::time::Duration;

use proptest::prelude::*;
use qcc_config::{
    Auth, Capabilities, Dialect, Effort, Forced, Member, RouteTarget, Thinks, Tier, diff, implicit, is_loopback,
};

use crate::{attempt, config, loaded, notices, provider};

#[test]
fn no_file_and_an_empty_file_give_the_implicit_provider() {
    let implicit = implicit();
    assert_eq!(implicit.path, None);
    let only = &implicit.config.providers[0];
    assert_eq!((only.name.as_str(), only.base_url.as_str()), ("anthropic", "https://api.anthropic.com"));
    assert_eq!((only.dialect, &only.auth, only.enabled), (Dialect::Anthropic, &Auth::Passthrough, true));
    let files =
        ["", "\n", "# nothing\n", "{}", "---\n", "providers: []\n", "providers:\n", "\u{feff}# mark\n", "proxy:\n"];
    for text in files {
        assert_eq!(config(text), implicit.config, "{text:?}");
        assert_eq!(notices(&loaded(text)), "", "{text:?}");
    }
}

#[test]
fn the_implicit_provider_ends_when_the_file_names_one() {
    let names: Vec<String> = config(&provider("auth_value: x")).providers.into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["relay"]);
}

#[test]
fn the_implicit_provider_follows_the_global_timeouts() {
    let timeouts = config("timeouts: {total: 1m}\n").providers[0].timeouts;
    assert_eq!(timeouts.total, Some(Duration::from_mins(1)));
}

#[test]
fn durations_have_units_and_zero_is_off() {
    let total = |text: &str| config(&format!("timeouts: {{total: {text}}}\n")).settings.timeouts.total;
    for (text, time) in [
        ("1500ms", Duration::from_millis(1500)),
        ("90s", Duration::from_secs(90)),
        ("1.5m", Duration::from_secs(90)),
        ("2h", Duration::from_hours(2)),
        ("\"3d\"", Duration::from_hours(72)),
        ("10 s", Duration::from_secs(10)),
    ] {
        assert_eq!(total(text), Some(time), "{text}");
    }
    for text in ["0", "0s", "0ms", "0d", "'0'", "0.0h"] {
        assert_eq!(total(text), None, "{text}");
    }
    for text in ["90", "-1s", "1e3s", ".5s", "5.s", "1h30m", "s", "''", "1w", "NaNs", "infs", "99999999999999999999d"] {
        assert!(attempt(&format!("timeouts: {{total: {text}}}\n")).is_err(), "{text}");
    }
}

#[test]
fn sizes_have_units() {
    let size = |text: &str| config(&format!("logging: {{file_size: {text}}}\n")).settings.logging.file_size;
    for (text, bytes) in [
        ("10B", 10),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("1.5MiB", 1_572_864),
        ("2MB", 2_000_000),
        ("1GiB", 1 << 30),
        ("0", 0),
    ] {
        assert_eq!(size(text), bytes, "{text}");
    }
    for text in ["10", "10M", "-1B", "1TiB", "10mib", "9999999999GiB"] {
        assert!(attempt(&format!("logging: {{file_size: {text}}}\n")).is_err(), "{text}");
    }
}

#[test]
fn a_file_in_json_works() {
    let text = r#"{"providers": [{"name": "a", "base_url": "https://a.example/", "auth_value": "k"}],
	"proxy": {"port": 1, "client_keys": ["${KEY}"]}, "retry": {"jitter": 0.5}, "failover": {"auto": false}}"#;
    let config = config(text);
    assert_eq!(config.settings.proxy.port, 1);
    assert_eq!(config.settings.proxy.client_keys[0].expose(), "value-of-KEY");
    assert_eq!(config.providers[0].base_url, "https://a.example");
}

#[test]
fn variables_are_replaced_in_plain_and_quoted_text_and_inside_longer_text() {
    for (written, meant) in [
        ("${KEY}", "value-of-KEY"),
        ("\"${KEY}\"", "value-of-KEY"),
        ("'${KEY}'", "value-of-KEY"),
        ("a-${KEY}-${KEY}", "a-value-of-KEY-value-of-KEY"),
        ("$${KEY}", "${KEY}"),
        ("a$${KEY}${KEY}", "a${KEY}value-of-KEY"),
        ("$KEY", "$KEY"),
        ("0123", "0123"),
        ("1e5", "1e5"),
        ("\"null\"", "null"),
    ] {
        let config = config(&provider(&format!("auth_value: {written}")));
        assert!(matches!(&config.providers[0].auth, Auth::ApiKey(key) if key.expose() == meant), "{written}");
    }
}

#[test]
fn variables_are_replaced_in_addresses_headers_and_lists() {
    let text = "providers:
  - name: a
    base_url: https://${HOST}/v1/
    auth_value: x
    proxy: http://${KEY}:3128
    headers: {X-Team: '${KEY}!'}
proxy:
  host: ${HOST}
  client_keys: ['${KEY}']
  allowed_hosts: ['${HOST}:80']
  allowed_origins: ['https://${HOST}']
";
    let config = config(text);
    let provider = &config.providers[0];
    assert_eq!(provider.base_url, "https://relay.example/v1");
    assert_eq!(provider.proxy.as_ref().map(|proxy| proxy.expose()), Some("http://value-of-KEY:3128"));
    assert_eq!(provider.headers[0].0, "x-team");
    assert_eq!(provider.headers[0].1.expose(), "value-of-KEY!");
    let proxy = &config.settings.proxy;
    assert_eq!(proxy.host, "relay.example");
    assert_eq!(proxy.allowed_hosts, ["relay.example:80"]);
    assert_eq!(proxy.allowed_origins, ["https://relay.example"]);
}

#[test]
fn a_disabled_provider_needs_no_variables_and_no_files() {
    let more = "enabled: false\nauth_value: ${NOPE}\nca_file: nowhere.pem\nproxy: ${NOPE}\nheaders: {x-a: '${NOPE}'}";
    let config = config(&provider(more));
    assert!(!config.providers[0].enabled);
    let text = "providers:\n  - {name: a, base_url: '${NOPE}/v1', auth_value: '${file:nowhere}', enabled: no}\n";
    assert!(!crate::config(text).providers[0].enabled);
}

#[test]
fn base_urls_lose_trailing_slashes_and_nothing_else() {
    for (written, meant) in [
        ("https://a.example/", "https://a.example"),
        ("https://a.example/v1//", "https://a.example/v1"),
        ("HTTPS://A.example:8443/Path", "https://A.example:8443/Path"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("https://a.example/mail@home", "https://a.example/mail@home"),
    ] {
        let text = format!("providers: [{{name: a, base_url: '{written}', auth_value: x}}]\n");
        assert_eq!(config(&text).providers[0].base_url, meant);
    }
}

#[test]
fn the_client_s_credential_goes_only_to_anthropic_unless_allowed() {
    let passthrough = |url: &str, more: &str| {
        attempt(&format!("providers: [{{name: a, base_url: '{url}', auth_type: passthrough{more}}}]\n")).is_ok()
    };
    for url in ["https://api.anthropic.com", "https://API.Anthropic.com/v1", "https://eu.anthropic.com:443"] {
        assert!(passthrough(url, ""), "{url}");
    }
    for url in [
        "https://relay.example",
        "http://127.0.0.1:9",
        "https://api.anthropic.com.relay.example",
        "https://notanthropic.com",
        "https://relay.example/api.anthropic.com",
    ] {
        assert!(!passthrough(url, ""), "{url}");
        assert!(passthrough(url, ", allow_passthrough: true"), "{url}");
    }
}

#[test]
fn what_is_known_of_models_is_read_in_file_order() {
    let text = provider(concat!(
        "auth_value: x\n",
        "capabilities:\n",
        "  \"*mini*\": {context: 200000, max_output: 8192, images: false, forced_tools: without_thinking}\n",
        "  \"*\": {thinking: between_tools, efforts: [low, high], refused: [top_k, seed], drop_server_tools: yes}\n",
    ));
    let capabilities = config(&text).providers.remove(0).capabilities;
    let first = Capabilities {
        context: Some(200_000),
        max_output: Some(8_192),
        images: Some(false),
        forced_tools: Some(Forced::WithoutThinking),
        ..Capabilities::default()
    };
    let second = Capabilities {
        thinking: Some(Thinks::BetweenTools),
        efforts: Some(vec![Effort("low"), Effort("high")]),
        refused: vec![Member("top_k"), Member("seed")],
        drop_server_tools: Some(true),
        ..Capabilities::default()
    };
    assert_eq!(capabilities, [("*mini*".to_owned(), first), ("*".to_owned(), second)]);
}

#[test]
fn a_provider_of_which_something_else_is_known_is_another() {
    let with = |images: bool| config(&provider(&format!("auth_value: x\ncapabilities: {{m: {{images: {images}}}}}")));
    assert_eq!(diff(&with(true), &with(false)).changed, ["relay"]);
    assert!(diff(&with(true), &with(true)).is_empty());
}

#[test]
fn a_provider_s_timeouts_replace_the_global_ones_one_by_one() {
    let text = format!("{}timeouts: {{idle: 7s}}\n", provider("auth_value: x\ntimeouts: {first_byte: 3s, stall: 0}"));
    let timeouts = config(&text).providers[0].timeouts;
    assert_eq!(timeouts.first_byte, Some(Duration::from_secs(3)));
    assert_eq!(timeouts.stall, None);
    assert_eq!(timeouts.idle, Some(Duration::from_secs(7)));
    assert_eq!(timeouts.connect, Some(Duration::from_secs(10)));
}

#[test]
fn profiles_routes_and_models_keep_file_order() {
    let text = format!(
        "{}profiles:
  zulu: {{tier: fallback, description: last, endpoints: [{{provider: relay, weight: 5, priority: 9, enabled: false}}]}}
  alpha: {{}}
model_routes:
  'zz*': [{{profile: zulu, model: m}}, {{provider: relay}}]
  'aa*': [{{profile: alpha, priority: 0}}]
",
        provider("auth_value: x\nmodels: {z: y, a: b}")
    );
    let config = config(&text);
    assert_eq!(config.providers[0].models, [("z".to_owned(), "y".to_owned()), ("a".to_owned(), "b".to_owned())]);
    let names: Vec<&str> = config.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["zulu", "alpha"]);
    assert_eq!(config.profiles[0].tier, Some(Tier::Fallback));
    assert_eq!(config.profiles[0].description, "last");
    let endpoint = &config.profiles[0].endpoints[0];
    assert_eq!((endpoint.weight, endpoint.priority, endpoint.enabled), (5, 9, false));
    assert_eq!(config.routes[0].glob, "zz*");
    assert_eq!(config.routes[0].candidates[0].target, RouteTarget::Profile("zulu".to_owned()));
    assert_eq!(config.routes[0].candidates[1].priority, 1);
    assert_eq!(config.routes[1].candidates[0].priority, 0);
}

#[test]
fn keys_without_effect_yet_share_one_notice() {
    let text = format!(
        "{}profiles:\n  p: {{strategy: random, endpoints: [{{provider: relay, weight: 5}}, {{provider: other}}]}}
loadbalancer: {{strategy: latency}}
health: {{interval: 1m, model: auto}}
breaker: {{window: 1m, open_initial: 1m}}
failover: {{auto: true, recovery: true}}
queue: {{initial: 1s, max: 2s}}
storage: {{path: x.db, retention: 0}}
logging: {{bodies: true}}
",
        provider("type: openai\nauth_value: x\nlimits: {rpm: 1}\nhealth_model: m\n")
            + "  - {name: other, base_url: 'https://o.example', auth_value: x}\n"
    );
    insta::assert_snapshot!(notices(&loaded(&text)));
}

#[test]
fn loopback_names_are_recognised() {
    for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost", "::ffff:127.0.0.1"]
    {
        assert!(is_loopback(host), "{host}");
    }
    for host in ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com", "", "127.0.0.1.example.com"] {
        assert!(!is_loopback(host), "{host}");
    }
}

#[test]
fn a_reload_reports_what_changed() {
    let text =
        |rest: &str| format!("providers:\n  - {{name: a, base_url: 'https://a.example', auth_value: x}}\n{rest}");
    let b = "  - {name: b, base_url: 'https://b.example', auth_value: x}\n";
    let old = config(&text(b));
    assert!(diff(&old, &old).is_empty());
    let c = "  - {name: c, base_url: 'https://c.example', auth_value: x}\n";
    let moved = text(c).replace("auth_value: x}\n  - {name: c", "auth_value: other}\n  - {name: c");
    let new = config(&format!(
        "{moved}proxy: {{port: 1, host: '::1'}}\nretry: {{max_attempts: 2}}\nbreaker: {{open_initial: 0}}\n\
         failover: {{auto: false}}\nstorage: {{path: x.db}}\n"
    ));
    let changes = diff(&old, &new);
    assert_eq!((changes.added.as_slice(), changes.removed.as_slice()), (&["c".to_owned()][..], &["b".to_owned()][..]));
    assert_eq!(changes.changed, ["a"]);
    assert_eq!(changes.sections, ["proxy", "retry", "breaker", "failover", "storage"]);
    assert_eq!(changes.needs_restart, ["proxy.host", "proxy.port", "storage.path"]);
}

#[test]
fn automatic_failover_is_on_unless_it_is_switched_off() {
    assert!(implicit().config.settings.failover.auto);
    assert!(config("failover: {recovery: false}\n").settings.failover.auto);
    assert!(!config("failover: {auto: false}\n").settings.failover.auto);
}

#[test]
fn a_relative_path_of_the_database_starts_at_the_folder_of_the_file() {
    let path = |text: &str| config(&format!("storage: {{path: {text}}}\n")).settings.storage_path.unwrap();
    let folder = std::path::Path::new("/etc/qcc");
    let parsed = |text: &str| {
        let text = format!("storage: {{path: {text}}}\n");
        qcc_config::parse(&text, &folder.join("config.yaml"), &|name| Some(format!("of-{name}"))).unwrap()
    };
    assert_eq!(parsed("data/qcc.db").config.settings.storage_path.unwrap(), folder.join("data/qcc.db"));
    assert_eq!(parsed("'${DIR}/qcc.db'").config.settings.storage_path.unwrap(), folder.join("of-DIR/qcc.db"));
    assert_eq!(path("/var/lib/qcc.db"), std::path::Path::new("/var/lib/qcc.db"));
    assert_eq!(implicit().config.settings.storage_path, None);
    let error = attempt("storage: {path: ''}\n").unwrap_err().to_string();
    assert!(error.contains("storage.path is empty") && error.contains("hint:"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in "([a-z_]{1,12}: ?|[{}\\[\\],\"'#&*|>!%@`-]|\n|  |\t|\\$\\{[A-Z]{0,3}\\}?|[0-9]{1,3}(s|MiB)?|\u{e9}|proxy|providers|name|base_url|auth_value){0,40}") {
        if let Err(error) = attempt(&text) {
            prop_assert!(error.to_string().starts_with("error: "));
        }
    }
}
