//! The keys of the file in dotted form: what each one takes, its default, and what was meant by one that does not exist.
//! All of it follows from the schema, so that no key can be forgotten here.
//!
//! `proxy.port`, `providers.relay.base_url`, `providers.relay.models.*haiku*`, `profiles.production.endpoints.relay.weight`:
//! an item of `providers` or `endpoints` is named by its `name` or `provider`, any item of a list also by its number from 0.

mod find;
mod force;
mod name;
mod shape;
mod unknown;
mod value;

use crate::edit::{Document, Step};

pub use force::{InForce, Origin, sections};

/// What a key takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Takes {
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A number, whole unless `fraction`.
    Number {
        /// Least.
        low: f64,
        /// Greatest.
        high: f64,
        /// Whether 0.5 is possible.
        fraction: bool,
    },
    /// One of these.
    Word(Vec<String>),
    /// A number with `ms`, `s`, `m`, `h`, `d`; 0 is off.
    Duration,
    /// A number with `B`, `KB`, `KiB`, ...
    Size,
    /// A list of texts.
    Texts,
    /// Keys below it, which are set one by one.
    Section,
}

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Dotted, as it may be typed.
    pub name: String,
    /// Where it is, or would be, in the document it was looked up for.
    pub path: Vec<Step>,
    /// What may be set.
    pub takes: Takes,
    /// As it would be written; `None`: there is none.
    pub default: Option<String>,
    /// One sentence or two.
    pub help: String,
    /// Whether its value must not be shown unless it is a `${...}`; [`Key::shown`] decides that.
    pub secret: bool,
}

/// A word of the user that cannot be used, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The key of this dotted name.
///
/// # Errors
/// When there is none: with the nearest name as the hint.
pub fn key(dotted: &str, document: &Document) -> Result<Key, Unfit> {
    find::find(dotted, document)
}

/// Every key that takes a value, sections in the order of the schema, then those of the document's providers and profiles.
#[must_use]
pub fn keys(document: &Document) -> Vec<Key> {
    find::all(document)
}

#[cfg(test)]
mod tests;
