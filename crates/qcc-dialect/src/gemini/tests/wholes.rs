//! Answers in one piece.

use super::*;
use crate::answer::Wrong;
use crate::canon::{Message, Part, StopReason};

fn whole(body: &[u8]) -> Result<Message, Wrong> {
    decode_message(body, &ToolNames::new(), PRO)
}

/// Cases 39, 40 and 54: every answer in the folder, as the neutral form has it.
#[test]
fn every_whole_answer_is_read_as_its_snapshot_says() {
    for name in GOLDEN.inputs("response", ".json") {
        let message = whole(&GOLDEN.read("response", &format!("{name}.json"))).unwrap();
        golden!(GOLDEN, "response", name, parts_of(&message));
    }
}

/// Case 46: a 200 that is no answer.
#[test]
fn what_is_no_answer_is_told_apart() {
    let wrong = |body: &str| whole(body.as_bytes()).unwrap_err();
    for (body, expected) in [
        (" \n", Wrong::Empty),
        ("<html><title>Login</title>", Wrong::Html),
        ("{\"candidates\":[", Wrong::NotJson),
        ("[1]", Wrong::OtherJson),
        ("7", Wrong::OtherJson),
        ("{}", Wrong::OtherJson),
        (r#"[{"candidates":[{"finishReason":"STOP"}]}]"#, Wrong::OtherJson),
        (r#"{"type":"message","content":[]}"#, Wrong::OtherJson),
        (r#"{"choices":[{"message":{"content":"x"}}]}"#, Wrong::OtherJson),
        (r#"{"candidates":{}}"#, Wrong::OtherJson),
        (r#"{"candidates":[],"usageMetadata":{"promptTokenCount":1}}"#, Wrong::OtherJson),
    ] {
        assert_eq!(wrong(body), expected, "{body}");
    }
    for (body, status) in [
        (r#"{"error":{"message":"x","code":429,"status":"RESOURCE_EXHAUSTED"}}"#, 429),
        (r#"[{"error":{"message":"x","code":503,"status":"UNAVAILABLE"}}]"#, 503),
        (r#"{"error":"text"}"#, 500),
        (r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#, 502),
        (r#"{"candidates":[{"finishReason":"PUP_LIMITED_DISABLED"}]}"#, 403),
        (r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#, 502),
    ] {
        let Wrong::Error(facts) = wrong(body) else { panic!("{body}") };
        assert_eq!(facts.status, status, "{body}");
    }
}

#[test]
fn an_answer_is_as_whole_as_its_reason_says() {
    assert_eq!(whole(&GOLDEN.read("response", "without_reason.json")).unwrap().stop, None);
    let broken = whole(&GOLDEN.read("response", "broken_call.json")).unwrap();
    assert_eq!((broken.broken, broken.stop.unwrap().reason), (vec!["Read".to_owned()], StopReason::ToolUse));
}

/// Case 19: numbers and order in the input of a call.
#[test]
fn the_input_of_a_call_is_the_text_that_it_was() {
    let message = whole(&GOLDEN.read("response", "calls.json")).unwrap();
    let inputs: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| if let Part::ToolUse(call) = part { Some(call.input.text()) } else { None })
        .collect();
    assert!(inputs[0].contains("\"b\": 1.0,") && inputs[0].contains("\"a\": 1e3"), "{inputs:?}");
    assert_eq!(inputs[1], "{}");
}
