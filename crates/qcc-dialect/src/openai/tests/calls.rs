//! Calls in streams, however vendors cut and count them.

use bytes::Bytes;

use super::*;
use crate::canon::ToolNames;
use crate::sse::Splitter;

/// Case 38: empty lists of calls beside text.
#[test]
fn an_empty_list_of_calls_is_no_call() {
    let said = |calls: Value| delta(json!({"content": "a", "tool_calls": calls, "function_call": null}));
    let events = chunks(&[said(json!([])), said(Value::Null), said(json!([null])), finish("stop")]);
    assert_eq!(words(&events), ["start", "text:aaa.", "EndTurn", "end"]);
}

/// Case 39: a call in one chunk, also with its reason, and input as an object.
#[test]
fn a_call_in_one_chunk_keeps_its_input() {
    for (arguments, expected) in
        [(json!("{\"a\":1}"), "{\"a\":1}"), (json!({"a": 1}), "{\"a\":1}"), (json!("\"{\\\"a\\\":1}\""), "{\"a\":1}")]
    {
        let mut chunk = fragment(json!(0), json!("c"), json!("t"), arguments);
        chunk["choices"][0]["finish_reason"] = json!("tool_calls");
        assert_eq!(words(&chunks(&[chunk])), ["start", &format!("t#c:{expected}."), "ToolUse", "end"]);
    }
}

/// Case 16: calls beside each other in one list are several, also without ids and numbers, and without input.
#[test]
fn calls_in_one_list_are_not_one_call() {
    let call = |arguments: &str| json!({"type": "function", "function": {"name": "t", "arguments": arguments}});
    let mut alike = call("");
    (alike["index"], alike["id"]) = (json!(0), json!(""));
    for calls in [json!([call("{\"a\":1}"), call("")]), json!([call(""), call("{\"a\":1}")]), json!([alike, alike])] {
        let events = chunks(&[delta(json!({"tool_calls": calls})), finish("tool_calls")]);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Close)).count(), 2, "{calls}");
        let body = json!({"choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]});
        let message = decode_message(body.to_string().as_bytes(), &ToolNames::new()).unwrap();
        assert_eq!((message.parts.len(), message.broken.len()), (2, 0), "{calls}");
    }
    let pieces = json!([call("{\"a\":"), {"function": {"arguments": "1}"}}]);
    let events = chunks(&[delta(json!({"tool_calls": pieces})), finish("tool_calls")]);
    assert_eq!(words(&events), ["start", "t#call_0:{\"a\":1}.", "ToolUse", "end"]);
}

/// Case 40: all ways of no input.
#[test]
fn no_input_is_an_empty_object() {
    for arguments in [Value::Null, json!(""), json!(" "), json!("null"), json!("\"\"")] {
        let events = chunks(&[fragment(json!(0), json!("c"), json!("t"), arguments.clone()), finish("tool_calls")]);
        assert_eq!(words(&events), ["start", "t#c:.", "ToolUse", "end"], "{arguments}");
    }
    let events = chunks(&[fragment(json!(0), json!("c"), json!("t"), json!("{}")), finish("tool_calls")]);
    assert_eq!(words(&events)[1], "t#c:{}.");
}

/// Case 41: an index that is used again, indices that are missing, names and ids that are repeated.
#[test]
fn calls_are_told_apart_however_a_vendor_counts_them() {
    let none = || Value::Null;
    let table: [(&str, Vec<Value>, &[&str]); 6] = [
        (
            "the same index, another id",
            vec![
                fragment(json!(0), json!("a"), json!("t"), json!("{\"x\":1}")),
                fragment(json!(0), json!("b"), json!("t"), json!("{\"y\"")),
                fragment(json!(0), none(), none(), json!(":2}")),
            ],
            &["t#a:{\"x\":1}.", "t#b:{\"y\":2}."],
        ),
        (
            "no index, ids",
            vec![
                fragment(none(), json!("a"), json!("t"), json!("{\"x\"")),
                fragment(none(), json!("b"), json!("u"), json!("{}")),
                fragment(none(), json!("a"), none(), json!(":1}")),
            ],
            &["t#a:{\"x\":1}.", "u#b:{}."],
        ),
        (
            "neither index nor ids",
            vec![
                fragment(none(), none(), json!("t"), json!("{\"x\"")),
                fragment(none(), none(), none(), json!(":1}")),
                fragment(none(), none(), json!("t"), json!("{\"x\":2}")),
            ],
            &["t#call_0:{\"x\":1}.", "t#call_1:{\"x\":2}."],
        ),
        (
            "name and id repeated in each chunk",
            vec![
                fragment(json!(0), json!("a"), json!("t"), json!("{\"x\"")),
                fragment(json!(0), json!("a"), json!("t"), json!(":1}")),
                fragment(json!(0), json!("a"), json!("t"), json!("")),
            ],
            &["t#a:{\"x\":1}."],
        ),
        (
            "ids that are empty after the first",
            vec![
                fragment(json!(0), json!("a"), json!("t"), json!("")),
                fragment(json!(0), json!(""), json!(""), json!("{\"x\":")),
                fragment(json!(0), json!(""), json!(""), json!("1}")),
            ],
            &["t#a:{\"x\":1}."],
        ),
        (
            "index as text, counted from one",
            vec![
                fragment(json!("1"), json!("a"), json!("t"), json!("{}")),
                fragment(json!("2"), json!("b"), json!("u"), json!("{}")),
            ],
            &["t#a:{}.", "u#b:{}."],
        ),
    ];
    for (what, mut stream, expected) in table {
        stream.push(finish("tool_calls"));
        let words = words(&chunks(&stream));
        assert_eq!(words[1..words.len() - 2], *expected, "{what}");
    }
}

