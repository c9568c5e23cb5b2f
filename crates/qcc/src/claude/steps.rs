//! The single steps of a change, each of which happens or does not, and the order in which they are safe.
//!
//! Announce in the journal, copy the old file, replace it, settle the journal, clean up. Whatever a crash leaves between
//! two of them, the settings are whole and the journal can tell which ones they are.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::pidfile;

use super::journal::{Connection, Entry, Journal, Next, Seen, VERSION, fingerprint};
use super::location;

/// How a backup's name ends.
pub(crate) const BACKUP: &str = ".qcc-backup";

/// How the name of a file ends that is being written.
const NEW: &str = ".qcc-new";

/// The mode of what qcc makes: settings may hold credentials.
const PRIVATE: u32 = 0o600;

/// One step.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Writes the journal; an empty one is removed.
    Journal(Journal),
    /// Keeps a copy of the settings under this name. Without the ending of backups it stays for good.
    Backup(String, Vec<u8>),
    /// Makes a folder for the settings.
    Folder(PathBuf),
    /// Puts these bytes in place of the settings, or removes them, if they are still those of the first fingerprint.
    Settings(PathBuf, Option<String>, Option<Vec<u8>>),
    /// Removes what an interrupted replacement of these settings left.
    DropNew(PathBuf),
    /// Removes a folder that qcc made, if it is empty.
    DropFolder(PathBuf),
    /// Removes these backups. It comes before the journal forgets them, so that a crash cannot leave one for good.
    DropBackups(Vec<String>),
}

/// The journal and the backups on disk.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    journal: PathBuf,
    folder: PathBuf,
}

/// The right to change them. Other commands wait.
#[derive(Debug)]
pub(crate) struct Lock {
    _folder: File,
}

// === impl Store ===

impl Store {
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { journal: state_dir.join("claude.json"), folder: state_dir.join("claude") }
    }

    /// Whether anything is remembered.
    pub(crate) fn exists(&self) -> bool {
        self.journal.exists()
    }

    pub(crate) fn backup(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// When the state folder cannot be made or opened.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        let told = |error| Failure::file("lock", &self.folder, &error);
        pidfile::make_directory(&self.folder).map_err(told)?;
        let folder = File::open(&self.folder).map_err(told)?;
        folder.lock().map_err(told)?;
        Ok(Lock { _folder: folder })
    }

    /// The right to change, unless another command has it just now.
    pub(crate) fn try_lock(&self) -> Option<Lock> {
        let folder = File::open(&self.folder).ok()?;
        folder.try_lock().ok()?;
        Some(Lock { _folder: folder })
    }

    /// What is remembered.
    ///
    /// # Errors
    /// When it cannot be read, or was written by another version.
    pub(crate) fn load(&self) -> Result<Journal, Failure> {
        let text = match fs::read(&self.journal) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Journal::new()),
            other => other.map_err(|error| Failure::file("read", &self.journal, &error))?,
        };
        let spoilt = |why: &str| {
            let message = format!("{} {why}", self.journal.display());
            let hint = format!("copies of the settings as they were are in {}", self.folder.display());
            Failure::new(message, hint)
        };
        let version: Version = serde_json::from_slice(&text).map_err(|_| spoilt("is damaged"))?;
        if version.version != VERSION {
            return Err(spoilt("was written by another version of qcc"));
        }
        serde_json::from_slice(&text).map_err(|_| spoilt("is damaged"))
    }

    /// Does the steps, one after the other.
    ///
    /// # Errors
    /// At the first one that fails.
    pub(crate) fn perform(&self, steps: &[Step]) -> Result<(), Failure> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    /// Finds out what became of a change that was never settled, and settles it. The settings themselves are only read.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub(crate) fn settle(&self, _lock: &Lock) -> Result<(Journal, Vec<String>), Failure> {
        let mut journal = self.load()?;
        if !journal.is_unsettled() {
            return Ok((journal, Vec::new()));
        }
        let announced = journal.clone();
        let settled = journal.settle(look);
        if !settled.notes.is_empty() {
            self.perform(&settled.steps)?;
            self.perform(&settle_as(&announced, journal.clone()))?;
        }
        Ok((journal, settled.notes))
    }

    pub(super) fn step(&self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Journal(journal) => self.write_journal(journal),
            Step::Backup(name, bytes) => {
                let path = self.backup(name);
                replace(&path, bytes, PRIVATE).map_err(|error| Failure::file("write", &path, &error))
            }
            Step::Folder(path) => match DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(Failure::file("make the folder", path, &error))
                }
                _ => Ok(()),
            },
            Step::Settings(asked, from, bytes) => settings(asked, from.as_deref(), bytes.as_deref()),
            Step::DropNew(asked) => {
                let path = location::real(asked).map_err(|error| Failure::file("find", asked, &error))?;
                removed(&beside(&path))
            }
            // A folder with something in it is somebody's by now, and one that is gone was removed by somebody.
            Step::DropFolder(path) => {
                let _may_be_in_use = fs::remove_dir(path);
                Ok(())
            }
            Step::DropBackups(names) => names.iter().map(|name| self.backup(name)).try_for_each(|path| {
                removed(&beside(&path))?;
                removed(&path)
            }),
        }
    }

    fn write_journal(&self, journal: &Journal) -> Result<(), Failure> {
        let told = |error: io::Error| Failure::file("write", &self.journal, &error);
        if journal.entries.is_empty() {
            return removed(&self.journal);
        }
        let mut text = serde_json::to_vec_pretty(journal).map_err(|error| told(error.into()))?;
        text.push(b'\n');
        replace(&self.journal, &text, PRIVATE).map_err(told)
    }
}

