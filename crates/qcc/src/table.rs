//! Tables that fit the terminal: how wide a column may be, what is cut, and when rows become blocks instead.
//!
//! Text of the outside (names, URLs, errors of providers) ends up in cells, so a cell makes it harmless by itself. Widths
//! are those of the terminal: a CJK character takes two columns, a combining mark none. A table is cut only where a
//! terminal shows it; in a pipe or a file every cell is whole.

use std::fmt::{self, Display};

use owo_colors::{OwoColorize, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::output::harmless;

/// Columns between two cells.
const GAP: usize = 2;

/// A cut column keeps at least this many columns of the terminal: with less nobody recognises what was cut.
const LEAST: usize = 8;

/// A column of sentences keeps at least this many: with less it becomes a tower of words.
const LEAST_WRAPPED: usize = 20;

/// What stands where text was cut. One column wide.
const CUT: &str = "…";

/// A cell of a table: text in one style.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

// === impl Cell ===

impl Cell {
    pub(crate) fn new(text: impl Display) -> Self {
        Self::styled(text, Style::new())
    }

    /// The style is for emphasis: the text has to say by itself what it means.
    pub(crate) fn styled(text: impl Display, style: Style) -> Self {
        Self { text: harmless(&text.to_string()), style }
    }

    /// A tick or a cross.
    pub(crate) fn mark(good: bool) -> Self {
        if good { Self::styled("✓", Style::new().green()) } else { Self::styled("✗", Style::new().red()) }
    }

    /// Cells of at most `width` columns that hold the text line by line.
    fn broken(&self, width: usize) -> Vec<Self> {
        broken(&self.text, width).into_iter().map(|text| Self { text, style: self.style }).collect()
    }

    /// As it is written, at most `width` columns wide.
    fn written(&self, width: usize) -> String {
        fit(&self.text, width).style(self.style).to_string()
    }
}

impl Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.text.style(self.style))
    }
}

/// Rows under headings. A column in which every cell is empty is not shown.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    shrinking: Vec<usize>,
    wrapping: Vec<usize>,
    rows: Vec<Vec<Cell>>,
}

// === impl Table ===

