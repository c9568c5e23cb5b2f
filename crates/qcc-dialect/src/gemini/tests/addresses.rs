//! Addresses, and what is read from lists of models and counts.

use super::*;
use crate::answer::Wrong;

#[test]
fn the_version_is_added_where_the_base_has_none_and_a_whole_address_is_not_doubled() {
    let google = "https://generativelanguage.googleapis.com";
    for (base, root) in [
        ("https://generativelanguage.googleapis.com", "/v1beta"),
        ("https://generativelanguage.googleapis.com/", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1", "/v1"),
        ("https://generativelanguage.googleapis.com/v1alpha", "/v1alpha"),
        ("https://generativelanguage.googleapis.com/v1beta2", "/v1beta2"),
        ("https://generativelanguage.googleapis.com/gemini", "/gemini/v1beta"),
        ("https://generativelanguage.googleapis.com/v1/gemini", "/v1/gemini/v1beta"),
        ("https://generativelanguage.googleapis.com/vertex", "/vertex/v1beta"),
        ("https://generativelanguage.googleapis.com/v", "/v/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/models", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/models/", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent", "/v1beta"),
        ("https://generativelanguage.googleapis.com/models/gemini-3-pro:streamGenerateContent?alt=sse", "/v1beta"),
    ] {
        let root = format!("{google}{root}");
        assert_eq!(generate_url(base, "m", false), format!("{root}/models/m:generateContent"), "{base}");
        assert_eq!(generate_url(base, "m", true), format!("{root}/models/m:streamGenerateContent?alt=sse"), "{base}");
    }
}

#[test]
fn a_host_that_looks_like_a_version_is_none() {
    assert_eq!(generate_url("http://v1", "m", false), "http://v1/v1beta/models/m:generateContent");
}

#[test]
fn a_query_of_the_base_stays_behind_ours() {
    let base = "https://relay.example/v1?tenant=a";
    assert_eq!(
        generate_url(base, "m", true),
        "https://relay.example/v1/models/m:streamGenerateContent?alt=sse&tenant=a"
    );
    assert_eq!(generate_url(base, "m", false), "https://relay.example/v1/models/m:generateContent?tenant=a");
    assert_eq!(count_url(base, "m"), "https://relay.example/v1/models/m:countTokens?tenant=a");
    assert_eq!(models_url("https://a.example"), "https://a.example/v1beta/models?pageSize=1000");
}

#[test]
fn a_model_is_named_as_a_resource_that_a_path_can_carry() {
    for (model, path) in [
        ("gemini-2.5-pro", "models/gemini-2.5-pro"),
        ("models/gemini-2.5-pro", "models/gemini-2.5-pro"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("google/gemini-3-pro", "models/google%2Fgemini-3-pro"),
        ("a b?c#d:e/../f", "models/a%20b%3Fc%23d%3Ae%2F..%2Ff"),
        ("模", "models/%E6%A8%A1"),
    ] {
        assert_eq!(count_url("http://h", model), format!("http://h/v1beta/{path}:countTokens"));
    }
}

#[test]
fn a_list_of_models_names_those_that_answer() {
    let list = json!({"models": [
        {"name": "models/gemini-3-pro", "displayName": "Gemini 3 Pro", "inputTokenLimit": 1_048_576, "supportedGenerationMethods": ["generateContent", "countTokens"]},
        {"name": "models/text-embedding-004", "supportedGenerationMethods": ["embedContent"]},
        {"name": "relayed"},
        {"displayName": "nameless"},
        7,
    ]});
    assert_eq!(model_names(list.to_string().as_bytes()), Ok(vec!["gemini-3-pro".to_owned(), "relayed".to_owned()]));
    assert_eq!(model_names(br#"{"models":[]}"#), Ok(Vec::new()));
    for (body, wrong) in [
        ("", Wrong::Empty),
        ("<html></html>", Wrong::Html),
        ("{", Wrong::NotJson),
        (r#"{"data":[]}"#, Wrong::OtherJson),
        ("[]", Wrong::OtherJson),
        (r#"{"models":{}}"#, Wrong::OtherJson),
    ] {
        assert_eq!(model_names(body.as_bytes()), Err(wrong), "{body}");
    }
}

/// Case 56: what is counted is what would be sent, tools and system too, without what only an answer needs.
#[test]
fn a_count_asks_for_the_prompt_as_it_would_be_sent() {
    let asked = json!({
        "system": "Be brief.",
        "temperature": 0.5,
        "tools": [{"name": "t", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "Hi"}],
    });
    let known = Capabilities::default();
    let body = encode_count(&request(asked.clone()), &known, "models/gemini-3-pro").unwrap();
    let counted: Value = serde_json::from_slice(&body).unwrap();
    let counted = counted["generateContentRequest"].as_object().unwrap();
    let names: Vec<&str> = counted.keys().map(String::as_str).collect();
    assert_eq!(names, ["model", "systemInstruction", "contents", "tools"]);
    assert_eq!(counted["model"], "models/gemini-3-pro");
    let sent = send("gemini-3-pro", asked);
    for name in &names[1..] {
        assert_eq!(counted[*name], sent.body[*name]);
    }
}

#[test]
fn a_count_is_read_and_what_is_none_is_told_apart() {
    assert_eq!(decode_count(br#"{"totalTokens": 31, "promptTokensDetails": []}"#), Ok(31));
    for body in ["{}", "[]", "7", r#"{"totalTokens":-1}"#, r#"{"totalTokens":"31"}"#, r#"{"input_tokens":3}"#] {
        assert_eq!(decode_count(body.as_bytes()), Err(Wrong::OtherJson), "{body}");
    }
    assert_eq!(decode_count(b" "), Err(Wrong::Empty));
    assert_eq!(decode_count(b"{"), Err(Wrong::NotJson));
    for name in ["model", "in_a_list"] {
        assert!(matches!(decode_count(&GOLDEN.read("error", &format!("{name}.json"))), Err(Wrong::Error(_))), "{name}");
    }
}
