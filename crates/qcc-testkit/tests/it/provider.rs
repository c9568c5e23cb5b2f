//! The strict providers: a conversation by the rules is played to its end in each dialect, and each broken rule is named
//! in a refusal. A provider that let everything pass would prove nothing about a translation.

use qcc_testkit::provider::Provider;
use qcc_testkit::replies::{Call, Dialect, Turn};
use qcc_testkit::{Received, Reply, Step};
use serde_json::{Value, json};

const IMAGE: &str = "aW1hZ2U=";

fn weather(id: &str) -> Call {
    Call { id: id.to_owned(), name: "weather".to_owned(), input: json!({"city": "Lima"}) }
}

fn asked(path: &str, body: &Value) -> Received {
    let headers = ["x-api-key", "anthropic-version", "authorization", "x-goog-api-key"];
    Received {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: headers.map(|name| (name.to_owned(), "key".to_owned())).to_vec(),
        body: body.to_string().into(),
        connection: 1,
    }
}

fn text(reply: &Reply) -> String {
    let written = reply.steps.iter().filter_map(|step| match step {
        Step::Write(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    });
    written.collect()
}

fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "/v1/messages",
        Dialect::Openai => "/v1/chat/completions",
        Dialect::Responses => "/v1/responses",
        Dialect::Gemini => "/v1beta/models/served:generateContent",
    }
}

/// What the model is asked at first.
fn opening(dialect: Dialect) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    match dialect {
        Dialect::Anthropic => json!({
            "model": "served",
            "max_tokens": 100,
            "system": "Be brief.",
            "tools": [{"name": "weather", "input_schema": schema}],
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "And now?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
            ]}]
        }),
        Dialect::Openai => json!({
            "model": "served",
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}],
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
                {"type": "text", "text": "And now?"},
                {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{IMAGE}")}}
            ]}]
        }),
        Dialect::Responses => json!({
            "model": "served",
            "instructions": "Be brief.",
            "tools": [{"type": "function", "name": "weather", "parameters": schema}],
            "input": [{"role": "user", "content": [
                {"type": "input_text", "text": "And now?"},
                {"type": "input_image", "image_url": format!("data:image/png;base64,{IMAGE}")}
            ]}]
        }),
        Dialect::Gemini => json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "weather", "parameters": schema}]}],
            "contents": [{"role": "user", "parts": [
                {"text": "And now?"},
                {"inlineData": {"mimeType": "image/png", "data": IMAGE}}
            ]}]
        }),
    }
}

fn conversation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic | Dialect::Openai => "messages",
        Dialect::Responses => "input",
        Dialect::Gemini => "contents",
    }
}

/// The opening, with what the model said and what the tool returned.
fn continued(dialect: Dialect) -> Value {
    let mut body = opening(dialect);
    let input = json!({"city": "Lima"});
    let more = match dialect {
        Dialect::Anthropic => vec![
            json!({"role": "assistant", "content": [{"type": "tool_use", "id": "a1", "name": "weather", "input": input}]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a1", "content": "rain"}]}),
        ],
        Dialect::Openai => vec![
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "a1", "type": "function", "function": {"name": "weather", "arguments": input.to_string()}}
            ]}),
            json!({"role": "tool", "tool_call_id": "a1", "content": "rain"}),
        ],
        Dialect::Responses => vec![
            json!({"type": "function_call", "call_id": "a1", "name": "weather", "arguments": input.to_string()}),
            json!({"type": "function_call_output", "call_id": "a1", "output": "rain"}),
        ],
        Dialect::Gemini => vec![
            json!({"role": "model", "parts": [
                {"functionCall": {"name": "weather", "args": input}, "thoughtSignature": dialect.signature()}
            ]}),
            json!({"role": "user", "parts": [
                {"functionResponse": {"name": "weather", "response": {"result": "rain"}}}
            ]}),
        ],
    };
    let list = body[conversation(dialect)].as_array_mut().unwrap();
    list.extend(more);
    body
}

fn provider(dialect: Dialect) -> Provider {
    Provider::new(dialect, "served").calling(&[weather("a1")]).looking_at(IMAGE).instructed("Be brief.")
}

/// What becomes of the conversation after this change.
fn changed(dialect: Dialect, change: impl FnOnce(&mut Value)) -> String {
    let mut body = continued(dialect);
    change(&mut body);
    text(&provider(dialect).answer(&asked(path(dialect), &body)))
}

#[track_caller]
fn refused(answer: &str, why: &str) {
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(why), "expected a 400 with {why:?}: {answer}");
}

#[test]
fn a_conversation_by_the_rules_is_played_to_its_end() {
    for dialect in Dialect::ALL {
        let first = text(&provider(dialect).answer(&asked(path(dialect), &opening(dialect))));
        assert!(first.starts_with("HTTP/1.1 200 ") && first.contains("Lima"), "{first}");
        let second = changed(dialect, |_| ());
        assert!(second.contains(&Provider::sentence(["rain"])), "{second}");
    }
}

