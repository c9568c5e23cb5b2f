//! Which profile leads, what is written down of it, and how a provider's faults are forgotten by hand.

use std::time::Duration;

use qcc_server::Source;
use qcc_testkit::replies::{message_json, status};
use qcc_testkit::{Reply, Request, Upstream};
use serde_json::{Value, json};

use crate::pin::{Pair, get, pin, said};
use crate::support::{Running, assert_refused, for_message, pass_time, providers};

fn down() -> Reply {
    status(500, "api_error", "down", &[])
}

/// The history, oldest first: `from > to: reason (who)`.
async fn history(running: &Running) -> Vec<String> {
    let body = get(running, "/api/failovers").await;
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let rows = body["failovers"].as_array().unwrap().iter().rev();
    let line = |row: &Value| {
        format!("{} > {}: {} ({})", text(row, "from"), text(row, "to"), text(row, "reason"), text(row, "who"))
    };
    rows.map(line).collect()
}

/// Waits until nobody is left out for a fault.
async fn wait_out() {
    pass_time(Duration::from_secs(61)).await;
}

#[tokio::test]
async fn a_dead_primary_is_one_row_and_the_way_back_another() {
    let pair = Pair::new().await;
    let mut running = pair.serve("").await;
    for _ in 0..3 {
        assert_eq!(said(&running).await, "main");
    }
    assert_eq!(history(&running).await, [""; 0]);
    pair.main.set_script(down());
    for _ in 0..3 {
        assert_eq!(said(&running).await, "spare");
    }
    assert_eq!(history(&running).await, ["production > backup: main: fault (automatic)"]);
    let event = running.event("profile_switched").await;
    assert_eq!(
        (&event["from"], &event["to"], &event["level"]),
        (&json!("production"), &json!("backup"), &json!("warn"))
    );
    pair.main.set_script(message_json("main"));
    wait_out().await;
    for _ in 0..3 {
        assert_eq!(said(&running).await, "main");
    }
    let expected = ["production > backup: main: fault (automatic)", "backup > production: recovered (automatic)"];
    assert_eq!(history(&running).await, expected);
    let event = running.event("profile_switched").await;
    assert_eq!((&event["reason"], &event["level"]), (&json!("recovered"), &json!("info")));
}

#[tokio::test]
async fn new_requests_return_to_a_tier_after_its_cooldown_and_then_it_leads_again() {
    let pair = Pair::new().await;
    let running = pair.serve("failover: {cooldown: 30s}\n").await;
    pair.main.set_script(down());
    assert_eq!(said(&running).await, "spare");
    pair.main.set_script(message_json("main"));
    wait_out().await;
    assert_eq!(said(&running).await, "main", "somebody has to find out");
    assert_eq!(said(&running).await, "spare");
    assert_eq!(history(&running).await.len(), 1);
    pass_time(Duration::from_secs(31)).await;
    assert_eq!(said(&running).await, "main");
    assert_eq!(history(&running).await[1], "backup > production: recovered (automatic)");
}

#[tokio::test]
async fn without_recovery_a_tier_that_was_left_stays_left_until_somebody_switches() {
    let pair = Pair::new().await;
    let running = pair.serve("failover: {recovery: false}\n").await;
    pair.main.set_script(down());
    assert_eq!(said(&running).await, "spare");
    pair.main.set_script(message_json("main"));
    for _ in 0..3 {
        wait_out().await;
        assert_eq!(said(&running).await, "spare");
    }
    pin(&running, Some("backup")).await;
    pin(&running, None).await;
    assert_eq!(said(&running).await, "main");
}

#[tokio::test]
async fn a_primary_that_stays_dead_is_no_news() {
    let pair = Pair::new().await;
    pair.main.set_script(down());
    let running = pair.serve("").await;
    for _ in 0..3 {
        assert_eq!(said(&running).await, "spare");
        wait_out().await;
    }
    assert_eq!(history(&running).await, ["production > backup: main: fault (automatic)"]);
}

#[tokio::test]
async fn a_profile_leads_until_its_last_provider_is_out() {
    let pair = Pair::new().await;
    let text = pair.text("").replace("tier: primary, endpoints: [", "tier: primary, endpoints: [{provider: third}, ");
    let third = Upstream::start(status(429, "rate_limit_error", "slow", &[("retry-after", "600")])).await.unwrap();
    let text = text.replace("providers:\n", &providers(&[("third", third.url())]));
    let running = Running::keeping(Source::Text(text), false, Some(pair.database())).await;
    assert_eq!(said(&running).await, "main");
    assert_eq!(history(&running).await, [""; 0]);
    pair.main.set_script(status(401, "authentication_error", "no", &[]));
    assert_eq!(said(&running).await, "spare");
    assert_eq!(history(&running).await, ["production > backup: main: credential (automatic)"]);
}

