//! What the relay sees of a stream between equal dialects, and how a broken one ends.

use super::watch::{MAX_EVENT, Seen, Watcher};
use super::*;
use crate::error::Topic;
use crate::sse::fields;

fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::new();
    let batch = splitter.push(Bytes::copy_from_slice(stream));
    let mut events: Vec<Vec<u8>> = batch.events().map(<[u8]>::to_vec).collect();
    events.extend(Some(splitter.finish().to_vec()).filter(|rest| !rest.is_empty()));
    events
}

/// One letter per event: idle, Progress, Content, Terminal, Unfinished, Error, Not SSE, Malformed.
fn letter(seen: &Seen) -> char {
    match seen {
        Seen::Idle => 'i',
        Seen::Progress => 'P',
        Seen::Content => 'C',
        Seen::Terminal => 'T',
        Seen::Unfinished => 'U',
        Seen::Error(_) => 'E',
        Seen::NotSse => 'N',
        Seen::Malformed => 'M',
    }
}

fn watch(events: &[Vec<u8>]) -> (Watcher, String) {
    let mut watcher = Watcher::new();
    let letters = events.iter().map(|event| letter(&watcher.observe(event))).collect();
    (watcher, letters)
}

#[test]
fn every_event_of_a_stream_means_what_the_table_says() {
    let table = [
        ("openai_text", "PPPPCCCPPPT", Some("completed")),
        ("openai_tools", "PPPPCCPPPCPPPPPCPPPPCCPPT", Some("completed")),
        ("sealed_only", "PPPPPPCPPPT", Some("completed")),
        ("interleaved_calls", "PPCPCCCCPPPPT", Some("completed")),
        ("done_without_deltas", "PPPPCPPPT", Some("completed")),
        ("items_only", "PCT", Some("completed")),
        ("completed_only", "C", Some("completed")),
        ("incomplete_length", "PPPPCPPPT", Some("max_output_tokens")),
        ("incomplete_call", "PPCCPPT", Some("max_output_tokens")),
        ("incomplete_filter", "PPPPCPPPT", Some("content_filter")),
        ("refusal", "PPPPCCPPT", Some("completed")),
        ("failed", "PPE", None),
        ("failed_after_text", "PPPPCPPPE", None),
        ("error_flat", "PPPCE", None),
        ("error_nested", "PPE", None),
        ("web_search", "PPPPPPPPPCPPPPT", Some("completed")),
        ("custom_tool", "PPCCCPPT", Some("completed")),
        ("vllm_reasoning", "PPPCCPPPCCPTi", Some("completed")),
        ("ids_anew", "PPPCCPPPCPPT", Some("completed")),
        ("crlf_and_comments", "iPPPPCPPPT", Some("completed")),
        ("cut", "PPPPCPPP", None),
        ("unknown_events", "PPPPiPPCPPPT", Some("completed")),
        ("chat_chunks", "Mi", None),
        ("html", "N", None),
    ];
    for (name, letters, stop_reason) in table {
        let (watcher, seen) = watch(&events(&GOLDEN.read("stream", &format!("{name}.sse"))));
        assert_eq!(seen, letters, "{name}");
        assert_eq!((watcher.stop_reason(), watcher.is_terminal()), (stop_reason, stop_reason.is_some()), "{name}");
    }
    let mut named: Vec<&str> = table.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(named, GOLDEN.inputs("stream", ".sse"));
}

#[test]
fn counts_and_the_id_are_taken() {
    let (watcher, _) = watch(&events(&GOLDEN.read("stream", "openai_tools.sse")));
    assert_eq!(watcher.message_id(), Some("resp_68a1"));
    let usage = watcher.usage();
    assert_eq!(
        (usage.input, usage.output, usage.cache_read, usage.cache_write),
        (Some(76), Some(80), Some(1024), Some(100))
    );
    let (watcher, _) = watch(&events(&GOLDEN.read("stream", "failed_after_text.sse")));
    assert_eq!(watcher.usage().output, Some(80), "of a failed one too");
}

#[test]
fn errors_in_a_stream_stand_for_their_http_status() {
    let facts = |name: &str| {
        let mut watcher = Watcher::new();
        let seen = events(&GOLDEN.read("stream", name)).into_iter().map(|event| watcher.observe(&event)).last();
        if let Some(Seen::Error(facts)) = seen { (facts.status, facts.topic) } else { panic!("{name}: {seen:?}") }
    };
    assert_eq!(facts("failed.sse"), (429, Topic::None));
    assert_eq!(facts("error_flat.sse"), (500, Topic::None));
    assert_eq!(facts("error_nested.sse"), (400, Topic::ContextTooLong));
}

