//! Properties of the whole way: events to a stream and back, an answer and back, a request and back.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::grammar::{End, check};
use super::*;
use crate::anthropic::Watcher;
use crate::anthropic::tests::fixture;
use crate::canon::grammar::Grammar;
use crate::canon::{Collector, Losses, Message};

/// A block with its deltas, none of them empty, for empty ones are no news and are left out.
fn block() -> impl Strategy<Value = Vec<Event>> {
    let pieces = || vec("(\\PC|[\n\"\\\\\u{0}\u{1F600}]){1,8}", 0..4);
    let deltas =
        |make: fn(String) -> Delta, pieces: Vec<String>| pieces.into_iter().map(move |piece| Event::Delta(make(piece)));
    prop_oneof![
        pieces()
            .prop_map(move |text| [Event::Open(Block::Text)].into_iter().chain(deltas(Delta::Text, text)).collect()),
        (pieces(), option::of("[A-Za-z0-9+/=]{1,9}")).prop_map(move |(text, signature)| {
            let signature = signature.map(|signature| Event::Delta(Delta::Signature(signature)));
            [Event::Open(Block::Thinking)].into_iter().chain(deltas(Delta::Thinking, text)).chain(signature).collect()
        }),
        "[a-z=]{0,9}".prop_map(|data| vec![Event::Open(Block::Redacted(data))]),
        (
            "[-a-z0-9_.:|é]{1,9}",
            "[a-z.]{1,9}",
            prop_oneof![
                Just(vec![]),
                Just(vec!["{}".to_owned()]),
                Just(vec!["{\"a\"".to_owned(), ": 1.0".to_owned(), "}".to_owned()]),
            ]
        )
            .prop_map(move |(id, name, input)| [calls(&id, &name)]
                .into_iter()
                .chain(deltas(Delta::Input, input))
                .collect()),
    ]
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || option::of(1..=u64::from(u32::MAX));
    (count(), count(), count(), count(), count()).prop_map(|(input, output, cache_read, cache_write, thinking)| Usage {
        input,
        output,
        cache_read,
        cache_write,
        thinking,
    })
}

fn stop_reason() -> impl Strategy<Value = Stop> {
    let reason = prop_oneof![
        Just(StopReason::EndTurn),
        Just(StopReason::MaxTokens),
        Just(StopReason::StopSequence),
        Just(StopReason::Refusal),
        Just(StopReason::PauseTurn),
        Just(StopReason::ContextExceeded),
        Just(StopReason::Other("compaction".to_owned())),
    ];
    (reason, option::of("[ -~]{1,5}")).prop_map(|(reason, sequence)| Stop { reason, sequence })
}

/// A whole answer. Names of calls differ; an ordinary end is told by whether there are calls.
fn answer() -> impl Strategy<Value = Vec<Event>> {
    (vec((block(), option::of(usage())), 0..5), stop_reason(), option::of(usage())).prop_map(
        |(blocks, mut stop, last)| {
            let mut events =
                vec![Event::Start { id: Some("msg_1".to_owned()), model: Some("claude-opus-5".to_owned()) }];
            for (at, (mut block, usage)) in blocks.into_iter().enumerate() {
                if let Event::Open(Block::ToolUse { id, .. }) = &mut block[0] {
                    id.push_str(&at.to_string());
                    if stop.reason == StopReason::EndTurn {
                        stop.reason = StopReason::ToolUse;
                    }
                }
                events.append(&mut block);
                events.push(Event::Close);
                events.extend(usage.map(Event::Usage));
            }
            events.push(Event::Stop(stop));
            events.extend(last.map(Event::Usage));
            events.push(Event::End);
            events
        },
    )
}

fn decoded(stream: &str) -> Vec<Event> {
    let batch = Splitter::new().push(Bytes::copy_from_slice(stream.as_bytes()));
    let (mut decoder, mut events) = (Decoder::new(), Vec::new());
    batch.events().for_each(|event| decoder.push(event, &mut events));
    events
}

/// Everything but the counts, which may come at other places.
fn said(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| !matches!(event, Event::Usage(_))).collect()
}

/// The counts in the end. What no provider told is told as an estimate or as nothing.
fn counted(events: &[Event]) -> Usage {
    let mut total =
        Usage { input: Some(77), output: Some(0), cache_read: Some(0), cache_write: Some(0), thinking: None };
    for event in events {
        if let Event::Usage(usage) = event {
            total.take(*usage);
        }
    }
    total
}

fn collected(events: &[Event]) -> Option<Message> {
    let mut collector = Collector::new();
    events.iter().cloned().for_each(|event| collector.push(event));
    collector.finish()
}

