//! Answers in one piece.

use super::*;
use crate::answer::Wrong;
use crate::canon::{Part, StopReason, ToolNames};

fn whole(body: &[u8]) -> Result<crate::canon::Message, Wrong> {
    decode_message(body, &ToolNames::new())
}

/// Cases 7, 8, 39, 40, 53, 54: every answer in the folder, as the neutral form has it.
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
    assert_eq!(wrong(" \n"), Wrong::Empty);
    assert_eq!(wrong("<html><title>Login</title>"), Wrong::Html);
    assert_eq!(wrong("{\"choices\":["), Wrong::NotJson);
    assert_eq!(wrong("[1]"), Wrong::OtherJson);
    assert_eq!(wrong("7"), Wrong::OtherJson);
    assert_eq!(wrong(r#"{"type":"message","content":[]}"#), Wrong::OtherJson);
    assert_eq!(wrong(r#"{"choices":{}}"#), Wrong::OtherJson);
    assert_eq!(wrong(r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1}}"#), Wrong::OtherJson);
    for (body, status) in [
        (r#"{"error":{"message":"x","code":429}}"#, 429),
        (r#"{"error":"text"}"#, 500),
        (r#"{"object":"error","message":"x","type":"BadRequestError","code":400}"#, 400),
        (r#"{"detail":"Not Found"}"#, 500),
        (r#"{"code":401,"msg":"x"}"#, 401),
        (r#"{"choices":[{"error":{"code":502,"message":"x"},"finish_reason":"error"}]}"#, 502),
        (r#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#, 502),
    ] {
        let Wrong::Error(facts) = wrong(body) else { panic!("{body}") };
        assert_eq!(facts.status, status, "{body}");
    }
}

#[test]
fn an_answer_is_as_whole_as_its_reason_says() {
    assert_eq!(whole(&GOLDEN.read("response", "without_reason.json")).unwrap().stop, None);
    let broken = whole(&GOLDEN.read("response", "broken_arguments.json")).unwrap();
    assert_eq!((broken.broken, broken.stop.unwrap().reason), (vec!["Read".to_owned()], StopReason::ToolUse));
}

/// Case 19: numbers and order in the input of a call.
#[test]
fn the_input_of_a_call_is_the_text_that_it_was() {
    let message = whole(&GOLDEN.read("response", "calls.json")).unwrap();
    let inputs: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolUse(call) => Some(call.input.text()),
            _ => None,
        })
        .collect();
    assert_eq!(inputs, [r#"{"b": 1.0, "a": 1e3}"#, "{}", "{\n        \"k\": 1\n       }"]);
}
