//! Tools, sampling, thinking and the form of the answer.

use super::*;
use crate::capabilities::{Member, Refused};

#[test]
fn a_plain_request_is_written_as_anthropic_takes_it() {
    let request = Request {
        system: vec![Text { text: "Be brief.".to_owned(), cache: None }],
        stream: true,
        user: Some("u".to_owned()),
        stop: vec!["END".to_owned()],
        temperature: Some(0.5),
        ..asking(vec![user("Hi")])
    };
    let mut losses = Losses::new();
    let body =
        encode_request(&request, &Capabilities::of_model("claude-opus-4-6"), "claude-opus-4-6", &mut losses).unwrap();
    let expected = concat!(
        r#"{"model":"claude-opus-4-6","max_tokens":20000,"stream":true,"system":[{"type":"text","text":"Be brief."}],"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"temperature":0.5,"#,
        r#""stop_sequences":["END"],"metadata":{"user_id":"u"}}"#,
    );
    assert_eq!((std::str::from_utf8(&body).unwrap(), losses), (expected, Losses::new()));
}

/// Case 11: a model that called without signed thinking is not asked to think on a budget.
#[test]
fn a_model_that_called_without_signed_thinking_is_not_asked_to_think_on_a_budget() {
    let thought = Part::Thinking(Thought { text: "hm".to_owned(), signature: Some("EqQB".to_owned()) });
    let going_on = |mut parts: Vec<Part>| {
        parts.push(call("a", "x", "{}"));
        let turns = vec![user("q"), turn(Role::Assistant, parts), turn(Role::User, vec![result("a", vec![])])];
        Request { thinking: Some(Thinking::Budget(4096)), ..asking(turns) }
    };
    let (body, losses) = encode(&going_on(vec![]), "claude-opus-4-5");
    assert_eq!(body.get("thinking"), None);
    assert_eq!(losses, ["thinking: dropped: what the model thought before its last calls is not there"]);
    let (body, losses) = encode(&going_on(vec![thought]), "claude-opus-4-5");
    assert_eq!((&body["thinking"]["budget_tokens"], losses), (&json!(4096), vec![]));
}

/// Case 15: a tool whose name Anthropic refuses is not sent there.
#[test]
fn a_tool_whose_name_anthropic_refuses_is_not_sent_there() {
    let why = |name: &str| {
        let request = Request { tools: vec![tool(name, "{}")], ..asking(vec![user("q")]) };
        try_encode(&request, "claude-opus-5").err().map(|unfit| unfit.to_string())
    };
    let refused = Some("tools.name: Anthropic takes 1 to 128 letters, digits, _ and -".to_owned());
    assert_eq!((why("mcp__a-b"), why("a.b"), why("ä"), why("")), (None, refused.clone(), refused.clone(), refused));
}

