//! The order of messages and what stands in them.

use super::*;

/// Case 1: messages of the operator at the beginning are the system prompt; Anthropic refuses them there.
#[test]
fn the_operators_first_messages_are_the_system_prompt() {
    let request = asking(vec![turn(Role::System, vec![text("a")]), turn(Role::System, vec![text("b")]), user("c")]);
    let (body, losses) = encode(&request, "claude-opus-5");
    assert_eq!(body["system"], json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]));
    assert_eq!((shape(&body), losses), (vec!["user: text".to_owned()], vec![]));
}

/// Case 1: the operator speaks in mid conversation where the model hears and the place is right.
#[test]
fn the_operator_speaks_in_mid_conversation_where_the_model_hears_and_the_place_is_right() {
    let operator = || turn(Role::System, vec![text("now")]);
    let answer = || turn(Role::Assistant, vec![text("ok")]);
    let calling = || turn(Role::Assistant, vec![call("a", "x", "{}")]);
    let folded = ["messages.system: sent as the user's text"];
    type Case<'a> = (&'a str, Vec<Turn>, &'a [&'a str], &'a [&'a str]);
    let table: [Case<'_>; 5] = [
        ("claude-opus-5", vec![user("q"), operator()], &["user: text", "system: text"], &[]),
        (
            "claude-opus-5",
            vec![user("q"), operator(), operator(), answer(), user("r")],
            &["user: text", "system: text text", "assistant: text", "user: text"],
            &[],
        ),
        (
            "claude-opus-5",
            vec![user("q"), answer(), operator()],
            &["user: text", "assistant: text", "user: text"],
            &folded,
        ),
        (
            "claude-opus-5",
            vec![user("q"), calling(), operator(), turn(Role::User, vec![result("a", vec![])])],
            &["user: text", "assistant: tool_use", "user: tool_result text"],
            &folded,
        ),
        ("claude-opus-4-6", vec![user("q"), operator()], &["user: text text"], &folded),
    ];
    for (model, turns, expected, lost) in table {
        let (body, losses) = encode(&asking(turns), model);
        assert_eq!(
            (shape(&body), losses),
            (expected.iter().map(ToString::to_string).collect(), lost.iter().map(ToString::to_string).collect())
        );
    }
}

/// Cases 2, 3 and 4: results stand first in the one message after their calls.
#[test]
fn results_stand_first_in_the_one_message_after_their_calls() {
    let image = Part::Image(Image {
        source: Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() },
        detail: None,
        cache: None,
    });
    let request = asking(vec![
        user("q"),
        turn(Role::Assistant, vec![text("so"), call("a", "x", "{}"), call("b", "x", "{}")]),
        turn(Role::User, vec![text("before"), result("b", vec![image])]),
        turn(Role::User, vec![result("a", vec![text("1")]), text("after")]),
    ]);
    let (body, losses) = encode(&request, "claude-opus-5");
    let expected = ["user: text", "assistant: text tool_use tool_use", "user: tool_result tool_result text text"];
    assert_eq!((shape(&body), losses), (expected.map(str::to_owned).to_vec(), vec![]));
    let content = &body["messages"][2]["content"];
    assert_eq!((&content[0]["tool_use_id"], &content[0]["content"][0]["type"]), (&json!("b"), &json!("image")));
    assert_eq!((&content[1]["tool_use_id"], &content[2]["text"]), (&json!("a"), &json!("before")));
}

/// Cases 3 and 9: every call has one result and every result a call.
#[test]
fn every_call_has_one_result_and_every_result_a_call() {
    let request = asking(vec![
        user("q"),
        turn(Role::Assistant, vec![call("a", "x", "{}"), call("b", "x", "{}")]),
        turn(Role::User, vec![result("a", vec![text("1")]), result("zz", vec![text("lost"), text("")])]),
        turn(Role::Assistant, vec![call("c", "x", "{}")]),
    ]);
    let (body, losses) = encode(&request, "claude-opus-5");
    let expected = [
        "user: text",
        "assistant: tool_use tool_use",
        "user: tool_result tool_result text",
        "assistant: tool_use",
        "user: tool_result",
    ];
    assert_eq!(shape(&body), expected);
    assert_eq!(body["messages"][2]["content"][1]["tool_use_id"], "b");
    assert_eq!(body["messages"][2]["content"][1]["is_error"], true);
    let noted = [
        "messages: a result without a call before it: sent as the user's text",
        "messages: a call without a result: sent as interrupted",
    ];
    assert_eq!(losses, noted);
}

