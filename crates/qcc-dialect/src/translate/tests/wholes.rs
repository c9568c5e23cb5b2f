//! Every golden answer in one piece as it goes to clients of other dialects, in one piece and as a stream.

use std::collections::BTreeSet;

use insta::{assert_snapshot, with_settings};

use super::corpus::{provider, snapshots, strangers, translated};
use super::ways::{End, Provider, back, check, files, fixtures, is_taken_for_whole, read};
use crate::asker::Asker;

/// Answers of providers by dialect and folder, each with whether it is one.
type Row = (&'static str, &'static str, &'static [(&'static str, bool)]);

const WHOLES: &[Row] = &[
    (
        "anthropic",
        "anthropic/response",
        &[
            ("array.json", false),
            ("content_is_text.json", false),
            ("count.json", false),
            ("count_as_text.json", false),
            ("error.json", false),
            ("login_page.json", false),
            ("message.json", true),
            ("message_cut.json", false),
            ("message_without_usage.json", true),
            ("openai.json", false),
            ("relay_error.json", false),
        ],
    ),
    (
        "compatible",
        "openai/response",
        &[
            ("broken_arguments.json", false),
            ("calls.json", true),
            ("content_filter.json", true),
            ("content_parts.json", true),
            ("function_call.json", true),
            ("refusal.json", true),
            ("text.json", true),
            ("two_choices.json", true),
            ("without_reason.json", false),
        ],
    ),
    (
        "gemini",
        "gemini/response",
        &[
            ("arguments_as_text.json", true),
            ("blocked.json", true),
            ("broken_call.json", false),
            ("calls.json", true),
            ("empty.json", true),
            ("recitation.json", true),
            ("text.json", true),
            ("tool_use_prompt.json", true),
            ("without_reason.json", false),
        ],
    ),
    (
        "responses",
        "responses/response",
        &[
            ("broken_call.json", false),
            ("calls.json", true),
            ("chat.json", false),
            ("count.json", false),
            ("cut.json", false),
            ("error.json", false),
            ("error_text.json", false),
            ("failed.json", false),
            ("incomplete.json", true),
            ("login_page.json", false),
            ("queued.json", false),
            ("refusal.json", true),
            ("without_status.json", true),
        ],
    ),
];

#[test]
fn every_whole_answer_goes_to_clients_of_every_other_dialect_as_its_snapshot_says() {
    let mut written = BTreeSet::new();
    let mut wrong = Vec::new();
    for &(speaker, folder, rows) in WHOLES {
        let named: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        assert_eq!(files(folder), named, "{folder}: the table names what is there");
        let provider = provider(speaker);
        for &(name, whole) in rows {
            for asker in strangers(provider) {
                let body = read(folder, name);
                let told = match back(asker, provider, false).message(&body) {
                    Ok(brought) => {
                        let losses: String = brought.losses.iter().map(|loss| format!("\nlost: {loss}")).collect();
                        String::from_utf8(brought.body.to_vec()).unwrap() + &losses
                    }
                    Err(cause) => format!("wrong: {cause}"),
                };
                let (case, into) = (format!("{}.{}", name.trim_end_matches(".json"), asker.name()), translated(folder));
                with_settings!({snapshot_path => fixtures().join(&into), prepend_module_to_snapshot => false, omit_expression => true}, {
                    assert_snapshot!(case.clone(), told);
                });
                written.insert(format!("{into}/{case}.snap"));
                let ill = ill(asker, provider, &body, whole);
                wrong.extend(ill.map(|why| format!("{folder}/{name} for {asker:?}: {why}")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let there: BTreeSet<String> = WHOLES.iter().flat_map(|(_, folder, _)| snapshots(&translated(folder))).collect();
    assert_eq!(there, written, "snapshots that nothing writes");
}

/// A limit that cuts the input of a call leaves an answer of what came before; the same without a limit is no answer.
#[test]
fn of_a_call_that_a_limit_cut_nothing_is_left_but_its_name_among_the_losses() {
    let body = |reason: &str| {
        let call = r#"{"id":"a","function":{"name":"t","arguments":"{\"x\": "}}"#;
        let message = format!(r#"{{"content":"So far.","tool_calls":[{call}]}}"#);
        format!(r#"{{"choices":[{{"message":{message},"finish_reason":"{reason}"}}]}}"#)
    };
    let back = back(Asker::Anthropic, provider("compatible"), false);
    let brought = back.message(body("length").as_bytes()).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&brought.body).unwrap();
    assert_eq!(answer["content"], serde_json::json!([{"type": "text", "text": "So far."}]));
    assert_eq!(answer["stop_reason"], "max_tokens");
    let losses: Vec<String> = brought.losses.iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["answer.tool_use: dropped: a limit cut its input"]);
    for reason in ["stop", "tool_calls"] {
        assert!(back.message(body(reason).as_bytes()).is_err(), "{reason}");
    }
}

/// Where a text comes from is told in a form of each vendor's own.
#[test]
fn what_says_where_a_text_comes_from_is_named_among_the_losses_of_an_answer_in_either_form() {
    let chat = |annotations: &str| {
        format!(r#"{{"choices":[{{"message":{{"content":"x","annotations":{annotations}}},"finish_reason":"stop"}}]}}"#)
    };
    let response = |annotations: &str| {
        let part = format!(r#"{{"type":"output_text","text":"x","annotations":{annotations}}}"#);
        format!(r#"{{"status":"completed","output":[{{"type":"message","content":[{part}]}}]}}"#)
    };
    let gemini = |sources: &str| {
        let content = r#""content":{"parts":[{"text":"x"}]},"finishReason":"STOP""#;
        format!(r#"{{"candidates":[{{{content},"citationMetadata":{sources}}}]}}"#)
    };
    let table = [
        ("compatible", chat(r#"[{"type":"url_citation"}]"#), chat("[]"), "answer.annotations: dropped"),
        ("responses", response(r#"[{"type":"url_citation"}]"#), response("[]"), "answer.annotations: dropped"),
        ("gemini", gemini(r#"{"citationSources":[{}]}"#), gemini("{}"), "answer.citationMetadata: dropped"),
    ];
    for (name, told, untold, loss) in table {
        let back = back(Asker::Anthropic, provider(name), false);
        let lost = |body: &str| {
            let both = [back.message(body.as_bytes()).unwrap(), back.message_as_stream(body.as_bytes()).unwrap()];
            both.map(|brought| brought.losses.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(lost(&told), [[loss], [loss]], "{told}");
        assert!(lost(&untold).iter().all(Vec::is_empty), "{untold}");
    }
}

/// What is wrong with what goes down for a body that is an answer or not.
fn ill(asker: Asker, provider: Provider, body: &[u8], whole: bool) -> Option<String> {
    let back = back(asker, provider, false);
    let message = back.message(body);
    let stream = back.message_as_stream(body);
    if message.is_ok() != whole || stream.is_ok() != whole {
        return Some(format!("taken for an answer: {}, as a stream: {}", message.is_ok(), stream.is_ok()));
    }
    let (Ok(brought), Ok(stream)) = (message, stream) else { return None };
    if let Err(cause) = asker.read_answer(&brought.body) {
        return Some(format!("it is no answer: {cause}"));
    }
    let checked = check(asker, &stream.body);
    if checked != Ok(End::Whole) || !is_taken_for_whole(asker, &stream.body) {
        return Some(format!("as a stream it is {checked:?}"));
    }
    None
}
