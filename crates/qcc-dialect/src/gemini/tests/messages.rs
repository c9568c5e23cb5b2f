//! Conversations: who speaks when, and what of it is carried.

use super::*;
use crate::anthropic::canon::decode_request;

const FOLDED: &str = "messages.system: sent as text of the user";

/// Case 1: the operator at the beginning is the system's instruction, later he is folded into what the user says.
#[test]
fn the_operator_is_heard_at_the_beginning_and_folded_later() {
    let sent = send(
        PRO,
        json!({"system": [text("One."), text(" "), text("Two.")], "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": "Go"},
        ]}),
    );
    assert_eq!(sent.body["systemInstruction"], json!({"parts": [{"text": "One."}, {"text": "Two."}]}));
    let first = json!([{"text": "Hi"}, {"text": "<system-reminder>\nBe brief.\n</system-reminder>"}]);
    assert_eq!(said(&sent)[0], ("user".to_owned(), first));
    assert_eq!(sent.losses, [FOLDED]);
}

/// Cases 3 and 4: text before and between results, results in several messages: all results first, in the order of the
/// calls.
#[test]
fn results_come_first_and_in_the_order_of_their_calls() {
    let sent = send(
        PRO,
        conversation(json!([
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": [call("a", "t"), call("b", "u"), call("c", "t")]},
            {"role": "user", "content": [text("before"), result("b", "2"), text("between"), result("a", "1")]},
            {"role": "user", "content": [result("c", "3"), text("after")]},
        ])),
    );
    let parts = said(&sent)[2].1.as_array().unwrap().clone();
    let answered = |id: &str, name: &str, output: &str| json!({"functionResponse": {"id": id, "name": name, "response": {"output": output}}});
    assert_eq!(
        parts,
        [
            answered("a", "t", "1"),
            answered("b", "u", "2"),
            answered("c", "t", "3"),
            json!({"text": "before"}),
            json!({"text": "between"}),
            json!({"text": "after"}),
        ]
    );
}

/// Case 5: failed calls, also those that say nothing.
#[test]
fn a_failed_call_is_told_as_an_error() {
    let failed = |content: Value| {
        let mut block = json!({"type": "tool_result", "tool_use_id": "a", "is_error": true});
        if !content.is_null() {
            block["content"] = content;
        }
        let sent = send(
            PRO,
            conversation(json!([
                {"role": "assistant", "content": [call("a", "t")]},
                {"role": "user", "content": [block]},
            ])),
        );
        said(&sent)[2].1[0]["functionResponse"]["response"].clone()
    };
    assert_eq!(failed(json!("no such file")), json!({"error": "no such file"}));
    for nothing in [Value::Null, json!(""), json!([])] {
        assert_eq!(failed(nothing), json!({"error": "the tool failed and said nothing"}));
    }
}

#[test]
fn calls_without_results_get_one_and_results_without_calls_are_text() {
    let sent = send(
        PRO,
        conversation(json!([
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": [call("a", "t")]},
            {"role": "user", "content": [result("z", "lost")]},
            {"role": "assistant", "content": [call("b", "t")]},
        ])),
    );
    let said = said(&sent);
    let interrupted = json!({"error": "Interrupted: there is no result of this call."});
    assert_eq!(said[2].1[0]["functionResponse"]["response"], interrupted);
    assert_eq!(said[2].1[1], json!({"text": "The result of the call z:"}));
    assert_eq!(said[2].1[2], json!({"text": "lost"}));
    assert_eq!((said.len(), &said[4].1[0]["functionResponse"]["id"]), (5, &json!("b")));
    assert!(sent.losses.contains(&"messages.content.tool_result: made up where one was missing".to_owned()));
}

/// Case 6: empty texts and turns of white space.
#[test]
fn nothing_is_no_part_and_no_turn() {
    let sent = send(
        PRO,
        conversation(json!([
            {"role": "user", "content": [text(""), text("Hi")]},
            {"role": "assistant", "content": [text(" \n")]},
            {"role": "user", "content": "Again"},
        ])),
    );
    assert_eq!(said(&sent), [("user".to_owned(), json!([{"text": "Hi"}, {"text": "Again"}]))]);
    let empty = unfit(&Capabilities::default(), PRO, conversation(json!([{"role": "user", "content": " "}])));
    assert_eq!(empty, "messages: nothing is said in them");
}

