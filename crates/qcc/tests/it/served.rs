//! With requests under way and with providers to reach: a scripted provider stands below the gateway.

use insta::assert_snapshot;
use qcc_testkit::{Connection, Gate, Refusing, Upstream, claude::claude_request, replies};
use rustix::process::{Pid, Signal, kill_process};

use crate::home::{Home, Lines};
use crate::terminal::Terminal;

fn config(url: &str, drain: &str) -> String {
    format!(
        "proxy: {{port: 0, drain: {drain}}}\nproviders:\n  - {{name: relay, type: anthropic, base_url: '{url}', auth_value: k}}\n"
    )
}

/// A gateway with one request under way, which the provider answers once the gate is open.
async fn under_way(drain: &str, gate: &Gate) -> (Home, Upstream, Connection) {
    let upstream = Upstream::start(replies::message_json("hello").held_by(gate)).await.unwrap();
    let home = Home::with(&config(&upstream.url(), drain));
    let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "");
    let mut client = Connection::open(address.parse().unwrap()).await.unwrap();
    client.send(&claude_request("claude-sonnet-5", false, 4)).await.unwrap();
    upstream.wait_for(1).await;
    (home, upstream, client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_waits_for_a_running_request_and_says_so() {
    let gate = Gate::new();
    let (home, _upstream, mut client) = under_way("60s", &gate).await;
    let mut stop = home.spawn(&["proxy", "stop"]);
    Lines::of(stop.0.stderr.take().unwrap()).until("waiting for running requests");
    gate.open();
    let answer = client.receive().await.unwrap();
    assert_eq!((answer.status, answer.json()["content"][0]["text"].as_str()), (200, Some("hello")));
    Lines::of(stop.0.stdout.take().unwrap()).until("qcc has stopped, 1 running request finished");
    assert_eq!(stop.0.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_the_waiting_is_shown_and_nothing_of_it_stays() {
    let gate = Gate::new();
    let (home, _upstream, mut client) = under_way("60s", &gate).await;
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.args(["proxy", "stop", "--color", "never"]);
    let mut stop = Terminal::start(command, 80);
    stop.until("⠋ waiting for running requests, at most 65 s, ");
    gate.open();
    client.receive().await.unwrap();
    let (seen, status) = stop.end();
    assert!(status.success());
    assert!(seen.ends_with("\r\u{1b}[2Kqcc has stopped, 1 running request finished\r\n"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_without_patience_cuts_and_says_so() {
    let (home, _upstream, _client) = under_way("0s", &Gate::new()).await;
    let ended = home.json(&["proxy", "stop"]);
    assert_eq!((&ended["finished"], &ended["cut"]), (&0.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_through_the_gateway_is_in_the_log() {
    let gate = Gate::new();
    gate.open();
    let (home, _upstream, mut client) = under_way("1s", &gate).await;
    client.receive().await.unwrap();
    home.qcc(&["proxy", "stop"]);
    let logged = home.qcc(&["proxy", "logs", "--grep", "request_finished"]).out;
    assert!(logged.contains("path=/v1/messages") && logged.contains("provider=relay"), "{logged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reachable_providers_pass_the_test() {
    let models = serde_json::json!({"data": []});
    let upstream = Upstream::start(replies::json_body(200, &[], &models)).await.unwrap();
    let home = Home::with(&config(&upstream.url(), "1s"));
    let document = home.json(&["test"]);
    assert_eq!((&document["ok"], &document["providers"][0]["status"]), (&true.into(), &200.into()));
    assert!(upstream.posts().is_empty(), "a test must not spend anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_with_advice_and_fails_the_test() {
    let upstream = Upstream::start(replies::status(401, "authentication_error", "no", &[])).await.unwrap();
    let nobody = Refusing::new().unwrap();
    let providers = [("refused", upstream.url()), ("absent", nobody.url())];
    let lines = providers
        .map(|(name, url)| format!("  - {{name: {name}, type: anthropic, base_url: '{url}', auth_value: k}}\n"));
    let home = Home::with(&format!("providers:\n{}profiles:\n  idle: {{endpoints: []}}\n", lines.concat()));
    home.mode("config.yaml", 0o644);
    let ended = home.qcc(&["test"]);
    let times = regex::Regex::new(r"\d+ ms *").unwrap();
    assert_snapshot!(times.replace_all(&ended.shown(&home), "[time]  "), @r"
    exit 1
    --- stdout
       PROVIDER  STATUS  TIME  DETAIL
    ✗  refused   401     [time]  it refuses the credential
    ✗  absent    -       [time]  no connection: tcp connect error: Connection refused (os error 111)
    0 of 2 providers reachable, 2 warnings
    --- stderr
    hint: refused: check auth_type and auth_value, and that it speaks what `type` says
    hint: absent: check base_url, the network and the proxy settings
    warning: [home]/config.yaml holds secrets and has mode 0644: others may read them; run `chmod 600 [home]/config.yaml`
    warning: profile idle has no usable endpoint and is skipped: enable one, or its provider
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_does_not_wait_for_what_runs() {
    let upstream = Upstream::start(replies::message_json("never").held_by(&Gate::new())).await.unwrap();
    let home = Home::with(&config(&upstream.url(), "10m"));
    let mut gateway = home.spawn(&["proxy", "start", "--foreground"]);
    let mut lines = Lines::of(gateway.0.stderr.take().unwrap());
    lines.until("gateway_started");
    let address = home.json(&["proxy", "status"])["address"].as_str().unwrap().replace("http://", "");
    let mut client = Connection::open(address.parse().unwrap()).await.unwrap();
    client.send(&claude_request("claude-sonnet-5", false, 4)).await.unwrap();
    upstream.wait_for(1).await;
    let running = Pid::from_raw(gateway.0.id().try_into().unwrap()).unwrap();
    kill_process(running, Signal::INT).unwrap();
    lines.until("gateway_draining");
    kill_process(running, Signal::INT).unwrap();
    lines.until("qcc has stopped at once");
    assert_eq!(gateway.0.wait().unwrap().code(), Some(0));
    assert!(!home.path("qcc.pid").exists());
}
