//! What becomes of a conversation.

use super::*;

fn input(sent: &Sent) -> Vec<String> {
    let items = sent.body["input"].as_array().unwrap();
    let word = |item: &Value| match item["type"].as_str().unwrap() {
        "message" => {
            let texts = item["content"].as_array().unwrap().iter();
            let texts: Vec<&str> =
                texts.map(|part| part["text"].as_str().unwrap_or_else(|| part["type"].as_str().unwrap())).collect();
            format!("{}: {}", item["role"].as_str().unwrap(), texts.join(" + "))
        }
        "function_call" => format!("call {}", item["call_id"].as_str().unwrap()),
        "function_call_output" => format!("output {} {}", item["call_id"].as_str().unwrap(), item["output"]),
        kind => kind.to_owned(),
    };
    items.iter().map(word).collect()
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "t", "input": {}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn conversation(messages: Value) -> Value {
    json!({"messages": messages})
}

/// Case 1: the operator in mid-conversation.
#[test]
fn the_operator_may_speak_anywhere() {
    let body = json!({"system": [text("A"), text(""), text("B")], "messages": [
        {"role": "user", "content": "Hi"}, {"role": "system", "content": "Be quick."}, {"role": "user", "content": "?"},
    ]});
    let sent = send(body.clone());
    assert_eq!(sent.body["instructions"], "A\n\nB");
    assert_eq!(input(&sent), ["user: Hi", "developer: Be quick.", "user: ?"]);
    let deaf = Capabilities { mid_system: Some(false), ..thinking() };
    let sent = send_to(&deaf, body);
    assert_eq!(input(&sent)[1], "user: <system-reminder>\nBe quick.\n</system-reminder>");
    assert_eq!(sent.losses, ["messages.system: sent as text of the user"]);
}

/// Cases 2, 3 and 4: images stay in the results of parallel calls, and results come right after the calls.
#[test]
fn results_follow_their_calls_with_all_that_they_hold() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}});
    let sent = send(conversation(json!([
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [call("a"), text("Between."), call("b")]},
        {"role": "user", "content": [text("First."), result("b", json!([text("seen"), image]))]},
        {"role": "user", "content": [result("a", json!([text("one"), text("two")])), text("Last.")]},
    ])));
    let list = r#"[{"type":"input_text","text":"seen"},{"type":"input_image","image_url":"data:image/png;base64,aGk=","detail":"auto"}]"#;
    let expected = [
        "user: ?",
        "call a",
        "assistant: Between.",
        "call b",
        &format!("output b {list}"),
        "output a \"one\\n\\ntwo\"",
        "user: First.",
        "user: Last.",
    ];
    assert_eq!(input(&sent), expected);
    assert_eq!(sent.losses, Vec::<String>::new());
}

/// Case 5: failures are said in words, also where there is nothing to say.
#[test]
fn a_failed_call_says_so() {
    let failed = |id: &str, content: Value| {
        let mut result = result(id, content);
        result["is_error"] = json!(true);
        result
    };
    let sent = send(conversation(json!([
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [call("a"), call("b"), call("c")]},
        {"role": "user", "content": [failed("a", json!("no file")), failed("b", json!([])), {"type": "tool_result", "tool_use_id": "c"}]},
    ])));
    let expected =
        ["output a \"Error: no file\"", "output b \"Error: the tool failed and said nothing\"", "output c \"\""];
    assert_eq!(input(&sent)[4..], expected);
}

#[test]
fn a_call_without_a_result_was_interrupted_and_a_result_without_a_call_is_text() {
    let sent = send(conversation(json!([
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [call("a")]},
        {"role": "user", "content": [result("x", json!("late")), text("Go on.")]},
        {"role": "assistant", "content": [call("b")]},
    ])));
    let expected = [
        "user: ?",
        "call a",
        "output a \"Interrupted: there is no result of this call.\"",
        "user: The result of the call x: + late",
        "user: Go on.",
        "call b",
        "output b \"Interrupted: there is no result of this call.\"",
    ];
    assert_eq!(input(&sent), expected);
    assert_eq!(sent.losses.len(), 2);
}

/// Cases 6 and 7: nothing is made of blanks, and a turn of calls alone has no message.
#[test]
fn blanks_are_left_out() {
    let sent = send(conversation(json!([
        {"role": "user", "content": [text(" "), text("?")]},
        {"role": "assistant", "content": [text("\n"), call("a")]},
        {"role": "user", "content": [result("a", json!("1"))]},
        {"role": "user", "content": "  "},
    ])));
    assert_eq!(input(&sent), ["user: ?", "call a", "output a \"1\""]);
    let why = "messages: nothing is left to be sent";
    assert_eq!(unfit(&thinking(), conversation(json!([{"role": "user", "content": " "}]))), why);
}