#[test]
fn without_its_tool_a_provider_says_hello() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            body.as_object_mut().unwrap().remove("tools");
        });
        assert!(answer.contains(&Provider::hello(dialect)), "{answer}");
    }
}

#[test]
fn a_member_that_a_dialect_does_not_know_is_refused() {
    for dialect in Dialect::ALL {
        refused(&changed(dialect, |body| body["surprise"] = json!(1)), "surprise");
    }
}

#[test]
fn a_missing_instruction_or_image_is_refused() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            let text = body.to_string().replace("Be brief.", "Be long.");
            *body = serde_json::from_str(&text).unwrap();
        });
        refused(&answer, "Be brief.");
        let answer = changed(dialect, |body| {
            *body = serde_json::from_str(&body.to_string().replace(IMAGE, "b3RoZXI=")).unwrap();
        });
        refused(&answer, "the image is missing");
    }
}

#[test]
fn a_call_that_is_not_as_it_was_made_is_refused() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            *body = serde_json::from_str(&body.to_string().replace("Lima", "Rome")).unwrap();
        });
        refused(&answer, "is not as it was made");
    }
}

#[test]
fn a_call_without_a_result_is_refused() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            body[conversation(dialect)].as_array_mut().unwrap().pop();
        });
        refused(&answer, "");
    }
}

#[test]
fn a_result_without_its_call_is_refused() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            let list = body[conversation(dialect)].as_array_mut().unwrap();
            list.remove(list.len() - 2);
        });
        refused(&answer, "");
    }
}

#[test]
fn a_schema_that_lost_a_member_is_refused() {
    for dialect in Dialect::ALL {
        let answer = changed(dialect, |body| {
            *body = serde_json::from_str(&body.to_string().replace(r#""city":{"#, r#""town":{"#)).unwrap();
        });
        refused(&answer, "does not know city");
    }
}

#[test]
fn a_signature_that_was_made_up_is_refused() {
    let forged = "forged";
    let answer = changed(Dialect::Anthropic, |body| {
        let thinking = json!({"type": "thinking", "thinking": "hm", "signature": forged});
        body["messages"][1]["content"].as_array_mut().unwrap().insert(0, thinking);
    });
    refused(&answer, "Invalid `signature` in `thinking` block");
    let answer = changed(Dialect::Responses, |body| {
        let reasoning = json!({"type": "reasoning", "summary": [], "encrypted_content": forged});
        body["input"].as_array_mut().unwrap().insert(1, reasoning);
    });
    refused(&answer, "could not be verified");
    let answer = changed(Dialect::Gemini, |body| body["contents"][1]["parts"][0]["thoughtSignature"] = json!(forged));
    refused(&answer, "Corrupted thought signature");
    let answer = changed(Dialect::Gemini, |body| {
        body["contents"][1]["parts"][0].as_object_mut().unwrap().remove("thoughtSignature");
    });
    refused(&answer, "missing a thought_signature");
}

#[test]
fn words_between_a_call_and_its_result_are_refused_where_they_may_not_stand() {
    let answer = changed(Dialect::Openai, |body| {
        let user = json!({"role": "user", "content": "wait"});
        body["messages"].as_array_mut().unwrap().insert(3, user);
    });
    refused(&answer, "without a tool message");
    let answer = changed(Dialect::Openai, |body| {
        body["messages"].as_array_mut().unwrap().push(json!({"role": "system", "content": "late"}));
    });
    refused(&answer, "at the beginning");
    let answer = changed(Dialect::Anthropic, |body| {
        let text = json!({"type": "text", "text": "wait"});
        body["messages"][2]["content"].as_array_mut().unwrap().insert(0, text);
    });
    refused(&answer, "must come first");
}

#[test]
fn what_gemini_does_not_know_of_a_schema_is_refused() {
    let answer = changed(Dialect::Gemini, |body| {
        body["tools"][0]["functionDeclarations"][0]["parameters"]["additionalProperties"] = json!(false);
    });
    refused(&answer, "additionalProperties");
}

#[test]
fn thinking_by_hand_begins_the_answer_that_calls_a_tool() {
    let by_hand = |body: &mut Value| body["thinking"] = json!({"type": "enabled", "budget_tokens": 50});
    refused(&changed(Dialect::Anthropic, by_hand), "Expected `thinking`");
}

#[test]
fn half_a_stream_has_no_mark_of_an_end() {
    let turn = Turn::text(["one ", "two ", "three ", "four"]);
    let marks = ["message_stop", "[DONE]", "response.completed", "finishReason"];
    for (dialect, mark) in Dialect::ALL.into_iter().zip(marks) {
        assert!(text(&turn.reply(dialect, true)).contains(mark), "{dialect:?}");
        let half = text(&turn.half(dialect));
        assert!(half.contains("one ") && !half.contains(mark), "{dialect:?}: {half}");
    }
}
