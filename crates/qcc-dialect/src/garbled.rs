//! Whether an answer holds what is no text in a place where it must not be guessed at.
//!
//! Bytes that are not UTF-8, and halves of characters, are replaced where a model speaks: everybody sees that something is
//! missing. In the input of a tool nobody would see it, and the tool would run with something else than the model wrote.

use std::borrow::Cow;

/// The data of an event, or a body, with what is no text replaced. `None`: it names a call, whose input may be meant.
pub(crate) fn readable(bytes: &[u8]) -> Option<Cow<'_, str>> {
    // Nearly always there is nothing to replace, and to find that out is quicker than to be ready to.
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(Cow::Borrowed(text));
    }
    let text = String::from_utf8_lossy(bytes);
    (!names_a_call(&text)).then_some(text)
}

/// The same for dialects in which the input of a call is a text within the text.
pub(crate) fn readable_twice(bytes: &[u8]) -> Option<Cow<'_, str>> {
    readable(bytes).filter(|text| !(has_half(text.as_bytes()) && names_a_call(text)))
}

/// In the words of Chat Completions, Responses or Gemini.
fn names_a_call(text: &str) -> bool {
    ["tool_call", "function_call", "functionCall"].iter().any(|word| text.contains(word))
}

/// Whether an escape stands for half a character and the other half does not follow.
fn has_half(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        at += found;
        match (half(&text[at..]), half(text.get(at + 6..).unwrap_or_default())) {
            (Some(Half::First), Some(Half::Second)) => at += 12,
            (Some(_), _) => return true,
            (None, _) => at += 2,
        }
        if at >= text.len() {
            break;
        }
    }
    false
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

fn half(escape: &[u8]) -> Option<Half> {
    match escape {
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _, ..] => Some(Half::First),
        [b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', _, _, ..] => Some(Half::Second),
        _ => None,
    }
}

#[test]
fn only_what_may_be_the_input_of_a_call_must_be_whole_text() {
    let call = |inner: &str| format!(r#"{{"tool_calls":[{{"arguments":"{inner}"}}]}}"#);
    let table = [
        (r#"{"content":"\ud83d"}"#.to_owned(), true, true),
        (call(r"\ud83d\ude00 \\ud83d \n"), true, true),
        (call(r"\\\\ud83d"), true, true),
        (call(r"\ud83d"), true, false),
        (call(r"\ude00"), true, false),
        (call(r"\ud83d\ud83d\ude00"), true, false),
        (call(r"\uD83Dx"), true, false),
        (call(r"\\\uD83D"), true, false),
    ];
    for (text, once, twice) in table {
        assert_eq!(readable(text.as_bytes()).is_some(), once, "{text}");
        assert_eq!(readable_twice(text.as_bytes()).is_some(), twice, "{text}");
    }
    assert_eq!(readable(b"{\"content\":\"\xff\"}").as_deref(), Some("{\"content\":\"\u{fffd}\"}"));
    for event in ["tool_calls", "response.function_call_arguments.delta", "functionCall"] {
        assert_eq!(readable(&[event.as_bytes(), b"\xff"].concat()), None, "{event}");
    }
    assert_eq!(readable_twice(b"function_call \\"), Some("function_call \\".into()));
}
