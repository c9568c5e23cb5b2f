//! The order of messages and what stands in them.

use super::*;

/// Case 1: `role: system` in mid-conversation.
#[test]
fn the_operator_in_mid_conversation_is_the_user_where_only_the_beginning_is_heard() {
    let body = conversation(json!([
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Go on."},
        {"role": "system", "content": [{"type": "text", "text": "Now."}]},
    ]));
    let sent = plain(body.clone());
    let expected = json!([
        {"role": "user", "content": "Hi\n\n<system-reminder>\nBe brief.\n</system-reminder>"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Go on.\n\n<system-reminder>\nNow.\n</system-reminder>"},
    ]);
    assert_eq!(sent.body["messages"], expected);
    assert_eq!(sent.losses, ["messages.system: sent as text of the user"]);
    let heard = send(Vendor::OpenAi, "gpt-5.1", body);
    let roles: Vec<String> = said(&heard).into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "developer", "assistant", "user", "developer"]);
    assert!(heard.losses.is_empty(), "{:?}", heard.losses);
}

/// Case 1: nobody speaks between a call and its result.
#[test]
fn the_operator_between_a_call_and_its_result_waits_for_the_result() {
    let body = conversation(json!([
        {"role": "assistant", "content": [call("a", "Read")]},
        {"role": "system", "content": "Stop soon."},
        {"role": "user", "content": [result("a", "text")]},
    ]));
    let roles: Vec<String> = said(&send(Vendor::OpenAi, "gpt-5.1", body)).into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["assistant", "tool", "developer"]);
}

/// Case 2: images in results of parallel calls come in one message after all results.
#[test]
fn images_of_results_follow_all_results_in_one_message() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}});
    let with_image = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [image, {"type": "text", "text": "seen"}]});
    let sent = plain(conversation(json!([
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [call("a", "Look"), call("b", "Look")]},
        {"role": "user", "content": [with_image("a"), with_image("b"), {"type": "text", "text": "Well?"}]},
    ])));
    let messages = said(&sent);
    let roles: Vec<&str> = messages.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"]);
    assert_eq!(messages[2].1, "[in the message of the user that follows]\n\nseen");
    let kinds: Vec<&str> =
        messages[4].1.as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "image_url", "text", "image_url", "text"]);
    assert_eq!(messages[4].1[1]["image_url"]["url"], "data:image/png;base64,aGk=");
    assert_eq!(messages[4].1[2]["text"], "From the result of the call b:");
    assert_eq!(sent.losses, ["messages.content.tool_result: images and documents moved behind it"]);
}

/// Case 3: text before and between results.
#[test]
fn results_come_first_whatever_stood_before_them() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("a", "Read"), call("b", "Read")]},
        {"role": "user", "content": [
            {"type": "text", "text": "before"}, result("a", "1"), {"type": "text", "text": "between"}, result("b", "2"),
        ]},
    ])));
    let expected =
        [("assistant", json!(null)), ("tool", json!("1")), ("tool", json!("2")), ("user", json!("before\n\nbetween"))];
    assert_eq!(said(&sent), expected.map(|(role, content)| (role.to_owned(), content)));
}

/// Case 4: several user messages with one result each.
#[test]
fn results_in_several_turns_answer_the_calls_of_one() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("a", "Read"), call("b", "Read")]},
        {"role": "user", "content": [result("b", "2")]},
        {"role": "user", "content": [result("a", "1")]},
    ])));
    let ids: Vec<&Value> =
        sent.body["messages"].as_array().unwrap()[1..].iter().map(|one| &one["tool_call_id"]).collect();
    assert_eq!(ids, [&json!("b"), &json!("a")]);
    assert!(sent.losses.is_empty(), "{:?}", sent.losses);
}

