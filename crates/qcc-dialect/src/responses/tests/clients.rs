//! Requests of clients of this dialect.

use super::*;
use crate::anthropic;
use crate::canon::{Effort, Part, Role, Source, Thinking, Thought, Tool, ToolChoice};
use crate::openai::{self, Vendor};

fn refused(body: &Value) -> String {
    client::decode_request(body.to_string().as_bytes()).unwrap_err().to_string()
}

fn with(name: &str, value: Value) -> Value {
    let mut body = json!({"model": "m", "input": "Hi"});
    body[name] = value;
    body
}

/// A request of this dialect comes out of the neutral form as it went in, where it has what we write.
#[test]
fn a_request_survives_the_way_through_the_neutral_form() {
    let body = json!({
        "model": "gpt-5.1",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "Look."},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
                {"type": "input_file", "file_url": "https://example.org/a.pdf"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAAA=="},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "a", "name": "t", "arguments": "{\"n\": 1.0}"},
            {"type": "function_call", "call_id": "b", "name": "t", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "one"},
            {"type": "function_call_output", "call_id": "b", "output": [
                {"type": "input_text", "text": "two"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
            ]},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be quick."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Well?"}]},
        ],
        "tools": [{"type": "function", "name": "t", "description": "d", "parameters": {"type": "object", "properties": {"z": {"maximum": 1000.0}, "a": {}}}, "strict": false}],
        "tool_choice": {"type": "function", "name": "t"},
        "parallel_tool_calls": false,
        "reasoning": {"effort": "minimal", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}}, "strict": false}},
        "max_output_tokens": 99,
        "include": ["reasoning.encrypted_content"],
        "store": false,
        "prompt_cache_key": "k",
        "stream": true,
    });
    let sent = try_send(&asked(&body), &thinking()).unwrap();
    assert_eq!((sent.body, sent.losses), (body, Vec::<String>::new()));
}

#[test]
fn the_input_may_be_a_text_or_messages_without_a_type() {
    let request = asked(&json!({"model": "m", "instructions": "A", "input": "Hi"}));
    assert_eq!((request.turns.len(), request.system.len()), (1, 1));
    let request = asked(&json!({"model": "m", "input": [
        {"role": "system", "content": "A"}, {"role": "developer", "content": [{"type": "input_text", "text": "B"}]},
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "developer", "content": "C"},
    ]}));
    let system: Vec<&str> = request.system.iter().map(|text| text.text.as_str()).collect();
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!((system, roles), (vec!["A", "B"], vec![Role::User, Role::Assistant, Role::System]));
}

#[test]
fn what_the_model_said_in_several_items_is_one_turn_and_so_are_its_results() {
    let request = client::decode_request(&GOLDEN.read("client", "codex.json")).unwrap();
    let shape: Vec<(Role, usize)> = request.turns.iter().map(|turn| (turn.role, turn.parts.len())).collect();
    let expected = [(Role::User, 1), (Role::User, 1), (Role::Assistant, 5), (Role::User, 3), (Role::User, 1)];
    assert_eq!(shape, expected);
    assert_eq!(request.system.len(), 3);
}

/// Tools that other dialects have no word for are functions there, and calls of them are told in the client's words.
#[test]
fn tools_in_groups_and_tools_of_text_are_functions_elsewhere() {
    let request = client::decode_request(&GOLDEN.read("client", "codex.json")).unwrap();
    let names: Vec<&str> = request
        .tools
        .iter()
        .filter_map(|tool| if let Tool::Custom { name, .. } = tool { Some(name.as_str()) } else { None })
        .collect();
    assert!(names.contains(&"multi_agent_v1__spawn_agent") && names.contains(&"apply_patch"), "{names:?}");
    let calls: Vec<String> = request.turns[2]
        .parts
        .iter()
        .filter_map(|part| {
            if let Part::ToolUse(call) = part { Some(format!("{} {}", call.name, call.input.text())) } else { None }
        })
        .collect();
    let expected = [
        "exec_command {\"cmd\": \"ls\"}",
        "multi_agent_v1__spawn_agent {\"message\":\"go\"}",
        "apply_patch {\"input\":\"*** Begin Patch\"}",
    ];
    assert_eq!(calls, expected);
    let grammar = request.tools.iter().find_map(|tool| match tool {
        Tool::Custom { name, description, .. } if name == "apply_patch" => description.clone(),
        _ => None,
    });
    assert!(grammar.is_some_and(|text| text.contains("(lark):\nstart: begin hunk+ end")));
}

