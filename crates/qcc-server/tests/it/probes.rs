//! Our own requests: who is probed when, what it costs, and what follows from it.

use std::path::Path;
use std::time::Duration;

use qcc_server::Source;
use qcc_testkit::replies::{json_body, message_json, status};
use qcc_testkit::{Connection, Gate, PATIENCE, Received, Reply, Request, Script, Upstream};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Running, assert_refused, for_message, pass_time, providers};

/// Probes as by default, told one by one.
const PROBED: &str = "health: {}\nlogging: {level: debug}\n";
/// More than a minute with the most jitter, so that every provider is due for a free probe again.
const MINUTE: Duration = Duration::from_secs(67);

/// Whether a request is a conversational check of ours.
fn is_check(received: &Received) -> bool {
    received.method == "POST" && received.json()["max_tokens"] == 20
}

fn models(names: &[&str]) -> Reply {
    let data: Vec<Value> = names.iter().map(|name| json!({"type": "model", "id": name})).collect();
    json_body(200, &[], &json!({"data": data}))
}

/// A provider that lists its models and does as it is told.
fn well() -> Script {
    Script::new(|received, _| match received.method.as_str() {
        "GET" => models(&["claude-opus-4-8", "claude-haiku-4-5"]),
        _ if is_check(received) => message_json(&code_of(received)),
        _ => message_json("well"),
    })
}

/// One whose list works and whose model does not.
fn failing() -> Script {
    Script::new(|received, _| match received.method.as_str() {
        "GET" => models(&["claude-haiku-4-5"]),
        _ => status(500, "api_error", "down", &[]),
    })
}

/// The code that a check asks for: its last word.
fn code_of(received: &Received) -> String {
    let body = received.json();
    let asked = body["messages"][0]["content"].as_str().unwrap();
    asked.rsplit(' ').next().unwrap().to_owned()
}

fn checks(upstream: &Upstream) -> Vec<Received> {
    upstream.posts().into_iter().filter(is_check).collect()
}

async fn up(script: impl Into<Script>) -> Upstream {
    Upstream::start(script).await.unwrap()
}

