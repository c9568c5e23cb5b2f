//! How objects of a request are read: every member as the text that it is, looked into only where somebody needs it.
//!
//! Types with all members by name would refuse or forget what they do not know; a tree of values would print numbers and
//! escapes anew. Where something is wrong, the words are Anthropic's own: clients and people know them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

use crate::canon::BadRequest;
use crate::json::Raw;

pub(super) type Read<T> = Result<T, BadRequest>;

/// The members of an object, in order. Of several with one name the last counts; one that is `null` is not there.
#[derive(Clone, Copy)]
pub(super) struct Members<'a>(Raw<'a>);

impl<'a> Members<'a> {
    pub(super) fn of(raw: Raw<'a>) -> Read<Self> {
        let wrong = || BadRequest::new("", "Input should be a valid dictionary");
        if raw.is_object() { Ok(Self(raw)) } else { Err(wrong()) }
    }

    pub(super) fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.0.member(name).filter(|raw| !raw.is_null())
    }

    pub(super) fn need(&self, name: &str) -> Read<Raw<'a>> {
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
        let read = |raw: Raw<'a>| serde_json::from_str(raw.get()).map_err(|_| BadRequest::new(name, why));
        self.get(name).map(read).transpose()
    }

    /// An object.
    pub(super) fn members(&self, name: &str) -> Read<Option<Self>> {
        self.get(name).map(Members::of).transpose().map_err(|bad| bad.within(name))
    }

    /// Every member that is not `null` and not among `known`, each name once.
    pub(super) fn unknown(&self, known: &'static [&'static str]) -> impl Iterator<Item = (Cow<'a, str>, Raw<'a>)> {
        let strangers = self.0.members().filter(|(name, _)| !known.contains(&&**name));
        // The last of a name counts. A client may send any number of them, so each is looked at once.
        let mut last: Vec<_> = strangers.collect();
        let mut seen = HashSet::with_capacity(last.len());
        last.reverse();
        last.retain(|(name, _)| seen.insert(name.clone()));
        last.reverse();
        last.into_iter().filter(|(_, raw)| !raw.is_null())
    }
}

/// Floats beyond this are not exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and within bounds")]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

/// The items of a list.
pub(super) fn list(raw: Raw<'_>) -> Read<impl Iterator<Item = Raw<'_>>> {
    if raw.is_list() { Ok(raw.items()) } else { Err(BadRequest::new("", "Input should be a valid list")) }
}

/// The items of a list of objects.
pub(super) fn objects(raw: Raw<'_>) -> Read<impl Iterator<Item = Members<'_>>> {
    let items = list(raw)?;
    let wrong = || BadRequest::new("", "Input should be a valid dictionary");
    if raw.items().all(Raw::is_object) { Ok(items.map(Members)) } else { Err(wrong()) }
}

/// A string. Half a surrogate pair is none, as Anthropic has it: putting another character there would be a guess.
pub(super) fn string(raw: Raw<'_>) -> Read<String> {
    raw.string().map(Cow::into_owned).ok_or_else(|| {
        let why = if raw.is_string() {
            "Input should be a valid string, unable to parse raw data as a unicode string"
        } else {
            "Input should be a valid string"
        };
        BadRequest::new("", why)
    })
}
