//! What is read of answers: the golden streams and bodies, and what clones make of them.

use super::*;
use crate::answer::Wrong;
use crate::anthropic::tests::fixture;
use crate::canon::Collector;

fn decoded(stream: &[u8]) -> (Vec<Event>, Vec<String>) {
    let batch = Splitter::new().push(stream.to_vec().into());
    let (mut decoder, mut events) = (Decoder::new(), Vec::new());
    batch.events().for_each(|event| decoder.push(event, &mut events));
    (events, decoder.losses().iter().map(ToString::to_string).collect())
}

/// An answer in a line.
fn line(events: &[Event]) -> String {
    let words = events.iter().map(|event| match event {
        Event::Start { id, .. } => format!("start({})", id.as_deref().unwrap_or_default()),
        Event::Open(Block::Text) => "text".to_owned(),
        Event::Open(Block::Thinking) => "thinking".to_owned(),
        Event::Open(Block::Redacted(data)) => format!("redacted({data})"),
        Event::Open(Block::ToolUse { id, name }) => format!("call({id} {name})"),
        Event::Open(Block::Other { kind, raw }) => format!("other({kind} {})", raw.value()["input"]),
        Event::Delta(Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text)) => format!("+{text}"),
        Event::Delta(Delta::Signature(text)) => format!("signed({text})"),
        Event::Close => ".".to_owned(),
        Event::Usage(usage) => {
            let counts = [usage.input, usage.cache_read, usage.cache_write, usage.output];
            let counts = counts.map(|count| count.map_or_else(|| "-".to_owned(), |count| count.to_string()));
            format!("usage({})", counts.join(" "))
        }
        Event::Stop(stop) => format!("{:?}", stop.reason),
        Event::End => "end".to_owned(),
        Event::Fault { status, kind, message } => format!("fault({status} {kind} {message})"),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_stream_means_what_the_table_says() {
    let start = "start(msg_01XYZ) usage(25 81234 310 1)";
    let text = format!("{start} text +Héllo, 世界  +😀 . usage(- - - 12) EndTurn end");
    let table = [
        ("text.sse", text.clone()),
        ("text_crlf_and_comments.sse", text.clone()),
        // 51
        ("text_data_only.sse", text.clone()),
        ("text_no_space_after_colon.sse", text.clone()),
        ("unknown_events.sse", text.clone()),
        ("early_message_delta.sse", text.replace("310 1)", "310 1) usage(- - - 1)")),
        (
            "tools.sse",
            format!(
                "{start} thinking +Let me read it. signed(EqQBCg==) . call(toolu_01A Read) +{{\"path\":\"a\"}} . text +And the next . \
                 call(toolu_01B Read) +{{\"pa +th\":\"b\"}} . thinking +Now both. signed(EqQBDh==) . usage(- - - 89) ToolUse end"
            ),
        ),
        (
            "server_tool.sse",
            format!(
                "{start} other(server_tool_use {{\"query\":\"x\"}}) . other(web_search_tool_result null) . text +X. . \
                 usage(- - - 70) EndTurn end"
            ),
        ),
        (
            "empty_answer.sse",
            format!("{start} fault(502 empty the provider's answer has neither content nor a reason for its end)"),
        ),
        ("overloaded_at_once.sse", "fault(529 overloaded_error Overloaded)".to_owned()),
        ("html.sse", String::new()),
        ("openai_chunks.sse", String::new()),
        ("broken_json.sse", format!("{start} fault(502  the provider sent an event that cannot be read)")),
    ];
    for (name, expected) in table {
        assert_eq!(line(&decoded(&fixture("stream", name)).0), expected, "{name}");
    }
    assert_eq!(decoded(&fixture("stream", "server_tool.sse")).1, ["answer.citations_delta: dropped"]);
}

/// Case 51: what clones leave out is put in.
#[test]
fn what_clones_leave_out_is_put_in() {
    let table = [
        (
            "text without its beginning and end",
            vec![
                r#"{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"a"}}"#,
                r#"{"type":"content_block_delta","index":3,"delta":{"type":"thinking_delta","thinking":"b"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            "start() text +a . thinking +b . EndTurn end",
        ),
        (
            "a call that has all of its input in the beginning",
            vec![
                r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"i","name":"n","input":{ "a": 1.0 }}}"#,
                r#"{"type":"content_block_stop"}"#,
                r#"{"type":"message_stop"}"#,
            ],
            "start() call(i n) +{ \"a\": 1.0 } . ToolUse end",
        ),
        (
            "counts within a block",
            vec![
                r#"{"type":"content_block_start","content_block":{"type":"text","text":"a"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":5,"input_tokens":-1}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            "start() text +a . usage(- - - 5) MaxTokens end",
        ),
        (
            "a call without a name of its own",
            vec![
                r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"i"}}"#,
                r#"{"type":"message_stop"}"#,
            ],
            "fault(502  the provider sent an event that cannot be read)",
        ),
    ];
    for (what, events, expected) in table {
        let stream: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
        assert_eq!(line(&decoded(stream.as_bytes()).0), expected, "{what}");
    }
}

