//! How an answer is written whole.

use super::*;
use crate::anthropic::check_message;
use crate::canon::Losses;
use crate::canon::{Message, Thought};

#[test]
fn a_whole_answer_is_written_as_anthropic_writes_it() {
    let message = Message {
        id: Some("chatcmpl-1".to_owned()),
        model: Some("gpt-9".to_owned()),
        parts: vec![
            Part::Thinking(Thought { text: "hm".to_owned(), signature: None }),
            Part::Redacted("sealed".to_owned()),
            text("So:"),
            Part::Other { kind: "image_generation_call".to_owned(), raw: raw("{}") },
            call("call_1|fc_2", "look", r#"{ "n": 1.0 }"#),
        ],
        stop: Some(Stop { reason: StopReason::ToolUse, sequence: None }),
        usage: Usage { input: Some(5), output: Some(6), ..Usage::default() },
        broken: vec![],
        losses: Losses::new(),
    };
    let written = encode_message(&message, "claude-opus-5", "msg_1", &mut Losses::new());
    let expected = concat!(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","content":["#,
        r#"{"type":"thinking","thinking":"hm","signature":"qcc1.unsigned."},{"type":"redacted_thinking","data":"sealed"},"#,
        r#"{"type":"text","text":"So:"},{"type":"tool_use","id":"qcc-call_1-7cfc_2","name":"look","input":{ "n": 1.0 }}],"#,
        r#""stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"#,
        r#""cache_read_input_tokens":0,"output_tokens":6}}"#,
    );
    assert_eq!(std::str::from_utf8(&written).unwrap(), expected);
    assert_eq!(check_message(&written), Ok(()));
}

/// Case 54: a refusal without content is an answer.
#[test]
fn a_refusal_without_content_is_an_answer() {
    let stop = Some(Stop { reason: StopReason::Refusal, sequence: None });
    let written = encode_message(&Message { stop, ..Message::default() }, "m", "msg_1", &mut Losses::new());
    let value: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!((&value["content"], &value["stop_reason"]), (&json!([]), &json!("refusal")));
    assert_eq!(value["stop_details"]["category"], Value::Null);
}
