//! Answers as clients of this dialect get them.

use super::*;
use crate::canon::{Block, Collector, Delta, Message, Part, Stop, StopReason, Thought, Usage};

fn start() -> Event {
    Event::Start { id: None, model: None }
}

fn call(name: &str, pieces: &[&str]) -> Vec<Event> {
    let mut events = vec![Event::Open(Block::ToolUse { id: format!("call_{name}"), name: name.to_owned() })];
    events.extend(pieces.iter().map(|piece| Event::Delta(Delta::Input((*piece).to_owned()))));
    events.push(Event::Close);
    events
}

fn ended(blocks: Vec<Event>, reason: StopReason) -> Vec<Event> {
    let mut events = vec![start()];
    events.extend(blocks);
    events.extend([Event::Stop(Stop { reason, sequence: None }), Event::End]);
    events
}

fn names(stream: &str) -> Vec<String> {
    data(stream).iter().map(|event| event["type"].as_str().unwrap().replace("response.", "")).collect()
}

fn collected(events: &[Event]) -> Option<Message> {
    let mut collector = Collector::new();
    events.iter().cloned().for_each(|event| collector.push(event));
    collector.finish()
}

/// Rules of a stream that the SDKs check: numbers in a row, one beginning, items begun before they go on and ended under the
/// same name, and an end that has exactly the items that were ended.
fn check(stream: &str) {
    let events = data(stream);
    let mut done: Vec<Value> = Vec::new();
    let mut open: Option<Value> = None;
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at, "{event}");
        let kind = event["type"].as_str().unwrap();
        assert_eq!(kind == "response.created", at == 0, "{event}");
        match kind {
            "response.output_item.added" => {
                assert!(open.is_none() && event["output_index"] == done.len(), "{event}");
                open = Some(event["item"].clone());
            }
            "response.output_item.done" => {
                let begun = open.take().unwrap();
                assert!(
                    ["id", "type", "call_id", "name"].iter().all(|name| begun[name] == event["item"][name]),
                    "{event}"
                );
                done.push(event["item"].clone());
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                assert_eq!(at, events.len() - 1);
                assert_eq!(event["response"]["output"], json!(done));
                assert_eq!(event["response"]["status"], kind.strip_prefix("response.").unwrap());
                assert!(event["response"]["usage"]["total_tokens"].is_u64(), "{event}");
            }
            "response.created" | "response.in_progress" => assert_eq!(event["response"]["status"], "in_progress"),
            _ => {
                assert_eq!(
                    (&event["item_id"], &event["output_index"]),
                    (&open.as_ref().unwrap()["id"], &json!(done.len())),
                    "{event}"
                );
            }
        }
    }
    let named = stream.lines().filter_map(|line| line.strip_prefix("event: "));
    assert!(named.zip(&events).all(|(name, event)| event["type"] == name));
}

/// Every stream that can be read is written so that it reads the same, and is whole only if it was.
#[test]
fn an_answer_survives_the_way_to_the_client_and_back() {
    for name in GOLDEN.inputs("stream", ".sse") {
        let events = decode(&GOLDEN.read("stream", &format!("{name}.sse")));
        let stream = written(&events, &[]);
        check(&stream);
        let again = decode(stream.as_bytes());
        crate::canon::grammar::Grammar::check(&again).unwrap();
        match (collected(&events), collected(&again)) {
            (Some(before), Some(after)) => {
                let plain = |message: &Message| {
                    message
                        .parts
                        .iter()
                        .filter(|part| !matches!(part, Part::Other { .. }))
                        .map(|part| match part {
                            // What was signed came back sealed by us, which the other side of this dialect opens.
                            Part::Thinking(thought) => Part::Thinking(Thought { signature: None, ..thought.clone() }),
                            part => part.clone(),
                        })
                        .collect::<Vec<_>>()
                };
                assert_eq!(
                    (plain(&before), before.stop, before.usage),
                    (plain(&after), after.stop, after.usage),
                    "{name}"
                );
            }
            (before, after) => assert_eq!((before.is_some(), after.is_some()), (false, false), "{name}"),
        }
    }
}

