//! Checks of providers, their state and their history, by command.

use insta::assert_snapshot;
use qcc_testkit::{Received, Reply, Script, Upstream, claude::claude_request, exchange, replies};
use regex::Regex;
use serde_json::json;

use crate::home::{Ended, Home, PLAIN};
use crate::terminal::Terminal;

fn models() -> Reply {
    replies::json_body(200, &[], &json!({"data": [{"type": "model", "id": "claude-haiku-4-5"}]}))
}

/// A provider that lists its models and repeats what it is told to.
fn well() -> Script {
    let code = |received: &Received| {
        let asked = received.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        asked.rsplit(' ').next().unwrap_or_default().to_owned()
    };
    Script::new(move |received, _| match received.method.as_str() {
        "GET" => models(),
        _ => replies::message_json(&code(received)),
    })
}

/// One whose list works and whose model does not.
fn failing() -> Script {
    Script::new(|received, _| match received.method.as_str() {
        "GET" => models(),
        _ => replies::status(500, "api_error", "down", &[]),
    })
}

/// A good provider, one that fails, one that is not probed, one that is off.
async fn four() -> (Home, Upstream, Upstream) {
    let (work, relay) = (Upstream::start(well()).await.unwrap(), Upstream::start(failing()).await.unwrap());
    let home = Home::with(&format!(
        "
proxy: {{port: 0}}
retry: {{same_provider: 0}}
breaker: {{failure_threshold: 1}}
health: {{interval: 1h}}
providers:
  - {{name: relay, base_url: '{1}', auth_value: k2}}
  - {{name: work, base_url: '{0}', auth_value: k1}}
  - {{name: own, base_url: '{0}', auth_type: passthrough, allow_passthrough: true}}
  - {{name: spare, base_url: '{0}', auth_value: k3, enabled: false}}
",
        work.url(),
        relay.url()
    ));
    (home, work, relay)
}

