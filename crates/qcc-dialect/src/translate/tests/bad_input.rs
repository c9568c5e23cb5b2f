//! Bad input of every kind from every side: never a panic, never a wrong message; a clear error or a loss by name.

use serde_json::Value;

use super::corpus::{strangers, streams};
use super::ways::{ASKERS, Draws, End, PROVIDERS, back, bring, check, collect, is_taken_for_whole};
use crate::answer::Wrong;
use crate::asker::Asker;

/// Kinds of bad answers, and the golden stream that each dialect has of it: anthropic, openai, gemini, responses. What comes
/// of it is in its snapshots.
const KINDS: &[(&str, [&str; 4])] = &[
    ("malformed input of a call", ["broken_input", "broken_arguments", "broken_arguments", "broken_arguments"]),
    ("half a JSON", ["half_json"; 4]),
    ("invalid UTF-8 in a text", ["invalid_utf8"; 4]),
    (
        "no text in the input of a call",
        [
            "half_a_character_in_a_call",
            "half_a_character_in_a_call",
            "invalid_utf8_in_a_call",
            "half_a_character_in_a_call",
        ],
    ),
    ("unknown blocks and members", ["mcp_tool", "unknown_members", "unknown_parts", "unknown_items"]),
    ("an unknown reason", ["reason_unknown", "reason_unknown", "reason_unknown", "unknown_items"]),
    ("giant numbers", ["negative_counts", "giant_counts", "giant_counts", "giant_counts"]),
    ("negative counts", ["negative_counts"; 4]),
    ("deep nesting", ["deep_nesting"; 4]),
    ("ids of calls twice", ["duplicate_ids"; 4]),
    ("nothing in it", ["no_message_start", "empty_choices_first", "empty_candidates", "empty_output"]),
];

#[test]
fn every_kind_of_bad_answer_is_in_the_corpus_of_every_dialect() {
    let folders = ["anthropic/answered", "openai/answered", "gemini/answered", "responses/answered"];
    let there: Vec<(&str, &str)> = streams().map(|(_, folder, name, ..)| (folder, name)).collect();
    for (kind, names) in KINDS {
        for (folder, name) in folders.into_iter().zip(names) {
            let known = there.iter().any(|(other, file)| *other == folder && file.trim_end_matches(".sse") == *name);
            assert!(known, "{kind}: {folder}/{name}");
        }
    }
}

/// What a client's dialect says of a body: its complaint, or nothing where it is taken.
fn complaint(asker: Asker, body: &[u8]) -> String {
    asker.decode_request(body).err().map(|bad| bad.to_string()).unwrap_or_default()
}

