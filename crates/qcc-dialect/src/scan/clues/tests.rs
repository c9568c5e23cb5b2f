//! The oracle is again `serde_json`: the ranges must be the values that it finds, the last one of each name.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::tests::{json as any_json, object, quote, space};
use super::super::{MAX_DEPTH, scan};
use super::*;

const UUID: &str = "6f1c9a52-3f6e-4c0b-9d8a-2b7e51c0a4d3";

fn clues(body: &str) -> Clues {
    scan(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}")).clues
}

fn session_of(user_id: &Value) -> Option<String> {
    let body = json!({"model": "m", "metadata": {"user_id": user_id}}).to_string();
    clues(&body).session_id(body.as_bytes())
}

fn opening_of(body: &str) -> Vec<u8> {
    let mut whole = Vec::new();
    clues(body).opening(body.as_bytes(), |piece| whole.extend_from_slice(piece));
    whole
}

fn asks_long(body: &Value) -> bool {
    clues(&body.to_string()).long_cache
}

#[test]
fn both_forms_of_claude_codes_user_id_name_the_session() {
    let user = json!({"device_id": "ab12", "account_uuid": "", "session_id": UUID}).to_string();
    assert_eq!(session_of(&json!(user)).as_deref(), Some(UUID));
    let account = "0d9f6c7e-1111-4222-8333-444455556666";
    for older in [format!("user_ab12_account_{account}_session_{UUID}"), format!("user_ab12_account__session_{UUID}")] {
        assert_eq!(session_of(&json!(older)).as_deref(), Some(UUID), "{older}");
    }
}

#[test]
fn a_user_id_without_a_session_names_none() {
    for other in [
        json!("customer-17"),
        json!("a_session_b"),
        json!("user_1_session_"),
        json!(""),
        json!("{"),
        json!("{}"),
        json!(r#"{"session_id":""}"#),
        json!(r#"{"session_id":5}"#),
        json!(r#"{"session_id":null}"#),
        json!(r#"{"session_id":"a","session_id":"b"}"#),
        json!(r#"["a"]"#),
        json!("[".repeat(2000)),
        json!(5),
        json!(null),
        json!({"session_id": "a"}),
        json!([r#"{"session_id":"a"}"#]),
    ] {
        assert_eq!(session_of(&other), None, "{other}");
    }
}

#[test]
fn escapes_are_understood_wherever_a_name_or_value_may_have_them() {
    let body = r#"{"model":"m","met\u0061data":{"user\u005fid":"{\"s\u0065ssion_id\":\"a\\u00e9\"}"},
        "prompt_cache\u005fkey":"k\u00e9\n","messages":[{"rol\u0065":"assistant"},{"role":"us\u0065r","content":"x"}]}"#;
    let found = clues(body);
    assert_eq!(found.session_id(body.as_bytes()).as_deref(), Some("a\u{e9}"));
    assert_eq!(found.cache_key(body.as_bytes()).as_deref(), Some("k\u{e9}\n"));
    assert_eq!(&body[found.first_user.unwrap()], r#"{"role":"us\u0065r","content":"x"}"#);
}

#[test]
fn a_name_of_strange_length_or_without_valid_unicode_is_none() {
    let long = "x".repeat(5_000_000);
    assert_eq!(session_of(&json!(json!({"session_id": long}).to_string())), None);
    let body = json!({"model": "m", "prompt_cache_key": long}).to_string();
    assert_eq!(clues(&body).cache_key(body.as_bytes()), None);
    for value in [r#""\ud800""#, r#""""#] {
        let body = format!(r#"{{"model":"m","prompt_cache_key":{value},"metadata":{{"user_id":{value}}}}}"#);
        let found = clues(&body);
        assert_eq!((found.cache_key(body.as_bytes()), found.session_id(body.as_bytes())), (None, None), "{value}");
    }
}

#[test]
fn of_members_named_twice_the_last_one_counts() {
    let body = r#"{"model":"m","metadata":{"user_id":"1"},"metadata":{"user_id":"2","user_id":"3"},"system":1,"system":2,
        "prompt_cache_key":"4","prompt_cache_key":"5","messages":[{"role":"user","content":"6"}],
        "messages":[{"role":"user","role":"assistant"},{"role":"assistant","role":"user","content":"7"}]}"#;
    let Clues { user_id, prompt_cache_key, system, first_user, .. } = clues(body);
    let at = |range: Option<Range<usize>>| &body[range.unwrap()];
    assert_eq!((at(user_id), at(prompt_cache_key), at(system)), ("\"3\"", "\"5\"", "2"));
    assert_eq!(at(first_user), r#"{"role":"assistant","role":"user","content":"7"}"#);
    let emptied = r#"{"model":"m","metadata":{"user_id":"1"},"metadata":null,"prompt_cache_key":"4","prompt_cache_key":4,
        "messages":[{"role":"user"}],"messages":{"role":"user"}}"#;
    assert_eq!(clues(emptied), Clues::default());
}

#[test]
fn values_of_wrong_types_are_passed_over() {
    for body in [
        r#"{"model":"m","metadata":["user_id","x"],"messages":"user","prompt_cache_key":["k"]}"#,
        r#"{"model":"m","metadata":"user_id","messages":["role","user",["role","user"],{"role":["user"]},{"role":{"role":"user"}}]}"#,
        r#"{"model":"m","metadata":{"x":{"user_id":"x"}},"messages":{"0":{"role":"user"}},"x":{"prompt_cache_key":"k"}}"#,
        r#"{"model":"m","metadata":{"user_id":["x"]},"messages":[[{"role":"user"}],{"content":[{"role":"user"}]},{"role":"userx"}]}"#,
    ] {
        assert_eq!(clues(body), Clues::default(), "{body}");
    }
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let body = format!(
        r#"{{"model":"m","metadata":{{"x":{0},"user_id":"user_1_session_a"}},"system":[{0}],"messages":[{{"content":{0},"role":"user"}}]}}"#,
        deep(MAX_DEPTH - 3)
    );
    assert_eq!(clues(&body).session_id(body.as_bytes()).as_deref(), Some("a"));
    assert!(opening_of(&body).len() > 4 * (MAX_DEPTH - 3));
}

#[test]
fn a_long_cache_is_seen_where_the_api_takes_it() {
    let (long, short) = (json!({"type": "ephemeral", "ttl": "1h"}), json!({"type": "ephemeral", "ttl": "5m"}));
    let place = |mark: &Value| {
        [
            json!({"model": "m", "cache_control": mark}),
            json!({"model": "m", "system": [{"text": "a"}, {"text": "b", "cache_control": mark}]}),
            json!({"model": "m", "tools": [{"name": "a", "input_schema": {}, "cache_control": mark}]}),
            json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "a", "cache_control": mark}]}]}),
            json!({"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": [
                {"type": "tool_result", "content": "a", "cache_control": mark}]}]}),
        ]
    };
    for body in place(&long) {
        assert!(asks_long(&body), "{body}");
        assert!(clues(&serde_json::to_string_pretty(&body).unwrap()).long_cache, "{body}");
    }
    for body in place(&short).into_iter().chain(place(&json!({"type": "ephemeral"}))) {
        assert!(!asks_long(&body), "{body}");
    }
}

