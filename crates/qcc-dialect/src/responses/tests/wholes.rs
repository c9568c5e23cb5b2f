//! Answers in one piece, and counts.

use super::*;
use crate::answer::Wrong;
use crate::canon::{Part, StopReason};

fn read(name: &str) -> Result<crate::canon::Message, Wrong> {
    decode_message(&GOLDEN.read("response", name), &ToolNames::new())
}

#[test]
fn a_whole_answer_is_read_part_by_part() {
    let message = read("calls.json").unwrap();
    let kinds: Vec<String> = message
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => format!("text {}", text.text),
            Part::Thinking(thought) => format!("thinking {} {}", thought.text, thought.signature.is_some()),
            Part::ToolUse(call) => format!("{} {} {}", call.id, call.name, call.input.text()),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = ["thinking Hm. true", "text I look.", "call_A Read {\"b\": 1.0, \"a\": 1e3}", "call_B Write {}"];
    assert_eq!(kinds, expected);
    assert_eq!(message.stop.map(|stop| stop.reason), Some(StopReason::ToolUse));
    assert_eq!((message.usage.input, message.id.as_deref()), (Some(76), Some("resp_68a1")));
}

#[test]
fn how_an_answer_ended_is_told() {
    let reason = |name| read(name).unwrap().stop.map(|stop| stop.reason);
    assert_eq!(reason("incomplete.json"), Some(StopReason::MaxTokens));
    assert_eq!(reason("refusal.json"), Some(StopReason::Refusal));
    assert_eq!(reason("without_status.json"), Some(StopReason::EndTurn));
    assert_eq!(reason("queued.json"), None, "it is not over");
    assert_eq!(read("broken_call.json").unwrap().broken, ["Read"]);
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let kind = |name: &str| match read(name).unwrap_err() {
        Wrong::Error(facts) => format!("{} {}", facts.status, facts.code.or(facts.kind).unwrap_or_default()),
        other => format!("{other:?}"),
    };
    let table = [
        ("failed.json", "400 invalid_image_url"),
        ("error.json", "400 invalid_api_key"),
        ("error_text.json", "500 "),
        ("login_page.json", "Html"),
        ("cut.json", "NotJson"),
        ("chat.json", "OtherJson"),
        ("count.json", "OtherJson"),
    ];
    for (name, expected) in table {
        // What the fault is called stands as its kind there.
        assert_eq!(kind(name), expected, "{name}");
        assert_eq!(
            read_message(&GOLDEN.read("response", name)).unwrap_err().to_string(),
            read(name).unwrap_err().to_string()
        );
    }
    assert!(matches!(decode_message(b" \n", &ToolNames::new()), Err(Wrong::Empty)));
    let nameless = json!({"object": "response", "output": [{"type": "function_call", "arguments": "{}"}]});
    assert!(decode_message(nameless.to_string().as_bytes(), &ToolNames::new()).is_err());
}

#[test]
fn an_answer_between_equal_dialects_is_only_looked_at() {
    let told = read_message(&GOLDEN.read("response", "calls.json")).unwrap();
    assert_eq!((told.id.as_deref(), told.stop_reason.as_deref()), (Some("resp_68a1"), Some("completed")));
    assert_eq!((told.usage.input, told.usage.thinking), (Some(76), Some(64)));
    let told = read_message(&GOLDEN.read("response", "incomplete.json")).unwrap();
    assert_eq!(told.stop_reason.as_deref(), Some("max_output_tokens"));
}

/// Case 56: the provider's own count.
#[test]
fn a_count_is_asked_for_with_the_prompt_alone() {
    assert_eq!(decode_count(&GOLDEN.read("response", "count.json")).ok(), Some(4321));
    assert!(matches!(decode_count(&GOLDEN.read("response", "error.json")), Err(Wrong::Error(_))));
    assert!(matches!(decode_count(&GOLDEN.read("response", "calls.json")), Err(Wrong::OtherJson)));
    let request = request(json!({
        "system": "Be.", "stream": true, "temperature": 0.5, "metadata": {"user_id": "u"},
        "tools": [{"name": "t", "input_schema": {"type": "object", "properties": {}}}],
    }));
    let body = encode_count(&request, &thinking(), "gpt-5.1", &mut Losses::new()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "instructions", "input", "tools"]);
}

/// A reason for the end that is no limit does not excuse half a call: as a stream it is a fault, in one piece a broken call.
#[test]
fn half_a_call_is_excused_by_a_limit_or_a_filter_alone() {
    let call = json!({"type": "function_call", "call_id": "a", "name": "t", "arguments": "{\"x\": "});
    for (reason, excused) in [("max_output_tokens", true), ("content_filter", true), ("steered", false), ("new", false)]
    {
        let details = json!({"reason": reason});
        let response = json!({"status": "incomplete", "incomplete_details": details, "output": [call]});
        let events = wires(&[json!({"type": "response.incomplete", "response": response})]);
        assert_eq!(events.contains(&Event::End), excused, "{reason}: {events:?}");
        let fault = matches!(events.last(), Some(Event::Fault { kind, .. }) if kind == "broken_tool_call");
        assert_eq!(fault, !excused, "{reason}: {events:?}");
        let message = decode_message(response.to_string().as_bytes(), &ToolNames::new()).unwrap();
        assert_eq!(message.broken, ["t"], "{reason}");
    }
}