/// Case 4: a call without a result, and a result without a call.
#[test]
fn what_is_missing_is_made_up_and_what_is_left_over_is_told_as_text() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("a", "Read"), call("b", "Read")]},
        {"role": "user", "content": [result("b", "2"), result("z", "26")]},
        {"role": "assistant", "content": [call("c", "Read")]},
    ])));
    let expected = [
        ("assistant", json!(null)),
        ("tool", json!("2")),
        ("tool", json!("Interrupted: there is no result of this call.")),
        ("user", json!("The result of the call z:\n\n26")),
        ("assistant", json!(null)),
        ("tool", json!("Interrupted: there is no result of this call.")),
    ];
    assert_eq!(said(&sent), expected.map(|(role, content)| (role.to_owned(), content)));
    assert_eq!(sent.losses.len(), 2, "{:?}", sent.losses);
}

/// Case 5: failed calls, and results without content.
#[test]
fn a_failed_call_says_so_in_its_text() {
    let result = |id: &str, more: Value| {
        let mut result = json!({"type": "tool_result", "tool_use_id": id});
        result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        result
    };
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("a", "R"), call("b", "R"), call("c", "R"), call("d", "R")]},
        {"role": "user", "content": [
            result("a", json!({"is_error": true, "content": "no such file"})),
            result("b", json!({"is_error": true, "content": []})),
            result("c", json!({})),
            result("d", json!({"is_error": false, "content": ""})),
        ]},
    ])));
    let texts: Vec<Value> = said(&sent)[1..].iter().map(|(_, content)| content.clone()).collect();
    assert_eq!(texts, ["Error: no such file", "Error: the tool failed and said nothing", "", ""]);
}

/// Case 6: empty texts, turns of blanks, cache marks on empty text.
#[test]
fn texts_without_a_letter_are_not_sent() {
    let empty = json!({"type": "text", "text": "", "cache_control": {"type": "ephemeral"}});
    let sent = plain(json!({
        "system": [empty, {"type": "text", "text": "Be."}],
        "messages": [
            {"role": "user", "content": [empty, {"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": " \n"},
            {"role": "user", "content": [{"type": "text", "text": " "}]},
            {"role": "user", "content": "Well?"},
        ],
    }));
    let expected = [("system", json!("Be.")), ("user", json!("Hi\n\nWell?"))];
    assert_eq!(said(&sent), expected.map(|(role, content)| (role.to_owned(), content)));
}

/// Case 7: a message of calls alone has no content, not an empty one.
#[test]
fn a_message_of_calls_alone_has_null_for_content() {
    let sent = plain(conversation(json!([{"role": "assistant", "content": [call("a", "Read")]}])));
    assert!(sent.text.contains(r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"Read","arguments":"{}"}}]}"#), "{}", sent.text);
}

/// Case 14 (a vendor's thoughts are its own), with 12: signed thinking of another vendor is no news to this one.
#[test]
fn thinking_goes_back_only_to_those_who_want_it_and_only_if_it_is_theirs() {
    let body = conversation(json!([
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "early", "signature": ""}, {"type": "text", "text": "1"}]},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "signed", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "thinking", "thinking": "own", "signature": ""},
            call("a", "Read"),
        ]},
        {"role": "user", "content": [result("a", "2")]},
    ]));
    let thoughts = |vendor, model: &str| {
        let sent = send(vendor, model, body.clone());
        let messages = sent.body["messages"].as_array().unwrap().clone();
        let both = ["reasoning_content", "reasoning"].map(|member| {
            messages.iter().filter(|one| one["role"] == "assistant").map(|one| one[member].clone()).collect::<Vec<_>>()
        });
        (both, sent.losses.contains(&"messages.content.thinking: dropped".to_owned()))
    };
    let none = vec![Value::Null, Value::Null];
    assert_eq!(thoughts(Vendor::OpenAi, "gpt-5.1"), ([none.clone(), none.clone()], true));
    assert_eq!(thoughts(Vendor::Unknown, "m"), ([vec![json!(null), json!("own")], none.clone()], true));
    assert_eq!(thoughts(Vendor::Kimi, "kimi-k2.6"), ([vec![json!("early"), json!("own")], none.clone()], true));
    assert_eq!(thoughts(Vendor::OpenRouter, "x/y"), ([none.clone(), vec![json!("early"), json!("own")]], true));
    let everything = vec![json!("early"), json!("signed\nown")];
    assert_eq!(thoughts(Vendor::DeepSeek, "deepseek-v4-pro"), ([everything, none], false));
}

