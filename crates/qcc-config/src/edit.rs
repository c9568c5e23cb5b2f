//! Editing the configuration file as its user wrote it: comments, order and formatting stay, and an edit that would do
//! anything else than what was asked is not made.
//!
//! A [`Document`] is a text and what stands in it. [`Document::edited`] gives a new one; it writes no file.
//!
//! The way of an edit: `syntax` knows the bytes, style and line of every part, from the parser that the gateway reads the
//! file with; `plan` finds the place; `add`, `replace` and `remove` decide which bytes go and which come, in the manner of
//! the file (`style`, `render`, `scalar`); `verify` then proves against `apply`, which knows no text, that exactly the edit
//! was made. Text is cut at places from the parser rather than by a library for editing YAML, because those do not keep
//! quotes, put new lines in other places than a person would, and leave or take comments that are not theirs. JSON is the
//! same syntax with other habits, and goes the same way.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::{self, Source};
use crate::{ConfigError, yaml};

mod add;
mod apply;
mod extent;
mod lines;
mod node;
pub(crate) mod places;
mod plan;
mod refusal;
mod remove;
mod render;
mod replace;
mod scalar;
mod style;
mod syntax;
mod verify;
mod written;

use lines::spliced;
use plan::{Planner, Refusal};
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
    /// When an edit cannot be made without doing more than that: then the error says what to write by hand. When the new
    /// text is not of the shape of a configuration.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, ConfigError> {
        let mut source = Source::new(&self.path, &self.text)?;
        let mark = &self.text[..self.text.len() - source.text.len()];
        let (mut syntax, mut root) = (self.syntax.clone(), self.root.clone());
        for edit in edits {
            let step = edited_once(&source.text, &syntax, &root, edit);
            let step = step.map_err(|refusal| refusal.told(edit, &source, &syntax))?;
            if let Some(step) = step {
                (source.text, syntax, root) = step;
            }
        }
        let text = format!("{mark}{}", source.text);
        if text == self.text {
            return Ok(self.clone());
        }
        let new = Self::parse(&self.path, &text).map_err(|error| self.unfit(error))?;
        let was_json = self.root != Node::Null && is_json(&self.text[mark.len()..]);
        if new.root != root || was_json && !is_json(&source.text) {
            let message = "the file was not changed: it could not be kept in the format that it has".to_owned();
            return Err(ConfigError::whole(&self.path, message, "open the file and make the change by hand"));
        }
        Ok(Self { exists: self.exists, ..new })
    }

    /// The faults that an edit would bring into the file. Their places are in a text that nobody sees.
    fn unfit(&self, error: ConfigError) -> ConfigError {
        let first = error.problems.into_iter().next();
        let (message, hint) = first.map(|problem| (problem.message, problem.hint)).unwrap_or_default();
        let hint = hint.unwrap_or_default();
        ConfigError::whole(&self.path, format!("the file was not changed: with this edit, {message}"), &hint)
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The text with one edit made and proven, with its tree and its meaning; `None` when nothing has to be done.
fn edited_once(
    text: &str,
    syntax: &Syntax,
    root: &Node,
    edit: &Edit,
) -> Result<Option<(String, Syntax, Node)>, Refusal> {
    let planner = Planner::new(text, syntax);
    let plan = planner.plan(edit, root)?;
    if plan.splices.is_empty() {
        return Ok(None);
    }
    let new = spliced(text, &plan.splices, planner.style.newline);
    let expected = apply::applied(root, edit, plan.cut);
    let (tree, meaning) = verify::proven((text, syntax), &new, &plan, expected)?;
    Ok(Some((new, tree, meaning)))
}
