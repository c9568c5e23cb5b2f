//! One value as text: whether it can stand as it is or has to be quoted, which the parser itself decides, and which words
//! are quoted although YAML 1.2 does not ask for it.

use granit_parser::ScalarStyle;

use super::node::{Kind, Node};
use super::syntax::Syntax;

/// Where a scalar will stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// Between brackets, where commas and brackets mean something.
    pub(super) flow: bool,
    /// Before a colon.
    pub(super) key: bool,
    /// Quotes that the old value or the neighbours have.
    pub(super) like: ScalarStyle,
}

impl Setting {
    pub(super) fn value(flow: bool) -> Self {
        Self { flow, key: false, like: ScalarStyle::Plain }
    }

    pub(super) fn key(flow: bool, like: ScalarStyle) -> Self {
        Self { flow, key: true, like }
    }
}

/// A scalar of this kind as it has to be written.
pub(super) fn written(text: &str, kind: Kind, setting: Setting) -> String {
    if kind != Kind::Text {
        return text.to_owned();
    }
    let single = !text.chars().any(|c| c.is_control() || is_odd(c));
    match setting.like {
        ScalarStyle::SingleQuoted if single => single_quoted(text),
        ScalarStyle::DoubleQuoted => double_quoted(text),
        _ if is_plain(text, setting) => text.to_owned(),
        _ if single && text.contains(['"', '\\']) && !text.contains('\'') => single_quoted(text),
        _ => double_quoted(text),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Also valid JSON.
pub(super) fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() || is_odd(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that are not control characters and still break lines, or are dropped, for some readers.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_plain(text: &str, setting: Setting) -> bool {
    if text.chars().any(|c| c.is_control() || is_odd(c)) || is_other_to_old_readers(text) {
        return false;
    }
    let means = |probe: String, meant: Node| {
        let syntax = Syntax::of(&probe);
        syntax.is_some_and(|syntax| syntax.comments.is_empty() && syntax.meaning() == Some(meant))
    };
    let value = || Node::map([("k", Node::text(text))]);
    let key = || Node::map([(text, Node::number(1))]);
    // A key is a text whatever it looks like, but a person quotes `true` and `1` there.
    means(format!("k: {text}\n"), value())
        && match setting {
            Setting { key: true, flow: false, .. } => means(format!("{text}: 1\n"), key()),
            Setting { key: true, flow: true, .. } => means(format!("{{ {text}: 1}}\n"), key()),
            Setting { flow: false, .. } => true,
            Setting { flow: true, .. } => {
                let items = Node::List(vec![Node::text(text), Node::text("k")]);
                means(format!("{{k: {text} }}\n"), value()) && means(format!("[{text}, k]\n"), items)
            }
        }
}

/// Whether YAML 1.1 reads a text as something else: as a truth, a number in base 60, a date, or with digits grouped.
/// <https://yaml.org/type/>
fn is_other_to_old_readers(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    if matches!(word.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "=" | "<<") {
        return true;
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit())
        && (number.chars().all(|c| c.is_ascii_digit() || "_:.".contains(c)) && number.contains(['_', ':'])
            || number.strip_prefix("0b").is_some_and(|digits| digits.chars().all(|c| "01_".contains(c)))
            || is_date(number))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut digits = |least: usize, most: usize| {
        let part = parts.next().unwrap_or_default();
        let count = part.chars().take_while(char::is_ascii_digit).count();
        (least..=most).contains(&count) && (count == part.len() || most == 2 && part[count..].starts_with(['T', ' ']))
    };
    digits(4, 4) && digits(1, 2) && digits(1, 2)
}
