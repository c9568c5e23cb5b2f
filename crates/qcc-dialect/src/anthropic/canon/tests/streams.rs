//! How an answer is written as a stream.

use bytes::Bytes;

use super::*;
use crate::anthropic::Watcher;
use crate::error::{ErrorFacts, Topic};
use crate::watch::Seen;

/// What the relay's watcher makes of a stream: its last word, and itself.
fn watch(stream: &str) -> (Seen, Watcher) {
    let mut watcher = Watcher::new();
    let batch = Splitter::new().push(Bytes::copy_from_slice(stream.as_bytes()));
    let last = batch.events().map(|event| watcher.observe(event)).last();
    (last.unwrap(), watcher)
}

#[test]
fn a_text_is_written_as_anthropic_writes_it() {
    let counts = Usage { input: Some(10), output: Some(3), cache_read: Some(90), ..Usage::default() };
    let written = stream(&[
        start(),
        Event::Open(Block::Text),
        says("Hello\n"),
        says("\"you\""),
        Event::Close,
        stop(StopReason::EndTurn),
        Event::Usage(counts),
        Event::End,
    ]);
    let expected = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":77,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello\n"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\"you\""}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":3}}

event: message_stop
data: {"type":"message_stop"}

"#;
    assert_eq!(written, expected);
    let (seen, watcher) = watch(&written);
    assert_eq!((seen, watcher.message_id(), watcher.stop_reason()), (Seen::Terminal, Some("msg_1"), Some("end_turn")));
    assert_eq!((watcher.usage().input, watcher.usage().cache_read), (Some(10), Some(90)));
}