/// Case 10: DeepSeek refuses a turn of the model without its thoughts, also one that had none.
#[test]
fn where_thinking_is_required_a_turn_without_any_has_an_empty_one() {
    let messages = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "?"}]);
    let sent = send(Vendor::DeepSeek, "deepseek-v4-pro", conversation(messages.clone()));
    assert_eq!(sent.body["messages"][1]["reasoning_content"], "");
    let off = json!({"messages": messages, "thinking": {"type": "disabled"}});
    let sent = send(Vendor::DeepSeek, "deepseek-v4-pro", off);
    assert_eq!(sent.body["messages"][1].get("reasoning_content"), None);
    assert_eq!(sent.body["thinking"], json!({"type": "disabled"}));
}

/// Case 9: server tools in the conversation come as text and leave no call without a result.
#[test]
fn what_server_tools_did_is_told_as_text() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rust"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
                {"type": "web_search_result", "title": "Rust", "url": "https://rust-lang.org", "encrypted_content": "xyz"},
            ]},
            {"type": "text", "text": "Found."},
        ]},
        {"role": "user", "content": "Thanks"},
    ])));
    let content = "[Called web_search with {\"query\":\"rust\"}.]\n\n[web_search_tool_result:\nRust\nhttps://rust-lang.org]\n\nFound.";
    assert_eq!(said(&sent)[0].1, content);
    let lost =
        ["messages.content.server_tool_use: sent as text", "messages.content.web_search_tool_result: sent as text"];
    assert_eq!(sent.losses, lost);
}

/// Case 20: unknown blocks are left out and named, never refused.
#[test]
fn unknown_blocks_are_lost_by_name() {
    let sent = plain(conversation(json!([
        {"role": "user", "content": [{"type": "hologram", "x": 1}, {"type": "text", "text": "Hi"}]},
    ])));
    assert_eq!(said(&sent), [("user".to_owned(), json!("Hi"))]);
    assert_eq!(sent.losses, ["messages.content.hologram: dropped"]);
}

