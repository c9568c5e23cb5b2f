//! The reports of faulty files, whole, as the user reads them.

use crate::{fault, provider, reports};

#[test]
fn an_unknown_key_is_shown_with_the_nearest_one() {
    insta::assert_snapshot!(reports(&[
        "providers:\n  - name: relay\n    base_ulr: https://relay.example\n",
        "proxy:\n  prot: 7860\n",
        "prot: 7860\n",
        "port: 7860\n",
        "proxy.port: 7860\n",
        "quux: 1\n",
        "settings:\n  failure_cool_down: 90\n",
        "model_routes:\n  '*': [{provider: a, wieght: 3}]\n",
        "profiles: {p: {endpoints: [{provder: a}]}}\n",
    ]));
}

#[test]
fn the_shape_of_the_file_is_checked() {
    insta::assert_snapshot!(reports(&[
        "providers:\n  - name: relay\n",
        "providers:\n  - base_url: https://relay.example\n",
        "providers: relay\n",
        "providers:\n  - relay\n",
        "providers: {name: relay}\n",
        "proxy: 7860\n",
        "proxy: [7860]\n",
        "proxy:\n  port: [7860]\n",
        "proxy:\n  port: {a: 1}\n",
        "- providers\n",
        "just text\n",
        "proxy:\n  client_keys: key\n",
        "proxy:\n  allowed_hosts: [a.example, ~]\n",
        "providers:\n  - name:\n    base_url: https://relay.example\n",
    ]));
}

#[test]
fn what_is_not_yaml_is_told_as_such() {
    insta::assert_snapshot!(reports(&[
        "proxy:\n\tport: 7860\n",
        "providers:\n  - name: a\n\t  base_url: b\n",
        "proxy: {port: 7860\n",
        "proxy:\n  host: \"127.0.0.1\n",
        "proxy:\n  port: 1\n   host: x\n",
        "proxy: &a {port: *b}\n",
        "proxy: {port: 1}\nproxy: {port: 2}\n",
        "proxy:\n  port: 1\n  port: 2\n",
        "proxy: {}\n---\nproxy: {}\n",
        "{\"proxy\": {\"port\": 1}\n",
        "model_routes:\n  \"*a*\": [{provider: a}]\n  \"*a*\": [{provider: a}]\n",
        "key\n",
        "proxy: @x\n",
    ]));
}