/// With every time replaced.
fn shown(ended: &Ended, home: &Home) -> String {
    let times = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
        (r"\d+ ms|\d+\.\d s", "[span]"),
        (r"\b(\d+h( \d+m)?|\d+m( \d+s)?|\d+s)\b", "[wait]"),
        // How fast an answer was, and so its score, is the machine's affair.
        (r"(conversation) +(\[span\]) +\d+ +", "$1  $2  [score]  "),
        (r"(conversation) +\d+ +", "$1  [score]  "),
        (r"(healthy|degraded)( +)\d+", "$1$2[score]"),
        // The columns behind a time are as wide as the longest one.
        (r"(TIME|OK|ANSWERS|FAILED|SEEN|NEXT|PAID|\[span\]|\[wait\]|%| -) {2,}", "$1  "),
    ];
    times.iter().fold(ended.shown(home), |text, (pattern, stable)| {
        Regex::new(pattern).unwrap().replace_all(&text, *stable).into_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_is_checked_and_the_check_counts() {
    let (home, work, relay) = four().await;
    home.qcc(&["proxy", "start"]);
    assert_snapshot!(shown(&home.qcc(&["health", "check"]), &home), @"
    exit 1
    --- stdout
       PROVIDER  CHECK         TIME  SCORE  FOUND
    ✓  relay     api           [span]  reached, the credential is accepted
    ✗  relay     conversation  [span]  [score]  claude-haiku-4-5: 500 api_error: down
    ✓  work      api           [span]  reached, the credential is accepted
    ✓  work      conversation  [span]  [score]  claude-haiku-4-5 repeated the code
    ○  own       -  not probed: it takes the client's own credential
    ○  spare     -  disabled
    1 of 2 providers well
    ");
    assert_snapshot!(shown(&home.qcc(&["health", "status"]), &home), @"
    exit 0
    --- stdout
       PROVIDER  HEALTH    SCORE  OK  ANSWERS  FAILED  SEEN  NEXT  PAID
    ✗  relay     degraded  [score]     20 %  1       [wait]  [wait]  1/50
    ✓  work      healthy   [score]     100 %  [span]  [wait]  [wait]  1/50
    ·  own       unknown
    ○  spare     disabled
    relay: left out for failing, tried again in [wait]; claude-haiku-4-5: 500 api_error: down
    own: not probed: it takes the client's own credential
    Overall: 1/3 healthy, 1 degraded, 1 unknown
    ");
    let document = home.json(&["health", "status"]);
    assert_eq!((&document["running"], &document["providers"][1]["checks_today"]), (&json!(true), &json!(1)));
    let only = home.json(&["health", "check", "wo"]);
    assert_eq!((&only["ok"], &only["checks"].as_array().unwrap().len()), (&json!(true), &1));
    assert_eq!((work.posts().len(), relay.posts().len()), (2, 1));
    assert_snapshot!(shown(&home.qcc(&["health", "history", "work", "-n", "3"]), &home), @"
    exit 0
    --- stdout
       TIME  CHECK         SCORE  HEALTH   FOUND
    ✓  [time]  conversation  [score]  healthy  claude-haiku-4-5 repeated the code, [span]
    ✓  [time]  api                  healthy  reached, the credential is accepted, [span]
    ✓  [time]  conversation  [score]  healthy  claude-haiku-4-5 repeated the code, [span]
    ");
    assert_eq!(home.json(&["health", "history", "relay"])["checks"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gateway_the_command_checks_by_itself_and_keeps_what_it_found() {
    let (home, work, _relay) = four().await;
    assert_snapshot!(shown(&home.qcc(&["health", "status"]), &home), @"
    exit 0
    --- stdout
       PROVIDER  LAST CHECK
    ·  relay     never
    ·  work      never
    ·  own       never
    ·  spare     never
    --- stderr
    the gateway is not running, so this is what was found last: `qcc proxy start`, or `qcc health check`
    ");
    assert_snapshot!(shown(&home.qcc(&["health", "check", "work"]), &home), @"
    exit 0
    --- stdout
       PROVIDER  CHECK         TIME  SCORE  FOUND
    ✓  work      api           [span]  reached, the credential is accepted
    ✓  work      conversation  [span]  [score]  claude-haiku-4-5 repeated the code
    1 of 1 provider well
    --- stderr
    the gateway is not running, so this changes nobody's health; it is kept in the history
    ");
    let free = home.json(&["health", "check", "work", "--free"]);
    assert_eq!((&free["running"], free["checks"][0]["layers"].as_array().unwrap().len()), (&json!(false), 1));
    assert_eq!(work.posts().len(), 1);
    assert_snapshot!(shown(&home.qcc(&["health", "status"]), &home), @"
    exit 0
    --- stdout
       PROVIDER  LAST CHECK           CHECK  FOUND
    ·  relay     never
    ✓  work      [time]  api    reached, the credential is accepted
    ·  own       never
    ·  spare     never
    --- stderr
    the gateway is not running, so this is what was found last: `qcc proxy start`, or `qcc health check`
    ");
    home.qcc(&["proxy", "start"]);
    let status = home.json(&["health", "status"]);
    assert_eq!(status["providers"][1]["checks_today"], 1, "the gateway counts what the command spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daily_limit_holds_without_a_gateway_too() {
    let work = Upstream::start(well()).await.unwrap();
    let home = Home::with(&format!(
        "health: {{daily_limit: 1}}\nproviders:\n  - {{name: work, base_url: '{}', auth_value: k1}}\n",
        work.url()
    ));
    assert_eq!(home.json(&["health", "check"])["checks"][0]["layers"].as_array().unwrap().len(), 2);
    let second = home.json(&["health", "check"]);
    assert!(second["checks"][0]["skipped"].as_str().unwrap().contains("health.daily_limit"), "{second}");
    assert_eq!(work.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_of_a_provider_that_fails_fits_a_terminal_of_eighty_columns() {
    let (home, _work, _relay) = four().await;
    let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "").parse().unwrap();
    exchange(address, &claude_request("claude-sonnet-5", false, 4)).await.unwrap();
    home.qcc(&["health", "check"]);
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.args(["health", "status", "--color", "never"]);
    let (seen, status) = Terminal::start(command, 80).end();
    assert!(status.success());
    assert!(seen.contains("PROVIDER  HEALTH") && seen.contains("relay: left out for failing"), "{seen}");
    assert!(seen.lines().filter(|line| !line.contains(": ")).all(|line| line.chars().count() <= 80), "{seen}");
}

#[test]
fn how_providers_are_checked_is_shown_and_changed() {
    let home = Home::with(PLAIN);
    assert_snapshot!(home.qcc(&["health", "config"]).shown(&home), @"
    exit 0
    --- stdout
    free checks every      60s   health.interval
    longest wait           30s   health.timeout
    paid checks every      10m   health.conversation_interval
    model of paid checks   auto  health.model
    paid checks a day      50    health.daily_limit
    weights follow health  true  health.weight_adjustment
    checks before that     3     health.min_checks
    ");
    let flags = ["--interval", "90", "--disable-weight-adjustment", "--min-checks", "5"];
    assert_snapshot!(home.qcc(&[&["health", "config"], flags.as_slice()].concat()).shown(&home), @"
    exit 0
    --- stdout
    ✓ free checks every 90s, weights follow health false, checks before that 5
    ");
    assert_eq!(home.json(&["health", "config"])["health"]["health.interval"], "90s");
    assert_snapshot!(home.qcc(&["health", "config", "--min-checks", "0"]).shown(&home), @"
    exit 2
    --- stderr
    error: checks before that: 0 is out of range
    hint: write a number from 1 to 1000
    ");
}

#[test]
fn nobody_is_checked_where_only_the_clients_own_credential_is_used() {
    let home = Home::with("providers: [{name: own, base_url: 'https://api.anthropic.com', auth_type: passthrough}]");
    assert_snapshot!(home.qcc(&["health", "check", "own", "--free"]).shown(&home), @"
    exit 1
    --- stdout
       PROVIDER  CHECK  FOUND
    ○  own       -      not probed: it takes the client's own credential
    no provider was checked
    --- stderr
    the gateway is not running, so this changes nobody's health; it is kept in the history
    ");
}

#[test]
fn what_does_not_exist_is_said() {
    let home = Home::with(PLAIN);
    assert_snapshot!(home.qcc(&["health", "check", "nobody"]).shown(&home), @"
    exit 1
    --- stderr
    error: there is no provider `nobody`
    hint: there is only `relay`
    ");
    assert_snapshot!(home.qcc(&["health", "history", "relay"]).shown(&home), @"
    exit 0
    --- stdout
    no check of relay yet
    --- stderr
    next: `qcc health check relay`
    ");
    assert_eq!(home.qcc(&["health", "history", "relay", "-n", "0"]).code, Some(2));
}