#[tokio::test]
async fn while_everybody_is_out_nobody_takes_over() {
    let pair = Pair::new().await;
    pair.spare.set_script(down());
    pair.main.set_script(down());
    let running = pair.serve("").await;
    for _ in 0..3 {
        assert_refused(&running.ask(&for_message()).await, 503, "api_error");
    }
    assert_eq!(history(&running).await, ["production > backup: main: fault (automatic)"]);
    pair.spare.set_script(message_json("spare"));
    wait_out().await;
    assert_eq!(said(&running).await, "spare");
    assert_eq!(history(&running).await.len(), 1, "it led all the time");
}

#[tokio::test]
async fn every_change_of_the_pin_is_in_the_history_with_what_followed_from_it() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pair.main.set_script(down());
    said(&running).await;
    pin(&running, Some("aside")).await;
    pin(&running, Some("aside")).await;
    pin(&running, Some("production")).await;
    pin(&running, None).await;
    pin(&running, None).await;
    let expected = [
        "production > backup: main: fault (automatic)",
        "backup > aside: pinned (manual)",
        "aside > production: pinned (manual)",
        "production > backup: main: fault (automatic)",
        "backup > backup: unpinned (manual)",
    ];
    assert_eq!(history(&running).await, expected);
}

#[tokio::test]
async fn a_pin_that_finds_nobody_to_ask_is_told_as_such() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    pin(&running, Some("nobody")).await;
    let expected = ["production > nobody: pinned (manual)", "nobody > production: no usable endpoint (automatic)"];
    assert_eq!(history(&running).await, expected);
}

#[tokio::test]
async fn a_new_file_and_a_restart_may_change_who_leads() {
    let pair = Pair::new().await;
    let path = pair.folder.path().join("config.yaml");
    std::fs::write(&path, pair.text("")).unwrap();
    let serve = || Running::keeping(Source::Path(path.clone()), false, Some(pair.database()));
    let running = serve().await;
    std::fs::write(
        &path,
        pair.text("").replace("secondary", "primary").replace("{tier: primary, endpoints: [{provider: main}]}", "{}"),
    )
    .unwrap();
    running.gateway.reload().unwrap();
    let told = "production > backup: the configuration changed (automatic)";
    assert_eq!(history(&running).await, [told]);
    running.stop().await;
    let running = serve().await;
    assert_eq!(history(&running).await, [told], "the same one leads");
    running.stop().await;
    std::fs::write(&path, pair.text("")).unwrap();
    assert_eq!(history(&serve().await).await, [told, "backup > production: restarted (automatic)"]);
}

#[tokio::test]
async fn without_profiles_there_is_no_history() {
    let pair = Pair::new().await;
    let list = providers(&[("main", pair.main.url()), ("spare", pair.spare.url())]);
    let running = Running::keeping(Source::Text(list), false, Some(pair.database())).await;
    pair.main.set_script(down());
    assert_eq!(said(&running).await, "spare");
    assert_eq!(history(&running).await, [""; 0]);
    assert_eq!(get(&running, "/api/profiles").await, json!({"active": null, "pinned": null, "profiles": []}));
}

