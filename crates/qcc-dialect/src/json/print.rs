//! Prints values as `serde_json` does, byte for byte, straight into the buffer that is sent.
//!
//! Why not with `serde_json`: it looks at each byte of a text by itself, and texts are nearly all of what is printed here.

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::ser::{self, Error as _, Impossible, Serialize, Serializer};

use crate::scan::plain_run;

/// By this name `serde_json` and we know text that is JSON already.
pub(crate) const RAW: &str = "$serde_json::private::RawValue";

type Error = serde_json::Error;

/// A value as a body of about `expected` bytes.
///
/// # Errors
/// Where it is no JSON: a map whose keys are not texts.
pub(crate) fn print(value: &impl Serialize, expected: usize) -> Result<Bytes, Error> {
    let mut out = BytesMut::with_capacity(expected);
    put(&mut out, value)?;
    Ok(out.freeze())
}

/// The same at the end of `out`.
pub(crate) fn put(out: &mut BytesMut, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    value.serialize(Printer::new(out))
}

/// A text with its quotes.
pub(crate) fn quote(out: &mut BytesMut, text: &str) {
    out.put_u8(b'"');
    escape(out, text);
    out.put_u8(b'"');
}

fn escape(out: &mut BytesMut, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_run(rest));
        out.put_slice(plain);
        let Some((&byte, after)) = special.split_first() else { return };
        let letter = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0C => b'f',
            _ => b'u',
        };
        out.put_slice(&[b'\\', letter]);
        if letter == b'u' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.put_slice(&[b'0', b'0', digits[0], digits[1]]);
        }
        rest = after;
    }
}

/// Prints one value.
struct Printer<'a> {
    out: &'a mut BytesMut,
    /// Whether a text is JSON already.
    raw: bool,
}

/// Prints what is in an object or a list.
struct Inside<'a> {
    out: &'a mut BytesMut,
    empty: bool,
    end: &'static [u8],
}

impl<'a> Printer<'a> {
    fn new(out: &'a mut BytesMut) -> Self {
        Self { out, raw: false }
    }

    fn begin(self, begin: &[u8], end: &'static [u8]) -> Inside<'a> {
        self.out.put_slice(begin);
        Inside { out: self.out, empty: true, end }
    }

    /// The object that a variant with content is, up to the content.
    fn variant(&mut self, name: &str) {
        self.out.put_u8(b'{');
        quote(self.out, name);
        self.out.put_u8(b':');
    }

    fn put(self, bytes: &[u8]) -> Result<(), Error> {
        self.out.put_slice(bytes);
        Ok(())
    }

    fn number(self, number: impl Into<serde_json::Number>) -> Result<(), Error> {
        serde_json::to_writer(self.out.writer(), &number.into())
    }
}

macro_rules! numbers {
    ($($method:ident $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<(), Error> {
            self.number(value)
        })*
    };
}

impl<'a> Serializer for Printer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    numbers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8, serialize_u16 u16,
        serialize_u32 u32, serialize_u64 u64
    );

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        serde_json::to_writer(self.out.writer(), &value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        serde_json::to_writer(self.out.writer(), &value)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(if value { b"true" } else { b"false" })
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        match self.raw {
            true => self.out.put_slice(value.as_bytes()),
            false => quote(self.out, value),
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.put(b"null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put(b"null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.put(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        value.serialize(Printer::new(self.out))?;
        self.put(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::custom("no dialect has variants with lists"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Inside<'a>, Error> {
        Ok(if name == RAW { self.begin(b"", b"") } else { self.begin(b"{", b"}") })
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Error> {
        self.variant(variant);
        Ok(self.begin(b"{", b"}}"))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        /// Takes the pieces of a text.
        struct Pieces<'a>(&'a mut BytesMut);
        impl fmt::Write for Pieces<'_> {
            fn write_str(&mut self, piece: &str) -> fmt::Result {
                escape(self.0, piece);
                Ok(())
            }
        }
        self.out.put_u8(b'"');
        fmt::write(&mut Pieces(self.out), format_args!("{value}")).map_err(Error::custom)?;
        self.put(b"\"")
    }
}

impl Inside<'_> {
    #[inline]
    fn next(&mut self) -> Printer<'_> {
        if !std::mem::take(&mut self.empty) {
            self.out.put_u8(b',');
        }
        Printer::new(self.out)
    }

    #[inline]
    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        value.serialize(self.next())
    }

    #[inline]
    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        quote(self.next().out, name);
        self.value(value)
    }

    #[inline]
    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.out.put_u8(b':');
        value.serialize(Printer::new(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.out.put_slice(self.end);
        Ok(())
    }
}

macro_rules! lists {
    ($($list:ident $method:ident),*) => {
        $(impl ser::$list for Inside<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.end()
            }
        })*
    };
}

lists!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let printer = self.next();
        let start = printer.out.len();
        key.serialize(printer)?;
        if self.out.get(start) == Some(&b'"') { Ok(()) } else { Err(Error::custom("a member's name must be a text")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.end()
    }
}

impl ser::SerializeStruct for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        if self.end.is_empty() {
            return value.serialize(Printer { out: self.out, raw: true });
        }
        self.member(key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.end()
    }
}

impl ser::SerializeStructVariant for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.end()
    }
}
