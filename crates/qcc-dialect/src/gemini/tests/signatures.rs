//! Case 14: thought signatures, on their way to a client and back.

use super::*;
use crate::canon::{Message, Part};
use crate::sse::Splitter;

const SKIP: &str = "skip_thought_signature_validator";

/// An answer as Claude Code would give it back.
fn given_back(message: &Message) -> Value {
    let blocks = message.parts.iter().map(|part| match part {
        Part::Thinking(thought) => json!({"type": "thinking", "thinking": thought.text, "signature": thought.signature.clone().unwrap_or_default()}),
        Part::ToolUse(used) => json!({"type": "tool_use", "id": used.id, "name": used.name, "input": used.input.value()}),
        Part::Text(said) => text(&said.text),
        other => panic!("{other:?}"),
    });
    json!({"role": "assistant", "content": blocks.collect::<Vec<Value>>()})
}

fn answer(parts: &Value) -> Value {
    let body = json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]});
    given_back(&decode_message(body.to_string().as_bytes(), &ToolNames::new(), PRO).unwrap())
}

fn function(name: &str) -> Value {
    json!({"functionCall": {"id": name, "name": name, "args": {}}})
}

fn signed(mut part: Value, signature: &str) -> Value {
    part["thoughtSignature"] = signature.into();
    part
}

fn results(ids: &[&str]) -> Value {
    json!({"role": "user", "content": ids.iter().map(|id| result(id, "1")).collect::<Vec<Value>>()})
}

fn question() -> Value {
    json!({"role": "user", "content": "?"})
}

/// The signatures of the model's turns, in order; null where a part has none.
fn signatures(sent: &Sent) -> Vec<Vec<Value>> {
    let turns = said(sent).into_iter().filter(|(role, _)| role == "model");
    turns
        .map(|(_, parts)| parts.as_array().unwrap().iter().map(|part| part["thoughtSignature"].clone()).collect())
        .collect()
}

/// Case 14: a signature comes back on the very call that it came with, of parallel ones on the first alone.
#[test]
fn a_signature_makes_the_round_trip_to_its_own_call() {
    let first = answer(&json!([
        {"text": "Which?", "thought": true},
        {"text": "Both."},
        signed(function("a"), "c2lnMQ=="),
        function("b"),
    ]));
    let second = answer(&json!([signed(function("c"), "c2lnMg==")]));
    let sent = send(PRO, conversation(json!([question(), first, results(&["a", "b"]), second, results(&["c"])])));
    assert_eq!(signatures(&sent), [vec![json!(null), json!("c2lnMQ=="), json!(null)], vec![json!("c2lnMg==")]]);
    assert!(!sent.text.contains("qcc1") && !sent.text.contains("Which?"), "{}", sent.text);
}

/// Case 14: the same through the stream and through Claude Code's own blocks, empty thinking included.
#[test]
fn a_signature_in_a_stream_survives_anthropics_events() {
    use crate::anthropic::canon::{Decoder as Reader, Encoder};
    let events = decode(&GOLDEN.read("stream", "parallel_calls.sse"));
    let mut encoder = Encoder::new("m".to_owned(), 1, "msg_1".to_owned());
    let mut out = bytes::BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    let mut reader = Reader::new();
    let mut back = Vec::new();
    let mut splitter = Splitter::new();
    splitter.push(out.freeze()).events().for_each(|event| reader.push(event, &mut back));
    let mut collector = crate::canon::Collector::new();
    back.into_iter().for_each(|event| collector.push(event));
    let turn = given_back(&collector.finish().unwrap());
    let sent = send(PRO, conversation(json!([question(), turn])));
    assert_eq!(signatures(&sent), [vec![json!("c2lnMQ=="), json!(null), json!(null)]]);
}

