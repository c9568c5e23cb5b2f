//! Every golden request as it goes to providers of other dialects.

use std::collections::BTreeSet;

use super::ways::{PROVIDERS, files, fixtures, put, read, tongue};
use crate::asker::Asker;
use crate::capabilities::{Capabilities, Member, Refused};
use crate::translate::{Dialect, NotSent, Outgoing, Question};
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

/// What a request of an Anthropic client becomes for a model: its body, and its losses.
fn sent(provider: super::ways::Provider, mut body: serde_json::Value) -> (serde_json::Value, Vec<String>) {
    for (name, value) in [("model", "m".into()), ("max_tokens", 4000.into())] {
        body[name] = value;
    }
    let outgoing = put(Asker::Anthropic, provider, body.to_string().as_bytes()).unwrap();
    let losses = outgoing.losses.iter().map(ToString::to_string).collect();
    (serde_json::from_slice(&outgoing.body).unwrap(), losses)
}

/// Case 27: OpenAI's models take different efforts, and the later ones do not think unless told how hard.
#[test]
fn openais_models_are_told_to_think_in_words_that_each_takes() {
    use serde_json::{Value, json};
    let adaptive = |effort: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}});
    let unsaid = json!({"thinking": {"type": "adaptive"}});
    let off = json!({"thinking": {"type": "disabled"}});
    let lost = |how: &str| vec![how.to_owned()];
    let table = [
        ("gpt-5", adaptive("xhigh"), json!("high"), lost("output_config.effort: sent as high")),
        ("gpt-5.1", adaptive("max"), json!("high"), lost("output_config.effort: sent as high")),
        ("gpt-5.2", adaptive("max"), json!("xhigh"), lost("output_config.effort: sent as xhigh")),
        ("o3", adaptive("low"), json!("low"), vec![]),
        ("gpt-5", unsaid.clone(), Value::Null, vec![]),
        ("gpt-5.2", unsaid, json!("medium"), lost("thinking: sent as effort medium")),
        ("gpt-5.1", off.clone(), json!("none"), vec![]),
        ("gpt-5", off.clone(), json!("minimal"), lost("thinking: cannot be switched off: sent as effort minimal")),
        ("o3", off, json!("low"), lost("thinking: cannot be switched off: sent as effort low")),
    ];
    for (model, mut body, effort, losses) in table {
        body["messages"] = json!([{"role": "user", "content": "q"}]);
        for (dialect, name) in [(Dialect::OpenAi, "/reasoning_effort"), (Dialect::Responses, "/reasoning/effort")] {
            let (told, lost) = sent(("", dialect, "https://api.openai.com/v1", model), body.clone());
            let said = told.pointer(name).cloned().unwrap_or_default();
            assert_eq!((said, &lost), (effort.clone(), &losses), "{model} {dialect:?} {body}");
        }
    }
}

/// Case 31: the line in which Claude Code names its version goes along like any other, unless it is not wanted.
#[test]
fn the_clients_version_is_left_out_where_it_is_configured_so() {
    use serde_json::json;
    let line = "x-anthropic-billing-header: cc_version=2.1.197.a1b; cc_entrypoint=cli;";
    let system = [line, "Be brief.", line].map(|text| json!({"type": "text", "text": text}));
    let asked =
        json!({"model": "m", "max_tokens": 9, "system": system, "messages": [{"role": "user", "content": "q"}]});
    let body = asked.to_string();
    let question = Question {
        asker: Asker::Anthropic,
        body: body.as_bytes(),
        model: None,
        request_id: "7",
        created: 7,
        recalled: &|_| None,
    };
    let unwanted = Capabilities { refused: Refused::these(&[Member::Attribution]), ..Capabilities::default() };
    for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(Asker::Anthropic)) {
        for (known, times, lost) in [(&Capabilities::default(), 2, 0), (&unwanted, 1, 1)] {
            let put = tongue(provider).outgoing(&question, known).unwrap();
            let text = String::from_utf8(put.body.to_vec()).unwrap();
            assert!(
                text.contains("Be brief.") && text.matches("cc_version").count() == times,
                "{}: {text}",
                provider.0
            );
            let told = put.losses.iter().filter(|loss| loss.to_string() == "system.attribution: dropped").count();
            assert_eq!(told, lost, "{}", provider.0);
        }
    }
}

