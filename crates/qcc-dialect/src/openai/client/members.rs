//! Members of objects in a request, taken out one by one: what is left at the end has no place in the neutral form.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::request::{Read, bad};
use crate::canon::Json;
use crate::json::Raw;

/// Members of an object that were not read yet. Of several with one name the last counts.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

/// Members without a place, by the way to them.
pub(crate) type Others = Vec<(String, Json)>;

/// What a member can be read as.
pub(crate) trait Readable<'a>: Sized {
    /// `Err`: what is wrong with it.
    fn read(raw: Raw<'a>) -> Result<Self, String>;
}

impl<'a> Members<'a> {
    /// None where it is no object. Members that are `null` are not there.
    pub(crate) fn of(raw: Raw<'a>) -> Option<Self> {
        raw.is_object().then(|| Self(raw.members().filter(|(_, raw)| !raw.is_null()).collect()))
    }

    /// A member that stays.
    pub(crate) fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Raw<'a>> {
        let found = self.get(name)?;
        self.0.retain(|(known, _)| known != name);
        Some(found)
    }

    /// Takes a member out. None where it is not there or `null`.
    pub(crate) fn take<T: Readable<'a>>(&mut self, name: &str) -> Read<Option<T>> {
        let Some(raw) = self.remove(name) else { return Ok(None) };
        T::read(raw).map(Some).map_err(|cause| bad(name, format!("cannot be read: {cause}")))
    }

    pub(crate) fn need<T: Readable<'a>>(&mut self, name: &str) -> Read<T> {
        self.take(name)?.ok_or_else(|| bad(name, "is missing"))
    }

    /// Keeps the names of those that nobody took, each once. What is empty says nothing.
    pub(crate) fn leave(self, of: &str, others: &mut Others) {
        for (name, raw) in self.rest().filter(|(_, raw)| !matches!(raw.get(), "[]" | "{}" | "\"\"")) {
            let name = format!("{of}.{name}");
            if !others.iter().any(|(known, _)| *known == name) {
                others.push((name, Json::from(raw)));
            }
        }
    }

    /// What is left, by name.
    pub(crate) fn rest(self) -> impl Iterator<Item = (String, Raw<'a>)> {
        let rest: BTreeMap<Cow<'a, str>, Raw<'a>> = self.0.into_iter().collect();
        rest.into_iter().map(|(name, raw)| (name.into_owned(), raw))
    }
}

impl<'a> Readable<'a> for Raw<'a> {
    fn read(raw: Self) -> Result<Self, String> {
        Ok(raw)
    }
}

impl<'a> Readable<'a> for Members<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, String> {
        Self::of(raw).ok_or_else(|| why_not::<BTreeMap<String, IgnoredAny>>(raw))
    }
}

impl<'a> Readable<'a> for String {
    fn read(raw: Raw<'a>) -> Result<Self, String> {
        raw.string().map(Cow::into_owned).ok_or_else(|| why_not::<Self>(raw))
    }
}

impl<'a, T: Readable<'a>> Readable<'a> for Vec<T> {
    fn read(raw: Raw<'a>) -> Result<Self, String> {
        if raw.is_list() { raw.items().map(T::read).collect() } else { Err(why_not::<Vec<IgnoredAny>>(raw)) }
    }
}

macro_rules! scalars {
    ($($kind:ty),*) => {
        $(impl<'a> Readable<'a> for $kind {
            fn read(raw: Raw<'a>) -> Result<Self, String> {
                serde_json::from_str(raw.get()).map_err(|cause| cause.to_string())
            }
        })*
    };
}

scalars!(bool, u64, f64);

/// What is wrong with a value that is not of that kind.
fn why_not<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> String {
    serde_json::from_str::<T>(raw.get()).err().map_or_else(String::new, |cause| cause.to_string())
}
