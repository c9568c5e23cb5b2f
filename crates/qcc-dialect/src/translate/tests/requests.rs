//! Every golden request as it goes to providers of other dialects.

use std::collections::BTreeSet;

use super::ways::{PROVIDERS, files, fixtures, put, read, tongue};
use crate::asker::Asker;
use crate::translate::{NotSent, Outgoing};
use insta::{assert_snapshot, with_settings};

/// Requests by the dialect of their client, and the folder in which they are.
const ASKED: &[(Asker, &str, &[&str])] = &[
    (
        Asker::Anthropic,
        "anthropic/asked",
        &[
            "blank_texts.json",
            "builtin_tools.json",
            "cache_warm_up.json",
            "calls_alone.json",
            "claude_code_turn.json",
            "compacted.json",
            "documents.json",
            "failed_calls.json",
            "forced_tool.json",
            "foreign_call_ids.json",
            "images_elsewhere.json",
            "interrupted_call.json",
            "many_breakpoints.json",
            "mid_system.json",
            "new_members.json",
            "no_calls_wanted.json",
            "odd_schemas.json",
            "odd_values.json",
            "parallel_images.json",
            "prefill.json",
            "results_apart.json",
            "sampling.json",
            "sealed_history.json",
            "search_results.json",
            "server_tool_offered.json",
            "server_tools_in_history.json",
            "structured_output.json",
            "text_among_results.json",
            "thinking_adaptive.json",
            "thinking_budget.json",
            "thinking_history.json",
            "title.json",
            "tool_names.json",
            "tool_search.json",
        ],
    ),
    (
        Asker::OpenAi,
        "openai/asked",
        &[
            "allowed_tools.json",
            "arrays_everywhere.json",
            "audio.json",
            "audio_heard.json",
            "breakpoints.json",
            "custom_tool.json",
            "developer_late.json",
            "empty_arguments.json",
            "files.json",
            "json_object.json",
            "json_schema.json",
            "legacy_functions.json",
            "minimal.json",
            "odd_values.json",
            "orphan_result.json",
            "parallel_results.json",
            "reasoning.json",
            "refused_before.json",
            "sampling.json",
            "tool_loop.json",
            "vision.json",
            "web_search.json",
        ],
    ),
    (
        Asker::Responses,
        "responses/asked",
        &[
            "a_text.json",
            "codex_turn.json",
            "custom_calls.json",
            "files_and_images.json",
            "forced_function.json",
            "hosted_tools.json",
            "image_result.json",
            "kept_elsewhere.json",
            "late_developer.json",
            "odd_calls.json",
            "sealed_thoughts.json",
            "structured.json",
        ],
    ),
];

#[test]
fn every_request_goes_to_every_other_dialect_as_its_snapshot_says() {
    let mut written = BTreeSet::new();
    for &(asker, folder, names) in ASKED {
        assert_eq!(files(folder), names, "{folder}: the table names what is there");
        for name in names {
            let body = read(folder, name);
            for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(asker)) {
                let case = format!("{}.{}", name.trim_end_matches(".json"), provider.0);
                let said = put(asker, provider, &body).map_or_else(refusal, |outgoing| told(&outgoing));
                with_settings!({snapshot_path => fixtures().join(folder), prepend_module_to_snapshot => false, omit_expression => true}, {
                    assert_snapshot!(case.clone(), said);
                });
                written.insert(format!("{folder}/{case}.snap"));
            }
        }
    }
    let folders = ASKED.iter().map(|(_, folder, _)| *folder);
    let there: BTreeSet<String> = folders.flat_map(super::corpus::snapshots).collect();
    assert_eq!(there, written, "snapshots that nothing writes");
}

fn told(outgoing: &Outgoing) -> String {
    let body = std::str::from_utf8(&outgoing.body).unwrap();
    serde_json::from_str::<serde::de::IgnoredAny>(body).unwrap();
    let losses: Vec<String> = outgoing.losses.iter().map(|loss| format!("\nlost: {loss}")).collect();
    format!("POST {}\n{}{}", outgoing.url, laid_out(body), losses.concat())
}

/// JSON as it was written, with each member on a line and each item of a list that a member is.
fn laid_out(body: &str) -> String {
    let mut out = String::new();
    let (mut levels, mut within, mut escaped) = (Vec::new(), false, false);
    for letter in body.chars() {
        if within {
            out.push(letter);
            within = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        within = letter == '"';
        let closes = matches!(letter, '}' | ']');
        if closes && levels.len() < 3 && levels.pop().is_some_and(|level| level == '[' || levels.is_empty()) {
            out.push('\n');
            out.push_str(&"  ".repeat(levels.len()));
        } else if closes && levels.len() >= 3 {
            levels.pop();
        }
        out.push(letter);
        if matches!(letter, '{' | '[') {
            levels.push(letter);
        }
        let parts = matches!(letter, '{' | '[' | ',');
        if parts && (levels.len() == 1 || (levels.len() == 2 && levels[1] == '[')) {
            out.push('\n');
            out.push_str(&"  ".repeat(levels.len()));
        }
    }
    out
}

fn refusal(not_sent: NotSent) -> String {
    match not_sent {
        NotSent::Bad(bad) => format!("bad: {bad}"),
        NotSent::Unfit(unfit) => format!("unfit: {unfit}"),
    }
}

/// Cases 13 and 18: what was sent of a conversation is sent the same way when it goes on, so that the provider's prompt cache
/// holds and no thought is bound to words that have changed.
#[test]
fn a_conversation_is_written_alike_when_it_goes_on() {
    use serde_json::{Value, json};
    let long = "mcp__a_very_long_server_name_indeed__and_a_tool_with_a_name_that_is_longer.still";
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": long, "input": {"b": 1.5, "a": [null]}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "ok", "is_error": true});
    let turns = [
        json!({"role": "user", "content": [{"type": "text", "text": "Go."}]}),
        json!({"role": "assistant", "content": [{"type": "text", "text": "I go."}, call("functions.t:0"), call("b")]}),
        json!({"role": "user", "content": [result("functions.t:0"), result("b")]}),
        json!({"role": "assistant", "content": "Done."}),
        json!({"role": "user", "content": "Again."}),
        json!({"role": "assistant", "content": [call("functions.t:0")]}),
        json!({"role": "user", "content": [result("functions.t:0"), {"type": "text", "text": "And?"}]}),
    ];
    let tool =
        json!({"name": long, "description": "Does.", "input_schema": {"type": "object", "properties": {"a": {}}}});
    let sent = |many: usize, provider| -> Vec<Value> {
        let body = json!({"model": "m", "max_tokens": 9, "system": "Be brief.", "tools": [&tool],
            "thinking": {"type": "disabled"}, "messages": &turns[..many]});
        let body = put(Asker::Anthropic, provider, body.to_string().as_bytes()).unwrap().body;
        // Gemini is asked to excuse what it has not signed, in the current turn alone.
        let excuse = r#","thoughtSignature":"skip_thought_signature_validator""#;
        let body: Value = serde_json::from_str(&std::str::from_utf8(&body).unwrap().replace(excuse, "")).unwrap();
        let lists = ["messages", "input", "contents"].map(|name| body.get(name).and_then(Value::as_array));
        lists.into_iter().flatten().next().unwrap().clone()
    };
    for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(Asker::Anthropic)) {
        let whole = sent(turns.len(), provider);
        for many in [1, 3, 5] {
            let before = sent(many, provider);
            assert_eq!(before, whole[..before.len()], "{} after {many}", provider.0);
        }
    }
}
