//! What a check has to say: how serious it is, what is wrong, and what mends it. A problem cannot be made without the
//! words that mend it.

use std::fmt::{self, Display};

use serde_json::{Value, json};

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works, and should be known.
    Warning,
    /// Something does not work, or endangers what is secret.
    Problem,
    /// It could not be looked at, or there is nothing to look at.
    Skipped,
}

/// What mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// A command line, to be typed as it stands.
    Run(String),
    /// A sentence without a full stop.
    Do(String),
}

/// One line of a check's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) state: State,
    /// One sentence without a full stop and without a secret.
    pub(super) message: String,
    pub(super) fix: Option<Fix>,
}

// === impl State ===

impl State {
    /// As in `--json`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}

// === impl Fix ===

impl Fix {
    pub(super) fn run(command: impl Into<String>) -> Self {
        Self::Run(command.into())
    }

    pub(super) fn sentence(text: impl Into<String>) -> Self {
        Self::Do(text.into())
    }
}

impl Display for Fix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(text) | Self::Do(text) => out.write_str(text),
        }
    }
}

// === impl Finding ===

impl Finding {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self { state: State::Ok, message: message.into(), fix: None }
    }

    pub(super) fn skipped(message: impl Into<String>) -> Self {
        Self { state: State::Skipped, message: message.into(), fix: None }
    }

    /// Something to know, with nothing to do about it.
    pub(super) fn notice(message: impl Into<String>) -> Self {
        Self { state: State::Warning, message: message.into(), fix: None }
    }

    pub(super) fn warning(message: impl Into<String>, fix: Fix) -> Self {
        Self { state: State::Warning, message: message.into(), fix: Some(fix) }
    }

    pub(super) fn problem(message: impl Into<String>, fix: Fix) -> Self {
        Self { state: State::Problem, message: message.into(), fix: Some(fix) }
    }

    /// For `--json`.
    pub(super) fn document(&self, check: &str) -> Value {
        json!({
            "check": check,
            "state": self.state.word(),
            "message": self.message,
            "fix": self.fix.as_ref().map(ToString::to_string),
        })
    }
}
