//! What is refused of a request, and in which words.

use super::*;

#[test]
fn what_is_wrong_is_told_in_anthropics_words() {
    let in_content = |block: &str| {
        format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}},{{"role":"user","content":[{block}]}}]}}"#
        )
    };
    let with = |members: &str| {
        format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],{members}}}"#)
    };
    let table = [
        ("[]".to_owned(), "Input should be a valid dictionary"),
        (
            "{\"a\":".to_owned(),
            "The request body is not valid JSON: the body ends where a value should begin at byte 5",
        ),
        ("{}".to_owned(), "max_tokens: Field required"),
        (r#"{"max_tokens":1}"#.to_owned(), "model: Field required"),
        (r#"{"max_tokens":1e99,"model":"m"}"#.to_owned(), "max_tokens: Input should be a valid integer"),
        (r#"{"max_tokens":-1,"model":"m"}"#.to_owned(), "max_tokens: Input should be a valid integer"),
        (r#"{"max_tokens":1,"model":"m"}"#.to_owned(), "messages: Field required"),
        (r#"{"max_tokens":1,"model":"m","messages":"x"}"#.to_owned(), "messages: Input should be a valid list"),
        (r#"{"max_tokens":1,"model":"m","messages":[]}"#.to_owned(), "messages: at least one message is required"),
        (r#"{"max_tokens":1,"model":"m","messages":[1]}"#.to_owned(), "messages: Input should be a valid dictionary"),
        (
            r#"{"max_tokens":1,"model":"m","messages":[{"role":"tool","content":"x"}]}"#.to_owned(),
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (
            r#"{"max_tokens":1,"model":"m","messages":[{"role":"user"}]}"#.to_owned(),
            "messages.0.content: Field required",
        ),
        (in_content("7"), "messages.1.content.0: Input should be a valid dictionary"),
        (in_content("{}"), "messages.1.content.0.type: Field required"),
        (in_content(r#"{"type":"text"}"#), "messages.1.content.0.text.text: Field required"),
        (in_content(r#"{"type":"text","text":5}"#), "messages.1.content.0.text.text: Input should be a valid string"),
        (
            in_content(r#"{"type":"tool_use","id":"a","name":"b","input":"{}"}"#),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
        (in_content(r#"{"type":"image"}"#), "messages.1.content.0.image.source: Field required"),
        (
            in_content(r#"{"type":"image","source":{"type":"base64","data":"x"}}"#),
            "messages.1.content.0.image.source.media_type: Field required",
        ),
        (
            in_content(r#"{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":1}]}"#),
            "messages.1.content.0.tool_result.content.0.text.text: Input should be a valid string",
        ),
        (with(r#""system":[{"type":"image"}]"#), "system.0.type: Input should be 'text'"),
        (with(r#""tools":[{"name":"t"}]"#), "tools.0.custom.input_schema: Field required"),
        (
            with(r#""tools":[{"name":"t","input_schema":true}]"#),
            "tools.0.custom.input_schema: Input should be a valid dictionary",
        ),
        (with(r#""tool_choice":{"type":"tool"}"#), "tool_choice.name: Field required"),
        (with(r#""stream":"yes""#), "stream: Input should be a valid boolean"),
        (with(r#""stop_sequences":["a",1]"#), "stop_sequences.1: Input should be a valid string"),
        (with(r#""temperature":"hot""#), "temperature: Input should be a valid number"),
        (with(r#""thinking":{"type":"enabled"}"#), "thinking.budget_tokens: Field required"),
        (with(r#""output_config":{"format":{"type":"json_schema"}}"#), "output_config.format.schema: Field required"),
        (with(r#""metadata":{"user_id":5}"#), "metadata.user_id: Input should be a valid string"),
    ];
    for (body, expected) in table {
        assert_eq!(refusal(&body), expected, "{body}");
    }
}

#[test]
fn blocks_within_blocks_without_end_are_refused_and_not_followed() {
    let (begin, end) = (r#"[{"type":"tool_result","tool_use_id":"t","content":"#, "}]");
    for (levels, why) in [(5, "Content is nested too deeply"), (20_000, "deeper than 1024 levels at byte 26076")] {
        let content = format!("{}\"x\"{}", begin.repeat(levels), end.repeat(levels));
        let body = format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":{content}}}]}}"#);
        assert!(refusal(&body).ends_with(why), "{}", refusal(&body));
    }
}
