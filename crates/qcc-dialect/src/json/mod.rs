//! JSON that was read once: a text, and where each of its values begins and ends.
//!
//! Requests nest: a text stands in a block, in a message, in a list, in the body. Who cuts out one after the other reads
//! the text anew on every level. Here it is walked and checked once ([`Document`]), and then every value is at hand as the
//! text that it is ([`Raw`]).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use crate::scan::{Notes, ScanError, Scanner, plain_run};

pub(crate) mod print;
#[cfg(test)]
mod tests;
pub(crate) mod write;

/// Where a value, or a member's name, lies in its document. Its place in the table is followed by those of all that is in
/// it: of an object's members name and value by turns.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    start: u32,
    end: u32,
    /// The place after all that is in it.
    next: u32,
}

/// A text that is one JSON value.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    text: &'a str,
    places: Vec<Place>,
}

/// One value of a document.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    text: &'a str,
    places: &'a [Place],
    at: usize,
}

/// A place for so many bytes of text: what requests have on average, so that the table seldom grows.
const BYTES_PER_PLACE: usize = 48;

/// An offset within a text that is short enough.
#[inline]
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[inline]
fn wide(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl<'a> Document<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// Why it is not JSON, in words.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        Self::down_to(usize::MAX, text)
    }

    /// As [`read`](Self::read), for who asks only for what is directly in it: deeper values have nothing in them.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn outline(text: &'a str) -> Result<Self, String> {
        Self::down_to(1, text)
    }

    fn down_to(watched: usize, text: &'a str) -> Result<Self, String> {
        if u32::try_from(text.len()).is_err() {
            return Err("it is longer than 4 GiB".to_owned());
        }
        let places = Vec::with_capacity(text.len() / BYTES_PER_PLACE + 8);
        let mut scanner = Scanner::new(text.as_bytes(), Table { watched, places, open: Vec::with_capacity(16) });
        scanner.whole().map_err(|why| match why {
            ScanError::NotJson { offset, what } => format!("{what} at byte {offset}"),
            other => other.to_string(),
        })?;
        let end = narrow(scanner.at);
        let mut places = scanner.notes.places;
        let next = narrow(places.len());
        if let Some(root) = places.first_mut() {
            (root.end, root.next) = (end, next);
        }
        Ok(Self { text, places })
    }

    /// The value that it is.
    pub(crate) fn root(&self) -> Raw<'_> {
        Raw { text: self.text, places: &self.places, at: 0 }
    }
}

/// Notes all places down to a level.
struct Table {
    watched: usize,
    places: Vec<Place>,
    /// By level, which value began there last.
    open: Vec<usize>,
}

impl Notes for Table {
    fn watched(&self) -> usize {
        self.watched
    }

    #[inline]
    fn key(&mut self, _level: usize, _body: &[u8], quoted: Range<usize>) {
        let next = narrow(self.places.len() + 1);
        self.places.push(Place { start: narrow(quoted.start), end: narrow(quoted.end), next });
    }

    #[inline]
    fn begins(&mut self, level: usize, _body: &[u8], at: usize) {
        self.open.truncate(level);
        self.open.push(self.places.len());
        self.places.push(Place { start: narrow(at), ..Place::default() });
    }

    #[inline]
    fn ended(&mut self, level: usize, _body: &[u8], end: usize) {
        let next = narrow(self.places.len());
        if let Some(place) = self.open.get(level).and_then(|at| self.places.get_mut(*at)) {
            (place.end, place.next) = (narrow(end), next);
        }
    }
}

impl<'a> Raw<'a> {
    /// The value as it was written.
    pub(crate) fn get(self) -> &'a str {
        let Place { start, end, .. } = self.place();
        self.text.get(wide(start)..wide(end)).unwrap_or_default()
    }

    fn place(self) -> Place {
        self.places.get(self.at).copied().unwrap_or_default()
    }

    fn begins_with(self, byte: u8) -> bool {
        self.text.as_bytes().get(wide(self.place().start)) == Some(&byte)
    }

    pub(crate) fn is_string(self) -> bool {
        self.begins_with(b'"')
    }

    pub(crate) fn is_object(self) -> bool {
        self.begins_with(b'{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.begins_with(b'[')
    }

    pub(crate) fn is_null(self) -> bool {
        self.begins_with(b'n')
    }

    /// What is directly in it.
    fn inner(self) -> impl Iterator<Item = Self> + Clone {
        let end = wide(self.place().next);
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let raw = Self { at, ..self };
            (at < end).then(|| at = wide(raw.place().next).max(at + 1))?;
            Some(raw)
        })
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        self.inner().take_while(move |_| self.is_list())
    }

    /// Names and values of an object in order, of one name also several; none of anything else.
    fn pairs(self) -> impl Iterator<Item = (Self, Self)> + Clone {
        let mut inner = self.inner().take_while(move |_| self.is_object());
        std::iter::from_fn(move || Some((inner.next()?, inner.next()?)))
    }

    /// The members of an object in order, of one name also several; none of anything else.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> + Clone {
        // Half a character in a name: no name that anybody knows.
        self.pairs().map(|(name, value)| (name.string().unwrap_or_else(|| Cow::Borrowed(name.get())), value))
    }

    /// The member of that name, of several the last.
    pub(crate) fn member(self, name: &str) -> Option<Self> {
        self.pairs().filter(|(key, _)| key.says(name)).last().map(|(_, value)| value)
    }

    /// Whether it is the string of that text, which has no backslash. With escapes it would be longer.
    fn says(self, text: &str) -> bool {
        let quoted = self.get();
        match quoted.len().cmp(&(text.len() + 2)) {
            Ordering::Less => false,
            Ordering::Equal => quoted.as_bytes()[1..=text.len()] == *text.as_bytes(),
            Ordering::Greater => quoted.contains('\\') && self.string().is_some_and(|said| said == text),
        }
    }

    /// The text of a string. None for anything else, and where it has half of a character, which UTF-8 cannot write.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        let quoted = self.get();
        let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        unescape(inner).or_else(|| serde_json::from_str(quoted).ok()).map(Cow::Owned)
    }
}

/// A string's inside without its escapes. None where it has one that names a character by its number.
fn unescape(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        let (plain, escaped) = rest.split_at_checked(plain_run(rest.as_bytes()))?;
        text.push_str(plain);
        text.push(match escaped.as_bytes().get(..2) {
            None => return escaped.is_empty().then_some(text),
            Some(b"\\n") => '\n',
            Some(b"\\\"") => '"',
            Some(b"\\\\") => '\\',
            Some(b"\\t") => '\t',
            Some(b"\\r") => '\r',
            Some(b"\\/") => '/',
            Some(b"\\b") => '\u{8}',
            Some(b"\\f") => '\u{c}',
            Some(_) => return None,
        });
        rest = escaped.get(2..)?;
    }
}
