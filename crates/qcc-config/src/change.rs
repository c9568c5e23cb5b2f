//! Changing the file on disk: one writer at a time, never half a file, never a fault that was not there before, and every
//! version kept.
//!
//! The way of a change: lock the folder, read, plan the edits, make and verify them, validate the result, write a new file
//! beside the old one, read it back, put the version into the history, rename. Whatever fails on the way, the file is as
//! it was, or as somebody else wrote it meanwhile.

mod faults;
mod history;
mod lines;
mod target;

use std::path::{Path, PathBuf};

use crate::edit::{Document, Edit};
use crate::error::{ConfigError, Problem};
use crate::redact::filled;
use crate::source::Source;
use crate::{Env, Loaded, yaml};

use history::History;
pub use history::Version;
pub use lines::{Diff, DiffLine, Sign};
use target::{Snapshot, Target};

/// How often a change is begun again because somebody else wrote the file meanwhile.
const ATTEMPTS: usize = 3;

/// Changes one configuration file.
#[derive(Debug, Clone)]
pub struct Editor {
    config: PathBuf,
    state: PathBuf,
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

impl Editor {
    /// For the file `config`, with its history below `state_dir`. A link is followed: the file that it leads to is
    /// changed, and the link stays.
    #[must_use]
    pub fn new(config: &Path, state_dir: &Path) -> Self {
        Self { config: config.to_owned(), state: state_dir.to_owned() }
    }

    /// Makes the edits that `plan` asks for, seeing the file as it is. `what` is the command, without secrets, for the
    /// history. `now` is seconds since 1970. When somebody else wrote the file meanwhile, `plan` is asked again.
    ///
    /// # Errors
    /// What `plan` says; a file that cannot be read, edited, or written; an edit that would add a fault. The file then is
    /// as it was.
    pub fn change<E: From<ConfigError>>(
        &self,
        what: &str,
        now: u64,
        env: Env<'_>,
        mut plan: impl FnMut(&Document) -> Result<Vec<Edit>, E>,
    ) -> Result<Changed, E> {
        let target = Target::prepare(&self.config)?;
        for _ in 0..ATTEMPTS {
            let document = Document::open(&self.config)?;
            let before = document.exists().then(|| document.text().to_owned());
            let edits = plan(&document)?;
            if edits.is_empty() && before.is_none() {
                return Ok(unchanged(None, None));
            }
            let after = document.edited(&edits)?.text().to_owned();
            let loaded = faults::no_new(&self.config, before.as_deref(), &after, env)?;
            if let Some(changed) = self.written(&target, before, &after, loaded, what, now)? {
                return Ok(changed);
            }
        }
        Err(target.busy().into())
    }

    /// Puts `text` in place of the whole file; with `dry_run` only says what would differ. A `[redacted]` of an export
    /// is filled with what the file has at the same place.
    ///
    /// # Errors
    /// When the text is not of the shape of a configuration; with `must_be_valid`, when it has a fault that the file does
    /// not have already; when there is nothing for a `[redacted]`; or as [`Editor::change`].
    pub fn replace(
        &self,
        what: &str,
        text: &str,
        must_be_valid: bool,
        dry_run: bool,
        now: u64,
        env: Env<'_>,
    ) -> Result<Changed, ConfigError> {
        let made = |before: Option<&str>| -> Result<(String, Option<Loaded>), ConfigError> {
            yaml::read(&Source::new(&self.config, text)?)?;
            let text = filled(text, before, &self.config)?;
            let loaded = if must_be_valid {
                faults::no_new(&self.config, before, &text, env)?
            } else {
                crate::parse(&text, &self.config, env).ok()
            };
            Ok((text, loaded))
        };
        if dry_run {
            let before = target::read(&self.config)?;
            let (text, loaded) = made(before.as_deref())?;
            let diff = Diff::between(before.as_deref().unwrap_or_default(), &text);
            return Ok(Changed { version: None, created: before.is_none(), diff, loaded });
        }
        self.put(what, now, |_, before| made(before))
    }

