//! Corner cases of streams. What a stream looks like as a whole is in the golden files.

use super::*;
use crate::canon::StopReason;

fn function(name: &str, args: Value) -> Value {
    json!({"functionCall": {"name": name, "args": args}})
}

/// Cases 35 and 36 (the rest are golden files: CRLF, comments, no blank line at the end, joined chunks).
#[test]
fn a_character_and_an_event_may_be_cut_anywhere() {
    let stream = GOLDEN.read("stream", "text.sse");
    let whole = decode(&stream);
    assert_eq!(words(&whole), ["start", "text:Hello, 世界 🙂..", "usage", "EndTurn", "end"]);
    for at in 0..stream.len() {
        let pieces = [&stream[..at], &stream[at..]];
        assert_eq!(events_of(&speech(), pieces), whole, "cut at {at}");
    }
}

/// Case 46: Google may tell an error in mid-stream as bare JSON.
#[test]
fn an_error_without_a_field_name_is_heard_in_mid_stream_too() {
    let error = "{\n  \"error\": {\"code\": 503, \"message\": \"busy\", \"status\": \"UNAVAILABLE\"}\n}\n";
    let stream = format!("data: {}\n\n{error}", parts(json!([{"text": "Half"}])));
    let events = decode(stream.as_bytes());
    assert_eq!(words(&events), ["start", "text:Half", "fault 503 UNAVAILABLE"]);
    let odd = format!("data: {}\n\nnonsense\n\ndata: {}\n\n", parts(json!([{"text": "All"}])), finish("STOP"));
    assert_eq!(words(&decode(odd.as_bytes())), ["start", "text:All.", "EndTurn", "end"]);
}

/// Case 37: a stream that begins with a call begins with a start all the same, and only one.
#[test]
fn the_start_comes_once_before_anything() {
    let events = chunks(&[json!({"candidates": []}), parts(json!([function("t", json!({}))])), finish("STOP")]);
    assert_eq!(words(&events), ["start", "t#call_0:{}.", "ToolUse", "end"]);
}

/// Cases 39 and 40: calls come whole, with the input in every form that means nothing.
#[test]
fn a_call_comes_whole_and_nothing_is_an_empty_object() {
    let call =
        |function: Value| words(&chunks(&[parts(json!([{"functionCall": function}])), finish("STOP")]))[1].clone();
    assert_eq!(call(json!({"name": "t", "id": "i", "args": {"a": 1}})), "t#i:{\"a\":1}.");
    for nothing in [json!({"name": "t"}), json!({"name": "t", "args": null}), json!({"name": "t", "args": ""})] {
        assert_eq!(call(nothing), "t#call_0:.");
    }
    assert_eq!(call(json!({"name": "t", "args": {}})), "t#call_0:{}.");
    assert_eq!(call(json!({"name": "t", "args": "{\"a\": 1}"})), "t#call_0:{\"a\": 1}.");
    for broken in [
        json!({"name": "t", "args": [1]}),
        json!({"name": "t", "args": "{"}),
        json!({"name": "t", "args": 7}),
        json!({"args": {}}),
    ] {
        assert_eq!(call(broken), "fault 502 broken_tool_call");
    }
}

/// Case 16: ids that the conversation has already, and those that are missing.
#[test]
fn new_calls_have_ids_that_the_conversation_has_not() {
    let sent = send(PRO, conversation(json!([{"role": "assistant", "content": [call("call_1", "t")]}])));
    let body = parts(json!([
        {"functionCall": {"id": "call_1", "name": "t", "args": {}}},
        {"functionCall": {"name": "t", "args": {}}},
        {"functionCall": {"id": "", "name": "t", "args": {}}},
    ]));
    let stream = format!("data: {body}\n\ndata: {}\n\n", finish("STOP"));
    let words = words(&events_of(&Speech::Gemini(sent.names.clone(), PRO.to_owned()), [stream.as_bytes()]));
    assert_eq!(words[1..4], ["t#call_1_1:{}.", "t#call_2:{}.", "t#call_3:{}."]);
}

/// Case 42: the reason in the same chunk as the last content, and content after it.
#[test]
fn content_beside_or_behind_a_reason_comes_before_the_end() {
    let both = json!({"candidates": [{"content": {"parts": [{"text": "all"}]}, "finishReason": "STOP"}]});
    assert_eq!(words(&chunks(std::slice::from_ref(&both))), ["start", "text:all.", "EndTurn", "end"]);
    let late = parts(json!([function("t", json!({}))]));
    assert_eq!(words(&chunks(&[both, late])), ["start", "text:all.", "t#call_0:{}.", "ToolUse", "end"]);
}

