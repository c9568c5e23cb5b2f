//! Corner cases of streams. What a whole stream looks like is in the golden files.

use super::*;
use crate::canon::{Delta, StopReason, Usage};

fn item(kind: &str, index: u64, item: Value) -> Value {
    json!({"type": format!("response.output_item.{kind}"), "output_index": index, "item": item})
}

fn function(name: &str, arguments: &str) -> Value {
    json!({"id": format!("fc_{name}"), "type": "function_call", "call_id": format!("call_{name}"), "name": name, "arguments": arguments})
}

fn arguments(index: u64, delta: &str) -> Value {
    json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": delta})
}

fn text(index: u64, delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": delta})
}

fn completed(output: Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": output}})
}

/// Cases 35 and 36.
#[test]
fn a_character_and_an_event_may_be_cut_anywhere() {
    let stream = GOLDEN.read("stream", "openai_text.sse");
    let whole = decode(&stream);
    assert_eq!(words(&whole), ["start", "text:Hello, 世界 🙂.", "usage", "EndTurn", "end"]);
    for at in 0..stream.len() {
        let pieces = [&stream[..at], &stream[at..]];
        assert_eq!(events_of(&Speech::Responses(ToolNames::new()), pieces), whole, "cut at {at}");
    }
}

/// Case 39: whatever a vendor leaves out is taken from where it is told later, and nothing is told twice.
#[test]
fn what_no_delta_told_is_taken_from_the_end_of_its_part_its_item_or_the_answer() {
    let table = [
        ("done_without_deltas", "start|text:All at once..|Read#call_A:{\"path\":\"/a\"}.|usage|ToolUse|end"),
        ("items_only", "start|thinking:Hm.+signature.|Read#call_A:{}.|usage|ToolUse|end"),
        ("completed_only", "start|thinking:Hm.+signature.|text:Only here..|Read#call_A:{}.|usage|ToolUse|end"),
        ("ids_anew", "start|text:Abcd.|Read#call_A:{}.|usage|ToolUse|end"),
        ("vllm_reasoning", "start|thinking:The user asks..|Read#call_A:{\"a\": 1}.|usage|ToolUse|end"),
    ];
    for (name, expected) in table {
        assert_eq!(words(&decode(&GOLDEN.read("stream", &format!("{name}.sse")))).join("|"), expected, "{name}");
    }
}

/// Case 40: no input, blanks and `{}` are all the empty object.
#[test]
fn a_call_without_input_is_whole() {
    for input in ["", " ", "{}"] {
        let events = wires(&[item("done", 0, function("t", input)), completed(json!([]))]);
        let said = words(&events)[1].clone();
        assert!(said == "t#call_t:." || said == "t#call_t:{}.", "{input:?}: {said}");
        assert!(events.contains(&Event::End), "{input:?}");
    }
}

/// Case 41: items that come at once are passed on one after the other, the first one as it comes.
#[test]
fn items_that_come_at_once_are_put_in_a_row() {
    let begun = [
        item("added", 0, function("a", "")),
        item("added", 1, function("b", "")),
        item("added", 2, json!({"id": "m", "type": "message", "role": "assistant", "content": []})),
        arguments(1, "{\"b\":"),
        text(2, "After"),
        arguments(0, "{\"a\":"),
    ];
    assert_eq!(words(&wires(&begun)), ["start", "a#call_a:{\"a\":"], "the others wait");
    let rest = [arguments(1, "1}"), arguments(0, "1}"), item("done", 1, function("b", "{\"b\":1}"))];
    let end = [item("done", 0, function("a", "{\"a\":1}")), completed(json!([]))];
    let all: Vec<Value> = begun.into_iter().chain(rest).chain(end).collect();
    let expected = ["start", "a#call_a:{\"a\":1}.", "b#call_b:{\"b\":1}.", "text:After.", "ToolUse", "end"];
    assert_eq!(words(&wires(&all)), expected);
}

#[test]
fn a_place_that_is_used_again_is_another_item() {
    let events = wires(&[
        item("done", 0, function("a", "{}")),
        item("done", 0, function("b", "{}")),
        item("added", 0, json!({"id": "m", "type": "message", "content": []})),
        text(0, "Text"),
        completed(json!([])),
    ]);
    assert_eq!(words(&events), ["start", "a#call_a:{}.", "b#call_b:{}.", "text:Text.", "ToolUse", "end"]);
}

