//! What holds for any input: no bytes make it panic, events keep their grammar, and no cut of the bytes changes them.

use proptest::prelude::*;

use super::*;

/// A part of any kind, signed or not.
fn part() -> impl Strategy<Value = Value> {
    let data = prop_oneof![
        "[ a]{0,3}".prop_map(|text| json!({"text": text})),
        "[ a]{0,3}".prop_map(|text| json!({"text": text, "thought": true})),
        ("[ab]{0,1}", "[tu]{0,1}").prop_map(|(id, name)| json!({"functionCall": {"id": id, "name": name, "args": {}}})),
        Just(json!({"functionCall": {"name": "t", "args": null}})),
        Just(json!({"functionCall": {"name": "t", "args": [1]}})),
        Just(json!({"inlineData": {"mimeType": "image/png", "data": "A"}})),
        Just(json!({})),
    ];
    (data, prop::option::of("[s]{0,1}")).prop_map(|(mut part, signature)| {
        if let Some(signature) = signature {
            part["thoughtSignature"] = signature.into();
        }
        part
    })
}

fn chunk() -> impl Strategy<Value = Value> {
    let reasons = vec!["STOP", "MAX_TOKENS", "SAFETY", "OTHER", "MALFORMED_RESPONSE", "NEW_ONE", ""];
    prop_oneof![
        4 => prop::collection::vec(part(), 0..4).prop_map(|all| parts(json!(all))),
        2 => prop::sample::select(reasons).prop_map(finish),
        1 => Just(json!({"candidates": [], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1}})),
        1 => Just(json!({"promptFeedback": {"blockReason": "SAFETY"}})),
        1 => Just(json!({"error": {"message": "x", "code": 500, "status": "INTERNAL"}})),
    ]
}

proptest! {
    #[test]
    fn no_cut_of_the_bytes_changes_the_events(at in prop::collection::vec(0_usize..4000, 0..12)) {
        for stream in GOLDEN.streams() {
            prop_assert_eq!(events_of(&speech(), cut(&stream, &at)), decode(&stream));
        }
    }

    #[test]
    fn any_order_of_chunks_keeps_the_grammar(stream in prop::collection::vec(chunk(), 0..12)) {
        check(&chunks(&stream));
        for chunk in stream {
            drop(decode_message(chunk.to_string().as_bytes(), &ToolNames::new(), PRO));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&decode(&bytes));
        drop(decode_message(&bytes, &ToolNames::new(), PRO));
        drop((decode_count(&bytes), model_names(&bytes)));
        let mut data = b"data: ".to_vec();
        data.extend(bytes);
        check(&decode(&data));
    }

    #[test]
    fn no_damage_to_a_stream_makes_it_panic(at in 0_usize..4000, byte in any::<u8>(), length in 0_usize..40) {
        for stream in GOLDEN.streams() {
            let at = at % stream.len();
            let end = (at + length).min(stream.len());
            check(&decode(&[&stream[..at], &[byte], &stream[end..]].concat()));
        }
    }

    #[test]
    fn a_cut_stream_never_ends_as_whole(at in 0_usize..4000) {
        for name in ["text", "thinking_and_call", "signed_text", "max_tokens"] {
            let stream = GOLDEN.read("stream", &format!("{name}.sse"));
            let reason = memchr::memmem::rfind(&stream, b"\"finishReason\":\"").unwrap();
            let events = decode(&stream[..at % reason]);
            prop_assert!(!events.contains(&Event::End), "{}", name);
        }
    }

    /// Whatever a conversation holds: Gemini is told turns in its order, and as many results as calls.
    #[test]
    fn any_conversation_keeps_geminis_order(turns in prop::collection::vec(turn(), 1..8)) {
        let Ok(sent) = try_send(&Capabilities::default(), PRO, conversation(json!(turns))) else { return Ok(()) };
        let said = said(&sent);
        prop_assert_eq!(said[0].0.as_str(), "user");
        prop_assert_eq!(said.last().unwrap().0.as_str(), "user");
        prop_assert!(said.windows(2).all(|pair| pair[0].0 != pair[1].0), "{}", sent.text);
        for (at, (_, parts)) in said.iter().enumerate() {
            let all = |kind: &str, parts: &Value| -> Vec<(Value, Value)> {
                let parts = parts.as_array().unwrap().iter().filter_map(|part| part.get(kind));
                parts.map(|one| (one["id"].clone(), one["name"].clone())).collect()
            };
            let calls = all("functionCall", parts);
            if !calls.is_empty() {
                prop_assert_eq!(&calls, &all("functionResponse", &said[at + 1].1));
            }
        }
    }
}

fn turn() -> impl Strategy<Value = Value> {
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    let user = prop::collection::vec(
        prop_oneof![id().prop_map(|id| result(id, "r")), prop::sample::select(vec!["", " ", "t"]).prop_map(text),],
        1..4,
    );
    let model = prop::collection::vec(
        prop_oneof![
            id().prop_map(|id| call(id, "t")),
            prop::sample::select(vec!["", "t"]).prop_map(text),
            Just(json!({"type": "thinking", "thinking": "x", "signature": "s"})),
        ],
        0..4,
    );
    prop_oneof![
        user.prop_map(|content| json!({"role": "user", "content": content})),
        model.prop_map(|content| json!({"role": "assistant", "content": content})),
        Just(json!({"role": "system", "content": "Mind."})),
    ]
}

/// Nesting is not followed on the stack.
#[test]
fn deep_nesting_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for stream in [
        deep.clone(),
        format!("data: {deep}\n\n"),
        format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{deep}}}]}}}}]}}\n\n"),
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"functionCall\":{{\"args\":{deep}}}}}]}}}}]}}\n\n"
        ),
        format!("data: {{\"candidates\":[],\"usageMetadata\":{deep}}}\n\n"),
        format!("data: {}\n\n", parts(json!([{"functionCall": {"name": "t", "args": deep}}]))),
    ] {
        check(&decode(stream.as_bytes()));
    }
}
