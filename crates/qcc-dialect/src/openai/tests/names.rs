//! Names of tools and ids of calls that a provider would refuse.

use super::*;
use crate::canon::sent_id;
use crate::openai::traits::ToolIds;

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

/// Case 15: long names, dots, slashes and other scripts, everywhere alike and restored in the answer.
#[test]
fn a_tool_is_renamed_alike_in_definition_choice_and_conversation_and_back() {
    let long = format!("mcp__server__{}", "x".repeat(80));
    for name in [long.as_str(), "fs.read", "a/b", "工具", "with space"] {
        let sent = plain(json!({
            "tools": [tool(name), tool("plain")],
            "tool_choice": {"type": "tool", "name": name},
            "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": [call("a", name)]}],
        }));
        let renamed = sent.body["tools"][0]["function"]["name"].as_str().unwrap();
        assert!(
            renamed.len() <= 64 && renamed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{renamed}"
        );
        assert_eq!(sent.body["tool_choice"]["function"]["name"], renamed);
        assert_eq!(sent.body["messages"][1]["tool_calls"][0]["function"]["name"], renamed);
        assert_eq!((sent.names.original(renamed), sent.names.original("plain")), (name, "plain"));
        let stream = format!(
            "data: {}\n\ndata: {}\n\n",
            delta(json!({"tool_calls": [{"index": 0, "id": "b", "function": {"name": renamed, "arguments": "{}"}}]})),
            finish("tool_calls")
        );
        let events = events_of(&speech(Vendor::Unknown.traits(), &sent.names), [stream.as_bytes()]);
        assert_eq!(words(&events)[1], format!("{name}#b:{{}}."));
    }
}

/// Case 15: names that differ only after the cut, and a legal name that a renamed one could meet.
#[test]
fn renamed_tools_never_meet() {
    let long = |end: &str| format!("{}{end}", "x".repeat(64));
    let first = plain(json!({"tools": [tool(&long("a"))]})).body["tools"][0]["function"]["name"].clone();
    let taken = first.as_str().unwrap();
    let sent = plain(json!({"tools": [tool(&long("a")), tool(&long("b")), tool(taken)]}));
    let mut names: Vec<&str> =
        sent.body["tools"].as_array().unwrap().iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect();
    assert_eq!(names[2], taken, "a legal name stays");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3);
    assert_eq!(sent.names.original(taken), taken);
}

/// Case 16: foreign ids in the forms that vendors want, the same in call and result and in every request.
#[test]
fn ids_fit_the_provider_and_stay_the_same() {
    let long = "t".repeat(50);
    for id in ["toolu_01ABC", "call_x|fc_y", "functions.bash:0", "abcDEF123", long.as_str()] {
        let body = conversation(json!([
            {"role": "assistant", "content": [call(id, "t")]},
            {"role": "user", "content": [result(id, "1")]},
        ]));
        let ids = |vendor| {
            let sent = send(vendor, "m", body.clone());
            let called = sent.body["messages"][0]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
            assert_eq!(sent.body["messages"][1]["tool_call_id"], called.as_str());
            called
        };
        let nine = ids(Vendor::Mistral);
        assert!(nine.len() == 9 && nine.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{nine}");
        assert_eq!(ids(Vendor::Mistral), nine);
        assert!(ids(Vendor::OpenAi).len() <= 40);
        assert_eq!(ids(Vendor::Kimi), id, "what it named itself it gets back");
    }
    assert_eq!(sent_id("abcDEF123", ToolIds::NineLetters), "abcDEF123");
}

/// Case 16: the same id in two turns of the conversation.
#[test]
fn a_call_that_is_named_as_an_earlier_one_gets_its_own_id() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("functions.bash:0", "bash")]},
        {"role": "user", "content": [result("functions.bash:0", "one")]},
        {"role": "assistant", "content": [call("functions.bash:0", "bash")]},
        {"role": "user", "content": [result("functions.bash:0", "two")]},
    ])));
    let messages = &sent.body["messages"];
    let ids = [0, 2].map(|at| messages[at]["tool_calls"][0]["id"].as_str().unwrap());
    assert_ne!(ids[0], ids[1]);
    assert_eq!([&messages[1]["tool_call_id"], &messages[3]["tool_call_id"]], ids);
}

/// Case 16: an answer that uses an old id again, and one that has none.
#[test]
fn new_calls_have_ids_that_the_conversation_has_not() {
    let sent = plain(conversation(json!([{"role": "assistant", "content": [call("functions.bash:0", "bash")]}])));
    let calls = json!([
        {"index": 0, "id": "functions.bash:0", "function": {"name": "bash", "arguments": "{}"}},
        {"index": 1, "id": "", "function": {"name": "bash", "arguments": "{}"}},
        {"index": 2, "function": {"name": "bash", "arguments": "{}"}},
    ]);
    let stream = format!("data: {}\n\ndata: {}\n\n", delta(json!({"tool_calls": calls})), finish("stop"));
    let events = events_of(&speech(Vendor::Unknown.traits(), &sent.names), [stream.as_bytes()]);
    let words = words(&events);
    assert_eq!(words[1..4], ["bash#functions.bash:0_1:{}.", "bash#call_2:{}.", "bash#call_3:{}."]);
}
