//! The files and folders: who may read and change them, can the gateway write, is there room? Nothing is written to
//! find out: the system is asked.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use crate::variables::bourne;

use super::facts::Facts;
use super::finding::{Finding, Fix};
use super::references::files_of;

/// Less room than this is used up within days by logs alone (five files of 10 MiB, and the database to come).
const LOW: u64 = 100_000_000;

/// Others may change it.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Others may do anything with it.
const OPEN_TO_OTHERS: u32 = 0o077;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(file) = &facts.file {
        findings.extend(configuration(facts, file));
    }
    let locations = &facts.context.locations;
    let state = &locations.state_dir;
    let mut folders: BTreeSet<&Path> = BTreeSet::from([state.as_path()]);
    folders.extend(facts.file.as_deref().and_then(Path::parent));
    findings.extend(folders.into_iter().flat_map(folder));
    let writable = state_folder(state);
    let can_write = writable.is_none();
    findings.extend(writable);
    if can_write {
        let log = log(&locations.log);
        findings.extend(log);
        findings.extend(room(state));
    }
    findings
}

/// The file itself and the files with keys that it names.
fn configuration(facts: &Facts<'_>, file: &Path) -> Vec<Finding> {
    let Ok(meta) = file.metadata() else { return Vec::new() };
    let shown = bourne(&file.display().to_string());
    let mut findings = Vec::new();
    if meta.is_file() && meta.mode() & WRITABLE_BY_OTHERS != 0 {
        let message = format!(
            "others may change {} (mode {:04o}), and with it where your keys go",
            file.display(),
            meta.mode() & 0o7777
        );
        findings.push(Finding::problem(message, Fix::run(format!("chmod 600 {shown}"))));
    } else if let Some(notice) = qcc_config::permissions(file) {
        // The notice ends with the command, which has a place of its own here.
        let message = notice.message.split("; run ").next().unwrap_or_default().to_owned();
        findings.push(Finding::problem(message, Fix::run(format!("chmod 600 {shown}"))));
    } else if meta.is_file() && facts.loaded.is_err() && meta.mode() & OPEN_TO_OTHERS != 0 {
        let message = format!("others may read {} (mode {:04o})", file.display(), meta.mode() & 0o7777);
        findings.push(Finding::warning(message, Fix::run(format!("chmod 600 {shown}"))));
    }
    findings.extend(owner(file, &meta));
    let text = if meta.is_file() { std::fs::read_to_string(file).unwrap_or_default() } else { String::new() };
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let keys: BTreeSet<PathBuf> = files_of(&text).iter().map(|key| folder.join(key)).collect();
    findings.extend(keys.iter().filter_map(|key| open_key(key)));
    findings
}

/// A file that the configuration takes a secret from.
fn open_key(path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok().filter(Metadata::is_file)?.mode() & 0o7777;
    let fix = Fix::run(format!("chmod 600 {}", bourne(&path.display().to_string())));
    (mode & OPEN_TO_OTHERS != 0)
        .then(|| Finding::warning(format!("others may read {} (mode {mode:04o})", path.display()), fix))
}

fn folder(path: &Path) -> Vec<Finding> {
    let Some(meta) = path.metadata().ok().filter(Metadata::is_dir) else { return Vec::new() };
    let open = (meta.mode() & WRITABLE_BY_OTHERS != 0).then(|| {
        let message = format!("others may change what is in {} (mode {:04o})", path.display(), meta.mode() & 0o7777);
        Finding::problem(message, Fix::run(format!("chmod go-w {}", bourne(&path.display().to_string()))))
    });
    open.into_iter().chain(owner(path, &meta)).collect()
}

fn owner(path: &Path, meta: &Metadata) -> Option<Finding> {
    foreign(path, meta.uid(), rustix::process::geteuid().as_raw())
}

/// What belongs to somebody else: `sudo qcc` once, and the user's own gateway cannot write any more.
fn foreign(path: &Path, owner: u32, me: u32) -> Option<Finding> {
    (owner != me).then(|| {
        let message = format!("{} belongs to user {owner}, and you are user {me}", path.display());
        let fix = format!("sudo chown -R {me} {}", bourne(&path.display().to_string()));
        Finding::warning(message, Fix::run(fix))
    })
}

/// Whether the gateway can make its files; `None`: it can.
fn state_folder(path: &Path) -> Option<Finding> {
    let elsewhere = || Fix::sentence("name another folder as QCC_HOME, or make this one writable for you");
    let there = existing(path);
    if !there.is_dir() {
        return Some(Finding::problem(format!("{} has to be a folder, and is none", there.display()), elsewhere()));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK).err().map(|error| {
        let fix = match error {
            rustix::io::Errno::ACCESS => Fix::run(format!("chmod u+rwx {}", bourne(&there.display().to_string()))),
            _ => elsewhere(),
        };
        Finding::problem(format!("the gateway cannot write to {}: {error}", there.display()), fix)
    })
}

/// The path itself, or the nearest folder above it that exists.
fn existing(path: &Path) -> &Path {
    // A link to nothing is there, and is in the way.
    path.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(path)
}

fn log(path: &Path) -> Option<Finding> {
    let meta = path.metadata().ok()?;
    let shown = bourne(&path.display().to_string());
    if !meta.is_file() {
        let message = format!("{} has to be a file, and is none", path.display());
        return Some(Finding::problem(message, Fix::run(format!("mv {shown} {shown}.old"))));
    }
    access(path, Access::WRITE_OK).err().map(|error| {
        let message = format!("the log {} cannot be written: {error}", path.display());
        Finding::problem(message, Fix::run(format!("chmod 600 {shown}")))
    })
}

fn room(state: &Path) -> Option<Finding> {
    match statvfs(existing(state)) {
        Ok(found) => Some(judge_room(state, found.f_bavail.saturating_mul(found.f_frsize))),
        Err(error) => Some(Finding::skipped(format!("the room on the disk is not known: {error}"))),
    }
}

fn judge_room(state: &Path, free: u64) -> Finding {
    let (shown, fix) =
        (state.display(), || Fix::sentence("make room on that disk, or name a folder elsewhere as QCC_HOME"));
    match free {
        0 => Finding::problem(format!("the disk of {shown} is full: nothing can be logged"), fix()),
        1..LOW => Finding::warning(format!("only {} left on the disk of {shown}", size(free)), fix()),
        _ if state.exists() => Finding::ok(format!("{shown} is writable, {} free", size(free))),
        _ => Finding::ok(format!("{shown} can be made, {} free", size(free))),
    }
}

/// One significant unit is enough here.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn little_room_is_a_warning_and_none_is_a_problem() {
        let states = [0, 1, LOW - 1, LOW].map(|free| judge_room(Path::new("/state"), free).state);
        assert_eq!(states, [State::Problem, State::Warning, State::Warning, State::Ok]);
        assert_eq!([999, 12_300_000, 7_900_000_000].map(size), ["0 kB", "12 MB", "7 GB"]);
    }

    #[test]
    fn what_belongs_to_another_user_is_named_with_the_command_that_takes_it_back() {
        assert_eq!(foreign(Path::new("/state"), 7, 7), None);
        let found = foreign(Path::new("/the state"), 0, 1000).unwrap();
        assert_eq!(found.fix, Some(Fix::run("sudo chown -R 1000 '/the state'")));
    }

    #[test]
    fn the_nearest_folder_that_exists_stands_for_one_that_does_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
    }
}