/// Case 5: a failed call may have nothing to say.
#[test]
fn a_failed_call_may_have_nothing_to_say() {
    let failed = ToolResult { id: "a".to_owned(), parts: vec![text("")], is_error: true, cache: None };
    let request = asking(vec![
        user("q"),
        turn(Role::Assistant, vec![call("a", "x", "{}")]),
        turn(Role::User, vec![Part::ToolResult(failed)]),
    ]);
    let (body, _) = encode(&request, "claude-opus-5");
    let result = &body["messages"][2]["content"][0];
    assert_eq!((&result["content"], &result["is_error"]), (&json!([]), &json!(true)));
}

/// Cases 6, 7 and 8: empty texts and blank messages are left out.
#[test]
fn empty_texts_and_blank_messages_are_left_out() {
    let marked = Part::Text(Text { text: String::new(), cache: Some(Cache::Short) });
    let request = Request {
        system: vec![Text { text: " ".to_owned(), cache: None }],
        ..asking(vec![
            user("q"),
            turn(Role::Assistant, vec![text(""), call("a", "x", "{}")]),
            turn(Role::User, vec![result("a", vec![]), marked]),
            turn(Role::Assistant, vec![]),
            user(" \n"),
            turn(Role::Assistant, vec![text("ok")]),
            user("r"),
            turn(Role::Assistant, vec![text("\n\n"), call("b", "x", "{}")]),
            turn(Role::User, vec![result("b", vec![text(" ")])]),
            turn(Role::Assistant, vec![text(" ")]),
            user("s"),
        ])
    };
    let (body, losses) = encode(&request, "claude-opus-5");
    let expected = [
        "user: text",
        "assistant: tool_use",
        "user: tool_result",
        "assistant: text",
        "user: text",
        "assistant: tool_use",
        "user: tool_result text",
    ];
    assert_eq!((shape(&body), body.get("system")), (expected.map(str::to_owned).to_vec(), None));
    assert_eq!(losses, ["system: empty texts dropped"]);
}

/// Cases 10, 11 and 12: only what Anthropic signed comes back to it and in its order.
#[test]
fn only_what_anthropic_signed_comes_back_to_it_and_in_its_order() {
    let thought = |signature: Option<&str>| {
        Part::Thinking(Thought { text: "hm".to_owned(), signature: signature.map(str::to_owned) })
    };
    let request = asking(vec![
        user("q"),
        turn(
            Role::Assistant,
            vec![
                thought(Some("EqQB")),
                Part::Redacted("sealed".to_owned()),
                thought(None),
                thought(Some("")),
                text("a"),
            ],
        ),
        user("r"),
    ]);
    let (body, losses) = encode(&request, "claude-opus-5");
    assert_eq!(shape(&body)[1], "assistant: thinking redacted_thinking text");
    assert_eq!(body["messages"][1]["content"][0]["signature"], "EqQB");
    assert_eq!(losses, ["messages.thinking: dropped: it is not signed by Anthropic"]);
}

