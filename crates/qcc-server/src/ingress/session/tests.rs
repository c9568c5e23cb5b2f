//! Every way to name a session, which one wins, and what Claude Code's requests really carry.

use http::{HeaderName, HeaderValue};
use qcc_dialect::scan::scan;
use qcc_testkit::Request;
use qcc_testkit::claude::{Claude, SESSION};
use serde_json::{Value, json};

use super::*;

const NO_KEYS: Consumed = Consumed { api_key: false, bearer: false };

fn session_for(request: &Request, consumed: Consumed) -> Session {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let clues = scan(&request.body).unwrap().clues;
    Session::of(&headers, consumed, &clues, &request.body)
}

fn key(request: &Request) -> u64 {
    session_for(request, NO_KEYS).key
}

/// A request that names no session.
fn anonymous() -> Value {
    json!({"model": "m", "system": "You help.", "messages": [{"role": "user", "content": "Hello"}]})
}

fn asking(body: &Value, headers: &[(&str, &str)]) -> Request {
    let request = Request::post_json("/v1/messages", body).header("x-api-key", "client-key");
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn with(field: &str, value: Value) -> Value {
    let mut body = anonymous();
    body[field] = value;
    body
}

fn claude_user(session: &str) -> Value {
    json!({"user_id": json!({"device_id": "d", "account_uuid": "", "session_id": session}).to_string()})
}

#[test]
fn every_source_tells_sessions_apart_and_keeps_one_together() {
    let older = |session: &str| json!({"user_id": format!("user_d_account__session_{session}")});
    let sources: [&dyn Fn(&str) -> Request; 7] = [
        &|name| asking(&anonymous(), &[("x-claude-code-session-id", name)]),
        &|name| asking(&with("metadata", claude_user(name)), &[]),
        &|name| asking(&with("metadata", older(name)), &[]),
        &|name| asking(&anonymous(), &[("session-id", name)]),
        &|name| asking(&with("prompt_cache_key", json!(name)), &[]),
        &|name| asking(&anonymous(), &[("x-conversation-id", name)]),
        &|name| asking(&with("messages", json!([{"role": "user", "content": name}])), &[]),
    ];
    for (place, source) in sources.iter().enumerate() {
        assert_eq!(key(&source("a")), key(&source("a")), "source {place}");
        assert_ne!(key(&source("a")), key(&source("b")), "source {place}");
        assert_ne!(key(&source("a")), key(&asking(&anonymous(), &[])), "source {place}");
    }
}

#[test]
fn the_words_of_a_conversation_do_not_count_where_it_has_a_name() {
    let mut other = anonymous();
    other["messages"] = json!([{"role": "user", "content": "Something else"}]);
    for name in ["x-claude-code-session-id", "session-id", "x-conversation-id"] {
        assert_eq!(key(&asking(&other, &[(name, "a")])), key(&asking(&anonymous(), &[(name, "a")])), "{name}");
    }
}

#[test]
fn the_first_source_that_names_a_session_wins() {
    let mut body = anonymous();
    body["metadata"] = claude_user("user");
    body["prompt_cache_key"] = json!("cache");
    let mut headers =
        vec![("x-claude-code-session-id", "claude"), ("session-id", "codex"), ("x-conversation-id", "other")];
    let alone = |name, value| key(&asking(&anonymous(), &[(name, value)]));
    assert_eq!(key(&asking(&body, &headers)), alone("x-claude-code-session-id", "claude"));
    headers.remove(0);
    assert_eq!(key(&asking(&body, &headers)), alone("x-claude-code-session-id", "user"));
    body["metadata"] = json!({"user_id": "customer-17"});
    assert_eq!(key(&asking(&body, &headers)), alone("session-id", "codex"));
    headers.remove(0);
    assert_eq!(key(&asking(&body, &headers)), alone("session-id", "cache"));
    body["prompt_cache_key"] = Value::Null;
    assert_eq!(key(&asking(&body, &headers)), alone("x-conversation-id", "other"));
    headers.remove(0);
    assert_eq!(key(&asking(&body, &headers)), key(&asking(&anonymous(), &[])));
}

#[test]
fn one_name_in_the_two_places_of_a_client_is_one_session() {
    let header = key(&asking(&anonymous(), &[("x-claude-code-session-id", SESSION)]));
    assert_eq!(key(&asking(&with("metadata", claude_user(SESSION)), &[])), header);
    let header = key(&asking(&anonymous(), &[("session-id", SESSION)]));
    assert_eq!(key(&asking(&with("prompt_cache_key", json!(SESSION)), &[])), header);
}

#[test]
fn one_name_from_different_kinds_of_clients_is_not_one_session() {
    let keys = ["x-claude-code-session-id", "session-id", "x-conversation-id"]
        .map(|name| key(&asking(&anonymous(), &[(name, "a")])));
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2], "{keys:?}");
}

