//! Tools, their names and schemas, and whether they have to be called.

use super::*;
use crate::capabilities::Forced;

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

fn declared(sent: &Sent) -> &Vec<Value> {
    sent.body["tools"][0]["functionDeclarations"].as_array().unwrap()
}

/// Case 15: names that Gemini refuses, everywhere alike and restored in the answer.
#[test]
fn a_tool_is_renamed_alike_in_definition_choice_and_conversation_and_back() {
    let long = format!("mcp__server__{}", "x".repeat(80));
    for name in [long.as_str(), "a/b", "工具", "with space", "3d", "-x"] {
        let sent = send(
            PRO,
            json!({
                "tools": [tool(name), tool("plain")],
                "tool_choice": {"type": "tool", "name": name},
                "messages": [
                    {"role": "user", "content": "?"},
                    {"role": "assistant", "content": [call("a", name)]},
                    {"role": "user", "content": [result("a", "1")]},
                ],
            }),
        );
        let renamed = declared(&sent)[0]["name"].as_str().unwrap();
        assert!(
            renamed.len() <= 64 && renamed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
            "{renamed}"
        );
        assert!(renamed.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'), "{renamed}");
        assert_eq!(
            sent.body["toolConfig"]["functionCallingConfig"],
            json!({"mode": "ANY", "allowedFunctionNames": [renamed]})
        );
        let turns = said(&sent);
        assert_eq!(turns[1].1[0]["functionCall"]["name"], renamed);
        assert_eq!(turns[2].1[0]["functionResponse"]["name"], renamed);
        assert_eq!((sent.names.original(renamed), sent.names.original("plain")), (name, "plain"));
        let answer = parts(json!([{"functionCall": {"id": "b", "name": renamed, "args": {}}}]));
        let stream = format!("data: {answer}\n\n");
        let events = events_of(&Speech::Gemini(sent.names.clone(), PRO.to_owned()), [stream.as_bytes()]);
        assert_eq!(words(&events)[1], format!("{name}#b:{{}}."));
    }
}

/// Cases 17 and 18: schemas go as they are, with an object at the root.
#[test]
fn schemas_go_as_the_text_that_they_are() {
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"z": {"exclusiveMinimum": 0, "const": 1}, "a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"oneOf": [{"type": "string"}, true]}}, "additionalProperties": false});
    let sent = send(PRO, json!({"tools": [{"name": "t", "description": "D.", "input_schema": schema}]}));
    assert!(sent.text.contains(&format!("\"parametersJsonSchema\":{schema}")));
    assert_eq!((&declared(&sent)[0]["description"], sent.losses.len()), (&json!("D."), 0));
    let open = json!({"type": "object", "properties": {}});
    for (odd, fitted, loss) in [
        (json!({}), json!({"type": "object"}), None),
        (json!({"anyOf": [{"required": ["a"]}]}), json!({"anyOf": [{"required": ["a"]}], "type": "object"}), None),
        (json!(true), open.clone(), Some("tools.input_schema: sent as an object of anything")),
        (
            json!({"type": ["object", "null"]}),
            json!({"type": "object"}),
            Some("tools.input_schema: sent as an object at its root"),
        ),
    ] {
        let mut request = request(json!({"tools": [tool("t")]}));
        let crate::canon::Tool::Custom { schema, .. } = &mut request.tools[0] else { panic!() };
        *schema = crate::canon::Json::from_value(&odd);
        let mut losses = Losses::new();
        let encoded = encode_request(&request, &Capabilities::default(), PRO, &mut losses).unwrap();
        let body: Value = serde_json::from_slice(&encoded.body).unwrap();
        assert_eq!(body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"], fitted);
        assert_eq!(losses.iter().next().map(ToString::to_string).as_deref(), loss);
    }
}

#[test]
fn what_the_client_wants_called_is_told_in_geminis_words() {
    let sent = |choice: Value| {
        send(PRO, json!({"tools": [tool("t"), tool("u")], "tool_choice": choice})).body["toolConfig"]["functionCallingConfig"].clone()
    };
    assert_eq!(sent(json!({"type": "auto"})), json!({"mode": "AUTO"}));
    assert_eq!(sent(json!({"type": "any"})), json!({"mode": "ANY"}));
    assert_eq!(sent(json!({"type": "none"})), json!({"mode": "NONE"}));
    assert_eq!(sent(json!({"type": "tool", "name": "u"})), json!({"mode": "ANY", "allowedFunctionNames": ["u"]}));
    let unsaid = send(PRO, json!({"tools": [tool("t")]}));
    assert!(unsaid.body.get("toolConfig").is_none());
    let without = send(PRO, json!({"tools": [], "tool_choice": {"type": "any"}}));
    assert!(without.body.get("toolConfig").is_none() && without.body.get("tools").is_none());
    let one =
        send(PRO, json!({"tools": [tool("t")], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}));
    assert_eq!(one.losses, ["tool_choice.disable_parallel_tool_use: dropped"]);
}

/// Case 26: a forced tool where the model refuses that.
#[test]
fn a_forced_tool_is_left_to_the_model_where_it_cannot_be_forced() {
    let mode = |forced: Forced, choice: Value, tools: Value, thinking: &str| {
        let known = Capabilities { forced_tools: Some(forced), ..Capabilities::default() };
        let body = json!({"tools": tools, "tool_choice": choice, "thinking": {"type": thinking}});
        let sent = try_send(&known, PRO, body).unwrap();
        let mode = sent.body["toolConfig"]["functionCallingConfig"]["mode"].as_str().unwrap().to_owned();
        (mode, sent.losses.contains(&"tool_choice: sent as auto".to_owned()))
    };
    let (any, named) = (json!({"type": "any"}), json!({"type": "tool", "name": "t"}));
    let (one, two) = (json!([tool("t")]), json!([tool("t"), tool("u")]));
    for (forced, choice, tools, thinking, expected, lost) in [
        (Forced::No, &any, &one, "adaptive", "AUTO", true),
        (Forced::SomeTool, &named, &two, "adaptive", "AUTO", true),
        (Forced::SomeTool, &named, &one, "adaptive", "ANY", false),
        (Forced::SomeTool, &any, &two, "adaptive", "ANY", false),
        (Forced::WithoutThinking, &any, &one, "adaptive", "AUTO", true),
        (Forced::WithoutThinking, &any, &one, "disabled", "ANY", false),
        (Forced::Yes, &named, &two, "adaptive", "ANY", false),
    ] {
        let found = mode(forced, choice.clone(), tools.clone(), thinking);
        assert_eq!(found, (expected.to_owned(), lost), "{forced:?} {choice} {thinking}");
    }
}

#[test]
fn inputs_are_bound_to_their_schemas_where_that_is_known_to_work() {
    let body = |choice: &str| json!({"tools": [{"name": "t", "input_schema": {"type": "object"}, "strict": true}], "tool_choice": {"type": choice}});
    let known = Capabilities { strict_tools: Some(true), ..Capabilities::default() };
    let mode = |sent: &Sent| sent.body["toolConfig"]["functionCallingConfig"]["mode"].clone();
    let sent = try_send(&known, PRO, body("auto")).unwrap();
    assert_eq!((mode(&sent), sent.losses.len()), (json!("VALIDATED"), 0));
    let sent = send(PRO, body("auto"));
    assert_eq!((mode(&sent), sent.losses), (json!("AUTO"), vec!["tools.strict: dropped".to_owned()]));
    let sent = send(PRO, body("any"));
    assert_eq!((mode(&sent), sent.losses.len()), (json!("ANY"), 0), "forced calls fit their schemas anyway");
}

#[test]
fn tools_that_nobody_else_runs_make_the_request_unfit() {
    let search = || json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    let known = Capabilities::default();
    assert!(unfit(&known, PRO, search()).starts_with("tools.web_search_20250305: "));
    let dropping = Capabilities { drop_server_tools: Some(true), ..Capabilities::default() };
    let sent = try_send(&dropping, PRO, search()).unwrap();
    assert_eq!(sent.losses, ["tools.web_search_20250305: dropped"]);
    assert!(sent.body.get("tools").is_none());
    let bash = send(PRO, json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}));
    assert_eq!(bash.losses, ["tools.bash_20250124: sent as a function"]);
    assert_eq!(declared(&bash)[0]["name"], "bash");
    let without = Capabilities { tools: Some(false), ..Capabilities::default() };
    assert_eq!(unfit(&without, PRO, json!({"tools": [tool("t")]})), "tools: the model takes no tools");
}
