//! What qcc remembers of the settings files that it changed: enough to give them back, and to know after a crash how far
//! a change came. One file, `claude.json` in the state folder, for its owner alone.
//!
//! A change is announced here before the settings are touched and settled here afterwards. [`Journal::settle`] decides
//! what a change that was never settled came to, by looking at the settings alone. It never asks for them to be written:
//! a settings file is replaced in one step, so it is already whole, in one of its two forms.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::settings::Settings;
use super::steps::Step;

/// The form of the file. Another one is not touched.
pub(crate) const VERSION: u32 = 1;

/// The variable that leads Claude Code.
pub(crate) const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// All that is remembered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) version: u32,
    pub(crate) entries: Vec<Entry>,
}

/// One settings file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Where Claude Code looks for it: symbolic links are followed each time anew.
    pub(crate) settings: PathBuf,
    /// How it is connected.
    pub(crate) now: Option<Connection>,
    /// A change that was begun.
    pub(crate) next: Option<Next>,
}

/// A change under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Next {
    /// The fingerprint of the file before; none where there is no file.
    pub(crate) from: Option<String>,
    /// The fingerprint of the file afterwards; none where there will be no file.
    pub(crate) to: Option<String>,
    /// How it will be connected; not at all after `disconnect`.
    pub(crate) connection: Option<Connection>,
}

/// How a settings file was connected, and what it takes to undo that.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// Where it leads.
    pub(crate) url: String,
    /// What was set, in this order.
    pub(crate) keys: Vec<Key>,
    /// The fingerprint of what was written.
    pub(crate) after: String,
    /// The copy of the file as it was; none where there was no file.
    pub(crate) backup: Option<Backup>,
    /// There was no `env`.
    pub(crate) made_env: bool,
    /// Folders that did not exist, outermost first.
    pub(crate) made_folders: Vec<PathBuf>,
}

/// A variable of ours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// What we wrote; none where we took it out.
    pub(crate) ours: Option<String>,
    /// What was there before.
    pub(crate) original: Option<String>,
}

/// A copy of a settings file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backup {
    /// The file's name in the folder of backups.
    pub(crate) name: String,
    /// Its fingerprint.
    pub(crate) of: String,
}

/// What can be seen of a settings file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It holds this, or does not exist.
    File(Option<Vec<u8>>),
    /// It cannot be looked at.
    Unreadable,
}

/// What became of changes that were never settled.
#[derive(Default)]
pub(crate) struct Settled {
    /// What has to be done to forget them.
    pub(crate) steps: Vec<Step>,
    /// One sentence for each.
    pub(crate) notes: Vec<String>,
}

/// SHA-256 in hexadecimal.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Journal ===

impl Journal {
    pub(crate) fn new() -> Self {
        Self { version: VERSION, entries: Vec::new() }
    }

    pub(crate) fn entry(&self, settings: &Path) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.settings == settings)
    }

    /// The journal with this entry in place of the one for the same file.
    pub(crate) fn with(&self, entry: Entry) -> Self {
        let mut changed = self.clone();
        match changed.entries.iter_mut().find(|other| other.settings == entry.settings) {
            Some(other) => *other = entry,
            None => changed.entries.push(entry),
        }
        changed.entries.retain(|entry| entry.now.is_some() || entry.next.is_some());
        changed
    }

    /// Whether a change was begun and not settled.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.entries.iter().any(|entry| entry.next.is_some())
    }

    /// Backups that may still be needed.
    pub(crate) fn backups(&self) -> impl Iterator<Item = &str> {
        let coming = self.entries.iter().filter_map(|entry| entry.next.as_ref()?.connection.as_ref());
        let connections = self.entries.iter().filter_map(|entry| entry.now.as_ref()).chain(coming);
        connections.filter_map(|connection| Some(connection.backup.as_ref()?.name.as_str()))
    }

    /// Decides what became of each change that was begun. `look` shows the settings.
    pub(crate) fn settle(&mut self, look: impl Fn(&Path) -> Seen) -> Settled {
        let mut settled = Settled::default();
        for entry in &mut self.entries {
            let (Some(next), Seen::File(bytes)) = (entry.next.clone(), look(&entry.settings)) else { continue };
            settled.steps.push(Step::DropNew(entry.settings.clone()));
            let path = entry.settings.display().to_string();
            let done = came_through(&next, entry.now.as_ref(), bytes.as_deref());
            let (folders_of, note) = match (done, &next.connection) {
                (true, Some(_)) => (None, format!("{path} was connected by a command that was interrupted")),
                (true, None) => {
                    (entry.now.clone(), format!("{path} was disconnected by a command that was interrupted"))
                }
                (false, Some(connection)) => {
                    let alone = entry.now.is_none().then(|| connection.clone());
                    (alone, format!("a `qcc claude connect` was interrupted: {path} is as it was before it"))
                }
                (false, None) => (
                    None,
                    format!("a `qcc claude disconnect` was interrupted: {path} is still connected, run it again"),
                ),
            };
            if done {
                entry.now = next.connection;
            }
            entry.next = None;
            let folders = folders_of.map(|connection| connection.made_folders).unwrap_or_default();
            settled.steps.extend(folders.into_iter().rev().map(Step::DropFolder));
            settled.notes.push(note);
        }
        self.entries.retain(|entry| entry.now.is_some() || entry.next.is_some());
        settled
    }
}

/// Whether the settings are those after the change. When somebody edited them since, the base URL tells.
fn came_through(next: &Next, now: Option<&Connection>, bytes: Option<&[u8]>) -> bool {
    let seen = bytes.map(fingerprint);
    if seen == next.to {
        return true;
    }
    if seen == next.from {
        return false;
    }
    let settings = bytes.and_then(|bytes| Settings::read(bytes).ok());
    let url = settings.as_ref().and_then(|settings| settings.get(BASE_URL));
    match &next.connection {
        Some(connection) => url == Some(connection.url.as_str()),
        None => url != now.map(|now| now.url.as_str()),
    }
}
