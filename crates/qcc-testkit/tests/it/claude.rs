//! The Claude-Code-shaped request has what a gateway looks at, where the real one has it.

use qcc_testkit::claude::{Claude, SESSION, claude_request};
use serde_json::Value;

fn body(request: &qcc_testkit::Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn it_is_as_large_as_asked() {
    for kilobytes in [4, 60, 115, 1000] {
        let size = claude_request("claude-opus-4-8", true, kilobytes).body.len();
        assert!(size.abs_diff(kilobytes * 1000) < 200, "{size} bytes for {kilobytes} kB");
    }
}

#[test]
fn the_headers_go_in_the_measured_order() {
    let request = Claude::new("claude-opus-4-8").agent("a1b2").request();
    let head = String::from_utf8(request.head("127.0.0.1:7860".parse().unwrap()).to_vec()).unwrap();
    let names: Vec<&str> = head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert_eq!(&names[..5], ["Accept", "Content-Type", "User-Agent", "X-Claude-Code-Session-Id", "X-Stainless-Arch"]);
    let last = &names[names.len() - 7..];
    let expected = ["x-claude-code-agent-id", "x-api-key", "x-app", "Connection", "Host", "Accept-Encoding"];
    assert_eq!(&last[..6], expected);
    assert_eq!(last[6], "Content-Length");
    assert!(head.contains("\r\nHost: 127.0.0.1:7860\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n\r\n", request.body.len())), "{head}");
}

#[test]
fn the_session_is_the_same_in_the_header_and_in_the_metadata() {
    let request = claude_request("claude-opus-4-8", true, 0);
    assert_eq!(request.value("x-claude-code-session-id"), Some(SESSION));
    let user = body(&request)["metadata"]["user_id"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&user).unwrap()["session_id"], SESSION);
}

#[test]
fn the_keys_of_the_body_are_in_the_measured_order() {
    let body = body(&claude_request("claude-opus-4-8", true, 0));
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    let expected = [
        "model",
        "messages",
        "system",
        "tools",
        "metadata",
        "max_tokens",
        "thinking",
        "context_management",
        "output_config",
        "stream",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_request_that_does_not_stream_leaves_the_field_out_and_says_so_in_its_timeout() {
    let request = claude_request("claude-opus-4-8", false, 0);
    assert_eq!(body(&request).get("stream"), None);
    assert_eq!(request.value("x-stainless-timeout"), Some("300"));
    assert_eq!(claude_request("m", true, 0).value("x-stainless-timeout"), Some("600"));
}

#[test]
fn haiku_has_one_message_a_thinking_budget_and_no_effort() {
    let body = body(&claude_request("claude-haiku-4-5-20251001", true, 0));
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(body["thinking"]["budget_tokens"], 31_999);
    assert_eq!(body.get("output_config"), None);
}
