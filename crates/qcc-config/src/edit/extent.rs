//! How far an entry or an item reaches: from its key or dash to the end of its value, and which lines around it are its
//! own. In doubt a comment is somebody else's.

use std::ops::Range;

use super::lines::{begins_line, column, line_start, lines_before, lines_from, next_line};
use super::plan::Planner;
use super::syntax::{Id, Shape};

impl Planner<'_> {
    /// How many entries or items there are.
    pub(super) fn children(&self, holder: Id) -> usize {
        match &self.syntax.part(holder).shape {
            Shape::List { items, .. } => items.len(),
            Shape::Map { entries, .. } => entries.len(),
            _ => 0,
        }
    }

    /// From the key or the dash to the end of the value.
    pub(super) fn own(&self, holder: Id, index: usize) -> Range<usize> {
        match &self.syntax.part(holder).shape {
            Shape::Map { entries, .. } => {
                let (key, value) = (self.syntax.part(entries[index].0), self.syntax.part(entries[index].1));
                key.start()..value.body.end.max(key.body.end)
            }
            Shape::List { flow, items } => {
                let item = self.syntax.part(items[index]);
                let dash = self.syntax.dash(self.text, items[index]).filter(|_| !*flow);
                let start = dash.unwrap_or_else(|| item.start());
                start..item.body.end.max(start + usize::from(!*flow))
            }
            _ => self.syntax.part(holder).body.clone(),
        }
    }

    fn is_in_comment(&self, at: usize) -> bool {
        self.syntax.comments.iter().any(|comment| comment.contains(&at))
    }

    /// The comma behind what ends at `from`, before `to`.
    pub(super) fn comma(&self, from: usize, to: usize) -> Option<usize> {
        let mut commas = self.text[from..to].match_indices(',').map(|(at, _)| from + at);
        commas.find(|at| !self.is_in_comment(*at))
    }

    pub(super) fn has_comment(&self, range: &Range<usize>) -> bool {
        self.syntax.comments.iter().any(|comment| range.contains(&comment.start))
    }

    /// The whole lines of an entry or item in block style: with the comment at its end, the deeper comments below a list
    /// or map, the heading above it, and one of the blank lines around it. `None` when it begins behind a dash.
    pub(super) fn own_lines(&self, holder: Id, index: usize) -> Option<Range<usize>> {
        let own = self.own(holder, index);
        if !begins_line(self.text, own.start) {
            return None;
        }
        let at = column(self.text, own.start);
        let end = if self.holds_lines(holder, index) {
            self.directly_below(next_line(self.text, own.end), at)
        } else {
            next_line(self.text, own.end)
        };
        let first = line_start(self.text, own.start);
        let start = self.heading(first, at).filter(|_| self.is_blank_from(end)).unwrap_or(first);
        Some(self.with_blank_lines(start..end))
    }

    /// Whether the entry or item is a list or map over several lines.
    fn holds_lines(&self, holder: Id, index: usize) -> bool {
        let value = match &self.syntax.part(holder).shape {
            Shape::List { items, .. } => items[index],
            Shape::Map { entries, .. } => entries[index].1,
            _ => holder,
        };
        !self.syntax.part(value).is_inline()
    }

    /// Below the comments that follow without a blank line and are indented deeper than `at`.
    fn directly_below(&self, from: usize, at: usize) -> usize {
        let deeper = |&(start, next): &(usize, usize)| {
            let line = &self.text[start..next];
            let blanks = line.len() - line.trim_start_matches(' ').len();
            blanks > at && line[blanks..].starts_with('#')
        };
        lines_from(self.text, from).take_while(deeper).last().map_or(from, |(_, next)| next)
    }

    /// Where the heading of the line that begins at `first` begins: comments directly above it, as far indented as it,
    /// below a blank line, and not what looks like an entry that is commented out.
    fn heading(&self, first: usize, at: usize) -> Option<usize> {
        let mut heading = None;
        for (start, next) in lines_before(self.text, first) {
            let line = &self.text[start..next];
            if line.trim().is_empty() {
                return heading;
            }
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks != at || !line[blanks..].starts_with('#') || is_parked(&line[blanks..]) {
                return None;
            }
            heading = Some(start);
        }
        None
    }

    fn is_blank_from(&self, from: usize) -> bool {
        lines_from(self.text, from).next().is_none_or(|(start, next)| self.text[start..next].trim().is_empty())
    }

    /// With the blank lines below when there are some above too, or the ones above when nothing is below.
    fn with_blank_lines(&self, range: Range<usize>) -> Range<usize> {
        let is_blank = |&(start, next): &(usize, usize)| {
            self.text[start..next].trim().is_empty() && !self.syntax.is_in_block_text(self.text, start)
        };
        let above = lines_before(self.text, range.start).take_while(is_blank).last().map(|(start, _)| start);
        let below = lines_from(self.text, range.end).take_while(is_blank).last().map(|(_, next)| next);
        let end = below.unwrap_or(range.end);
        match above {
            Some(above) if end == self.text.len() => above..end,
            Some(_) => range.start..end,
            // Blank lines left behind a text that keeps them would become part of it.
            None if range.start == 0 || self.syntax.is_in_block_text(self.text, range.start) => range.start..end,
            None => range,
        }
    }
}

/// Whether a comment holds an entry rather than words.
fn is_parked(comment: &str) -> bool {
    let text = comment.trim_start_matches('#').trim();
    text.starts_with("- ") || text == "-" || text.split_whitespace().next().is_some_and(|word| word.ends_with(':'))
}