/// Kinds of bad requests, with a word of the complaint in each client's dialect: anthropic, openai, responses. An empty word:
/// it is taken as it comes.
#[test]
fn every_kind_of_bad_request_is_refused_in_words_that_say_where() {
    let chat = |messages: &str| format!(r#"{{"model":"m","max_tokens":9,"messages":{messages}}}"#);
    let items = |input: &str| format!(r#"{{"model":"m","input":{input}}}"#);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let table: Vec<(&str, [(String, &str); 3])> = vec![
        ("half a JSON", ["{\"model\":", "{\"model\":", "{\"model\":"].map(|body| (body.to_owned(), "JSON"))),
        ("no object", [("[]".to_owned(), "dictionary"), ("7".to_owned(), "object"), ("\"x\"".to_owned(), "object")]),
        (
            "malformed input of a call",
            [
                (
                    chat(r#"[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"t","input":"{"}]}]"#),
                    "input",
                ),
                // OpenAI's clients give back what the model has written.
                (
                    chat(r#"[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"t","arguments":"{"}}]}]"#),
                    "",
                ),
                (items(r#"[{"type":"function_call","call_id":"a","name":"t","arguments":"{"}]"#), ""),
            ],
        ),
        (
            "unknown blocks",
            [
                (chat(r#"[{"role":"user","content":[{"type":"hologram"}]}]"#), ""),
                (chat(r#"[{"role":"user","content":[{"type":"hologram"}]}]"#), ""),
                (items(r#"[{"type":"hologram"}]"#), ""),
            ],
        ),
        (
            "another dialect",
            [
                (items("\"Hi\""), "required"),
                (items("\"Hi\""), "messages"),
                (chat(r#"[{"role":"user","content":"Hi"}]"#), "input"),
            ],
        ),
        (
            "giant and negative numbers",
            [
                (
                    r#"{"model":"m","max_tokens":1e300,"messages":[{"role":"user","content":"x"}]}"#.to_owned(),
                    "max_tokens",
                ),
                (
                    r#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}"#.to_owned(),
                    "max_tokens",
                ),
                (r#"{"model":"m","max_output_tokens":-1,"input":"x"}"#.to_owned(), "max_output_tokens"),
            ],
        ),
        (
            "deep nesting",
            [
                (chat(&format!(r#"[{{"role":"user","content":{deep}}}]"#)), "deeper than"),
                (chat(&format!(r#"[{{"role":"user","content":{deep}}}]"#)), "deeper than"),
                (items(&deep), "deeper than"),
            ],
        ),
        ("no messages", [(chat("[]"), "messages"), (chat("[]"), "messages"), (items("null"), "input")]),
    ];
    for (kind, rows) in table {
        for (asker, (body, word)) in ASKERS.into_iter().zip(rows) {
            let said = complaint(asker, body.as_bytes());
            let fits = if word.is_empty() { said.is_empty() } else { said.contains(word) };
            assert!(fits, "{kind} for {asker:?}: {said:?} without {word:?}");
        }
    }
    for (asker, body) in ASKERS.into_iter().zip([chat("[\"\u{1}\"]"), chat("[\"\u{1}\"]"), items("\"\u{1}\"")]) {
        let invalid: Vec<u8> = body.bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
        assert!(!complaint(asker, &invalid).is_empty(), "{asker:?}");
    }
}

/// The names and inputs of all calls in an answer in one piece.
fn calls(asker: Asker, body: &[u8]) -> Vec<(String, Value)> {
    // Half a character in the input of a call stays as the model wrote it, which only this reader minds.
    let body: Value =
        serde_json::from_str(&std::str::from_utf8(body).unwrap().replace(r"\\ud83d", "?").replace(r"\ud83d", "?"))
            .unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let input = |text: &Value| serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    match asker {
        Asker::Anthropic => list(&body["content"])
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .map(|block| (name(block), block["input"].clone()))
            .collect(),
        Asker::OpenAi => list(&body["choices"][0]["message"]["tool_calls"])
            .iter()
            .map(|call| (name(&call["function"]), input(&call["function"]["arguments"])))
            .collect(),
        Asker::Responses => list(&body["output"])
            .iter()
            .filter(|item| item["type"] == "function_call")
            .map(|item| (name(item), input(&item["arguments"])))
            .collect(),
    }
}

/// Case 45: a stream that is cut anywhere is not whole, but where nothing more than its last marks are missing; then every
/// call has the input that it had.
#[test]
fn no_beginning_of_a_stream_is_whole_with_other_calls_than_the_whole() {
    for (provider, folder, name, stream, end) in streams().filter(|(.., end)| *end == End::Whole) {
        for asker in strangers(provider) {
            let back = back(asker, provider, true);
            let whole = calls(asker, &collect(&back, &stream).unwrap());
            let mut draws = Draws(stream.len() as u64);
            for _ in 0..24 {
                let cut = &stream[..draws.below(stream.len())];
                let down = bring(&back, std::iter::once(cut)).0;
                let seen = check(asker, &down).unwrap_or_else(|why| panic!("{folder}/{name} for {asker:?}: {why}"));
                let taken = is_taken_for_whole(asker, &down);
                assert_eq!(taken, seen == End::Whole, "{folder}/{name} ({end:?}) for {asker:?}");
                let one = collect(&back, cut);
                assert!(one.is_err() || taken, "{folder}/{name} for {asker:?}");
                if let Ok(body) = one {
                    assert_eq!(calls(asker, &body), whole, "{folder}/{name} for {asker:?}");
                }
            }
        }
    }
}

/// Whatever is damaged, what goes down is a stream of the client's dialect; one that is taken for whole has calls whose input
/// is an object, in a stream and in one piece.
#[test]
fn no_damage_makes_a_stream_that_its_client_does_not_understand() {
    const PIECES: [&[u8]; 12] =
        [b"", b"\"", b"\\", b"{", b"}", b",", b"null", b"-1", b"\\ud83d", b"\xff", b"\n\n", b"data: [DONE]\n\n"];
    let mut draws = Draws(3);
    for (provider, folder, name, stream, _) in streams() {
        for asker in strangers(provider) {
            let back = back(asker, provider, true);
            for _ in 0..12 {
                let mut damaged = stream.clone();
                let at = draws.below(damaged.len() + 1);
                let end = damaged.len().min(at + draws.below(30));
                damaged.splice(at..end, PIECES[draws.below(PIECES.len())].iter().copied());
                let down = bring(&back, std::iter::once(&*damaged)).0;
                let said = || String::from_utf8_lossy(&damaged).into_owned();
                let seen = check(asker, &down);
                assert!(seen.is_ok(), "{folder}/{name} for {asker:?}: {seen:?} of\n{}", said());
                let whole = seen == Ok(End::Whole);
                assert_eq!(is_taken_for_whole(asker, &down), whole, "{folder}/{name} for {asker:?} of\n{}", said());
                if let Ok(body) = collect(&back, &damaged) {
                    let objects = calls(asker, &body).iter().all(|(_, input)| input.is_object());
                    assert!(whole && objects, "{folder}/{name} for {asker:?} of\n{}", said());
                }
            }
        }
    }
}

/// Some clients' last event has the whole answer in it, and an answer in one piece is put together in memory: a provider that
/// never stops talking must not fill it.
#[test]
fn an_answer_without_an_end_is_broken_off_where_no_model_would_still_speak() {
    let piece =
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(1 << 20));
    for asker in [Asker::Anthropic, Asker::Responses] {
        let back = back(asker, PROVIDERS[2], true);
        let down = bring(&back, std::iter::repeat_n(piece.as_bytes(), 12)).0;
        assert_eq!(check(asker, &down), Ok(End::Error), "{asker:?}");
        assert!(down.len() < 9 << 20, "{asker:?}: {} bytes", down.len());
        let mut collecting = back.collecting();
        (0..12).for_each(|_| collecting.push(piece.clone().into()));
        let Err(Wrong::Error(facts)) = collecting.finish() else { panic!("{asker:?}: it is taken for an answer") };
        assert_eq!((facts.status, facts.kind.as_deref()), (502, Some("too_long")), "{asker:?}");
    }
}
