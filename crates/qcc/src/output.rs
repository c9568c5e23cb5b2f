//! Where words go: data to standard output, talk to standard error, colour only where it can be seen.
//!
//! Text is styled always and stripped at the end when the stream is not a terminal or `NO_COLOR` is set, so that no
//! command has to ask. A reader that has gone away ends the command quietly.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize;
use serde_json::Value;

use crate::cli::{Global, When};
use crate::failure::Failure;
use crate::table::Table;

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
        written(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// A file as it is: nothing is added, and nothing taken for colour.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub(crate) fn raw(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// The whole answer of a command under `--json`.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub(crate) fn document(self, value: &Value) -> Result<(), Failure> {
        self.data(format_args!("{value:#}"))
    }

    /// A table, cut to the terminal where there is one. Without rows nothing is printed.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub(crate) fn table(self, table: &Table) -> Result<(), Failure> {
        let text = table.render(columns());
        if text.is_empty() { Ok(()) } else { self.data(text) }
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

/// A time as a clock on the wall shows it.
pub(crate) fn wall_time(time: Option<jiff::Timestamp>) -> String {
    let local = time.map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    local.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// `1 route`, `2 routes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::bare(format!("cannot write to standard output: {error}")),
    })
}

/// How many columns standard output has. `None` when it is no terminal, or one that does not know. `COLUMNS` wins, as
/// with other programs.
pub(crate) fn columns() -> Option<usize> {
    let stdout = io::stdout();
    stdout.is_terminal().then(|| chosen_columns().or_else(|| terminal_columns(&stdout)))?
}

/// As [`columns`], of standard error.
pub(crate) fn columns_of_talk() -> Option<usize> {
    let stderr = io::stderr();
    stderr.is_terminal().then(|| chosen_columns().or_else(|| terminal_columns(&stderr)))?
}

fn chosen_columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|columns| *columns > 0)
}

fn terminal_columns(stream: &impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Text from outside, fit for a terminal: what could move the cursor, change colours or turn the direction of writing is
/// replaced.
pub(crate) fn harmless(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
