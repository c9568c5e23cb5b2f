//! Golden streams of `fixtures/anthropic/stream`, and every place where they may break off.

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::anthropic::tests::{assert_all_named, fixture};
use crate::error::Topic;
use crate::sse::{MAX_EVENT, Splitter};

fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let batch = Splitter::new().push(Bytes::copy_from_slice(stream));
    batch.events().map(<[u8]>::to_vec).collect()
}

/// One letter per event: idle, Progress, Content, Terminal, Error, Not SSE, Malformed.
fn letter(seen: &Seen) -> char {
    match seen {
        Seen::Idle | Seen::Unfinished => 'i',
        Seen::Progress => 'P',
        Seen::Content => 'C',
        Seen::Terminal => 'T',
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

/// The names of the events that a closing adds, and how the body ends then.
fn closing_in_words(watcher: &Watcher) -> String {
    let closing = watcher.closing("req_1", "the provider broke off");
    let added = events(&closing.bytes);
    let mut words: Vec<String> =
        added.iter().map(|event| String::from_utf8_lossy(fields(event).event.unwrap()).into_owned()).collect();
    words.push(if closing.abort { "abort" } else { "end" }.to_owned());
    words.join(" ")
}

#[test]
fn every_event_of_a_stream_means_what_the_table_says() {
    use Ending::{AfterText, FirstBlock, Whole};
    let table = [
        ("text.sse", "PPiPCCPCT", Whole, Some("end_turn")),
        ("text_crlf_and_comments.sse", "iPPiPCCPCT", Whole, Some("end_turn")),
        ("text_data_only.sse", "PPiPCCPCTi", Whole, Some("end_turn")),
        ("text_no_space_after_colon.sse", "PPiPCCPCT", Whole, Some("end_turn")),
        ("tools.sse", "PPCCPCPCPPCPCCCPPCCPCT", Whole, Some("tool_use")),
        ("parallel_tools.sse", "PCCPCCCPCT", Whole, Some("tool_use")),
        ("server_tool.sse", "PCCPCPPCCPCT", Whole, Some("end_turn")),
        ("redacted_thinking.sse", "PCPCPCT", Whole, Some("end_turn")),
        ("refusal_without_content.sse", "PCT", Whole, Some("refusal")),
        ("early_message_delta.sse", "PPPiPCCPCT", Whole, Some("end_turn")),
        ("unknown_events.sse", "PiiiPiPCCPCT", Whole, Some("end_turn")),
        ("empty_answer.sse", "PT", Whole, None),
        ("overloaded_at_once.sse", "E", FirstBlock, None),
        ("rate_limit_after_start.sse", "PiE", FirstBlock, None),
        ("error_after_text.sse", "PPiPCCPE", AfterText, None),
        ("relay_error_data_only.sse", "E", FirstBlock, None),
        ("relay_error_text.sse", "E", FirstBlock, None),
        ("html.sse", "NN", FirstBlock, None),
        ("json_lines.sse", "N", FirstBlock, None),
        ("openai_chunks.sse", "Mi", FirstBlock, None),
        ("broken_json.sse", "PM", FirstBlock, None),
        ("delta_without_block.sse", "PM", FirstBlock, None),
    ];
    for (name, letters, ending, stop_reason) in table {
        let (watcher, seen) = watch(&events(&fixture("stream", name)));
        assert_eq!(seen, letters, "{name}");
        assert_eq!((watcher.ending(), watcher.stop_reason()), (ending, stop_reason), "{name}");
    }
    assert_all_named("stream", table.map(|(name, ..)| name).to_vec());
}

#[test]
fn usage_and_id_are_taken_and_a_restated_zero_loses() {
    let (watcher, _) = watch(&events(&fixture("stream", "tools.sse")));
    assert_eq!(watcher.message_id(), Some("msg_01XYZ"));
    let expected =
        Usage { input: Some(25), output: Some(89), cache_read: Some(81_234), cache_write: Some(310), thinking: None };
    assert_eq!(watcher.usage(), expected);
}

#[test]
fn errors_in_a_stream_stand_for_their_http_status() {
    let facts = |name| {
        let (mut watcher, mut facts) = (Watcher::new(), None);
        for event in events(&fixture("stream", name)) {
            if let Seen::Error(seen) = watcher.observe(&event) {
                facts = Some(seen);
            }
        }
        facts.map(|facts: ErrorFacts| (facts.status, facts.topic)).unwrap()
    };
    assert_eq!(facts("overloaded_at_once.sse"), (529, Topic::Overloaded));
    assert_eq!(facts("rate_limit_after_start.sse"), (429, Topic::None));
    assert_eq!(facts("error_after_text.sse"), (500, Topic::None));
    assert_eq!(facts("relay_error_data_only.sse"), (503, Topic::Overloaded));
    assert_eq!(facts("relay_error_text.sse"), (500, Topic::None));
}

#[test]
fn a_break_is_closed_by_what_had_ended_and_what_was_open() {
    let stop = "content_block_stop message_delta message_stop end";
    let table = [
        ("tools.sse", 0, "error abort", "nothing came"),
        ("tools.sse", 1, "error abort", "only the start"),
        ("tools.sse", 3, "error abort", "in the first block"),
        ("tools.sse", 5, "error end", "thinking had ended"),
        ("tools.sse", 8, "error end", "in a call after thinking"),
        ("tools.sse", 9, "message_delta message_stop end", "a call had ended"),
        ("tools.sse", 10, "error abort", "in an empty text after a call"),
        ("tools.sse", 11, stop, "in a text after a call"),
        ("tools.sse", 12, "error end", "text had ended last"),
        ("tools.sse", 14, "error end", "in a call after text"),
        ("tools.sse", 16, "message_delta message_stop end", "the second call had ended"),
        ("tools.sse", 18, "error abort", "in unsigned thinking after a call"),
        ("tools.sse", 20, "error end", "thinking had ended last"),
        ("tools.sse", 21, "error end", "only message_stop is missing"),
        ("tools.sse", 22, "end", "whole"),
        ("parallel_tools.sse", 4, "message_delta message_stop end", "the first of two calls had ended"),
        ("parallel_tools.sse", 5, "error abort", "in the second call, before its input"),
        ("parallel_tools.sse", 6, "error abort", "in the second call, half its input"),
        ("server_tool.sse", 4, "error end", "a call of the provider's own is none for the client"),
        ("refusal_without_content.sse", 2, "error abort", "a stop reason without content"),
        ("rate_limit_after_start.sse", 3, "abort", "the provider's own error, first block"),
        ("error_after_text.sse", 8, "end", "the provider's own error, after text"),
    ];
    for (name, cut, words, case) in table {
        let all = events(&fixture("stream", name));
        let (watcher, _) = watch(&all[..cut]);
        assert_eq!(closing_in_words(&watcher), words, "{name} after {cut}: {case}");
    }
}

/// A client as CLIENTS.md measured it: keeps ended blocks, raises at an error event or a cut, takes a clean end
/// for whole.
fn assert_no_fragment_passes_for_whole(stream: &[u8], aborted: bool) {
    let (mut open, mut failed, mut stopped, mut reason) = (false, aborted, false, Value::Null);
    for event in events(stream) {
        let data: Value = serde_json::from_slice(&fields(&event).data).unwrap();
        match data["type"].as_str().unwrap() {
            "content_block_start" => open = true,
            "content_block_stop" => open = false,
            "message_delta" => reason = data["delta"]["stop_reason"].clone(),
            "message_stop" => stopped = true,
            "error" => failed = true,
            _ => {}
        }
    }
    assert!(failed || (stopped && !open && reason.is_string()), "{}", String::from_utf8_lossy(stream));
}

#[test]
fn no_cut_of_any_stream_ends_so_that_a_fragment_passes_for_whole() {
    for name in ["text.sse", "tools.sse", "parallel_tools.sse", "server_tool.sse", "redacted_thinking.sse"] {
        let all = events(&fixture("stream", name));
        for cut in 0..=all.len() {
            let (watcher, _) = watch(&all[..cut]);
            let closing = watcher.closing("req_1", "the provider broke off");
            let sent = [all[..cut].concat(), closing.bytes.to_vec()].concat();
            assert_no_fragment_passes_for_whole(&sent, closing.abort);
        }
    }
}

#[test]
fn a_stop_reason_does_not_make_an_open_block_whole() {
    let all = events(&fixture("stream", "text.sse"));
    let (mut watcher, _) = watch(&all[..6]);
    watcher.observe(&all[7]);
    assert_eq!((watcher.stop_reason(), watcher.open_block()), (Some("end_turn"), Some(BlockKind::Text)));
    assert_eq!(closing_in_words(&watcher), "error abort");
}

#[test]
fn a_block_that_begins_with_an_id_alone_is_no_content() {
    let mut watcher = Watcher::new();
    let start =
        |block: &str| format!("data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{block}}}\n\n");
    assert_eq!(
        watcher.observe(start(r#"{"type":"text","id":"b_1","text":"","citations":[]}"#).as_bytes()),
        Seen::Progress
    );
    assert_eq!(
        watcher.observe(start(r#"{"type":"tool_use","id":"b_1","name":"Read","input":{}}"#).as_bytes()),
        Seen::Content
    );
}

#[test]
fn the_events_of_a_closing_have_the_exact_shape() {
    let all = events(&fixture("stream", "tools.sse"));
    let (watcher, _) = watch(&all[..5]);
    let error = watcher.closing("req_1", "the provider broke off");
    assert_eq!(
        error.bytes,
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the provider broke off\"},\
         \"request_id\":\"req_1\"}\n\n"
    );
    let (watcher, _) = watch(&all[..11]);
    assert_eq!(
        watcher.closing("req_1", "").bytes,
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\
         \"usage\":{\"output_tokens\":1}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    );
}

#[test]
fn after_commit_odd_data_no_longer_counts_as_malformed() {
    let all = events(&fixture("stream", "text.sse"));
    let (mut watcher, _) = watch(&all[..5]);
    assert_eq!(watcher.observe(b"event: content_block_delta\ndata: {broken\n\n"), Seen::Content);
    assert_eq!(watcher.observe(b"event: content_block_stop\ndata: {broken\n\n"), Seen::Progress);
    assert_eq!(watcher.observe(b"data: {\"choices\":[]}\n\n"), Seen::Idle);
    assert_eq!((watcher.ended, watcher.last_ended(), watcher.open_block()), (1, Some(BlockKind::Text), None));
}

#[test]
fn an_oversized_event_is_understood_by_its_head() {
    let big = "x".repeat(MAX_EVENT);
    let delta =
        format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"text\":\"{big}");
    let all = events(&fixture("stream", "text.sse"));

    let (mut watcher, _) = watch(&all[..2]);
    assert_eq!(watcher.observe_oversized_head(delta.as_bytes()), Seen::Content);
    let (mut watcher, _) = watch(&all[..1]);
    assert_eq!(watcher.observe_oversized_head(delta.as_bytes()), Seen::Malformed, "no block is open");

    let data_only =
        "data: {\"type\": \"content_block_start\", \"index\": 7, \"content_block\": {\"type\": \"text\", \"text\": \"";
    assert_eq!(watcher.observe_oversized_head(format!("{data_only}{big}").as_bytes()), Seen::Content);
    assert_eq!(watcher.open_block(), Some(BlockKind::Text));

    let error = format!("event: error\ndata: {{\"error\":{{\"type\":\"api_error\",\"message\":\"{big}");
    assert!(matches!(watcher.observe_oversized_head(error.as_bytes()), Seen::Error(facts) if facts.status == 500));
    assert_eq!(watcher.observe_oversized_head(format!("<html>{big}").as_bytes()), Seen::NotSse);
    assert_eq!(watcher.observe_oversized_head(format!(": {big}").as_bytes()), Seen::Idle);
    let stop = format!("event: message_stop\ndata: {big}");
    assert_eq!(watcher.observe_oversized_head(stop.as_bytes()), Seen::Progress);
    assert!(!watcher.is_terminal(), "an end of that length is not believed");
}

#[test]
fn a_half_text_block_keeps_its_index_through_an_oversized_start() {
    let all = events(&fixture("stream", "parallel_tools.sse"));
    let (mut watcher, _) = watch(&all[..4]);
    let head = format!(
        "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{\"type\":\"text\",\"text\":\"{}",
        "x".repeat(MAX_EVENT)
    );
    watcher.observe_oversized_head(head.as_bytes());
    let closing = String::from_utf8(watcher.closing("r", "m").bytes.to_vec()).unwrap();
    assert!(
        closing.starts_with("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}"),
        "{closing}"
    );
}
