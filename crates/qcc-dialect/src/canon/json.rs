//! JSON that is carried and not read: the text as it came. Building and printing a value anew would change the order of
//! members, numbers such as `1.0` and `1e3`, and escapes; providers' prompt caches and tools notice.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Raw;
use crate::json::print::RAW;

/// One JSON value as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// Takes a text that is one JSON value.
    ///
    /// # Errors
    /// Where it is not.
    pub fn from_text(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self::from)
    }

    /// `{}`
    #[must_use]
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// A value of our own making.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value, for those who have to look into it. Members keep their order.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_default()
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw.into())
    }
}

impl From<Raw<'_>> for Json {
    fn from(raw: Raw<'_>) -> Self {
        Self(raw.get().into())
    }
}

/// As `RawValue` does it, so that `serde_json` prints the text as it is too. Making one of the text first would read it
/// again.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, self.text())?;
        raw.end()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