/// Streams of the other dialects too.
#[test]
fn answers_of_other_dialects_keep_the_rules() {
    let mut whole = 0;
    let mut take = |events: &[Event]| {
        let stream = written(events, &[]);
        if !stream.is_empty() {
            check(&stream);
        }
        whole += usize::from(events.contains(&Event::End));
    };
    let router = Speech::OpenAi(Box::new(crate::openai::Vendor::OpenRouter.traits()), ToolNames::new());
    for (speech, golden) in [(router, Golden("openai")), (Speech::Anthropic, Golden("anthropic"))] {
        for stream in golden.streams() {
            take(&events_of(&speech, [&*stream]));
        }
    }
    assert!(whole > 20, "{whole}");
}

#[test]
fn every_step_is_told_as_openai_tells_it() {
    let text = vec![Event::Open(Block::Text), Event::Delta(Delta::Text("a".to_owned())), Event::Close];
    let stream = written(&ended(text, StopReason::EndTurn), &[]);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&stream), expected);
    let thought = vec![
        Event::Open(Block::Thinking),
        Event::Delta(Delta::Thinking("a".to_owned())),
        Event::Delta(Delta::Signature("s".to_owned())),
        Event::Close,
        Event::Open(Block::Redacted("d".to_owned())),
        Event::Close,
    ];
    let stream = written(&ended([thought, call("t", &["{\"a\"", ":1}"])].concat(), StopReason::ToolUse), &[]);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&stream), expected);
    check(&stream);
}

/// Case 40: clients parse the input, and nothing is no JSON.
#[test]
fn a_call_without_input_has_an_empty_object() {
    let stream = written(&ended(call("t", &[]), StopReason::ToolUse), &[]);
    assert_eq!(data(&stream).last().unwrap()["response"]["output"][0]["arguments"], "{}");
    assert!(stream.contains("\"delta\":\"{}\""));
}

#[test]
fn a_call_is_told_in_the_words_of_the_clients_own_tool() {
    let tools = [
        ClientTool { name: "g__a".to_owned(), own: "a".to_owned(), group: Some("g".to_owned()), plain: false },
        ClientTool { name: "p".to_owned(), own: "p".to_owned(), group: None, plain: true },
    ];
    let events =
        ended([call("g__a", &["{}"]), call("p", &["{\"in", "put\":\"x\\ny\"}"])].concat(), StopReason::ToolUse);
    let stream = written(&events, &tools);
    check(&stream);
    let last = data(&stream).pop().unwrap();
    let output = &last["response"]["output"];
    assert_eq!((&output[0]["name"], &output[0]["namespace"]), (&json!("a"), &json!("g")));
    assert!(output[1]["id"].as_str().unwrap().starts_with("ctc_"));
    let custom = (&output[1]["type"], &output[1]["name"], &output[1]["input"]);
    assert_eq!(custom, (&json!("custom_tool_call"), &json!("p"), &json!("x\ny")));
    assert_eq!(
        names(&stream)[7..10],
        ["custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"]
    );
    let message = collected(&events).unwrap();
    let body = client::encode_message(&message, "m", "resp_7", 7, &tools, &mut Losses::new());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(&body["output"], output, "whole and in pieces alike");
    let again = asked(&json!({"model": "m", "input": [{"role": "user", "content": "?"}, output[0], output[1]]}));
    assert_eq!(again.turns[1].parts, message.parts);
}