/// Case 16: calls have legal names of their own and results follow them.
#[test]
fn calls_have_legal_names_of_their_own_and_results_follow_them() {
    let again =
        |id: &str| [turn(Role::Assistant, vec![call(id, "x", "{}")]), turn(Role::User, vec![result(id, vec![])])];
    let mut turns = vec![user("q")];
    turns.extend(again("functions.bash:0"));
    turns.extend(again("call_0"));
    turns.extend(again("call_0"));
    turns.push(turn(Role::Assistant, vec![call("t", "x", "{}"), call("t", "x", "{}")]));
    turns.push(turn(Role::User, vec![result("t", vec![text("1")]), result("t", vec![text("2")])]));
    let (body, losses) = encode(&asking(turns), "claude-opus-5");
    let ids = |member: &str| -> Vec<String> {
        let blocks =
            body["messages"].as_array().unwrap().iter().flat_map(|message| message["content"].as_array().unwrap());
        blocks.filter_map(|block| block[member].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(ids("id"), ["qcc-functions-2ebash-3a0", "call_0", "call_0_2", "t", "t_2"]);
    assert_eq!((ids("tool_use_id"), losses), (ids("id"), vec![]));
}

/// Case 9: what only another vendor runs is told as what it was.
#[test]
fn blocks_of_another_vendor_are_told_as_text() {
    let other = |kind: &str, block: &str| Part::Other { kind: kind.to_owned(), raw: raw(block) };
    let search =
        r#"{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"rust"}}"#;
    let request = asking(vec![
        user("q"),
        turn(Role::Assistant, vec![other("web_search_call", search), text("Found.")]),
        turn(Role::Assistant, vec![other("ghost_snapshot", "{}")]),
        user("r"),
    ]);
    let (body, losses) = encode(&request, "claude-opus-5");
    assert_eq!(body["messages"][1]["content"][0]["text"], "[web_search_call:\nrust]");
    assert_eq!(shape(&body), ["user: text", "assistant: text text", "user: text"]);
    assert_eq!(losses, ["messages.content.web_search_call: sent as text", "messages.content.ghost_snapshot: dropped"]);
}

/// Case 15: models call tools that there are not, by names that Anthropic refuses in the conversation too.
#[test]
fn a_name_that_a_model_has_made_up_is_written_in_legal_letters() {
    let called = |name: &str| {
        let calls = turn(Role::Assistant, vec![call("a", name, "{}")]);
        let (body, _) =
            encode(&asking(vec![user("q"), calls, turn(Role::User, vec![result("a", vec![])])]), "claude-opus-5");
        body["messages"][1]["content"][0]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(called("mcp__a-b"), "mcp__a-b");
    assert!(called("functions.t").starts_with("functions_t_"), "{}", called("functions.t"));
    assert_ne!(called("functions.t"), called("functions t"));
}

/// Case 24: words to go on with are sent only to models that do.
#[test]
fn words_to_go_on_with_are_sent_only_to_models_that_do() {
    let begun = |words: &str| asking(vec![user("q"), turn(Role::Assistant, vec![text(words), text(" ")])]);
    let (body, losses) = encode(&begun("The answer is \n"), "claude-opus-4-5");
    assert_eq!(body["messages"][1]["content"], json!([{"type": "text", "text": "The answer is"}]));
    assert_eq!(losses, [""; 0]);
    let (body, losses) = encode(&begun("The answer is"), "claude-opus-4-6");
    assert_eq!(shape(&body), ["user: text", "assistant: text", "user: text"]);
    assert_eq!(losses, ["messages: the model does not go on with its own words: asked to continue"]);
    let (body, losses) = encode(&begun(""), "claude-opus-4-5");
    assert_eq!(
        (shape(&body), losses),
        (vec!["user: text".to_owned()], vec!["messages: an empty answer at the end: dropped".to_owned()])
    );
}

/// Case 28: images and documents are sent or keep the request away.
#[test]
fn images_and_documents_are_sent_or_keep_the_request_away() {
    let with = |part| {
        try_encode(&asking(vec![turn(Role::User, vec![part])]), "claude-opus-5")
            .map(|(body, _)| body["messages"][0]["content"][0].clone())
    };
    let image = |source| Part::Image(Image { source, detail: None, cache: None });
    let document =
        |source| Part::Document(Document { source, title: None, context: None, citations: false, cache: None });
    let base64 =
        |media_type: &str, data: &str| Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
    let source = |part| with(part).unwrap()["source"].clone();
    let url = || Source::Url("https://a.example/x".to_owned());
    assert_eq!(source(image(url())), json!({"type": "url", "url": "https://a.example/x"}));
    for (named, data, sent) in [
        ("image/png", "AAAA", "image/png"),
        ("image/jpg", "AAAA", "image/jpeg"),
        ("image/jpeg", "iVBORw0KGgo=", "image/png"),
        ("image/png", "/9j/4AAQSkZJRg==", "image/jpeg"),
        ("application/octet-stream", "UklGRiQAAABXRUJQ", "image/webp"),
    ] {
        assert_eq!(source(image(base64(named, data)))["media_type"], sent, "{named} {data}");
    }
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBE"});
    assert_eq!(source(document(base64("application/pdf", "JVBE"))), pdf);
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "hi"});
    assert_eq!(source(document(base64("text/markdown", "aGk="))), plain);
    let inner = json!({"type": "content", "content": [{"type": "text", "text": "x"}]});
    assert_eq!(source(document(Source::Parts(vec![text("x")]))), inner);
    for part in [
        image(Source::File("file_1".to_owned())),
        document(Source::File("file_1".to_owned())),
        image(base64("image/bmp", "Qk0=")),
        image(Source::Url("http://a.example/x.png".to_owned())),
        document(Source::Url("JVBERi0=".to_owned())),
        document(base64("application/msword", "AAAA")),
        document(base64("text/plain", "not base64")),
    ] {
        assert!(with(part.clone()).is_err(), "{part:?}");
    }
}

#[test]
fn a_conversation_without_the_user_is_none() {
    let request = asking(vec![turn(Role::System, vec![text("a")]), user(" ")]);
    assert_eq!(try_encode(&request, "claude-opus-5").unwrap_err().what, "messages");
}
