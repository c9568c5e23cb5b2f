//! Which requests are one conversation, as the log tells it: the session is a number in each row.

use qcc_testkit::claude::Claude;
use qcc_testkit::replies::message_json;
use qcc_testkit::{Request, Upstream};
use serde_json::{Value, json};

use crate::support::{Running, asking, for_message};

/// The session in the row of this request.
async fn session_of(running: &mut Running, request: &Request) -> String {
    assert_eq!(running.ask(request).await.status, 200);
    let row = running.row().await;
    let session = row["session"].as_str().unwrap_or_else(|| panic!("no session in {row}"));
    assert!(session.len() == 16 && session.bytes().all(|digit| digit.is_ascii_hexdigit()), "{session}");
    session.to_owned()
}

#[tokio::test]
async fn a_session_has_one_number_in_all_rows_also_after_a_restart() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let claude = Claude::new("claude-opus-4-8").stream(false);
    let main = claude.request();
    let agent = claude.clone().agent("a1b2c3").says("Look around.").request();
    let counting = Request { path: "/v1/messages/count_tokens?beta=true".to_owned(), ..main.clone() };
    let mut running = Running::with(&[("one", &upstream)], "").await;
    let expected = session_of(&mut running, &main).await;
    for request in [agent, counting, main.clone().without("x-claude-code-session-id")] {
        assert_eq!(session_of(&mut running, &request).await, expected);
    }
    assert_ne!(session_of(&mut running, &claude.session("another").request()).await, expected);
    running.stop().await;
    let mut again = Running::with(&[("one", &upstream)], "").await;
    assert_eq!(session_of(&mut again, &main).await, expected);
}

#[tokio::test]
async fn two_client_keys_are_two_sessions_and_one_key_is_one_in_either_header() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "proxy: {client_keys: [first-key, second-key]}\n").await;
    let request = Claude::new("claude-opus-4-8").stream(false).request();
    let first = session_of(&mut running, &request.clone().with("x-api-key", "first-key")).await;
    let second = session_of(&mut running, &request.clone().with("x-api-key", "second-key")).await;
    let bearer = request.without("x-api-key").header("authorization", "Bearer first-key");
    assert_ne!(first, second);
    assert_eq!(session_of(&mut running, &bearer).await, first);
}

#[tokio::test]
async fn a_row_says_that_a_long_cache_was_asked_for_and_only_then() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "").await;
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let long = asking(&json!({"model": "claude-opus-4-8", "max_tokens": 64,
        "system": [{"type": "text", "text": "You help.", "cache_control": mark}],
        "messages": [{"role": "user", "content": "Hello"}]}));
    running.ask(&long).await;
    assert_eq!(running.row().await["long_cache"], json!(true));
    running.ask(&for_message()).await;
    assert_eq!(running.row().await.get("long_cache"), None::<&Value>);
}

#[tokio::test]
async fn a_request_without_a_conversation_has_no_session() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "").await;
    running.ask(&Request::get("/v1/files").header("x-claude-code-session-id", "a")).await;
    assert_eq!(running.row().await.get("session"), None::<&Value>);
}
