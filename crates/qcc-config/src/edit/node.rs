//! What stands in a file, without its form. Values may be secrets, so they are not shown by `Debug`.

use std::fmt;

use super::Step;

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// Nothing after the colon, or `null`.
    Null,
    /// One value.
    Scalar {
        /// What it is to YAML; decides whether it has to be quoted.
        kind: Kind,
        /// Without quotes and escapes; numbers as they were written.
        text: String,
    },
    /// A list.
    List(Vec<Node>),
    /// A map in file order.
    Map(Vec<(String, Node)>),
}

/// What a scalar is to YAML 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, quoted or not.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
}

impl Node {
    /// A text; it is quoted when it is written if it would mean something else without.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Scalar { kind: Kind::Text, text: text.into() }
    }

    /// A whole number.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self::Scalar { kind: Kind::Number, text: number.to_string() }
    }

    /// A truth.
    #[must_use]
    pub fn bool(truth: bool) -> Self {
        Self::Scalar { kind: Kind::Bool, text: truth.to_string() }
    }

    /// A map with these keys, in this order.
    #[must_use]
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// What stands at `path` below this.
    #[must_use]
    pub fn get(&self, path: &[Step]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (self, step) {
            (Self::Map(entries), Step::Key(key)) => entries.iter().find(|(known, _)| known == key)?.1.get(rest),
            (Self::List(items), Step::Item(index)) => items.get(*index)?.get(rest),
            _ => None,
        }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Scalar { kind, .. } => write!(f, "{kind:?}"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => f.debug_map().entries(entries.iter().map(|(key, value)| (key, value))).finish(),
        }
    }
}
