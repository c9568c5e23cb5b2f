//! Why a request is no request, in whatever dialect it was asked.

use std::borrow::Cow;
use std::fmt;

/// Why a request is refused: HTTP 400, `invalid_request_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest {
    /// Where: the way to the member, such as `messages.0.content`; empty for the body as a whole.
    pub what: String,
    /// What is wrong there.
    pub why: Cow<'static, str>,
}

impl BadRequest {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), why: why.into() }
    }

    /// The same, seen from one step further out.
    pub(crate) fn within(mut self, step: impl fmt::Display) -> Self {
        self.what = if self.what.is_empty() { step.to_string() } else { format!("{step}.{}", self.what) };
        self
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.what.is_empty() {
            write!(f, "{}: ", self.what)?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for BadRequest {}
