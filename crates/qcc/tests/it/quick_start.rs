//! The quick start of the first users' document, line by line: from nothing to a working failover.

use std::net::TcpListener;

use qcc_testkit::{Request, Script, Upstream, claude::claude_request, exchange, replies};
use serde_json::json;

use crate::home::Home;

/// Its lines, without those for health and queue. `uvx qcc` is the program; `work` and `personal` exist before, as they
/// do there.
const LINES: &str = r#"
# 1.
uvx qcc init
# (what the document takes for granted)
uvx qcc add work --base-url "$WORK" --api-key sk-work
uvx qcc add personal --base-url "$PERSONAL" --api-key sk-personal
uvx qcc config set proxy.port "$PORT"
# 2.
uvx qcc add production --description "what we use every day"
uvx qcc add backup --description "for bad days"
# 3.
uvx qcc endpoint add production -f work
uvx qcc endpoint add production -f personal
# 4.
uvx qcc priority set production primary
uvx qcc priority set backup secondary
# 5.
uvx qcc priority policy --auto-failover --auto-recovery
# 6.
uvx qcc proxy start
# 7.
uvx qcc priority list
# 8.
export ANTHROPIC_BASE_URL=http://127.0.0.1:$PORT
export ANTHROPIC_API_KEY=proxy-managed
# 9.
claude
"#;

/// A port that was free a moment ago: the document's own may be in use on the machine that tests.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quick_start_leads_from_nothing_to_a_working_failover() {
    let overloaded = replies::status(529, "overloaded_error", "Overloaded", &[]);
    let work = Upstream::start(Script::sequence([replies::message_json("from work")], overloaded)).await.unwrap();
    let personal = Upstream::start(replies::message_json("from personal")).await.unwrap();
    let home = Home::empty();
    let port = free_port();
    let script = format!(
        "set -e\nWORK='{}' PERSONAL='{}' PORT={port}\nuvx() {{ shift; \"$QCC\" \"$@\"; }}\n\
         claude() {{ echo \"$ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY\"; }}\n{LINES}",
        work.url(),
        personal.url()
    );
    let ended = home.sh(&script);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.out.ends_with(&format!("http://127.0.0.1:{port} proxy-managed\n")), "{}", ended.out);

    let request = claude_request("claude-sonnet-5", false, 4).with("x-api-key", "proxy-managed");
    let address = ([127, 0, 0, 1], port).into();
    let answer = exchange(address, &request).await.unwrap();
    assert_eq!((answer.status, answer.said().as_str()), (200, "from work"), "{}", answer.text());
    let answer = exchange(address, &request).await.unwrap();
    assert_eq!((answer.status, answer.said().as_str()), (200, "from personal"), "{}", answer.text());
    assert_eq!(work.posts()[0].header("x-api-key"), Some("sk-work"));
    assert_eq!(personal.posts()[0].header("x-api-key"), Some("sk-personal"));

    let profiles = exchange(address, &Request::get("/api/profiles")).await.unwrap().json();
    assert_eq!(profiles["active"], json!("production"));
    let listed = home.json(&["priority", "list"]);
    assert_eq!(
        (&listed["profiles"][0]["profile"], &listed["profiles"][0]["state"]),
        (&json!("production"), &json!("active"))
    );
}
