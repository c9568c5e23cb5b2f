//! Why a command ends without having done its job, and how that is told: one `error:` line, then at most one `hint:`.

use std::fmt;
use std::io;
use std::path::Path;

use qcc_config::ConfigError;
use serde_json::{Value, json};

/// What a command ends with: its exit code, or why it failed.
pub(crate) type Outcome = Result<u8, Failure>;

/// Done.
pub(crate) const OK: u8 = 0;
/// Failed, or the answer to the question is "no".
pub(crate) const FAILED: u8 = 1;
/// The command line was wrong; clap uses the same number.
pub(crate) const USAGE: u8 = 2;

/// The reason of an unsuccessful end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// In our own words.
    Told {
        /// What happened and why, without a full stop.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// Exit code.
        exit: u8,
    },
    /// The configuration, which explains itself in full.
    Config(ConfigError),
    /// Whoever read our output stopped reading. Nobody is left to be told.
    ReaderGone,
}

// === impl Failure ===

impl Failure {
    /// A failure that says what happened and what to do.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Told { message: message.into(), hint: Some(hint.into()), exit: FAILED }
    }

    /// A failure for which no advice exists.
    pub(crate) fn bare(message: impl Into<String>) -> Self {
        Self::Told { message: message.into(), hint: None, exit: FAILED }
    }

    /// A command line that clap could not find fault with, but we do.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Told { message: message.into(), hint: Some(hint.into()), exit: USAGE }
    }

    /// A file that would not do as told.
    pub(crate) fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot {what} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::new(message, "check who owns it: qcc keeps its files readable by their owner alone")
            }
            _ => Self::bare(message),
        }
    }

    /// What happened, in one line or a few, without the hint.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Told { message, .. } => message.clone(),
            Self::Config(error) => {
                error.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            Self::ReaderGone => String::new(),
        }
    }

    /// The exit code to end with.
    pub(crate) fn exit(&self) -> u8 {
        match self {
            Self::Told { exit, .. } => *exit,
            Self::Config(_) => FAILED,
            Self::ReaderGone => OK,
        }
    }

    /// For `--json`: the same, as a document.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Told { message, hint, .. } => json!({ "error": { "message": message, "hint": hint } }),
            Self::Config(error) => json!({ "error": error.to_json() }),
            Self::ReaderGone => Value::Null,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { message, hint, .. } => {
                write!(out, "error: {message}")?;
                hint.as_ref().map_or(Ok(()), |hint| write!(out, "\nhint: {hint}"))
            }
            Self::Config(error) => error.fmt(out),
            Self::ReaderGone => Ok(()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
