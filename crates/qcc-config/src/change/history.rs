//! The versions of a file: one file each in a folder of the state, so that one that is damaged costs only itself.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lines::count;
use super::{fault, target};
use crate::ConfigError;

/// Versions that are kept: months of ordinary use, and a few MiB at most.
const KEPT: usize = 100;

/// A version of the file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Counts from 1.
    pub number: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// The command that made it, without secrets; or that it was edited by hand.
    pub what: String,
    /// Lines added against the version before.
    pub added: usize,
    /// Lines removed against the version before.
    pub removed: usize,
    /// Whether it is the file as it is now.
    pub current: bool,
}

/// A version as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) number: u64,
    time: u64,
    what: String,
    /// `None`: there was no file.
    pub(super) text: Option<String>,
}

/// The versions of one file.
pub(super) struct History {
    config: PathBuf,
    folder: PathBuf,
}

impl History {
    /// The folder is named after the file that links lead to, so that each of its names has the same history.
    pub(super) fn of(config: &Path, state: &Path) -> Self {
        let digest = Sha256::digest(target::resolved(config).as_os_str().as_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { config: config.to_owned(), folder: state.join("history").join(name) }
    }

    /// Keeps the text `after` as a version, and before it the text `before` when that is in no version yet.
    ///
    /// # Errors
    /// When it cannot be written: a change that could not be taken back is not made.
    pub(super) fn keep(
        &self,
        before: Option<&str>,
        written: u64,
        after: &str,
        what: &str,
        now: u64,
    ) -> Result<u64, ConfigError> {
        self.try_keep(before, written, after, what, now).map_err(|error| {
            let message = format!("the history cannot be written, so that the change could not be taken back: {error}");
            let hint = format!("make {} writable and make room there; the file is as it was", self.folder.display());
            fault(&self.config, message, &hint)
        })
    }

    fn try_keep(&self, before: Option<&str>, written: u64, after: &str, what: &str, now: u64) -> io::Result<u64> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let numbers = self.numbers()?;
        let last = numbers.iter().rev().find_map(|number| self.read(*number).ok());
        let mut next = numbers.last().map_or(1, |last| last + 1);
        let known = last.as_ref().map(|entry| entry.text.as_deref());
        let stray = match (&known, before) {
            (Some(known), before) => *known != before,
            (None, before) => before.is_some(),
        };
        if stray {
            let what = match (known, before) {
                (_, None) => "removed by hand",
                (None, _) => "as found",
                (Some(_), _) => "edited by hand",
            };
            let text = before.map(str::to_owned);
            self.write(&Entry { number: next, time: written, what: what.to_owned(), text })?;
            next += 1;
        }
        self.write(&Entry { number: next, time: now, what: what.to_owned(), text: Some(after.to_owned()) })?;
        self.prune();
        Ok(next)
    }

    /// Takes back a version whose file was not put in place.
    pub(super) fn forget(&self, number: u64) {
        let _stays_as_a_version_that_never_was = fs::remove_file(self.path(number));
    }

    /// The versions, newest first. One that cannot be read is left out.
    pub(super) fn versions(&self, current: Option<&str>) -> Result<Vec<Version>, ConfigError> {
        let numbers = self.listed()?;
        let mut versions: Vec<Version> = Vec::new();
        let mut before = String::new();
        for entry in numbers.iter().filter_map(|number| self.read(*number).ok()) {
            let is_current = entry.text.as_deref() == current;
            let text = entry.text.unwrap_or_default();
            let (added, removed) = count(&before, &text);
            for older in versions.iter_mut().filter(|_| is_current) {
                older.current = false;
            }
            let Entry { number, time, what, .. } = entry;
            versions.push(Version { number, time, what, added, removed, current: is_current });
            before = text;
        }
        versions.reverse();
        Ok(versions)
    }

    /// Version `number`.
    pub(super) fn entry(&self, number: u64) -> Result<Entry, ConfigError> {
        let numbers = self.listed()?;
        if !numbers.contains(&number) {
            let hint = match (numbers.first(), numbers.last()) {
                (Some(first), Some(last)) => format!("versions {first} to {last} are kept: see `qcc config history`"),
                _ => "none is kept yet: the first change by a command makes one".to_owned(),
            };
            return Err(fault(&self.config, format!("there is no version {number} of this file"), &hint));
        }
        self.read(number).map_err(|error| {
            let path = self.path(number);
            let message = format!("version {number} cannot be read from {}: {error}", path.display());
            fault(&self.config, message, "choose another one: see `qcc config history`")
        })
    }

    /// The version before `number`; `None` when it is the first one that is kept.
    pub(super) fn before(&self, number: u64) -> Result<Option<Entry>, ConfigError> {
        let numbers = self.listed()?;
        Ok(numbers.iter().rev().filter(|before| **before < number).find_map(|number| self.read(*number).ok()))
    }

    /// The text before the newest change, which may have been made by hand.
    pub(super) fn before_newest(&self, current: Option<&str>) -> Result<Entry, ConfigError> {
        let numbers = self.listed()?;
        let mut readable = numbers.iter().rev().filter_map(|number| self.read(*number).ok());
        let Some(newest) = readable.next() else {
            let hint = "the first change by a command makes one";
            return Err(fault(&self.config, "no version of this file is kept yet".to_owned(), hint));
        };
        if newest.text.as_deref() != current {
            return Ok(newest);
        }
        let first = newest.number;
        readable.next().ok_or_else(|| {
            let message = format!("nothing is kept from before version {first}");
            let hint = format!("to do without a configuration remove it: `rm {}`", self.config.display());
            fault(&self.config, message, &hint)
        })
    }

    /// The error of going back to where no file was.
    pub(super) fn no_file(&self, number: u64) -> ConfigError {
        let message = format!("there was no file at version {number}");
        let hint = format!("to do without a configuration remove it: `rm {}`", self.config.display());
        fault(&self.config, message, &hint)
    }

    /// The numbers of all versions, also of those that cannot be read.
    fn listed(&self) -> Result<Vec<u64>, ConfigError> {
        self.numbers().map_err(|error| {
            let message = format!("the history in {} cannot be read: {error}", self.folder.display());
            fault(&self.config, message, "check who owns the folder")
        })
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let listing = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing?,
        };
        let mut numbers = Vec::new();
        for entry in listing {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.json"))
    }

    fn read(&self, number: u64) -> io::Result<Entry> {
        let entry: Entry = serde_json::from_slice(&fs::read(self.path(number))?)?;
        Ok(Entry { number, ..entry })
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".qcc-").tempfile_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(self.path(entry.number)).map_err(|error| error.error)?;
        Ok(())
    }

    fn prune(&self) {
        let numbers = self.numbers().unwrap_or_default();
        let surplus = numbers.len().saturating_sub(KEPT);
        for number in &numbers[..surplus] {
            self.forget(*number);
        }
    }
}
