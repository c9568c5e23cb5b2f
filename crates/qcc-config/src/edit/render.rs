//! New values as text, laid out as the file is.

use granit_parser::ScalarStyle;

use super::node::{Kind, Node};
use super::scalar::{Setting, double_quoted, written};
use super::style::{Json, Style};

/// Columns up to which a list of plain values stays on one line.
const WIDTH: usize = 100;

/// Where a value belongs, as far as its layout depends on it: the keys on the way, none for an item.
pub(super) type Way<'w> = &'w [&'w str];

impl Style {
    /// `key: value`, without indentation before its first line; `at` is its column.
    pub(super) fn entry(&self, key: &str, value: &Node, way: Way<'_>, at: usize) -> String {
        if self.is_block(value, at) {
            let below = at + if matches!(value, Node::List(_)) { self.dash } else { self.step };
            return format!("{key}:\n{}", self.block(value, way, below));
        }
        format!("{key}: {}", self.inline(value))
    }

    /// Whether a value is written over several lines.
    pub(super) fn is_block(&self, value: &Node, at: usize) -> bool {
        match value {
            Node::Map(entries) => !entries.is_empty(),
            Node::List(items) => {
                let plain = items.iter().all(|item| matches!(item, Node::Null | Node::Scalar { .. }));
                let fits = plain && at + self.inline(value).chars().count() < WIDTH;
                !items.is_empty() && !fits
            }
            _ => false,
        }
    }

    /// A map or list over several lines, each with its indentation and without a line break after the last one.
    pub(super) fn block(&self, value: &Node, way: Way<'_>, at: usize) -> String {
        let indentation = " ".repeat(at);
        let lines: Vec<String> = match value {
            Node::Map(entries) => entries
                .iter()
                .map(|(key, value)| {
                    let deeper: Vec<&str> = way.iter().copied().chain([key.as_str()]).collect();
                    let key = written(key, Kind::Text, Setting::key(false, ScalarStyle::Plain));
                    format!("{indentation}{}", self.entry(&key, value, &deeper, at))
                })
                .collect(),
            Node::List(items) => {
                let braces = self.items_in_braces(way.first().unwrap_or(&""), way.len());
                items.iter().map(|item| format!("{indentation}{}", self.item(item, way, at, 2, braces))).collect()
            }
            _ => vec![format!("{indentation}{}", self.inline(value))],
        };
        lines.join("\n")
    }

    /// `- value`; `at` is the column of the dash and `gap` how far from it the value begins.
    pub(super) fn item(&self, value: &Node, way: Way<'_>, at: usize, gap: usize, braces: bool) -> String {
        let flat = |(_, value): &(String, Node)| matches!(value, Node::Null | Node::Scalar { .. });
        let text = match value {
            Node::Map(entries) if !entries.is_empty() && (!braces || !entries.iter().all(flat)) => {
                let deeper: Vec<&str> = way.iter().copied().chain([""]).collect();
                self.block(value, &deeper, at + gap).trim_start().to_owned()
            }
            _ => self.inline(value),
        };
        format!("-{}{text}", " ".repeat(gap - 1))
    }

    /// A value on one line, in block context.
    pub(super) fn inline(&self, value: &Node) -> String {
        match value {
            Node::Scalar { kind, text } => written(text, *kind, Setting::value(false)),
            _ => self.flow(value),
        }
    }

    /// A value on one line, between brackets.
    pub(super) fn flow(&self, value: &Node) -> String {
        match value {
            Node::Null => "null".to_owned(),
            Node::Scalar { kind, text } => written(text, *kind, Setting::value(true)),
            Node::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Node::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Node::Map(entries) => {
                let entries: Vec<String> = entries.iter().map(|(key, value)| self.flow_entry(key, value)).collect();
                let pad = if self.padded { " " } else { "" };
                format!("{{{pad}{}{pad}}}", entries.join(", "))
            }
        }
    }

    fn flow_entry(&self, key: &str, value: &Node) -> String {
        format!("{}: {}", written(key, Kind::Text, Setting::key(true, ScalarStyle::Plain)), self.flow(value))
    }
}

impl Json {
    /// A value as JSON, on one line, or over several below `indentation`.
    pub(super) fn value(&self, value: &Node, lines: Option<&str>) -> String {
        match value {
            Node::Null => "null".to_owned(),
            Node::Scalar { kind: Kind::Text, text } => double_quoted(text),
            Node::Scalar { text, .. } => text.clone(),
            Node::List(items) => {
                let deeper = lines.map(|indentation| format!("{indentation}{}", self.unit));
                let items = items.iter().map(|item| self.value(item, deeper.as_deref())).collect();
                self.enclosed('[', items, ']', lines)
            }
            Node::Map(entries) => {
                let deeper = lines.map(|indentation| format!("{indentation}{}", self.unit));
                let entries = entries.iter().map(|(key, value)| self.entry(key, value, deeper.as_deref())).collect();
                self.enclosed('{', entries, '}', lines)
            }
        }
    }

    /// `"key": value`
    pub(super) fn entry(&self, key: &str, value: &Node, lines: Option<&str>) -> String {
        format!("{}{}{}", double_quoted(key), self.colon, self.value(value, lines))
    }

    fn enclosed(&self, open: char, inner: Vec<String>, close: char, lines: Option<&str>) -> String {
        match lines {
            Some(indentation) if !inner.is_empty() => {
                let between = format!(",\n{indentation}{}", self.unit);
                format!("{open}{}{}\n{indentation}{close}", &between[1..], inner.join(&between))
            }
            _ => format!("{open}{}{close}", inner.join(self.comma)),
        }
    }
}
