//! Google's errors: what they are about, and how long they ask to wait.

use std::time::Duration;

use super::*;
use crate::anthropic::canon::error_message;
use crate::error::{ErrorFacts, Topic};

#[test]
fn every_error_says_what_the_table_says() {
    use Topic::{ContextTooLong, ModelMissing, None as Nothing, Overloaded, Permission, Quota};
    const EXHAUSTED: &str = "RESOURCE_EXHAUSTED";
    let table = [
        ("per_minute", 429, 429, EXHAUSTED, "429", Nothing, Some(46.0)),
        ("per_day", 429, 429, EXHAUSTED, "429", Quota, Some(36_000.0)),
        ("no_tier", 429, 429, EXHAUSTED, "429", ModelMissing, Some(12.0)),
        ("no_tier_value", 429, 429, EXHAUSTED, "429", ModelMissing, None),
        ("quota_text_only", 429, 429, EXHAUSTED, "429", Nothing, Some(7.5)),
        ("quota_without_wait", 429, 429, EXHAUSTED, "429", Nothing, None),
        ("credits_depleted", 429, 429, EXHAUSTED, "429", Quota, None),
        ("spending_cap", 429, 429, EXHAUSTED, "429", Quota, None),
        ("bad_key", 400, 401, "INVALID_ARGUMENT", "API_KEY_INVALID", Nothing, None),
        ("region", 400, 400, "FAILED_PRECONDITION", "400", Permission, None),
        ("unknown_name", 400, 400, "INVALID_ARGUMENT", "400", Nothing, None),
        ("signature", 400, 400, "INVALID_ARGUMENT", "400", Nothing, None),
        ("context", 400, 400, "INVALID_ARGUMENT", "400", ContextTooLong, None),
        ("money", 402, 402, "FAILED_PRECONDITION", "402", Permission, None),
        ("forbidden", 403, 403, "PERMISSION_DENIED", "SERVICE_DISABLED", Nothing, None),
        ("model", 404, 404, "NOT_FOUND", "404", ModelMissing, None),
        ("internal", 500, 500, "INTERNAL", "500", Nothing, None),
        ("overloaded", 503, 503, "UNAVAILABLE", "503", Overloaded, None),
        ("unavailable", 503, 503, "UNAVAILABLE", "503", Overloaded, None),
        ("deadline", 504, 504, "DEADLINE_EXCEEDED", "504", Nothing, None),
        ("cancelled", 499, 499, "CANCELLED", "499", Nothing, None),
        ("in_a_list", 401, 401, "UNAUTHENTICATED", "401", Nothing, None),
        ("relay", 429, 429, EXHAUSTED, "429", Nothing, Some(20.0)),
    ];
    for (name, status, shown, kind, code, topic, wait) in table {
        let body = GOLDEN.read("error", &format!("{name}.json"));
        let facts = ErrorFacts::from_response(status, &body);
        let found = (facts.status, facts.kind.as_deref(), facts.code.as_deref(), facts.topic);
        assert_eq!(found, (shown, Some(kind), Some(code), topic), "{name}: {facts}");
        assert_eq!(facts.retry_after, wait.map(Duration::from_secs_f64), "{name}");
        assert!(!facts.message.is_empty() && !facts.message.contains("{\""), "{name}: {facts}");
        // Under 200 the words alone tell the status.
        let stands_for = if name == "money" { 400 } else { shown };
        assert_eq!(ErrorFacts::in_band(&body).status, stands_for, "{name}");
    }
    let mut named: Vec<&str> = table.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(named, GOLDEN.inputs("error", ".json"));
}

/// Case 62: waits in every form, bounded.
#[test]
fn a_wait_in_the_body_is_read_and_bounded() {
    let wait = |delay: Value| {
        let body = json!({"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": delay}, 7, null]}});
        ErrorFacts::from_response(429, body.to_string().as_bytes()).retry_after.map(|wait| wait.as_secs_f64())
    };
    assert_eq!(wait(json!("0.25s")), Some(0.25));
    assert_eq!(wait(json!("-3s")), Some(0.0));
    assert_eq!(wait(json!("1e300s")), Some(366.0 * 86_400.0));
    for odd in [json!("infs"), json!("46"), json!("soon"), json!(46), json!(null), json!({"seconds": 4})] {
        assert_eq!(wait(odd.clone()), None, "{odd}");
    }
}

#[test]
fn words_of_other_providers_are_not_googles() {
    let facts = |body: Value| ErrorFacts::from_response(429, body.to_string().as_bytes());
    assert_eq!(facts(json!({"error": {"message": "limit: 0", "status": "failed"}})).kind, None);
    let other = facts(json!({"error": {"type": "rate_limit_error", "message": "Please retry in 20s."}}));
    // How long to wait everybody may say in these words.
    assert_eq!((other.retry_after, other.topic), (Some(Duration::from_secs(20)), Topic::None));
    assert_eq!(other.kind.as_deref(), Some("rate_limit_error"));
    let limits = |text: &str| facts(json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": text}})).topic;
    assert_eq!(limits("Quota exceeded, limit: 0.5, retry in 2s."), Topic::None);
    assert_eq!(limits("Quota exceeded, limit: 05"), Topic::None);
    assert_eq!(limits("Quota exceeded, limit: 0"), Topic::ModelMissing);
}

/// An error in a stream is told to Anthropic's clients and to the relay in one event; the cause has to survive that.
#[test]
fn the_cause_of_an_error_in_a_stream_survives_the_clients_dialect() {
    use crate::anthropic::canon::Encoder;
    for (name, status, topic) in [
        ("quota_text_only", 429, Topic::None),
        ("no_tier", 429, Topic::ModelMissing),
        ("overloaded", 500, Topic::Overloaded),
        ("bad_key", 401, Topic::None),
    ] {
        let stream = [b"data: ".to_vec(), GOLDEN.read("error", &format!("{name}.json"))].concat();
        let stream = String::from_utf8(stream).unwrap().replace('\n', " ") + "\n\n";
        let mut encoder = Encoder::new("m".to_owned(), 1, "msg_1".to_owned());
        let mut out = bytes::BytesMut::new();
        decode(stream.as_bytes()).iter().for_each(|event| encoder.push(event, &mut out));
        let fields = crate::sse::fields(&out);
        let facts = ErrorFacts::in_band(&fields.data);
        assert_eq!((facts.status, facts.topic), (status, topic), "{name}: {facts}");
    }
}

#[test]
fn an_error_that_a_decoder_has_read_says_the_same() {
    let quota = String::from_utf8(GOLDEN.read("error", "quota_text_only.json")).unwrap();
    let stream = format!("data: {}\n\n", quota.replace('\n', " "));
    let Some(Event::Fault { status, kind, message }) = decode(stream.as_bytes()).pop() else { panic!() };
    let facts = ErrorFacts::stated(status, kind, message);
    assert_eq!((facts.status, facts.topic, facts.retry_after), (429, Topic::None, Some(Duration::from_millis(7500))));
}

/// Case 57: a prompt that is too long is told to Anthropic's clients in the words on which they compact.
#[test]
fn a_context_that_is_too_long_is_told_in_the_words_that_clients_know() {
    let facts = ErrorFacts::from_response(400, &GOLDEN.read("error", "context.json"));
    assert_eq!(error_message(facts.topic, &facts.message), "prompt is too long: 1200345 tokens > 1048576 maximum");
}
