//! The file on disk and its folder: found, locked, written beside and put in place in one step.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use tempfile::NamedTempFile;

use super::fault;
use crate::{ConfigError, source};

/// The file that is changed, and nobody else's while this exists.
pub(super) struct Target {
    /// As the user named it.
    named: PathBuf,
    /// Where links lead.
    path: PathBuf,
    folder: PathBuf,
    /// Its lock ends with it.
    locked: File,
}

/// The file as it was read.
pub(super) struct Snapshot {
    pub(super) text: Option<String>,
    /// When it was written, in seconds since 1970.
    pub(super) time: Option<u64>,
    metadata: Option<Metadata>,
}

/// The text of the file; `None` when there is none. A link that leads nowhere is no missing file.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => source::read(path).map(Some),
    }
}

/// The file that a path leads to, also when it does not exist yet.
pub(super) fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

impl Target {
    /// Makes the folder where it is missing, and waits until no other writer has it.
    pub(super) fn prepare(named: &Path) -> Result<Self, ConfigError> {
        let missing = resolved(named);
        let folder = missing.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
        let unusable = |what: &str, error: &io::Error| {
            let message = format!("the folder {} cannot be {what}: {error}", folder.display());
            fault(named, message, "choose a folder that you may write, by --config or QCC_HOME")
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| unusable("made", &error))?;
        let locked = File::open(&folder).map_err(|error| unusable("opened", &error))?;
        locked.lock().map_err(|error| unusable("locked", &error))?;
        let path = resolved(named);
        let folder = path.parent().map_or_else(|| folder.clone(), Path::to_owned);
        Ok(Self { named: named.to_owned(), path, folder, locked })
    }

    /// The error of a file that others keep on writing.
    pub(super) fn busy(&self) -> ConfigError {
        let message = "the file was changed by somebody else each time it was about to be written".to_owned();
        fault(&self.named, message, "it was left as it is now: save or close it elsewhere, then try again")
    }

    /// Writes the text beside the file, with the file's mode and owner, and makes sure that it can be read back.
    pub(super) fn write(&self, snapshot: &Snapshot, text: &str) -> Result<NamedTempFile, ConfigError> {
        let mut beside = tempfile::Builder::new()
            .prefix(".qcc-")
            .tempfile_in(&self.folder)
            .map_err(|error| self.unwritten(&error))?;
        if let Some(old) = &snapshot.metadata {
            self.like(beside.as_file(), old)?;
        }
        let written = beside.write_all(text.as_bytes()).and_then(|()| beside.as_file().sync_all());
        written.map_err(|error| self.unwritten(&error))?;
        let back = fs::read(beside.path()).map_err(|error| self.unwritten(&error))?;
        if back != text.as_bytes() {
            return Err(self.unwritten(&io::Error::other("what was written is not what can be read")));
        }
        Ok(beside)
    }

    /// Puts the new file in the place of the old one.
    pub(super) fn put(&self, beside: NamedTempFile) -> Result<(), ConfigError> {
        beside.persist(&self.path).map_err(|error| self.unwritten(&error.error))?;
        // The rename is done; that it may not survive a power failure is no reason to say that it failed.
        let _may_be_unsupported = self.locked.sync_all();
        Ok(())
    }

    /// Gives the new file the mode and the owner of the old one.
    fn like(&self, new: &File, old: &Metadata) -> Result<(), ConfigError> {
        let mut mode = old.mode() & 0o7777;
        let own = new.metadata().map_err(|error| self.unwritten(&error))?;
        if own.uid() != old.uid() {
            fchown(new, Some(old.uid()), Some(old.gid())).map_err(|error| {
                let message = format!("the file belongs to another user: {error}");
                fault(&self.named, message, "run this as the user who owns the file; it was not changed")
            })?;
        } else if own.gid() != old.gid() && fchown(new, None, Some(old.gid())).is_err() {
            // What its group was allowed, this user's group need not be.
            mode &= 0o7707;
        }
        new.set_permissions(Permissions::from_mode(mode)).map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &io::Error) -> ConfigError {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                "make room, then try again; the file is as it was"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "its folder must be writable: a new file is written beside it first; the file is as it was"
            }
            _ => "the file is as it was",
        };
        fault(&self.named, format!("the configuration cannot be written: {}", reason(error)), hint)
    }
}

/// The error without the name of the file beside, which means nothing to the user.
fn reason(error: &io::Error) -> String {
    error.to_string().split(" at path ").next().unwrap_or_default().to_owned()
}

impl Snapshot {
    /// Looks at the file whose text was read.
    ///
    /// # Errors
    /// When it is not to be written.
    pub(super) fn take(target: &Target, text: Option<String>) -> Result<Self, ConfigError> {
        let metadata = fs::metadata(&target.path).ok().filter(|_| text.is_some());
        if metadata.as_ref().is_some_and(|metadata| metadata.mode() & 0o200 == 0) {
            let hint = format!("make it writable: `chmod u+w {}`", target.path.display());
            return Err(fault(&target.named, "the file is read-only, and was not changed".to_owned(), &hint));
        }
        let written = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let time = written.and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs()));
        Ok(Self { text, time, metadata })
    }

    /// Whether the file is still what was read: editors know nothing of our lock.
    pub(super) fn is_current(&self, target: &Target) -> Result<bool, ConfigError> {
        Ok(read(&target.named)? == self.text && resolved(&target.named) == target.path)
    }
}
