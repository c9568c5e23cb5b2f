//! Answers in one piece.

use insta::{assert_snapshot, with_settings};

use super::*;
use crate::answer::Wrong;
use crate::canon::{Message, Part, StopReason};

fn whole(body: &[u8]) -> Result<Message, Wrong> {
    decode_message(body, &ToolNames::new(), PRO)
}

fn lines(message: &Message) -> String {
    let Message { id, model, parts, stop, usage, broken, .. } = message;
    let mut lines: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
    lines.push(format!("{stop:?}\n{usage:?}\nid {id:?} model {model:?} broken {broken:?}"));
    lines.join("\n")
}

/// Cases 39, 40 and 54: every answer in the folder, as the neutral form has it.
#[test]
fn every_whole_answer_is_read_as_its_snapshot_says() {
    for name in inputs("response", ".json") {
        let message = whole(&fixture("response", &format!("{name}.json"))).unwrap();
        with_settings!({snapshot_path => folder("response"), prepend_module_to_snapshot => false, omit_expression => true}, {
            assert_snapshot!(name, lines(&message));
        });
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
    assert_eq!(whole(&fixture("response", "without_reason.json")).unwrap().stop, None);
    let broken = whole(&fixture("response", "broken_call.json")).unwrap();
    assert_eq!((broken.broken, broken.stop.unwrap().reason), (vec!["Read".to_owned()], StopReason::ToolUse));
}

/// Case 19: numbers and order in the input of a call.
#[test]
fn the_input_of_a_call_is_the_text_that_it_was() {
    let message = whole(&fixture("response", "calls.json")).unwrap();
    let inputs: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| if let Part::ToolUse(call) = part { Some(call.input.text()) } else { None })
        .collect();
    assert!(inputs[0].contains("\"b\": 1.0,") && inputs[0].contains("\"a\": 1e3"), "{inputs:?}");
    assert_eq!(inputs[1], "{}");
}