proptest! {
    #[test]
    fn an_answer_comes_back_from_the_stream_that_it_was_written_as(events in answer()) {
        Grammar::check(&events).unwrap();
        let written = stream(&events);
        prop_assert_eq!(check(written.as_bytes()), Ok(End::Whole));
        let mut watcher = Watcher::new();
        let batch = Splitter::new().push(Bytes::copy_from_slice(written.as_bytes()));
        batch.events().for_each(|event| drop(watcher.observe(event)));
        prop_assert!(watcher.is_terminal());
        let back = decoded(&written);
        prop_assert!(Grammar::check(&back).unwrap().is_whole());
        prop_assert_eq!(said(&back), said(&events));
        prop_assert_eq!(counted(&back), counted(&events));
    }

    /// Case 45: an answer cut anywhere is a cut stream.
    #[test]
    fn an_answer_cut_anywhere_is_a_cut_stream(events in answer(), cut in any::<prop::sample::Index>()) {
        let written = stream(&events[..cut.index(events.len())]);
        prop_assert_eq!(check(written.as_bytes()), Ok(End::Cut));
        prop_assert!(!Grammar::check(&decoded(&written)).unwrap().is_whole());
    }

    #[test]
    fn a_fault_anywhere_ends_the_stream(events in answer(), cut in any::<prop::sample::Index>(), status in 400..529_u16) {
        let mut events = events[..cut.index(events.len())].to_vec();
        events.push(Event::Fault { status, kind: "odd".to_owned(), message: "so".to_owned() });
        let written = stream(&events);
        prop_assert_eq!(check(written.as_bytes()), Ok(End::Error));
        let back = decoded(&written);
        prop_assert!(Grammar::check(&back).unwrap().failed());
        let told = matches!(back.last(), Some(Event::Fault { kind, message, .. }) if kind == "odd" && message == "so");
        prop_assert!(told, "{:?}", back.last());
    }

    #[test]
    fn a_whole_answer_comes_back(events in answer()) {
        let message = collected(&events).unwrap();
        let written = encode_message(&message, "claude-opus-5", "msg_1", &mut Losses::new());
        let mut back = decode_message(&written).unwrap();
        for (back, given) in [
            (&mut back.usage.input, message.usage.input),
            (&mut back.usage.output, message.usage.output),
            (&mut back.usage.cache_read, message.usage.cache_read),
            (&mut back.usage.cache_write, message.usage.cache_write),
        ] {
            prop_assert_eq!(*back, given.or(Some(0)));
            *back = given;
        }
        prop_assert_eq!(back, message);
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_panic_or_leave_the_grammar(bytes in vec(any::<u8>(), 0..200)) {
        let mut events = Vec::new();
        Decoder::new().push(&bytes, &mut events);
        Grammar::check(&events).unwrap();
        drop((decode_request(&bytes), decode_message(&bytes)));
    }

    /// A request, an answer and a stream with some bytes replaced by others.
    #[test]
    fn no_damage_makes_a_reader_panic_or_leave_the_grammar(
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        other in prop::sample::select(DAMAGE.to_vec()),
    ) {
        let damaged = |kind, name| {
            let mut bytes = fixture(kind, name);
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, other.bytes());
            bytes
        };
        if let Ok(request) = decode_request(&damaged("request", "claude_code.json")) {
            drop(encode_request(&request, &Capabilities::UNKNOWN, "claude-opus-4-5", &mut Losses::new()));
        }
        drop(decode_message(&damaged("response", "message.json")));
        let (mut decoder, mut events) = (Decoder::new(), Vec::new());
        let batch = Splitter::new().push(damaged("stream", "tools.sse").into());
        batch.events().for_each(|event| decoder.push(event, &mut events));
        let damaged = Grammar::check(&events).map_err(TestCaseError::fail)?;
        // What is written of it is a stream, whatever it says.
        let written = check(stream(&events).as_bytes()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(written == End::Whole, damaged.is_whole());
    }

    /// Pieces of the protocol in any order: nearer to what goes wrong than any bytes.
    #[test]
    fn events_in_any_order_keep_the_grammar(picks in vec(0..PIECES.len(), 0..12)) {
        let (mut decoder, mut events) = (Decoder::new(), Vec::new());
        for pick in picks {
            decoder.push(format!("data: {}\n\n", PIECES[pick]).as_bytes(), &mut events);
        }
        Grammar::check(&events).map_err(TestCaseError::fail)?;
    }
}

const DAMAGE: [&str; 14] =
    ["", "\"", "{", "}", "[", "]", ",", "null", "-1", "1e999", "\\ud83d", "\"type\":\"tool_use\"", "\n", "\n\n"];

const PIECES: [&str; 17] = [
    r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":3}}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"text","text":"a"}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":"b","signature":"s"}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"i","name":"n","input":{"a":1}}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"server_tool_use","id":"i","name":"n","input":{}}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"redacted_thinking","data":"d"}}"#,
    r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":5}}"#,
    r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"c"}}"#,
    r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"c"}}"#,
    r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
    r#"{"type":"content_block_delta","delta":{"type":"citations_delta","citation":{}}}"#,
    r#"{"type":"content_block_stop"}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":-3}}"#,
    r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":5}}"#,
    r#"{"type":"message_stop"}"#,
    r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#,
    r#"{"type":"content_block_delta","delta":3"#,
];
