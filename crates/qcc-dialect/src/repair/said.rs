//! What a refusal says: its words, and the members that it names.

use serde_json::Value;

use crate::error::ErrorFacts;

/// How many values are opened on the way inwards; relays wrap errors in errors.
const LEVELS: usize = 8;

/// A refusal, read.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The text in lower case.
    text: String,
    /// Ways to members that it points at or puts in quotes, the surest first, as in `messages[0].role`; in lower case with
    /// `_` between words.
    paths: Vec<String>,
    /// Whether a code or the text says that something is not taken, and not that its value is wrong.
    pub(super) unsupported: bool,
}

/// Codes and types that say so.
const CODES: &[&str] = &["unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"];

/// Texts that say so, in lower case.
const TEXTS: &[&str] = &[
    "support",
    "unknown name",
    "unknown parameter",
    "unknown field",
    "unknown variant",
    "unrecognized",
    "unexpected",
    "extra inputs",
    "extra fields",
    "not permitted",
    "not allowed",
    "not available",
    "not enabled",
    "not one of",
    "must be one of",
    "should be",
    "deprecated",
    "incompatible",
    "may not be",
    "cannot be",
    "cannot both",
    "cannot find field",
    "requires --",
    "requires the",
    "不支持",
];

impl Said {
    pub(super) fn of(facts: &ErrorFacts, body: &[u8]) -> Self {
        let text = facts.message.to_lowercase();
        let mut paths = Vec::new();
        if let Ok(value) = serde_json::from_slice(body.trim_ascii()) {
            pointed(&value, 0, &mut paths);
        }
        paths.extend(named(&facts.message));
        let coded = [&facts.code, &facts.kind].into_iter().flatten().any(|word| CODES.contains(&word.as_str()));
        let unsupported = coded || TEXTS.iter().any(|known| text.contains(known));
        Self { text, paths, unsupported }
    }

    /// Whether its text has this in it.
    pub(super) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// Whether its text has one of these in it.
    pub(super) fn has_one(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.has(text))
    }

    /// Its text in lower case.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it points at the member itself and not at something within it.
    pub(super) fn ends_at(&self, member: &str) -> bool {
        self.paths.iter().any(|path| path.rsplit(['.', '/']).next() == Some(member))
    }

    /// Names of members, those of the surest way first, of each the innermost first: all of `tools`, `0` and `strict` for
    /// `tools.0.strict`.
    pub(super) fn members(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().flat_map(|path| path.rsplit(['.', '[', ']', '/'])).filter(|name| !name.is_empty())
    }
}

/// Members that a body points at: OpenAI's `param`, the `loc` of FastAPI.
fn pointed(value: &Value, level: usize, paths: &mut Vec<String>) {
    if level >= LEVELS {
        return;
    }
    match value {
        Value::Object(members) => {
            if let Some(path) = members.get("param").and_then(Value::as_str) {
                paths.push(plain(path));
            }
            if let Some(steps) = members.get("loc").and_then(Value::as_array) {
                let steps: Vec<String> =
                    steps.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), plain)).collect();
                paths.push(steps.join("."));
            }
            members.values().for_each(|inner| pointed(inner, level + 1, paths));
        }
        Value::Array(items) => items.iter().for_each(|inner| pointed(inner, level + 1, paths)),
        Value::String(text) => {
            let inside = text.find('{').zip(text.rfind('}')).and_then(|(start, end)| text.get(start..=end));
            if let Some(inner) = inside.and_then(|inside| serde_json::from_str(inside).ok()) {
                pointed(&inner, level + 1, paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Members that a text names, in its order: words in quotes, words with `_` in them, and what stands before a colon.
fn named(text: &str) -> impl Iterator<Item = String> {
    const QUOTES: &[u8] = b"'\"`";
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '[' | ']' | '/');
    let bytes = text.as_bytes();
    let words = text.split(move |letter| !is_name(letter)).filter(|word| !word.is_empty());
    words.filter_map(move |word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        let end = start + word.len();
        let quoted =
            start > 0 && QUOTES.contains(&bytes[start - 1]) && bytes.get(end).is_some_and(|byte| QUOTES.contains(byte));
        let before_colon = bytes.get(end) == Some(&b':') && text[..start].trim_end().is_empty();
        let word = word.trim_matches(['.', '/']);
        let snake = word.contains('_') && word.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let camel = word
            .chars()
            .zip(word.chars().skip(1))
            .any(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase());
        (quoted || before_colon || snake || camel).then(|| plain(word))
    })
}

/// In lower case with `_` between words: `topK` and `top_k` are one.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    let mut low = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && low {
            plain.push('_');
        }
        low = letter.is_ascii_lowercase();
        plain.extend(letter.to_lowercase());
    }
    plain
}