/// Case 17: what Anthropic refuses of a schema, at its root or of a tool that is bound to it.
#[test]
fn schemas_of_tools_are_put_as_anthropic_takes_them() {
    let sent = |schema: &str, strict: Option<bool>| {
        let Tool::Custom { name, description, schema, cache, .. } = tool("x", schema) else { unreachable!() };
        let tools = vec![Tool::Custom { name, description, schema, strict, cache }];
        let (body, losses) = encode(&Request { tools, ..asking(vec![user("q")]) }, "claude-opus-5");
        let told = &body["tools"][0];
        (told["input_schema"].clone(), told.get("strict").cloned(), losses.join("; "))
    };
    let either = r#"{"type":"object","properties":{"a":{},"b":{}},"oneOf":[{"required":["a"]},{"required":["b"]}]}"#;
    let merged = json!({"type": "object", "properties": {"a": {}, "b": {}}});
    let lost = "tools.input_schema: alternatives at its root merged".to_owned();
    assert_eq!(sent(either, None), (merged.clone(), None, lost.clone()));
    assert_eq!(
        sent(r#"{"type":["object","null"],"properties":{}}"#, None).0,
        json!({"type": "object", "properties": {}})
    );
    let closed = r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;
    assert_eq!(sent(closed, Some(true)), (raw(closed).value(), Some(json!(true)), String::new()));
    assert_eq!(sent(closed, Some(false)), (raw(closed).value(), None, String::new()));
    let least = closed.replace("\"string\"", "\"string\",\"minLength\":1");
    assert_eq!(sent(&least, Some(true)), (raw(&least).value(), None, "tools.strict: dropped".to_owned()));
}

/// Cases 17, 18 and 19: schemas and inputs are sent letter for letter but for a missing type.
#[test]
fn schemas_and_inputs_are_sent_letter_for_letter_but_for_a_missing_type() {
    let input = r#"{ "z": 1.0, "a": 1e3, "n": 123456789012345678901234567890, "h": "\ud83d" }"#;
    let table = [
        (r#"{"type": "object", "b": true, "a": false}"#, r#"{"type": "object", "b": true, "a": false}"#),
        (r#"{ "properties": {"z": 1e3}}"#, r#"{"type":"object","properties":{"z": 1e3}}"#),
        ("{ }", r#"{"type":"object"}"#),
        ("true", r#"{"type":"object"}"#),
        (r#"{"type":null}"#, r#"{"type":"object"}"#),
    ];
    for (given, sent) in table {
        let calls = turn(Role::Assistant, vec![call("a", "x", input)]);
        let request = Request {
            tools: vec![tool("x", given)],
            ..asking(vec![user("q"), calls, turn(Role::User, vec![result("a", vec![])])])
        };
        let body = encode_request(&request, &Capabilities::UNKNOWN, "claude-opus-5", &mut Losses::new()).unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.contains(&format!(r#""input_schema":{sent}}}"#)), "{body}");
        assert!(body.contains(&format!(r#""input":{input}}}"#)), "{body}");
    }
}

/// Case 20: what Anthropic has nothing for is named or keeps the request away.
#[test]
fn what_anthropic_has_nothing_for_is_named_or_keeps_the_request_away() {
    let with = |name: &str, value: &str| {
        let others = vec![(name.to_owned(), raw(value))];
        try_encode(&Request { others, ..asking(vec![user("q")]) }, "claude-opus-5").map(|(_, losses)| losses)
    };
    assert_eq!(with("seed", "7"), Ok(vec!["seed: dropped".to_owned()]));
    for (name, value) in [("web_search_options", "{}"), ("previous_response_id", "\"r\"")] {
        assert_eq!(with(name, value).unwrap_err().what, name);
    }
    let odd = Part::Other { kind: "input_audio".to_owned(), raw: raw("{}") };
    let refused = try_encode(&asking(vec![turn(Role::User, vec![odd])]), "claude-opus-5").unwrap_err();
    assert_eq!(refused.what, "messages.content.input_audio");
    let tools = vec![Tool::Other { kind: "web_search".to_owned(), name: None, raw: raw("{}") }];
    let refused = try_encode(&Request { tools, ..asking(vec![user("q")]) }, "claude-opus-5").unwrap_err();
    assert_eq!(refused.what, "tools.web_search");
}

/// Case 23: an answer without a limit gets one.
#[test]
fn an_answer_without_a_limit_gets_one() {
    let (body, losses) = encode(&Request { max_tokens: None, ..asking(vec![user("q")]) }, "claude-opus-5");
    assert_eq!((&body["max_tokens"], losses), (&json!(DEFAULT_MAX_TOKENS), vec![]));
}

/// Case 25: a temperature goes only to models that take one.
#[test]
fn a_temperature_goes_only_to_models_that_take_one() {
    let warm = |temperature, model| {
        let (body, losses) = encode(&Request { temperature: Some(temperature), ..asking(vec![user("q")]) }, model);
        (body.get("temperature").and_then(Value::as_f64), losses.join("; "))
    };
    assert_eq!(warm(0.5, "claude-sonnet-4-6"), (Some(0.5), String::new()));
    assert_eq!(warm(1.5, "claude-sonnet-4-6"), (Some(1.0), "temperature: clamped to 1".to_owned()));
    assert_eq!(warm(0.5, "claude-opus-5"), (None, "temperature: dropped".to_owned()));
    assert_eq!(warm(1.0, "claude-opus-5"), (None, String::new()), "1 is what it has anyway");
}

/// Case 25: many models refuse both ways to sample at once, and clients name what is so anyway.
#[test]
fn a_share_of_everything_is_not_sent_beside_a_temperature() {
    let sampled = |temperature, top_p| {
        let (body, losses) = encode(&Request { temperature, top_p, ..asking(vec![user("q")]) }, "claude-sonnet-4-5");
        (body.get("temperature").cloned(), body.get("top_p").cloned(), losses.len())
    };
    assert_eq!(sampled(Some(0.5), Some(1.0)), (Some(json!(0.5)), None, 0));
    assert_eq!(sampled(None, Some(1.0)), (None, Some(json!(1.0)), 0));
    assert_eq!(sampled(Some(0.5), Some(0.9)), (Some(json!(0.5)), Some(json!(0.9)), 0), "which of them, nobody knows");
}

/// Case 26: a call is forced only where that is allowed.
#[test]
fn a_call_is_forced_only_where_that_is_allowed() {
    let choose = |choice: Option<ToolChoice>, parallel_tools, thinking, model| {
        let tools = vec![tool("x", "{}")];
        let request = Request { tools, tool_choice: choice, parallel_tools, thinking, ..asking(vec![user("q")]) };
        let (body, losses) = encode(&request, model);
        (body.get("tool_choice").cloned(), losses.join("; "))
    };
    let lost = || "tool_choice: sent as auto".to_owned();
    let auto = || Some(json!({"type": "auto"}));
    let any = || Some(ToolChoice::Any);
    assert_eq!(choose(any(), None, None, "claude-opus-5"), (Some(json!({"type": "any"})), String::new()));
    assert_eq!(choose(any(), None, None, "claude-opus-5-5"), (auto(), lost()));
    let forced = || Some(json!({"type": "any"}));
    let off = || "thinking: switched off, for a tool is forced".to_owned();
    assert_eq!(choose(any(), None, Some(Thinking::Budget(2048)), "claude-opus-4-5"), (forced(), off()));
    assert_eq!(choose(any(), None, Some(Thinking::Budget(2048)), "claude-opus-4-6"), (forced(), off()));
    assert_eq!(choose(any(), None, Some(Thinking::Adaptive), "claude-opus-4-6"), (forced(), String::new()));
    let named = Some(ToolChoice::Tool("x".to_owned()));
    let one = json!({"type": "tool", "name": "x", "disable_parallel_tool_use": true});
    assert_eq!(choose(named, Some(false), None, "claude-opus-5"), (Some(one), String::new()));
    let auto_alone = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choose(None, Some(false), None, "claude-opus-5"), (Some(auto_alone), String::new()));
    assert_eq!(
        choose(Some(ToolChoice::None), Some(true), None, "claude-opus-5"),
        (Some(json!({"type": "none"})), String::new())
    );
    let (body, _) = encode(&Request { tool_choice: any(), ..asking(vec![user("q")]) }, "claude-opus-5");
    assert_eq!(body.get("tool_choice"), None, "there is no tool");
}

/// Case 27: thinking is asked for as the model takes it.
#[test]
fn thinking_is_asked_for_as_the_model_takes_it() {
    use Effort::{High, Minimal, None as Nothing};
    use Thinking::{Adaptive, Budget, Disabled};
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let adaptive = || json!({"type": "adaptive"});
    let table = [
        (
            Some(Adaptive),
            None,
            "claude-opus-4-5",
            budget(8192),
            Value::Null,
            "thinking: sent with a budget of 8192 tokens",
        ),
        (
            None,
            Some(High),
            "claude-opus-4-5",
            budget(16_384),
            Value::Null,
            "thinking: sent with a budget of 16384 tokens",
        ),
        (Some(Budget(2000)), Some(High), "claude-opus-4-5", budget(2000), Value::Null, "effort: dropped"),
        (
            Some(Budget(90_000)),
            None,
            "claude-opus-4-6",
            budget(19_999),
            Value::Null,
            "thinking: clamped to 19999 tokens",
        ),
        (Some(Budget(2000)), None, "claude-opus-4-7", adaptive(), Value::Null, "thinking: sent as adaptive"),
        (None, Some(High), "claude-opus-5", adaptive(), json!("high"), ""),
        (None, Some(Minimal), "claude-opus-5", adaptive(), json!("low"), "effort: sent as low"),
        (None, Some(Nothing), "claude-opus-5", json!({"type": "disabled"}), Value::Null, ""),
        (
            Some(Disabled),
            None,
            "claude-opus-5-5",
            Value::Null,
            Value::Null,
            "thinking: the model cannot be told not to think",
        ),
        (
            Some(Disabled),
            None,
            "claude-sonnet-5-5",
            json!({"type": "between_tools"}),
            Value::Null,
            "thinking: sent as between_tools",
        ),
        (None, None, "claude-opus-5", Value::Null, Value::Null, ""),
    ];
    for (thinking, effort, model, expected, word, lost) in table {
        let (body, losses) = encode(&Request { thinking, effort, ..asking(vec![user("q")]) }, model);
        let told = (body["thinking"].clone(), body["output_config"]["effort"].clone(), losses.join("; "));
        assert_eq!(told, (expected, word, lost.to_owned()), "{thinking:?} {effort:?} {model}");
    }
    let short = Request { thinking: Some(Budget(2000)), max_tokens: Some(500), ..asking(vec![user("q")]) };
    let begun = asking(vec![user("q"), turn(Role::Assistant, vec![text("{")])]);
    let begun = Request { thinking: Some(Budget(2000)), ..begun };
    for request in [short, begun] {
        let (body, losses) = encode(&request, "claude-opus-4-5");
        assert_eq!((body.get("thinking"), losses.len()), (None, 1));
    }
}

/// Case 29: stop texts of white space are left out.
#[test]
fn stop_texts_of_white_space_are_left_out() {
    let stop = ["a", " ", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let (body, losses) = encode(&Request { stop, ..asking(vec![user("q")]) }, "claude-opus-5");
    assert_eq!(body["stop_sequences"], json!(["a", "b", "c", "d", "e"]));
    assert_eq!(losses, ["stop: those of white space alone dropped"]);
}

/// Case 30: no more breakpoints are set than Anthropic takes.
#[test]
fn no_more_breakpoints_are_set_than_anthropic_takes() {
    let marked = |words: &str| Text { text: words.to_owned(), cache: Some(Cache::Long) };
    let request = Request {
        system: vec![marked("a"), marked("b")],
        ..asking(vec![turn(Role::User, ["c", "d", "e"].map(|words| Part::Text(marked(words))).to_vec())])
    };
    let (body, losses) = encode(&request, "claude-opus-5");
    assert_eq!(body.to_string().matches(r#""ttl":"1h""#).count(), 4);
    assert_eq!(losses, ["cache_control: more than 4 breakpoints, the later ones dropped"]);
}

/// Case 30: clients of vendors that cache by themselves set no breakpoints, and want the cache all the same.
#[test]
fn a_conversation_without_breakpoints_is_given_some() {
    let breakpoints = |request: &Request, known: &Capabilities| {
        let mut losses = Losses::new();
        let body = encode_request(request, known, "claude-opus-5", &mut losses).unwrap();
        assert!(losses.is_empty(), "{losses:?}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        let marked = |block: &Value| block.get("cache_control").is_some();
        let system = body["system"].as_array().map_or(0, |texts| texts.iter().filter(|text| marked(text)).count());
        let messages = body["messages"].as_array().unwrap();
        let blocks = |message: &Value| message["content"].as_array().unwrap().iter().map(marked).collect::<Vec<_>>();
        (system, messages.iter().map(blocks).collect::<Vec<_>>())
    };
    let known = Capabilities::of_model("claude-opus-5");
    let system = vec![Text { text: "Be.".to_owned(), cache: None }; 2];
    let tools = vec![tool("x", "{}")];
    let once = Request { system: system.clone(), ..asking(vec![user("q")]) };
    assert_eq!(breakpoints(&once, &known), (0, vec![vec![false]]), "a single question");
    let agent = Request { tools: tools.clone(), ..once.clone() };
    assert_eq!(breakpoints(&agent, &known), (1, vec![vec![true]]));
    let image = Part::Image(Image {
        source: Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() },
        detail: None,
        cache: None,
    });
    let results = turn(Role::User, vec![result("a", vec![text("r"), image])]);
    let turns = vec![user("q"), turn(Role::Assistant, vec![text("I call."), call("a", "x", "{}")]), results];
    let going_on = Request { turns, ..agent.clone() };
    assert_eq!(breakpoints(&going_on, &known), (1, vec![vec![false], vec![false, false], vec![true]]));
    let marked = vec![Text { text: "Be.".to_owned(), cache: Some(Cache::Short) }];
    assert_eq!(
        breakpoints(&Request { system: marked, ..going_on.clone() }, &known).1[2],
        [false],
        "as the client says"
    );
    let without = Capabilities { refused: Refused::these(&[Member::CacheControl]), ..known };
    assert_eq!(breakpoints(&going_on, &without), (0, vec![vec![false], vec![false, false], vec![false]]));
}

#[test]
fn the_form_of_the_answer_is_asked_for() {
    let formed = |schema: &str| {
        let format = Format::JsonSchema { name: Some("x".to_owned()), schema: raw(schema), strict: Some(true) };
        encode(&Request { format: Some(format), ..asking(vec![user("q")]) }, "claude-opus-5")
    };
    let closed = r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;
    let (body, losses) = formed(closed);
    assert_eq!(body["output_config"]["format"], json!({"type": "json_schema", "schema": raw(closed).value()}));
    assert_eq!(losses, [""; 0]);
    let (body, losses) = formed(&closed.replace("\"string\"", "\"string\",\"minLength\":1"));
    assert_eq!(body["output_config"]["format"]["schema"]["properties"]["a"]["description"], "(minLength: 1)");
    assert_eq!(losses, ["response_format: bound to what of its schema can be, the rest told"]);
    let (body, losses) = formed(r#"{"type":"object","additionalProperties":{"type":"string"}}"#);
    assert_eq!(body.get("output_config"), None);
    assert!(body["system"][0]["text"].as_str().unwrap().contains("\"additionalProperties\""));
    assert_eq!(losses, ["response_format: sent as an instruction"]);
    let (body, losses) =
        encode(&Request { format: Some(Format::JsonObject), ..asking(vec![user("q")]) }, "claude-opus-5");
    assert!(body["system"][0]["text"].as_str().unwrap().contains("one JSON object"));
    assert_eq!(losses, ["response_format: sent as an instruction"]);
}

#[test]
fn a_tool_of_another_vendor_makes_the_request_unfit_unless_it_may_be_left_out() {
    use crate::canon::{Json, Role, Text, Tool, Turn};
    let search = Tool::Other { kind: "web_search".to_owned(), name: None, raw: Json::empty_object() };
    let hi = Part::Text(Text { text: "Hi".to_owned(), cache: None });
    let mut request = Request {
        model: "m".to_owned(),
        tools: vec![search],
        turns: vec![Turn { role: Role::User, parts: vec![hi] }],
        tool_choice: Some(ToolChoice::Any),
        ..Request::default()
    };
    let drops = Capabilities { drop_server_tools: Some(true), ..Capabilities::default() };
    let sent = |request: &Request, known: &Capabilities| {
        let mut losses = Losses::new();
        let body = encode_request(request, known, "claude-opus-4-8", &mut losses);
        body.map(|body| (serde_json::from_slice::<Value>(&body).unwrap(), losses))
    };
    assert_eq!(sent(&request, &Capabilities::default()).unwrap_err().what, "tools.web_search");
    let (body, losses) = sent(&request, &drops).unwrap();
    assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
    assert!(losses.iter().any(|loss| loss.what == "tools.web_search"), "{losses:?}");
    request.others = vec![("web_search_options".to_owned(), Json::empty_object())];
    request.tools.clear();
    assert!(sent(&request, &Capabilities::default()).is_err() && sent(&request, &drops).is_ok());
}
