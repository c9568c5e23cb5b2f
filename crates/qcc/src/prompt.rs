//! Questions to a person: when one may be asked, and what becomes of an answer that is refused.
//!
//! A question is asked only where somebody can see and answer it: standard input and standard error are terminals, and
//! nobody said by `--json`, `CI` or `QCC_NO_INPUT` that a program is at the other end. Otherwise the caller has to take
//! options or fail with what is missing; nothing ever waits for an answer that cannot come. Questions go to standard
//! error, because standard output is data.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, Password, PasswordDisplayMode, Select, Text};
use owo_colors::OwoColorize;
use qcc_config::Secret;

use crate::failure::{FAILED, Failure};
use crate::output::{Output, columns_of_talk, harmless};
use crate::table::{Cell, fit, table};

/// What a shell reports for a program that Ctrl-C ended: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// Variables that stand for "nobody is there". The first is set by every service that builds and tests software.
const NOBODY: [&str; 2] = ["CI", "QCC_NO_INPUT"];

/// What the library puts before an option.
const PREFIX: usize = 2;

/// Somebody who can be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prompt {
    output: Output,
}

/// One of the answers of [`Prompt::select`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is chosen.
    pub(crate) label: String,
    /// A few words on it; may be empty.
    pub(crate) note: String,
}

// === impl Choice ===

impl Choice {
    pub(crate) fn new(label: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), note: note.into() }
    }
}

// === impl Prompt ===

impl Prompt {
    /// `None` where nobody can be asked.
    pub(crate) fn new(output: Output) -> Option<Self> {
        let terminals = io::stdin().is_terminal() && io::stderr().is_terminal();
        (terminals && !output.json && somebody(&|name| std::env::var_os(name))).then_some(Self { output })
    }

    /// One of `choices`, by its place. Typing narrows them down.
    ///
    /// # Errors
    /// When the answer is refused, as with every question: see [`refused`].
    pub(crate) fn select(self, question: &str, choices: &[Choice]) -> Result<usize, Failure> {
        let rows: Vec<Vec<Cell>> =
            choices.iter().map(|choice| vec![Cell::new(&choice.label), Cell::new(&choice.note)]).collect();
        let room = columns_of_talk().unwrap_or(usize::MAX).saturating_sub(PREFIX + 1);
        let lines = table(&rows).lines().map(|line| fit(line, room)).collect();
        let chosen = Select::new(question, lines)
            .with_formatter(&|chosen| choices.get(chosen.index).map_or_else(String::new, |it| harmless(&it.label)))
            .with_help_message("arrows move, Enter takes, letters search, Esc cancels")
            .with_render_config(self.look())
            .raw_prompt()
            .map_err(|error| refused(&error))?;
        Ok(chosen.index)
    }

    /// A line of text without spaces around it; an empty answer is `default`. It is asked for until `check` accepts it.
    ///
    /// # Errors
    /// As [`Prompt::select`].
    pub(crate) fn text(
        self,
        question: &str,
        default: Option<&str>,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let mut typed = String::new();
        loop {
            let mut text = Text::new(question).with_initial_value(&typed).with_render_config(self.look());
            text.default = default;
            let answer = text.prompt().map_err(|error| refused(&error))?;
            let answer = answer.trim();
            match one_line(answer).and_then(|()| check(answer)) {
                Ok(()) => return Ok(answer.to_owned()),
                Err(why) => self.again(&why),
            }
            typed = harmless(answer);
        }
    }

    /// A key. It is not shown, and what a paste brings along around it is cut off.
    ///
    /// # Errors
    /// As [`Prompt::select`].
    pub(crate) fn secret(self, question: &str) -> Result<Secret, Failure> {
        loop {
            let answer = Password::new(question)
                .with_display_mode(PasswordDisplayMode::Masked)
                .without_confirmation()
                .with_render_config(self.look())
                .prompt()
                .map_err(|error| refused(&error))?;
            let typed = Secret::new(answer);
            let key = typed.expose().trim();
            match if key.is_empty() { Err("nothing was entered".to_owned()) } else { one_line(key) } {
                Ok(()) => return Ok(Secret::new(key)),
                Err(why) => self.again(&why),
            }
        }
    }

    /// Yes or no; an empty answer is `default`.
    ///
    /// # Errors
    /// As [`Prompt::select`].
    pub(crate) fn confirm(self, question: &str, default: bool) -> Result<bool, Failure> {
        let confirm = Confirm::new(question).with_default(default).with_render_config(self.look());
        confirm.with_error_message("answer y for yes or n for no").prompt().map_err(|error| refused(&error))
    }

    fn look(self) -> RenderConfig<'static> {
        if self.output.colours_stderr() { RenderConfig::default_colored() } else { RenderConfig::empty() }
    }

    /// Why it is asked once more.
    fn again(self, why: &str) {
        self.output.talk(format_args!("{} {}", "not possible:".yellow(), harmless(why)));
    }
}

/// Whether no variable says that nobody is there.
fn somebody(variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    // A terminal without a cursor cannot show a question that is redrawn.
    !NOBODY.iter().any(set) && variable("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// A paste can bring line breaks and other characters that no name, URL or key has.
fn one_line(answer: &str) -> Result<(), String> {
    if answer.chars().any(char::is_control) {
        return Err("there is a line break or another control character in it".to_owned());
    }
    Ok(())
}

/// Esc and Ctrl-D end the command, Ctrl-C ends it as it ends any other. Commands ask before they write, so it is true
/// that nothing was changed.
fn refused(error: &InquireError) -> Failure {
    let (message, exit) = match error {
        InquireError::OperationCanceled => ("cancelled: nothing was changed".to_owned(), FAILED),
        InquireError::OperationInterrupted => ("interrupted: nothing was changed".to_owned(), INTERRUPTED),
        other => (format!("the question could not be asked, so nothing was changed: {other}"), FAILED),
    };
    let hint = "every question has an option that answers it: add `--help` to the command".to_owned();
    Failure::Told { message, hint: Some(hint), exit }
}

#[cfg(test)]
mod tests;
