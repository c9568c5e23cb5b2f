//! What is known of providers and sessions survives a restart, and nothing that was written down can stop a start.

use std::path::PathBuf;
use std::time::Duration;

use qcc_server::Source;
use qcc_testkit::claude::Claude;
use qcc_testkit::replies::{message_json, status};
use qcc_testkit::{Reply, Request, Upstream};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::pin::pin;
use crate::support::{Running, for_message, pass_time};

/// Two providers, of which `a` goes first, and a place for the database.
struct Home {
    a: Upstream,
    b: Upstream,
    folder: TempDir,
}

const SHARED: &str = "profiles:\n  all: {tier: primary, strategy: weighted, endpoints: [{provider: a}, {provider: b}]}\n  \
                      other: {endpoints: [{provider: a}]}\n";
const SESSIONS: &str = "affinity: {enabled: true}\n";

fn refused() -> Reply {
    status(401, "authentication_error", "invalid x-api-key", &[])
}

fn down() -> Reply {
    status(500, "api_error", "down", &[])
}

impl Home {
    async fn new() -> Self {
        let a = Upstream::start(message_json("a")).await.unwrap();
        let b = Upstream::start(message_json("b")).await.unwrap();
        Self { a, b, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("qcc.db")
    }

    fn text(&self, key: &str, more: &str) -> String {
        let (a, b) = (self.a.url(), self.b.url());
        format!(
            "providers:\n  - {{name: a, base_url: '{a}', auth_value: {key}}}\n  - {{name: b, base_url: '{b}', \
             auth_value: key-b}}\n{more}"
        )
    }

    async fn serve_with_key(&self, key: &str, more: &str) -> Running {
        Running::keeping(Source::Text(self.text(key, more)), false, Some(self.path())).await
    }

    async fn serve(&self, more: &str) -> Running {
        self.serve_with_key("key-a", more).await
    }

    fn database(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn rows(&self, table: &str) -> u32 {
        self.database().query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).unwrap()
    }

    /// As if what was written down had been written at another time.
    fn shift(&self, seconds: i64) {
        let shifted =
            self.database().execute("UPDATE provider_state SET updated_ms = updated_ms + ?1", (seconds * 1000,));
        assert!(shifted.unwrap() > 0);
    }
}

async fn said(running: &Running) -> String {
    running.ask(&for_message()).await.said()
}

async fn served_by(running: &Running, session: u32) -> String {
    let name = format!("00000000-0000-4000-8000-{session:012}");
    let request = Claude::new("claude-sonnet-5").stream(false).kilobytes(2).session(&name).request();
    running.ask(&request).await.header("x-qcc-provider").unwrap_or("nobody").to_owned()
}

/// Waits until what was handed over to the database is there.
async fn written(running: &Running) {
    assert_eq!(running.ask(&Request::get("/api/failovers")).await.status, 200);
}

/// How many seconds the provider is still out.
async fn seconds_out(running: &Running, provider: &str) -> u64 {
    let listed = running.ask(&Request::get("/providers")).await.json();
    let mine = listed["providers"].as_array().unwrap().iter().find(|one| one["name"] == provider).unwrap().clone();
    mine["cooldowns"][0]["seconds"].as_u64().unwrap()
}

#[tokio::test]
async fn a_provider_that_was_left_out_for_failing_still_is_after_a_restart() {
    let home = Home::new().await;
    home.a.set_script(down());
    let running = home.serve("").await;
    assert_eq!(said(&running).await, "b");
    running.stop().await;
    home.a.set_script(message_json("a"));
    let mut running = home.serve("").await;
    let event = running.event("state_restored").await;
    assert_eq!((&event["providers"], &event["level"]), (&json!(2), &json!("info")));
    assert_eq!((running.standing("a").await.as_str(), said(&running).await.as_str()), ("fault", "b"));
    assert_eq!(home.a.posts().len(), 1);
    pass_time(Duration::from_secs(61)).await;
    assert_eq!(said(&running).await, "a", "its time is over");
}

#[tokio::test]
async fn a_refused_key_is_refused_after_a_restart_and_another_key_is_not() {
    let home = Home::new().await;
    home.a.set_script(refused());
    let running = home.serve("").await;
    assert_eq!(said(&running).await, "b");
    running.stop().await;
    home.a.set_script(message_json("a"));
    let running = home.serve("").await;
    assert_eq!((running.standing("a").await.as_str(), said(&running).await.as_str()), ("credential", "b"));
    running.stop().await;
    let running = home.serve_with_key("key-new", "").await;
    assert_eq!((running.standing("a").await.as_str(), said(&running).await.as_str()), ("closed", "a"));
    let database = std::fs::read(home.path()).unwrap();
    assert!(!database.windows(5).any(|bytes| bytes == b"key-a"), "it holds no key");
}

#[tokio::test]
async fn the_time_while_nobody_ran_counts_and_a_clock_that_was_set_back_does_not() {
    let home = Home::new().await;
    home.a.set_script(status(429, "rate_limit_error", "slow down", &[("retry-after", "60")]));
    let running = home.serve("").await;
    assert_eq!(said(&running).await, "b");
    running.stop().await;
    home.shift(-50);
    let running = home.serve("").await;
    assert_eq!(running.standing("a").await, "throttled");
    assert!(seconds_out(&running, "a").await <= 10);
    running.stop().await;
    home.shift(3600);
    let running = home.serve("").await;
    assert!((1..=60).contains(&seconds_out(&running, "a").await));
    running.stop().await;
    home.shift(-10_000_000);
    assert_eq!(home.serve("").await.standing("a").await, "closed", "it is long over");
}

#[tokio::test]
async fn sessions_are_where_they_were_after_a_restart() {
    let home = Home::new().await;
    let more = format!("{SHARED}{SESSIONS}");
    let running = home.serve(&more).await;
    let mut before = Vec::new();
    for session in 0..7 {
        before.push(served_by(&running, session).await);
    }
    assert!(before.contains(&"a".to_owned()) && before.contains(&"b".to_owned()));
    running.stop().await;
    let mut running = home.serve(&more).await;
    assert_eq!(running.event("state_restored").await["sessions"], 7);
    for session in (0..7).rev() {
        assert_eq!(served_by(&running, session).await, before[session as usize], "session {session}");
    }
}

#[tokio::test]
async fn a_session_whose_provider_is_gone_is_served_by_another_one() {
    let home = Home::new().await;
    let running = home.serve(SESSIONS).await;
    assert_eq!(served_by(&running, 1).await, "a");
    running.stop().await;
    let only_b = format!("providers: [{{name: b, base_url: '{}', auth_value: key-b}}]\n{SESSIONS}", home.b.url());
    let running = Running::keeping(Source::Text(only_b), false, Some(home.path())).await;
    assert_eq!(served_by(&running, 1).await, "b");
    let events = running.stop().await;
    assert!(!events.iter().any(|event| event["event"] == "state_ignored"), "{events:?}");
}

#[tokio::test]
async fn a_weight_that_was_lowered_stays_low() {
    let home = Home::new().await;
    let more = format!("{SHARED}breaker: {{open_initial: 0s}}\n");
    home.a.set_script(down());
    let running = home.serve(&more).await;
    for _ in 0..20 {
        said(&running).await;
    }
    running.stop().await;
    home.a.set_script(message_json("a"));
    let running = home.serve(&more).await;
    let before = home.a.posts().len();
    for _ in 0..20 {
        said(&running).await;
    }
    let asked = home.a.posts().len() - before;
    assert!((1..7).contains(&asked), "of equals it would be asked 10 times, and was {asked} times");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_once_and_the_gateway_starts_without() {
    let home = Home::new().await;
    home.a.set_script(refused());
    let running = home.serve(SESSIONS).await;
    assert_eq!(served_by(&running, 1).await, "b");
    running.stop().await;
    let broken = "UPDATE provider_state SET state = 'nonsense'; UPDATE sessions SET state = '{\"v\": 99}';";
    home.database().execute_batch(broken).unwrap();
    home.a.set_script(message_json("a"));
    let running = home.serve(SESSIONS).await;
    assert_eq!((running.standing("a").await.as_str(), served_by(&running, 1).await.as_str()), ("closed", "a"));
    let events = running.stop().await;
    let told: Vec<_> = events.iter().filter(|event| event["event"] == "state_ignored").collect();
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&told["rows"], &told["level"]), (&json!(3), &json!("warn")));
    assert!(told["error"].as_str().unwrap().starts_with("it cannot be read: "), "{told}");
}

