//! Reading and printing give what `serde_json` gives: it is the reference, and reading and printing with it the proof.

use proptest::prelude::*;
use serde_json::Value;

use super::print::print;
use super::{Document, Raw};
use crate::canon::Json;

/// The value again, put together from its places.
fn value(raw: Raw<'_>) -> Value {
    if raw.is_object() {
        Value::Object(raw.members().map(|(name, raw)| (name.into_owned(), value(raw))).collect())
    } else if raw.is_list() {
        Value::Array(raw.items().map(value).collect())
    } else if raw.is_string() {
        raw.string().map_or(Value::Null, |text| Value::String(text.into_owned()))
    } else {
        serde_json::from_str(raw.get()).unwrap()
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "[\u{0}-\u{ff}]{0,20}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z \"\\\\\n\t\u{8}\u{c}/é😀]{0,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_is_the_value_that_it_was(wanted in json(), pretty in any::<bool>()) {
        let text = if pretty { format!("\n {wanted:#}\t") } else { wanted.to_string() };
        let document = Document::read(&text).unwrap();
        prop_assert_eq!(value(document.root()), wanted);
        prop_assert_eq!(document.root().get(), text.trim());
    }

    #[test]
    fn values_are_printed_as_serde_json_prints_them(value in json()) {
        prop_assert_eq!(&print(&value, 0).unwrap()[..], serde_json::to_vec(&value).unwrap());
    }

    #[test]
    fn a_text_is_read_exactly_where_serde_json_takes_it(text in "[\\[\\]{},:\"a\\\\n0-9 .e-]{0,12}") {
        let taken = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(Document::read(&text).is_ok(), taken, "{}", text);
    }

    #[test]
    fn strings_are_read_as_serde_json_reads_them(inside in r#"([a-z]|\\[nrtbf/"\\]|\\u[0-9a-fD][0-9a-f8cd]{3}){0,20}"#) {
        let text = format!("\"{inside}\"");
        let wanted = serde_json::from_str::<String>(&text).ok();
        let document = Document::read(&text).unwrap();
        prop_assert_eq!(document.root().string().map(std::borrow::Cow::into_owned), wanted);
    }
}

#[test]
fn values_are_the_text_that_they_were() {
    let text = r#"{"a": [1.0, 1e3, {"b" : null}], "a":{ }, "c":"\ud83d\ude00\ud83d"}"#;
    let document = Document::read(text).unwrap();
    let members: Vec<(String, &str)> = document.root().members().map(|(name, raw)| (name.into(), raw.get())).collect();
    assert_eq!(
        members,
        [
            ("a".to_owned(), r#"[1.0, 1e3, {"b" : null}]"#),
            ("a".to_owned(), "{ }"),
            ("c".to_owned(), r#""\ud83d\ude00\ud83d""#)
        ]
    );
    assert_eq!(document.root().member("a").map(Raw::get), Some("{ }"), "the last counts");
    assert!(document.root().member("b").is_none() && document.root().member("").is_none());
    let escaped = Document::read(r#"{"\u0061": 1, "a\\": 2, "x\"": 3}"#).unwrap();
    assert_eq!(
        ["a", "a\\", "x\""].map(|name| escaped.root().member(name).map(Raw::get)),
        [Some("1"), Some("2"), Some("3")]
    );
    let outline = Document::outline(text).unwrap();
    let named = |document: &Document<'_>, name| document.root().member(name).map(|raw| raw.get().to_owned());
    assert!(["a", "c"].iter().all(|name| named(&outline, name) == named(&document, name)));
    let (_, list) = document.root().members().next().unwrap();
    assert_eq!(list.items().map(Raw::get).collect::<Vec<_>>(), ["1.0", "1e3", r#"{"b" : null}"#]);
    let (_, half) = document.root().members().last().unwrap();
    assert!(half.is_string() && half.string().is_none(), "half a character is no text");
    assert!(document.root().items().next().is_none() && list.members().next().is_none());
}

#[test]
fn types_are_printed_as_serde_json_prints_them() {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Nothing,
        Text(&'static str),
        Members { at: u8, of: Option<f64> },
    }
    #[derive(serde::Serialize)]
    #[serde(tag = "type")]
    enum Tagged {
        Call { input: Json },
    }
    #[derive(serde::Serialize)]
    struct All {
        kinds: Vec<Kind>,
        tagged: Tagged,
        #[serde(flatten)]
        more: std::collections::BTreeMap<&'static str, (char, bool, ())>,
        #[serde(skip_serializing_if = "Option::is_none")]
        none: Option<u8>,
        raw: Box<serde_json::value::RawValue>,
    }
    let json = |text: &str| Json::from_text(text.to_owned()).unwrap();
    let all = All {
        kinds: vec![Kind::Nothing, Kind::Text("\"\u{1}é"), Kind::Members { at: 1, of: Some(1.0) }],
        tagged: Tagged::Call { input: json(r#"{"b": 1.0, "a": "\u00e9"}"#) },
        more: [("x", ('\n', true, ()))].into(),
        none: None,
        raw: serde_json::from_str("[1e3 ]").unwrap(),
    };
    let printed = print(&all, 0).unwrap();
    assert_eq!(&printed[..], serde_json::to_vec(&all).unwrap());
    assert!(memchr::memmem::find(&printed, br#"{"type":"Call","input":{"b": 1.0, "a": "\u00e9"}}"#).is_some());
    assert!(print(&std::collections::BTreeMap::from([(1, 2)]), 0).is_err(), "numbers are no names");
}
