//! What a text that was typed means for a key: the same words, ranges and hints as when the file is read.

use crate::edit::{Document, Edit, Kind, Node, Step};
use crate::file;
use crate::secret::REDACTED;
use crate::suggest::not_among;
use crate::value::{FromText, Size, Time, Wrong};

use super::{Key, Takes, Unfit};

impl From<Wrong> for Unfit {
    fn from(wrong: Wrong) -> Self {
        Self { message: wrong.message, hint: wrong.hint }
    }
}

impl Key {
    /// The value that `text` means for this key: `60s` for a duration, `a,b` or `[a, b]` for a list.
    ///
    /// # Errors
    /// When it is of the wrong type, out of range, or none of the allowed words; for a section, and for a key of the
    /// Balancer.
    pub fn value(&self, text: &str) -> Result<Node, Unfit> {
        if self.path.first() == Some(&Step::from("settings")) {
            return Err(self.replaced());
        }
        let trimmed = text.trim();
        let value = match &self.takes {
            Takes::Text => Ok(Node::text(text)),
            Takes::Bool => bool::from_text(trimmed).map(Node::bool),
            Takes::Number { low, high, fraction } => number(trimmed, *low, *high, *fraction),
            Takes::Word(words) => word(trimmed, words).map(|()| Node::text(trimmed)),
            Takes::Duration => Time::from_text(trimmed).map(|_| with_unit(trimmed)),
            Takes::Size => Size::from_text(trimmed).map(|_| with_unit(trimmed)),
            Takes::Texts => return texts(trimmed).map(Node::List),
            Takes::Section => {
                let hint = format!("`qcc config list {}` shows the keys below it, which are set one by one", self.name);
                return Err(Unfit { message: format!("`{}` is a section, not a value", self.name), hint });
            }
        };
        value.map_err(Unfit::from)
    }

    /// The edits that give the key this value; where the line of a route is new, it is appended.
    ///
    /// # Errors
    /// As [`Key::value`].
    pub fn edits(&self, document: &Document, text: &str) -> Result<Vec<Edit>, Unfit> {
        let value = self.value(text)?;
        if let [list @ .., Step::Item(at), Step::Key(key)] = self.path.as_slice() {
            let item = [list, &[Step::Item(*at)]].concat();
            if document.get(&item).is_none() {
                return Ok(vec![Edit::Append { path: list.to_vec(), value: Node::map([(key.clone(), value)]) }]);
            }
        }
        Ok(vec![Edit::Set { path: self.path.clone(), value }])
    }

    /// A value of this key as it may be shown: `[redacted]` for a secret that is not only a reference.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        if crate::redact::hides(&self.path, text) { REDACTED.to_owned() } else { text.to_owned() }
    }

    /// Keys of the Balancer are read, and written only under their new names.
    fn replaced(&self) -> Unfit {
        let names: Vec<&str> = self.help.split('`').skip(1).step_by(2).collect();
        let hint = match names.as_slice() {
            [] => "it has no counterpart in qcc; `qcc config reset` removes it".to_owned(),
            names => {
                format!("set {} instead", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
            }
        };
        Unfit { message: format!("`{}` is a key of the Balancer", self.name), hint }
    }
}

fn number(text: &str, low: f64, high: f64, fraction: bool) -> Result<Node, Wrong> {
    let (value, written) = if fraction {
        f64::from_text(text).map(|value| (value, value.to_string()))?
    } else if high <= f64::from(u16::MAX) && high > 65_534.0 {
        u16::from_text(text).map(|value| (f64::from(value), value.to_string()))?
    } else {
        u32::from_text(text).map(|value| (f64::from(value), value.to_string()))?
    };
    if value < low || value > high {
        let hint = format!("write a number from {low} to {high}");
        return Err(Wrong::new(format!("{written} is out of range"), hint));
    }
    Ok(Node::Scalar { kind: Kind::Number, text: written })
}

fn word(text: &str, words: &[String]) -> Result<(), Wrong> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.contains(&text) {
        Ok(())
    } else {
        Err(file::unknown_word(text, &words).unwrap_or_else(|| not_among(text, &words)))
    }
}

/// `0` alone needs no unit, and then is a number to YAML.
fn with_unit(text: &str) -> Node {
    let kind = if text.parse::<f64>().is_ok() { Kind::Number } else { Kind::Text };
    Node::Scalar { kind, text: text.replace(' ', "") }
}

/// `a,b`, `[a, b]` or `["a", "b"]`; nothing and `[]` are the empty list.
fn texts(text: &str) -> Result<Vec<Node>, Unfit> {
    let wrong = |message: &str| Unfit { message: message.to_owned(), hint: "write `a,b` or `[a, b]`".to_owned() };
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(|| wrong("the list has no `]` at its end"))?,
        None => text,
    };
    if inner.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quote: Option<char> = None;
    let mut quoted = false;
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some('"'), '\\') => item.extend(characters.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') if item.trim().is_empty() => {
                item.clear();
                (quote, quoted) = (Some(c), true);
            }
            (None, ',') => {
                items.push(finished(&mut item, &mut quoted));
            }
            // Blanks after the closing quote.
            (None, c) if quoted && c.is_whitespace() => {}
            _ => item.push(c),
        }
    }
    if quote.is_some() {
        return Err(wrong("a quote in the list is not closed"));
    }
    items.push(finished(&mut item, &mut quoted));
    if items.iter().any(String::is_empty) {
        return Err(wrong("an item of the list is empty"));
    }
    Ok(items.into_iter().map(Node::text).collect())
}

fn finished(item: &mut String, quoted: &mut bool) -> String {
    let text = std::mem::take(item);
    if std::mem::take(quoted) { text } else { text.trim().to_owned() }
}