#[tokio::test]
async fn the_history_is_told_as_far_as_asked() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    for profile in ["backup", "aside", "production"] {
        pin(&running, Some(profile)).await;
    }
    let rows = get(&running, "/api/failovers?limit=2").await;
    let rows = rows["failovers"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["to"], &rows[1]["to"]), (2, &json!("production"), &json!("aside")));
    let time: jiff::Timestamp = rows[0]["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(rows[0]["time_ms"], time.as_millisecond());
    for query in ["limit=0", "limit=1001", "limit=x", "limit=-1", "offset=1", "limit"] {
        let answer = running.ask(&Request::get(&format!("/api/failovers?{query}"))).await;
        assert_refused(&answer, 400, "invalid_request_error");
        assert!(answer.text().contains("limit=N with N from 1 to 1000"), "{}", answer.text());
    }
    for path in ["/api/pin", "/api/profiles", "/api/failovers"] {
        let answer = running.ask(&Request::new("HEAD", path)).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    let answer = running.ask(&Request::new("POST", "/api/failovers")).await;
    assert_refused(&answer, 405, "invalid_request_error");
}

#[tokio::test]
async fn profiles_show_who_leads_who_is_pinned_and_who_is_out() {
    let pair = Pair::new().await;
    let running = pair.serve("").await;
    let body = get(&running, "/api/profiles").await;
    assert_eq!((&body["active"], &body["pinned"]), (&json!("production"), &Value::Null));
    pair.main.set_script(down());
    said(&running).await;
    pin(&running, Some("production")).await;
    let mut body = get(&running, "/api/profiles").await;
    let cooldown = body["profiles"][0]["endpoints"][0]["cooldowns"][0].take();
    assert_eq!(cooldown["reason"], "fault");
    assert!((1..=60).contains(&cooldown["seconds"].as_u64().unwrap()), "{cooldown}");
    let endpoint = |provider: &str, enabled: bool, weight: u32, state: &str, cooldowns: Value| {
        json!({"provider": provider, "enabled": enabled, "weight": weight, "priority": 1, "state": state,
            "cooldowns": cooldowns})
    };
    let spare = endpoint("spare", true, 100, "closed", json!([]));
    let expected = json!({
        "active": "backup",
        "pinned": "production",
        "profiles": [
            {"name": "production", "tier": "primary", "pinned": true, "active": false, "state": "out",
                "endpoints": [endpoint("main", true, 100, "cooling", json!([null]))]},
            {"name": "backup", "tier": "secondary", "pinned": false, "active": true, "state": "ready",
                "endpoints": [spare]},
            {"name": "aside", "tier": null, "pinned": false, "active": false, "state": "ready",
                "endpoints": [spare]},
            {"name": "nobody", "tier": null, "pinned": false, "active": false, "state": "empty",
                "endpoints": [endpoint("main", false, 100, "disabled", json!([null])),
                    endpoint("spare", true, 0, "disabled", json!([]))]},
        ],
    });
    body["profiles"][3]["endpoints"][0]["cooldowns"][0].take();
    assert_eq!(body, expected);
}

#[tokio::test]
async fn when_all_are_out_the_active_profile_is_the_one_that_would_be_tried() {
    let pair = Pair::new().await;
    pair.main.set_script(status(429, "rate_limit_error", "slow", &[("retry-after", "600")]));
    pair.spare.set_script(down());
    let running = pair.serve("retry: {same_provider: 0}\n").await;
    running.ask(&for_message()).await;
    assert_eq!(get(&running, "/api/profiles").await["active"], "backup", "it is due first");
    let refused = status(401, "authentication_error", "no", &[]);
    pair.main.set_script(refused.clone());
    pair.spare.set_script(refused);
    for provider in ["main", "spare"] {
        running.ask(&Request::new("POST", &format!("/api/providers/{provider}/reset"))).await;
    }
    assert_refused(&running.ask(&for_message()).await, 403, "permission_error");
    assert_eq!(get(&running, "/api/profiles").await["active"], Value::Null, "nobody may be tried");
}

#[tokio::test]
async fn when_no_profile_has_a_tier_all_are_shown_as_primary() {
    let pair = Pair::new().await;
    let running = Running::start(&pair.text("").replace("tier: primary, ", "").replace("tier: secondary, ", "")).await;
    let body = get(&running, "/api/profiles").await;
    let tiers: Vec<_> = body["profiles"].as_array().unwrap().iter().map(|profile| &profile["tier"]).collect();
    assert_eq!(tiers, ["primary"; 4]);
}

#[tokio::test]
async fn a_refused_provider_is_tried_at_once_after_its_reset() {
    let pair = Pair::new().await;
    pair.main.set_script(status(401, "authentication_error", "no", &[]));
    let mut running = pair.serve("").await;
    assert_eq!(said(&running).await, "spare");
    pair.main.set_script(message_json("main"));
    assert_eq!(said(&running).await, "spare", "it is still out");
    let answer = running.ask(&Request::new("POST", "/api/providers/main/reset")).await;
    let listed = get(&running, "/providers").await;
    assert_eq!((answer.status, &answer.json()), (200, &listed["providers"][0]));
    assert_eq!((&answer.json()["state"], &answer.json()["cooldowns"]), (&json!("closed"), &json!([])));
    assert_eq!(said(&running).await, "main");
    let event = running.event("provider_reset").await;
    assert_eq!((&event["provider"], &event["cooldowns"]), (&json!("main"), &json!(1)));
    let expected = ["production > backup: main: credential (automatic)", "backup > production: recovered (automatic)"];
    assert_eq!(history(&running).await, expected);
}

#[tokio::test]
async fn a_provider_of_any_name_can_be_reset_and_no_other() {
    let pair = Pair::new().await;
    let list = providers(&[("'备 50%/x'", pair.main.url()), ("two", pair.spare.url())]);
    let list = list.replace("key-'备 50%/x'", "key").replace("key-two", "key, enabled: false");
    pair.main.set_script(down());
    let running = Running::start(&list).await;
    running.ask(&for_message()).await;
    let post = |name: &str| Request::new("POST", &format!("/api/providers/{name}/reset"));
    let answer = running.ask(&post("%E5%A4%87%2050%25%2Fx")).await.json();
    assert_eq!((&answer["name"], &answer["state"]), (&json!("备 50%/x"), &json!("closed")));
    assert_eq!(running.ask(&post("two")).await.json()["state"], "disabled");
    for name in ["tw", "%FF", "", "two/reset"] {
        let answer = running.ask(&post(name)).await;
        assert_refused(&answer, 404, "not_found_error");
        assert!(answer.text().contains("there are 备 50%/x, two"), "{name}: {}", answer.text());
    }
    assert_refused(&running.ask(&Request::get("/api/providers/two/reset")).await, 405, "invalid_request_error");
    assert_refused(&running.ask(&Request::new("POST", "/api/providers/two")).await, 404, "not_found_error");
}
