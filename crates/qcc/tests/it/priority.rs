//! Tiers, the switch, the policy and their history by command.

use insta::assert_snapshot;
use qcc_testkit::{Upstream, claude::claude_request, exchange, replies};

use crate::home::Home;

fn config(primary: &str, secondary: &str) -> String {
    format!(
        "
proxy: {{port: 0}}
affinity: {{enabled: false}}
providers:
  - {{name: work, base_url: '{primary}', auth_value: k1}}
  - {{name: relay, base_url: '{secondary}', auth_value: k2}}
profiles:
  production:
    tier: primary
    endpoints: [{{provider: work}}]
  backup:
    description: for bad days
    tier: secondary
    endpoints: [{{provider: relay}}]
  spare:
    endpoints: []
"
    )
}

fn nobody() -> Home {
    Home::with(&config("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
}

#[test]
fn a_profile_gets_its_tier() {
    let home = nobody();
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "fallback"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ spare is fallback
    ");
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "fallback"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ nothing to change: spare is fallback
    ");
    assert_snapshot!(home.qcc(&["priority", "list"]).shown(&home), @"
    exit 0
    --- stdout
    TIER       PROFILE     ENDPOINTS  STATE
    primary    production  work       -
    secondary  backup      relay      -
    fallback   spare       -          empty
    --- stderr
    the gateway is not running, so nothing is known of their state: `qcc proxy start`
    ");
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "primry"]).shown(&home), @"
    exit 2
    --- stderr
    error: `primry` is not possible for `<TIER>`
    hint: did you mean `primary`? possible are primary, secondary, fallback
    usage: qcc priority set [OPTIONS] <PROFILE> <TIER>
    ");
    assert_snapshot!(home.qcc(&["priority", "set", "nobody", "primary"]).shown(&home), @"
    exit 1
    --- stderr
    error: there is no profile `nobody`
    hint: there are `production`, `backup` and `spare`
    ");
}

#[test]
fn the_first_tier_says_whom_it_leaves_out() {
    let home = Home::empty();
    for name in ["one", "two"] {
        home.qcc(&["add", name, "--base-url", "https://x.example", "--api-key", "k"]);
    }
    assert_snapshot!(home.stable(&home.qcc(&["priority", "set", "one", "primary"]).err), @"note: `two` has no tier, so it now serves only through routes, -f and switch: `qcc priority set NAME TIER`");
}

#[test]
fn the_policy_is_shown_and_changed() {
    let home = nobody();
    assert_snapshot!(home.qcc(&["priority", "policy"]).shown(&home), @"
    exit 0
    --- stdout
    auto failover      true  failover.auto
    auto recovery      true  failover.recovery
    failure threshold  3     breaker.failure_threshold
    cooldown           300s  failover.cooldown
    ");
    let flags = ["--no-auto-failover", "--auto-recovery", "--failure-threshold", "5", "--cooldown", "60"];
    assert_snapshot!(home.qcc(&[&["priority", "policy"], flags.as_slice()].concat()).shown(&home), @"
    exit 0
    --- stdout
    ✓ auto failover false, auto recovery true, failure threshold 5, cooldown 60s
    ");
    assert_eq!(home.json(&["priority", "policy"])["policy"]["failover.cooldown"], "60s");
    assert_snapshot!(home.qcc(&["priority", "policy", "--cooldown", "soon"]).shown(&home), @"
    exit 2
    --- stderr
    error: cooldown: `soon` is not a duration
    hint: write a number with ms, s, m, h or d, such as `90s`; `0` switches it off
    ");
    assert_snapshot!(home.qcc(&["priority", "policy", "--failure-threshold", "0"]).shown(&home), @"
    exit 2
    --- stderr
    error: failure threshold: 0 is out of range
    hint: write a number from 1 to 1000
    ");
}

#[test]
fn a_switch_without_a_gateway_is_kept_for_its_start() {
    let home = nobody();
    assert_snapshot!(home.qcc(&["priority", "history"]).shown(&home), @"
    exit 0
    --- stdout
    no change of the profile yet
    ");
    assert_snapshot!(home.qcc(&["priority", "switch", "backup"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ backup comes before all tiers, until `qcc priority switch auto`
    --- stderr
    the gateway is not running; it will find this when it starts
    ");
    assert_eq!(home.json(&["priority", "list"])["pinned"], "backup");
    let history = home.json(&["priority", "history"]);
    assert_eq!((&history["changes"][0]["to"], &history["changes"][0]["who"]), (&"backup".into(), &"manual".into()));
    assert_snapshot!(home.qcc(&["remove", "backup"]).shown(&home), @"
    exit 1
    --- stderr
    error: the profile `backup` is the one that `priority switch` put first
    hint: end that first: `qcc priority switch auto`
    ");
    assert_snapshot!(home.qcc(&["use", "auto"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ the tiers decide again
    --- stderr
    the gateway is not running; it will find this when it starts
    ");
    assert!(home.json(&["priority", "list"])["pinned"].is_null());
    assert_snapshot!(home.qcc(&["use", "bakcup"]).shown(&home), @"
    exit 1
    --- stderr
    error: there is no profile `bakcup`
    hint: did you mean `backup`? `qcc list` shows all
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_is_in_force_at_once_and_survives_a_restart() {
    let work = Upstream::start(replies::message_json("from work")).await.unwrap();
    let relay = Upstream::start(replies::message_json("from relay")).await.unwrap();
    let home = Home::with(&config(&work.url(), &relay.url()));
    let said = async |home: &Home| {
        let address = home.json(&["proxy", "status"])["address"].as_str().unwrap().replace("http://", "");
        exchange(address.parse().unwrap(), &claude_request("claude-sonnet-5", false, 4)).await.unwrap().said()
    };
    assert_eq!(home.qcc(&["proxy", "start"]).code, Some(0));
    assert_eq!(said(&home).await, "from work");
    assert_eq!(home.qcc(&["use", "backup"]).code, Some(0));
    assert_eq!(said(&home).await, "from relay");
    assert_eq!(home.json(&["priority", "list"])["active"], "backup");
    assert_eq!(home.qcc(&["proxy", "restart"]).code, Some(0));
    assert_eq!(said(&home).await, "from relay");
    assert_eq!(home.qcc(&["priority", "switch", "auto"]).code, Some(0));
    assert_eq!(said(&home).await, "from work");
    let history = home.qcc(&["priority", "history"]);
    assert_eq!(history.out.matches("manual").count(), 2, "{}", history.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_in_force_when_its_command_ends() {
    let work = Upstream::start(replies::message_json("from work")).await.unwrap();
    let relay = Upstream::start(replies::message_json("from relay")).await.unwrap();
    let home = Home::with(&config(&work.url(), &relay.url()));
    let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "").parse().unwrap();
    let request = claude_request("claude-sonnet-5", false, 4);
    assert_eq!(exchange(address, &request).await.unwrap().said(), "from work");
    let disabled = home.json(&["endpoint", "disable", "production", "work"]);
    assert_eq!(disabled["gateway"]["state"], "reloaded");
    assert_eq!(exchange(address, &request).await.unwrap().said(), "from relay");
    assert_snapshot!(home.qcc(&["endpoint", "enable", "production", "work"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ work is enabled in the profile production
    --- stderr
    the running gateway uses it
    what the running gateway held against it is forgotten
    ");
    assert_eq!(exchange(address, &request).await.unwrap().said(), "from work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enabling_an_endpoint_while_no_gateway_runs_ends_what_the_last_one_held_against_it() {
    let refused = replies::status(401, "authentication_error", "invalid x-api-key", &[]);
    let work = Upstream::start(refused).await.unwrap();
    let relay = Upstream::start(replies::message_json("from relay")).await.unwrap();
    let home = Home::with(&config(&work.url(), &relay.url()));
    let request = claude_request("claude-sonnet-5", false, 4);
    let restarted = async || {
        let address = home.json(&["proxy", "start"])["address"].as_str().unwrap().replace("http://", "");
        let said = exchange(address.parse().unwrap(), &request).await.unwrap().said();
        home.qcc(&["proxy", "stop"]);
        said
    };
    assert_eq!(restarted().await, "from relay");
    work.set_script(replies::message_json("from work"));
    assert_eq!(restarted().await, "from relay", "its key was refused");
    assert_eq!(home.qcc(&["endpoint", "enable", "production", "work"]).code, Some(0));
    assert_eq!(restarted().await, "from work");
}
