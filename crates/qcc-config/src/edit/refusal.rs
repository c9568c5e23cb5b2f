//! What the user is told when an edit is not made: why, at which line, and what to write by hand. A secret is not shown.

use crate::ConfigError;
use crate::env::is_reference;
use crate::error::Place;
use crate::secret::REDACTED;
use crate::source::{Problems, Source, may_be_seen, without_url_secrets};

use super::lines::newline_of;
use super::node::{Kind, Node};
use super::plan::Refusal;
use super::style::Style;
use super::syntax::Syntax;
use super::{Edit, Step};

impl Refusal {
    /// The error for an edit of a text that stays as it is.
    pub(super) fn told(self, edit: &Edit, source: &Source, syntax: &Syntax) -> ConfigError {
        let (Edit::Set { path, .. } | Edit::Append { path, .. } | Edit::Remove { path }) = edit;
        let name = dotted(path);
        let why = match self {
            Self::Inexact if syntax.is_shared(path) => return Self::Shared.told(edit, source, syntax),
            Self::Shared => {
                format!("`{name}` is used in more than one place, through an anchor, an alias or a merge key")
            }
            Self::NotAMap => format!("`{name}` is below something that is not a map of keys and values"),
            Self::NotAList => format!("`{name}` is not a list"),
            Self::NoItem => format!("`{name}` does not exist"),
            Self::Inexact => format!("`{name}` is written so that editing it could change something else"),
        };
        let message = format!("the file was not changed: {why}");
        let hint = by_hand(edit, &Style::of(&source.text, syntax));
        let line = (0..=path.len()).rev().find_map(|end| Some((end, syntax.line(&path[..end])?)));
        let Some((_, line)) = line.filter(|(end, _)| *end > 0) else {
            return ConfigError::whole(&source.path, message, &hint);
        };
        let written = source.text.split(newline_of(&source.text)).nth(line - 1).unwrap_or_default();
        let column = written.chars().take_while(|c| matches!(c, ' ' | '-')).count() + 1;
        let mut problems = Problems::new(source);
        problems.add(Place { line, column }, message.clone(), hint.clone());
        problems.finish().err().unwrap_or_else(|| ConfigError::whole(&source.path, message, &hint))
    }
}

fn by_hand(edit: &Edit, style: &Style) -> String {
    match edit {
        Edit::Set { path, value } => {
            let value = style.inline(&shown(value, path));
            format!("open the file and set `{}` to `{value}`", dotted(path))
        }
        Edit::Append { path, value } => {
            let value = style.inline(&shown(value, path));
            format!("open the file and add `- {value}` to `{}`", dotted(path))
        }
        Edit::Remove { path } => format!("open the file and remove `{}`", dotted(path)),
    }
}

/// `profiles.production.endpoints[1]`
pub(super) fn dotted(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Item(index) => out.push_str(&format!("[{index}]")),
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => out.push_str(&format!(".{key}")),
        }
    }
    out
}

/// The value as it may be shown.
fn shown(value: &Node, path: &[Step]) -> Node {
    let mut above: Vec<String> = Vec::new();
    let mut seen = true;
    for step in path {
        if let Step::Key(key) = step {
            seen &= may_be_seen(key, &above);
            above.insert(0, key.clone());
        }
    }
    seen_part(value, &above, seen)
}

fn seen_part(value: &Node, above: &[String], seen: bool) -> Node {
    match value {
        Node::Scalar { text, .. } if is_reference(text) => value.clone(),
        Node::Scalar { .. } if !seen => Node::text(REDACTED),
        Node::Scalar { kind: Kind::Text, text } => Node::text(without_url_secrets(text)),
        Node::Null | Node::Scalar { .. } => value.clone(),
        Node::List(items) => Node::List(items.iter().map(|item| seen_part(item, above, seen)).collect()),
        Node::Map(entries) => Node::map(entries.iter().map(|(key, value)| {
            let deeper: Vec<String> = [key.clone()].into_iter().chain(above.iter().cloned()).collect();
            (key.clone(), seen_part(value, &deeper, seen && may_be_seen(key, above)))
        })),
    }
}
