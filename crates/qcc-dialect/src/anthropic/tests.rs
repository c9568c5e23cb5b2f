//! Golden inputs of `fixtures/anthropic`, each kind driven by one table, and what no file can show.
//! The streams are in `stream/tests.rs`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::answer::Wrong;
use crate::canon::Usage;
use crate::error::{ErrorFacts, MAX_MESSAGE, Topic, looks_like_html};
use crate::scan::{scan, splice_model};
use crate::wait::{regain_at, retry_after};

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/anthropic").join(kind)
}

pub(super) fn fixture(kind: &str, name: &str) -> Vec<u8> {
    fs::read(folder(kind).join(name)).unwrap_or_else(|cause| panic!("{kind}/{name}: {cause}"))
}

/// A file that no table names would test nothing.
pub(super) fn assert_all_named(kind: &str, mut named: Vec<&str>) {
    let files = fs::read_dir(folder(kind)).unwrap();
    let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    named.sort_unstable();
    named.dedup();
    assert_eq!(files, named);
}

#[test]
fn every_error_says_what_the_table_says() {
    use Topic::{ContextTooLong, ModelMissing, None as Nothing, Overloaded, Permission, Quota};
    let table = [
        ("prompt_too_long", 400, Some("invalid_request_error"), None, ContextTooLong),
        ("context_limit", 400, Some("invalid_request_error"), None, ContextTooLong),
        ("usage_limits", 400, Some("invalid_request_error"), None, Quota),
        ("credit_balance", 400, Some("invalid_request_error"), None, Quota),
        ("spend_limit", 429, Some("rate_limit_error"), Some("enforced_spend_limit_reached"), Quota),
        ("ramp_limit", 429, Some("rate_limit_error"), Some("ramp_limit_exceeded"), Nothing),
        ("throttled", 429, Some("rate_limit_error"), None, Nothing),
        ("billing", 402, Some("billing_error"), None, Quota),
        ("model_404", 404, Some("not_found_error"), None, ModelMissing),
        ("file_404", 404, Some("not_found_error"), Some("file_expired"), Nothing),
        ("model_400", 400, Some("invalid_request_error"), Some("model_not_found"), ModelMissing),
        ("prefill_400", 400, Some("invalid_request_error"), None, Nothing),
        ("parameter_400", 400, Some("invalid_request_error"), None, Nothing),
        ("overloaded", 529, Some("overloaded_error"), None, Overloaded),
        ("overloaded", 503, Some("overloaded_error"), None, Overloaded),
        ("permission", 403, Some("permission_error"), None, Permission),
        ("on_hold", 400, Some("invalid_request_error"), Some("organization_on_hold"), Permission),
        ("disabled", 400, Some("invalid_request_error"), None, Permission),
        ("relay_balance", 403, Some("new_api_error"), Some("insufficient_user_quota"), Quota),
        ("relay_quota_text", 401, Some("new_api_error"), None, Quota),
        ("relay_no_channel", 503, Some("new_api_error"), None, ModelMissing),
        ("relay_saturated", 429, Some("new_api_error"), None, Overloaded),
        ("relay_stringified", 500, Some("invalid_request_error"), None, ContextTooLong),
        ("relay_stringified_twice", 500, Some("insufficient_quota"), Some("insufficient_quota"), Quota),
        ("relay_nested", 500, Some("rate_limit_error"), None, Nothing),
        ("text_only", 404, None, None, ModelMissing),
        ("text_only", 401, None, None, Nothing),
        ("text_only", 503, None, None, Nothing),
        ("fastapi", 401, None, None, Nothing),
        ("code_and_msg", 429, None, Some("1113"), Quota),
        ("array", 429, Some("RESOURCE_EXHAUSTED"), Some("429"), Nothing),
    ];
    for (name, status, kind, code, topic) in table {
        let facts = ErrorFacts::from_response(status, &fixture("error", &format!("{name}.json")));
        let found = (facts.status, facts.kind.as_deref(), facts.code.as_deref(), facts.topic);
        assert_eq!(found, (status, kind, code, topic), "{name}: {facts}");
        assert!(!facts.message.is_empty() && !facts.message.contains("{\""), "{name}: {facts}");
        assert!(!facts.html);
    }
    let files: Vec<String> = table.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_all_named("error", files.iter().map(String::as_str).collect());
}