/// Case 16: ids that are too long or used twice.
#[test]
fn every_call_has_an_id_of_its_own_that_is_taken() {
    let long = "x".repeat(65);
    let turn = |id: &str| {
        [
            json!({"role": "assistant", "content": [call(id)]}),
            json!({"role": "user", "content": [result(id, json!("1"))]}),
        ]
    };
    let messages: Vec<Value> = [turn(&long), turn("a"), turn("a")].into_iter().flatten().collect();
    let sent = send(conversation(Value::Array(messages)));
    let ids: Vec<&str> =
        sent.body["input"].as_array().unwrap().iter().map(|item| item["call_id"].as_str().unwrap()).collect();
    assert!(ids.chunks(2).all(|pair| pair[0] == pair[1]) && ids.iter().all(|id| id.len() <= 64), "{ids:?}");
    assert_eq!((ids[2], ids[4]), ("a", "a_2"));
}

/// Cases 11 and 12: other vendors' thinking is left out, and so is a thought that nothing follows.
#[test]
fn only_thoughts_of_the_vendors_own_go_back_and_never_alone() {
    let sealed = crate::canon::seal(OWNER, br#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E"}"#);
    let thought = |signature: &str| json!({"type": "thinking", "thinking": "Hm.", "signature": signature});
    let broken = crate::canon::seal(OWNER, b"[1");
    let parts = json!([thought("EqQBAnthropic=="), thought(""), thought(&broken), {"type": "redacted_thinking", "data": "d"}, text("A")]);
    let sent = send(conversation(
        json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": parts}, {"role": "user", "content": "!"}]),
    ));
    assert_eq!(input(&sent), ["user: ?", "assistant: A", "user: !"]);
    assert_eq!(sent.losses, ["messages.content.thinking: dropped", "messages.content.redacted_thinking: dropped"]);
    let alone = json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": [text("A"), thought(&sealed)]}, {"role": "user", "content": "!"}]);
    assert_eq!(input(&send(conversation(alone))), ["user: ?", "assistant: A", "user: !"]);
    let kept = json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": [thought(&sealed), text("A")]}, {"role": "user", "content": "!"}]);
    assert_eq!(input(&send(conversation(kept.clone()))), ["user: ?", "reasoning", "assistant: A", "user: !"]);
    let never = Capabilities { thinking: Some(Thinks::Never), ..Capabilities::default() };
    assert_eq!(input(&send_to(&never, conversation(kept))), ["user: ?", "assistant: A", "user: !"]);
}

/// Case 24: a beginning of the answer.
#[test]
fn a_beginning_of_the_answer_is_an_instruction() {
    let begun = |content: Value| {
        conversation(json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": content}]))
    };
    let sent = send(begun(json!("{\"a\":")));
    let expected = "user: Begin your answer right after the following text, without repeating it: + {\"a\":";
    assert_eq!(
        (input(&sent)[1].as_str(), sent.losses),
        (expected, vec!["messages.prefill: sent as an instruction".to_owned()])
    );
    assert_eq!(input(&send(begun(json!("")))), ["user: ?"]);
}

/// Case 28: images and files that the model cannot have.
#[test]
fn images_and_files_are_sent_where_they_are_read() {
    let image =
        |source: Value| conversation(json!([{"role": "user", "content": [{"type": "image", "source": source}]}]));
    let document = |source: Value, title: Value| {
        conversation(
            json!([{"role": "user", "content": [{"type": "document", "source": source, "title": title, "context": "old"}]}]),
        )
    };
    let content = |sent: &Sent| sent.body["input"][0]["content"].clone();
    let url = json!({"type": "url", "url": "https://example.org/a"});
    assert_eq!(content(&send(image(url.clone())))[0]["image_url"], "https://example.org/a");
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="});
    let expected = json!([
        {"type": "input_text", "text": "Document: old"},
        {"type": "input_file", "filename": "A.pdf", "file_data": "data:application/pdf;base64,aGk="},
    ]);
    assert_eq!(content(&send(document(pdf.clone(), json!("A")))), expected);
    assert_eq!(
        content(&send(document(url, Value::Null)))[1],
        json!({"type": "input_file", "file_url": "https://example.org/a"})
    );
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "words"});
    assert_eq!(content(&send(document(plain, json!("A"))))[0]["text"], "Document: A\nold");
    let blind = Capabilities { images: Some(false), documents: Some(false), ..thinking() };
    let file = json!({"type": "file", "file_id": "file_1"});
    let why = "messages.content.image: the file is in an account of another provider";
    assert_eq!(unfit(&thinking(), image(file)), why);
    let png = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    assert_eq!(unfit(&blind, image(png)), "messages.content.image: the model reads no images");
    assert_eq!(unfit(&blind, document(pdf, Value::Null)), "messages.content.document: the model reads no files");
}

/// Cases 9, 30 and 31: blocks and marks that only Anthropic knows.
#[test]
fn what_only_anthropic_knows_is_told_as_text_or_lost() {
    let sent = send(json!({
        "system": [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": [{"type": "search_result", "source": "s", "title": "T", "content": [text("found")]}]},
            {"role": "assistant", "content": [
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "title": "R"}]},
                text("So."),
            ]},
            {"role": "user", "content": "?"},
        ],
    }));
    let expected = [
        "user: T\ns\n\nfound",
        "assistant: [Called web_search with {\"query\":\"q\"}.] + [web_search_tool_result:\nR] + So.",
        "user: ?",
    ];
    assert_eq!(input(&sent), expected);
    assert!(sent.losses.contains(&"cache_control: left to the provider".to_owned()), "{:?}", sent.losses);
}