impl Table {
    /// A table with these headings, in capitals. The heading of a column of marks is empty.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), shrinking: Vec::new(), wrapping: Vec::new(), rows: Vec::new() }
    }

    /// Column `column`, counted from 0, may be cut with `…` when the table does not fit.
    #[must_use]
    pub(crate) fn shrink(mut self, column: usize) -> Self {
        self.shrinking.push(column);
        self
    }

    /// Column `column` holds sentences: when the table does not fit they go on in the next line.
    #[must_use]
    pub(crate) fn wrap(mut self, column: usize) -> Self {
        self.wrapping.push(column);
        self
    }

    /// One more row, with a cell for each heading; missing ones are empty.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The text, without a line break at its end: for at most `width` columns, or as wide as it is. Empty without rows.
    ///
    /// Where the table does not fit even with its columns cut, each row is a block of `heading: value`; without headings
    /// it stays as wide as it is.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let columns: Vec<usize> = (0..self.headings.len()).filter(|column| self.says_something(*column)).collect();
        let natural: Vec<usize> = columns.iter().map(|column| self.natural(*column)).collect();
        let Some(width) = width else { return self.lines(&columns, &natural) };
        match self.squeeze(&columns, natural.clone(), width) {
            Some(widths) => self.lines(&columns, &widths),
            None if self.is_headless() => self.lines(&columns, &natural),
            None => self.blocks(&columns, width),
        }
    }

    /// Rows that need no headings, because each begins with its own.
    fn is_headless(&self) -> bool {
        self.headings.iter().all(|heading| heading.is_empty())
    }

    fn cell(&self, row: &[Cell], column: usize) -> Option<Cell> {
        row.get(column).filter(|cell| !cell.text.is_empty()).cloned()
    }

    fn says_something(&self, column: usize) -> bool {
        self.rows.iter().any(|row| self.cell(row, column).is_some())
    }

    /// As wide as its widest cell.
    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
        cells.chain([self.headings[column].width()]).max().unwrap_or(0)
    }

    /// The widths with which the table fits into `width`: the widest of the shrinking columns gives first.
    fn squeeze(&self, columns: &[usize], mut widths: Vec<usize>, width: usize) -> Option<Vec<usize>> {
        let gaps = GAP * columns.len().saturating_sub(1);
        let least = |at: usize| self.least(columns[at]);
        loop {
            if widths.iter().sum::<usize>() + gaps <= width {
                return Some(widths);
            }
            let widest = (0..columns.len())
                .filter(|at| least(*at).is_some_and(|least| widths[*at] > least))
                .max_by_key(|at| widths[*at])?;
            widths[widest] -= 1;
        }
    }

    /// How narrow a column may become, if it may.
    fn least(&self, column: usize) -> Option<usize> {
        let least = if self.wrapping.contains(&column) {
            LEAST_WRAPPED
        } else if self.shrinking.contains(&column) {
            LEAST
        } else {
            return None;
        };
        Some(least.max(self.headings[column].width()))
    }

    /// The lines of a row: more than one where a sentence goes on.
    fn broken(&self, row: &[Cell], columns: &[usize], widths: &[usize]) -> Vec<Vec<Cell>> {
        let parts: Vec<Vec<Cell>> = columns
            .iter()
            .zip(widths)
            .map(|(column, width)| match self.cell(row, *column) {
                Some(cell) if self.wrapping.contains(column) => cell.broken(*width),
                cell => cell.into_iter().collect(),
            })
            .collect();
        let height = parts.iter().map(Vec::len).max().unwrap_or(0);
        let line =
            |at: usize| parts.iter().map(|cells| cells.get(at).cloned().unwrap_or_else(|| Cell::new(""))).collect();
        (0..height).map(line).collect()
    }

    fn lines(&self, columns: &[usize], widths: &[usize]) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let bold = Style::new().bold();
        let head = columns.iter().map(|column| Cell::styled(self.headings[*column], bold)).collect();
        let rows = self.rows.iter().flat_map(|row| self.broken(row, columns, widths));
        let head: Option<Vec<Cell>> = (!self.is_headless()).then_some(head);
        let all: Vec<Vec<Cell>> = head.into_iter().chain(rows).collect();
        align(&all, widths)
    }

    /// For terminals that are too narrow for a table. Nothing is cut: sentences are broken between words, and anything
    /// else where the terminal breaks it, so that it can be copied in one piece.
    fn blocks(&self, columns: &[usize], width: usize) -> String {
        let block = |row: &Vec<Cell>| {
            let mut mark = String::new();
            let mut lines = Vec::new();
            for column in columns {
                let Some(cell) = self.cell(row, *column) else { continue };
                let text = cell.written(usize::MAX);
                match self.headings[*column] {
                    // Two marks in a row would both be about the next value.
                    "" => mark += &format!("{text} "),
                    heading if self.wrapping.contains(column) => {
                        lines.extend(broken(&format!("{}: {}", heading.to_lowercase(), cell.text), width.max(LEAST)));
                    }
                    heading => lines.push(format!("{}: {}{text}", heading.to_lowercase(), std::mem::take(&mut mark))),
                }
            }
            lines.extend((!mark.is_empty()).then(|| mark.trim_end().to_owned()));
            lines.join("\n")
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
    }
}

/// Rows under each other without headings, each column as wide as its widest cell, two spaces between, no space at the
/// ends of lines. It fits what is narrow by nature, such as names and values.
pub(crate) fn table(rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).max().unwrap_or(0);
    align(rows, &(0..columns).map(width).collect::<Vec<_>>())
}

fn align(rows: &[Vec<Cell>], widths: &[usize]) -> String {
    let line = |row: &Vec<Cell>| {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let shown = last.map_or(0, |last| last + 1);
        let cells = row.iter().zip(widths).take(shown).enumerate().map(|(at, (cell, &width))| {
            let padding = if Some(at) == last { 0 } else { width.saturating_sub(fit(&cell.text, width).width()) };
            format!("{}{}", cell.written(width), " ".repeat(padding))
        });
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The text, or as much of it as fits into `width` columns, with `…` at its end. What a reader sees as one character
/// stays whole or goes whole.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(CUT.width());
    format!("{}{CUT}", text[..start(text, room)].trim_end())
}

/// Where the part of `text` ends that fits into `width` columns.
fn start(text: &str, width: usize) -> usize {
    let ends = text.grapheme_indices(true).map(|(at, character)| at + character.len());
    ends.take_while(|end| text[..*end].width() <= width).last().unwrap_or(0)
}

/// The text in lines of at most `width` columns, broken between words; within a word only where it is wider than that.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while rest.width() > width {
        let fits = match start(rest, width) {
            0 => rest.graphemes(true).next().map_or(rest.len(), str::len),
            fits => fits,
        };
        // A space right behind what fits ends a word too.
        let end = if rest[fits..].starts_with(' ') { fits } else { rest[..fits].rfind(' ').unwrap_or(fits) };
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    lines.extend((!rest.is_empty()).then(|| rest.to_owned()));
    lines
}

#[cfg(test)]
mod tests;