#[test]
fn items_without_a_place_and_a_name_are_told_apart_by_their_order() {
    let bare = |kind: &str, more: Value| {
        let mut event = json!({"type": kind});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let events = wires(&[
        bare("response.output_text.delta", json!({"delta": "a"})),
        bare("response.output_text.delta", json!({"delta": "b"})),
        bare(
            "response.output_item.done",
            json!({"item": {"type": "message", "content": [{"type": "output_text", "text": "ab"}]}}),
        ),
        bare(
            "response.output_item.added",
            json!({"item": {"type": "function_call", "call_id": "c", "name": "t", "arguments": ""}}),
        ),
        bare("response.function_call_arguments.delta", json!({"delta": "{}"})),
        completed(json!([])),
    ]);
    assert_eq!(words(&events), ["start", "text:ab.", "t#c:{}.", "ToolUse", "end"]);
}

/// Case 45: bytes that end before the last event are a cut answer, whatever came before.
#[test]
fn an_answer_without_its_last_event_is_left_open() {
    assert_eq!(words(&decode(&GOLDEN.read("stream", "cut.sse"))), ["start", "text:Half."]);
    let begun = [item("added", 0, function("a", "")), arguments(0, "{\"a\":1}"), item("done", 0, function("a", ""))];
    assert_eq!(words(&wires(&begun)), ["start", "a#call_a:{\"a\":1}."]);
    assert_eq!(words(&decode(b"data: {\"type\":\"response.created\",\"response\":{}}\n\ndata: [DONE]\n\n")), ["start"]);
    assert_eq!(words(&decode(b"")), Vec::<String>::new());
}

/// Case 46: errors within a 200, in every form, and nothing after them.
#[test]
fn an_error_in_the_stream_is_a_fault_and_the_last_word() {
    let table = [
        (
            r#"data: {"type":"error","code":"rate_limit_exceeded","message":"x","param":null}"#,
            "fault 429 rate_limit_exceeded",
        ),
        (
            r#"data: {"type":"error","error":{"type":"server_error","code":null,"message":"x"}}"#,
            "fault 500 server_error",
        ),
        ("event: error\ndata: plain words", "fault 500 "),
        (r#"data: {"error":{"message":"x","type":"insufficient_quota"}}"#, "fault 429 insufficient_quota"),
        (
            r#"data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}"#,
            "fault 500 server_error",
        ),
        (
            r#"data: {"type":"response.failed","response":{"error":{"code":"image_too_large","message":"x"}}}"#,
            "fault 400 image_too_large",
        ),
        (r#"data: {"type":"response.failed","response":{"error":null}}"#, "fault 500 "),
        (r#"data: {"type":"response.failed"}"#, "fault 500 "),
        (
            r#"data: {"type":"response.completed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}"#,
            "start|fault 500 server_error",
        ),
        (r#"data: {"type":"response.cancelled","response":{"status":"cancelled"}}"#, "start|fault 502 cancelled"),
        (r#"{"error":{"message":"x","code":"invalid_api_key"}}"#, "fault 401 invalid_api_key"),
        ("<html><body>no</body></html>", "fault 502 html"),
        ("upstream connect error", "fault 502 not_a_stream"),
        ("data: <html>", "fault 502 not_json"),
        ("data: 7", "fault 502 other_dialect"),
        (r#"data: {"choices":[{"delta":{"content":"x"}}]}"#, "fault 502 other_dialect"),
    ];
    for (stream, expected) in table {
        let more = format!("{stream}\n\ndata: {}\n\n", completed(json!([])));
        assert_eq!(words(&decode(more.as_bytes())).join("|"), expected, "{stream}");
    }
}

/// Case 54: a refusal, and a filter in the middle.
#[test]
fn a_refusal_is_text_and_the_reason_of_the_end() {
    let refused = decode(&GOLDEN.read("stream", "refusal.sse"));
    assert_eq!(words(&refused), ["start", "text:I can't do that..", "usage", "Refusal", "end"]);
    let filtered = decode(&GOLDEN.read("stream", "incomplete_filter.sse"));
    assert_eq!(words(&filtered), ["start", "text:Well.", "usage", "Refusal", "end"]);
    let wordless = wires(&[
        json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}, "output": []}}),
    ]);
    assert_eq!(words(&wordless), ["start", "Refusal", "end"]);
}

#[test]
fn why_an_answer_is_incomplete_is_told() {
    let ends = |details: Value| {
        let events = wires(&[json!({"type": "response.incomplete", "response": {"incomplete_details": details}})]);
        events.into_iter().find_map(|event| if let Event::Stop(stop) = event { Some(stop.reason) } else { None })
    };
    assert_eq!(ends(json!({"reason": "max_output_tokens"})), Some(StopReason::MaxTokens));
    assert_eq!(ends(Value::Null), Some(StopReason::MaxTokens));
    assert_eq!(ends(json!({"reason": "steered"})), Some(StopReason::Other("steered".to_owned())));
}

#[test]
fn half_an_input_is_passed_on_only_where_a_limit_cut_it() {
    let cut = decode(&GOLDEN.read("stream", "incomplete_call.sse"));
    assert_eq!(words(&cut), ["start", "Write#call_A:{\"text\": \"half.", "usage", "MaxTokens", "end"]);
    let broken = wires(&[item("done", 0, function("t", "{\"a\":")), completed(json!([]))]);
    assert_eq!(words(&broken).last().unwrap(), "fault 502 broken_tool_call");
    let other = wires(&[item("done", 0, function("t", "[1]")), completed(json!([]))]);
    assert_eq!(words(&other).last().unwrap(), "fault 502 broken_tool_call");
    let nameless = wires(&[item("done", 0, json!({"type": "function_call", "call_id": "c", "arguments": "{}"}))]);
    assert_eq!(words(&nameless), ["start", "fault 502 broken_tool_call"]);
}

#[test]
fn one_of_summary_and_thought_is_passed_on() {
    let more = |kind: &str, member: &str, part: u64, delta: &str| json!({"type": format!("response.{kind}.delta"), "item_id": "r", "output_index": 0, member: part, "delta": delta});
    let events = wires(&[
        item("added", 0, json!({"id": "r", "type": "reasoning", "summary": []})),
        more("reasoning_text", "content_index", 0, "As it was."),
        more("reasoning_summary_text", "summary_index", 0, "In short."),
        completed(
            json!([{"id": "r", "type": "reasoning", "summary": [{"type": "summary_text", "text": "In short."}]}]),
        ),
    ]);
    assert_eq!(words(&events)[1], "thinking:As it was..");
    let parts = [
        more("reasoning_summary_text", "summary_index", 0, "One."),
        more("reasoning_summary_text", "summary_index", 1, "Two."),
    ];
    assert_eq!(words(&wires(&parts))[1], "thinking:One.\n\nTwo.");
}

/// Cases 10 and 12: what the vendor has sealed of its thoughts goes back to it as it was, and to nobody else.
#[test]
fn sealed_thoughts_make_the_round_trip() {
    let events = decode(&GOLDEN.read("stream", "openai_tools.sse"));
    let signature = events.iter().find_map(|event| {
        if let Event::Delta(Delta::Signature(signature)) = event { Some(signature.clone()) } else { None }
    });
    let body = json!({"messages": [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "changed on the way", "signature": signature},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_A", "name": "Read", "input": {}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_A", "content": "1"}]},
    ]});
    let sent = send(body.clone());
    let summary =
        [json!({"type": "summary_text", "text": "**Read it**"}), json!({"type": "summary_text", "text": "Then go."})];
    let expected =
        json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAAAABsealed=="});
    assert_eq!((&sent.body["input"][1], sent.losses.len()), (&expected, 0));
    assert_eq!(sent.body["include"], json!(["reasoning.encrypted_content"]));
    let mut losses = Losses::new();
    let anthropic = crate::anthropic::canon::encode_request(
        &request(body),
        &Capabilities::of_model("claude-opus-5"),
        "claude-opus-5",
        &mut losses,
    )
    .unwrap();
    let anthropic = String::from_utf8_lossy(&anthropic);
    assert!(!anthropic.contains("qcc1") && !anthropic.contains("changed"), "Anthropic has not signed it");
}

