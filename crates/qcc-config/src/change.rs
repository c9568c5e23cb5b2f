//! Changing the file on disk: one writer at a time, never half a file, never a fault that was not there before, and every
//! version kept.
//!
//! The way of a change: lock the folder, read, plan the edits, make and verify them, validate the result, write a new file
//! beside the old one, read it back, put the version into the history, rename.

use std::path::{Path, PathBuf};

use crate::edit::{Document, Edit};
use crate::{ConfigError, Env, Loaded};

/// Changes one configuration file.
#[derive(Debug, Clone)]
pub struct Editor {
    config: PathBuf,
    history: PathBuf,
}

/// What a change did.
#[derive(Debug)]
pub struct Changed {
    /// The number of the new version; `None` when the file was already so, and nothing was written.
    pub version: Option<u64>,
    /// Whether the file was made.
    pub created: bool,
    /// What differs, without secrets.
    pub diff: Diff,
    /// What the file means now; `None` where it still has faults that it had before.
    pub loaded: Option<Loaded>,
}

/// Lines that differ between two versions, with a few around them. Secrets in them are redacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// In file order.
    pub lines: Vec<DiffLine>,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happened to it.
    pub sign: Sign,
    /// 1-based, in the new text; in the old one for a removed line.
    pub number: usize,
    /// As it may be shown.
    pub text: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It stayed.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
    /// Lines were left out here.
    Gap,
}

/// A version of the file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Counts from 1.
    pub number: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// The command that made it, without secrets; or that it was edited by hand.
    pub what: String,
    /// Lines added and removed against the version before.
    pub added: usize,
    /// Lines removed against the version before.
    pub removed: usize,
    /// Whether it is the file as it is now.
    pub current: bool,
}

impl Editor {
    /// For the file `config`, with its history below `state_dir`.
    #[must_use]
    pub fn new(config: &Path, state_dir: &Path) -> Self {
        todo!("{config:?} {state_dir:?}")
    }

    /// Makes the edits that `plan` asks for, seeing the file as it is. `what` is the command, without secrets, for the
    /// history. `now` is seconds since 1970.
    ///
    /// # Errors
    /// What `plan` says; a file that cannot be read, edited, or written; an edit that would add a fault. The file then is
    /// as it was.
    pub fn change<E: From<ConfigError>>(
        &self,
        what: &str,
        now: u64,
        env: Env<'_>,
        plan: impl FnMut(&Document) -> Result<Vec<Edit>, E>,
    ) -> Result<Changed, E> {
        todo!("{what} {now} {} {:?}", env("").is_some(), std::any::type_name_of_val(&plan))
    }

    /// Puts `text` in place of the whole file; with `dry_run` only says what would differ.
    ///
    /// # Errors
    /// When the text is no valid configuration (`must_be_valid`), or as [`Editor::change`].
    pub fn replace(
        &self,
        what: &str,
        text: &str,
        must_be_valid: bool,
        dry_run: bool,
        now: u64,
        env: Env<'_>,
    ) -> Result<Changed, ConfigError> {
        todo!("{what} {text} {must_be_valid} {dry_run} {now} {}", env("").is_some())
    }

    /// The versions that are kept, newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, ConfigError> {
        todo!()
    }

    /// What version `number` changed against the one before.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn diff(&self, number: u64) -> Result<Diff, ConfigError> {
        todo!("{number}")
    }

    /// Makes the file what it was: as version `number`, or before the newest change. That is a new version.
    ///
    /// # Errors
    /// When there is no such version, or as [`Editor::change`].
    pub fn rollback(&self, number: Option<u64>, now: u64, env: Env<'_>) -> Result<Changed, ConfigError> {
        todo!("{number:?} {now} {}", env("").is_some())
    }
}

/// The text of a file with every secret in it replaced by `[redacted]`, comments included; references stay.
#[must_use]
pub fn redacted(document: &Document) -> String {
    todo!("{document:?}")
}
