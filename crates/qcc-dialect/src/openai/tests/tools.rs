//! Tools, their schemas and whether they have to be called.

use super::*;
use crate::anthropic::canon::decode_request;

fn tool(name: &str, schema: Value) -> Value {
    json!({"name": name, "input_schema": schema})
}

fn object() -> Value {
    json!({"type": "object", "properties": {}})
}

fn parameters(schema: Value) -> (Value, Vec<String>) {
    let sent = plain(json!({"tools": [tool("t", schema)]}));
    (sent.body["tools"][0]["function"]["parameters"].clone(), sent.losses)
}

/// Case 17: quirks of schemas.
#[test]
fn schemas_are_objects_with_properties() {
    let typed =
        json!({"$schema": "s", "type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "required": ["b"]});
    assert_eq!(parameters(typed.clone()), (typed, Vec::new()));
    assert_eq!(parameters(json!({})), (object(), Vec::new()));
    assert_eq!(parameters(json!({"type": "object"})), (object(), Vec::new()));
    assert_eq!(parameters(json!({"properties": {"a": true}})).0, json!({"properties": {"a": true}, "type": "object"}));
}

/// Case 17: OpenAI refuses alternatives at the root.
#[test]
fn alternatives_at_the_root_of_a_schema_are_merged() {
    let branch = |name: &str| json!({"properties": {name: {"type": "string"}, "both": {}}, "required": [name, "both"]});
    let (schema, losses) = parameters(json!({"anyOf": [branch("a"), branch("b")], "description": "x"}));
    let expected = json!({
        "description": "x",
        "properties": {"a": {"type": "string"}, "both": {}, "b": {"type": "string"}},
        "required": ["both"],
        "type": "object",
    });
    assert_eq!((schema, losses), (expected, vec!["tools.input_schema: alternatives at its root merged".to_owned()]));
    let (schema, _) = parameters(json!({"type": "object", "allOf": [branch("a"), branch("b")]}));
    assert_eq!(schema["required"], json!(["a", "both", "b"]));
}

/// Case 18 and 19: members keep their order, numbers and escapes their writing.
#[test]
fn schemas_and_inputs_are_sent_as_they_were_written() {
    let schema = r#"{"type":"object","properties":{"z":{"maximum":1e3,"minimum":-0,"default":1.0},"a":{"const":18446744073709551616,"pattern":"\u00e9\/"}}}"#;
    let input = r#"{"z":1.0,"a":1e3,"big":9007199254740993,"huge":18446744073709551616,"zero":-0,"half":"\ud83d","nul":"\u0000","z":2}"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"tools":[{{"name":"t","input_schema":{schema}}}],"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"a","name":"t","input":{input}}}]}}]}}"#
    );
    let request = decode_request(body.as_bytes()).unwrap();
    let encoded =
        encode_request(&request, &Vendor::OpenAi.traits(), &Capabilities::UNKNOWN, "gpt-5.1", &mut Losses::new())
            .unwrap();
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert!(text.contains(schema), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["messages"][0]["tool_calls"][0]["function"]["arguments"], input);
}

#[test]
fn strict_is_sent_where_the_schema_allows_it() {
    let closed = json!({
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}, "additionalProperties": false}}},
        "required": ["a"],
        "additionalProperties": false,
    });
    let strict = |vendor, schema: Value| {
        let mut tool = tool("t", schema);
        tool["strict"] = json!(true);
        let sent = send(vendor, "gpt-5.1", json!({"tools": [tool]}));
        (sent.body["tools"][0]["function"].get("strict").cloned(), sent.losses)
    };
    assert_eq!(strict(Vendor::OpenAi, closed.clone()), (Some(json!(true)), Vec::new()));
    let lost = vec!["tools.strict: dropped".to_owned()];
    assert_eq!(strict(Vendor::Unknown, closed.clone()), (None, lost.clone()));
    let mut open = closed.clone();
    open["properties"]["a"]["items"]["additionalProperties"] = json!(true);
    assert_eq!(strict(Vendor::OpenAi, open), (None, lost.clone()));
    let mut optional = closed;
    optional["required"] = json!(["unknown"]);
    assert_eq!(strict(Vendor::OpenAi, optional), (None, lost));
}