/// OpenAI refuses more, and no tool is there in vain.
#[test]
fn more_tools_than_a_provider_takes_keep_the_request_away() {
    use serde_json::json;
    let asked = |many: usize, provider| {
        let tool = |at: usize| json!({"name": format!("t{at}"), "input_schema": {"type": "object", "properties": {}}});
        let tools: Vec<_> = (0..many).map(tool).collect();
        let body =
            json!({"model": "m", "max_tokens": 9, "tools": tools, "messages": [{"role": "user", "content": "q"}]});
        put(Asker::Anthropic, provider, body.to_string().as_bytes()).map(|_| ()).map_err(refusal)
    };
    for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(Asker::Anthropic)) {
        assert_eq!(asked(128, provider), Ok(()), "{}", provider.0);
        let openai = provider.2.contains("openai.com");
        let expected = if openai { Err("unfit: tools: the provider takes 128 at most".to_owned()) } else { Ok(()) };
        assert_eq!(asked(129, provider), expected, "{}", provider.0);
    }
}

/// Some clients have one text and call it the operator's.
#[test]
fn an_operator_alone_asks_as_the_user() {
    let bodies = [
        (Asker::OpenAi, r#"{"model":"m","messages":[{"role":"system","content":"Say hi."}]}"#),
        (Asker::Responses, r#"{"model":"m","input":[{"role":"developer","content":"Say hi."}]}"#),
    ];
    for (asker, body) in bodies {
        for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(asker)) {
            let outgoing = put(asker, provider, body.as_bytes()).unwrap();
            let losses: Vec<String> = outgoing.losses.iter().map(ToString::to_string).collect();
            assert_eq!(losses, ["messages.system: sent as the user's text, for there is no other"], "{}", provider.0);
            let text = std::str::from_utf8(&outgoing.body).unwrap();
            assert!(text.contains("Say hi.") && text.contains(r#""role":"user""#), "{text}");
        }
    }
}

/// Case 28: OpenAI's chat reads PDFs alone, and everybody goes by the name of a file.
#[test]
fn a_file_of_text_is_sent_as_what_it_is() {
    use serde_json::Value;
    let file = r#"{"filename":"a.csv","file_data":"data:text/csv;base64,YSxi"}"#;
    let chat = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"file","file":{file}}}]}}]}}"#);
    let item = file.replacen('{', r#"{"type":"input_file","#, 1);
    let item = format!(r#"{{"model":"m","input":[{{"role":"user","content":[{item}]}}]}}"#);
    let sent = |asker, body: &str, provider| -> Value {
        serde_json::from_slice(&put(asker, provider, body.as_bytes()).unwrap().body).unwrap()
    };
    let [anthropic, openai, compatible, responses, _] = PROVIDERS;
    assert_eq!(sent(Asker::OpenAi, &chat, responses)["input"][0]["content"][0]["filename"], "a.csv");
    assert_eq!(sent(Asker::OpenAi, &chat, anthropic)["messages"][0]["content"][0]["source"]["data"], "a,b");
    for provider in [openai, compatible] {
        assert_eq!(sent(Asker::Responses, &item, provider)["messages"][0]["content"], "Document: a.csv\n\na,b");
    }
}

/// Cases 10 and 14: thinking goes back to whom it came from, and to nobody who has refused it.
#[test]
fn refused_thinking_is_written_by_nobody() {
    use crate::canon::{Part, Thought, digest, seal};
    use crate::capabilities::{Capabilities, Member, Refused};
    let thought = |signature: String| Part::Thinking(Thought { text: String::new(), signature: Some(signature) });
    let sealed = |provider: super::ways::Provider| match provider.1 {
        Dialect::Anthropic => "EqQBsigned".to_owned(),
        Dialect::Responses => {
            seal("responses", br#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gA"}"#)
        }
        Dialect::Gemini | Dialect::OpenAi => {
            seal("gemini", format!("call {:016x} EqQBsigned", digest(provider.3.as_bytes())).as_bytes())
        }
    };
    let body = r#"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"t","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"r"}]}"#;
    for provider in PROVIDERS.into_iter().filter(|provider| provider.1 != Dialect::OpenAi) {
        let recalled = |id: &str| (id == "a").then(|| vec![thought(sealed(provider))]);
        let question = Question {
            asker: Asker::OpenAi,
            body: body.as_bytes(),
            model: Some(provider.3),
            request_id: "7",
            created: 7,
            recalled: &recalled,
        };
        let told = |known: &Capabilities| {
            let outgoing = tongue(provider).outgoing(&question, known).unwrap();
            let text = std::str::from_utf8(&outgoing.body).unwrap().to_owned();
            text.contains("EqQBsigned") || text.contains("rs_1")
        };
        let refused = Capabilities { refused: Refused::these(&[Member::Reasoning]), ..Capabilities::UNKNOWN };
        assert_eq!((told(&Capabilities::UNKNOWN), told(&refused)), (true, false), "{}", provider.0);
    }
}
