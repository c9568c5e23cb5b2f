//! Writes JSON straight into the buffer that goes down: nothing is built first, so a delta costs no allocation.

use bytes::{BufMut as _, BytesMut};
use serde::Serialize;

use super::print::{put, quote};

/// An object that is being written. Its end is written by [`Object::end`].
pub(crate) struct Object<'a> {
    out: &'a mut BytesMut,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(out: &'a mut BytesMut) -> Self {
        out.put_u8(b'{');
        Self { out, empty: true }
    }

    /// A member's name, and where its value is to be written.
    pub(crate) fn name(&mut self, name: &str) -> &mut BytesMut {
        if !std::mem::take(&mut self.empty) {
            self.out.put_u8(b',');
        }
        quote(self.out, name);
        self.out.put_u8(b':');
        self.out
    }

    pub(crate) fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> &mut Self {
        json(self.name(name), value);
        self
    }

    /// A member that is left out where there is nothing to say.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&(impl Serialize + ?Sized)>) -> &mut Self {
        if let Some(value) = value {
            self.member(name, value);
        }
        self
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name).put_slice(json.as_bytes());
        self
    }

    pub(crate) fn end(&mut self) {
        self.out.put_u8(b'}');
    }
}

/// A value as JSON.
pub(crate) fn json(out: &mut BytesMut, value: &(impl Serialize + ?Sized)) {
    put(out, value).expect("texts and numbers are printable");
}

/// A list, each item written by `item`, which says whether it has written anything.
pub(crate) fn list<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut BytesMut, T) -> bool,
) {
    out.put_u8(b'[');
    let mut end = out.len();
    let mut empty = true;
    for one in items {
        if !empty {
            out.put_u8(b',');
        }
        if item(out, one) {
            empty = false;
            end = out.len();
        } else {
            out.truncate(end);
        }
    }
    out.put_u8(b']');
}