/// Cases 43 and 44: counts with every chunk, the last of each wins; odd ones are none.
#[test]
fn counts_are_put_together_as_the_neutral_form_counts() {
    let counted = |usage: Value| json!({"candidates": [], "usageMetadata": usage});
    let usage = |stream: &[Value]| {
        let events = chunks(stream);
        let usage = events.iter().find_map(|event| if let Event::Usage(usage) = event { Some(*usage) } else { None });
        usage.map(|usage| (usage.input, usage.output, usage.cache_read, usage.thinking))
    };
    let end = || finish("STOP");
    let first = counted(json!({"promptTokenCount": 100, "cachedContentTokenCount": 30, "thoughtsTokenCount": 4}));
    let second = counted(json!({"promptTokenCount": 100, "candidatesTokenCount": 7, "toolUsePromptTokenCount": 20}));
    assert_eq!(usage(&[first.clone(), end()]), Some((Some(70), Some(4), Some(30), Some(4))));
    assert_eq!(usage(&[first, end(), second]), Some((Some(90), Some(11), Some(30), Some(4))));
    let odd = counted(
        json!({"promptTokenCount": 3, "cachedContentTokenCount": 9, "candidatesTokenCount": -7, "thoughtsTokenCount": "x"}),
    );
    assert_eq!(usage(&[odd, end()]), Some((Some(0), None, Some(9), None)));
    let most = counted(
        json!({"promptTokenCount": u64::MAX, "toolUsePromptTokenCount": u64::MAX, "candidatesTokenCount": u64::MAX, "thoughtsTokenCount": 1}),
    );
    assert_eq!(usage(&[most, end()]), Some((Some(u64::MAX), Some(u64::MAX), None, Some(1))));
    assert_eq!(usage(&[counted(json!([1])), end()]), None);
}

/// Case 45: bytes end without a reason: nothing is closed, and the counts are not lost.
#[test]
fn an_answer_without_a_reason_is_left_open() {
    let half =
        json!({"candidates": [{"content": {"parts": [{"text": "Half"}]}}], "usageMetadata": {"promptTokenCount": 5}});
    for reason in [json!(null), json!(""), json!("FINISH_REASON_UNSPECIFIED"), json!(7)] {
        let odd = json!({"candidates": [{"finishReason": reason}]});
        assert_eq!(words(&chunks(&[half.clone(), odd])), ["start", "text:Half"]);
    }
    let mut decoder = Decoder::new(ToolNames::new(), PRO);
    let mut events = Vec::new();
    decoder.push(format!("data: {half}\n\n").as_bytes(), &mut events);
    decoder.finish(&mut events);
    assert_eq!((decoder.usage().unwrap().input, events.len()), (Some(5), 3));
    assert_eq!(words(&decode(b"")), Vec::<String>::new());
}

/// Case 46: errors within a 200, in every form, and nothing after them.
#[test]
fn an_error_in_the_stream_is_a_fault_and_the_last_word() {
    let table = [
        (r#"data: {"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}"#, "fault 429 RESOURCE_EXHAUSTED"),
        (r#"data: [{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT"}}]"#, "fault 400 INVALID_ARGUMENT"),
        (r#"data: {"error":"overloaded"}"#, "fault 500 "),
        ("event: error\ndata: plain words", "fault 500 "),
        (r#"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#, "fault 503 UNAVAILABLE"),
        (
            "[{\n  \"error\": {\"code\": 403, \"message\": \"x\", \"status\": \"PERMISSION_DENIED\"}\n}\n]",
            "fault 403 PERMISSION_DENIED",
        ),
        (r#"data: [{"candidates":[]}]"#, "fault 502 json_list"),
        ("[{\"candidates\": [", "fault 502 json_list"),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"whole"}]},"finishReason":"STOP"}]}"#,
            "fault 502 not_a_stream",
        ),
        ("<html><body>no</body></html>", "fault 502 html"),
        ("upstream connect error", "fault 502 not_a_stream"),
        ("data: <html>", "fault 502 not_json"),
        ("data: {\"candidates\":[", "fault 502 not_json"),
        (r#"data: {"type":"response.created","response":{}}"#, "fault 502 other_dialect"),
        (r#"data: {"candidates":{}}"#, "fault 502 other_dialect"),
        ("data: 7", "fault 502 other_dialect"),
        ("data: {}", "fault 502 other_dialect"),
    ];
    for (bytes, fault) in table {
        let stream = format!("{bytes}\n\ndata: {}\n\n", finish("STOP"));
        assert_eq!(words(&decode(stream.as_bytes())), [fault], "{bytes}");
    }
    let half = parts(json!([{"text": "Half"}]));
    let error = json!({"error": {"code": 500, "message": "x", "status": "INTERNAL"}});
    assert_eq!(words(&chunks(&[half, error, finish("STOP")])), ["start", "text:Half", "fault 500 INTERNAL"]);
}

/// Case 52: thoughts, text and calls in turns, and blanks between them.
#[test]
fn thoughts_and_text_may_alternate() {
    let events = chunks(&[
        parts(json!([{"text": "a", "thought": true}, {"text": "b", "thought": true}, {"text": "\n"}])),
        parts(
            json!([{"text": "c", "thought": true}, {"text": " "}, {"text": "d"}, {"text": " "}, {"text": "e", "thought": false}]),
        ),
        parts(json!([{"text": "f", "thought": true}, {"text": "\n"}, function("t", json!({})), {"text": "\n"}])),
        finish("STOP"),
    ]);
    let expected = ["start", "thinking:abc.", "text: d e.", "thinking:f.", "t#call_0:{}.", "ToolUse", "end"];
    assert_eq!(words(&events), expected);
}

