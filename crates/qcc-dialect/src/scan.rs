//! Decides whether a request body is JSON, which model it names, whether it asks for a stream, and where it shows to
//! which conversation it belongs.
//!
//! Bodies reach 32 MiB and every request pays for this, while only few members matter. So the body is
//! read once, nothing is built, and all other values are only checked. The check follows the grammar
//! exactly as `serde_json` does for ignored values: escapes must be known, control characters must be
//! escaped, nothing may follow. UTF-8 inside ignored strings is not checked, for the bytes pass as they
//! are and the provider is the judge of them.
//!
//! The walk is iterative with one bit per level, so nesting cannot exhaust the stack.

use std::ops::Range;

use bytes::Bytes;

mod clues;
mod run;
#[cfg(test)]
mod tests;
mod top;
mod walk;

pub use clues::Clues;
pub(crate) use run::plain_run;
use top::Top;
pub(crate) use walk::{Notes, Scanner};

/// Deepest nesting of arrays and objects that is accepted; far above what tools and schemas use.
pub const MAX_DEPTH: usize = 1024;

/// What routing needs of a request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where the value of `model` lies in the body, quotes included; what [`splice_model`] replaces.
    pub model: Range<usize>,
    /// The model name, decoded, never empty.
    pub model_name: String,
    /// Whether a stream is asked for. Absent and `null` mean no.
    pub stream: bool,
    /// What tells conversations apart.
    pub clues: Clues,
}

/// Why a body cannot be routed. Always the request's own fault (HTTP 400).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// No bytes, or only white space.
    #[error("the request body is empty (hint: send a JSON object with \"model\" and \"messages\")")]
    Empty,
    /// The JSON grammar is broken.
    #[error("the request body is not valid JSON: {what} at byte {offset}")]
    NotJson {
        /// Where, counted in bytes from 0.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// Valid JSON, but an array or a bare value.
    #[error("the request body is JSON but not an object (hint: it must begin with '{{')")]
    NotAnObject,
    /// Deeper than [`MAX_DEPTH`].
    #[error("the request body nests deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Where the first level too many opens.
        offset: usize,
        /// [`MAX_DEPTH`].
        limit: usize,
    },
    /// No top-level `model`.
    #[error("the request names no model (hint: add a top-level \"model\")")]
    MissingModel,
    /// Two top-level members of one name: providers differ in which they obey.
    #[error("the request has \"{0}\" twice at the top level (hint: keep one)")]
    DuplicateKey(&'static str),
    /// `model` is something else than a string, or one that is not valid Unicode.
    #[error("\"model\" must be a string of valid Unicode")]
    ModelNotAString,
    /// `stream` is something else than `true`, `false` or `null`.
    #[error("\"stream\" must be true or false")]
    StreamNotABool,
    /// `model` is the empty string.
    #[error("\"model\" is empty (hint: name a model)")]
    EmptyModel,
}

/// Reads a request body once.
///
/// # Errors
/// A broken grammar is reported before anything else, so a cut body never looks like a wrong model.
pub fn scan(body: &[u8]) -> Result<Envelope, ScanError> {
    let mut scanner = Scanner::new(body, Top::watching());
    let start = scanner.whole()?;
    if body[start] != b'{' {
        return Err(ScanError::NotAnObject);
    }
    scanner.notes.envelope(body)
}

/// The same body under another model name. Only the bytes of `model` change.
///
/// # Panics
/// If `model` does not lie within `body`; give the range that [`scan`] found in this very body.
#[must_use]
pub fn splice_model(body: &Bytes, model: &Range<usize>, name: &str) -> Bytes {
    // Display of a JSON string cannot fail, unlike the serialising functions.
    let quoted = serde_json::Value::from(name).to_string();
    if body[model.clone()] == *quoted.as_bytes() {
        return body.clone();
    }
    let mut spliced = Vec::with_capacity(body.len() - model.len() + quoted.len());
    spliced.extend_from_slice(&body[..model.start]);
    spliced.extend_from_slice(quoted.as_bytes());
    spliced.extend_from_slice(&body[model.end..]);
    spliced.into()
}