#[test]
fn a_conversation_begins_with_the_user_and_turns_of_one_speaker_are_one() {
    let sent = send(
        PRO,
        conversation(json!([
            {"role": "assistant", "content": "A"},
            {"role": "assistant", "content": "B"},
            {"role": "user", "content": "C"},
        ])),
    );
    let roles: Vec<String> = said(&sent).into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "model", "user"]);
    assert_eq!(said(&sent)[1].1, json!([{"text": "A"}, {"text": "B"}]));
    assert_eq!(sent.losses, ["messages: a turn of the user made up before the model's first"]);
}

/// Case 24: a beginning of the answer that the client has written.
#[test]
fn a_beginning_of_the_answer_is_told_as_an_instruction_unless_the_model_goes_on() {
    let body = || conversation(json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": "It is"}]));
    let sent = send(PRO, body());
    assert_eq!(said(&sent).len(), 1);
    assert_eq!(said(&sent)[0].1[2], json!({"text": "It is"}));
    assert_eq!(sent.losses, ["messages.prefill: sent as an instruction"]);
    let known = Capabilities { prefill: Some(true), ..Capabilities::default() };
    let sent = try_send(&known, PRO, body()).unwrap();
    assert_eq!((said(&sent)[1].0.as_str(), sent.losses.len()), ("model", 0));
    let empty =
        send(PRO, conversation(json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": []}])));
    assert_eq!((said(&empty).len(), empty.losses.len()), (1, 0));
}

/// Case 16: the same id in two turns, foreign ids, long ones.
#[test]
fn ids_are_kept_but_never_used_twice() {
    let long = "t".repeat(200);
    let turns = |id: &str| {
        conversation(json!([
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": [call(id, "t")]},
            {"role": "user", "content": [result(id, "one")]},
            {"role": "assistant", "content": [call(id, "t")]},
            {"role": "user", "content": [result(id, "two")]},
        ]))
    };
    for id in ["call_x|fc_y", "functions.bash:0", long.as_str()] {
        let said = said(&send(PRO, turns(id)));
        let called = [1, 3].map(|at| said[at].1[0]["functionCall"]["id"].as_str().unwrap().to_owned());
        let answered = [2, 4].map(|at| said[at].1[0]["functionResponse"]["id"].as_str().unwrap().to_owned());
        assert_eq!(called, answered);
        assert_ne!(called[0], called[1]);
        assert_eq!(called[0] == id, id.len() < 128);
    }
}

/// Case 9: blocks of tools that Anthropic ran, in a conversation that goes on here.
#[test]
fn what_only_anthropic_knows_is_told_as_text() {
    let used = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "title": "T", "url": "https://a.example", "encrypted_content": "x"}]});
    let sent = send(
        PRO,
        conversation(
            json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": [call("a", "t"), used, found]}, {"role": "user", "content": [result("a", "1")]}]),
        ),
    );
    let parts = &said(&sent)[1].1;
    assert_eq!(parts[1], json!({"text": "[Called web_search with {\"query\":\"q\"}.]"}));
    assert!(parts[2]["text"].as_str().unwrap().contains("https://a.example"));
    assert!(sent.losses.contains(&"messages.content.server_tool_use: sent as text".to_owned()));
}

/// Cases 18 and 19: order, numbers and escapes in the input of a call.
#[test]
fn the_input_of_a_call_is_the_text_that_it_was() {
    let input = r#"{"b":1.0,"a":1e3,"big":18446744073709551616,"half":"\ud83d"}"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"a","name":"t","input":{input}}}]}}]}}"#
    );
    let request = decode_request(body.as_bytes()).unwrap();
    let encoded = encode_request(&request, &Capabilities::default(), PRO, &mut Losses::new()).unwrap();
    assert!(String::from_utf8(encoded.body.to_vec()).unwrap().contains(&format!(r#""args":{input}"#)));
}