/// Nothing that a provider has not said itself passes for a whole answer.
#[test]
fn a_break_ends_with_an_error_and_a_cut_wherever_it_is() {
    for name in ["openai_text.sse", "openai_tools.sse", "interleaved_calls.sse", "refusal.sse"] {
        let all = events(&GOLDEN.read("stream", name));
        for cut in 0..all.len() {
            let (watcher, _) = watch(&all[..cut]);
            let closing = watcher.closing("req_1", "the provider broke off");
            assert!(closing.abort, "{name} after {cut}");
            let data: Value = serde_json::from_slice(&fields(&closing.bytes).data).unwrap();
            assert_eq!((&data["type"], &data["sequence_number"]), (&json!("error"), &json!(cut)), "{name} after {cut}");
            assert_eq!(
                (&data["message"], &data["error"]["message"]),
                (&data["error"]["message"], &json!("the provider broke off"))
            );
            assert_eq!(
                words(&decode(&[all[..cut].concat(), closing.bytes.to_vec()].concat())).last().unwrap(),
                "fault 500 server_error"
            );
        }
        let (watcher, _) = watch(&all);
        assert_eq!(watcher.closing("req_1", "x"), watch::Closing { bytes: Bytes::new(), abort: false });
    }
}

/// Case 46: clients number events, and comments are none.
#[test]
fn signs_of_life_are_not_numbered() {
    let all = events(&GOLDEN.read("stream", "openai_text.sse"));
    let mut watcher = Watcher::new();
    for event in &all[..5] {
        watcher.observe(event);
        assert_eq!(watcher.observe(b": keep-alive\n\n"), Seen::Idle);
        assert_eq!(watcher.observe(b"\n"), Seen::Idle);
    }
    let closing = watcher.closing("req_1", "x");
    let data: Value = serde_json::from_slice(&fields(&closing.bytes).data).unwrap();
    assert_eq!(data["sequence_number"], 5);
}

#[test]
fn what_the_provider_itself_says_of_its_failure_is_not_said_again() {
    let closing = |name: &str| watch(&events(&GOLDEN.read("stream", name))).0.closing("req_1", "x");
    assert_eq!(closing("failed_after_text.sse"), watch::Closing { bytes: Bytes::new(), abort: false }, "it is an end");
    assert_eq!(closing("error_flat.sse"), watch::Closing { bytes: Bytes::new(), abort: true });
}

#[test]
fn after_commit_deltas_are_known_by_their_first_bytes() {
    let (mut watcher, _) = watch(&events(&GOLDEN.read("stream", "openai_text.sse"))[..5]);
    let content = [
        "event: response.output_text.delta\ndata: {broken\n\n",
        "event:response.function_call_arguments.delta\r\ndata: {}\r\n\r\n",
        "data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"\"}\n\n",
        "data:{\"type\": \"response.refusal.delta\"}\n\n",
        "id: 7\nevent: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n",
    ];
    for event in content {
        assert_eq!(watcher.observe(event.as_bytes()), Seen::Content, "{event}");
    }
    assert_eq!(watcher.observe(b"data: {\"choices\":[]}\n\n"), Seen::Idle);
    assert_eq!(watcher.observe(b"event: response.output_text.done\ndata: {broken\n\n"), Seen::Idle);
    assert_eq!(watcher.observe(b"event: response.output_text.done\ndata: {}\n\n"), Seen::Progress);
}

#[test]
fn an_empty_delta_is_no_content_yet() {
    let mut watcher = Watcher::new();
    let empty =
        b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"\"}\n\n";
    assert_eq!(watcher.observe(empty), Seen::Progress);
    assert_eq!(
        watcher.observe(
            b"data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"function_call\",\"name\":\"\"}}\n\n"
        ),
        Seen::Progress
    );
    assert_eq!(
        watcher.observe(b"data: {\"error\":{\"message\":\"x\",\"code\":\"insufficient_quota\"}}\n\n").clone(),
        watcher_error(429)
    );
}

fn watcher_error(status: u16) -> Seen {
    let mut facts =
        crate::error::ErrorFacts::in_band(b"{\"error\":{\"message\":\"x\",\"code\":\"insufficient_quota\"}}");
    facts.status = status;
    Seen::Error(facts)
}

/// The end has the whole answer in it, so it is long where that is long.
#[test]
fn an_oversized_event_is_understood_by_its_head() {
    let big = "x".repeat(crate::sse::MAX_EVENT);
    let head = |kind: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"x\":\"{big}");
    let mut watcher = Watcher::new();
    assert_eq!(watcher.observe_oversized_head(head("response.created").as_bytes()), Seen::Progress);
    assert_eq!(watcher.observe_oversized_head(head("response.output_text.delta").as_bytes()), Seen::Content);
    assert_eq!(
        watcher.observe_oversized_head(format!("data: {{\"type\": \"response.completed\", \"r\": \"{big}").as_bytes()),
        Seen::Terminal
    );
    assert!(watcher.is_terminal() && watcher.stop_reason() == Some("completed"));
    let mut watcher = Watcher::new();
    assert!(matches!(watcher.observe_oversized_head(head("error").as_bytes()), Seen::Error(_)));
    assert!(matches!(watcher.observe_oversized_head(head("response.failed").as_bytes()), Seen::Error(_)));
    assert_eq!(watcher.observe_oversized_head(format!("<html>{big}").as_bytes()), Seen::NotSse);
    assert_eq!(watcher.observe_oversized_head(format!(": {big}").as_bytes()), Seen::Idle);
    let mut splitter = Splitter::holding(MAX_EVENT);
    let long = format!("{}\"}}\n\n", head("response.completed"));
    assert_eq!(splitter.push(Bytes::from(long)).events().count(), 1, "a relay can see it whole");
}
