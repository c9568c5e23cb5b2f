//! How objects of a request are read: every member as the text that it is, looked into only where somebody needs it.
//!
//! Types with all members by name would refuse or forget what they do not know; a tree of values would print numbers and
//! escapes anew. Where something is wrong, the words are Anthropic's own: clients and people know them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::canon::BadRequest;

pub(super) type Read<T> = Result<T, BadRequest>;

/// The members of an object, in order. Of several with one name the last counts; one that is `null` is not there.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Read<Self> {
        serde_json::from_str(raw.get()).map_err(|_| BadRequest::new("", "Input should be a valid dictionary"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().rev().find(|(known, _)| known == name)?;
        (raw.get() != "null").then_some(*raw)
    }

    pub(super) fn need(&self, name: &str) -> Read<&'a RawValue> {
        self.get(name).ok_or_else(|| BadRequest::new(name, "Field required"))
    }

    pub(super) fn string(&self, name: &str) -> Read<Option<String>> {
        self.get(name).map(string).transpose().map_err(|bad| bad.within(name))
    }

    pub(super) fn need_string(&self, name: &str) -> Read<String> {
        string(self.need(name)?).map_err(|bad| bad.within(name))
    }

    pub(super) fn bool(&self, name: &str) -> Read<Option<bool>> {
        self.scalar(name, "Input should be a valid boolean")
    }

    /// A count. `1.0` and `1e0` are whole too.
    pub(super) fn whole(&self, name: &str) -> Read<Option<u64>> {
        const WHY: &str = "Input should be a valid integer";
        self.scalar(name, WHY).or_else(|bad| match self.scalar(name, WHY)? {
            Some(number) => whole(number).map(Some).ok_or(bad),
            None => Ok(None),
        })
    }

    pub(super) fn number(&self, name: &str) -> Read<Option<f64>> {
        self.scalar(name, "Input should be a valid number")
    }

    fn scalar<T: Deserialize<'a>>(&self, name: &str, why: &'static str) -> Read<Option<T>> {
        let read = |raw: &'a RawValue| serde_json::from_str(raw.get()).map_err(|_| BadRequest::new(name, why));
        self.get(name).map(read).transpose()
    }

    /// An object.
    pub(super) fn members(&self, name: &str) -> Read<Option<Self>> {
        self.get(name).map(Members::of).transpose().map_err(|bad| bad.within(name))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, raw)| (&**name, *raw))
    }

    /// Every member that is not `null` and not among `known`, each name once.
    pub(super) fn unknown(&self, known: &'static [&'static str]) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().enumerate().filter_map(move |(at, (name, raw))| {
            let last = || self.0[at + 1..].iter().all(|(later, _)| later != name);
            (!known.contains(&&**name) && raw.get() != "null" && last()).then_some((&**name, *raw))
        })
    }
}

/// Floats beyond this are not exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and within bounds")]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

/// The items of a list.
pub(super) fn list<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Read<Vec<T>> {
    serde_json::from_str(raw.get()).map_err(|_| {
        let why = if raw.get().starts_with('[') { "dictionary" } else { "list" };
        BadRequest::new("", format!("Input should be a valid {why}"))
    })
}

/// A string. Half a surrogate pair is none, as Anthropic has it: putting another character there would be a guess.
pub(super) fn string(raw: &RawValue) -> Read<String> {
    serde_json::from_str(raw.get()).map_err(|_| {
        let why = if raw.get().starts_with('"') {
            "Input should be a valid string, unable to parse raw data as a unicode string"
        } else {
            "Input should be a valid string"
        };
        BadRequest::new("", why)
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some((Name(name), raw)) = map.next_entry()? {
                    members.push((name, raw));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

/// A member's name, copied only where it is written with escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
