//! Replacing a value: in its place, with its comment, and with the quotes that it had.

use granit_parser::ScalarStyle;

use super::lines::{Splice, begins_line, column, indentation, line_end, line_start, next_line};
use super::node::{Kind, Node};
use super::plan::{Plan, Planner, Refusal, Spot};
use super::render::Way;
use super::scalar::{Setting, written};
use super::syntax::{Part, Shape};

impl Planner<'_> {
    pub(super) fn replace(&self, spot: Spot, value: &Node, way: Way<'_>) -> Result<Plan, Refusal> {
        let old = self.syntax.part(spot.id);
        let Some((holder, index)) = spot.holder else { return Err(Refusal::NotAMap) };
        if old.shared {
            return Err(Refusal::Shared);
        }
        let plan = match &self.syntax.part(holder).shape {
            Shape::Map { flow: false, entries } => {
                let key = self.syntax.part(entries[index].0);
                let at = column(self.text, key.start());
                let keeps_brackets = matches!(&old.shape,
                    Shape::List { flow: true, items } if !items.is_empty())
                    || matches!(&old.shape, Shape::Map { flow: true, entries } if !entries.is_empty());
                if self.style.is_block(value, at) && !keeps_brackets {
                    self.replace_by_lines(old, key, value, way, at)
                } else {
                    self.replace_in_line(old, key, &self.inline_like(old, value, false))
                }
            }
            Shape::List { flow: false, .. } => {
                let text = match value {
                    Node::Map(entries) if !entries.is_empty() && !is_in_brackets(old) => {
                        self.style.block(value, way, column(self.text, old.start())).trim_start().to_owned()
                    }
                    _ => self.inline_like(old, value, false),
                };
                over(old, text)
            }
            _ => over(old, self.bracketed(old, value)),
        };
        Ok(plan)
    }

    /// New text between brackets.
    fn bracketed(&self, old: &Part, value: &Node) -> String {
        let text = match &self.style.json {
            Some(json) => {
                let lines = json.pretty.then(|| indentation(self.text, old.start()));
                json.value(value, lines)
            }
            None => self.inline_like(old, value, true),
        };
        let bare = old.body.is_empty() && !self.text[..old.body.start].ends_with(':');
        if bare && self.style.json.is_none() { format!(": {text}") } else { text }
    }

    fn inline_like(&self, old: &Part, value: &Node, flow: bool) -> String {
        match (value, &old.shape) {
            (Node::Scalar { kind: Kind::Text, text }, Shape::Scalar { style, kind: Some(Kind::Text), .. })
                if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) =>
            {
                written(text, Kind::Text, Setting { flow, key: false, like: *style })
            }
            _ if flow => self.style.flow(value),
            _ => self.style.inline(value),
        }
    }

    /// A value on the line of its key, in place of anything.
    fn replace_in_line(&self, old: &Part, key: &Part, text: &str) -> Plan {
        if old.is_inline() {
            return over(old, text.to_owned());
        }
        if let Shape::Scalar { .. } = old.shape {
            return self.replace_block_text(old, text);
        }
        let colon = self.colon(key);
        let properties = old.properties.clone().map_or(colon..colon, |properties| colon..properties.end);
        let lines = line_start(self.text, old.body.start)..next_line(self.text, old.body.end);
        let gone = old.start()..lines.end;
        let splices = vec![Splice::replace(properties, format!(" {text}")), Splice::delete(lines.clone())];
        Plan { splices, gone: Some(if old.properties.is_some() { gone } else { lines }), cut: None }
    }

    /// The comment after `|` stays, its text goes.
    fn replace_block_text(&self, old: &Part, text: &str) -> Plan {
        let header = &self.text[old.body.start..];
        let indicator =
            header.len() - header.trim_start_matches(|c: char| "|>+-".contains(c) || c.is_ascii_digit()).len();
        let end = old.body.start + indicator;
        let first = line_end(self.text, end);
        // A text that keeps the blank lines after it ends with a line break, which the line of the key needs.
        let last = self.text[..old.body.end].trim_end_matches(['\n', '\r']).len();
        let blank_lines = if last < old.body.end { old.body.end - self.style.newline.len() } else { last };
        let lines = first..blank_lines.max(first);
        let splices = vec![Splice::replace(old.start()..end, text), Splice::delete(lines.clone())];
        Plan { splices, gone: Some(old.start()..end.max(lines.end)), cut: None }
    }

    /// A map or list below its key, in place of anything.
    fn replace_by_lines(&self, old: &Part, key: &Part, value: &Node, way: Way<'_>, at: usize) -> Plan {
        let below = at + if matches!(value, Node::List(_)) { self.style.dash } else { self.style.step };
        if old.is_inline() || matches!(old.shape, Shape::Scalar { .. }) {
            let text = self.style.block(value, way, below);
            let colon = self.colon(key);
            let behind = next_line(self.text, old.body.end.max(colon));
            // The value may stand on a line of its own; what is between it and the key may be a comment.
            let blanks = self.text[..old.start()].trim_end_matches([' ', '\t']).len().max(colon);
            let mut taken = blanks.min(old.start())..old.body.end.max(blanks.min(old.start()));
            if begins_line(self.text, old.start()) && line_end(self.text, old.body.end) == old.body.end {
                taken = line_start(self.text, old.start())..behind;
            }
            let splices = vec![Splice::delete(taken), self.lines(behind, &text, false)];
            return Plan { splices, gone: Some(old.start()..old.body.end), cut: None };
        }
        let same =
            matches!((&old.shape, value), (Shape::List { .. }, Node::List(_)) | (Shape::Map { .. }, Node::Map(_)));
        let below = if same { column(self.text, old.body.start) } else { below };
        let lines = line_start(self.text, old.body.start)..next_line(self.text, old.body.end);
        let text = format!("{}\n", self.style.block(value, way, below));
        Plan { splices: vec![Splice::replace(lines.clone(), text)], gone: Some(lines), cut: None }
    }

    /// Where the colon of a key ends.
    fn colon(&self, key: &Part) -> usize {
        self.text[key.body.end..].find(':').map_or(key.body.end, |at| key.body.end + at + 1)
    }
}

fn is_in_brackets(part: &Part) -> bool {
    matches!(part.shape, Shape::List { flow: true, .. } | Shape::Map { flow: true, .. })
}

/// New text exactly in place of the old part.
fn over(old: &Part, text: String) -> Plan {
    let at = old.start()..old.body.end;
    let text = if at.is_empty() && !text.starts_with(':') { format!(" {text}") } else { text };
    Plan { splices: vec![Splice::replace(at.clone(), text)], gone: Some(at), cut: None }
}
