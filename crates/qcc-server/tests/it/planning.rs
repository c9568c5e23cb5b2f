//! Who is asked, in which order, for which model: tiers, priorities, routes and the provider's own table of models.

use std::path::Path;

use bytes::Bytes;
use qcc_testkit::replies::{Stream, message_json, status};
use qcc_testkit::{Answer, Received, Reply, Upstream};
use serde_json::json;

use crate::support::{Running, asking, providers};

/// Four providers that all fail in a way that charges nobody, so that every request walks the whole plan.
struct Fleet {
    running: Running,
    upstreams: Vec<(&'static str, Upstream)>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl Fleet {
    async fn with(more: &str) -> Self {
        let mut upstreams = Vec::new();
        for name in NAMES {
            upstreams.push((name, Upstream::start(down()).await.unwrap()));
        }
        let list: Vec<_> = upstreams.iter().map(|(name, upstream)| (*name, upstream.url())).collect();
        let yaml = format!("{}{more}breaker: {{open_initial: 0s}}\nretry: {{same_provider: 0}}\n", providers(&list));
        Self { running: Running::start(&yaml).await, upstreams }
    }

    /// The providers that a request for this model reaches, in order.
    async fn order(&mut self, model: &str) -> String {
        let answer = self.ask(model).await;
        let mut order = String::new();
        for _ in 0..answer.header("x-qcc-attempts").unwrap().parse().unwrap() {
            order.push_str(self.running.event("attempt_failed").await["provider"].as_str().unwrap());
        }
        order
    }

    async fn ask(&self, model: &str) -> Answer {
        self.running.ask(&asking(&json!({"model": model, "max_tokens": 9, "messages": []}))).await
    }

    fn last(&self, name: &str) -> Received {
        let (_, upstream) = self.upstreams.iter().find(|(known, _)| *known == name).unwrap();
        upstream.posts().pop().unwrap()
    }
}

fn down() -> Reply {
    status(500, "api_error", "down", &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn without_profiles_the_file_order_counts() {
    assert_eq!(Fleet::with("").await.order("claude-opus-4-8").await, "abcd");
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_go_in_turn_and_priorities_within_them() {
    let mut fleet = Fleet::with(
        "profiles:
  last: {tier: fallback, endpoints: [{provider: a}]}
  backup: {tier: secondary, endpoints: [{provider: b}]}
  main: {tier: primary, endpoints: [{provider: c, priority: 2}, {provider: d, priority: 1}]}
",
    )
    .await;
    assert_eq!(fleet.order("claude-opus-4-8").await, "dcba");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_or_in_no_tier_is_not_asked() {
    let mut fleet = Fleet::with(
        "profiles:
  aside: {endpoints: [{provider: a}]}
  main: {tier: primary, endpoints: [{provider: b, enabled: false}, {provider: c}]}
",
    )
    .await;
    assert_eq!(fleet.order("claude-opus-4-8").await, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_profile_has_a_tier_all_are_primary() {
    let mut fleet =
        Fleet::with("profiles:\n  x: {endpoints: [{provider: c}]}\n  y: {endpoints: [{provider: a}]}\n").await;
    assert_eq!(fleet.order("claude-opus-4-8").await, "ca");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_replaces_the_profiles_and_the_most_specific_one_counts() {
    let mut fleet = Fleet::with(
        "profiles:
  aside: {endpoints: [{provider: d}, {provider: c}]}
  main: {tier: primary, endpoints: [{provider: a}]}
model_routes:
  '*haiku*': [{provider: b, priority: 1}]
  '*HAIKU-4-5*': [{provider: a, priority: 2}, {profile: aside, priority: 1}]
",
    )
    .await;
    assert_eq!(fleet.order("claude-haiku-4-5-20251001").await, "dca");
    assert_eq!(fleet.order("claude-3-haiku").await, "b", "when a route is exhausted the profiles are not tried");
    assert_eq!(fleet.order("claude-opus-4-8").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_of_the_big_models_stands_in_with_a_warning() {
    let mut fleet = Fleet::with("model_routes:\n  '*opus*': [{provider: b}]\n  '*sonnet*': [{provider: c}]\n").await;
    assert_eq!(fleet.ask("glm-5").await.status, 503);
    let warning = fleet.running.event("route_guessed").await;
    assert_eq!((&warning["model"], &warning["route"]), (&json!("glm-5"), &json!("*sonnet*")));
    assert_eq!(fleet.running.event("attempt_failed").await["provider"], "c");
    assert_eq!(fleet.order("claude-opus-4-8").await, "b", "a route of its own needs no stand-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapped_model_changes_the_bytes_of_its_name_and_nothing_else() {
    let mut fleet = Fleet::with(
        "model_routes:
  '*haiku*':
    - {provider: a, model: passthrough, priority: 1}
    - {provider: b, model: anthropic/claude-haiku-4.5, priority: 2}
    - {provider: c, model: 'glm \"5\"', priority: 3}
",
    )
    .await;
    let body = |model: &str| {
        Bytes::from(format!(
            "{{ \"x\":[ 1e400 ,{{\"model\":\"claude-haiku-4-5\"}}],\n\t\"model\" :  {model}\t,\"n\":-0.10E+2,\"s\":\"\\u00e9\\/中\"}} \r\n"
        ))
    };
    let request = asking(&json!({})).body(body("\"claude\\u002dhaiku-4-5\""));
    assert_eq!(fleet.running.ask(&request).await.status, 503);
    assert_eq!(fleet.last("a").body, body("\"claude\\u002dhaiku-4-5\""), "not even the spelling of the name");
    assert_eq!(fleet.last("b").body, body("\"anthropic/claude-haiku-4.5\""));
    assert_eq!(fleet.last("c").body, body("\"glm \\\"5\\\"\""));
    let row = fleet.running.row().await;
    assert_eq!((&row["model"], &row["model_sent"]), (&json!("claude-haiku-4-5"), &json!("glm \"5\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_table_of_models_comes_after_the_route() {
    let (a, b) = (Upstream::start(down()).await.unwrap(), Upstream::start(message_json("fine")).await.unwrap());
    let yaml = format!(
        "providers:
  - {{name: a, base_url: '{}', auth_value: k, models: {{'*opus*': big}}}}
  - {{name: b, base_url: '{}', auth_value: k, models: {{'big*': huge, '*': other}}}}
model_routes:
  '*opus*': [{{provider: a, priority: 1}}, {{provider: b, model: big-one, priority: 2}}]
  '*haiku*': [{{provider: b}}]
",
        a.url(),
        b.url()
    );
    let running = Running::start(&yaml).await;
    let ask = async |model: &str| {
        running.ask(&asking(&json!({"model": model, "max_tokens": 9, "messages": []}))).await.status
    };
    assert_eq!(ask("claude-opus-4-8").await, 200);
    assert_eq!((&a.posts()[0].json()["model"], &b.posts()[0].json()["model"]), (&json!("big"), &json!("huge")));
    assert_eq!(ask("claude-haiku-4-5").await, 200);
    assert_eq!(b.posts()[1].json()["model"], "other");
    let config = qcc_config::parse(&yaml, Path::new("config.yaml"), &|_| None).unwrap().config;
    let mapping = qcc_server::Mapping::new(&config, None);
    let told = |model: &str| -> Vec<String> { mapping.of(model).candidates.into_iter().map(|one| one.sent).collect() };
    assert_eq!(
        (told("claude-opus-4-8"), told("claude-haiku-4-5")),
        (vec!["big".into(), "huge".into()], vec!["other".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_address_keeps_its_path_and_does_not_double_its_version() {
    let a = Upstream::start(Stream::text(["fine"]).reply()).await.unwrap();
    for (base, path) in [
        ("", "/v1/messages?beta=true"),
        ("/", "/v1/messages?beta=true"),
        ("/v1", "/v1/messages?beta=true"),
        ("/v1/", "/v1/messages?beta=true"),
        ("/api/anthropic", "/api/anthropic/v1/messages?beta=true"),
        ("/api/v1", "/api/v1/messages?beta=true"),
    ] {
        let running = Running::start(&providers(&[("a", format!("{}{base}", a.url()))])).await;
        let mut request = asking(&json!({"model": "m", "stream": true}));
        request.path = "/v1/messages?beta=true".to_owned();
        assert_eq!(running.ask(&request).await.status, 200, "{base}");
        assert_eq!(a.posts().pop().unwrap().path, path, "{base}");
    }
}
