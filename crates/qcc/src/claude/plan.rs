//! What `connect` and `disconnect` do to the bytes of a settings file. Pure: bytes and memory in, bytes and memory out.

use std::path::PathBuf;

use crate::variables::MANAGED;

use super::journal::{BASE_URL, Backup, Connection, Key, fingerprint};
use super::settings::{Change, Fault, Settings};
use super::steps::BACKUP;
use super::wish::{API_KEY, AUTH_TOKEN, OURS};

/// A connection to be made, or one that needs no change.
pub(crate) struct Connect {
    /// The settings as they were without us; none where there is no file.
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) after: Vec<u8>,
    pub(crate) connection: Connection,
    /// The line for which Claude Code will ignore the file.
    pub(crate) not_plain: Option<usize>,
}

/// How the settings came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Byte for byte as they were.
    Exact,
    /// They were edited meanwhile: only our variables were given back.
    Merged,
    /// There was no file before, and there is none again.
    Removed,
    /// Somebody removed the file.
    Gone,
}

/// A connection to be undone.
pub(crate) struct Undo {
    /// The settings afterwards; none where there will be no file.
    pub(crate) after: Option<Vec<u8>>,
    pub(crate) how: How,
    /// Variables that get their earlier values back.
    pub(crate) back: Vec<String>,
    /// Variables that the user changed meanwhile and that stay as they are.
    pub(crate) kept: Vec<String>,
    /// Of these, the ones whose earlier values do not come back.
    pub(crate) lost: Vec<String>,
}

/// The settings as they are without qcc: for a connected file as after `disconnect`. A file that leads to `url` without
/// our knowing (set by hand, or the journal was lost) has nothing to come back to, so that counts as ours too.
///
/// # Errors
/// When the file cannot be edited.
pub(crate) fn without(
    now: Option<&[u8]>,
    connected: Option<(&Connection, Option<&[u8]>)>,
    url: &str,
) -> Result<Option<Vec<u8>>, Fault> {
    let before = match connected {
        Some((connection, backup)) => undo(now, connection, backup)?.after,
        None => now.map(<[u8]>::to_vec),
    };
    let Some(bytes) = before else { return Ok(None) };
    let settings = Settings::read(&bytes)?;
    if settings.get(BASE_URL) != Some(url) {
        return Ok(Some(bytes));
    }
    Ok(Some(settings.edited(&stray(&settings), &[], false)?.bytes()))
}

/// What a connection without a journal would have set: the address and the stand-ins.
fn stray(settings: &Settings) -> Vec<Change> {
    let ours = |name: &&str| match *name {
        BASE_URL => settings.has(name),
        API_KEY | AUTH_TOKEN => settings.get(name) == Some(MANAGED),
        _ => false,
    };
    OURS.into_iter().filter(ours).map(|name| Change { name: name.to_owned(), value: None }).collect()
}

/// Takes out what leads to qcc, of a file that qcc knows nothing about. `None` when nothing does.
///
/// # Errors
/// When the file cannot be edited.
pub(crate) fn adopt(now: &[u8], is_ours: impl Fn(&str) -> bool) -> Result<Option<Undo>, Fault> {
    let settings = Settings::read(now)?;
    if !settings.get(BASE_URL).is_some_and(is_ours) {
        return Ok(None);
    }
    let after = settings.edited(&stray(&settings), &[], false)?.bytes();
    Ok(Some(Undo { after: Some(after), how: How::Merged, back: Vec::new(), kept: Vec::new(), lost: Vec::new() }))
}

/// Sets `keys` in the settings `before`.
///
/// # Errors
/// When the file cannot be edited.
pub(crate) fn connect(
    before: Option<Vec<u8>>,
    url: &str,
    keys: Vec<(String, Option<String>)>,
    name: &str,
    made_folders: Vec<PathBuf>,
) -> Result<Connect, Fault> {
    let settings = Settings::read(before.as_deref().unwrap_or_default())?;
    let names: Vec<String> = keys.iter().map(|(name, _)| name.clone()).collect();
    settings.check(&names)?;
    let original = |name: &str| settings.get(name).map(str::to_owned);
    let keys: Vec<Key> = keys.into_iter().map(|(name, ours)| Key { original: original(&name), name, ours }).collect();
    let changes: Vec<Change> = keys
        .iter()
        .filter(|key| key.ours != key.original)
        .map(|key| Change { name: key.name.clone(), value: key.ours.clone() })
        .collect();
    let after = settings.edited(&changes, &[], false)?;
    let not_plain = after.not_plain();
    let after = after.bytes();
    let backup = before.as_deref().map(|bytes| {
        let of = fingerprint(bytes);
        let short: String = of.chars().take(16).collect();
        Backup { name: format!("{name}-{short}{BACKUP}"), of }
    });
    let connection = Connection {
        url: url.to_owned(),
        keys,
        after: fingerprint(&after),
        backup,
        made_env: !settings.has_env(),
        made_folders,
    };
    Ok(Connect { before, after, connection, not_plain })
}

/// Takes a connection back. `backup` is the copy of the file as it was, if it is still there.
///
/// # Errors
/// When the file was edited meanwhile and cannot be edited any more.
pub(crate) fn undo(now: Option<&[u8]>, connection: &Connection, backup: Option<&[u8]>) -> Result<Undo, Fault> {
    let had = |key: &&Key| key.original.is_some() && key.original != key.ours;
    let originals = || connection.keys.iter().filter(had).map(|key| key.name.clone()).collect::<Vec<_>>();
    let undo = |after, how, back| Undo { after, how, back, kept: Vec::new(), lost: Vec::new() };
    let Some(now) = now else {
        return Ok(Undo { lost: originals(), ..undo(None, How::Gone, Vec::new()) });
    };
    let backup = backup.filter(|bytes| connection.backup.as_ref().is_some_and(|known| known.of == fingerprint(bytes)));
    if fingerprint(now) == connection.after {
        match (&connection.backup, backup) {
            (None, _) => return Ok(undo(None, How::Removed, Vec::new())),
            (Some(_), Some(bytes)) => return Ok(undo(Some(bytes.to_vec()), How::Exact, originals())),
            (Some(_), None) => {}
        }
    }
    merge(&Settings::read(now)?, connection, backup)
}

/// Each of our variables whose value is still ours gets its earlier one back; everything else stays.
fn merge(settings: &Settings, connection: &Connection, backup: Option<&[u8]>) -> Result<Undo, Fault> {
    let (mut changes, mut back, mut kept, mut lost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for key in &connection.keys {
        let now = settings.get(&key.name);
        let same = |value: &Option<String>| now == value.as_deref() && settings.has(&key.name) == value.is_some();
        if same(&key.original) {
            continue;
        }
        if same(&key.ours) {
            changes.push(Change { name: key.name.clone(), value: key.original.clone() });
            back.extend(key.original.is_some().then(|| key.name.clone()));
        } else {
            kept.push(key.name.clone());
            lost.extend(key.original.is_some().then(|| key.name.clone()));
        }
    }
    let order = backup.and_then(|bytes| Settings::read(bytes).ok()).map(|before| before.names()).unwrap_or_default();
    let after = settings.edited(&changes, &order, connection.made_env)?;
    if connection.backup.is_none() && after.is_empty() {
        return Ok(Undo { after: None, how: How::Removed, back, kept, lost });
    }
    Ok(Undo { after: Some(after.bytes()), how: How::Merged, back, kept, lost })
}

#[cfg(test)]
mod tests;