/// The steps of `connect`: `now` are the bytes of the settings, `before` those without us.
pub(crate) fn connecting(
    journal: &Journal,
    settings: &Path,
    now: Option<&[u8]>,
    before: Option<&[u8]>,
    (after, connection): (&[u8], &Connection),
) -> Vec<Step> {
    let from = now.map(fingerprint);
    let connected = journal.entry(settings).and_then(|entry| entry.now.clone());
    let next = Next { from: from.clone(), to: Some(connection.after.clone()), connection: Some(connection.clone()) };
    let entry = |now, next| Entry { settings: settings.to_owned(), now, next };
    let mut steps = vec![Step::Journal(journal.with(entry(connected, Some(next))))];
    steps.extend(
        connection.backup.as_ref().zip(before).map(|(to, bytes)| Step::Backup(to.name.clone(), bytes.to_vec())),
    );
    steps.extend(location::missing_folders(settings).into_iter().map(Step::Folder));
    if now != Some(after) {
        steps.push(Step::Settings(settings.to_owned(), from, Some(after.to_vec())));
    }
    steps.extend(settle_as(journal, journal.with(entry(Some(connection.clone()), None))));
    steps
}

/// The steps of `disconnect`. `keep` is a copy that has to stay, with its name.
pub(crate) fn disconnecting(
    journal: &Journal,
    entry: &Entry,
    now: Option<&[u8]>,
    after: Option<&[u8]>,
    keep: Option<(String, Vec<u8>)>,
) -> Vec<Step> {
    let from = now.map(fingerprint);
    let next = Next { from: from.clone(), to: after.map(fingerprint), connection: None };
    let mut steps = vec![Step::Journal(journal.with(Entry { next: Some(next), ..entry.clone() }))];
    steps.extend(keep.map(|(name, bytes)| Step::Backup(name, bytes)));
    if now != after {
        steps.push(Step::Settings(entry.settings.clone(), from, after.map(<[u8]>::to_vec)));
    }
    let made = entry.now.iter().flat_map(|connection| connection.made_folders.iter().rev().cloned());
    steps.extend(made.map(Step::DropFolder));
    steps.extend(settle_as(journal, journal.with(Entry { now: None, next: None, ..entry.clone() })));
    steps
}

/// The end of every change: what the journal knew and knows no more is not needed.
fn settle_as(old: &Journal, new: Journal) -> [Step; 2] {
    let needed: Vec<&str> = new.backups().collect();
    let unneeded = old.backups().filter(|name| !needed.contains(name)).map(str::to_owned).collect();
    [Step::DropBackups(unneeded), Step::Journal(new)]
}

/// Only what is needed to refuse the rest.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

/// What stands in a settings file now.
pub(crate) fn look(asked: &Path) -> Seen {
    read(asked).map_or(Seen::Unreadable, Seen::File)
}

/// The bytes of a settings file, if there is one.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(asked: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(location::real(asked)?) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces or removes the settings, unless somebody else was faster.
fn settings(asked: &Path, from: Option<&str>, bytes: Option<&[u8]>) -> Result<(), Failure> {
    let path = location::real(asked).map_err(|error| Failure::file("find", asked, &error))?;
    let now = read(&path).map_err(|error| Failure::file("read", &path, &error))?;
    if now.as_deref().map(fingerprint).as_deref() != from {
        let message = format!("{} was changed by another program just now", path.display());
        return Err(Failure::new(message, "nothing was written; run the command again"));
    }
    let mode = writable(&path)?;
    match bytes {
        Some(bytes) => {
            replace(&path, bytes, mode.unwrap_or(PRIVATE)).map_err(|error| Failure::file("write", &path, &error))
        }
        None => removed(&path),
    }
}

/// The mode of the settings, if they exist. A file could be replaced although it is read-only, but its owner means it so.
///
/// # Errors
/// When they are read-only.
pub(crate) fn writable(settings: &Path) -> Result<Option<u32>, Failure> {
    let mode = fs::metadata(settings).ok().map(|meta| meta.permissions().mode() & 0o7777);
    if mode.is_some_and(|mode| mode & 0o200 == 0) {
        let message = format!("{} is read-only", settings.display());
        return Err(Failure::new(message, format!("allow changes with `chmod u+w {}`", settings.display())));
    }
    Ok(mode)
}

/// The new file while it is written. Its name is always the same, so that what a crash leaves can be found.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{NEW}"))
}

/// Puts a file with these bytes in place of whatever is at `path`, in one step, once they are on the disk.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path);
    let written = write_new(&new, path, bytes, mode).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _what_failed_matters_more = fs::remove_file(&new);
    }
    written.and_then(|()| sync_folder(path))
}

fn write_new(new: &Path, old: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Err(error) = fs::remove_file(new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(new)?;
    if let Ok(old) = fs::metadata(old) {
        let ours = file.metadata()?;
        if (ours.uid(), ours.gid()) != (old.uid(), old.gid()) {
            // Run by root in somebody's home, the file stays theirs. Nobody else may give files away, nor has to.
            let _only_root_can = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
        }
    }
    file.write_all(bytes)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    let mut back = Vec::with_capacity(bytes.len());
    File::open(new)?.read_to_end(&mut back)?;
    if back == bytes { Ok(()) } else { Err(io::Error::other("what was written does not read back")) }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn removed(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(path).map_err(|error| Failure::file("remove", path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::file("remove", path, &error)),
    }
}

#[cfg(test)]
mod tests;
