//! Everything beside the conversation and the tools.

use super::*;

fn thinking(model: &str, body: Value) -> (Value, Vec<String>) {
    let sent = send(model, body);
    (sent.body["generationConfig"]["thinkingConfig"].clone(), sent.losses)
}

fn asked(thinking: &str, effort: Option<&str>) -> Value {
    let mut body = json!({"thinking": {"type": thinking}});
    if thinking == "enabled" {
        body["thinking"]["budget_tokens"] = json!(4000);
        body["max_tokens"] = json!(9000);
    }
    if let Some(effort) = effort {
        body["output_config"] = json!({"effort": effort});
    }
    body
}

/// Case 27: what is asked of thinking, in the words of each generation.
#[test]
fn thinking_is_a_level_since_gemini_3_and_a_budget_before() {
    let level = |level: &str| json!({"includeThoughts": true, "thinkingLevel": level});
    let budget = |tokens: i64| json!({"includeThoughts": true, "thinkingBudget": tokens});
    for (model, body, config, loss) in [
        (PRO, asked("adaptive", None), json!({"includeThoughts": true}), ""),
        (PRO, asked("adaptive", Some("low")), level("LOW"), ""),
        (PRO, asked("adaptive", Some("medium")), level("HIGH"), "output_config.effort: sent as high"),
        ("gemini-3.1-pro", asked("adaptive", Some("medium")), level("MEDIUM"), ""),
        ("gemini-3-flash", asked("adaptive", Some("max")), level("HIGH"), "output_config.effort: sent as high"),
        (
            "gemini-flash-latest",
            asked("enabled", None),
            level("MEDIUM"),
            "thinking.budget_tokens: sent as level medium",
        ),
        (
            PRO,
            asked("disabled", None),
            json!({"thinkingLevel": "LOW"}),
            "thinking: cannot be switched off: sent with the lowest level",
        ),
        (
            "models/gemini-3-flash",
            asked("disabled", None),
            json!({"thinkingLevel": "MINIMAL"}),
            "thinking: cannot be switched off: sent with the lowest level",
        ),
        (
            "gemini-3.7-flash",
            asked("disabled", None),
            json!({"thinkingLevel": "LOW"}),
            "thinking: cannot be switched off: sent with the lowest level",
        ),
        (FLASH_2_5, asked("adaptive", None), budget(-1), ""),
        (FLASH_2_5, asked("enabled", None), budget(4000), ""),
        (
            FLASH_2_5,
            asked("adaptive", Some("medium")),
            budget(8192),
            "output_config.effort: sent as a budget of 8192 tokens",
        ),
        (FLASH_2_5, asked("disabled", None), json!({"thinkingBudget": 0}), ""),
        (
            "gemini-2.5-pro",
            asked("disabled", None),
            json!({"thinkingBudget": 128}),
            "thinking: cannot be switched off: sent with a budget of 128 tokens",
        ),
        ("gemini-2.0-flash", asked("adaptive", None), Value::Null, "thinking: left to the model"),
        ("gemini-2.0-flash", asked("disabled", None), Value::Null, ""),
        ("my-model", asked("adaptive", Some("low")), Value::Null, "thinking: left to the model"),
        (PRO, json!({}), Value::Null, ""),
        (PRO, json!({"output_config": {"effort": "high"}}), level("HIGH"), ""),
    ] {
        let (found, losses) = thinking(model, body.clone());
        assert_eq!((found, losses.first().map_or("", String::as_str)), (config, loss), "{model} {body}");
    }
}

#[test]
fn a_budget_stays_within_what_the_model_takes() {
    let body = json!({"thinking": {"type": "enabled", "budget_tokens": 60_000}, "max_tokens": 64_000});
    let (config, losses) = thinking("gemini-2.5-pro", body.clone());
    assert_eq!(config["thinkingBudget"], 32_768);
    assert_eq!(losses, ["thinking.budget_tokens: clamped to 32768"]);
    assert_eq!(thinking("gemini-2.5-flash-lite", body).0["thinkingBudget"], 24_576);
}

#[test]
fn what_is_known_of_a_model_wins_over_its_name() {
    let known = Capabilities {
        thinking: Some(crate::capabilities::Thinks::Never),
        sampling: Some(false),
        stop: Some(false),
        max_output: Some(100),
        ..Capabilities::default()
    };
    let body = json!({"thinking": {"type": "adaptive"}, "temperature": 1.0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["a"]});
    let sent = try_send(&known, PRO, body).unwrap();
    assert_eq!(sent.body["generationConfig"], json!({"maxOutputTokens": 100}));
    let lost = ["temperature", "top_p", "top_k"].map(|name| format!("{name}: dropped"));
    assert!(lost.iter().all(|loss| sent.losses.contains(loss)), "{:?}", sent.losses);
    for loss in ["thinking: left to the model", "stop_sequences: dropped", "max_tokens: clamped to 100"] {
        assert!(sent.losses.contains(&loss.to_owned()), "{:?}", sent.losses);
    }
    let without = Capabilities { effort: Some(false), ..Capabilities::default() };
    let sent = try_send(&without, PRO, asked("adaptive", Some("low"))).unwrap();
    assert_eq!(sent.body["generationConfig"]["thinkingConfig"], json!({"includeThoughts": true}));
    assert_eq!(sent.losses, ["output_config.effort: dropped"]);
}