/// Case 14: calls of the current turn that Gemini has not made are sent unchecked, the first of each step alone; older ones
/// need nothing.
#[test]
fn calls_of_another_model_are_excused_in_the_current_turn() {
    let foreign = |ids: &[&str]| {
        let mut blocks = vec![json!({"type": "thinking", "thinking": "x", "signature": "EqQBCg=="})];
        blocks.extend(ids.iter().map(|id| call(id, "t")));
        json!({"role": "assistant", "content": blocks})
    };
    let body = || {
        conversation(json!([
            question(), foreign(&["a"]), results(&["a"]), {"role": "assistant", "content": "Done."},
            question(), foreign(&["b", "c"]), results(&["b", "c"]), foreign(&["d"]), results(&["d"]),
        ]))
    };
    let none = json!(null);
    let sent = send(PRO, body());
    let expected = [vec![none.clone()], vec![none.clone()], vec![json!(SKIP), none.clone()], vec![json!(SKIP)]];
    assert_eq!(signatures(&sent), expected);
    assert!(
        sent.losses.contains(&"messages.content.thinking: missing before a call, which is sent unchecked".to_owned())
    );
    assert!(!send(FLASH_2_5, body()).text.contains(SKIP), "2.5 asks for none");
    assert!(send("a-name-that-tells-nothing", body()).text.contains(SKIP));
}

/// Case 14: "Corrupted thought signature." is what a model says of another one's.
#[test]
fn a_signature_of_another_model_is_not_given_to_this_one() {
    let turn = answer(&json!([signed(function("a"), "c2lnMQ==")]));
    let body = || conversation(json!([question(), turn, results(&["a"])]));
    for model in [PRO, "models/gemini-3-pro-preview", "google/gemini-3-pro-preview"] {
        assert_eq!(signatures(&send(model, body())), [[json!("c2lnMQ==")]], "{model}");
    }
    let sent = send("gemini-3.5-flash", body());
    assert_eq!(signatures(&sent), [[json!(SKIP)]]);
    assert!(sent.losses.contains(&"messages.content.thinking: dropped: another model has signed it".to_owned()));
    assert_eq!(signatures(&send(FLASH_2_5, body())), [[json!(null)]]);
}

/// Case 14: text is signed too. Behind it something follows, or nobody needs it.
#[test]
fn the_signature_of_text_goes_back_on_a_part_of_its_own_before_what_follows() {
    let turn = answer(&json!([signed(json!({"text": "I look."}), "dGV4dA=="), signed(function("a"), "Y2FsbA==")]));
    let sent = send(PRO, conversation(json!([question(), turn, results(&["a"])])));
    assert_eq!(signatures(&sent), [[json!(null), json!("dGV4dA=="), json!("Y2FsbA==")]]);
    assert_eq!(said(&sent)[1].1[1], json!({"text": "", "thoughtSignature": "dGV4dA=="}));
    let last = answer(&json!([{"text": "Done."}, {"text": "", "thoughtSignature": "dGV4dA=="}]));
    assert_eq!(last["content"], json!([text("Done.")]), "the last word of an answer is no thinking");
}

/// Case 14: a client that drops thinking drops the signatures, and its calls are excused.
#[test]
fn a_client_that_drops_thinking_can_go_on() {
    let mut turn = answer(&json!([signed(function("a"), "c2lnMQ==")]));
    turn["content"].as_array_mut().unwrap().retain(|block| block["type"] != "thinking");
    let sent = send(PRO, conversation(json!([question(), turn, results(&["a"])])));
    assert_eq!(signatures(&sent), [[json!(SKIP)]]);
}

/// Cases 10 and 14: nobody else is given them, and damaged ones are nobody's.
#[test]
fn sealed_signatures_stay_between_the_client_and_gemini() {
    let turn = answer(&json!([signed(function("a"), "c2lnMQ==")]));
    let body = conversation(json!([question(), turn, results(&["a"])]));
    let mut losses = Losses::new();
    let anthropic = crate::anthropic::canon::encode_request(
        &request(body.clone()),
        &Capabilities::UNKNOWN,
        "claude-opus-5",
        &mut losses,
    )
    .unwrap();
    assert!(!String::from_utf8_lossy(&anthropic).contains("qcc1"), "Anthropic has not signed it");
    for odd in ["qcc1.gemini.", "qcc1.gemini.Y2FsbA", "qcc1.gemini._-", "qcc1.gemini.%", "qcc1.openai.W10"] {
        let thought = json!({"type": "thinking", "thinking": "", "signature": odd});
        let turn = json!({"role": "assistant", "content": [thought, call("a", "t")]});
        let sent = send(PRO, conversation(json!([question(), turn, results(&["a"])])));
        assert_eq!(signatures(&sent), [[json!(SKIP)]], "{odd}");
    }
}
