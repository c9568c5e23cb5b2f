//! Limits, sampling, thinking, formats, and members without a place.

use super::*;

/// Case 23: limits.
#[test]
fn the_limit_has_the_name_that_the_provider_knows_and_is_clamped() {
    assert_eq!(plain(json!({})).body["max_tokens"], 1000);
    let sent = send(Vendor::OpenAi, "gpt-5.1", json!({}));
    assert_eq!((sent.body.get("max_tokens"), &sent.body["max_completion_tokens"]), (None, &json!(1000)));
    let traits = Traits { max_output: Some(500), ..Vendor::Unknown.traits() };
    let sent = try_send(&traits, "m", json!({})).unwrap();
    assert_eq!((&sent.body["max_tokens"], sent.losses), (&json!(500), vec!["max_tokens: clamped to 500".to_owned()]));
    let why = "max_tokens: only Anthropic's cache can be warmed without an answer";
    assert_eq!(unfit(Vendor::Unknown, "m", json!({"max_tokens": 0})), why);
}

/// Case 29: stop texts.
#[test]
fn stop_texts_beyond_what_is_taken_are_lost() {
    let body = |count: usize| json!({"stop_sequences": (0..count).map(|at| format!("s{at}")).collect::<Vec<_>>()});
    let sent = plain(body(6));
    assert_eq!(sent.body["stop"], json!(["s0", "s1", "s2", "s3"]));
    assert_eq!(sent.losses, ["stop_sequences: dropped after the first 4"]);
    assert_eq!(send(Vendor::Glm, "glm-5", body(2)).body["stop"], json!(["s0"]));
    let sent = send(Vendor::OpenAi, "gpt-5.1", body(1));
    assert_eq!((sent.body.get("stop"), sent.losses), (None, vec!["stop_sequences: dropped".to_owned()]));
    assert_eq!(send(Vendor::OpenAi, "gpt-4.1", body(1)).losses, Vec::<String>::new());
    let blank = plain(json!({"stop_sequences": ["", "\n\n"]}));
    assert_eq!(blank.body["stop"], json!(["\n\n"]));
}

#[test]
fn sampling_is_sent_to_models_that_take_it() {
    let body = json!({"temperature": 0.5, "top_p": 0.9, "top_k": 40});
    let sent = plain(body.clone());
    assert_eq!(
        (&sent.body["temperature"], &sent.body["top_p"], sent.body.get("top_k")),
        (&json!(0.5), &json!(0.9), None)
    );
    assert_eq!(sent.losses, ["top_k: dropped"]);
    assert_eq!(send(Vendor::Vllm, "m", body.clone()).body["top_k"], 40);
    let sent = send(Vendor::OpenAi, "o4-mini", body);
    assert_eq!((sent.body.get("temperature"), sent.body.get("top_p")), (None, None));
    assert_eq!(sent.losses, ["temperature: dropped", "top_p: dropped", "top_k: dropped"]);
}

/// Case 20: members of OpenAI's two dialects go where they are known.
#[test]
fn members_of_the_other_openai_dialect_are_passed_to_those_who_know_them() {
    let passed = |vendor: Vendor, model: &str| {
        let body = json!({"model": "m", "input": "Hi", "text": {"verbosity": "low"}, "prompt_cache_key": "k", "prompt_cache_retention": "24h"});
        let asked = crate::responses::client::decode_request(body.to_string().as_bytes()).unwrap();
        let mut losses = Losses::new();
        let sent = encode_request(&asked, &vendor.traits(), &Capabilities::UNKNOWN, model, &mut losses).unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        let names = ["verbosity", "prompt_cache_key", "prompt_cache_retention"];
        assert_eq!(names.iter().filter(|name| body.get(**name).is_none()).count(), losses.iter().count(), "{losses:?}");
        names.map(|name| body.get(name).is_some())
    };
    assert_eq!(passed(Vendor::OpenAi, "gpt-5.1"), [true, true, true]);
    assert_eq!(passed(Vendor::OpenAi, "gpt-4o"), [false, true, true]);
    assert_eq!(passed(Vendor::OpenRouter, "openai/gpt-5"), [true, true, false]);
    assert_eq!(passed(Vendor::Unknown, "m"), [false, true, false]);
    assert_eq!(passed(Vendor::Mistral, "m"), [false, false, false]);
}

