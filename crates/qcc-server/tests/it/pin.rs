//! The pin: it leads requests to its profile at once, is kept over a restart, and says where it is not.

use std::path::PathBuf;
use std::time::Duration;

use qcc_server::Source;
use qcc_testkit::replies::{message_json, status};
use qcc_testkit::{Answer, Request, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Running, asking, assert_refused, for_message, pass_time, providers};

/// Two profiles of one provider each, and a place for the database.
pub(crate) struct Pair {
    /// Of the profile `production`, which is primary.
    pub(crate) main: Upstream,
    /// Of the profile `backup`, which is secondary.
    pub(crate) spare: Upstream,
    pub(crate) folder: TempDir,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        let main = Upstream::start(message_json("main")).await.unwrap();
        let spare = Upstream::start(message_json("spare")).await.unwrap();
        Self { main, spare, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("qcc.db")
    }

    /// The configuration, with more of it.
    pub(crate) fn text(&self, more: &str) -> String {
        let list = providers(&[("main", self.main.url()), ("spare", self.spare.url())]);
        format!(
            "{list}profiles:
  production: {{tier: primary, endpoints: [{{provider: main}}]}}
  backup: {{tier: secondary, endpoints: [{{provider: spare}}]}}
  aside: {{endpoints: [{{provider: spare}}]}}
  nobody: {{endpoints: [{{provider: main, enabled: false}}, {{provider: spare, weight: 0}}]}}
{more}"
        )
    }

    pub(crate) async fn serve(&self, more: &str) -> Running {
        Running::keeping(Source::Text(self.text(more)), false, Some(self.database())).await
    }
}

/// Who answers.
pub(crate) async fn said(running: &Running) -> String {
    running.ask(&for_message()).await.said()
}

/// Pins a profile, or none.
pub(crate) async fn pin(running: &Running, profile: Option<&str>) -> Answer {
    running.ask(&Request::post_json("/api/pin", &json!({"profile": profile}))).await
}

pub(crate) async fn get(running: &Running, path: &str) -> Value {
    let answer = running.ask(&Request::get(path)).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    answer.json()
}

fn down() -> qcc_testkit::Reply {
    status(500, "api_error", "down", &[])
}

#[tokio::test]
async fn a_pin_leads_requests_to_its_profile_at_once_and_after_a_restart() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    assert_eq!(get(&running, "/api/pin").await, json!({"pinned": null, "kept": true}));
    assert_eq!(said(&running).await, "main");
    let answer = pin(&running, Some("backup")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"pinned": "backup", "kept": true})));
    assert_eq!(said(&running).await, "spare");
    running.stop().await;
    let running = pair.serve("").await;
    assert_eq!(said(&running).await, "spare");
    assert_eq!(get(&running, "/api/pin").await, json!({"pinned": "backup", "kept": true}));
}

#[tokio::test]
async fn ending_the_pin_leads_back_to_the_tiers_for_good() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pin(&running, Some("backup")).await;
    let answer = pin(&running, None).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"pinned": null, "kept": true})));
    assert_eq!(said(&running).await, "main");
    running.stop().await;
    assert_eq!(said(&pair.serve("").await).await, "main");
}

#[tokio::test]
async fn a_pin_reaches_a_profile_without_a_tier_and_changes_no_route() {
    let pair = Pair::new().await;
    let running = pair.serve("model_routes:\n  '*haiku*': [{provider: main}]\n").await;
    pin(&running, Some("aside")).await;
    let model = |model: &str| asking(&json!({"model": model, "max_tokens": 9, "messages": []}));
    assert_eq!(running.ask(&model("some-haiku")).await.said(), "main", "its route says so");
    assert_eq!(running.ask(&model("gpt")).await.said(), "spare");
}

#[tokio::test]
async fn a_pinned_profile_that_fails_is_left_and_returned_to_where_failover_is_automatic() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pin(&running, Some("backup")).await;
    pair.spare.set_script(down());
    assert_eq!(said(&running).await, "main");
    pair.spare.set_script(message_json("spare"));
    pass_time(Duration::from_secs(61)).await;
    assert_eq!(said(&running).await, "spare", "it is still pinned");
}

#[tokio::test]
async fn a_pinned_profile_that_fails_is_not_left_where_failover_is_not_automatic() {
    let pair = Pair::new().await;
    let running = pair.serve("failover: {auto: false}\n").await;
    assert_eq!(said(&running).await, "main");
    pin(&running, Some("backup")).await;
    pair.spare.set_script(down());
    assert_refused(&running.ask(&for_message()).await, 503, "api_error");
    assert_eq!(pair.main.posts().len(), 1);
    pin(&running, None).await;
    pair.main.set_script(down());
    let asked = pair.spare.posts().len();
    assert_refused(&running.ask(&for_message()).await, 503, "api_error");
    assert_eq!(pair.spare.posts().len(), asked, "the first tier is not left either");
}

