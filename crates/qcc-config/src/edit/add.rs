//! Adding to a list or a map: at its end, laid out like what is there already.

use granit_parser::ScalarStyle;

use super::lines::{Splice, column, indentation, line_end, lines_from, next_line};
use super::node::{Kind, Node};
use super::plan::{Plan, Planner};
use super::render::Way;
use super::scalar::{Setting, double_quoted, written};
use super::style::{Json, is_all_quoted, key_quotes};
use super::syntax::{Id, Shape};

impl Planner<'_> {
    /// The first content of a file without any: after its comments.
    pub(super) fn begin(&self, value: &Node) -> Plan {
        let root = self.syntax.root().map(|root| self.syntax.part(root).body.clone()).filter(|body| !body.is_empty());
        let at = self.end();
        let mut splices = vec![self.last_lines(at, &self.style.block(value, &[], 0), self.is_comment_before(at))];
        splices.extend(root.clone().map(Splice::delete));
        Plan { splices, gone: root, cut: None }
    }

    /// A key at the end of a map in block style. A new section goes to the end of the file, below all comments: there it
    /// is looked for, and cannot come between a comment and what it is about.
    pub(super) fn add_entry(&self, map: Id, key: &str, value: &Node, way: Way<'_>, is_section: bool) -> Plan {
        let part = self.syntax.part(map);
        let Shape::Map { entries, .. } = &part.shape else { return Plan::default() };
        let at = column(self.text, part.body.start);
        let key = written(key, Kind::Text, Setting::key(false, key_quotes(self.syntax, entries)));
        let entry = format!("{}{}", " ".repeat(at), self.style.entry(&key, value, way, at));
        let starts: Vec<usize> = entries.iter().map(|(key, _)| self.syntax.part(*key).start()).collect();
        let splice = if is_section {
            let end = self.end();
            let alone = starts.len() == 1 && self.text[part.body.clone()].contains('\n');
            let apart = alone || starts.windows(2).any(|pair| self.is_apart(pair[1]));
            self.last_lines(end, &entry, apart || self.is_comment_before(end))
        } else {
            // What is commented out of a list that is not indented is as far indented as the new key.
            let ends_with_dash = entries.last().is_some_and(|(_, value)| {
                let value = self.syntax.part(*value);
                matches!(value.shape, Shape::List { flow: false, .. }) && column(self.text, value.body.start) == at
            });
            let about = if ends_with_dash { at } else { at + 1 };
            self.lines(self.behind(part.body.end, about), &entry, self.are_apart(&starts))
        };
        Plan { splices: vec![splice], ..Plan::default() }
    }

    /// An item at the end of a list in block style.
    pub(super) fn add_item(&self, list: Id, value: &Node, way: Way<'_>) -> Plan {
        let part = self.syntax.part(list);
        let Shape::List { items, .. } = &part.shape else { return Plan::default() };
        let at = column(self.text, part.body.start);
        let last = items.last().map(|item| self.syntax.part(*item));
        let gap =
            last.map(|last| column(self.text, last.start()).saturating_sub(at)).filter(|gap| (2..=8).contains(gap));
        let braces = items.iter().rev().find_map(|item| match self.syntax.part(*item).shape {
            Shape::Map { flow, .. } => Some(flow),
            _ => None,
        });
        let braces = braces.unwrap_or_else(|| self.style.items_in_braces(way.first().unwrap_or(&""), way.len()));
        let item = match value {
            Node::Scalar { kind: Kind::Text, text } if is_all_quoted(self.syntax, list) => {
                format!("-{}{}", " ".repeat(gap.unwrap_or(2) - 1), double_quoted(text))
            }
            _ => self.style.item(value, way, at, gap.unwrap_or(2), braces),
        };
        let item = format!("{}{item}", " ".repeat(at));
        let starts: Vec<usize> = (0..items.len()).map(|index| self.own(list, index).start).collect();
        let splice = self.lines(self.behind(part.body.end, at + 1), &item, self.are_apart(&starts));
        Plan { splices: vec![splice], ..Plan::default() }
    }

    /// An entry or an item at the end of a map or list in brackets.
    pub(super) fn add_in_flow(&self, id: Id, key: Option<&str>, value: &Node) -> Plan {
        let body = self.syntax.part(id).body.clone();
        let count = self.children(id);
        let open = body.start + 1;
        let Some(last) = count.checked_sub(1).map(|last| self.own(id, last)) else {
            return self.fill(id, key, value);
        };
        let before = if count > 1 { self.own(id, count - 2).end } else { open };
        let gap = &self.text[before..last.start];
        let text = self.flow_child(id, key, value, Some(self.text[last.clone()].contains('\n')));
        if !gap.contains('\n') {
            let blank = if count > 1 {
                gap.ends_with(' ')
            } else {
                self.style.json.as_ref().is_none_or(|json| json.comma != ",")
            };
            let space = if blank { " " } else { "" };
            return Plan { splices: vec![Splice::insert(last.end, format!(",{space}{text}"))], ..Plan::default() };
        }
        let line = format!("\n{}{text}", indentation(self.text, last.start));
        let end = line_end(self.text, last.end);
        if end >= body.end {
            return Plan { splices: vec![Splice::insert(last.end, format!(",{line}"))], ..Plan::default() };
        }
        // The comment of the last item stays on its line, behind the comma.
        let splices = if self.comma(last.end, body.end).is_some() {
            vec![Splice::insert(end, format!("{line},"))]
        } else {
            vec![Splice::insert(last.end, ","), Splice::insert(end, line)]
        };
        Plan { splices, ..Plan::default() }
    }

    /// The first entry or item in empty brackets.
    fn fill(&self, id: Id, key: Option<&str>, value: &Node) -> Plan {
        let body = self.syntax.part(id).body.clone();
        let (open, close) = (body.start + 1, body.end - 1);
        let text = self.flow_child(id, key, value, None);
        let blank = self.text[open..close].trim().is_empty();
        let splice = match &self.style.json {
            Some(json) if json.pretty && blank => {
                let outer = indentation(self.text, body.start);
                Splice::replace(open..close, format!("\n{outer}{}{text}\n{outer}", json.unit))
            }
            _ if blank && key.is_some() && self.style.padded => Splice::replace(open..close, format!(" {text} ")),
            _ if blank => Splice::replace(open..close, text),
            _ => Splice::insert(open, text),
        };
        Plan { splices: vec![splice], ..Plan::default() }
    }

    /// The text of an entry or an item in brackets; `tall` is whether its neighbour has more than one line.
    fn flow_child(&self, id: Id, key: Option<&str>, value: &Node, tall: Option<bool>) -> String {
        let body = self.syntax.part(id).body.clone();
        if let Some(json) = &self.style.json {
            let last = self.children(id).checked_sub(1).map(|last| self.own(id, last).start);
            let deeper = last.map_or_else(
                || format!("{}{}", indentation(self.text, body.start), json.unit),
                |last| indentation(self.text, last).to_owned(),
            );
            let is_item = key.is_none();
            let lines = json.pretty && tall.is_none_or(|tall| tall || !is_item && self.text[body].contains('\n'));
            let lines = lines.then_some(deeper.as_str());
            return key.map_or_else(|| json.value(value, lines), |key| json.entry(key, value, lines));
        }
        if is_all_quoted(self.syntax, id) {
            let json = Json::in_yaml();
            return key.map_or_else(|| json.value(value, None), |key| json.entry(key, value, None));
        }
        let quotes = match &self.syntax.part(id).shape {
            Shape::Map { entries, .. } => key_quotes(self.syntax, entries),
            _ => ScalarStyle::Plain,
        };
        let value = self.style.flow(value);
        key.map_or_else(
            || value.clone(),
            |key| format!("{}: {value}", written(key, Kind::Text, Setting::key(true, quotes))),
        )
    }

    /// Whole lines put in at `at`, where a line begins or the text ends.
    pub(super) fn lines(&self, at: usize, lines: &str, apart: bool) -> Splice {
        let before = &self.text[..at];
        let broken = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let apart = apart && !before.is_empty() && !self.syntax.is_in_block_text(self.text, at);
        let apart = if apart { "\n" } else { "" };
        Splice::insert(at, format!("{broken}{apart}{lines}\n"))
    }

    /// Whole lines at the end of the document, in place of the blank lines there.
    fn last_lines(&self, at: usize, lines: &str, apart: bool) -> Splice {
        let splice = self.lines(at, lines, apart);
        let is_blank = self.text[at..self.syntax.end].trim().is_empty();
        Splice::replace(at..if is_blank { self.syntax.end } else { at }, splice.text)
    }

    /// Where a new line goes behind what ends at `end`: below comments that are indented to `least` or more,
    /// because these are about what stands above them.
    pub(super) fn behind(&self, end: usize, least: usize) -> usize {
        let first = next_line(self.text, end);
        let mut found = first;
        for (start, next) in lines_from(self.text, first) {
            let line = &self.text[start..next];
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if line[blanks..].starts_with('#') && blanks >= least {
                found = next;
            } else if !line.trim().is_empty() {
                break;
            }
        }
        found
    }

    /// Where the content of the file ends, before blank lines at its end.
    fn end(&self) -> usize {
        let content = self.text[..self.syntax.end].trim_end();
        let kept = self.syntax.root().map_or(0, |root| self.syntax.part(root).body.end);
        if content.is_empty() { 0 } else { next_line(self.text, content.len().max(kept)).min(self.syntax.end) }
    }

    /// Whether the neighbours are set apart by blank lines, going by the last two.
    fn are_apart(&self, starts: &[usize]) -> bool {
        starts.len() > 1 && starts.last().is_some_and(|last| self.is_apart(*last))
    }

    /// Whether there is a blank line above this one, or above the comments that are directly above it.
    fn is_apart(&self, start: usize) -> bool {
        let line = super::lines::line_start(self.text, start);
        let mut above = super::lines::lines_before(self.text, line).map(|(from, to)| self.text[from..to].trim());
        above.find(|line| !line.starts_with('#')).is_some_and(str::is_empty)
    }

    fn is_comment_before(&self, at: usize) -> bool {
        let mut above = super::lines::lines_before(self.text, at).map(|(from, to)| self.text[from..to].trim());
        above.next().is_some_and(|line| line.starts_with('#')) || !self.text[..at].ends_with('\n') && at > 0
    }
}