/// Case 53: more answers than one, and chunks without any.
#[test]
fn only_the_first_of_several_answers_is_read() {
    let second = json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "no"}]}, "finishReason": "STOP"}]});
    let first = json!({"candidates": [{"index": 0, "content": {"parts": null}, "finishReason": "STOP"}]});
    assert_eq!(words(&chunks(&[second.clone(), first])), ["start", "EndTurn", "end"]);
    assert_eq!(words(&chunks(&[second])), Vec::<String>::new());
}

/// Case 54: filters before, within and after an answer are refusals.
#[test]
fn a_filter_is_a_refusal() {
    let half = || parts(json!([{"text": "So "}]));
    for reason in [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "ESCALATION",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "NO_IMAGE",
    ] {
        assert_eq!(words(&chunks(&[half(), finish(reason)])), ["start", "text:So .", "Refusal", "end"]);
        assert_eq!(words(&chunks(&[finish(reason)])), ["start", "Refusal", "end"]);
    }
    let blocked = json!({"promptFeedback": {"blockReason": "OTHER"}});
    assert_eq!(words(&chunks(&[blocked])), ["start", "Refusal", "end"]);
    let rated = json!({"promptFeedback": {"safetyRatings": []}, "candidates": [{"finishReason": "STOP"}]});
    assert_eq!(words(&chunks(&[rated])), ["start", "EndTurn", "end"]);
}

#[test]
fn reasons_are_translated_as_the_table_says() {
    let table = [
        ("STOP", StopReason::EndTurn, StopReason::ToolUse),
        ("OTHER", StopReason::EndTurn, StopReason::ToolUse),
        ("MAX_TOKENS", StopReason::MaxTokens, StopReason::MaxTokens),
        ("CONTINUATION", StopReason::MaxTokens, StopReason::MaxTokens),
        ("NOVEL", StopReason::Other("NOVEL".to_owned()), StopReason::Other("NOVEL".to_owned())),
    ];
    for (reason, without, with) in table {
        let stop = |events: Vec<Event>| {
            events.into_iter().find_map(|event| if let Event::Stop(stop) = event { Some(stop.reason) } else { None })
        };
        assert_eq!(stop(chunks(&[parts(json!([{"text": "a"}])), finish(reason)])), Some(without), "{reason}");
        assert_eq!(stop(chunks(&[parts(json!([function("t", json!({}))])), finish(reason)])), Some(with), "{reason}");
    }
}

/// What is no end lets another provider answer, as long as nothing was said.
#[test]
fn reasons_that_tell_of_a_failure_are_faults() {
    for (reason, status) in [
        ("MALFORMED_FUNCTION_CALL", 502),
        ("MALFORMED_RESPONSE", 502),
        ("UNEXPECTED_TOOL_CALL", 502),
        ("TOO_MANY_TOOL_CALLS", 502),
        ("MISSING_THOUGHT_SIGNATURE", 502),
        ("OTHER", 502),
        ("PUP_LIMITED_DISABLED", 403),
    ] {
        assert_eq!(words(&chunks(&[finish(reason)])), ["start", &format!("fault {status} {reason}")]);
        let thought = parts(json!([{"text": "Hm", "thought": true}]));
        assert_eq!(
            words(&chunks(&[thought, finish(reason)])),
            ["start", "thinking:Hm", &format!("fault {status} {reason}")]
        );
    }
}

/// Case 19: halves of characters and bytes that are none cost only themselves.
#[test]
fn what_cannot_be_a_character_costs_only_itself() {
    let half = br#"data: {"candidates":[{"content":{"parts":[{"text":"a\ud83d"}]},"finishReason":"STOP"}]}"#;
    let invalid =
        b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\xff\"}]},\"finishReason\":\"STOP\"}]}";
    for stream in [half.as_slice(), invalid.as_slice()] {
        let words = words(&decode(stream));
        assert!(words[1].starts_with("text:a") && words.last().unwrap() == "end", "{words:?}");
    }
}

#[test]
fn calls_without_end_are_broken_off() {
    let many: Vec<Value> = (0..1025).map(|_| function("t", json!({}))).collect();
    assert_eq!(words(&chunks(&[parts(json!(many))])).last().unwrap(), "fault 502 broken_tool_call");
}

#[test]
fn what_says_where_a_text_comes_from_is_a_loss() {
    let mut decoder = Decoder::new(ToolNames::new(), PRO);
    let chunk = json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "groundingMetadata": {"webSearchQueries": ["q"]}}]});
    for _ in 0..2 {
        decoder.push(format!("data: {chunk}\n\n").as_bytes(), &mut Vec::new());
    }
    let losses: Vec<String> = decoder.losses().iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["answer.groundingMetadata: dropped"]);
}
