//! Which gateway runs: one file that says so, and a lock on it that cannot lie.
//!
//! The process that serves holds an exclusive lock on the pid file for as long as it lives, however it ends. So the file
//! is believed only while it is locked: a pid of a crashed process, perhaps given to somebody else by now, is never
//! signalled, and two starts at the same time cannot both win. What the file says besides is for people and for the
//! other commands.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A command that only looks takes the lock for microseconds. This long a starting process tries again before it
/// believes that another one serves.
const LOOKERS: Duration = Duration::from_millis(500);

/// Pause between two looks at something that another process is about to change.
const PAUSE: Duration = Duration::from_millis(10);

/// What the pid file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    /// Where it listens; none while it is starting.
    pub(crate) address: Option<SocketAddr>,
    /// RFC 3339, UTC.
    pub(crate) started: String,
    pub(crate) version: String,
    /// The configuration file, whether or not it exists.
    pub(crate) config: PathBuf,
    /// `--host` and `--port` as they were given, for `restart`.
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    /// Written at the end: whoever stops the gateway still has the file open and reads it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Stopped>,
}

/// How the running requests ended when the gateway stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// Requests that ran to their end while it waited.
    pub(crate) finished: usize,
    /// Requests that outlived the wait and were cut off.
    pub(crate) cut: usize,
}

/// The right to be the gateway of this state directory.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
    path: PathBuf,
}

/// A gateway that runs in some other process.
#[derive(Debug)]
pub(crate) struct Running {
    file: File,
    pub(crate) record: Record,
}

/// Makes the state directory, for its owner alone.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The running gateway, if there is one. Changes nothing, also when it finds the file of a crashed one.
///
/// # Errors
/// When the file exists but cannot be read.
pub(crate) fn running(path: &Path) -> io::Result<Option<Running>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Running::read(file).map(Some),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

// === impl Claim ===

impl Claim {
    /// Becomes the gateway of this state directory; `None` when another process is it already. A file that a crashed
    /// process left behind is taken over.
    ///
    /// # Errors
    /// When the file cannot be made, locked or written.
    pub(crate) fn take(path: &Path, record: &Record) -> io::Result<Option<Self>> {
        let until = Instant::now() + LOOKERS;
        loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
            match file.try_lock() {
                // A gateway that was just stopping has removed the file under our feet: the lock is worth nothing.
                Ok(()) if !is_at(&file, path)? => {}
                Ok(()) => {
                    let mut claim = Self { file, path: path.to_owned() };
                    claim.write(record)?;
                    return Ok(Some(claim));
                }
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::park_timeout(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Replaces what the file says. In place, because the lock belongs to this very file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut text = serde_json::to_vec(record)?;
        text.push(b'\n');
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }

    /// Leaves the last word for whoever waits, removes the file and gives up the lock.
    ///
    /// # Errors
    /// When the file cannot be written or removed.
    pub(crate) fn retire(mut self, record: &Record) -> io::Result<()> {
        self.write(record)?;
        fs::remove_file(&self.path)
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

// === impl Running ===

impl Running {
    /// Reads what the holder of the lock wrote. It may be writing just now, so one look is not enough.
    fn read(mut file: File) -> io::Result<Self> {
        let until = Instant::now() + LOOKERS;
        loop {
            match read_record(&mut file) {
                Ok(record) => return Ok(Self { file, record }),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => thread::park_timeout(PAUSE),
            }
        }
    }

    /// Waits until a starting gateway knows its address. Gives up after `limit`, or when it ends.
    pub(crate) fn settled(mut self, limit: Duration) -> Option<Self> {
        let until = Instant::now() + limit;
        while self.record.address.is_none() {
            if Instant::now() >= until || self.file.try_lock_shared().is_ok() {
                return None;
            }
            thread::park_timeout(PAUSE);
            if let Ok(record) = read_record(&mut self.file) {
                self.record = record;
            }
        }
        Some(self)
    }

    /// A watch on the end of this gateway.
    pub(crate) fn watch(self) -> Watch {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let mut file = self.file;
            // The lock is ours the moment the other process is gone.
            let record = file.lock_shared().and_then(|()| read_record(&mut file)).ok();
            let _watcher_may_be_gone = ended.send(record.and_then(|record| record.stopped));
        });
        Watch { end }
    }
}

fn read_record(file: &mut File) -> io::Result<Record> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    serde_json::from_str(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Waits for the end of a gateway.
#[derive(Debug)]
pub(crate) struct Watch {
    end: mpsc::Receiver<Option<Stopped>>,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It has ended, and perhaps said how.
    Ended(Option<Stopped>),
    /// It still runs.
    Running,
}

// === impl Watch ===

impl Watch {
    /// Waits, but no longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Waited {
        match self.end.recv_timeout(limit) {
            Ok(stopped) => Waited::Ended(stopped),
            Err(mpsc::RecvTimeoutError::Timeout) => Waited::Running,
            Err(mpsc::RecvTimeoutError::Disconnected) => Waited::Ended(None),
        }
    }
}

#[cfg(test)]
mod tests;
