//! Corner cases of streams. What a vendor's stream looks like as a whole is in the golden files.

use super::*;
use crate::canon::{Delta, StopReason, ToolNames};

/// Cases 35 and 36 (the rest are golden files: CRLF, comments, no blank line at the end, joined chunks).
#[test]
fn a_character_and_an_event_may_be_cut_anywhere() {
    let stream = GOLDEN.read("stream", "openai_text.sse");
    let whole = decode(&stream);
    assert_eq!(words(&whole), ["start", "text:Hello, 世界 🙂.", "usage", "EndTurn", "end"]);
    for at in 0..stream.len() {
        let pieces = [&stream[..at], &stream[at..]];
        assert_eq!(events_of(&speech(Vendor::Unknown.traits(), &ToolNames::new()), pieces), whole, "cut at {at}");
    }
}

/// Case 36: several data lines of one chunk.
#[test]
fn a_chunk_may_be_written_over_several_lines() {
    let events = decode(b"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"},\n: comment\ndata: \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    assert_eq!(words(&events), ["start", "text:a.", "EndTurn", "end"]);
}

/// Relays written in PHP write an empty object as a list; one odd member costs no answer.
#[test]
fn what_is_no_object_where_one_belongs_is_nothing() {
    for odd in [json!([]), json!([1, {"a": []}]), json!(""), json!(7), json!(-7), json!(0.5), json!(true), Value::Null]
    {
        let end = json!({"choices": [{"index": 0, "delta": odd, "finish_reason": "stop"}], "x_groq": odd});
        let said = json!({"content": "a", "function_call": odd});
        assert_eq!(words(&chunks(&[delta(said), end])), ["start", "text:a.", "EndTurn", "end"], "{odd}");
    }
}

