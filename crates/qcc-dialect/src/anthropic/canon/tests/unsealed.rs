//! Thinking of ours is taken out of a request that goes to Anthropic, and nothing else of it changes.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::canon::UNSIGNED;
use crate::scan::scan;
use crate::translate::{Dialect, Tongue};

/// A block of thinking under a signature of ours.
const OURS: &str = r#"{"type":"thinking","thinking":"Hm.","signature":"qcc1.openai.W10"}"#;
const CALL: &str = r#"{"type":"tool_use","id":"t","name":"n","input":{"a": 1.0}}"#;
const SIGNED: &str = r#"{ "type": "thinking", "thinking": "So.", "signature": "EqQB" }"#;

/// The body without thinking of ours, and the losses.
fn unsealed(body: &str) -> Option<(String, Vec<String>)> {
    let (out, losses) = without_sealed(&Bytes::copy_from_slice(body.as_bytes()))?;
    Some((String::from_utf8(out.to_vec()).unwrap(), losses.iter().map(ToString::to_string).collect()))
}

/// The lists of an answer's blocks, before and after.
fn content(before: &str) -> String {
    let body =
        |blocks: &str| format!(r#"{{"messages":[{{"role":"assistant","content":{blocks}}},{{"role":"user"}}]}}"#);
    let (after, _) = unsealed(&body(before)).unwrap();
    let (start, end) = body("|").split_once('|').map(|(start, end)| (start.len(), end.len())).unwrap();
    assert_eq!(after, body(&after[start..after.len() - end]));
    after[start..after.len() - end].to_owned()
}

/// Case 11: between equal dialects too, what we have put in is taken out, and not a byte beside it changes.
#[test]
fn blocks_of_ours_are_cut_out_with_one_comma_each() {
    let redacted = r#"{"type":"redacted_thinking","data":"qcc1.responses.x"}"#;
    let unsigned = format!(r#"{{"signature":"{UNSIGNED}","thinking":"","type":"thinking"}}"#);
    let table = [
        (format!("[ {OURS} , {redacted}, {CALL} ]"), format!("[ {CALL} ]")),
        (format!("[{OURS} ,\n {CALL}]"), format!("[{CALL}]")),
        (format!("[{SIGNED} , {OURS}]"), format!("[{SIGNED}]")),
        (format!("[{SIGNED},{OURS}, {unsigned} , {CALL}]"), format!("[{SIGNED} , {CALL}]")),
        (format!("[{unsigned},{OURS},{CALL},{redacted},{SIGNED}]"), format!("[{CALL},{SIGNED}]")),
    ];
    for (before, after) in table {
        assert_eq!(content(&before), after, "{before}");
    }
}

/// Case 11: Anthropic refuses a message in which nothing is left.
#[test]
fn a_message_that_was_only_thinking_of_ours_goes_as_a_whole() {
    let ours = format!(r#"{{"role":"assistant","content":[{OURS},{OURS}]}}"#);
    let (user, said) = (r#"{"role":"user","content":"x"}"#, r#"{"role":"assistant","content":[]}"#);
    let table = [
        (format!("[{user}, {ours},{user}]"), format!("[{user},{user}]")),
        (format!("[{user},{ours} ]"), format!("[{user} ]")),
        (format!("[{ours} , {user},{said}]"), format!("[{user},{said}]")),
        (format!("[{ours}]"), "[]".to_owned()),
    ];
    for (before, after) in table {
        let (got, _) = unsealed(&format!(r#"{{"messages":{before}}}"#)).unwrap();
        assert_eq!(got, format!(r#"{{"messages":{after}}}"#));
    }
}

/// Case 11: what a provider of this dialect has signed, or left unsigned, is the client's own, wherever our mark is named.
#[test]
fn a_request_without_thinking_of_ours_is_left_alone() {
    let message = |role: &str, content: &str| format!(r#"{{"messages":[{{"role":"{role}","content":{content}}}]}}"#);
    for body in [
        message("assistant", &format!("[{SIGNED}]")),
        message("assistant", r#"[{"type":"thinking","thinking":"Hm.","signature":""}]"#),
        message(
            "assistant",
            r#"[{"type":"text","text":"qcc1."},{"type":"text","text":"\"qcc1.","signature":"qcc1.x"}]"#,
        ),
        message("assistant", r#""qcc1.openai.W10""#),
        message("user", &format!("[{OURS}]")),
        format!(r#"{{"messages":[],"metadata":{OURS}}}"#),
        // Not what a request looks like: it is for the provider to say so.
        format!("[{OURS}]"),
        message("assistant", &format!("[{OURS}")),
        message("assistant", &format!("[7,{OURS}]")),
    ] {
        assert_eq!(unsealed(&body), None, "{body}");
    }
}

/// Case 11: without what the model thought before its last calls, Anthropic refuses to think on a budget, and to clear
/// thoughts where none are had.
#[test]
fn thinking_on_a_budget_is_switched_off_where_the_thought_before_the_last_calls_is_gone() {
    const DROPPED: &str = "messages.thinking: dropped: it is not signed by Anthropic";
    let body = |thinking: &str, edits: &str, blocks: &str| {
        format!(
            r#"{{"thinking": {thinking} ,"context_management":{{"edits":{edits}}},"messages":[
            {{"role":"assistant","content":[{OURS},{{}}]}},{{"role":"user","content":"x"}},{{"role":"assistant","content":{blocks}}}]}}"#
        )
    };
    let gone = |body: String| body.replace(OURS, "").replace("[,", "[");
    let (budget, off) = (r#"{"type":"enabled","budget_tokens":2000}"#, r#"{"type":"disabled"}"#);
    let (clear, tools) =
        (r#"{"type":"clear_thinking_20251015","keep":"all"}"#, r#"{"type":"clear_tool_uses_20250919"}"#);
    let off_losses = [
        DROPPED,
        "thinking: dropped: what the model thought before its last calls is not there",
        "context_management.edits: clear_thinking dropped, for it needs thinking",
    ];
    for blocks in [format!("[{OURS},{CALL}]"), format!("[{CALL},{SIGNED}]"), format!(r#"[{{"type":"text"}},{CALL}]"#)] {
        let (after, losses) = unsealed(&body(budget, &format!("[{clear}, {tools}]"), &blocks)).unwrap();
        assert_eq!(after, gone(body(off, &format!("[{tools}]"), &blocks)));
        assert_eq!(losses, off_losses);
        let (after, losses) = unsealed(&body(budget, "[]", &blocks)).unwrap();
        assert_eq!((after, losses.len()), (gone(body(off, "[]", &blocks)), 2));
    }
    for (thinking, blocks) in [
        (budget, format!("[{SIGNED},{CALL}]")),
        (budget, format!(r#"[{OURS},{{"type":"text"}}]"#)),
        (budget, "\"Done.\"".to_owned()),
        (r#"{"type":"adaptive"}"#, format!("[{CALL}]")),
        (off, format!("[{CALL}]")),
        ("null", format!("[{CALL}]")),
    ] {
        let (after, losses) = unsealed(&body(thinking, &format!("[{clear}]"), &blocks)).unwrap();
        assert_eq!(after, gone(body(thinking, &format!("[{clear}]"), &blocks)));
        assert_eq!(losses, [DROPPED]);
    }
}

/// Case 11: what the encoder writes for thinking that nobody has signed is known again when the client gives it back.
#[test]
fn unsigned_thinking_of_ours_is_known_when_it_comes_back() {
    let thinking = Event::Delta(Delta::Thinking("Hm.".to_owned()));
    let written = stream(&[start(), Event::Open(Block::Thinking), thinking, Event::Close]);
    let signature = data(&written).iter().find_map(|data| data["delta"]["signature"].as_str().map(str::to_owned));
    let block = json!({"type": "thinking", "thinking": "Hm.", "signature": signature.unwrap()});
    let body = conversation(&json!([{"role": "assistant", "content": [block]}])).to_string();
    let (after, _) = unsealed(&body).unwrap();
    assert_eq!(unsealed(&after), None);
}

/// Case 10: who signs nothing wants its conversation whole, thinking included.
#[test]
fn only_those_who_sign_thinking_get_the_request_without_ours() {
    let body = Bytes::from(format!(r#"{{"messages":[{{"role":"assistant","content":[{OURS}]}}]}}"#));
    let table = [
        (Dialect::Anthropic, "https://api.anthropic.com", true),
        (Dialect::Anthropic, "https://relay.example/api", true),
        (Dialect::Anthropic, "https://api.deepseek.com/anthropic", false),
        (Dialect::Anthropic, "https://api.moonshot.ai/anthropic", false),
        (Dialect::OpenAi, "https://api.openai.com", false),
    ];
    for (dialect, base, changed) in table {
        assert_eq!(Tongue::new(dialect, base).restored(&body).is_some(), changed, "{base}");
    }
}

fn block() -> impl Strategy<Value = Value> {
    let signature = prop::sample::select(vec!["EqQB", "", "qcc1.openai.W10", UNSIGNED, "qcc1"]);
    prop_oneof![
        signature.prop_map(|signature| json!({"type": "thinking", "thinking": "\"qcc1.", "signature": signature})),
        Just(json!({"type": "redacted_thinking", "data": "qcc1.responses.x"})),
        Just(json!({"type": "text", "text": "[,]{}"})),
        Just(serde_json::from_str(CALL).unwrap()),
    ]
}

proptest! {
    #[test]
    fn the_rest_is_what_it_was(
        turns in vec((prop::sample::select(vec!["user", "assistant"]), vec(block(), 0..4)), 0..5),
        budget in any::<bool>(),
        pretty in any::<bool>(),
    ) {
        let messages: Vec<Value> =
            turns.iter().map(|(role, blocks)| json!({"role": role, "content": blocks})).collect();
        let mut body = json!({"model": "m", "messages": messages, "max_tokens": 9});
        if budget {
            body["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
        }
        let text = if pretty { format!("{body:#}") } else { body.to_string() };
        let ours = |block: &Value| {
            let words = if block["type"] == "redacted_thinking" { &block["data"] } else { &block["signature"] };
            words.as_str().is_some_and(|text| text.starts_with("qcc1."))
        };
        let mut any = false;
        body["messages"].as_array_mut().unwrap().retain_mut(|message| {
            let is_answer = message["role"] == "assistant";
            let blocks = message["content"].as_array_mut().unwrap();
            if !is_answer || !blocks.iter().any(ours) {
                return true;
            }
            any = true;
            blocks.retain(|block| !ours(block));
            !blocks.is_empty()
        });
        let after = unsealed(&text);
        prop_assert_eq!(after.is_some(), any);
        let Some((after, losses)) = after else { return Ok(()) };
        scan(after.as_bytes()).unwrap();
        let mut back: Value = serde_json::from_str(&after).unwrap();
        if losses.len() == 2 {
            prop_assert_eq!(&back["thinking"], &json!({"type": "disabled"}));
            back["thinking"] = body["thinking"].clone();
        }
        prop_assert_eq!(back, body);
    }

    #[test]
    fn no_bytes_make_it_panic(at in 0_usize..400, byte in any::<u8>()) {
        let mut body = format!(r#"{{"messages":[{{"role":"assistant","content":[{OURS},{CALL}]}}],"thinking":{{"type":"enabled"}}}}"#).into_bytes();
        let at = at % body.len();
        body[at] = byte;
        if let Some((after, _)) = without_sealed(&body.clone().into()) {
            prop_assert_eq!(scan(&after).is_ok(), scan(&body).is_ok());
        }
    }
}