#[test]
fn a_spent_quota_tells_when_it_returns() {
    let facts = ErrorFacts::from_response(400, &fixture("error", "usage_limits.json"));
    assert_eq!(facts.regain_at, Some(Duration::from_secs(1_796_083_200)), "2026-12-01 00:00 UTC");
    assert_eq!(ErrorFacts::from_response(400, &fixture("error", "credit_balance.json")).regain_at, None);
    assert_eq!(
        regain_at("You will regain access on 2026-12-01."),
        regain_at("regain access on 2026-12-01 at 00:00 UTC")
    );
    assert_eq!(regain_at("You will regain access on some day"), None);
}

#[test]
fn bodies_that_are_no_json_give_facts_too() {
    let page = ErrorFacts::from_response(502, b"<html><center>502 Bad Gateway</center></html>");
    assert_eq!(
        (page.html, page.topic, page.message.as_str()),
        (true, Topic::None, "a web page instead of an API answer")
    );
    let empty = ErrorFacts::from_response(402, b"");
    assert_eq!((empty.topic, empty.message.as_str(), empty.html), (Topic::Quota, "", false));
    let text = ErrorFacts::from_response(503, "余额不足".repeat(9_999).as_bytes());
    assert_eq!((text.topic, text.message.chars().count()), (Topic::Quota, MAX_MESSAGE));
    assert_eq!(ErrorFacts::from_response(500, &[0xff; 9]).message.chars().count(), 9);
}

#[test]
fn the_type_of_the_envelope_is_not_the_type_of_the_error() {
    let facts = ErrorFacts::from_response(500, br#"{"type":"error","error":{"message":"x"}}"#);
    assert_eq!((facts.kind, facts.message.as_str()), (None, "x"));
}

#[test]
fn endless_wrapping_is_not_followed() {
    let mut error = json!({"message": "deep", "type": "overloaded_error"});
    for _ in 0..20 {
        error = json!({"error": error});
    }
    let facts = ErrorFacts::from_response(500, error.to_string().as_bytes());
    assert_eq!((facts.kind, facts.topic), (None, Topic::None));
}

#[test]
fn a_web_page_is_known_by_its_beginning() {
    for page in
        ["<!DOCTYPE HTML>", " \n<html lang=en>", "\u{feff}<HEAD>", "<!-- x --><html>", "<?xml version='1.0'?><html>"]
    {
        assert!(looks_like_html(page.as_bytes()), "{page}");
    }
    for other in ["", "{\"a\":\"<html>\"}", "<message>", "text <html>", "<"] {
        assert!(!looks_like_html(other.as_bytes()), "{other}");
    }
}

#[test]
fn an_error_of_ours_has_the_shape_of_the_dialect() {
    let body = error_body("api_error", "no \"provider\" left", "req_7");
    let parsed: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "type": "error",
        "error": {"type": "api_error", "message": "no \"provider\" left"},
        "request_id": "req_7",
    });
    assert_eq!(parsed, expected);
}