/// Case 37: an answer that begins with a call begins with a message all the same, and it is complete.
#[test]
fn a_stream_of_calls_alone_begins_with_a_complete_message() {
    let written = stream(&[calls("toolu_1", "look"), input("{}"), Event::Close, stop(StopReason::ToolUse), Event::End]);
    let expected =
        "message_start content_block_start content_block_delta content_block_stop message_delta message_stop";
    assert_eq!(names(&written), expected);
    let message = &data(&written)[0]["message"];
    assert_eq!(
        (&message["content"], &message["stop_reason"], &message["stop_sequence"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    assert!(message.as_object().unwrap().contains_key("stop_reason"));
}

/// Case 44: the context meter reads `message_start`, so it has the provider's count if that came first, else the estimate.
#[test]
fn the_beginning_tells_the_size_of_the_prompt() {
    let counted = Usage { input: Some(12), cache_read: Some(5), ..Usage::default() };
    let rest = [Event::Open(Block::Text), says("x"), Event::Close, stop(StopReason::EndTurn), Event::End];
    let tokens = |before: &[Event]| {
        let events: Vec<Event> = before.iter().chain(&rest).cloned().collect();
        let data = data(&stream(&events));
        let usage = &data[0]["message"]["usage"];
        (usage["input_tokens"].as_u64().unwrap(), usage["cache_read_input_tokens"].as_u64().unwrap())
    };
    assert_eq!(tokens(&[start()]), (77, 0));
    assert_eq!(tokens(&[start(), Event::Usage(counted)]), (12, 5));
}

/// Cases 43 and 44: counts come after the reason, in pieces, or not at all; none is ever taken back.
#[test]
fn the_end_tells_every_count_that_is_known() {
    let usage = |usages: &[Usage]| {
        let mut events = vec![start(), Event::Open(Block::Text), says("x"), Event::Close, stop(StopReason::EndTurn)];
        events.extend(usages.iter().map(|usage| Event::Usage(*usage)));
        events.push(Event::End);
        data(&stream(&events)).iter().rev().nth(1).unwrap()["usage"].clone()
    };
    let input = Usage { input: Some(9), cache_write: Some(4), ..Usage::default() };
    let output = Usage { output: Some(7), thinking: Some(2), ..Usage::default() };
    let all = json!({"input_tokens": 9, "cache_creation_input_tokens": 4, "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2}});
    assert_eq!(usage(&[input, output]), all);
    assert_eq!(usage(&[]), json!({"output_tokens": 0}));
}

/// Case 10: a missing signature breaks typed clients, a made-up one is refused later; the mark is known to be ours.
#[test]
fn thinking_has_a_signature_even_where_there_is_none() {
    let think = |deltas: &[Event]| {
        let mut events = vec![Event::Open(Block::Thinking)];
        events.extend_from_slice(deltas);
        events.push(Event::Close);
        data(&stream(&events))
    };
    let unsigned =
        think(&[Event::Delta(Delta::Thinking("hm".to_owned())), Event::Delta(Delta::Signature(String::new()))]);
    assert_eq!(unsigned[1]["content_block"], json!({"type": "thinking", "thinking": "", "signature": ""}));
    let marked = json!({"type": "signature_delta", "signature": "qcc1.unsigned."});
    assert_eq!(unsigned[3]["delta"], marked, "it can be told from Anthropic's when it comes back");
    let late = Event::Delta(Delta::Thinking("so".to_owned()));
    let signed = think(&[Event::Delta(Delta::Signature("EqQB".to_owned())), late]);
    assert_eq!(signed[3]["delta"], json!({"type": "signature_delta", "signature": "EqQB"}), "it comes last");
}

/// Case 12: sealed thinking is whole in its beginning.
#[test]
fn sealed_thinking_is_whole_in_its_beginning() {
    let written = data(&stream(&[Event::Open(Block::Redacted("abc".to_owned())), Event::Close]));
    assert_eq!(written[1]["content_block"], json!({"type": "redacted_thinking", "data": "abc"}));
    assert_eq!(written[2]["type"], "content_block_stop");
}

/// Case 16: the name of a call is one that Anthropic accepts later.
#[test]
fn the_name_of_a_call_is_one_that_anthropic_accepts_later() {
    let written = data(&stream(&[calls("functions.bash:0", "bash"), Event::Close]));
    let block = json!({"type": "tool_use", "id": "qcc-functions-2ebash-3a0", "name": "bash", "input": {}});
    assert_eq!(written[1]["content_block"], block);
}

/// Case 40: nothing is made up for a call without input; clients take that for `{}`.
#[test]
fn a_call_without_input_has_no_delta() {
    let written = stream(&[calls("toolu_1", "now"), input(""), Event::Close]);
    assert_eq!(names(&written), "message_start content_block_start content_block_stop");
}

/// Case 41: blocks are counted and closed one after the other.
#[test]
fn blocks_are_counted_and_closed_one_after_the_other() {
    let written = data(&stream(&[
        Event::Open(Block::Text),
        says("a"),
        Event::Close,
        calls("t1", "x"),
        input("{"),
        input("}"),
        Event::Close,
        calls("t2", "y"),
        Event::Close,
    ]));
    let indices: Vec<Option<u64>> = written.iter().map(|data| data["index"].as_u64()).collect();
    let (zero, one, two) = (Some(0), Some(1), Some(2));
    assert_eq!(indices, [None, zero, zero, zero, one, one, one, one, two, two]);
}

/// Case 45: an answer that breaks off is not ended by the translator.
#[test]
fn a_stream_that_breaks_off_stays_broken() {
    let events = [start(), Event::Open(Block::Text), says("x"), Event::Close, stop(StopReason::EndTurn)];
    for cut in 0..=events.len() {
        let written = stream(&events[..cut]);
        assert!(!written.contains("message_stop") && !written.contains("message_delta"), "{written}");
    }
    let no_reason = stream(&[start(), Event::Open(Block::Text), says("x"), Event::Close, Event::End]);
    assert!(!watch(&no_reason).1.is_terminal());
}

/// Case 46: what the relay concludes from an error is what the provider meant.
#[test]
fn a_fault_is_an_error_event_from_which_the_status_is_concluded() {
    let table = [
        (400, "invalid_request_error", "no", 400, Topic::None),
        (400, "context_length_exceeded", "too many", 400, Topic::ContextTooLong),
        (422, "unprocessable", "no", 400, Topic::None),
        (401, "invalid_api_key", "who?", 401, Topic::None),
        (402, "", "pay", 402, Topic::Quota),
        (403, "permission_denied", "no", 403, Topic::Permission),
        (404, "model_not_found", "no gpt", 404, Topic::ModelMissing),
        (408, "", "late", 504, Topic::None),
        (413, "", "big", 413, Topic::None),
        (429, "rate_limit_exceeded", "slow down", 429, Topic::None),
        (429, "insufficient_quota", "broke", 429, Topic::Quota),
        (500, "server_error", "oops", 500, Topic::None),
        (502, "", "oops", 500, Topic::None),
        (503, "server_is_overloaded", "busy", 500, Topic::Overloaded),
        (529, "overloaded_error", "overloaded_error", 500, Topic::Overloaded),
        (529, "", "", 500, Topic::Overloaded),
    ];
    for (status, kind, message, concluded, topic) in table {
        let fault = Event::Fault { status, kind: kind.to_owned(), message: message.to_owned() };
        let written = stream(&[start(), fault]);
        assert_eq!(names(&written), "error", "it stands alone");
        assert!(!written.contains("overloaded_error"), "{written}");
        let Seen::Error(ErrorFacts { status: seen, topic: about, .. }) = watch(&written).0 else {
            panic!("{written}");
        };
        assert_eq!((seen, about), (concluded, topic), "{status} {kind}");
    }
}

/// Case 57: a prompt that is too long is told so that the client compacts.
#[test]
fn a_prompt_that_is_too_long_is_told_so_that_the_client_compacts() {
    let table = [
        (
            "This model's maximum context length is 128,000 tokens. However, your messages resulted in 150123 tokens.",
            "prompt is too long: 150123 tokens > 128000 maximum",
        ),
        ("prompt is too long: 9 tokens > 8 maximum", "prompt is too long: 9 tokens > 8 maximum"),
        ("Too much of it", "prompt is too long: Too much of it"),
    ];
    for (said, told) in table {
        assert_eq!(error_message(Topic::ContextTooLong, said), told);
    }
    assert_eq!(error_message(Topic::None, "maximum 128000, got 150000"), "maximum 128000, got 150000");
}

/// Case 58: a refused key in mid answer does not log the client out.
#[test]
fn a_refused_key_in_mid_answer_does_not_log_the_client_out() {
    let fault = Event::Fault { status: 401, kind: "invalid_api_key".to_owned(), message: "who?".to_owned() };
    let written = stream(&[start(), Event::Open(Block::Text), says("x"), fault, says("more"), Event::End]);
    let data = data(&written);
    assert_eq!(data[3]["error"]["type"], "api_error");
    assert_eq!(data.len(), 4, "nothing follows an error");
}

/// Cases 54 and 55: every reason to stop has its word.
#[test]
fn every_reason_to_stop_has_its_word() {
    use StopReason::{ContextExceeded, EndTurn, MaxTokens, Other, PauseTurn, Refusal, StopSequence, ToolUse as Calls};
    let told = |reason: StopReason, with_call: bool| {
        let mut events = vec![start()];
        if with_call {
            events.extend([calls("t", "x"), Event::Close]);
        }
        events.extend([stop(reason), Event::End]);
        data(&stream(&events)).iter().rev().nth(1).unwrap()["delta"].clone()
    };
    let word = |reason, with_call| told(reason, with_call)["stop_reason"].as_str().unwrap().to_owned();
    let table = [
        (EndTurn, false, "end_turn"),
        (EndTurn, true, "tool_use"),
        (Calls, true, "tool_use"),
        (Calls, false, "end_turn"),
        (MaxTokens, true, "max_tokens"),
        (StopSequence, false, "stop_sequence"),
        (PauseTurn, false, "pause_turn"),
        (ContextExceeded, false, "model_context_window_exceeded"),
        (Other("some_day".to_owned()), false, "some_day"),
    ];
    for (reason, with_call, expected) in table {
        assert_eq!(word(reason.clone(), with_call), expected, "{reason:?}");
    }
    let refusal = json!({"stop_reason": "refusal", "stop_sequence": null,
        "stop_details": {"type": "refusal", "category": null, "explanation": null}});
    assert_eq!(told(Refusal, false), refusal);
}

#[test]
fn the_text_that_stopped_the_answer_is_told() {
    let stopped = Stop { reason: StopReason::StopSequence, sequence: Some("END".to_owned()) };
    let data = data(&stream(&[start(), Event::Stop(stopped), Event::End]));
    assert_eq!(data[1]["delta"], json!({"stop_reason": "stop_sequence", "stop_sequence": "END"}));
}

/// Case 20: a block of another dialect is left out and named.
#[test]
fn a_block_of_another_dialect_is_left_out_and_named() {
    let mut encoder = Encoder::new("m".to_owned(), 1, "msg_1".to_owned());
    let mut out = BytesMut::new();
    let other = Block::Other { kind: "web_search_call".to_owned(), raw: raw("{}") };
    for event in [Event::Open(other), Event::Close, Event::Open(Block::Text), says("x"), Event::Close] {
        encoder.push(&event, &mut out);
    }
    let written = String::from_utf8(out.to_vec()).unwrap();
    assert_eq!(data(&written)[1]["index"], 0);
    let losses: Vec<String> = encoder.losses().iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["answer.web_search_call: dropped"]);
}