/// Case 40: a call without input is an empty object.
#[test]
fn a_call_without_input_is_an_empty_object() {
    let begin = r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"i","name":"n","input":{}}}"#;
    let piece = |text: &str| {
        json!({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": text}}).to_string()
    };
    for pieces in [vec![], vec![piece("")], vec![piece("{}")]] {
        let mut stream = format!("data: {begin}\n\n");
        pieces.iter().for_each(|piece| stream += &format!("data: {piece}\n\n"));
        stream += "data: {\"type\":\"message_stop\"}\n\n";
        let mut collector = Collector::new();
        decoded(stream.as_bytes()).0.into_iter().for_each(|event| collector.push(event));
        assert_eq!(collector.finish().unwrap().parts, [call("i", "n", "{}")], "{pieces:?}");
    }
}

/// Case 45: without its terminal event an answer is not whole.
#[test]
fn without_its_terminal_event_an_answer_is_not_whole() {
    let stream = String::from_utf8(fixture("stream", "text.sse")).unwrap();
    let cut = stream.rfind("event: message_stop").unwrap();
    assert!(line(&decoded(&stream.as_bytes()[..cut]).0).ends_with("+😀 . usage(- - - 12)"));
    let end = "event: message_stop\ndata: {\"type\":\"message_stop\"}";
    for at in 0..end.len() {
        // The rest of a body that broke off is read too: a clone may leave out the last blank line.
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        decoder.push(
            b"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
            &mut events,
        );
        decoder.push(&end.as_bytes()[..at], &mut events);
        assert!(!events.contains(&Event::End), "{}", &end[..at]);
    }
}

#[test]
fn a_whole_answer_is_read() {
    let message = decode_message(&fixture("response", "message.json")).unwrap();
    assert_eq!((message.id.as_deref(), message.model.as_deref()), (Some("msg_01"), Some("claude-opus-4-8")));
    assert_eq!(
        (message.parts, message.stop),
        (vec![text("Hi")], Some(Stop { reason: StopReason::EndTurn, sequence: None }))
    );
    let counts =
        Usage { input: Some(9), output: Some(4), cache_read: Some(2000), cache_write: Some(3), thinking: None };
    assert_eq!(message.usage, counts);
}

#[test]
fn calls_with_odd_input_are_told_and_those_without_have_an_empty_one() {
    let body = json!({"type": "message", "content": [
        {"type": "tool_use", "id": "a", "name": "one"},
        {"type": "tool_use", "id": "b", "name": "two", "input": "{\"cut"},
    ]});
    let message = decode_message(body.to_string().as_bytes()).unwrap();
    assert_eq!(message.parts, [call("a", "one", "{}"), text(r#""{\"cut""#)]);
    assert_eq!((message.broken, message.stop), (vec!["two".to_owned()], None));
}

#[test]
fn what_is_no_answer_is_told_apart() {
    assert!(matches!(decode_message(&fixture("response", "error.json")), Err(Wrong::Error(_))));
    assert_eq!(decode_message(b" "), Err(Wrong::Empty));
    assert_eq!(decode_message(&fixture("response", "login_page.json")), Err(Wrong::Html));
    assert_eq!(decode_message(&fixture("response", "message_cut.json")), Err(Wrong::NotJson));
    assert_eq!(decode_message(&fixture("response", "openai.json")), Err(Wrong::OtherJson));
    assert_eq!(decode_message(br#"{"type":"message","content":[{"type":"text","text":5}]}"#), Err(Wrong::OtherJson));
}
