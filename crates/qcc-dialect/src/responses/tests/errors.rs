//! Error bodies, and addresses.

use super::*;
use crate::anthropic::canon::error_message;
use crate::error::{ErrorFacts, Topic};

#[test]
fn every_error_says_what_the_table_says() {
    use Topic::{ContextTooLong, None as Nothing, Overloaded, Quota};
    let table = [
        ("context", 400, Some("context_length_exceeded"), ContextTooLong),
        ("quota", 429, Some("insufficient_quota"), Quota),
        ("parameter", 400, None, Nothing),
        ("missing_output", 400, None, Nothing),
        ("lone_reasoning", 400, None, Nothing),
        ("foreign_reasoning", 400, Some("invalid_encrypted_content"), Nothing),
        ("overloaded", 503, Some("server_is_overloaded"), Overloaded),
    ];
    for (name, status, code, topic) in table {
        let facts = ErrorFacts::from_response(status, &GOLDEN.read("error", &format!("{name}.json")));
        assert_eq!((facts.code.as_deref(), facts.topic), (code, topic), "{name}: {facts}");
    }
    let mut named: Vec<&str> = table.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(named, GOLDEN.inputs("error", ".json"));
}

/// Case 57: clients of Anthropic's are told in its words that the prompt is too long, also from within a stream.
#[test]
fn a_prompt_that_is_too_long_is_told_in_each_dialects_words() {
    let events = decode(&GOLDEN.read("stream", "error_nested.sse"));
    let Some(Event::Fault { status, kind, message }) = events.last() else { panic!("{events:?}") };
    assert_eq!((*status, kind.as_str()), (400, "context_length_exceeded"));
    let mut encoder = crate::anthropic::canon::Encoder::new("m".to_owned(), 1, "msg_1".to_owned());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    assert!(String::from_utf8_lossy(&out).contains("prompt is too long"));
    assert!(error_message(Topic::ContextTooLong, message).starts_with("prompt is too long"));
    let anthropic = [Event::Fault {
        status: 400,
        kind: "invalid_request_error".to_owned(),
        message: "prompt is too long: 9 > 8".to_owned(),
    }];
    assert_eq!(data(&written(&anthropic, &[])).last().unwrap()["response"]["error"]["code"], "context_length_exceeded");
}

/// Case 33: bases with and without a version, with an end too many, with a query.
#[test]
fn addresses_are_made_of_what_people_write() {
    let table = [
        ("https://api.openai.com", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/responses/input_tokens/", "https://api.openai.com/v1/responses"),
        (
            "https://x.openai.azure.com/openai/v1?api-version=2",
            "https://x.openai.azure.com/openai/v1/responses?api-version=2",
        ),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/responses"),
    ];
    for (base, url) in table {
        assert_eq!(responses_url(base), url);
    }
    assert_eq!(input_tokens_url("https://a/v1/responses?x=1"), "https://a/v1/responses/input_tokens?x=1");
    assert_eq!(models_url("https://a/v1/responses"), "https://a/v1/models");
}
