//! Faults in a configuration, told so that they can be mended: what, where, the line itself, and what to do.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value, json};

/// A place in the file, both numbers 1-based and counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// 1-based; `None` when the file as a whole is at fault.
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// The line with every secret in it redacted.
    pub source: Option<String>,
    /// Where in [`source`](Self::source) the carets go: characters before them, and how many.
    pub(crate) mark: (usize, usize),
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a configuration cannot be used. It prints as a complete report and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// At least one fault, in file order.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// A fault of the file as a whole.
    pub(crate) fn whole(path: impl Into<PathBuf>, message: String, hint: &str) -> Self {
        let problem =
            Problem { message, line: None, column: None, source: None, mark: (0, 0), hint: Some(hint.to_owned()) };
        Self { path: path.into(), problems: vec![problem] }
    }

    /// The same for `--json`: `{"file", "errors": [{"message", "line", "column", "source", "hint"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let errors: Vec<Value> = self
            .problems
            .iter()
            .map(|problem| {
                json!({
                    "message": problem.message,
                    "line": problem.line,
                    "column": problem.column,
                    "source": problem.source,
                    "hint": problem.hint,
                })
            })
            .collect();
        json!({ "file": self.path.display().to_string(), "errors": errors })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            self.write_problem(problem, f)?;
        }
        Ok(())
    }
}

impl ConfigError {
    fn write_problem(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", problem.message)?;
        let path = self.path.display();
        match (problem.line, problem.column, &problem.source) {
            (Some(line), Some(column), Some(source)) => {
                let (before, length) = problem.mark;
                let gutter = " ".repeat(line.to_string().len() + 2);
                write!(f, "\n{gutter_short}--> {path}:{line}:{column}", gutter_short = &gutter[1..])?;
                write!(f, "\n{gutter}|\n {line} | {source}\n{gutter}| ")?;
                write!(f, "{}{}", " ".repeat(before), "^".repeat(length))?;
            }
            _ => write!(f, "\n --> {path}")?,
        }
        match &problem.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
