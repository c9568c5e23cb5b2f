//! Values with their places. Every scalar of the file is kept as the text that was written, with its line and column,
//! and gets its meaning only when it is asked for: so all wrong values of a file are reported together, in our words.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use zeroize::Zeroizing;

use crate::error::Place;
use crate::source::Problems;

/// What is wrong with a text, and what to write instead. Never holds the text of a secret.
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// A meaning that the text of a scalar can have.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, Wrong>;
}

/// A scalar of the file whose text means a `T`.
pub(crate) struct At<T> {
    text: Zeroizing<String>,
    pub(crate) place: Place,
    meaning: PhantomData<T>,
}

impl<T> At<T> {
    /// The text as written, for values whose meaning needs more than the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Another text at the same place: what a value of the Balancer means in our words.
    pub(crate) fn renamed<U>(&self, text: String) -> At<U> {
        At { text: Zeroizing::new(text), place: self.place, meaning: PhantomData }
    }
}

impl<T: FromText> At<T> {
    /// The value; a fault is noted and gives `None`.
    pub(crate) fn get(&self, problems: &mut Problems<'_>) -> Option<T> {
        match T::from_text(&self.text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                problems.add(self.place, wrong.message, wrong.hint);
                None
            }
        }
    }
}

fn place_of<T>(spanned: &Spanned<T>) -> Place {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Place { line: number(spanned.referenced.line()), column: number(spanned.referenced.column()) }
}

impl<'de, T> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { place: place_of(&spanned), text: Zeroizing::new(spanned.value), meaning: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Anything at all: a value that is known and not used.
pub(crate) struct Unused(pub(crate) Place);

impl<'de> Deserialize<'de> for Unused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<IgnoredAny>::deserialize(deserializer).map(|spanned| Self(place_of(&spanned)))
    }
}

schema_as!(Unused, true);

/// A map in file order whose keys are the user's own words.
pub(crate) struct Entries<V>(pub(crate) Vec<(At<String>, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Entries<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<V>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        if text.contains("${") && !text.contains("$${") {
            let hint = "`${...}` works in auth_value, base_url, proxy, headers, ca_file, client_keys, allowed_hosts, \
                        allowed_origins, proxy.host and storage.path";
            return Err(Wrong::new("`${...}` is not replaced in this value", hint));
        }
        Ok(text.to_owned())
    }
}

impl FromText for bool {
    /// Also the older YAML words, because the Balancer's reader takes them.
    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(Wrong::new(format!("`{text}` is neither true nor false"), "write `true` or `false`")),
        }
    }
}

impl FromText for u16 {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong =
            || Wrong::new(format!("`{text}` is not a whole number up to 65535"), "write a number from 0 to 65535");
        text.parse().map_err(|_| wrong())
    }
}

impl FromText for u32 {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong =
            || Wrong::new(format!("`{text}` is not a whole number, or far too large"), "write a number such as `10`");
        text.parse().map_err(|_| wrong())
    }
}

impl FromText for f64 {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse()
            .ok()
            .filter(|number: &Self| number.is_finite())
            .ok_or_else(|| Wrong::new(format!("`{text}` is not a number"), "write a number such as `0.5`"))
    }
}

/// A length of time; zero means off.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Time(pub(crate) Duration);

impl Time {
    /// The time, or `None` when it is switched off.
    pub(crate) fn on(self) -> Option<Duration> {
        Some(self.0).filter(|time| !time.is_zero())
    }
}

/// Longer than any sensible setting; also keeps sums of times far from overflow.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

impl FromText for Time {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let hint = "write a number with ms, s, m, h or d, such as `90s`; `0` switches it off";
        let wrong = || Wrong::new(format!("`{text}` is not a duration"), hint);
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let unit_seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            "" if number == 0.0 => 1.0,
            "" => {
                let message = format!("`{text}` is a duration without a unit");
                return Err(Wrong::new(message, format!("write `{text}s` for seconds; units are ms, s, m, h, d")));
            }
            _ => return Err(wrong()),
        };
        match Duration::try_from_secs_f64(number * unit_seconds) {
            Ok(time) if time <= LONGEST => Ok(Self(time)),
            _ => Err(Wrong::new(format!("`{text}` is longer than ten years"), "write a shorter time, or `0` for off")),
        }
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number with ms, s, m, h or d; 0 switches the thing off.",
            "anyOf": [{ "type": "string", "pattern": "^([0-9]+([.][0-9]+)? *(ms|s|m|h|d)|0+)$" }, { "const": 0 }],
        })
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Size(pub(crate) u64);

/// 1 PiB: what a file or a body never has.
const LARGEST: f64 = 1_125_899_906_842_624.0;

impl FromText for Size {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let hint = "write a number with KiB, MiB, GiB, KB, MB or B, such as `64MiB`";
        let wrong = || Wrong::new(format!("`{text}` is not a size"), hint);
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let factor = match unit {
            "B" => 1.0,
            "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1024.0 * 1024.0,
            "GiB" => 1024.0 * 1024.0 * 1024.0,
            "" if number == 0.0 => 1.0,
            "" => return Err(Wrong::new(format!("`{text}` is a size without a unit"), hint)),
            _ => return Err(wrong()),
        };
        let bytes = (number * factor).round();
        if bytes > LARGEST {
            return Err(Wrong::new(format!("`{text}` is larger than any body or file can be"), hint));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1 PiB, and rounded")]
        Ok(Self(bytes as u64))
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number with KiB, MiB, GiB, KB, MB, GB or B; or 0.",
            "anyOf": [{ "type": "string", "pattern": "^([0-9]+([.][0-9]+)? *(B|KB|MB|GB|KiB|MiB|GiB)|0+)$" }, { "const": 0 }],
        })
    }
}

/// Splits `1.5h` into 1.5 and `h`. Signs, exponents and lone points are not numbers here.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let whole = number.starts_with(|c: char| c.is_ascii_digit()) && number.ends_with(|c: char| c.is_ascii_digit());
    Some((number.parse().ok().filter(|_| whole)?, unit.trim_start()))
}

/// What follows the user information of a URL's authority, if it has any; `rest` starts after `://`.
pub(crate) fn after_userinfo(rest: &str) -> Option<&str> {
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest[..authority].rfind('@').map(|at| &rest[at + 1..])
}

/// Whether a URL holds user information or a query, where secrets stand. References there are none.
pub(crate) fn has_url_secret(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let rest = rest.split_whitespace().next().unwrap_or_default();
    after_userinfo(rest).is_some() || rest.contains('?')
}

/// Gives a type of this crate its schema, in place of a reference.
macro_rules! schema_as {
    ($name:ty, $schema:tt) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use schema_as;

/// Gives a set of words its meaning: reading, the hint and the schema come from the one table.
macro_rules! words {
    ($name:ident { $($word:literal => $value:expr),* $(,)? }) => {
        impl $crate::value::FromText for $name {
            fn from_text(text: &str) -> Result<Self, $crate::value::Wrong> {
                match text {
                    $($word => Ok($value),)*
                    _ => Err($crate::suggest::not_among(text, &[$($word),*])),
                }
            }
        }
        $crate::value::schema_as!($name, { "type": "string", "enum": [$($word),*] });
    };
}
pub(crate) use words;
