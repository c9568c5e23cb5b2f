//! Walks over JSON and checks it, once, without building anything; others note on the way what they need of it.
//!
//! The walk is iterative with one bit per level, so nesting cannot exhaust the stack.

use std::ops::Range;

use super::clues::CACHE_CONTROL;
use super::run::plain_run;
use super::{MAX_DEPTH, ScanError};

const WORDS: usize = MAX_DEPTH / 64;

/// What is noted on the way. A level is 0 for the value itself, 1 for what is directly in it, and so on.
pub(crate) trait Notes {
    /// The deepest level of which it wants to be told.
    fn watched(&self) -> usize;

    /// A member's name stands there, with its quotes; its value comes next.
    fn key(&mut self, level: usize, body: &[u8], quoted: Range<usize>);

    /// A value begins.
    fn begins(&mut self, level: usize, body: &[u8], at: usize);

    /// The value that began last on this level has ended. Not told of level 0.
    fn ended(&mut self, level: usize, body: &[u8], end: usize);

    /// The value of a `cache_control` comes next, on whatever level.
    fn marked(&mut self, _level: usize, _rest: &[u8]) {}
}

/// Walks over JSON.
pub(crate) struct Scanner<'a, N> {
    pub(super) body: &'a [u8],
    pub(crate) at: usize,
    depth: usize,
    /// One bit per level: set where the level is an object.
    objects: [u64; WORDS],
    pub(crate) notes: N,
}

impl<'a, N: Notes> Scanner<'a, N> {
    pub(crate) fn new(body: &'a [u8], notes: N) -> Self {
        Self { body, at: 0, depth: 0, objects: [0; WORDS], notes }
    }

    /// Walks a text that is one value and white space. Gives where it begins.
    pub(crate) fn whole(&mut self) -> Result<usize, ScanError> {
        self.space();
        let start = self.at;
        if start == self.body.len() {
            return Err(ScanError::Empty);
        }
        self.document()?;
        let end = self.at;
        self.space();
        if self.at < self.body.len() {
            return Err(self.broken("something follows the value"));
        }
        self.at = end;
        Ok(start)
    }

    /// Walks one whole value, from its first byte to its last.
    pub(super) fn document(&mut self) -> Result<(), ScanError> {
        loop {
            self.space();
            if self.depth <= self.notes.watched() {
                self.notes.begins(self.depth, self.body, self.at);
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
            if self.depth <= self.notes.watched() {
                self.notes.ended(self.depth, self.body, self.at);
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
        let end = self.at;
        if self.depth <= self.notes.watched() {
            self.notes.key(self.depth, self.body, start..end);
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.broken("':' is missing"));
        }
        self.at += 1;
        if self.body[start..end] == *CACHE_CONTROL {
            self.notes.marked(self.depth, &self.body[self.at..]);
        }
        Ok(())
    }

    /// Reads a string, from its opening quote.
    pub(super) fn string(&mut self) -> Result<(), ScanError> {
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
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn broken(&self, what: &'static str) -> ScanError {
        ScanError::NotJson { offset: self.at, what }
    }
}