/// A thought of which the vendor shows nothing still has to come back.
#[test]
fn a_thought_without_a_text_is_a_signature_alone() {
    let events = decode(&GOLDEN.read("stream", "sealed_only.sse"));
    assert_eq!(words(&events), ["start", "thinking:+signature.", "text:Yes..", "usage", "EndTurn", "end"]);
}

#[test]
fn items_of_the_vendors_own_are_told_as_they_are() {
    let events = decode(&GOLDEN.read("stream", "web_search.sse"));
    let Some(Event::Open(crate::canon::Block::Other { kind, raw })) = events.get(1) else { panic!("{events:?}") };
    assert_eq!((kind.as_str(), &raw.value()["action"]["query"]), ("web_search_call", &json!("rust")));
    assert_eq!(
        words(&events)[2..],
        [words(&events)[2].clone(), "usage".to_owned(), "EndTurn".to_owned(), "end".to_owned()]
    );
}

#[test]
fn the_input_of_a_custom_tool_is_an_object_with_that_text() {
    let events = decode(&GOLDEN.read("stream", "custom_tool.sse"));
    let expected = "apply_patch#call_A:{\"input\":\"*** Begin \\\"Patch\\\"\\n*** End\"}.";
    assert_eq!(words(&events), ["start", expected, "usage", "ToolUse", "end"]);
}