    /// The versions that are kept, newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, ConfigError> {
        let current = target::read(&self.config)?;
        self.history().versions(current.as_deref())
    }

    /// What version `number` changed against the one before.
    ///
    /// # Errors
    /// When there is no such version, or it cannot be read.
    pub fn diff(&self, number: u64) -> Result<Diff, ConfigError> {
        let history = self.history();
        let after = history.entry(number)?;
        let before = history.before(number)?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Ok(Diff::between(&before.map(|entry| text(&entry.text)).unwrap_or_default(), &text(&after.text)))
    }

    /// Makes the file what it was: as version `number`, or before the newest change. That is a new version. What the file
    /// was may be put back even if it has faults now, because a variable is gone or it never was valid: then nothing is
    /// loaded.
    ///
    /// # Errors
    /// When there is no such version, when there was no file, or as [`Editor::change`].
    pub fn rollback(&self, number: Option<u64>, now: u64, env: Env<'_>) -> Result<Changed, ConfigError> {
        let what = number.map_or_else(|| "config rollback".to_owned(), |number| format!("config rollback {number}"));
        self.put(&what, now, |history, before| {
            let entry = match number {
                Some(number) => history.entry(number)?,
                None => history.before_newest(before)?,
            };
            let text = entry.text.ok_or_else(|| history.no_file(entry.number))?;
            let loaded = crate::parse(&text, &self.config, env).ok();
            Ok((text, loaded))
        })
    }

    /// Puts a whole text in place of the file.
    fn put(
        &self,
        what: &str,
        now: u64,
        mut make: impl FnMut(&History, Option<&str>) -> Result<(String, Option<Loaded>), ConfigError>,
    ) -> Result<Changed, ConfigError> {
        let history = self.history();
        let target = Target::prepare(&self.config)?;
        for _ in 0..ATTEMPTS {
            let before = target::read(&self.config)?;
            let (text, loaded) = make(&history, before.as_deref())?;
            if let Some(changed) = self.written(&target, before, &text, loaded, what, now)? {
                return Ok(changed);
            }
        }
        Err(target.busy())
    }

    /// Writes the file and its version; `None` when somebody else wrote it meanwhile.
    fn written(
        &self,
        target: &Target,
        before: Option<String>,
        after: &str,
        loaded: Option<Loaded>,
        what: &str,
        now: u64,
    ) -> Result<Option<Changed>, ConfigError> {
        if before.as_deref() == Some(after) {
            return Ok(Some(unchanged(before.as_deref(), loaded)));
        }
        let snapshot = Snapshot::take(target, before)?;
        let new_file = target.write(&snapshot, after)?;
        if !snapshot.is_current(target)? {
            return Ok(None);
        }
        let history = self.history();
        let number = history.keep(snapshot.text.as_deref(), snapshot.time.unwrap_or(now), after, what, now)?;
        if let Err(error) = target.put(new_file) {
            history.forget(number);
            return Err(error);
        }
        let diff = Diff::between(snapshot.text.as_deref().unwrap_or_default(), after);
        Ok(Some(Changed { version: Some(number), created: snapshot.text.is_none(), diff, loaded }))
    }

    fn history(&self) -> History {
        History::of(&self.config, &self.state)
    }
}

fn unchanged(text: Option<&str>, loaded: Option<Loaded>) -> Changed {
    let diff = text.map(|text| Diff::between(text, text)).unwrap_or_default();
    Changed { version: None, created: false, diff, loaded }
}

/// A fault of the file as a whole, with its hint.
fn fault(path: &Path, message: String, hint: &str) -> ConfigError {
    ConfigError::whole(path, message, hint)
}

/// The same faults for another place in the text.
fn faults_of(path: &Path, problems: Vec<Problem>) -> ConfigError {
    ConfigError { path: path.to_owned(), problems }
}

#[cfg(test)]
mod tests;
