//! What holds for any input: no bytes make it panic, events keep their grammar, and no cut of the bytes changes them.

use proptest::prelude::*;

use super::*;

/// A stream out of pieces that vendors use, in any order.
fn chunk() -> impl Strategy<Value = Value> {
    let text = "[ a{}\"\\\\]{0,4}";
    let call =
        (0_u64..3, "[ab]{0,1}", "[tu]{0,1}", "[{}\":1 a\\[\\]]{0,6}").prop_map(|(index, id, name, arguments)| {
            delta(
                json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}),
            )
        });
    prop_oneof![
        text.prop_map(|text| delta(json!({"content": text}))),
        text.prop_map(|text| delta(json!({"reasoning_content": text}))),
        text.prop_map(|text| delta(
            json!({"reasoning_details": [{"type": "reasoning.text", "text": text, "signature": "s"}]})
        )),
        text.prop_map(|text| delta(json!({"refusal": text}))),
        call,
        prop::sample::select(vec!["stop", "length", "tool_calls", "content_filter", "error", ""]).prop_map(finish),
        Just(json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})),
        Just(json!({"error": {"message": "x"}})),
    ]
}

proptest! {
    #[test]
    fn no_cut_of_the_bytes_changes_the_events(at in prop::collection::vec(0_usize..4000, 0..12)) {
        for stream in GOLDEN.streams() {
            let speech = speech(Vendor::Unknown.traits(), &ToolNames::new());
            prop_assert_eq!(events_of(&speech, cut(&stream, &at)), decode(&stream));
        }
    }

    #[test]
    fn any_order_of_chunks_keeps_the_grammar(stream in prop::collection::vec(chunk(), 0..12), tags in any::<bool>()) {
        let traits = Traits { think_tags: tags, ..Vendor::Unknown.traits() };
        let text: String = stream.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        check(&events_of(&speech(traits, &ToolNames::new()), [text.as_bytes()]));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&decode(&bytes));
        drop(decode_message(&bytes, &ToolNames::new()));
        let mut data = b"data: ".to_vec();
        data.extend(bytes);
        check(&decode(&data));
    }

    #[test]
    fn no_damage_to_a_stream_makes_it_panic(at in 0_usize..4000, byte in any::<u8>(), length in 0_usize..40) {
        for stream in GOLDEN.streams() {
            let at = at % stream.len();
            let end = (at + length).min(stream.len());
            let damaged = [&stream[..at], &[byte], &stream[end..]].concat();
            check(&decode(&damaged));
        }
    }

    #[test]
    fn a_cut_stream_never_ends_as_whole(at in 0_usize..4000) {
        for name in ["openai_text", "openai_tools", "deepseek_reasoning", "length"] {
            let stream = GOLDEN.read("stream", &format!("{name}.sse"));
            let reason = memchr::memmem::rfind(&stream, b"\"finish_reason\":\"").unwrap();
            let events = decode(&stream[..at % reason]);
            prop_assert!(!events.contains(&Event::End), "{}", name);
        }
    }

    #[test]
    fn any_name_becomes_one_that_is_taken_and_comes_back(names in prop::collection::vec(".{0,90}", 1..6), limit in 16_usize..65) {
        let mut known = ToolNames::new();
        known.reserve(names.iter().map(String::as_str), limit);
        for name in &names {
            let sent = known.send(name, limit).into_owned();
            prop_assert!((1..=limit).contains(&sent.len()));
            prop_assert!(sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
            prop_assert_eq!(known.original(&sent), name.as_str());
        }
    }
}

/// Nesting is not followed on the stack.
#[test]
fn deep_nesting_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for stream in [
        format!("data: {deep}\n\n"),
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{deep}}}}}]}}\n\n"),
        format!("data: {{\"choices\":[{{\"delta\":{{\"reasoning_details\":{deep}}}}}],\"usage\":{deep}}}\n\n"),
        format!("data: {}\n\n", delta(json!({"tool_calls": [{"function": {"name": "t", "arguments": deep}}]}))),
    ] {
        check(&decode(stream.as_bytes()));
    }
}