#[tokio::test]
async fn a_gateway_that_is_killed_loses_no_more_than_the_last_seconds() {
    let home = Home::new().await;
    home.a.set_script(refused());
    let more = format!("{SHARED}{SESSIONS}");
    let killed = home.serve(&more).await;
    assert_eq!(served_by(&killed, 1).await, "b");
    written(&killed).await;
    assert_eq!(home.rows("provider_state"), 0, "not with every request");
    pass_time(Duration::from_secs(5)).await;
    written(&killed).await;
    assert_eq!((home.rows("provider_state"), home.rows("sessions")), (2, 0));
    pass_time(Duration::from_secs(26)).await;
    written(&killed).await;
    assert_eq!(home.rows("sessions"), 1);
    // The other one never hears that it is to stop.
    let mut running = home.serve(&more).await;
    assert_eq!(running.event("state_restored").await["sessions"], 1);
    assert_eq!(running.standing("a").await, "credential");
}

#[tokio::test]
async fn while_nothing_happens_nothing_is_written() {
    let home = Home::new().await;
    let running = home.serve(SESSIONS).await;
    assert_eq!(served_by(&running, 1).await, "a");
    pass_time(Duration::from_secs(31)).await;
    written(&running).await;
    home.database().execute_batch("DELETE FROM provider_state; DELETE FROM sessions").unwrap();
    for _ in 0..3 {
        pass_time(Duration::from_secs(31)).await;
        written(&running).await;
    }
    assert_eq!((home.rows("provider_state"), home.rows("sessions")), (0, 0));
}

