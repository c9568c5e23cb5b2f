//! Editing the configuration file as its user wrote it: comments, order and formatting stay, and an edit that would do
//! anything else than what was asked is not made.
//!
//! A [`Document`] is a text and what stands in it. [`Document::edited`] gives a new one; it writes no file. The text is
//! edited by the library for its syntax (`yaml`, `json`), and `verify` then proves what the library did.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::{self, Source};
use crate::{ConfigError, yaml};

mod node;
pub(crate) mod places;
mod syntax;
mod written;

use syntax::Syntax;
use written::Written;

pub use node::{Kind, Node};
pub use written::{Credential, WrittenEndpoint, WrittenProfile, WrittenProvider, WrittenRoute};

/// One step into the file: a key of a map, or a place in a list (from 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key.
    Key(String),
    /// An item.
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(item: usize) -> Self {
        Self::Item(item)
    }
}

/// One change of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Gives the key at `path` a value, in place of the one that it has. Maps that are missing on the way are made.
    Set {
        /// Ends with a key.
        path: Vec<Step>,
        /// The new value.
        value: Node,
    },
    /// Puts an item at the end of the list at `path`. A missing list is made, and maps that are missing on the way.
    Append {
        /// The list.
        path: Vec<Step>,
        /// The new item.
        value: Node,
    },
    /// Takes away the key or the item at `path`. What is not there is no error.
    Remove {
        /// The key or the item.
        path: Vec<Step>,
    },
}

/// A configuration file as it is written.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    text: String,
    root: Node,
    exists: bool,
    syntax: Syntax,
    written: Written,
}

impl fmt::Debug for Document {
    /// The text may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("path", &self.path).field("root", &self.root).finish_non_exhaustive()
    }
}

impl Document {
    /// Reads the file at `path`; one that does not exist is an empty document.
    ///
    /// # Errors
    /// When it cannot be read, is larger than 4 MiB, or is not of the shape of a configuration.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        // A dangling link is not a missing file: writing would put the file where nobody looks for it.
        let missing = path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        let text = if missing { String::new() } else { source::read(path)? };
        Ok(Self { exists: !missing, ..Self::parse(path, &text)? })
    }

    /// A text that need not be a file yet. `path` is what errors show.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let source = Source::new(path, text)?;
        let file = yaml::read(&source)?;
        let unreadable = || {
            let message = "the file is valid, but written in a way that commands cannot edit".to_owned();
            ConfigError::whole(path, message, "write it without directives, tags and references to itself")
        };
        let syntax = Syntax::of(&source.text).ok_or_else(unreadable)?;
        let root = syntax.meaning().ok_or_else(unreadable)?;
        let written = Written::of(&file);
        Ok(Self { path: path.to_owned(), text: text.to_owned(), root, exists: false, syntax, written })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// What stands at `path`; the whole file for an empty one.
    #[must_use]
    pub fn get(&self, path: &[Step]) -> Option<&Node> {
        self.root.get(path)
    }

    /// The 1-based line on which what is at `path` begins.
    #[must_use]
    pub fn line(&self, path: &[Step]) -> Option<usize> {
        self.syntax.line(path)
    }

    /// The providers as written, in file order: with defaults filled in, `${...}` left as it is.
    #[must_use]
    pub fn providers(&self) -> Vec<WrittenProvider> {
        self.written.providers.clone()
    }

    /// The profiles as written, in file order.
    #[must_use]
    pub fn profiles(&self) -> Vec<WrittenProfile> {
        self.written.profiles.clone()
    }

    /// The model routes as written, in file order.
    #[must_use]
    pub fn routes(&self) -> Vec<WrittenRoute> {
        self.written.routes.clone()
    }

    /// The document with the edits made, one after the other. Comments, order and formatting of everything else stay.
    ///
    /// # Errors
    /// When the library cannot make an edit without doing more than that: then the error says what to write by hand.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, ConfigError> {
        todo!("{edits:?}")
    }
}

#[cfg(test)]
mod tests;