#[test]
fn a_call_that_was_cut_is_never_told_as_whole() {
    let stream = written(&ended(call("t", &["{\"a\":"]), StopReason::MaxTokens), &[]);
    let last = data(&stream).pop().unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["output"][0]["status"]),
        (&json!("response.incomplete"), &json!("incomplete"))
    );
    assert_eq!(last["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
}

/// Case 45: a cut answer has no last event, and an error is the last word.
#[test]
fn a_cut_answer_has_no_end_and_an_error_says_what_went_wrong() {
    let cut = [start(), Event::Open(Block::Text), Event::Delta(Delta::Text("Half".to_owned()))];
    assert_eq!(names(&written(&cut, &[])).last().unwrap(), "output_text.delta");
    let fault = |status: u16, kind: &str| Event::Fault { status, kind: kind.to_owned(), message: "x".to_owned() };
    let stream = written(&[cut.to_vec(), vec![fault(529, "overloaded_error"), Event::End]].concat(), &[]);
    let last = data(&stream).pop().unwrap();
    assert_eq!(last["response"]["error"], json!({"code": "server_is_overloaded", "message": "x"}));
    assert_eq!(last["type"], "response.failed");
}

/// Before commit an error counts as its HTTP equivalent, so that must be told by its code.
#[test]
fn the_status_of_an_error_can_be_told_from_its_code() {
    for status in [400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 504] {
        let fault = Event::Fault { status, kind: "odd".to_owned(), message: "x".to_owned() };
        let again = decode(written(&[fault], &[]).as_bytes());
        assert!(
            matches!(again.last(), Some(Event::Fault { status: told, .. }) if *told == status),
            "{status}: {again:?}"
        );
    }
}

#[test]
fn a_whole_answer_is_as_the_sdks_expect_it() {
    let message = decode_message(&GOLDEN.read("response", "calls.json"), &ToolNames::new()).unwrap();
    let body = client::encode_message(&message, "gpt-x", "resp_7", 7, &[], &mut Losses::new());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["object"], &body["status"], &body["model"]),
        (&json!("response"), &json!("completed"), &json!("gpt-x"))
    );
    assert_eq!(
        body["usage"],
        json!({"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 100},
        "output_tokens": 80, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 1280})
    );
    let again = decode_message(body.to_string().as_bytes(), &ToolNames::new()).unwrap();
    assert_eq!((again.parts.len(), again.stop, again.usage), (message.parts.len(), message.stop, message.usage));
    for member in
        ["created_at", "error", "incomplete_details", "parallel_tool_calls", "tool_choice", "tools", "metadata", "text"]
    {
        assert!(body.get(member).is_some(), "{member}");
    }
}

#[test]
fn counts_and_reasons_come_with_the_end() {
    let usage =
        Usage { input: Some(76), output: Some(80), cache_read: Some(1024), cache_write: None, thinking: Some(64) };
    let reasons = [
        (StopReason::EndTurn, "completed", Value::Null),
        (StopReason::PauseTurn, "completed", Value::Null),
        (StopReason::ContextExceeded, "incomplete", json!({"reason": "max_output_tokens"})),
        (StopReason::Refusal, "incomplete", json!({"reason": "content_filter"})),
        (StopReason::Other("steered".to_owned()), "incomplete", json!({"reason": "steered"})),
        (StopReason::Other("new".to_owned()), "completed", Value::Null),
    ];
    for (reason, status, details) in reasons {
        let events = [start(), Event::Usage(usage), Event::Stop(Stop { reason, sequence: None }), Event::End];
        let last = data(&written(&events, &[])).pop().unwrap();
        assert_eq!((&last["response"]["status"], &last["response"]["incomplete_details"]), (&json!(status), &details));
        assert_eq!(
            (&last["response"]["usage"]["input_tokens"], &last["response"]["usage"]["total_tokens"]),
            (&json!(1100), &json!(1180))
        );
    }
}

/// Blocks of another dialect's own are lost by name.
#[test]
fn blocks_that_no_client_of_this_dialect_knows_are_lost_by_name() {
    let events = decode(&GOLDEN.read("stream", "web_search.sse"));
    let mut encoder = Encoder::new("m", "resp_1", 1, Vec::new());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    let losses: Vec<String> = encoder.losses().iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["content.web_search_call: dropped"]);
}