#[tokio::test]
async fn a_reset_also_ends_what_was_written_down() {
    let home = Home::new().await;
    home.a.set_script(refused());
    let running = home.serve("").await;
    assert_eq!(said(&running).await, "b");
    pass_time(Duration::from_secs(5)).await;
    written(&running).await;
    assert_eq!(home.rows("provider_state"), 2);
    assert_eq!(running.ask(&Request::post_json("/api/providers/a/reset", &json!({}))).await.status, 200);
    written(&running).await;
    assert_eq!(home.rows("provider_state"), 1);
    assert_eq!(home.serve("").await.standing("a").await, "closed");
}

#[tokio::test]
async fn a_switch_also_ends_what_was_written_down_of_sessions() {
    let home = Home::new().await;
    let more = format!("{SHARED}{SESSIONS}");
    let running = home.serve(&more).await;
    for session in 0..4 {
        served_by(&running, session).await;
    }
    pass_time(Duration::from_secs(31)).await;
    written(&running).await;
    assert_eq!(home.rows("sessions"), 4);
    assert_eq!(pin(&running, Some("other")).await.status, 200);
    written(&running).await;
    assert_eq!(home.rows("sessions"), 0);
    let running = home.serve(&more).await;
    for session in 0..4 {
        assert_eq!(served_by(&running, session).await, "a");
    }
}

#[tokio::test]
async fn a_provider_that_comes_back_by_a_reload_is_known_as_it_was() {
    let home = Home::new().await;
    home.a.set_script(refused());
    let file = home.folder.path().join("config.yaml");
    let write = |key: &str| {
        std::fs::write(&file, home.text(key, "hold: {max_wait: 0s}\naffinity: {enabled: false}\n")).unwrap()
    };
    write("key-a");
    let running = Running::keeping(Source::Path(file.clone()), false, Some(home.path())).await;
    assert_eq!(said(&running).await, "b");
    home.a.set_script(message_json("a"));
    write("key-new");
    running.gateway.reload().unwrap();
    assert_eq!(said(&running).await, "a");
    write("key-a");
    running.gateway.reload().unwrap();
    assert_eq!((running.standing("a").await.as_str(), said(&running).await.as_str()), ("credential", "b"));
    for n in 0..300 {
        write(&format!("key-{n}"));
        running.gateway.reload().unwrap();
    }
    write("key-a");
    running.gateway.reload().unwrap();
    assert_eq!(said(&running).await, "a", "who was gone for so many others is forgotten");
}