/// NVIDIA writes a member twice. The last counts, as it does for clients, unless it says nothing.
#[test]
fn a_member_that_stands_twice_is_read_once() {
    let twice = r#"{"content":"a","reasoning_content":"r","reasoning_content":null,"content":"b"}"#;
    let chunk =
        format!(r#"{{"choices":[{{"index":0,"delta":{twice},"finish_reason":"stop","finish_reason":"stop"}}]}}"#);
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    assert_eq!(words(&decode(stream.as_bytes())), ["start", "thinking:r.", "text:b.", "EndTurn", "end"]);
    let body = chunk.replace("delta", "message");
    assert_eq!(decode_message(body.as_bytes(), &ToolNames::new()).unwrap().parts.len(), 2);
    let mut watcher = client::Watcher::new();
    assert_eq!(watcher.observe(format!("data: {chunk}\n\n").as_bytes()), crate::watch::Seen::Content);
    assert_eq!(watcher.stop_reason(), Some("stop"));
    assert_eq!(client::read_message(body.as_bytes()).unwrap().stop_reason.as_deref(), Some("stop"));
}

/// Case 37: a stream that begins with a call begins with a start all the same, and only one.
#[test]
fn the_start_comes_once_before_anything() {
    let events = chunks(&[
        fragment(json!(0), json!("a"), json!("t"), json!("{}")),
        delta(json!({"role": "assistant"})),
        finish("tool_calls"),
    ]);
    assert_eq!(words(&events), ["start", "t#a:{}.", "ToolUse", "end"]);
    assert_eq!(events[0], Event::Start { id: Some("c1".to_owned()), model: Some("m".to_owned()) });
}

/// Case 42: the reason in the same chunk as the last content.
#[test]
fn content_beside_a_reason_comes_before_the_end() {
    let events = chunks(&[json!({"choices": [{"delta": {"content": "all"}, "finish_reason": "stop"}]})]);
    assert_eq!(words(&events), ["start", "text:all.", "EndTurn", "end"]);
}

/// Cases 43 and 44: counts after the reason, zeros after counts, counts with every chunk, odd ones.
#[test]
fn the_counts_are_the_last_that_say_something() {
    let usage = |prompt: Value, completion: Value| json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": {"cached_tokens": 30}}});
    let counts = |stream: &[Value]| {
        let events = chunks(stream);
        let usages =
            events.iter().filter_map(|event| if let Event::Usage(usage) = event { Some(*usage) } else { None });
        usages.map(|usage| (usage.input, usage.output, usage.cache_read)).collect::<Vec<_>>()
    };
    let text = || delta(json!({"content": "a"}));
    assert_eq!(counts(&[text(), finish("stop"), usage(json!(100), json!(7))]), [(Some(70), Some(7), Some(30))]);
    let later =
        [text(), usage(json!(100), json!(1)), finish("stop"), usage(json!(100), json!(7)), usage(json!(0), json!(0))];
    assert_eq!(counts(&later), [(Some(70), Some(7), Some(30))]);
    assert_eq!(counts(&[text(), finish("stop"), usage(json!(20), json!(-7))]), [(Some(0), None, Some(30))]);
    assert_eq!(counts(&[text(), finish("stop"), usage(json!(1e300), json!("x"))]), [(None, None, Some(30))]);
    assert_eq!(counts(&[text(), finish("stop"), json!({"choices": [], "usage": null})]), []);
}

/// Cases 43 and 44: who leaves what was thought out of the answer has it in the total; relays put what was stored for the cache in
/// places of their own.
#[test]
fn every_token_is_counted_once_wherever_it_stands() {
    let counts = |usage: Value| {
        let events = chunks(&[delta(json!({"content": "a"})), finish("stop"), json!({"choices": [], "usage": usage})]);
        let usage = events.iter().find_map(|event| if let Event::Usage(usage) = event { Some(*usage) } else { None });
        usage.map(|usage| (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.thinking)).unwrap()
    };
    let openai = json!({"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94}});
    assert_eq!(counts(openai), (Some(32), Some(103), None, None, Some(94)));
    let xai = json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
        "prompt_tokens_details": {"cached_tokens": 6}, "completion_tokens_details": {"reasoning_tokens": 94}});
    assert_eq!(counts(xai), (Some(26), Some(103), Some(6), None, Some(94)));
    let google = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 105});
    assert_eq!(counts(google), (Some(9), Some(96), None, None, Some(93)));
    let prompt_without_cache = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 112,
        "prompt_tokens_details": {"cached_tokens": 100}});
    assert_eq!(counts(prompt_without_cache), (Some(0), Some(3), Some(100), None, None));
    let small_total = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 1});
    assert_eq!(counts(small_total), (Some(9), Some(3), None, None, None));
    let absurd = json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX, "total_tokens": u64::MAX});
    assert_eq!(counts(absurd), (Some(u64::MAX), Some(u64::MAX), None, None, None));
    for place in [
        json!({"prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 50}}),
        json!({"prompt_tokens_details": {"cached_tokens": 30, "cached_creation_tokens": 50}}),
        json!({"prompt_tokens_details": {"cached_tokens": 30}, "cache_creation_input_tokens": 50}),
    ] {
        let mut relay = json!({"prompt_tokens": 120, "completion_tokens": 4, "total_tokens": 124});
        relay.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        assert_eq!(counts(relay), (Some(40), Some(4), Some(30), Some(50), None));
    }
}

/// Case 45: bytes end without a reason: nothing is closed. With one the answer is whole.
#[test]
fn an_answer_without_a_reason_is_left_open() {
    let text = || delta(json!({"content": "Half"}));
    assert_eq!(words(&chunks(&[text()])), ["start", "text:Half"]);
    let done = format!("data: {}\n\ndata: [DONE]\n\n", text());
    assert_eq!(words(&decode(done.as_bytes())), ["start", "text:Half"]);
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    assert_eq!(words(&chunks(&[text(), usage.clone()])), ["start", "text:Half"]);
    assert_eq!(words(&chunks(&[text(), finish("stop"), usage])), ["start", "text:Half.", "usage", "EndTurn", "end"]);
    assert_eq!(words(&decode(b"")), Vec::<String>::new());
    let reasons = [
        json!({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}),
        json!({"choices": [{"delta": {}, "finish_reason": null}]}),
    ];
    assert_eq!(words(&chunks(&reasons)), ["start", "text:a"]);
}

/// Case 45: counts of a cut answer are not lost.
#[test]
fn the_counts_of_a_cut_answer_can_be_asked_for() {
    let mut decoder = Decoder::new(&Vendor::Unknown.traits(), ToolNames::new());
    let mut events = Vec::new();
    decoder.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n", &mut events);
    decoder.finish(&mut events);
    let usage = decoder.usage().unwrap();
    assert_eq!((usage.input, usage.output, events.len()), (Some(5), Some(1), 3));
}

/// Case 46: errors within a 200, in every form, and nothing after them.
#[test]
fn an_error_in_the_stream_is_a_fault_and_the_last_word() {
    let table = [
        ("data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n", "fault 500 server_error"),
        ("data: {\"error\":\"overloaded\"}\n\n", "fault 500 "),
        ("data: {\"error\":{\"code\":429,\"message\":\"x\"}}\n\n", "fault 429 429"),
        (
            "data: {\"object\":\"error\",\"message\":\"x\",\"type\":\"BadRequestError\",\"code\":400}\n\n",
            "fault 400 BadRequestError",
        ),
        ("data: {\"message\":\"Unauthorized\"}\n\n", "fault 500 "),
        ("data: {\"code\":\"1302\",\"msg\":\"x\"}\n\n", "fault 500 1302"),
        (
            "event: error\ndata: {\"message\":\"x\",\"code\":\"rate_limit_exceeded\"}\n\n",
            "fault 429 rate_limit_exceeded",
        ),
        ("event: error\ndata: plain words\n\n", "fault 500 "),
        ("{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\"}}", "fault 429 insufficient_quota"),
        ("<html><body>no</body></html>", "fault 502 html"),
        ("upstream connect error", "fault 502 not_a_stream"),
        ("data: <html>\n\n", "fault 502 not_json"),
        ("data: {\"type\":\"response.created\",\"response\":{}}\n\n", "fault 502 other_dialect"),
        ("data: 7\n\n", "fault 502 other_dialect"),
        ("data: {\"choices\":{}}\n\n", "fault 502 other_dialect"),
        (
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"network_error\"}]}\n\n",
            "start|fault 502 finish_reason",
        ),
    ];
    for (stream, expected) in table {
        let more = format!("{stream}\n\ndata: {}\n\ndata: [DONE]\n\n", finish("stop"));
        assert_eq!(words(&decode(more.as_bytes())).join("|"), expected, "{stream}");
    }
}

#[test]
fn odd_lines_after_the_beginning_and_events_of_others_break_nothing() {
    let stream = format!(
        "data: {}\n\nstray words\n\nevent: ping\ndata: {{\"type\":\"ping\"}}\n\nid: 7\nretry: 3\n\ndata: {}\n\n",
        delta(json!({"content": "a"})),
        finish("stop")
    );
    assert_eq!(words(&decode(stream.as_bytes())), ["start", "text:a.", "EndTurn", "end"]);
}

/// Case 52: thinking and text by turns, and thinking after text.
#[test]
fn thinking_and_text_may_alternate() {
    let think = |text: &str| delta(json!({"reasoning_content": text}));
    let text = |text: &str| delta(json!({"content": text}));
    let events = chunks(&[think("a"), think("b"), text("c"), think("d"), text(""), text("e"), finish("stop")]);
    assert_eq!(words(&events), ["start", "thinking:ab.", "text:c.", "thinking:d.", "text:e.", "EndTurn", "end"]);
    let both = chunks(&[delta(json!({"reasoning": "x", "content": "y"})), finish("stop")]);
    assert_eq!(words(&both)[1..3], ["thinking:x.", "text:y."]);
    let twice = chunks(&[delta(json!({"reasoning": "x", "reasoning_content": "x"})), finish("stop")]);
    assert_eq!(words(&twice)[1], "thinking:x.", "servers that write both mean one");
}

/// Case 52: `<think>` over any pieces, where it is known to be used.
#[test]
fn think_tags_are_thinking_only_where_the_provider_writes_them() {
    let tagged = Traits { think_tags: true, ..Vendor::Vllm.traits() };
    let read = |traits: &Traits, text: &str, size: usize| {
        let letters: Vec<char> = text.chars().collect();
        let mut stream: String = letters
            .chunks(size)
            .map(|piece| format!("data: {}\n\n", delta(json!({"content": piece.iter().collect::<String>()}))))
            .collect();
        stream += &format!("data: {}\n\n", finish("stop"));
        words(&events_of(&speech(traits.clone(), &ToolNames::new()), [stream.as_bytes()]))
    };
    for size in [1, 2, 3, 7, 100] {
        let text = "\n<think>Is </ it?</think>\n\nIt <think>is</think>.";
        assert_eq!(read(&tagged, text, size)[1..3], ["thinking:Is </ it?.", "text:It <think>is</think>.."], "{size}");
        assert_eq!(read(&tagged, "<thin ice", size)[1], "text:<thin ice.", "{size}");
        assert_eq!(read(&tagged, "<think>cut </thi", size)[1], "thinking:cut </thi.", "{size}");
        assert_eq!(read(&Vendor::Vllm.traits(), "<think>a</think>b", size)[1], "text:<think>a</think>b.", "{size}");
    }
}

/// Case 53: more answers than one, and a first chunk without any.
#[test]
fn only_the_first_of_several_answers_is_read() {
    let both = json!({"choices": [
        {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"},
        {"index": 0, "delta": {"content": "yes"}},
    ]});
    let second = json!({"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}]});
    let filter = json!({"choices": [], "prompt_filter_results": []});
    assert_eq!(words(&chunks(&[both.clone(), second])), ["start", "text:yes"]);
    let empty = json!({});
    let usage_first = json!({"choices": [], "usage": null, "object": "chat.completion.chunk"});
    assert_eq!(
        words(&chunks(&[empty, filter, usage_first, both, finish("stop")])),
        ["start", "text:yes.", "EndTurn", "end"]
    );
}

/// Case 54: filters with and without text before them, and refusals.
#[test]
fn a_filter_and_a_refusal_are_refusals() {
    let text = delta(json!({"content": "So "}));
    assert_eq!(words(&chunks(&[text.clone(), finish("content_filter")])), ["start", "text:So .", "Refusal", "end"]);
    assert_eq!(words(&chunks(&[finish("content_filter")])), ["start", "Refusal", "end"]);
    let refusal = delta(json!({"content": null, "refusal": "No."}));
    assert_eq!(words(&chunks(&[refusal.clone(), finish("stop")])), ["start", "text:No..", "Refusal", "end"]);
    assert_eq!(words(&chunks(&[text, refusal, finish("length")]))[2], "MaxTokens");
}

#[test]
fn reasons_are_translated_as_the_table_says() {
    let table = [
        ("stop", StopReason::EndTurn, StopReason::ToolUse),
        ("tool_calls", StopReason::EndTurn, StopReason::ToolUse),
        ("function_call", StopReason::EndTurn, StopReason::ToolUse),
        ("length", StopReason::MaxTokens, StopReason::MaxTokens),
        ("content_filter", StopReason::Refusal, StopReason::Refusal),
        ("sensitive", StopReason::Refusal, StopReason::Refusal),
        ("model_length", StopReason::ContextExceeded, StopReason::ContextExceeded),
        ("novel", StopReason::Other("novel".to_owned()), StopReason::Other("novel".to_owned())),
    ];
    for (reason, without, with) in table {
        let stop = |events: Vec<Event>| {
            events.into_iter().find_map(|event| if let Event::Stop(stop) = event { Some(stop.reason) } else { None })
        };
        assert_eq!(stop(chunks(&[delta(json!({"content": "a"})), finish(reason)])), Some(without), "{reason}");
        let call = fragment(json!(0), json!("c"), json!("t"), json!("{}"));
        assert_eq!(stop(chunks(&[call, finish(reason)])), Some(with), "{reason}");
    }
}

/// Case 19: halves of characters, NUL, numbers of any size in the input of a call.
#[test]
fn what_cannot_be_a_character_costs_only_itself() {
    let raw = r#"data: {"choices":[{"delta":{"content":"a\ud83d"}}]}"#.to_owned() + "\n\n";
    let input = r#"{\"half\":\"\\ud83d\",\"nul\":\"\\u0000\",\"n\":1e3,\"big\":18446744073709551616}"#;
    let raw = raw
        + r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"t","arguments":""#
        + input
        + "\"}}]},\"finish_reason\":\"stop\"}]}\n\n";
    let events = decode(raw.as_bytes());
    let inputs: Vec<&Delta> =
        events.iter().filter_map(|event| if let Event::Delta(delta) = event { Some(delta) } else { None }).collect();
    assert!(matches!(inputs[0], Delta::Text(text) if text.starts_with('a')));
    assert_eq!(
        inputs[1],
        &Delta::Input(r#"{"half":"\ud83d","nul":"\u0000","n":1e3,"big":18446744073709551616}"#.to_owned())
    );
    assert_eq!(words(&events).last().unwrap(), "end");
    let invalid = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xff\"},\"finish_reason\":\"stop\"}]}\n\n";
    assert_eq!(words(&decode(invalid)), ["start", "text:a\u{fffd}.", "EndTurn", "end"]);
}

/// Cases 10 and 14: what a vendor seals or signs of its thoughts comes back to it as it was, through the client.
#[test]
fn sealed_thoughts_make_the_round_trip() {
    let item = |more: Value| {
        let mut item = json!({"type": "reasoning.text", "format": "google-gemini-v1", "index": 0});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        delta(json!({"reasoning_details": [item]}))
    };
    let sealed =
        delta(json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "AbC", "id": "c", "index": 1}]}));
    let call = fragment(json!(0), json!("c"), json!("t"), json!("{}"));
    let events = chunks(&[
        item(json!({"text": "Hm"})),
        item(json!({"text": ".", "signature": "s"})),
        sealed,
        call,
        finish("stop"),
    ]);
    assert_eq!(words(&events)[1], "thinking:Hm.+signature.");
    let signature = events.iter().find_map(|event| {
        if let Event::Delta(Delta::Signature(signature)) = event { Some(signature.clone()) } else { None }
    });
    let body = conversation(json!([
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": signature}, super::call("c", "t")]},
        {"role": "user", "content": [result("c", "1")]},
    ]));
    let sent = send(Vendor::OpenRouter, "google/gemini-3", body.clone());
    let expected = json!([
        {"type": "reasoning.text", "format": "google-gemini-v1", "index": 0, "text": "Hm.", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "AbC", "id": "c", "index": 1},
    ]);
    assert_eq!(
        (&sent.body["messages"][1]["reasoning_details"], &sent.body["messages"][1]["reasoning"]),
        (&expected, &json!("Hm."))
    );
    let elsewhere = send(Vendor::Unknown, "m", body.clone());
    assert_eq!(elsewhere.body["messages"][1]["reasoning_content"], "Hm.");
    assert!(!elsewhere.text.contains("qcc1"));
    let mut losses = Losses::new();
    let anthropic =
        crate::anthropic::canon::encode_request(&request(body), &Capabilities::UNKNOWN, "claude-opus-5", &mut losses)
            .unwrap();
    assert!(!String::from_utf8_lossy(&anthropic).contains("qcc1"), "Anthropic has not signed it");
    assert_eq!(losses.iter().next().unwrap().what, "messages.thinking");
}

#[test]
fn citations_of_a_streamed_text_are_a_named_loss_and_an_empty_list_is_none() {
    for (annotations, lost) in [(json!([{"type": "url_citation", "url_citation": {"url": "u"}}]), 1), (json!([]), 0)] {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": "a", "annotations": annotations}}]});
        let mut decoder = Decoder::new(&Vendor::Unknown.traits(), ToolNames::new());
        let mut events = Vec::new();
        decoder.push(format!("data: {chunk}\n\n").as_bytes(), &mut events);
        assert_eq!(decoder.losses().iter().count(), lost);
        assert!(events.contains(&Event::Delta(Delta::Text("a".to_owned()))), "{events:?}");
    }
}