#[test]
fn thinking_is_asked_for_in_each_vendors_words() {
    let budget = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    let effort = |word: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": word}});
    let off = json!({"thinking": {"type": "disabled"}});
    let members = ["reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget"];
    let table = [
        (Vendor::OpenAi, "gpt-5.1", budget(2_000), json!({"reasoning_effort": "low"}), 1),
        (Vendor::OpenAi, "gpt-5.1", budget(8_000), json!({"reasoning_effort": "medium"}), 1),
        (Vendor::OpenAi, "gpt-5.1", budget(24_000), json!({"reasoning_effort": "high"}), 1),
        (Vendor::OpenAi, "gpt-5.1", budget(30_000), json!({"reasoning_effort": "xhigh"}), 1),
        (Vendor::OpenAi, "gpt-5.1", effort("max"), json!({"reasoning_effort": "max"}), 0),
        (Vendor::OpenAi, "gpt-5.1", off.clone(), json!({"reasoning_effort": "none"}), 0),
        (Vendor::OpenAi, "gpt-5.1", json!({}), json!({}), 0),
        (Vendor::OpenAi, "gpt-4.1", effort("high"), json!({}), 2),
        (Vendor::OpenAi, "gpt-4.1", off.clone(), json!({}), 0),
        (Vendor::OpenRouter, "x/y", budget(5_000), json!({"reasoning": {"max_tokens": 5000}}), 0),
        (Vendor::OpenRouter, "x/y", effort("high"), json!({"reasoning": {"effort": "high"}}), 0),
        (Vendor::OpenRouter, "x/y", off.clone(), json!({"reasoning": {"enabled": false}}), 0),
        (Vendor::DeepSeek, "d", effort("low"), json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}), 1),
        (
            Vendor::DeepSeek,
            "d",
            effort("xhigh"),
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
            1,
        ),
        (Vendor::DeepSeek, "d", off.clone(), json!({"thinking": {"type": "disabled"}}), 0),
        (Vendor::Qwen, "q", budget(5_000), json!({"enable_thinking": true, "thinking_budget": 5000}), 0),
        (Vendor::Qwen, "q", off.clone(), json!({"enable_thinking": false}), 0),
        (Vendor::Kimi, "kimi-k2.6", budget(5_000), json!({"thinking": {"type": "enabled"}}), 1),
        (Vendor::Kimi, "kimi-k3", effort("medium"), json!({"reasoning_effort": "high"}), 1),
        (Vendor::Kimi, "kimi-k2.7-code", off.clone(), json!({}), 1),
        (Vendor::Groq, "openai/gpt-oss-120b", effort("max"), json!({"reasoning_effort": "high"}), 1),
        (Vendor::Groq, "llama-4", effort("max"), json!({}), 2),
        (Vendor::Mistral, "mistral-large", effort("high"), json!({}), 2),
        (Vendor::Ollama, "qwen3", off, json!({"reasoning_effort": "none"}), 0),
    ];
    for (vendor, model, body, expected, losses) in table {
        let sent = send(vendor, model, body.clone());
        let mut found = sent.body.as_object().unwrap().clone();
        found.retain(|name, _| members.contains(&name.as_str()));
        assert_eq!(Value::Object(found), expected, "{vendor:?} {model} {body}");
        assert_eq!(sent.losses.len(), losses, "{vendor:?} {model} {body}: {:?}", sent.losses);
    }
}

#[test]
fn a_form_of_the_answer_is_checked_by_the_provider_or_told_to_the_model() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let body = |schema: &Value| json!({"system": "Be.", "output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let sent = plain(body(&closed));
    let expected = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": closed, "strict": true}});
    assert_eq!(sent.body["response_format"], expected);
    let open = json!({"type": "object", "properties": {"a": {}}});
    assert_eq!(plain(body(&open)).body["response_format"]["json_schema"]["strict"], false);
    let told = send(Vendor::DeepSeek, "d", body(&closed));
    assert_eq!(told.body["response_format"], json!({"type": "json_object"}));
    let system = said(&told)[0].1.as_str().unwrap().to_owned();
    assert!(
        system.starts_with("Be.\n\nAnswer with one JSON object") && system.ends_with(&closed.to_string()),
        "{system}"
    );
    assert_eq!(told.losses, ["output_config.format: sent as an instruction"]);
}

#[test]
fn counts_are_asked_for_with_every_stream() {
    let sent = plain(json!({"stream": true}));
    assert_eq!((&sent.body["stream"], &sent.body["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    assert_eq!(send(Vendor::Mistral, "m", json!({"stream": true})).body.get("stream_options"), None);
    assert_eq!(plain(json!({})).body.get("stream_options"), None);
}

#[test]
fn the_name_of_the_user_leaves_only_as_a_digest() {
    let body = json!({"metadata": {"user_id": "{\"account_uuid\":\"secret\"}"}});
    let sent = send(Vendor::OpenAi, "gpt-5.1", body.clone());
    assert_eq!(sent.body["safety_identifier"].as_str().unwrap().len(), 16);
    assert!(!sent.text.contains("secret"));
    assert_eq!(plain(body).losses, ["metadata.user_id: dropped"]);
}

/// Case 20: unknown members are left out and named; what the answer hangs on makes the request unfit.
#[test]
fn members_without_a_place_are_lost_by_name() {
    let sent = plain(json!({
        "context_management": {"edits": []}, "service_tier": "auto", "novelty": 1,
        "tools": [{"name": "t", "input_schema": {"type": "object"}, "defer_loading": true}],
    }));
    let mut losses = sent.losses;
    losses.sort();
    let expected =
        ["context_management: dropped", "novelty: dropped", "service_tier: dropped", "tools.defer_loading: dropped"];
    assert_eq!(losses, expected);
    assert!(!sent.text.contains("novelty"));
    let thread = json!({"thread": {"type": "continue", "previous_message_id": "msg_1"}});
    assert_eq!(unfit(Vendor::Unknown, "m", thread), "thread: the conversation is kept by another provider");
    let servers = json!({"mcp_servers": [{"type": "url", "url": "https://a", "name": "a"}]});
    assert_eq!(unfit(Vendor::Unknown, "m", servers), "mcp_servers: only Anthropic calls them for the client");
}

#[test]
fn members_that_mean_the_same_everywhere_are_passed_on() {
    let mut request = request(json!({}));
    request.others = vec![("seed".to_owned(), crate::canon::Json::from_text("7".to_owned()).unwrap())];
    let mut losses = Losses::new();
    let encoded =
        encode_request(&request, &Vendor::Unknown.traits(), &Capabilities::UNKNOWN, "m", &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!((&body["seed"], losses.is_empty()), (&json!(7), true));
}
