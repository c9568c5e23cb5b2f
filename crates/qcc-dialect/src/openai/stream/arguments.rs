//! The input of a call while it comes, as text.
//!
//! Its end is seen by its braces, so that calls that come one after the other need not wait for each other. Input that does
//! not begin as an object is looked at when it is whole: some write it as a text within the text, or `null` for none.

use serde::de::IgnoredAny;

/// Input so far.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    text: String,
    /// How much of it was given out.
    given: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but blanks.
    #[default]
    Blank,
    /// Inside an object.
    Object,
    /// Its last brace came.
    Complete,
    /// Something that is no object.
    Odd,
}

impl Arguments {
    /// Takes more.
    pub(crate) fn push(&mut self, more: &str) {
        self.text.push_str(more);
        for byte in more.bytes() {
            self.state = self.next(byte);
        }
    }

    fn next(&mut self, byte: u8) -> State {
        match self.state {
            State::Blank | State::Complete if byte.is_ascii_whitespace() => self.state,
            State::Blank if byte == b'{' => {
                self.depth = 1;
                State::Object
            }
            State::Object => self.inside(byte),
            State::Blank | State::Complete | State::Odd => State::Odd,
        }
    }

    fn inside(&mut self, byte: u8) -> State {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return State::Object;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth == 0 { State::Complete } else { State::Object }
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// What can be passed on and was not yet.
    pub(crate) fn give(&mut self) -> Option<String> {
        if !matches!(self.state, State::Object | State::Complete) {
            return None;
        }
        let more = self.text.get(self.given..).filter(|more| !more.is_empty())?.to_owned();
        self.given = self.text.len();
        Some(more)
    }

    /// At the end: what is still to be passed on, and whether all of it is an object.
    pub(crate) fn finish(&mut self) -> (Option<String>, bool) {
        match self.state {
            State::Blank => (None, true),
            State::Object => (self.give(), false),
            State::Complete => (self.give(), serde_json::from_str::<IgnoredAny>(&self.text).is_ok()),
            State::Odd => self.odd(),
        }
    }

    fn odd(&mut self) -> (Option<String>, bool) {
        let begun = self.given > 0;
        match serde_json::from_str::<Option<String>>(&self.text) {
            _ if begun => {}
            Ok(None) => return (None, true),
            Ok(Some(inner)) => {
                let mut inside = Self::default();
                inside.push(&inner);
                if matches!(inside.state, State::Blank | State::Complete) {
                    return inside.finish();
                }
            }
            Err(_) => {}
        }
        let rest = self.text.get(self.given..).filter(|rest| !rest.is_empty()).map(str::to_owned);
        self.given = self.text.len();
        (rest, false)
    }
}
