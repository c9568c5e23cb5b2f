//! Members of requests that not every dialect has: carried where there is a word for them, named where there is none.

use super::*;
use crate::anthropic;
use crate::openai::{self, Vendor};

/// How closely an image is looked at goes to the other dialect of the same vendor, and is a loss elsewhere.
#[test]
fn how_closely_an_image_is_looked_at_is_carried_where_there_is_a_word_for_it() {
    let read = |detail: &str| {
        let image = json!({"type": "input_image", "image_url": "https://example.org/a.png", "detail": detail});
        asked(&json!({"model": "m", "input": [{"role": "user", "content": [image]}]}))
    };
    let mut losses = Losses::new();
    for (told, sent) in [("low", json!("low")), ("high", json!("high")), ("original", json!("original"))] {
        let request = read(told);
        let chat = Vendor::OpenAi.traits();
        let chat = openai::encode_request(&request, &chat, &Capabilities::UNKNOWN, "gpt-5.1", &mut losses).unwrap();
        let chat: Value = serde_json::from_slice(&chat.body).unwrap();
        assert_eq!(chat["messages"][0]["content"][0]["image_url"]["detail"], sent);
        let again = openai::client::decode_request(chat.to_string().as_bytes()).unwrap();
        assert_eq!(try_send(&again, &thinking()).unwrap().body["input"][0]["content"][0]["detail"], sent);
    }
    assert!(losses.is_empty(), "{losses:?}");
    let known = Capabilities::of_model("claude-opus-5");
    anthropic::canon::encode_request(&read("high"), &known, "claude-opus-5", &mut losses).unwrap();
    crate::gemini::encode_request(&read("low"), &Capabilities::default(), "gemini-3-pro-preview", &mut losses).unwrap();
    let lost: Vec<String> = losses.iter().map(ToString::to_string).collect();
    assert_eq!(lost, ["messages.content.image.detail: dropped"]);
    assert_eq!(read("auto").others, []);
    assert_eq!(read("by heart").others[0].0, "input.content.detail");
}

/// Case 20: what is further in and has no place is named too; what OpenAI has only noted for itself is not.
#[test]
fn members_of_items_and_tools_that_nobody_took_are_kept_by_name() {
    let request = asked(&json!({
        "model": "m",
        "input": [
            {"type": "message", "role": "user", "content": "?"},
            {"type": "message", "id": "msg", "status": "completed", "role": "assistant", "phase": "commentary",
             "content": [{"type": "output_text", "text": "x", "annotations": [{"type": "url_citation"}], "logprobs": []}]},
            {"type": "function_call", "id": "fc", "status": "completed", "call_id": "a", "name": "t", "arguments": "{}", "novel": 1},
            {"type": "function_call_output", "id": "fco", "call_id": "a", "output": "y", "status": "completed"},
        ],
        "tools": [{"type": "function", "name": "t", "defer_loading": true}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "description": "d"}},
    }));
    let names: Vec<&str> = request.others.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["tools.defer_loading", "input.content.annotations", "input.phase", "input.novel", "text.format.description"];
    assert_eq!(names, expected);
}

/// Case 1: what is no text cannot be said by the operator, and is not passed over because it comes first.
#[test]
fn an_image_of_the_operators_is_not_passed_over_where_it_comes_first() {
    let (user, image) = (json!({"role": "user", "content": "?"}), "https://example.org/a.png");
    let part = json!([{"type": "input_image", "image_url": image}]);
    let response = asked(&json!({"model": "m", "input": [{"role": "developer", "content": part}, user]}));
    let part = json!([{"type": "image_url", "image_url": {"url": image}}]);
    let chat = json!({"model": "m", "messages": [{"role": "system", "content": part}, user]});
    let chat = openai::client::decode_request(chat.to_string().as_bytes()).unwrap();
    for request in [response, chat] {
        let mut losses = Losses::new();
        let known = Capabilities::of_model("claude-opus-5");
        let whys = [
            try_send(&request, &thinking()).err(),
            openai::encode_request(&request, &Vendor::OpenAi.traits(), &Capabilities::UNKNOWN, "m", &mut losses).err(),
            anthropic::canon::encode_request(&request, &known, "claude-opus-5", &mut losses).err(),
            crate::gemini::encode_request(&request, &Capabilities::default(), "gemini-3-pro-preview", &mut losses)
                .err(),
        ];
        for why in whys {
            assert!(why.is_some_and(|why| why.what.starts_with("messages.")), "{request:?}");
        }
    }
}

/// The tier is OpenAI's own, or the one of Anthropic's for which there is a word; elsewhere it is a loss.
#[test]
fn the_tier_is_asked_for_in_openais_words() {
    let table = [
        ("auto", None, None),
        ("flex", Some("flex"), None),
        ("priority", Some("priority"), None),
        ("default", Some("default"), None),
        ("standard_only", Some("default"), None),
        ("of gold", None, Some("service_tier: dropped")),
    ];
    for (wish, sent, loss) in table {
        let request = request(json!({"service_tier": wish}));
        let response = try_send(&request, &thinking()).unwrap();
        let mut losses = Losses::new();
        let chat = |vendor: Vendor, losses: &mut Losses| {
            let traits = vendor.traits();
            let chat = openai::encode_request(&request, &traits, &Capabilities::UNKNOWN, "gpt-5.1", losses).unwrap();
            serde_json::from_slice::<Value>(&chat.body).unwrap()
        };
        for body in [response.body, chat(Vendor::OpenAi, &mut losses)] {
            assert_eq!(body.get("service_tier").and_then(Value::as_str), sent, "{wish}");
        }
        assert_eq!(response.losses, loss.into_iter().collect::<Vec<_>>(), "{wish}");
        assert_eq!(losses.iter().map(ToString::to_string).collect::<Vec<_>>(), response.losses, "{wish}");
        assert_eq!(chat(Vendor::Unknown, &mut losses).get("service_tier"), None);
        assert!(losses.iter().any(|loss| loss.what == "service_tier"), "{wish}");
    }
    let own = asked(&json!({"model": "m", "input": "Hi", "service_tier": "default"}));
    assert_eq!(try_send(&own, &thinking()).unwrap().body["service_tier"], "default");
}