/// Case 26: forcing a tool, where it is taken, where it is not, and where only the thinking stands against it.
#[test]
fn a_forced_tool_is_forced_as_far_as_the_provider_goes() {
    let any = json!({"type": "any"});
    let one = json!({"type": "tool", "name": "t"});
    let named = json!({"type": "function", "function": {"name": "t"}});
    let off = json!({"type": "disabled"});
    let nothing = Value::Null;
    let table = [
        (Vendor::OpenAi, "gpt-5.1", &any, json!("required"), &nothing, ""),
        (Vendor::OpenAi, "gpt-5.1", &one, named.clone(), &nothing, ""),
        (
            Vendor::DeepSeek,
            "deepseek-v4-pro",
            &one,
            named.clone(),
            &off,
            "thinking: switched off, for a tool is forced",
        ),
        (Vendor::Kimi, "kimi-k2.6", &any, json!("required"), &off, "thinking: switched off, for a tool is forced"),
        (Vendor::Kimi, "kimi-k2.7-code", &any, json!("auto"), &nothing, "tool_choice: sent as auto"),
        (Vendor::Kimi, "kimi-k3", &any, json!("required"), &nothing, ""),
        (Vendor::Kimi, "kimi-k3", &one, json!("required"), &nothing, ""),
        (Vendor::Glm, "glm-5", &one, json!("auto"), &nothing, "tool_choice: sent as auto"),
    ];
    for (vendor, model, choice, expected, thinking, loss) in table {
        let sent = send(vendor, model, json!({"tools": [tool("t", object())], "tool_choice": choice}));
        let found = (&sent.body["tool_choice"], &sent.body["thinking"], sent.losses.join("; "));
        assert_eq!(found, (&expected, thinking, loss.to_owned()), "{vendor:?} {model}");
    }
}

#[test]
fn a_named_tool_among_several_is_left_to_a_model_that_takes_no_name() {
    let tools = json!([tool("t", object()), tool("u", object())]);
    let sent = send(Vendor::Kimi, "kimi-k3", json!({"tools": tools, "tool_choice": {"type": "tool", "name": "t"}}));
    assert_eq!((&sent.body["tool_choice"], sent.losses.len()), (&json!("auto"), 1));
}

#[test]
fn where_no_tool_may_be_called_a_provider_without_a_word_for_it_gets_none() {
    let body = json!({"tools": [tool("t", object())], "tool_choice": {"type": "none"}});
    assert_eq!(plain(body.clone()).body["tool_choice"], "none");
    let sent = send(Vendor::Glm, "glm-5", body);
    assert_eq!((sent.body.get("tools"), sent.body.get("tool_choice")), (None, None));
    assert_eq!(sent.losses, ["tools: left out, for none may be called"]);
    assert_eq!(plain(json!({"tool_choice": {"type": "auto"}})).body.get("tool_choice"), None);
}

#[test]
fn one_call_at_a_time_is_asked_for_where_it_is_known() {
    let body =
        json!({"tools": [tool("t", object())], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}});
    assert_eq!(plain(body.clone()).body["parallel_tool_calls"], false);
    let sent = send(Vendor::DeepSeek, "deepseek-v4-pro", body);
    assert_eq!(sent.body.get("parallel_tool_calls"), None);
    assert_eq!(sent.losses, ["tool_choice.disable_parallel_tool_use: dropped"]);
}

#[test]
fn tools_that_the_client_runs_become_functions_and_those_of_the_server_make_it_unfit() {
    let other = |kind: &str, name: &str| json!({"tools": [{"type": kind, "name": name}]});
    for (kind, name, property) in [
        ("bash_20250124", "bash", "restart"),
        ("text_editor_20250728", "str_replace_based_edit_tool", "old_str"),
        ("memory_20250818", "memory", "new_path"),
    ] {
        let sent = plain(other(kind, name));
        let function = &sent.body["tools"][0]["function"];
        assert_eq!(function["name"], name);
        assert!(function["parameters"]["properties"].get(property).is_some(), "{function}");
        assert_eq!(sent.losses, [format!("tools.{kind}: sent as a function")]);
    }
    for (kind, name) in [
        ("web_search_20250305", "web_search"),
        ("code_execution_20250825", "code_execution"),
        ("computer_20251124", "computer"),
        ("novelty_20270101", "novelty"),
    ] {
        let why = format!("tools.{kind}: only the client's own vendor runs or knows this tool");
        assert_eq!(unfit(Vendor::Unknown, "m", other(kind, name)), why);
        let traits = Traits { drop_server_tools: true, ..Vendor::Unknown.traits() };
        let sent = try_send(&traits, "m", other(kind, name)).unwrap();
        assert_eq!((sent.body.get("tools"), sent.losses), (None, vec![format!("tools.{kind}: dropped")]));
    }
    let searched =
        plain(json!({"tools": [{"type": "tool_search_tool_regex_20251119", "name": "s"}, tool("t", object())]}));
    assert_eq!(searched.body["tools"].as_array().unwrap().len(), 1);
}
