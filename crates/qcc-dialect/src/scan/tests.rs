//! The oracle is `serde_json`: the scanner must accept what it accepts and find what it finds.

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

/// Whether the scanner finds the grammar in order, whatever it thinks of the members.
fn grammatical(body: &[u8]) -> bool {
    !matches!(scan(body), Err(ScanError::Empty | ScanError::NotJson { .. } | ScanError::TooDeep { .. }))
}

fn serde_accepts(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// What serde makes of the two members; duplicates are an error for derived structs.
#[derive(Deserialize)]
struct Oracle {
    model: String,
    #[serde(default)]
    stream: Option<bool>,
}

fn assert_agrees(body: &[u8]) {
    assert_eq!(grammatical(body), serde_accepts(body), "{:?}: {:?}", String::from_utf8_lossy(body), scan(body));
    // A derived struct takes arrays for objects; the scanner does not.
    let object = body.trim_ascii_start().first() == Some(&b'{');
    let expected = serde_json::from_slice::<Oracle>(body).ok().filter(|found| object && !found.model.is_empty());
    match (scan(body), expected) {
        (Ok(found), Some(expected)) => {
            assert_eq!(found.model_name, expected.model);
            assert_eq!(found.stream, expected.stream.unwrap_or_default());
            let value: String = serde_json::from_slice(&body[found.model]).unwrap();
            assert_eq!(value, expected.model, "the range is the value");
        }
        (Err(_), None) => {}
        (found, expected) => panic!("{found:?} but serde finds {:?}", expected.map(|oracle| oracle.model)),
    }
}

fn error(body: &str) -> ScanError {
    scan(body.as_bytes()).unwrap_err()
}

#[test]
fn the_model_and_the_wish_for_a_stream_are_found() {
    let body = br#"{"model":"claude-opus-4-8","max_tokens":1,"stream":true}"#;
    let found = scan(body).unwrap();
    assert_eq!(found.model_name, "claude-opus-4-8");
    assert_eq!(&body[found.model], b"\"claude-opus-4-8\"");
    assert!(found.stream);
}

#[test]
fn without_a_wish_there_is_no_stream() {
    for body in [r#"{"model":"m"}"#, r#"{"model":"m","stream":false}"#, r#"{"model":"m","stream":null}"#] {
        assert!(!scan(body.as_bytes()).unwrap().stream, "{body}");
    }
}

#[test]
fn only_top_level_members_count() {
    let body = br#"{"messages":[{"model":"decoy","stream":true}],"metadata":{"model":"decoy"},"x":"\"model\":\"decoy\"","model":"real","tools":[[{"stream":true}]]}"#;
    let found = scan(body).unwrap();
    assert_eq!((found.model_name.as_str(), found.stream), ("real", false));
}

#[test]
fn escaped_names_and_values_are_understood() {
    let body = br#" { "mod\u0065l" : "a\"b\\c\u00e9" , "\u0073tream" : true } "#;
    let found = scan(body).unwrap();
    assert_eq!((found.model_name.as_str(), found.stream), ("a\"b\\c\u{e9}", true));
}

#[test]
fn members_named_twice_are_refused_also_when_one_is_escaped() {
    assert_eq!(error(r#"{"model":"a","model":"a"}"#), ScanError::DuplicateKey("model"));
    assert_eq!(error(r#"{"model":"a","mod\u0065l":"b"}"#), ScanError::DuplicateKey("model"));
    assert_eq!(error(r#"{"stream":true,"model":"a","stream":true}"#), ScanError::DuplicateKey("stream"));
    assert!(scan(br#"{"model":"a","x":1,"x":2}"#).is_ok(), "others are none of our business");
}

#[test]
fn each_fault_has_its_own_error() {
    assert_eq!(error(""), ScanError::Empty);
    assert_eq!(error(" \n"), ScanError::Empty);
    assert_eq!(error("[]"), ScanError::NotAnObject);
    assert_eq!(error("\"model\""), ScanError::NotAnObject);
    assert_eq!(error("{}"), ScanError::MissingModel);
    assert_eq!(error(r#"{"model":""}"#), ScanError::EmptyModel);
    for value in ["5", "null", "{}", "[\"m\"]", r#"{"model":"m"}"#, r#""\ud83d""#] {
        assert_eq!(error(&format!(r#"{{"model":{value}}}"#)), ScanError::ModelNotAString, "{value}");
    }
    for value in ["1", "\"true\"", "{}", "[true]"] {
        assert_eq!(error(&format!(r#"{{"model":"m","stream":{value}}}"#)), ScanError::StreamNotABool, "{value}");
    }
}

#[test]
fn a_broken_body_is_reported_before_a_wrong_member_and_with_its_place() {
    assert_eq!(
        error(r#"{"model":5"#),
        ScanError::NotJson { offset: 10, what: "the body ends inside an array or object" }
    );
    assert_eq!(error(r#"{"model":"m"}x"#), ScanError::NotJson { offset: 13, what: "something follows the value" });
    let text = error("{\"model\":\"a\nb\"}").to_string();
    assert_eq!(text, "the request body is not valid JSON: a control character stands unescaped in a string at byte 11");
}

#[test]
fn the_grammar_is_that_of_serde_json() {
    let values = [
        "0",
        "-0",
        "01",
        "-",
        "1.",
        ".5",
        "1.5",
        "1e5",
        "1E+5",
        "1e-",
        "1e",
        "0x1",
        "1e999",
        "--1",
        "+1",
        "NaN",
        "Infinity",
        "true",
        "tru",
        "truex",
        "null",
        "nul",
        "falsee",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[]]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\ud800""#,
        r#""\"#,
        "\"",
        "\"\u{1}\"",
        "\"\u{7f}\"",
        "\"tab\there\"",
        "\"é中\u{1f600}\"",
        "\u{feff}1",
        "'a'",
        "// c\n1",
        "1\u{a0}",
        "\u{b}1",
        "[[[[]]]]",
        r#"{"":{"":[{}]}}"#,
    ];
    for value in values {
        assert_agrees(value.as_bytes());
        assert_agrees(format!(r#"{{"a":{value},"model":"m"}}"#).as_bytes());
        assert_agrees(format!(r#"{{"model":{value}}}"#).as_bytes());
        assert_agrees(format!(r#"{{"stream": {value} ,"model":"m"}}"#).as_bytes());
    }
}

#[test]
fn invalid_utf8_in_ignored_strings_is_left_to_the_provider() {
    let body = b"{\"x\":\"\xff\xfe\",\"model\":\"m\"}";
    assert!(serde_accepts(body));
    assert!(scan(body).is_ok());
    assert_eq!(scan(b"{\"model\":\"\xff\"}").unwrap_err(), ScanError::ModelNotAString);
}

#[test]
fn every_position_in_a_string_is_looked_at() {
    // Long enough to cross from words to blocks and back.
    for length in 0..300 {
        for special in [b'"', b'\\', 0x1f, 0x00, b'\n'] {
            let mut body = b"{\"model\":\"".to_vec();
            body.extend(std::iter::repeat_n(0x7f, length));
            body.push(special);
            body.extend_from_slice(b"n and more text that runs on behind it\"}");
            assert_agrees(&body);
        }
    }
}

#[test]
fn nesting_has_a_limit_and_needs_no_stack() {
    let nested = |depth: usize| format!(r#"{{"model":"m","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(scan(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
    assert_eq!(error(&nested(MAX_DEPTH)), ScanError::TooDeep { offset: 17 + MAX_DEPTH - 1, limit: MAX_DEPTH });
    assert!(matches!(error(&"[".repeat(10_000_000)), ScanError::TooDeep { .. }));
}

#[test]
fn a_splice_under_the_same_name_is_the_same_body() {
    let body = Bytes::from_static(br#"{"model":"m"}"#);
    let model = scan(&body).unwrap().model;
    assert_eq!(splice_model(&body, &model, "m").as_ptr(), body.as_ptr());
}

/// JSON printed with odd spacing and needless escapes, with members named like the real ones.
pub(in crate::scan) fn json() -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-z]{0,3}", Just("model".to_owned()), Just("stream".to_owned())];
    let text = prop_oneof![".{0,12}", "[a-z ]{60,150}", Just("\\\" \u{1f600}\n".to_owned())];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| Value::from(number).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        (text, any::<bool>()).prop_map(|(text, escape)| quote(&text, escape)),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let members = prop::collection::vec((name.clone(), any::<bool>(), inner.clone(), space()), 0..5);
        prop_oneof![
            (prop::collection::vec(inner, 0..5), space())
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},")))),
            members.prop_map(object),
        ]
    })
}

pub(in crate::scan) fn object(members: Vec<(String, bool, String, String)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, escape, value, space)| format!("{space}{}{space}:{space}{value}{space}", quote(&name, escape)))
        .collect();
    format!("{{{}}}", members.join(","))
}

pub(in crate::scan) fn quote(text: &str, escape: bool) -> String {
    if escape {
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        return format!("\"{units}\"");
    }
    Value::from(text).to_string()
}

pub(in crate::scan) fn space() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "[ \n\r\t]{1,3}"]
}

/// A request: any members, a model and perhaps a stream somewhere among them.
fn request() -> impl Strategy<Value = String> {
    let others = prop::collection::vec(("[a-z]{1,8}", any::<bool>(), json(), space()), 0..5);
    (others, ".{0,20}", prop_oneof!["true", "false", "null", "1"], any::<[bool; 4]>(), any::<prop::sample::Index>())
        .prop_map(|(mut members, model, stream, [escape, with_stream, twice, escape_name], at)| {
            let model = ("model".to_owned(), escape_name, quote(&model, escape), String::new());
            let place = at.index(members.len() + 1);
            members.insert(place, model.clone());
            if with_stream {
                members.insert(0, ("stream".to_owned(), escape, stream, " ".to_owned()));
            }
            if twice && escape && escape_name {
                members.push(model);
            }
            object(members)
        })
}

proptest! {
    #[test]
    fn valid_json_is_read_as_serde_reads_it(body in json()) {
        assert_agrees(body.as_bytes());
    }

    #[test]
    fn requests_are_read_as_serde_reads_them(body in request()) {
        assert_agrees(body.as_bytes());
    }

    #[test]
    fn damaged_json_is_refused_as_serde_refuses_it(
        body in request(),
        at in any::<prop::sample::Index>(),
        damage in prop_oneof![Just(None), any::<u8>().prop_map(Some), prop::sample::select(b"{}[]\",:\\0.e-u \n".to_vec()).prop_map(Some)],
        insert in any::<bool>(),
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        match damage {
            None => body.truncate(at),
            Some(byte) if insert => body.insert(at, byte),
            Some(byte) => body[at] = byte,
        }
        // Keys are text for serde's derived struct; ignored ones are bytes for the scanner.
        if std::str::from_utf8(&body).is_ok() {
            assert_agrees(&body);
        } else {
            prop_assert_eq!(grammatical(&body), serde_accepts(&body));
        }
    }

    #[test]
    fn a_splice_changes_the_model_and_nothing_else(body in request(), name in ".{1,20}") {
        let body = Bytes::from(body);
        if let Ok(found) = scan(&body) {
            let spliced = splice_model(&body, &found.model, &name);
            let again = scan(&spliced).unwrap();
            prop_assert_eq!(&again.model_name, &name);
            prop_assert_eq!(again.model.start, found.model.start);
            prop_assert_eq!(&spliced[..again.model.start], &body[..found.model.start]);
            prop_assert_eq!(&spliced[again.model.end..], &body[found.model.end..]);
        }
    }
}