#[tokio::test]
async fn a_pin_on_a_profile_that_has_nobody_to_ask_is_kept_and_skipped() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    assert_eq!(pin(&running, Some("nobody")).await.json(), json!({"pinned": "nobody", "kept": true}));
    assert_eq!(said(&running).await, "main");
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_refused_with_those_that_do() {
    let pair = Pair::new().await;
    let mut running = pair.serve("").await;
    let answer = pin(&running, Some("prod")).await;
    assert_refused(&answer, 404, "not_found_error");
    let told = "there is no profile `prod`; hint: there are production, backup, aside, nobody";
    assert_eq!(answer.json()["error"]["message"], told);
    assert_eq!(running.event("request_refused").await["error"], told);
    assert_eq!(get(&running, "/api/pin").await["pinned"], Value::Null);
    let none = Running::with(&[("one", &pair.main)], "").await;
    let answer = pin(&none, Some("one")).await;
    assert_refused(&answer, 404, "not_found_error");
    assert!(answer.text().contains("the configuration names no profile"), "{}", answer.text());
}

#[tokio::test]
async fn a_wrong_question_about_the_pin_is_refused_and_changes_nothing() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    let post =
        |body: &str| Request::new("POST", "/api/pin").header("content-type", "application/json").body(body.to_owned());
    for (body, says) in [
        ("", "not JSON"),
        ("backup", "not JSON"),
        ("[]", "not an object"),
        ("{}", "no `profile`"),
        (r#"{"profile": 1}"#, "neither a text nor null"),
        (r#"{"profile": "backup", "force": true}"#, "no such field: `force`"),
    ] {
        let answer = running.ask(&post(body)).await;
        assert_refused(&answer, 400, "invalid_request_error");
        assert!(answer.text().contains(says), "{body}: {}", answer.text());
    }
    let long = format!(r#"{{"profile": "{}"}}"#, "x".repeat(5000));
    assert_refused(&running.ask(&post(&long)).await, 413, "request_too_large");
    let text = Request::new("POST", "/api/pin").header("content-type", "text/plain").body(r#"{"profile": "backup"}"#);
    assert_refused(&running.ask(&text).await, 415, "invalid_request_error");
    let answer = running.ask(&Request::new("DELETE", "/api/pin")).await;
    assert_refused(&answer, 405, "invalid_request_error");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    assert_refused(&running.ask(&Request::get("/api/nothing")).await, 404, "not_found_error");
    assert_eq!(said(&running).await, "main");
}

#[tokio::test]
async fn nobody_pins_from_a_web_page_or_without_a_key() {
    let pair = Pair::new().await;
    let running = pair.serve("proxy: {client_keys: [door-key]}\n").await;
    let request = || Request::post_json("/api/pin", &json!({"profile": "backup"}));
    assert_refused(&running.ask(&request()).await, 401, "authentication_error");
    let page = request().header("x-api-key", "door-key").header("origin", "https://page.example");
    assert_refused(&running.ask(&page).await, 403, "permission_error");
    for path in ["/api/pin", "/api/profiles", "/api/failovers"] {
        assert_refused(&running.ask(&Request::get(path)).await, 401, "authentication_error");
    }
    let reset = Request::new("POST", "/api/providers/main/reset");
    assert_refused(&running.ask(&reset).await, 401, "authentication_error");
    assert_eq!(running.ask(&request().header("x-api-key", "door-key")).await.json()["pinned"], "backup");
}

#[tokio::test]
async fn a_pin_on_a_profile_that_was_removed_is_ignored_until_it_is_back() {
    let pair = Pair::new().await;
    let path = pair.folder.path().join("config.yaml");
    std::fs::write(&path, pair.text("")).unwrap();
    let serve = || Running::keeping(Source::Path(path.clone()), false, Some(pair.database()));
    let mut running = serve().await;
    pin(&running, Some("backup")).await;
    std::fs::write(&path, pair.text("").replace("backup:", "other:")).unwrap();
    running.gateway.reload().unwrap();
    assert_eq!(running.event("pin_ignored").await["profile"], "backup");
    assert_eq!(said(&running).await, "main");
    let told = get(&running, "/api/pin").await;
    assert_eq!((&told["pinned"], &told["kept"]), (&Value::Null, &json!(true)));
    assert_eq!(told["note"], "the pin on `backup` is ignored: there is no such profile");
    running.stop().await;
    let mut running = serve().await;
    assert_eq!(running.event("pin_ignored").await["level"], "warn");
    assert_eq!(said(&running).await, "main");
    std::fs::write(&path, pair.text("")).unwrap();
    running.gateway.reload().unwrap();
    assert_eq!(said(&running).await, "spare", "it is back, and so is the pin");
    assert_eq!(pin(&running, None).await.json(), json!({"pinned": null, "kept": true}));
    assert_eq!(said(&running).await, "main");
}

#[tokio::test]
async fn a_reload_keeps_the_pin() {
    let pair = Pair::new().await;
    let path = pair.folder.path().join("config.yaml");
    std::fs::write(&path, pair.text("")).unwrap();
    let running = Running::keeping(Source::Path(path.clone()), false, None).await;
    pin(&running, Some("backup")).await;
    std::fs::write(&path, pair.text("pool: {idle: 5s}\n").replace("profiles:", "profiles:\n  first: {tier: primary}"))
        .unwrap();
    assert_eq!(running.gateway.reload().unwrap().changes.sections, ["profiles", "pool"]);
    assert_eq!(said(&running).await, "spare");
}