/// Case 41: the first call passes while it comes, the second waits for its turn.
#[test]
fn the_first_of_two_interleaved_calls_is_not_held_back() {
    let events = chunks(&[
        fragment(json!(0), json!("a"), json!("t"), json!("{\"x\"")),
        fragment(json!(1), json!("b"), json!("u"), json!("{\"y\":2}")),
        fragment(json!(0), Value::Null, Value::Null, json!(":1")),
    ]);
    assert_eq!(words(&events), ["start", "t#a:{\"x\":1"]);
}

/// Case 39: a call of a megabyte in one chunk, which is longer than the relay holds back.
#[test]
fn a_large_call_in_one_chunk_is_read_whole() {
    let input = format!("{{\"text\":\"{}\"}}", "x".repeat(1_000_000));
    let stream = format!("data: {}\n\n", fragment(json!(0), json!("c"), json!("t"), json!(input)));
    let mut splitter = Splitter::holding(8 * 1024 * 1024);
    let mut decoder = Decoder::new(&Vendor::Unknown.traits(), ToolNames::new());
    let mut events = Vec::new();
    for piece in stream.as_bytes().chunks(10_000) {
        let batch = splitter.push(Bytes::copy_from_slice(piece));
        assert!(batch.part.is_empty());
        batch.events().for_each(|event| decoder.push(event, &mut events));
    }
    assert_eq!(words(&events)[1].len(), "t#c:.".len() + input.len());
}

/// What waits behind a call that never ends does not fill the memory.
#[test]
fn what_is_held_back_is_bounded() {
    let mut decoder = Decoder::new(&Vendor::Unknown.traits(), ToolNames::new());
    let mut events = Vec::new();
    let mut push =
        |chunk: Value, events: &mut Vec<Event>| decoder.push(format!("data: {chunk}\n\n").as_bytes(), events);
    push(fragment(json!(0), json!("c"), json!("t"), json!("{")), &mut events);
    for _ in 0..10 {
        push(delta(json!({"content": "x".repeat(1_000_000)})), &mut events);
    }
    assert_eq!(words(&events), ["start", "t#c:{", "fault 502 broken_tool_call"]);
}

#[test]
fn a_call_with_broken_input_is_a_fault_unless_a_limit_cut_it() {
    for arguments in ["{\"a\":", "[1]", "words", "{\"a\":1}}", "{\"a\":1} and", "{a:1}", "7", "\"text\""] {
        let stream = [fragment(json!(0), json!("c"), json!("t"), json!(arguments)), finish("tool_calls")];
        let events = chunks(&stream);
        let words = words(&events);
        assert_eq!(words.last().unwrap(), "fault 502 broken_tool_call", "{arguments}");
        assert!(!events.contains(&Event::Close), "{arguments}: {words:?}");
    }
    let late = [
        fragment(json!(0), json!("c"), json!("t"), json!("{}")),
        fragment(json!(1), json!("d"), json!("t"), json!("{}")),
        fragment(json!(0), json!("c"), Value::Null, json!("{\"more\":1}")),
        finish("tool_calls"),
    ];
    assert_eq!(words(&chunks(&late)).last().unwrap(), "fault 502 broken_tool_call");
    let nameless = [fragment(json!(0), json!("c"), Value::Null, json!("{}")), finish("tool_calls")];
    assert_eq!(words(&chunks(&nameless)).last().unwrap(), "fault 502 broken_tool_call");
}