#[test]
fn more_tools_may_come_within_the_input() {
    let request = asked(&json!({"model": "m", "input": [
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "late", "parameters": null}]},
        {"role": "user", "content": "Hi"},
    ]}));
    assert!(matches!(&request.tools[..], [Tool::Custom { name, .. }] if name == "late"));
}

#[test]
fn a_choice_of_tools_is_read_in_all_its_forms() {
    let tools =
        json!([{"type": "function", "name": "a"}, {"type": "function", "name": "b"}, {"type": "custom", "name": "c"}]);
    let choice = |choice: Value| {
        let mut body = with("tools", tools.clone());
        body["tool_choice"] = choice;
        let request = asked(&body);
        (request.tool_choice, request.tools.len(), request.others.len())
    };
    assert_eq!(choice(json!("required")), (Some(ToolChoice::Any), 3, 0));
    assert_eq!(choice(json!({"type": "custom", "name": "c"})), (Some(ToolChoice::Tool("c".to_owned())), 3, 0));
    let namespaced = json!({"type": "function", "namespace": "n", "name": "a"});
    assert_eq!(choice(namespaced), (Some(ToolChoice::Tool("n__a".to_owned())), 3, 0));
    let allowed =
        |mode: &str| json!({"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "b"}]});
    assert_eq!(choice(allowed("required")), (Some(ToolChoice::Any), 1, 0));
    assert_eq!(choice(allowed("auto")), (Some(ToolChoice::Auto), 1, 0));
    assert_eq!(choice(json!({"type": "web_search"})), (None, 3, 1), "kept by name");
}

/// A summary that is wanted wants thinking.
#[test]
fn a_wish_for_thinking_is_read() {
    let wish = |reasoning: Value| {
        let request = asked(&with("reasoning", reasoning));
        (request.thinking, request.effort)
    };
    assert_eq!(wish(json!({"summary": "auto"})), (Some(Thinking::Adaptive), None));
    assert_eq!(wish(json!({"effort": "high"})), (None, Some(Effort::High)));
    assert_eq!(wish(json!({"effort": "none", "summary": "auto"})), (None, Some(Effort::None)));
    assert_eq!(wish(json!({"effort": null, "summary": null})), (None, None));
}

/// Cases 10 and 12: Anthropic's thinking goes through a client of this dialect and comes back to Anthropic as it was.
#[test]
fn signed_thinking_survives_a_client_of_this_dialect() {
    let thought = Thought { text: "Hm.\n\nYes.".to_owned(), signature: Some("EqQBCg==".to_owned()) };
    let parts = vec![
        Part::Thinking(thought),
        Part::Redacted("sealed".to_owned()),
        Part::Text(crate::canon::Text { text: "A".to_owned(), cache: None }),
    ];
    let message = crate::canon::Message { parts: parts.clone(), ..crate::canon::Message::default() };
    let body = client::encode_message(&message, "m", "resp_1", 1, &[], &mut Losses::new());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut items = vec![json!({"role": "user", "content": "?"})];
    items.extend(body["output"].as_array().unwrap().iter().cloned());
    items.push(json!({"role": "user", "content": "!"}));
    let request = asked(&json!({"model": "m", "input": items}));
    assert_eq!(request.turns[1].parts, parts);
    let sent = anthropic::canon::encode_request(
        &request,
        &Capabilities::of_model("claude-opus-5"),
        "claude-opus-5",
        &mut Losses::new(),
    )
    .unwrap();
    assert!(
        String::from_utf8_lossy(&sent)
            .contains(r#"{"type":"thinking","thinking":"Hm.\n\nYes.","signature":"EqQBCg=="}"#)
    );
    let other = try_send(&request, &thinking()).unwrap();
    assert!(!other.text.contains("qcc1") && !other.text.contains("EqQBCg"), "{}", other.text);
}

/// Cases 10 and 11: thinking that nobody has signed comes back as it was, and is known as none of this dialect's vendor.
#[test]
fn unsigned_thinking_survives_a_client_of_this_dialect_and_is_not_relayed() {
    let thought = Part::Thinking(Thought { text: "Hm.".to_owned(), signature: None });
    let message = crate::canon::Message { parts: vec![thought.clone()], ..crate::canon::Message::default() };
    let body = client::encode_message(&message, "m", "resp_1", 1, &[], &mut Losses::new());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let user = json!({"role": "user", "content": "?"});
    let again = json!({"model": "m", "input": [user, body["output"][0], user]});
    assert_eq!(asked(&again).turns[1].parts, [thought]);
    let (relayed, _) = client::without_sealed(again.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&relayed).unwrap()["input"], json!([user, user]));
}

#[test]
fn a_thought_of_this_dialects_own_is_kept_and_odd_ones_are_read_as_far_as_they_go() {
    let read = |item: Value| {
        let request = asked(&json!({"model": "m", "input": [{"role": "user", "content": "?"}, item]}));
        request.turns.get(1).map(|turn| turn.parts[0].clone())
    };
    let summary = json!([{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]);
    let unsigned = Some(Part::Thinking(Thought { text: "a\n\nb".to_owned(), signature: None }));
    assert_eq!(read(json!({"type": "reasoning", "summary": summary})), unsigned);
    assert_eq!(read(json!({"type": "reasoning", "summary": summary, "encrypted_content": "qcc1.canon.!"})), unsigned);
    assert_eq!(read(json!({"type": "reasoning", "summary": []})), None);
    let own = read(json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAA"}));
    assert!(matches!(own, Some(Part::Thinking(Thought { text, signature: Some(_) })) if text.is_empty()));
}

/// The conversation was at an Anthropic provider for a while: the vendor of this dialect refuses what it has not sealed.
#[test]
fn what_was_sealed_here_is_cut_out_of_a_body_that_is_relayed() {
    let item =
        |encrypted: &str| format!(r#"{{"type":"reasoning","id":"rs","summary":[],"encrypted_content":"{encrypted}"}}"#);
    let said = r#"{"role": "user",  "content": "a \"qcc1.canon.x\" b", "n": 1.0}"#;
    let (ours, own) = (item("qcc1.canon.e30"), item("gAAA"));
    let body = |items: &str| format!(r#"{{ "input": [{items}], "temperature": 1e0 }}"#);
    let cut = |items: &str| client::without_sealed(body(items).as_bytes()).map(|(body, _)| body);
    assert_eq!(cut(&format!("{ours}, {said}, {ours},{own}")), Some(Bytes::from(body(&format!("{said},{own}")))));
    assert_eq!(cut(&ours), Some(Bytes::from(body(""))));
    assert_eq!(cut(&format!("{said}, {own}")), None);
    assert_eq!(client::without_sealed(br#"{"input":"qcc1."}"#), None);
    assert_eq!(client::without_sealed(b"{\"input\":[\"qcc1."), None);
}

#[test]
fn what_cannot_be_understood_is_refused_and_says_where() {
    let item = |item: Value| json!({"model": "m", "input": [item]});
    let table = [
        (json!([]), "the request body must be an object"),
        (json!({"input": "Hi"}), "model: is missing"),
        (json!({"model": "m"}), "input: is missing or empty"),
        (json!({"model": "m", "input": []}), "input: is missing or empty"),
        (json!({"model": "m", "input": 7}), "input: must be a text or a list of items"),
        (item(json!(7)), "input.0: must be an object"),
        (item(json!({})), "input.0.type: is missing"),
        (item(json!({"role": "robot", "content": "x"})), "input.0.role: must be user, assistant, system or developer"),
        (item(json!({"role": "user", "content": 7})), "input.0.content: must be a text or a list of parts"),
        (
            item(json!({"role": "user", "content": [{"type": "input_image"}]})),
            "input.0.content.input_image: has neither image_url nor file_id",
        ),
        (item(json!({"type": "function_call", "name": "t"})), "input.0.call_id: is missing"),
        (item(json!({"type": "function_call_output", "output": "x"})), "input.0.call_id: is missing"),
        (with("tool_choice", json!("some")), "tool_choice: must be none, auto, required or an object"),
        (
            with("reasoning", json!({"effort": "huge"})),
            "reasoning.effort: must be none, minimal, low, medium, high, xhigh or max",
        ),
        (
            with("text", json!({"format": {"type": "xml"}})),
            "text.format.type: must be text, json_object or json_schema",
        ),
        (with("tools", json!([{"name": "t"}])), "tools.type: is missing"),
        (with("tools", json!([{"type": "function"}])), "tools.name: is missing"),
    ];
    for (body, why) in table {
        assert_eq!(refused(&body), why, "{body}");
    }
    assert!(client::decode_request(b"{\"model\":").unwrap_err().to_string().contains("not valid JSON"));
    assert!(client::decode_request(b"\xff").unwrap_err().to_string().contains("not valid JSON"));
}

/// Case 20: what concerns only OpenAI's own storage is no loss, all else without a place is kept by name.
#[test]
fn what_has_no_place_is_kept_by_name_unless_it_changes_no_answer() {
    let names = |body: &Value| asked(body).others.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let harmless = json!({"model": "m", "input": "Hi", "store": true, "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"],
        "truncation": "disabled", "background": false, "service_tier": "auto", "client_metadata": {}, "stream_options": {}, "user": null});
    assert_eq!(names(&harmless), Vec::<String>::new());
    let kept = json!({"model": "m", "input": "Hi", "include": ["message.output_text.logprobs"], "truncation": "auto", "service_tier": "flex",
        "max_tool_calls": 3, "reasoning": {"context": "all_turns", "mode": "pro"}});
    assert_eq!(
        names(&kept),
        ["reasoning.context", "reasoning.mode", "include", "max_tool_calls", "service_tier", "truncation"]
    );
}

/// What one provider has kept no other can answer.
#[test]
fn a_conversation_that_is_kept_elsewhere_is_for_nobody_else() {
    let table = [
        (with("previous_response_id", json!("resp_1")), "previous_response_id"),
        (json!({"model": "m", "previous_response_id": "resp_1", "input": []}), "previous_response_id"),
        (with("conversation", json!("conv_1")), "conversation"),
        (with("background", json!(true)), "background"),
        (json!({"model": "m", "input": [{"type": "item_reference", "id": "msg_1"}]}), "input.item_reference"),
        (
            json!({"model": "m", "input": [{"type": "compaction", "encrypted_content": "E"}, {"role": "user", "content": "?"}]}),
            "input.compaction",
        ),
    ];
    for (body, member) in table {
        let request = asked(&body);
        let mut losses = Losses::new();
        let why = [
            try_send(&request, &thinking()).err(),
            openai::encode_request(&request, &Vendor::OpenAi.traits(), &Capabilities::UNKNOWN, "m", &mut losses).err(),
            anthropic::canon::encode_request(
                &request,
                &Capabilities::of_model("claude-opus-5"),
                "claude-opus-5",
                &mut losses,
            )
            .err(),
            crate::gemini::encode_request(&request, &Capabilities::default(), "gemini-3-pro-preview", &mut losses)
                .err(),
        ];
        for unfit in why {
            assert_eq!(unfit.map(|unfit| unfit.what.into_owned()).as_deref(), Some(member), "{body}");
        }
    }
}

#[test]
fn files_and_results_are_read_in_all_their_forms() {
    let request = asked(&json!({"model": "m", "input": [
        {"role": "user", "content": [{"type": "input_file", "file_data": "aGk="}, {"type": "input_image", "file_id": "f"}, {"type": "input_audio", "x": 1}]},
        {"type": "function_call_output", "call_id": "a", "output": {"ok": true}},
        {"type": "function_call", "call_id": "b", "name": "t", "arguments": "not json"},
        {"type": "web_search_call", "id": "ws", "status": "completed"},
    ]}));
    let Part::Document(document) = &request.turns[0].parts[0] else { panic!("{request:?}") };
    assert!(matches!(&document.source, Source::Base64 { media_type, .. } if media_type == "application/pdf"));
    let kinds: Vec<&str> = request
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(|part| match part {
            Part::Other { kind, .. } => kind.as_str(),
            Part::ToolResult(result) => {
                if let Part::Text(text) = &result.parts[0] {
                    text.text.as_str()
                } else {
                    ""
                }
            }
            Part::ToolUse(call) => call.input.text(),
            _ => "",
        })
        .collect();
    assert_eq!(kinds, ["", "", "input_audio", "{\"ok\":true}", "{\"input\":\"not json\"}", "web_search_call"]);
}