/// Case 23: a limit over what the model gives, and one of nothing.
#[test]
fn no_answer_at_all_cannot_be_asked_for() {
    let known = Capabilities::default();
    assert!(unfit(&known, PRO, json!({"max_tokens": 0})).starts_with("max_tokens: "));
}

/// Case 29: more texts that end the answer than are taken.
#[test]
fn the_first_five_stop_texts_are_sent() {
    let sent = send(PRO, json!({"stop_sequences": ["1", "2", "3", "4", "5", "6"]}));
    assert_eq!(sent.body["generationConfig"]["stopSequences"], json!(["1", "2", "3", "4", "5"]));
    assert_eq!(sent.losses, ["stop_sequences: dropped after the first 5"]);
}

#[test]
fn the_form_of_the_answer_is_bound_where_the_model_can_be() {
    let schema = json!({"type": "object", "properties": {"b": {"type": "integer"}, "a": {"const": 1}}, "additionalProperties": false});
    let body =
        |tools: Value| json!({"tools": tools, "output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let tool = || json!([{"name": "t", "input_schema": {"type": "object"}}]);
    for (model, tools) in [(FLASH_2_5, json!([])), (PRO, tool())] {
        let sent = send(model, body(tools));
        let config = &sent.body["generationConfig"];
        assert_eq!((&config["responseMimeType"], &config["responseJsonSchema"]), (&json!("application/json"), &schema));
        assert!(sent.text.contains(&schema.to_string()), "the order of its members is kept");
        assert_eq!(sent.losses, Vec::<String>::new());
    }
    let told =
        |sent: &Sent| sent.body["systemInstruction"]["parts"][0]["text"].as_str().unwrap().contains("\"const\":1");
    let sent = send(FLASH_2_5, body(tool()));
    assert!(told(&sent) && sent.body["generationConfig"].get("responseMimeType").is_none());
    assert_eq!(sent.losses, ["output_config.format: sent as an instruction"]);
    let known = Capabilities { schemas: Some(false), ..Capabilities::default() };
    let sent = try_send(&known, PRO, body(json!([]))).unwrap();
    assert!(told(&sent) && sent.body["generationConfig"]["responseMimeType"] == "application/json");
}

/// Cases 20, 21 and 30: what Gemini has no word for is a loss, and what the answer depends on makes the request unfit.
#[test]
fn what_has_no_place_is_lost_or_makes_the_request_unfit() {
    let sent = send(
        PRO,
        json!({"metadata": {"user_id": "u"}, "context_management": {"edits": []}, "novel": 1, "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]}),
    );
    for loss in [
        "metadata.user_id: dropped",
        "context_management: dropped",
        "novel: dropped",
        "cache_control: left to the provider",
    ] {
        assert!(sent.losses.contains(&loss.to_owned()), "{loss}: {:?}", sent.losses);
    }
    let known = Capabilities::default();
    let servers = || json!({"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]});
    assert!(unfit(&known, PRO, servers()).starts_with("mcp_servers: "));
    let dropping = Capabilities { drop_server_tools: Some(true), ..Capabilities::default() };
    assert_eq!(try_send(&dropping, PRO, servers()).unwrap().losses, ["mcp_servers: dropped"]);
    assert!(unfit(&known, PRO, json!({"thread": {"type": "continue"}})).starts_with("thread: "));
}

/// Case 9: a search that the client counts on is not passed over.
#[test]
fn a_search_that_is_asked_for_otherwise_makes_the_request_unfit() {
    let mut request = request(json!({}));
    request.others.push(("web_search_options".to_owned(), crate::canon::Json::empty_object()));
    let sent = |known: &Capabilities, losses: &mut Losses| encode_request(&request, known, PRO, losses).map(drop);
    let mut losses = Losses::new();
    let why = sent(&Capabilities::default(), &mut losses).unwrap_err();
    assert_eq!(why.to_string(), "web_search_options: its search is asked otherwise");
    let dropping = Capabilities { drop_server_tools: Some(true), ..Capabilities::default() };
    sent(&dropping, &mut losses).unwrap();
    assert_eq!(losses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["web_search_options: dropped"]);
}

#[test]
fn members_of_other_dialects_that_mean_the_same_are_sent() {
    let mut request = request(json!({}));
    for (name, value) in [("seed", "7"), ("presence_penalty", "0.5"), ("frequency_penalty", "1"), ("logit_bias", "{}")]
    {
        request.others.push((name.to_owned(), crate::canon::Json::from_text(value.to_owned()).unwrap()));
    }
    let mut losses = Losses::new();
    let encoded = encode_request(&request, &Capabilities::default(), PRO, &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    let config = json!({"maxOutputTokens": 1000, "seed": 7, "presencePenalty": 0.5, "frequencyPenalty": 1});
    assert_eq!(body["generationConfig"], config);
    assert_eq!(losses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["logit_bias: dropped"]);
}

#[test]
fn members_that_are_refused_are_left_out_and_a_prompt_without_room_is_not_sent() {
    use crate::capabilities::{Member, Refused};
    let picky = Capabilities { refused: Refused::these(&[Member::TopK]), context: Some(3), ..Capabilities::default() };
    let sent = try_send(&picky, PRO, json!({"temperature": 1.0, "top_k": 3})).unwrap();
    assert_eq!((sent.body["generationConfig"].get("topK"), sent.losses), (None, vec!["top_k: dropped".to_owned()]));
    let long = json!({"messages": [{"role": "user", "content": "one two three four"}]});
    assert_eq!(unfit(&picky, PRO, long), "messages: prompt is too long: 4 tokens > 3 maximum");
}