/// Case 24: a beginning of the answer, and an empty one.
#[test]
fn a_begun_answer_becomes_an_instruction() {
    let sent = plain(conversation(json!([
        {"role": "user", "content": "Is it JSON?"},
        {"role": "assistant", "content": "{\"answer\":"},
    ])));
    let text = "Is it JSON?\n\nBegin your answer right after the following text, without repeating it:\n\n{\"answer\":";
    assert_eq!(said(&sent), [("user".to_owned(), json!(text))]);
    assert_eq!(sent.losses, ["messages.prefill: sent as an instruction"]);
    let empty = plain(conversation(json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": []}])));
    assert_eq!(said(&empty), [("user".to_owned(), json!("Hi"))]);
    assert!(empty.losses.is_empty());
}

/// Case 28: images and documents by address or of an account, for those who cannot fetch or read them.
#[test]
fn what_the_provider_cannot_read_makes_the_request_unfit() {
    let with = |part: Value| conversation(json!([{"role": "user", "content": [part]}]));
    let image = |source: Value| with(json!({"type": "image", "source": source}));
    let document = |source: Value| with(json!({"type": "document", "title": "Plan", "source": source}));
    let inline = json!({"type": "base64", "media_type": "image/webp", "data": "aGk="});
    let url = json!({"type": "url", "url": "https://example.org/a"});
    let file = json!({"type": "file", "file_id": "file_1"});
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="});
    let table = [
        (Vendor::OpenAi, image(inline.clone()), ""),
        (Vendor::OpenAi, image(url.clone()), ""),
        (Vendor::OpenAi, image(file.clone()), "messages.content.image: the file is in an account of another provider"),
        (
            Vendor::OpenAi,
            image(json!({"type": "new"})),
            "messages.content: an image or a document is given in a way that only Anthropic knows",
        ),
        (Vendor::Kimi, image(inline.clone()), ""),
        (Vendor::Kimi, image(url.clone()), "messages.content.image: the provider fetches no images from addresses"),
        (Vendor::DeepSeek, image(inline), "messages.content.image: the provider takes no images"),
        (Vendor::OpenAi, document(pdf.clone()), ""),
        (Vendor::OpenAi, document(url.clone()), "messages.content.document: the provider fetches no files"),
        (Vendor::OpenRouter, document(url), ""),
        (Vendor::Unknown, document(pdf), "messages.content.document: the provider reads no files"),
        (Vendor::OpenAi, document(file), "messages.content.document: the file is in an account of another provider"),
    ];
    for (vendor, body, why) in table {
        assert_eq!(unfit(vendor, "m", body.clone()), why, "{vendor:?} {body}");
    }
}

/// Case 28: documents that are text need no reader.
#[test]
fn documents_of_text_are_text() {
    let sent = plain(conversation(json!([{"role": "user", "content": [
        {"type": "document", "title": "Plan", "context": "of today", "citations": {"enabled": true},
         "source": {"type": "text", "media_type": "text/plain", "data": "Step 1"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Step 2"}]}},
        {"type": "search_result", "source": "https://a", "title": "A", "content": [{"type": "text", "text": "Step 3"}]},
    ]}])));
    assert_eq!(said(&sent)[0].1, "Document: Plan\nof today\n\nStep 1\n\nStep 2\n\nA\nhttps://a\n\nStep 3");
    assert_eq!(sent.losses, ["messages.content.document.citations: dropped"]);
}

/// Case 30: cache marks go where they mean something, and are otherwise the provider's business.
#[test]
fn cache_marks_stay_where_the_provider_knows_them() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let body = json!({
        "system": [{"type": "text", "text": "A", "cache_control": mark}, {"type": "text", "text": "B"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}],
    });
    let kept = send(Vendor::OpenRouter, "anthropic/claude-sonnet-5", body.clone());
    assert_eq!(kept.body["messages"][0]["content"][0]["cache_control"], mark);
    assert_eq!(kept.body["messages"][1]["content"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert!(kept.losses.is_empty(), "{:?}", kept.losses);
    for (vendor, model) in [(Vendor::OpenRouter, "openai/gpt-5"), (Vendor::Unknown, "m")] {
        let sent = send(vendor, model, body.clone());
        assert_eq!(said(&sent)[0].1, "A\n\nB");
        assert_eq!(sent.losses, ["cache_control: left to the provider"]);
    }
}

#[test]
fn tools_found_by_search_are_named_in_the_result() {
    let sent = plain(conversation(json!([
        {"role": "assistant", "content": [call("a", "ToolSearch")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [
            {"type": "tool_reference", "tool_name": "Grep"},
        ]}]},
    ])));
    assert_eq!(said(&sent)[1].1, "The tool Grep can be called now.");
}

/// Case 3: Mistral's models hear the user only after the model, whoever runs them.
#[test]
fn a_word_of_the_model_stands_between_results_and_the_user_where_it_must() {
    let body = || {
        let result = json!({"type": "tool_result", "tool_use_id": "a", "content": "r"});
        conversation(json!([
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [call("a", "t")]},
            {"role": "user", "content": [result, {"type": "text", "text": "and"}]},
        ]))
    };
    let roles = |vendor, model: &str| {
        let sent = send(vendor, model, body());
        let roles: Vec<String> = said(&sent).into_iter().map(|(role, _)| role).collect();
        (roles.join(" "), sent.losses.len())
    };
    let between = ("user assistant tool assistant user".to_owned(), 1);
    for (vendor, model) in [
        (Vendor::Mistral, "mistral-large"),
        (Vendor::OpenRouter, "mistralai/devstral-2512"),
        (Vendor::Unknown, "magistral"),
    ] {
        assert_eq!(roles(vendor, model), between, "{vendor:?}");
    }
    assert_eq!(roles(Vendor::Unknown, "llama-4"), ("user assistant tool user".to_owned(), 0));
}
