//! Limits, sampling, thinking, formats, tools, and members without a place.

use super::*;
use crate::capabilities::{Member, Refused};

#[test]
fn the_limit_is_kept_within_what_is_taken() {
    assert_eq!(send(json!({})).body["max_output_tokens"], 1000);
    let small = Capabilities { max_output: Some(500), ..thinking() };
    let sent = send_to(&small, json!({}));
    assert_eq!(
        (&sent.body["max_output_tokens"], sent.losses),
        (&json!(500), vec!["max_tokens: clamped to 500".to_owned()])
    );
}

/// Case 23: fewer than 16 tokens are refused, and there is no warming of the cache.
#[test]
fn a_limit_below_sixteen_is_raised() {
    let sent = send(json!({"max_tokens": 1}));
    assert_eq!(
        (&sent.body["max_output_tokens"], sent.losses),
        (&json!(16), vec!["max_tokens: raised to 16".to_owned()])
    );
    let why = "max_tokens: only Anthropic's cache can be warmed without an answer";
    assert_eq!(unfit(&thinking(), json!({"max_tokens": 0})), why);
}

/// Cases 25 and 29: stop texts and `top_k` have no place, sampling only with models that take it.
#[test]
fn sampling_is_sent_to_models_that_take_it() {
    let body = json!({"temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END"]});
    let sent = send(body.clone());
    assert_eq!((&sent.body["temperature"], &sent.body["top_p"]), (&json!(0.5), &json!(0.9)));
    assert_eq!(sent.losses, ["top_k: dropped", "stop_sequences: dropped"]);
    let sent = send_to(&Capabilities { sampling: Some(false), ..thinking() }, body);
    assert_eq!((sent.body.get("temperature"), sent.body.get("top_p")), (None, None));
    assert_eq!(sent.losses.len(), 4);
}

/// Case 27: thinking by what the model can be told.
#[test]
fn thinking_is_asked_for_as_the_model_can_be_told() {
    let known = |thinks| Capabilities { thinking: Some(thinks), ..Capabilities::default() };
    let nothing = Capabilities::default();
    let budget = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    let effort = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}});
    let off = json!({"thinking": {"type": "disabled"}});
    let auto = |effort: &str| json!({"effort": effort, "summary": "auto"});
    let table = [
        (nothing, json!({}), Value::Null, false, 0),
        (nothing, off.clone(), Value::Null, false, 1),
        (nothing, effort.clone(), auto("max"), true, 0),
        (nothing, json!({"thinking": {"type": "adaptive"}}), json!({"summary": "auto"}), true, 0),
        (thinking(), json!({}), Value::Null, true, 0),
        (thinking(), budget(2_000), auto("low"), true, 1),
        (thinking(), budget(8_000), auto("medium"), true, 1),
        (thinking(), off.clone(), json!({"effort": "none"}), false, 0),
        (known(Thinks::Always), off.clone(), Value::Null, true, 1),
        (known(Thinks::Never), off, Value::Null, false, 0),
        (known(Thinks::Never), effort.clone(), Value::Null, false, 1),
        (Capabilities { effort: Some(false), ..thinking() }, effort, json!({"summary": "auto"}), true, 1),
    ];
    for (capabilities, body, reasoning, sealed, losses) in table {
        let sent = send_to(&capabilities, body.clone());
        let found = sent.body.get("reasoning").cloned().unwrap_or_default();
        assert_eq!(found, reasoning, "{capabilities:?} {body}");
        assert_eq!(sent.body.get("include").is_some(), sealed, "{capabilities:?} {body}");
        assert_eq!(sent.losses.len(), losses, "{capabilities:?} {body}: {:?}", sent.losses);
    }
}

#[test]
fn a_summary_that_is_refused_is_not_asked_for_and_the_model_thinks_all_the_same() {
    let mute = Capabilities { refused: Refused::these(&[Member::ReasoningSummary]), ..thinking() };
    let body = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}});
    let sent = send_to(&mute, body);
    assert_eq!((&sent.body["reasoning"], sent.body.get("include").is_some()), (&json!({"effort": "high"}), true));
    let unknown = Capabilities { thinking: None, ..mute };
    assert_eq!(send_to(&unknown, json!({"thinking": {"type": "adaptive"}})).body.get("reasoning"), None);
}

/// Case 26: a tool that cannot be forced.
#[test]
fn a_forced_call_gives_way_to_what_the_model_can() {
    let body = |choice: Value| {
        let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object", "properties": {}}});
        json!({"tools": [tool("a"), tool("b")], "tool_choice": choice, "thinking": {"type": "adaptive"}})
    };
    let forced = |forced| Capabilities { forced_tools: Some(forced), ..thinking() };
    let one = json!({"type": "tool", "name": "a"});
    assert_eq!(send(body(one.clone())).body["tool_choice"], json!({"type": "function", "name": "a"}));
    assert_eq!(send(body(json!({"type": "any"}))).body["tool_choice"], "required");
    assert_eq!(send(body(json!({"type": "none"}))).body["tool_choice"], "none");
    let sent = send_to(&forced(Forced::No), body(one.clone()));
    assert_eq!((&sent.body["tool_choice"], &sent.losses[0]), (&json!("auto"), &"tool_choice: sent as auto".to_owned()));
    assert_eq!(send_to(&forced(Forced::SomeTool), body(json!({"type": "any"}))).body["tool_choice"], "required");
    let sent = send_to(&forced(Forced::WithoutThinking), body(one));
    assert_eq!((&sent.body["reasoning"], sent.losses.len()), (&json!({"effort": "none"}), 1));
}