/// A check by hand of everybody, the conversation included.
async fn check(running: &Running) -> Value {
    let answer = running.ask(&Request::post_json("/api/health/check", &json!({"conversation": true}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["checks"].clone()
}

async fn health(running: &Running, name: &str) -> Value {
    let all = running.ask(&Request::get("/api/health")).await.json();
    let mut all = all["providers"].as_array().unwrap().iter();
    all.find(|provider| provider["name"] == name).unwrap().clone()
}

/// Lets time pass until the next probe has ended.
async fn next_probe(running: &mut Running) -> Value {
    pass_time(MINUTE).await;
    running.event("provider_checked").await
}

#[tokio::test]
async fn an_idle_provider_is_asked_for_its_list_and_never_for_money() {
    let a = up(well()).await;
    let mut running = Running::with(&[("a", &a)], PROBED).await;
    for _ in 0..120 {
        let probe = next_probe(&mut running).await;
        assert_eq!((&probe["kind"], &probe["ok"]), (&json!("api"), &json!(true)));
    }
    assert!(a.posts().is_empty(), "two hours without a request of anybody");
    assert_eq!(health(&running, "a").await["class"], "healthy");
}

#[tokio::test]
async fn when_traffic_falls_silent_checks_go_on_for_an_hour() {
    let a = up(well()).await;
    let mut running = Running::with(&[("a", &a)], PROBED).await;
    assert_eq!(running.ask(&for_message()).await.status, 200);
    for _ in 0..70 {
        next_probe(&mut running).await;
    }
    let paid = checks(&a).len();
    assert!((3..=6).contains(&paid), "{paid} in the hour after the last request");
    for _ in 0..60 {
        next_probe(&mut running).await;
    }
    assert_eq!(checks(&a).len(), paid, "nobody cares any more");
}

#[tokio::test]
async fn a_provider_that_was_out_is_recovered_by_a_check_before_any_request() {
    let a = up(failing()).await;
    let mut running = Running::with(&[("a", &a)], &format!("{PROBED}retry: {{same_provider: 0}}\n")).await;
    assert_eq!(running.ask(&for_message()).await.status, 503);
    a.set_script(well());
    pass_time(Duration::from_secs(61)).await;
    assert_eq!(running.event("provider_recovered").await["reason"], "fault");
    assert_eq!((a.posts().len(), checks(&a).len()), (2, 1), "the request that failed, and the check");
    assert_eq!(running.standing("a").await, "closed");
    assert_eq!(running.ask(&for_message()).await.header("x-qcc-attempts"), Some("1"));
}

#[tokio::test]
async fn a_provider_that_is_still_down_is_found_out_by_the_check_and_no_person() {
    let (a, b) = (up(failing()).await, up(well()).await);
    let mut running = Running::with(&[("a", &a), ("b", &b)], PROBED).await;
    assert_eq!(running.ask(&for_message()).await.header("x-qcc-provider"), Some("b"));
    running.event("provider_cooled").await;
    pass_time(Duration::from_secs(61)).await;
    assert_eq!(running.event("provider_cooled").await["seconds"], 120, "the check failed, so it is out for longer");
    assert_eq!(running.ask(&for_message()).await.header("x-qcc-attempts"), Some("1"), "nobody tried a");
    let told = health(&running, "a").await;
    assert_eq!((&told["breaker"], &told["checks_today"]), (&json!("open"), &json!(1)), "{told}");
    assert_eq!(told["last_check"]["conversation"]["detail"], "claude-haiku-4-5: 500 api_error: down");
}

#[tokio::test]
async fn a_refused_key_is_looked_at_again_for_free() {
    let refusing = Script::new(|received, _| match received.method.as_str() {
        "GET" => models(&[]),
        _ => status(401, "authentication_error", "no", &[]),
    });
    let a = up(refusing).await;
    let more = "health: {conversation_interval: 0s}\nlogging: {level: debug}\n";
    let mut running = Running::with(&[("a", &a)], more).await;
    next_probe(&mut running).await;
    running.ask(&for_message()).await;
    assert_eq!(running.standing("a").await, "credential");
    let asked = a.posts().len();
    // The list alone says that the key is good again.
    pass_time(Duration::from_secs(27 * 60 + 1)).await;
    assert_eq!(running.event("provider_recovered").await["reason"], "credential");
    assert_eq!((running.standing("a").await.as_str(), a.posts().len()), ("closed", asked));
}

#[tokio::test]
async fn the_daily_limit_holds_for_checks_by_schedule() {
    let a = up(failing()).await;
    let more = "health: {daily_limit: 2, conversation_interval: 1m}\nlogging: {level: debug}\n";
    let mut running = Running::with(&[("a", &a)], more).await;
    running.ask(&for_message()).await;
    for seconds in [61, 121, 241] {
        running.ask(&for_message()).await;
        pass_time(Duration::from_secs(seconds)).await;
        running.event("provider_checked").await;
    }
    for _ in 0..10 {
        running.ask(&for_message()).await;
        next_probe(&mut running).await;
    }
    assert_eq!(checks(&a).len(), 2);
    assert_eq!(health(&running, "a").await["checks_today"], 2);
}

#[tokio::test]
async fn the_daily_limit_holds_for_checks_by_hand_and_over_a_restart() {
    let a = up(well()).await;
    let folder = tempfile::tempdir().unwrap();
    let serve = async |database: &Path| {
        let yaml = format!("{}health: {{daily_limit: 1}}\n", providers(&[("a", a.url())]));
        Running::keeping(Source::Text(yaml), false, Some(database.to_owned())).await
    };
    let running = serve(&folder.path().join("qcc.db")).await;
    let first = &check(&running).await[0];
    assert_eq!((&first["layers"][1]["ok"], &first["skipped"]), (&json!(true), &Value::Null), "{first}");
    let second = check(&running).await[0].clone();
    assert!(second["skipped"].as_str().unwrap().contains("health.daily_limit"), "{second}");
    assert_eq!(second["layers"].as_array().unwrap().len(), 1, "what is free was done: {second}");
    running.stop().await;
    let running = serve(&folder.path().join("qcc.db")).await;
    assert_eq!(health(&running, "a").await["checks_today"], 1);
    assert!(check(&running).await[0]["skipped"].is_string());
    assert_eq!(checks(&a).len(), 1);
}

#[tokio::test]
async fn a_client_s_own_credential_is_never_used_for_a_probe() {
    let a = up(well()).await;
    let b = up(well()).await;
    let yaml = format!(
        "{}  - {{name: b, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}\n{PROBED}",
        providers(&[("a", a.url())]),
        b.url()
    );
    let mut running = Running::start(&yaml).await;
    for _ in 0..5 {
        assert_eq!(next_probe(&mut running).await["provider"], "a");
    }
    let told = check(&running).await;
    assert!(told[1]["skipped"].as_str().unwrap().contains("the client's own credential"), "{told}");
    assert_eq!(health(&running, "b").await["note"], told[1]["skipped"]);
    assert!(b.requests().is_empty(), "{:?}", b.requests());
}

#[tokio::test]
async fn without_free_probes_there_are_no_probes() {
    let a = up(well()).await;
    let more = "health: {interval: 0s, conversation_interval: 1m}\nlogging: {level: debug}\n";
    let running = Running::with(&[("a", &a)], more).await;
    running.ask(&for_message()).await;
    for _ in 0..20 {
        pass_time(MINUTE).await;
        running.ask(&Request::get("/ready")).await;
    }
    assert_eq!(a.requests().len(), 1, "{:?}", a.requests());
    assert_eq!(health(&running, "a").await["next_check"], Value::Null);
}

#[tokio::test]
async fn an_answer_without_the_code_makes_an_unhealthy_check_and_opens_no_breaker() {
    let a = up(message_json("As a language model I am happy to help.")).await;
    let running = Running::with(&[("a", &a)], PROBED).await;
    let found = check(&running).await[0].clone();
    let conversation = &found["layers"][1];
    assert_eq!((&conversation["ok"], &conversation["class"]), (&json!(false), &json!("unhealthy")), "{found}");
    assert!(conversation["detail"].as_str().unwrap().contains("not with the code"), "{found}");
    assert_eq!((&found["class"], running.standing("a").await.as_str()), (&json!("degraded"), "closed"));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_and_not_held_against_the_provider() {
    let a = up(status(404, "not_found_error", "model: claude-haiku-4-5", &[])).await;
    let running = Running::with(&[("a", &a)], PROBED).await;
    let found = check(&running).await[0].clone();
    assert!(found["layers"][1]["hint"].as_str().unwrap().contains("health_model"), "{found}");
    assert_eq!(running.standing("a").await, "closed");
}

#[tokio::test]
async fn the_model_of_a_check_is_the_named_one_or_the_cheapest_of_the_list() {
    let (a, b, c, d) = (up(well()).await, up(well()).await, up(well()).await, up(message_json("no list")).await);
    let line = |name: &str, upstream: &Upstream, more: &str| {
        format!("  - {{name: {name}, base_url: '{}', auth_value: k-{name}{more}}}\n", upstream.url())
    };
    let yaml = format!(
        "providers:\n{}{}{}{}{PROBED}",
        line("listed", &a, ""),
        line("named", &b, ", health_model: its-own"),
        line("mapped", &c, ", models: {'*haiku*': small-one}"),
        line("unknown", &d, "")
    );
    let running = Running::start(&yaml).await;
    check(&running).await;
    let asked = [&a, &b, &c, &d].map(|upstream| checks(upstream)[0].json()["model"].clone());
    assert_eq!(asked, ["claude-haiku-4-5", "its-own", "small-one", "claude-haiku-4-5"].map(Value::from));
    assert_eq!(checks(&b)[0].header("x-api-key"), Some("k-named"));
}

#[tokio::test]
async fn what_a_check_shows_holds_no_key() {
    let a = up(status(500, "api_error", "your key key-one is odd", &[])).await;
    let running = Running::with(&[("one", &a)], PROBED).await;
    let found = check(&running).await.to_string();
    assert!(found.contains("[redacted]") && !found.contains("key-one"), "{found}");
}

#[tokio::test]
async fn nobody_waits_for_a_probe_when_the_gateway_stops() {
    let a = up(message_json("late").held_by(&Gate::new())).await;
    let running = Running::with(&[("a", &a)], PROBED).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&Request::post_json("/api/health/check", &json!({}))).await.unwrap();
    a.wait_for(1).await;
    let stopped = timeout(PATIENCE, running.stop()).await.unwrap();
    assert!(stopped.iter().any(|event| event["event"] == "gateway_stopped" && event["cut"] == 0), "{stopped:?}");
    assert_refused(&client.receive().await.unwrap(), 503, "api_error");
}

#[tokio::test]
async fn every_check_is_kept_and_found_again() {
    let a = up(well()).await;
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("{}health: {{interval: 0s}}\n", providers(&[("a b", a.url())]));
    let running = Running::keeping(Source::Text(yaml), false, Some(folder.path().join("qcc.db"))).await;
    check(&running).await;
    check(&running).await;
    let kept = running.ask(&Request::get("/api/health/history?provider=a%20b&n=3")).await.json();
    let kinds: Vec<_> = kept["checks"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds, ["conversation", "api", "conversation"]);
    assert!(kept["checks"][0]["score"].as_u64().is_some_and(|score| score >= 70), "{kept}");
    assert_eq!(kept["checks"][0]["class"], "healthy");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_can() {
    let a = up(well()).await;
    let running = Running::with(&[("a", &a)], PROBED).await;
    for (request, status, kind) in [
        (Request::get("/api/health/history"), 400, "invalid_request_error"),
        (Request::get("/api/health/history?provider=a&n=0"), 400, "invalid_request_error"),
        (Request::get("/api/health/history?provider=nobody"), 404, "not_found_error"),
        (Request::get("/api/health/check"), 405, "invalid_request_error"),
        (Request::post_json("/api/health/check", &json!({"provider": "nobody"})), 404, "not_found_error"),
        (Request::post_json("/api/health/check", &json!({"paid": true})), 400, "invalid_request_error"),
    ] {
        assert_refused(&running.ask(&request).await, status, kind);
    }
    assert!(a.requests().is_empty());
}

#[tokio::test]
async fn a_check_by_hand_waits_for_the_one_that_runs() {
    let gate = Gate::new();
    let a = up(message_json("late").held_by(&gate)).await;
    let running = Running::with(&[("a", &a)], PROBED).await;
    let mut first = Connection::open(running.address()).await.unwrap();
    first.send(&Request::post_json("/api/health/check", &json!({}))).await.unwrap();
    a.wait_for(1).await;
    let mut second = Connection::open(running.address()).await.unwrap();
    second.send(&Request::post_json("/api/health/check", &json!({"provider": "a"}))).await.unwrap();
    gate.open();
    for client in [&mut first, &mut second] {
        let answer = client.receive().await.unwrap().json();
        assert_eq!(answer["checks"][0]["layers"][0]["ok"], true, "{answer}");
    }
    assert_eq!(a.requests().len(), 2);
}