#[test]
fn empty_headers_name_nothing() {
    let headers = [("x-claude-code-session-id", ""), ("session-id", " "), ("x-conversation-id", "\t")];
    assert_eq!(key(&asking(&anonymous(), &headers)), key(&asking(&anonymous(), &[])));
}

#[test]
fn a_name_may_be_any_bytes() {
    let named = |name: &str| key(&asking(&anonymous(), &[("x-claude-code-session-id", name)]));
    assert_ne!(named("\u{e9}"), named("\u{e8}"));
    assert_ne!(named(&"x".repeat(60_000)), named(&"x".repeat(60_001)));
}

#[test]
fn everything_that_claude_code_sends_in_a_session_has_one_key() {
    let main = Claude::new("claude-opus-4-8").kilobytes(60).request();
    let agent = Claude::new("claude-opus-4-8").agent("a1b2c3").says("Look for the tests.").request();
    let fall_back = Claude::new("claude-opus-4-8").stream(false).says("And now?").request();
    let mut title: Value = serde_json::from_slice(&Claude::new("claude-haiku-4-5").request().body).unwrap();
    title["tools"] = json!([]);
    title["thinking"] = json!({"type": "disabled"});
    title["system"] = json!([{"type": "text", "text": "Write a title."}]);
    title["output_config"] = json!({"effort": "low", "format": {"type": "json_schema", "schema": {}}});
    let title = main.clone().body(title.to_string());
    let mut counting = main.clone().body(json!({"model": "m", "messages": [], "tools": []}).to_string());
    counting.path = "/v1/messages/count_tokens?beta=true".to_owned();
    for request in [&agent, &fall_back, &title, &counting] {
        assert_eq!(key(request), key(&main), "{}", String::from_utf8_lossy(&request.body));
    }
    // Also through something that keeps only the body.
    for request in [&main, &agent, &fall_back, &title] {
        let bare = request.clone().without("x-claude-code-session-id");
        assert_eq!(key(&bare), key(&main), "{}", String::from_utf8_lossy(&request.body));
    }
    assert_ne!(key(&Claude::new("claude-opus-4-8").session("another").request()), key(&main));
}

#[test]
fn clients_with_different_keys_never_share_a_session() {
    let bodies = [anonymous(), with("metadata", claude_user(SESSION)), with("prompt_cache_key", json!("a"))];
    let headers = [vec![], vec![("x-claude-code-session-id", SESSION)], vec![("x-conversation-id", "a")]];
    for request in bodies.iter().flat_map(|body| headers.iter().map(move |headers| asking(body, headers))) {
        let other = request.clone().with("x-api-key", "another-key");
        for consumed in [NO_KEYS, Consumed { api_key: true, bearer: false }] {
            assert_ne!(session_for(&request, consumed), session_for(&other, consumed));
        }
        let bearers = ["one", "two"].map(|token| {
            let request = request.clone().with("authorization", &format!("Bearer {token}"));
            [session_for(&request, NO_KEYS), session_for(&request, Consumed { api_key: false, bearer: true })]
        });
        assert!(bearers[0][0] != bearers[1][0] && bearers[0][1] != bearers[1][1]);
    }
}

#[test]
fn a_client_is_the_key_that_opened_our_door_in_whichever_header() {
    let door = |api_key| Consumed { api_key, bearer: !api_key };
    let request = asking(&anonymous(), &[]);
    let as_key = session_for(&request, door(true));
    let as_token = request.clone().without("x-api-key").with("authorization", "bearer client-key");
    assert_eq!(session_for(&as_token, door(false)), as_key);
    // Its own token for the provider is renewed in the middle of a session.
    for token in ["Bearer before", "Bearer after"] {
        assert_eq!(session_for(&request.clone().with("authorization", token), door(true)), as_key);
    }
}

#[test]
fn without_client_keys_a_credential_in_one_header_is_not_the_same_in_the_other() {
    let bare = asking(&anonymous(), &[]).without("x-api-key");
    let keys = [
        key(&bare),
        key(&bare.clone().with("x-api-key", "a")),
        key(&bare.clone().with("authorization", "Bearer a")),
        key(&bare.clone().with("authorization", "Basic a")),
    ];
    for (place, one) in keys.iter().enumerate() {
        assert!(!keys[place + 1..].contains(one), "{place} of {keys:?}");
    }
}

#[test]
fn a_long_cache_is_told_whatever_names_the_session() {
    let body = with("cache_control", json!({"type": "ephemeral", "ttl": "1h"}));
    for headers in [vec![], vec![("x-claude-code-session-id", "a")]] {
        assert!(session_for(&asking(&body, &headers), NO_KEYS).long_cache);
        assert!(!session_for(&asking(&anonymous(), &headers), NO_KEYS).long_cache);
    }
}