#[test]
fn all_wrong_values_are_reported_together_in_file_order() {
    insta::assert_snapshot!(fault(
        "proxy:
  port: 70000
  drain: 30
  max_body: 32
  allowed_hosts: [https://x.example, '*']
  allowed_origins: [x.example]
pool: {max_idle_per_host: -1, idle: soon}
timeouts:
  connect: -5s
  total: 4000d
  stall: 5 minutes
retry:
  max_attempts: 0
  jitter: 1.5
  multiplier: .nan
  initial: 10s
  max: 1s
breaker: {error_rate: 2, open_initial: 90s, open_max: 1m}
loadbalancer: {strategy: wieghted}
failover: {auto: maybe}
cache: {mode: sometimes}
logging: {level: information, color: 'yes', file_size: 10Mib, files: 1.5}
storage: {path: '${NOPE}', retention: x}
"
    ));
}

#[test]
fn providers_are_checked() {
    insta::assert_snapshot!(reports(&[
        &provider(""),
        &provider("auth_type: api_key"),
        &provider("auth_type: auth_token"),
        &provider("auth_type: oauth\nauth_value: x"),
        &provider("auth_type: apikey\nauth_value: x"),
        &provider("auth_type: passthrough\nauth_value: x"),
        &provider("auth_type: passthrough"),
        &provider("auth_value: passthrough\nallow_passthrough: no"),
        &provider("type: gemini\nauth_type: passthrough\nallow_passthrough: true"),
        &provider("type: gemini\nauth_value: passthrough"),
        &provider("type: zed\nauth_value: x"),
        &provider("type: openia\nauth_value: x"),
        &provider("auth_value: ''"),
        &provider("auth_value: ${EMPTY}"),
        &provider("auth_value: \"${TWO_LINES}\""),
        &provider("auth_value: x\nproxy: relay:80"),
        &provider("auth_value: x\nproxy: ftp://relay:80"),
        &provider("auth_value: x\nca_file: nowhere.pem"),
        &provider("auth_value: x\nheaders: {'x y': z, Host: a, x-a: b, X-A: c, x-n: \"a\\nb\"}"),
        &provider("auth_value: x\ntimeouts: {connect: 5, idel: 3s}"),
        &provider("auth_value: x\ntimeouts: {connect: 5}"),
        &provider("auth_value: x\nmodels: {'': a, b: ''}"),
        &provider("auth_value: x\nlimits: {rpm: many}\nstreaming_mode: fast\nhealth_model: ''"),
        "providers:\n  - {name: a, base_url: 'https://a.example', auth_value: x}\n  - {name: a, base_url: 'https://b.example', auth_value: x}\n",
        "providers:\n  - {name: ' ', base_url: 'https://a.example', auth_value: x}\n",
        "providers:\n  - {name: '${KEY}', base_url: 'https://a.example', auth_value: x}\n",
    ]));
}

#[test]
fn base_urls_are_checked() {
    let urls = [
        "relay.example",
        "ftp://relay.example",
        "https://",
        "https:///v1",
        "https://user:pw@relay.example",
        "https://relay.example?key=1",
        "https://relay.example/#part",
        "https://relay.example:99999",
        "https://relay.example:x",
        "https://relay.example:0",
        "https://relay example",
        "https://r\u{e9}lay.example",
        "''",
    ];
    let report = |url: &str| {
        let text = format!("providers:\n  - name: relay\n    base_url: {url}\n    auth_value: x\n");
        format!("{}\n\n", fault(&text))
    };
    insta::assert_snapshot!(urls.iter().map(|url| report(url)).collect::<String>());
}

#[test]
fn references_to_nothing_are_reported() {
    let text = "providers:
  - {name: official, base_url: https://api.anthropic.com, auth_value: x}
  - {name: relay, base_url: https://relay.example, auth_value: x}
profiles:
  main:
    endpoints: [{provider: ofical}, {provider: relay}, {provider: relay}]
  auto:
    tier: first
    strategy: fair
    endpoints:
      - {provider: something-else, weight: 20000, priority: 5000}
model_routes:
  '*opus*':
    - {provider: main}
    - {profile: mian, model: ''}
    - {profile: relay}
    - {model: x}
    - {provider: relay, profile: main}
    - {provider: realy, enabled: false}
  '*OPUS*': [{provider: relay}]
  '': [{provider: relay}]
  ' x': []
";
    insta::assert_snapshot!(fault(text));
}

#[test]
fn a_provider_with_a_fault_of_its_own_is_not_missed_elsewhere() {
    let text = format!("{}model_routes: {{'*': [{{provider: relay}}]}}\n", provider("auth_value: ${NOPE}"));
    assert!(!fault(&text).contains("there is no provider"), "{}", fault(&text));
}

#[test]
fn listening_for_others_needs_client_keys() {
    insta::assert_snapshot!(reports(&[
        "proxy:\n  host: 0.0.0.0\n",
        "proxy:\n  host: '::'\n  client_keys: []\n",
        "proxy:\n  host: gateway.lan\n",
        "proxy:\n  host: 127.0.0.1:7860\n",
        "proxy:\n  host: ''\n",
        "proxy:\n  host: 0.0.0.0\n  client_keys: ['', ' x', '${NOPE}']\n",
    ]));
}

#[test]
fn the_json_form_has_the_same_facts() {
    let Err(error) = crate::attempt("proxy:\n  port: x\n") else { panic!("x is no port") };
    let json = error.to_json();
    assert_eq!(json["file"], "config.yaml");
    assert_eq!(json["errors"][0]["line"], 2);
    assert_eq!(json["errors"][0]["column"], 9);
    assert_eq!(json["errors"][0]["source"], "  port: x");
    assert_eq!(json["errors"][0]["message"], error.problems[0].message);
    assert_eq!(json["errors"][0]["hint"], error.problems[0].hint.clone().unwrap());
}

#[test]
fn what_is_known_of_models_is_checked() {
    let known = |known: &str| provider(&format!("auth_value: x\ncapabilities:\n  {known}"));
    insta::assert_snapshot!(reports(&[
        &known("'*': {contex: 1}"),
        &known("' m': {images: maybe, context: many}"),
        &known("'*': {context: 0, forced_tools: some, thinking: adaptiv}"),
        &known("'*':\n    efforts: [hard]\n    refused: [model, seed]"),
        &known("'*': true"),
        &known("- m"),
    ]));
}

#[test]
fn the_columns_of_one_long_line_stay_true() {
    let filler: String = (0..60).map(|n| format!("{{\"name\": \"p{n}\", \"base_url\": \"https://p{n}.example\", \"auth_type\": \"passthrough\", \"allow_passthrough\": true}}, ")).collect();
    let text = format!("{{\"providers\": [{}], \"proxy\": {{\"port\": \"x\"}}}}", filler.trim_end_matches(", "));
    insta::assert_snapshot!(fault(&text));
}

#[test]
fn a_yaml_bomb_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f"), ("h", "g")] {
        text.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(", ")));
    }
    // Below `settings.testing` anything is taken, so that only the limits can stop it.
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    insta::assert_snapshot!(fault(&format!("settings:\n  testing:\n{indented}")).lines().next().unwrap());
    let deep = format!("settings: {{testing: {}{}}}\n", "[".repeat(200), "]".repeat(200));
    insta::assert_snapshot!(fault(&deep).lines().next().unwrap());
}