#[test]
fn what_only_looks_like_a_long_cache_is_none() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    for body in [
        json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "tool_use", "input": {"cache_control": mark}}]}]}),
        json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "tool_use", "input": mark}]}]}),
        json!({"model": "m", "messages": [{"role": "user", "content": mark.to_string()}]}),
        json!({"model": "m", "tools": [{"input_schema": {"properties": {"cache_control": mark}}}]}),
        json!({"model": "m", "metadata": {"a": {"cache_control": mark}}}),
        json!({"model": "m", "cache_control": "1h"}),
        json!({"model": "m", "cache_control": ["1h"]}),
        json!({"model": "m", "cache_control": {"ttl": ["1h"]}}),
        json!({"model": "m", "cache_control": {"type": "1h"}}),
        json!({"model": "m", "cache_control": {"a": {"ttl": "1h"}}}),
        json!({"model": "m", "cache_control": {"a": " ".repeat(300), "ttl": "1h"}}),
    ] {
        assert!(!asks_long(&body), "{body}");
    }
}

#[test]
fn the_opening_is_system_and_first_message_without_what_changes_between_requests() {
    let first = json!({"role": "user", "content": [{"type": "text", "text": "Hello"}]});
    let system = |version: &str| {
        json!([{"type": "text", "text": format!("x-anthropic-billing-header: cc_version={version};")},
            {"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}}])
    };
    let one = json!({"model": "m", "system": system("2.1.5c1"), "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]}]});
    let later = json!({"model": "n", "system": system("2.1.99999"), "messages": [
        first, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "More"}]});
    let bare = json!({"model": "m", "system": [{"type": "text", "text": "You help."}], "messages": [first]});
    let expected = opening_of(&one.to_string());
    assert_eq!(opening_of(&later.to_string()), expected);
    assert_eq!(opening_of(&bare.to_string()), expected);
    for other in [
        json!({"model": "m", "system": "You help.", "messages": [first]}),
        json!({"model": "m", "system": [{"type": "text", "text": "You help!"}], "messages": [first]}),
        json!({"model": "m", "system": [{"type": "text", "text": "You help."}], "messages": [{"role": "user", "content": "Hi"}]}),
        json!({"model": "m", "messages": [first]}),
        json!({"model": "m"}),
    ] {
        assert_ne!(opening_of(&other.to_string()), expected, "{other}");
    }
}

#[test]
fn only_block_0_can_be_the_billing_line() {
    let line = json!({"type": "text", "text": "x-anthropic-billing-header: a"});
    let opening = |system: Value| opening_of(&json!({"model": "m", "system": system}).to_string());
    assert_eq!(opening(json!([line])), opening(json!([])));
    for kept in [json!([{"text": "a"}, line]), json!([{"text": "an x-anthropic-billing-header"}]), json!([[line]])] {
        let text = String::from_utf8(opening(kept.clone())).unwrap();
        assert!(text.contains("x-anthropic-billing-header"), "{kept}");
    }
}

#[test]
fn numbers_stay_apart_and_a_name_that_is_a_value_is_no_mark() {
    let opening = |content: Value| opening_of(&json!({"model": "m", "system": content}).to_string());
    assert_ne!(opening(json!([1, 23])), opening(json!([12, 3])));
    assert_ne!(opening(json!([true, false])), opening(json!([true])));
    assert_ne!(opening(json!(["cache_control", "a"])), opening(json!(["cache_control", "b"])));
    assert_eq!(opening(json!({"a": 1, "cache_control": {"b": 2}})), opening(json!({"a": 1})));
}

#[test]
fn of_long_parts_the_beginning_counts_and_a_mark_in_it_does_not_move_its_end() {
    let long = "word ".repeat(200_000);
    let body = |system: &str, mark: bool, words: &str| {
        let mut block = json!({"type": "text", "text": "a"});
        if mark {
            block["cache_control"] = json!({"type": "ephemeral", "ttl": "5m"});
        }
        json!({"model": "m", "system": [block, {"type": "text", "text": system}], "messages": [
            {"role": "user", "content": [block, {"type": "text", "text": words}]}]})
        .to_string()
    };
    let opening = opening_of(&body(&long, false, &long));
    assert_eq!(opening.len(), 2 * MAX_OPENING + 1);
    assert_eq!(opening_of(&body(&long, true, &long)), opening);
    assert_eq!(opening_of(&body(&format!("{long}more"), false, &long)), opening);
    assert_ne!(opening_of(&body(&long, false, "short")), opening);
    let escaped = "\u{1}".repeat(100_000);
    assert_eq!(opening_of(&body(&escaped, false, &escaped)).len(), 2 * MAX_OPENING + 1);
}

/// A member with odd spacing and perhaps an escaped name.
fn member(
    name: &'static str,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = (String, bool, String, String)> {
    (value, any::<bool>(), space()).prop_map(move |(value, escape, space)| (name.to_owned(), escape, value, space))
}

fn members(
    names: Vec<BoxedStrategy<(String, bool, String, String)>>,
    most: usize,
) -> impl Strategy<Value = Vec<(String, bool, String, String)>> {
    prop::collection::vec(prop::strategy::Union::new(names), 0..most)
}

fn array(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (prop::collection::vec(item, 0..4), space())
        .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},"))))
}

fn text() -> impl Strategy<Value = String> {
    let text = prop_oneof![Just("user".to_owned()), Just("assistant".to_owned()), Just("\"\\\n".to_owned()), ".{0,9}"];
    (text, any::<bool>()).prop_map(|(text, escape)| quote(&text, escape))
}

fn message() -> impl Strategy<Value = String> {
    let names = vec![
        member("role", text()).boxed(),
        member("role", Just("\"user\"".to_owned())).boxed(),
        member("content", any_json()).boxed(),
        member("cache_control", any_json()).boxed(),
    ];
    prop_oneof![4 => members(names, 4).prop_map(object), 1 => any_json()]
}

/// A request whose members that matter come in any order, number and shape.
fn conversation() -> impl Strategy<Value = String> {
    let user = prop_oneof![
        member("user_id", text()).boxed(),
        member("user_id", any_json()).boxed(),
        member("x", any_json()).boxed()
    ];
    let metadata = prop_oneof![3 => prop::collection::vec(user, 0..3).prop_map(object), 1 => any_json()];
    let names = vec![
        member("metadata", metadata).boxed(),
        member("messages", prop_oneof![4 => array(message()), 1 => any_json()]).boxed(),
        member("system", any_json()).boxed(),
        member("tools", any_json()).boxed(),
        member("prompt_cache_key", prop_oneof![text().boxed(), any_json().boxed()]).boxed(),
        member("other", any_json()).boxed(),
    ];
    (members(names, 7), any::<prop::sample::Index>()).prop_map(|(mut members, at)| {
        let at = at.index(members.len() + 1);
        members.insert(at, ("model".to_owned(), false, "\"m\"".to_owned(), String::new()));
        object(members)
    })
}

fn with_marks(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(with_marks).collect(),
        Value::Object(members) => {
            let mark = ("cache_control".to_owned(), json!({"type": "ephemeral", "more": [{"a": "}"}]}));
            Value::Object(members.iter().map(|(name, value)| (name.clone(), with_marks(value))).chain([mark]).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn the_ranges_are_what_serde_finds(body in conversation()) {
        let expected: Value = serde_json::from_str(&body).unwrap();
        let found = clues(&body);
        let at = |range: Option<Range<usize>>| range.map(|range| serde_json::from_str::<Value>(&body[range]).unwrap());
        let text = |value: Option<&Value>| value.filter(|value| value.is_string()).cloned();
        let first = expected["messages"].as_array().and_then(|all| all.iter().find(|one| one["role"] == "user"));
        prop_assert_eq!(at(found.user_id), text(expected["metadata"].get("user_id")));
        prop_assert_eq!(at(found.prompt_cache_key), text(expected.get("prompt_cache_key")));
        prop_assert_eq!(at(found.system), expected.get("system").cloned());
        prop_assert_eq!(at(found.first_user), first.cloned());
    }

    #[test]
    fn reading_the_clues_of_any_body_ends_within_its_bounds(body in conversation()) {
        let found = clues(&body);
        prop_assert!(found.session_id(body.as_bytes()).is_none_or(|id| !id.is_empty()));
        prop_assert!(found.cache_key(body.as_bytes()).is_none_or(|key| !key.is_empty()));
        prop_assert!(opening_of(&body).len() <= body.len() * 2 + 2);
    }

    #[test]
    fn neither_marks_nor_spaces_change_the_opening(system in any_json(), content in any_json()) {
        let [system, content]: [Value; 2] = [serde_json::from_str(&system).unwrap(), serde_json::from_str(&content).unwrap()];
        let plain = json!({"model": "m", "system": system, "messages": [{"role": "user", "content": content}]});
        let marked = json!({"model": "m", "system": with_marks(&system), "messages": [with_marks(&plain["messages"][0])]});
        let expected = opening_of(&plain.to_string());
        prop_assert_eq!(&opening_of(&marked.to_string()), &expected);
        prop_assert_eq!(&opening_of(&serde_json::to_string_pretty(&marked).unwrap()), &expected);
    }

    #[test]
    fn other_words_make_another_opening(one in ".{0,40}", other in ".{0,40}", in_system in any::<bool>()) {
        prop_assume!(one != other);
        let body = |text: &str| {
            let (system, content) = if in_system { (text, "a") } else { ("a", text) };
            json!({"model": "m", "system": system, "messages": [{"role": "user", "content": content}]}).to_string()
        };
        prop_assert_ne!(opening_of(&body(&one)), opening_of(&body(&other)));
    }

    #[test]
    fn a_long_cache_is_seen_exactly_where_a_mark_of_the_api_asks_for_it(
        marks in prop::collection::vec(prop::sample::select(vec![None, Some("5m"), Some("1h")]), 5),
        decoy in any::<bool>(),
        pretty in any::<bool>(),
    ) {
        let block = |mark: Option<&str>| {
            let mut block = json!({"type": "tool_use", "input": {}});
            if let Some(ttl) = mark {
                block["cache_control"] = json!({"type": "ephemeral", "ttl": ttl});
            }
            if decoy {
                block["input"] = json!({"cache_control": {"ttl": "1h"}, "ttl": "1h"});
            }
            block
        };
        let content = |mark| json!({"role": "user", "content": [block(None), block(mark)]});
        let mut body = json!({"model": "m", "system": [block(marks[0])], "tools": [block(None), block(marks[1])],
            "messages": [content(marks[2]), content(marks[3])]});
        body["cache_control"] = block(marks[4])["cache_control"].clone();
        let body = if pretty { serde_json::to_string_pretty(&body).unwrap() } else { body.to_string() };
        prop_assert_eq!(clues(&body).long_cache, marks.contains(&Some("1h")));
    }
}
