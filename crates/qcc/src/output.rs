//! Where words go: data to standard output, talk to standard error, colour only where it can be seen.
//!
//! Text is styled always and stripped at the end when the stream is not a terminal or `NO_COLOR` is set, so that no
//! command has to ask. A reader that has gone away ends the command quietly.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use owo_colors::{OwoColorize, Style};
use serde_json::Value;

use crate::cli::{Global, When};
use crate::failure::Failure;

/// The two streams of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// `--json`
    pub(crate) json: bool,
    choice: ColorChoice,
}

// === impl Output ===

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let choice = match global.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::AlwaysAnsi,
            When::Never => ColorChoice::Never,
        };
        Self { json: global.json, choice }
    }

    /// A line (or several) of the answer.
    ///
    /// # Errors
    /// When it cannot be written; a closed pipe is [`Failure::ReaderGone`].
    pub(crate) fn data(self, text: impl Display) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice);
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::bare(format!("cannot write to standard output: {error}")),
        })
    }

    /// The whole answer of a command under `--json`.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub(crate) fn document(self, value: &Value) -> Result<(), Failure> {
        self.data(format_args!("{value:#}"))
    }

    /// Advice, progress, warnings. Nothing is lost when nobody listens.
    pub(crate) fn talk(self, text: impl Display) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.choice);
        let _nobody_may_listen = writeln!(stderr, "{text}");
    }

    /// Something that was accepted but should be known.
    pub(crate) fn note(self, text: impl Display) {
        self.talk(format_args!("{} {text}", "note:".yellow()));
    }

    /// Why the command failed: for people on standard error, and under `--json` as the document on standard output.
    pub(crate) fn failure(self, failure: &Failure) {
        if matches!(failure, Failure::ReaderGone) {
            return;
        }
        let lines: Vec<String> = failure
            .to_string()
            .lines()
            .map(|line| match line.split_once(' ') {
                Some(("error:", rest)) => format!("{} {rest}", "error:".red().bold()),
                Some(("hint:", rest)) => format!("{} {rest}", "hint:".cyan().bold()),
                _ => line.to_owned(),
            })
            .collect();
        self.talk(lines.join("\n"));
        if self.json {
            let _reader_may_be_gone = self.document(&failure.to_json());
        }
    }

    /// Whether standard output takes colour.
    pub(crate) fn colours_stdout(self) -> bool {
        colours(self.choice, || AutoStream::choice(&io::stdout()))
    }

    /// Whether standard error takes colour.
    pub(crate) fn colours_stderr(self) -> bool {
        colours(self.choice, || AutoStream::choice(&io::stderr()))
    }

    /// Whether the user chose by `--color`, which then wins over the configuration.
    pub(crate) fn colour_is_chosen(self) -> bool {
        self.choice != ColorChoice::Auto
    }
}

fn colours(choice: ColorChoice, auto: impl FnOnce() -> ColorChoice) -> bool {
    let choice = if choice == ColorChoice::Auto { auto() } else { choice };
    choice != ColorChoice::Never
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

// === impl Cell ===

impl Cell {
    pub(crate) fn new(text: impl Display) -> Self {
        Self { text: text.to_string(), style: Style::new() }
    }

    pub(crate) fn styled(text: impl Display, style: Style) -> Self {
        Self { text: text.to_string(), style }
    }

    /// A tick or a cross.
    pub(crate) fn mark(good: bool) -> Self {
        if good { Self::styled("✓", Style::new().green()) } else { Self::styled("✗", Style::new().red()) }
    }
}

/// Rows under each other, each column as wide as its widest cell, two spaces between, no space at the ends of lines.
pub(crate) fn table(rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let shown = last.map_or(0, |last| last + 1);
        let cells = row.iter().zip(&widths).take(shown).enumerate().map(|(at, (cell, &width))| {
            let padding = if Some(at) == last { 0 } else { width - cell.text.chars().count() };
            format!("{}{}", cell.text.style(cell.style), " ".repeat(padding))
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `3s`, `4m 10s`, `2h 3m`, `5d 2h`: two units are enough to know what one wants to know.
pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |big: u64, small: u64, names: (&str, &str)| match small {
        0 => format!("{big}{}", names.0),
        _ => format!("{big}{} {small}{}", names.0, names.1),
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, seconds % 60, ("m", "s")),
        3_600..86_400 => two(seconds / 3_600, seconds % 3_600 / 60, ("h", "m")),
        _ => two(seconds / 86_400, seconds % 86_400 / 3_600, ("d", "h")),
    }
}

/// `1 route`, `2 routes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Text from outside, fit for a terminal: what could move the cursor or change colours is replaced.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
