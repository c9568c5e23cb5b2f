//! What holds for any input: no bytes make it panic, events keep their grammar, and no cut of the bytes changes them.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// All streams of the folder.
static STREAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| GOLDEN.streams());

/// Events keep their grammar, and what a client then gets can be read.
fn check(events: &[Event]) {
    kit::check(events);
    let again = decode(written(events, &[]).as_bytes());
    assert_eq!(again.contains(&Event::End), events.contains(&Event::End), "{events:?}");
}

/// An event out of pieces that vendors use, in any order.
fn wire() -> impl Strategy<Value = Value> {
    let kind =
        prop::sample::select(vec!["message", "reasoning", "function_call", "custom_tool_call", "web_search_call", ""]);
    let item = ("(added|done)", 0_u64..3, kind, "[ab]{0,1}", "[tu]{0,1}", "[{}\":1 a\\[\\]]{0,6}").prop_map(
        |(step, index, kind, id, name, text)| {
            let content = json!([{"type": "output_text", "text": text}]);
            let summary = json!([{"type": "summary_text", "text": text}]);
            let item = json!({"type": kind, "id": id, "call_id": id, "name": name, "arguments": text, "input": text,
                "content": content, "summary": summary, "encrypted_content": name});
            json!({"type": format!("response.output_item.{step}"), "output_index": index, "item": item})
        },
    );
    let names = vec![
        "output_text",
        "refusal",
        "reasoning_text",
        "reasoning_summary_text",
        "function_call_arguments",
        "custom_tool_call_input",
    ];
    let more = (prop::sample::select(names), "(delta|done)", 0_u64..3, 0_u64..2, "[ab]{0,1}", "[{}\":1 a\\[\\]]{0,6}").prop_map(
        |(name, step, index, part, id, text)| {
            json!({"type": format!("response.{name}.{step}"), "output_index": index, "item_id": id, "content_index": part,
                "delta": text, "text": text, "arguments": text, "input": text, "refusal": text})
        },
    );
    let end = prop::sample::select(vec!["completed", "incomplete", "failed", "created", "queued"]).prop_map(|kind| {
        let output =
            json!([{"type": "message", "content": "whole"}, {"type": "function_call", "name": "t", "arguments": "{}"}]);
        json!({"type": format!("response.{kind}"), "response": {"output": output, "usage": {"input_tokens": 3}}})
    });
    prop_oneof![4 => item, 6 => more, 1 => end, 1 => Just(json!({"type": "error", "message": "x"})), 1 => Just(json!({"x": 1}))]
}

proptest! {
    #[test]
    fn no_cut_of_the_bytes_changes_the_events(which in any::<Index>(), at in prop::collection::vec(any::<Index>(), 0..12)) {
        let stream = which.get(&STREAMS);
        let at: Vec<usize> = at.iter().map(|at| at.index(stream.len() + 1)).collect();
        prop_assert_eq!(events_of(&Speech::Responses(ToolNames::new()), cut(stream, &at)), decode(stream));
    }

    #[test]
    fn any_order_of_events_keeps_the_grammar(stream in prop::collection::vec(wire(), 0..14)) {
        check(&wires(&stream));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&decode(&bytes));
        drop(decode_message(&bytes, &ToolNames::new()));
        drop((read_message(&bytes), decode_count(&bytes), client::decode_request(&bytes)));
        let mut data = b"data: ".to_vec();
        data.extend(&bytes);
        check(&decode(&data));
        let mut watcher = Watcher::new();
        drop((watcher.observe(&bytes), watcher.observe(&data), watcher.observe_oversized_head(&bytes)));
    }

    #[test]
    fn no_damage_to_a_stream_makes_it_panic(which in any::<Index>(), at in any::<Index>(), byte in any::<u8>(), length in 0_usize..40) {
        let stream = which.get(&STREAMS);
        let at = at.index(stream.len());
        let end = (at + length).min(stream.len());
        let damaged = [&stream[..at], &[byte], &stream[end..]].concat();
        check(&decode(&damaged));
        let mut watcher = Watcher::new();
        Splitter::new().push(Bytes::from(damaged)).events().for_each(|event| drop(watcher.observe(event)));
    }

    /// Case 45.
    #[test]
    fn a_cut_stream_never_ends_as_whole(which in any::<Index>(), at in any::<Index>()) {
        let stream = which.get(&STREAMS);
        let ends = [&b"response.completed\""[..], b"response.incomplete\""];
        let end = ends.iter().filter_map(|end| memchr::memmem::find(stream, end)).min();
        let cut = &stream[..at.index(end.unwrap_or(stream.len()))];
        prop_assert!(!decode(cut).contains(&Event::End));
        let mut watcher = Watcher::new();
        Splitter::new().push(Bytes::copy_from_slice(cut)).events().for_each(|event| drop(watcher.observe(event)));
        prop_assert!(!watcher.is_terminal());
    }

    #[test]
    fn no_request_makes_it_panic(at in 0_usize..16_000, byte in any::<u8>()) {
        let mut body = GOLDEN.read("client", "codex.json");
        let at = at % body.len();
        body[at] = byte;
        if let Ok(asked) = client::decode_request(&body) {
            let lenient = Capabilities { drop_server_tools: Some(true), ..thinking() };
            drop(try_send(&asked, &lenient));
            drop(crate::anthropic::canon::encode_request(&asked, &Capabilities::of_model("claude-opus-5"), "claude-opus-5", &mut Losses::new()));
        }
    }
}

/// Nesting is not followed on the stack.
#[test]
fn deep_nesting_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for stream in [
        format!("data: {deep}\n\n"),
        format!("data: {{\"type\":\"response.output_item.done\",\"item\":{deep}}}\n\n"),
        format!(
            "data: {{\"type\":\"response.output_item.done\",\"item\":{{\"type\":\"reasoning\",\"encrypted_content\":\"E\",\"summary\":{deep}}}}}\n\n"
        ),
        format!(
            "data: {{\"type\":\"response.completed\",\"response\":{{\"output\":{deep},\"usage\":{deep},\"incomplete_details\":{deep}}}}}\n\n"
        ),
    ] {
        check(&decode(stream.as_bytes()));
        drop(Watcher::new().observe(stream.as_bytes()));
    }
    drop(client::decode_request(
        format!("{{\"model\":\"m\",\"input\":[{{\"role\":\"user\",\"content\":{deep}}}]}}").as_bytes(),
    ));
    drop(decode_message(deep.as_bytes(), &ToolNames::new()));
}