/// Case 17: schemas that are refused are mended, and what is not said of `strict` is said.
#[test]
fn tools_are_flat_and_always_say_whether_they_are_strict() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let sent = send(json!({"tools": [
        {"name": "a", "description": "d", "input_schema": {"properties": {"z": {}}}},
        {"name": "b", "strict": true, "input_schema": closed},
        {"name": "c", "strict": true, "input_schema": {"type": "object", "properties": {}}},
        {"type": "bash_20250124", "name": "bash"},
    ], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}));
    let first = json!({"type": "function", "name": "a", "description": "d", "parameters": {"properties": {"z": {}}, "type": "object"}, "strict": false});
    assert_eq!(sent.body["tools"][0], first);
    let strict: Vec<&Value> = sent.body["tools"].as_array().unwrap().iter().map(|tool| &tool["strict"]).collect();
    assert_eq!(strict, [false, true, false, false]);
    assert_eq!(sent.body["parallel_tool_calls"], false);
    assert_eq!(sent.losses, ["tools.strict: dropped", "tools.bash_20250124: sent as a function"]);
    let none = Capabilities { tools: Some(false), ..thinking() };
    assert_eq!(unfit(&none, json!({"tools": [{"name": "a", "input_schema": {}}]})), "tools: the model takes no tools");
}

/// Case 18: what is only carried stays the text that it was.
#[test]
fn schemas_and_inputs_keep_their_text() {
    let schema = r#"{"type":"object","properties":{"z":{"maximum":1e3},"a":{"minimum":1.0}}}"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":99,"tools":[{{"name":"t","input_schema":{schema}}}],"messages":[{{"role":"user","content":"?"}},
        {{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"t","input":{{"z": 1.0, "a": -0}}}}]}}]}}"#
    );
    let request = crate::anthropic::canon::decode_request(body.as_bytes()).unwrap();
    let sent = try_send(&request, &thinking()).unwrap();
    assert!(sent.text.contains(schema), "{}", sent.text);
    assert_eq!(sent.body["input"][1]["arguments"], r#"{"z": 1.0, "a": -0}"#);
}

#[test]
fn tools_of_another_vendors_make_the_request_unfit_unless_told_otherwise() {
    let body = json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    let why = "tools.web_search_20250305: only the client's own vendor runs or knows this tool";
    assert_eq!(unfit(&thinking(), body.clone()), why);
    let dropping = Capabilities { drop_server_tools: Some(true), ..thinking() };
    let sent = send_to(&dropping, body);
    assert_eq!((sent.body.get("tools"), sent.losses), (None, vec!["tools.web_search_20250305: dropped".to_owned()]));
}

#[test]
fn a_form_of_the_answer_is_checked_by_the_provider_or_told_to_the_model() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let body = json!({"output_config": {"format": {"type": "json_schema", "schema": closed}}});
    let expected = json!({"format": {"type": "json_schema", "name": "answer", "schema": closed, "strict": true}});
    assert_eq!(send(body.clone()).body["text"], expected);
    let told = send_to(&Capabilities { schemas: Some(false), ..thinking() }, body);
    let said = told.body["input"][0]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(said.ends_with(&closed.to_string()) && told.body["input"][0]["role"] == "developer", "{said}");
    assert_eq!(told.losses, ["output_config.format: sent as an instruction"]);
    let any =
        asked(&json!({"model": "m", "input": "Hi", "text": {"format": {"type": "json_object"}, "verbosity": "low"}}));
    let sent = try_send(&any, &thinking()).unwrap();
    assert_eq!(sent.body["text"], json!({"format": {"type": "json_object"}, "verbosity": "low"}));
    assert!(sent.body["input"][0]["content"][0]["text"].as_str().unwrap().contains("JSON"), "OpenAI wants the word");
}

/// Cases 20 and 66: unknown members are lost by name; what one provider keeps makes the request unfit; the name of the user
/// leaves as a digest.
#[test]
fn members_without_a_place_are_lost_passed_on_or_decisive() {
    let sent = send(
        json!({"context_management": {"edits": []}, "novelty": 1, "metadata": {"user_id": "{\"account\":\"secret\"}"}}),
    );
    assert_eq!(sent.losses, ["context_management: dropped", "novelty: dropped"]);
    assert_eq!(sent.body["safety_identifier"].as_str().unwrap().len(), 16);
    assert!(!sent.text.contains("secret") && !sent.text.contains("novelty") && sent.body["store"] == false);
    let thread = json!({"thread": {"type": "continue", "previous_message_id": "msg_1"}});
    assert_eq!(unfit(&thinking(), thread), "thread: the conversation is kept by another provider");
    let servers = json!({"mcp_servers": [{"type": "url", "url": "https://a", "name": "a"}]});
    assert_eq!(unfit(&thinking(), servers), "mcp_servers: only Anthropic calls them for the client");
    let keyed = asked(&json!({"model": "m", "input": "Hi", "prompt_cache_key": "k"}));
    assert_eq!(try_send(&keyed, &thinking()).unwrap().body["prompt_cache_key"], "k");
}