#[test]
fn every_answer_in_one_piece_is_what_the_table_says() {
    let message = |name: &str| check_message(&fixture("response", name));
    let table = [
        ("message.json", Ok(())),
        ("message_without_usage.json", Ok(())),
        ("message_cut.json", Err(Wrong::NotJson)),
        ("content_is_text.json", Err(Wrong::OtherJson)),
        ("openai.json", Err(Wrong::OtherJson)),
        ("array.json", Err(Wrong::OtherJson)),
        ("login_page.json", Err(Wrong::Html)),
        ("count.json", Err(Wrong::OtherJson)),
        ("count_as_text.json", Err(Wrong::OtherJson)),
    ];
    for (name, expected) in &table {
        assert_eq!(&message(name), expected, "{name}");
    }
    let status = |name| match message(name) {
        Err(Wrong::Error(facts)) => (facts.status, facts.topic),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(status("error.json"), (429, Topic::None));
    assert_eq!(status("relay_error.json"), (500, Topic::Quota));
    assert_eq!(check_message(b" \n"), Err(Wrong::Empty));
    let mut named: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    named.extend(["error.json", "relay_error.json"]);
    assert_all_named("response", named);
}

#[test]
fn a_message_tells_its_id_stop_reason_and_usage() {
    let message = read_message(&fixture("response", "message.json")).unwrap();
    assert_eq!((message.id.as_deref(), message.stop_reason.as_deref()), (Some("msg_01"), Some("end_turn")));
    let usage = Usage { input: Some(9), output: Some(4), cache_read: Some(2000), cache_write: Some(3), thinking: None };
    assert_eq!(message.usage, usage);
    assert_eq!(read_message(&fixture("response", "message_without_usage.json")).unwrap().usage, Usage::default());
}

#[test]
fn a_count_of_tokens_is_a_number_or_wrong() {
    let count = |name| check_count(&fixture("response", name));
    assert_eq!(count("count.json"), Ok(2095));
    assert_eq!(count("count_as_text.json"), Err(Wrong::OtherJson));
    assert_eq!(count("message.json"), Err(Wrong::OtherJson));
    assert_eq!(count("login_page.json"), Err(Wrong::Html));
    assert!(matches!(count("error.json"), Err(Wrong::Error(_))));
}

#[test]
fn requests_are_read_and_renamed_without_touching_another_byte() {
    let table = [
        ("claude_code.json", "claude-opus-4-8", true, 200..300),
        ("odd_but_valid.json", "caf\u{e9} \"x\"", false, 1..2),
    ];
    for (name, model, stream, tokens) in table.clone() {
        let body = Bytes::from(fixture("request", name));
        let found = scan(&body).unwrap();
        assert_eq!((found.model_name.as_str(), found.stream), (model, stream), "{name}");
        let estimate = crate::tokens::estimate(&body, model).total(crate::tokens::Ratio::DOCUMENTED);
        // The frame of a tool list is a constant of 346 tokens.
        let estimate = if name == "claude_code.json" { estimate - 346 } else { estimate };
        assert!(tokens.contains(&estimate), "{name}: {estimate}");

        let away = splice_model(&body, &found.model, "another \"model\"");
        let renamed: Value = serde_json::from_slice(&away).unwrap();
        assert_eq!(renamed["model"], "another \"model\"");
        let back = splice_model(&away, &scan(&away).unwrap().model, "x");
        let direct = splice_model(&body, &found.model, "x");
        assert_eq!(back, direct, "{name}");
    }
    assert_all_named("request", table.map(|(name, ..)| name).to_vec());
}

#[test]
fn a_url_has_its_version_once_and_keeps_its_query() {
    let table = [
        ("https://api.anthropic.com", "/v1/messages?beta=true", "https://api.anthropic.com/v1/messages?beta=true"),
        ("https://api.anthropic.com/", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://relay.example/v1", "/v1/messages?beta=true", "https://relay.example/v1/messages?beta=true"),
        ("https://relay.example/v1/", "/v1/messages/count_tokens", "https://relay.example/v1/messages/count_tokens"),
        ("https://relay.example/api/v1//", "/v1/models?limit=1000", "https://relay.example/api/v1/models?limit=1000"),
        ("https://api.deepseek.com/anthropic", "/v1/models", "https://api.deepseek.com/anthropic/v1/models"),
        ("https://relay.example/apiv1", "/v1/messages", "https://relay.example/apiv1/v1/messages"),
        ("https://relay.example/v1", "/v1?x=1", "https://relay.example/v1?x=1"),
        ("https://relay.example/v1", "/", "https://relay.example/v1/"),
        ("https://relay.example/v1", "/v1beta/x", "https://relay.example/v1/v1beta/x"),
    ];
    for (base, path, url) in table {
        assert_eq!(messages_url(base, path), url, "{base} {path}");
    }
}

#[test]
fn credentials_and_rate_limits_are_known_by_name_in_any_case() {
    for name in ["X-API-Key", "authorization", "x-goog-api-key", "Cookie", "Proxy-Authorization"] {
        assert!(head::is_credential(name), "{name}");
    }
    assert!(!head::is_credential("anthropic-beta"));
    for name in [
        "anthropic-ratelimit-requests-remaining",
        "Anthropic-Ratelimit-Unified-Status",
        "anthropic-priority-input-tokens-limit",
        "anthropic-fast-output-tokens-reset",
        "x-ratelimit-limit-requests",
        "retry-after",
        "Retry-After-Ms",
    ] {
        assert!(head::is_rate_limit(name), "{name}");
    }
    for name in ["anthropic-organization-id", "request-id", "retry", "x-rate", "réponse-é"] {
        assert!(!head::is_rate_limit(name), "{name}");
    }
}

/// 2026-11-20 12:00:00 UTC.
const NOON: Duration = Duration::from_secs(1_795_176_000);

fn wait(headers: &[(&str, &'static str)]) -> Option<u64> {
    let lookup = |name: &str| headers.iter().find(|(header, _)| *header == name).map(|&(_, value)| value);
    retry_after(&lookup, NOON).map(|wait| u64::try_from(wait.as_millis()).unwrap())
}

#[test]
fn an_explicit_wait_is_read_in_every_form() {
    let after = |value| wait(&[("retry-after", value)]);
    assert_eq!(after("17"), Some(17_000));
    assert_eq!(after(" 1.5 "), Some(1_500));
    assert_eq!(after("Fri, 20 Nov 2026 12:01:00 GMT"), Some(60_000));
    assert_eq!(after("Fri, 20 Nov 2026 11:00:00 GMT"), Some(0), "a date in the past");
    assert_eq!(after("-5"), Some(0));
    assert_eq!(after("1e300"), Some(366 * 86_400_000), "the longest that is told");
    for garbage in ["", "soon", "inf", "NaN", "Fri, 99 Nov 2026"] {
        assert_eq!(after(garbage), None, "{garbage}");
    }
    assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(250));
    assert_eq!(wait(&[("retry-after-ms", "x"), ("retry-after", "9")]), Some(9_000));
    assert_eq!(wait(&[]), None);
}

#[test]
fn without_an_explicit_wait_the_latest_reset_of_a_used_up_limit_counts() {
    let requests = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-20T12:00:30Z"),
    ];
    let tokens = [
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-20T13:00:45+01:00"),
    ];
    let left = [
        ("anthropic-ratelimit-output-tokens-remaining", "8000"),
        ("anthropic-ratelimit-output-tokens-reset", "2026-11-20T18:00:00Z"),
    ];
    assert_eq!(wait(&requests), Some(30_000));
    assert_eq!(wait(&[requests, tokens, left].concat()), Some(45_000));
    assert_eq!(wait(&left), None, "a limit with room is no reason to wait");
    let explicit = [("retry-after", "5")];
    assert_eq!(wait(&[&requests[..], &explicit[..]].concat()), Some(5_000));
    let others = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1m1s"),
        ("x-ratelimit-remaining-tokens", "7"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    assert_eq!(wait(&others), Some(61_000));
}

#[test]
fn the_window_of_a_subscription_is_read_as_epoch_and_as_date() {
    let unified = |status, reset| {
        wait(&[("anthropic-ratelimit-unified-status", status), ("anthropic-ratelimit-unified-reset", reset)])
    };
    assert_eq!(unified("rejected", "1795179600"), Some(3_600_000));
    assert_eq!(unified("rejected", "2026-11-20T14:00:00Z"), Some(7_200_000));
    assert_eq!(unified("rejected", "1"), Some(0));
    assert_eq!(unified("allowed_warning", "1795179600"), None);
    assert_eq!(wait(&[("anthropic-ratelimit-unified-reset", "1795179600")]), Some(3_600_000));
}
