//! The value of a key that counts: the one in the file, one that the Balancer's `settings` give it, or the default.

use std::path::Path;

use super::shape::{Shape, root};
use super::{Key, Takes};
use crate::edit::{Document, Node, Step};
use crate::source::{Problems, Source};
use crate::{balancer, yaml};

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// As it is written, references and all; a list for a key that takes one.
    pub value: Node,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file sets this key.
    File,
    /// The file sets this key of the Balancer, which means the same.
    Settings(String),
    /// Nothing sets it.
    Default,
}

impl Key {
    /// The value that counts. `None`: there is none, or this is a section.
    #[must_use]
    pub fn in_force(&self, document: &Document) -> Option<InForce> {
        if self.takes == Takes::Section {
            return None;
        }
        if let Some(value) = document.get(&self.path).filter(|value| **value != Node::Null) {
            return Some(InForce { value: value.clone(), origin: Origin::File });
        }
        if let Some((old, text)) = self.moved(document) {
            return Some(InForce { value: self.value(&text).ok()?, origin: Origin::Settings(old) });
        }
        let value = self.value(self.default.as_deref()?).ok()?;
        Some(InForce { value, origin: Origin::Default })
    }

    fn moved(&self, document: &Document) -> Option<(String, String)> {
        document.get(&[Step::from("settings")])?;
        let source = Source::new(Path::new(""), document.text()).ok()?;
        let mut file = yaml::read(&source).ok()?;
        let moved = balancer::move_settings(&mut file, &mut Problems::new(&source), &mut Vec::new());
        moved.into_iter().find(|moved| moved.new == self.name).map(|moved| (moved.old, moved.text))
    }
}

/// The sections of settings: everything but providers, profiles and routes.
#[must_use]
pub fn sections() -> Vec<&'static str> {
    let Shape::Map(all) = &root().shape else { return Vec::new() };
    let settings = all.iter().filter(|section| matches!(section.shape, Shape::Map(_)));
    settings.map(|section| section.name.as_str()).collect()
}
