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

pub use clues::Clues;
use run::plain_run;
use top::Top;

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
    let mut scanner = Scanner::new(body);
    scanner.top.watched = 1;
    scanner.space();
    let Some(&first) = body.get(scanner.at) else { return Err(ScanError::Empty) };
    scanner.document()?;
    scanner.space();
    if scanner.at < body.len() {
        return Err(scanner.broken("something follows the value"));
    }
    if first != b'{' {
        return Err(ScanError::NotAnObject);
    }
    scanner.top.envelope(body)
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

const WORDS: usize = MAX_DEPTH / 64;

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
    depth: usize,
    /// One bit per level: set where the level is an object.
    objects: [u64; WORDS],
    top: Top,
}

impl<'a> Scanner<'a> {
    /// One that reports nothing.
    fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, depth: 0, objects: [0; WORDS], top: Top::default() }
    }

    /// Walks one whole value, from its first byte to its last.
    fn document(&mut self) -> Result<(), ScanError> {
        loop {
            self.space();
            if self.depth <= self.top.watched {
                self.top.begins(self.depth, self.body, self.at);
            }
            let ended = match self.peek() {
                Some(b'{') => self.open(true)?,
                Some(b'[') => self.open(false)?,
                Some(b'"') => self.string().map(|()| true)?,
                Some(b'-' | b'0'..=b'9') => self.number().map(|()| true)?,
                Some(b't') => self.literal(b"true").map(|()| true)?,
                Some(b'f') => self.literal(b"false").map(|()| true)?,
                Some(b'n') => self.literal(b"null").map(|()| true)?,
                Some(_) => return Err(self.broken("a value should begin")),
                None => return Err(self.broken("the body ends where a value should begin")),
            };
            if ended && self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Opens a level. True when it closes at once, false when its first value comes next.
    fn open(&mut self, object: bool) -> Result<bool, ScanError> {
        if self.depth == MAX_DEPTH {
            return Err(ScanError::TooDeep { offset: self.at, limit: MAX_DEPTH });
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if object {
            self.objects[word] |= bit;
        } else {
            self.objects[word] &= !bit;
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        if self.peek() == Some(if object { b'}' } else { b']' }) {
            self.at += 1;
            self.depth -= 1;
            return Ok(true);
        }
        if object {
            self.key()?;
        }
        Ok(false)
    }

    /// Goes on after a value: up through closing brackets to the next value. True at the very end.
    fn after_value(&mut self) -> Result<bool, ScanError> {
        loop {
            if self.depth == 0 {
                return Ok(true);
            }
            if self.depth <= self.top.watched {
                self.top.ended(self.depth, self.body, self.at);
            }
            self.space();
            let level = self.depth - 1;
            let object = self.objects[level / 64] & (1 << (level % 64)) != 0;
            match (self.peek(), object) {
                (Some(b','), _) => {
                    self.at += 1;
                    if object {
                        self.space();
                        self.key()?;
                    }
                    return Ok(false);
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.at += 1;
                    self.depth -= 1;
                }
                (None, _) => return Err(self.broken("the body ends inside an array or object")),
                (Some(_), true) => return Err(self.broken("',' or '}' is missing")),
                (Some(_), false) => return Err(self.broken("',' or ']' is missing")),
            }
        }
    }

    /// Reads a member's name and its colon.
    fn key(&mut self) -> Result<(), ScanError> {
        if self.peek() != Some(b'"') {
            return Err(self.broken("a quoted name is missing"));
        }
        let start = self.at;
        self.string()?;
        let quoted = &self.body[start..self.at];
        if self.depth <= self.top.watched {
            self.top.key(self.depth, quoted);
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.broken("':' is missing"));
        }
        self.at += 1;
        if quoted == clues::CACHE_CONTROL {
            self.top.marked(self.depth, &self.body[self.at..]);
        }
        Ok(())
    }

    /// Reads a string, from its opening quote.
    fn string(&mut self) -> Result<(), ScanError> {
        self.at += 1;
        loop {
            self.at += plain_run(&self.body[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.escape()?;
                    // They come in groups: line end and indentation.
                    while self.peek() == Some(b'\\') {
                        self.escape()?;
                    }
                }
                Some(_) => return Err(self.broken("a control character stands unescaped in a string")),
                None => return Err(self.broken("a string is not closed")),
            }
        }
    }

    /// Reads one escape, from its backslash. A lone surrogate passes, as in `serde_json`.
    #[inline]
    fn escape(&mut self) -> Result<(), ScanError> {
        match self.body.get(self.at + 1) {
            Some(b'n' | b'"' | b't' | b'\\' | b'/' | b'r' | b'b' | b'f') => self.at += 2,
            Some(b'u') => {
                let digits = self.body.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.broken("\\u needs four hexadecimal digits"));
                }
                self.at += 6;
            }
            _ => return Err(self.broken("an unknown escape in a string")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek();
        let digits = self.digits();
        if digits == 0 || (first == Some(b'0') && digits > 1) {
            return Err(self.broken("not a number as JSON writes it"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.broken("digits are missing after '.'"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.broken("digits are missing in an exponent"));
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let count = self.body[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), ScanError> {
        if !self.body[self.at..].starts_with(word) {
            return Err(self.broken("neither true, false nor null"));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn broken(&self, what: &'static str) -> ScanError {
        ScanError::NotJson { offset: self.at, what }
    }
}
