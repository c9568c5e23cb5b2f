//! How to read members that vendors write in different ways: one odd member must not cost a whole answer.
//!
//! What is not always a text or a number is kept as the JSON that it is and looked into with care.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What comes next in a text.
pub(crate) enum Next<'a, T> {
    /// A value that can be read so, and its text.
    Read(T, &'a str),
    /// JSON of another kind.
    Other(&'a str),
    /// No JSON.
    Broken,
}

/// Reads the value with which a text begins; gives what follows it too. What is as it should be is read only once.
pub(crate) fn next<'a, T: Deserialize<'a>>(text: &'a str) -> (Next<'a, T>, &'a str) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    if let Some(Ok(value)) = values.next() {
        let (raw, rest) = text.split_at(values.byte_offset());
        return (Next::Read(value, raw), rest);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(raw)) => (Next::Other(raw.get()), &text[values.byte_offset()..]),
        Some(Err(_)) | None => (Next::Broken, ""),
    }
}

/// Reads a body that is one value. `None`: it is no JSON.
pub(crate) fn only<'a, T: Deserialize<'a>>(text: &'a str) -> Option<Next<'a, T>> {
    match serde_json::from_str(text) {
        Ok(value) => Some(Next::Read(value, text)),
        Err(_) => serde_json::from_str::<IgnoredAny>(text).ok().map(|_| Next::Other(text)),
    }
}

/// An object. None for what is none: relays written in PHP write an empty one as a list.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Object<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(members)).map(Some)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Object(std::marker::PhantomData))
}

/// A list, in which `null` stands for nothing.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                // Mostly there is one.
                let mut list = Vec::with_capacity(1);
                while let Some(item) = items.next_element::<Option<T>>()? {
                    list.extend(item);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(Items(std::marker::PhantomData))
    }
}

/// A text. None for what is no text, and for an empty one.
pub(crate) fn text<'a>(raw: Option<&'a RawValue>) -> Option<Cow<'a, str>> {
    let raw = raw?.get();
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.is_empty() {
        return None;
    }
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        // Half a character, which JavaScript can write and UTF-8 cannot.
        Err(_) => serde_json::from_str::<Halves>(raw).ok().map(|Halves(text)| Cow::Owned(text)),
    }
}

/// A text in which halves of characters are replaced.
struct Halves(String);

impl<'de> Deserialize<'de> for Halves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Halves;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Halves, E> {
                Ok(Halves(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// A small number, also written as text.
pub(crate) fn number(raw: Option<&RawValue>) -> Option<u64> {
    raw?.get().trim_matches('"').parse().ok()
}