/// Cases 43 and 44.
#[test]
fn every_token_is_counted_once() {
    let usage = |usage: Value| {
        let events = wires(&[json!({"type": "response.completed", "response": {"usage": usage}})]);
        events.into_iter().find_map(|event| if let Event::Usage(usage) = event { Some(usage) } else { None })
    };
    let all = json!({"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 100},
        "output_tokens": 80, "output_tokens_details": {"reasoning_tokens": 64}});
    let expected =
        Usage { input: Some(76), output: Some(80), cache_read: Some(1024), cache_write: Some(100), thinking: Some(64) };
    assert_eq!(usage(all), Some(expected));
    let odd = json!({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 9}, "output_tokens": -1, "output_tokens_details": 7});
    assert_eq!(usage(odd), Some(Usage { input: Some(0), cache_read: Some(9), ..Usage::default() }));
    assert_eq!(usage(Value::Null), None);
    assert_eq!(usage(json!({"input_tokens": 1e300})), None);
}

/// Case 45: counts of an answer that failed are not lost.
#[test]
fn the_counts_of_a_failed_answer_can_be_asked_for() {
    let mut decoder = Decoder::new(ToolNames::new());
    let mut events = Vec::new();
    let batch = Splitter::new().push(Bytes::from(GOLDEN.read("stream", "failed_after_text.sse")));
    batch.events().for_each(|event| decoder.push(event, &mut events));
    assert_eq!(decoder.usage().and_then(|usage| usage.output), Some(80));
    assert_eq!(words(&events).last().unwrap(), "fault 500 server_error");
}

/// Cases 15 and 16: names that were changed are what they were, and an id is never used twice in a conversation.
#[test]
fn names_and_ids_are_the_clients_own_again() {
    let sent = send(json!({
        "tools": [{"name": "mcp__a__read.text", "input_schema": {"type": "object", "properties": {}}}],
        "messages": [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_x", "name": "mcp__a__read.text", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_x", "content": "1"}]},
        ],
    }));
    let name = sent.body["tools"][0]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("mcp__a__read_text_") && sent.body["input"][1]["name"] == name.as_str());
    let call = json!({"type": "function_call", "call_id": "call_x", "name": name, "arguments": "{}"});
    let stream = format!("data: {}\n\n", item("done", 0, call));
    let events = events_of(&Speech::Responses(sent.names.clone()), [stream.as_bytes()]);
    assert_eq!(words(&events), ["start", "mcp__a__read.text#call_x_1:{}."]);
}

#[test]
fn what_waits_is_bounded() {
    let mut decoder = Decoder::new(ToolNames::new());
    let mut events = Vec::new();
    let mut push = |event: Value| decoder.push(format!("data: {event}\n\n").as_bytes(), &mut events);
    push(item("added", 0, function("a", "")));
    push(item("added", 1, json!({"id": "m", "type": "message", "content": []})));
    let mib = "x".repeat(1024 * 1024);
    (0..9).for_each(|_| push(text(1, &mib)));
    assert_eq!(words(&events).last().unwrap(), "fault 502 broken_tool_call");
    let many: Vec<Value> =
        (0..5000).map(|at| item("added", at, json!({"type": "reasoning", "id": at.to_string()}))).collect();
    assert_eq!(words(&wires(&many)).last().unwrap(), "fault 502 broken_tool_call");
}
