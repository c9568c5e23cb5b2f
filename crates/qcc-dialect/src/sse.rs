//! Decides where a server-sent event ends, on raw bytes, whatever pieces the network makes of them.
//!
//! The relay's unit is the whole event, so that what the gateway adds after a break never glues to half a
//! frame. Whole events lie in the chunk that brought them and are handed on without a copy; only the
//! unfinished tail is kept. An event longer than [`MAX_EVENT`] is not worth the memory: it passes as it
//! comes, and the batch says that the receiver is now inside an event, where a break can only be an abort.
//!
//! Nothing is decoded, so characters split over chunks cost nothing. Each byte is looked at once: the state
//! of the line carries over, and a 2 MB event in tiny chunks takes linear time.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

#[cfg(test)]
mod tests;

/// Longest unfinished event that is held back, in bytes (DESIGN: an event over 256 KiB passes as it comes).
pub const MAX_EVENT: usize = 256 * 1024;

/// What one chunk completed. Send [`bytes`](Batch::bytes), then [`part`](Batch::part).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whole events, in order, exactly as received, with what was carried from earlier chunks. When an
    /// oversized event ends in this chunk, its last bytes come first; [`events`](Batch::events) skips them.
    pub bytes: Bytes,
    /// Bytes of an oversized event that is still unfinished; they follow `bytes`.
    pub part: Bytes,
    /// Where the events end within `bytes`.
    ends: Vec<usize>,
    /// Whether the first piece of `bytes` is the end of an oversized event.
    first_is_rest: bool,
    /// Whether `part` is the beginning of its event.
    part_is_head: bool,
}

impl Batch {
    /// The whole events of this batch. A spare line end is an event with no fields.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.bytes[start..end]).skip(usize::from(self.first_is_rest))
    }

    /// The first bytes of an event that turned out oversized in this chunk, once per such event: more than
    /// [`MAX_EVENT`] bytes, enough to learn its name.
    #[must_use]
    pub fn oversized_head(&self) -> Option<&[u8]> {
        self.part_is_head.then_some(&self.part[..])
    }
}

/// Cuts a byte stream into events. Everything given out plus [`finish`](Splitter::finish) is the input.
#[derive(Debug)]
pub struct Splitter {
    /// The unfinished event.
    carry: BytesMut,
    /// Whether the next byte begins a line.
    line_start: bool,
    /// Whether the last byte was a CR, so that an LF now belongs to the same line end.
    after_cr: bool,
    /// Whether bytes of the unfinished event were given out already.
    oversized: bool,
    /// Longest unfinished event that is held back.
    longest: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::holding(MAX_EVENT)
    }

    /// A splitter that holds back events up to `longest` bytes: for a translation, which can do nothing with a part of one.
    #[must_use]
    pub fn holding(longest: usize) -> Self {
        Self { carry: BytesMut::new(), line_start: true, after_cr: false, oversized: false, longest }
    }

    /// Takes the next chunk and gives out what is complete.
    pub fn push(&mut self, chunk: Bytes) -> Batch {
        let mut ends = self.event_ends(&chunk);
        let mut tail = chunk;
        let mut bytes = Bytes::new();
        let mut first_is_rest = false;
        if let Some(&last) = ends.last() {
            let whole = tail.split_to(last);
            first_is_rest = std::mem::take(&mut self.oversized);
            bytes = self.join(whole, &mut ends);
        }
        let was_inside = self.oversized;
        let part = self.keep(tail);
        let part_is_head = self.oversized && !was_inside;
        Batch { bytes, part, ends, first_is_rest, part_is_head }
    }

    /// Whether part of an unfinished event has been given out: a break here can only be an abort.
    #[must_use]
    pub fn inside_oversized(&self) -> bool {
        self.oversized
    }

    /// What is left at the end of the stream: an unfinished event, or nothing. A body that is no stream at all,
    /// such as an error object in one line, is left here whole.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.carry.freeze()
    }

    /// Offsets in `chunk` just after each event that ends in it.
    fn event_ends(&mut self, chunk: &[u8]) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut at = 0;
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            if chunk[0] == b'\n' {
                at = 1;
                // The CR had ended an event that is gone already: its LF passes as an event of its own.
                if self.carry.is_empty() && !self.oversized {
                    ends.push(1);
                }
            }
        }
        while let Some(length) = memchr2(b'\n', b'\r', &chunk[at..]) {
            let blank = length == 0 && self.line_start;
            at += length;
            let cr = chunk[at] == b'\r';
            at += 1;
            if cr {
                match chunk.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.line_start = true;
            if blank {
                ends.push(at);
            }
        }
        if at < chunk.len() {
            self.line_start = false;
        }
        ends
    }

    /// Puts the carried bytes before `whole`; copies only if there are any.
    fn join(&mut self, whole: Bytes, ends: &mut [usize]) -> Bytes {
        if self.carry.is_empty() {
            return whole;
        }
        for end in ends {
            *end += self.carry.len();
        }
        self.carry.extend_from_slice(&whole);
        self.carry.split().freeze()
    }

    /// Keeps an unfinished event back, or lets it pass when it is too long.
    fn keep(&mut self, tail: Bytes) -> Bytes {
        if self.oversized {
            return tail;
        }
        if self.carry.len() + tail.len() <= self.longest {
            self.carry.extend_from_slice(&tail);
            return Bytes::new();
        }
        self.oversized = true;
        self.join(tail, &mut [])
    }
}

/// The fields of one event that the dialects use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The event's name; the last one if there are several.
    pub event: Option<&'a [u8]>,
    /// Its data lines, joined by LF. Empty when there are none: clients treat both alike.
    pub data: Cow<'a, [u8]>,
    /// Whether a line was neither a comment nor a field of the standard: HTML, bare JSON, other text.
    pub stray: bool,
}

/// Reads the fields of one event: any line end, a byte order mark, comments, several data lines, and a
/// colon with or without the one space after it.
#[must_use]
pub fn fields(event: &[u8]) -> Fields<'_> {
    let mut rest = event.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(event);
    let mut name = None;
    let mut data: Option<Cow<'_, [u8]>> = None;
    let mut stray = false;
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        // The LF of a CRLF is left as an empty line, which means nothing here.
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() || line[0] == b':' {
            continue;
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = Some(value),
            b"data" => match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(joined) => {
                    joined.to_mut().push(b'\n');
                    joined.to_mut().extend_from_slice(value);
                }
            },
            b"id" | b"retry" => {}
            _ => stray = true,
        }
    }
    Fields { event: name, data: data.unwrap_or_default(), stray }
}
