//! Tiers, the switch, the policy and their history by command.

use insta::assert_snapshot;
use qcc_testkit::{Upstream, claude::claude_request, exchange, replies};

use crate::home::Home;

fn config(primary: &str, secondary: &str) -> String {
    format!(
        "
proxy: {{port: 0}}
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
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "fallback"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "fallback"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "list"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "set", "spare", "primry"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "set", "nobody", "primary"]).shown(&home), @"");
}

#[test]
fn the_first_tier_says_whom_it_leaves_out() {
    let home = Home::empty();
    for name in ["one", "two"] {
        home.qcc(&["add", name, "--base-url", "https://x.example", "--api-key", "k"]);
    }
    assert_snapshot!(home.stable(&home.qcc(&["priority", "set", "one", "primary"]).err), @"");
}

#[test]
fn the_policy_is_shown_and_changed() {
    let home = nobody();
    assert_snapshot!(home.qcc(&["priority", "policy"]).shown(&home), @"");
    let flags = ["--no-auto-failover", "--auto-recovery", "--failure-threshold", "5", "--cooldown", "60"];
    assert_snapshot!(home.qcc(&[&["priority", "policy"], flags.as_slice()].concat()).shown(&home), @"");
    assert_eq!(home.json(&["priority", "policy"])["policy"]["failover.cooldown"], "60s");
    assert_snapshot!(home.qcc(&["priority", "policy", "--cooldown", "soon"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "policy", "--failure-threshold", "0"]).shown(&home), @"");
}

#[test]
fn a_switch_without_a_gateway_is_kept_for_its_start() {
    let home = nobody();
    assert_snapshot!(home.qcc(&["priority", "history"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["priority", "switch", "backup"]).shown(&home), @"");
    assert_eq!(home.json(&["priority", "list"])["pinned"], "backup");
    let history = home.json(&["priority", "history"]);
    assert_eq!((&history["changes"][0]["to"], &history["changes"][0]["who"]), (&"backup".into(), &"manual".into()));
    assert_snapshot!(home.qcc(&["remove", "backup"]).shown(&home), @"");
    assert_snapshot!(home.qcc(&["use", "auto"]).shown(&home), @"");
    assert!(home.json(&["priority", "list"])["pinned"].is_null());
    assert_snapshot!(home.qcc(&["use", "bakcup"]).shown(&home), @"");
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
    assert_snapshot!(home.qcc(&["endpoint", "enable", "production", "work"]).shown(&home), @"");
    assert_eq!(exchange(address, &request).await.unwrap().said(), "from work");
}
