//! The rules themselves, over text: no file is read here, so that a rule can be tried on a sample.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lines of a source file without its tests.
const MAX_LINES: usize = 600;

/// Lines of `ARCHITECTURE.md`.
const MAX_ARCHITECTURE: usize = 150;

/// Which crates a crate may name, in `dependencies` and, besides these, in `dev-dependencies`. A crate that is missing
/// here may name none.
const ARROWS: [(&str, &[&str], &[&str]); 7] = [
    ("qcc", &["qcc-server", "qcc-config", "qcc-store", "qcc-testkit"], &["qcc-testkit"]),
    ("qcc-server", &["qcc-policy", "qcc-dialect", "qcc-config", "qcc-store"], &["qcc-testkit"]),
    ("qcc-config", &["qcc-policy", "qcc-dialect"], &[]),
    ("qcc-policy", &[], &[]),
    ("qcc-dialect", &[], &[]),
    ("qcc-store", &[], &[]),
    ("qcc-testkit", &[], &[]),
];

/// A broken rule and its place.
pub(super) struct Complaint {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

pub(super) fn complaint(path: &str, line: usize, what: impl Into<String>) -> Complaint {
    Complaint { path: path.to_owned(), line, what: what.into() }
}

/// Arrows between our crates that are not allowed, from the output of `cargo metadata`.
pub(super) fn arrows(metadata: &str) -> Vec<Complaint> {
    let metadata: Value = serde_json::from_str(metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().flat_map(arrows_of).collect()
}

fn arrows_of(package: &Value) -> Vec<Complaint> {
    let from = package["name"].as_str().unwrap();
    let manifest = package["manifest_path"].as_str().unwrap();
    let (_, normal, dev) = ARROWS.iter().find(|(name, ..)| *name == from).unwrap_or(&("", &[], &[]));
    let ours = package["dependencies"].as_array().unwrap().iter().filter_map(|dependency| {
        let to = dependency["name"].as_str().unwrap();
        (to == "qcc" || to.starts_with("qcc-")).then(|| (to, dependency["kind"].as_str()))
    });
    ours.filter(|(to, kind)| !(normal.contains(to) || *kind == Some("dev") && dev.contains(to)))
        .map(|(to, kind)| {
            let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            let allowed = if normal.is_empty() { "no crate of ours".to_owned() } else { normal.join(", ") };
            complaint(manifest, 1, format!("{from} -> {to}{kind} is not allowed; {from} may name {allowed}"))
        })
        .collect()
}

/// A file that does not open with what it decides.
pub(super) fn opening(path: &str, text: &str) -> Vec<Complaint> {
    let says =
        text.lines().next().and_then(|line| line.strip_prefix("//!")).is_some_and(|rest| !rest.trim().is_empty());
    if says { Vec::new() } else { vec![complaint(path, 1, "open the file with `//!` and what it decides, and why")] }
}

/// A file that is too long without its tests.
pub(super) fn long_file(path: &str, text: &str) -> Vec<Complaint> {
    let length = code_lines(path, text);
    if length <= MAX_LINES {
        return Vec::new();
    }
    vec![complaint(path, length, format!("{length} lines without tests; split it, {MAX_LINES} is the limit"))]
}

/// Marks of work that was not done, and tests that do not run.
pub(super) fn unfinished(path: &str, text: &str) -> Vec<Complaint> {
    // In pieces, so that this file does not complain about itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!"), concat!("#[ign", "ore")];
    find(path, text, &marks, "finish it or take it out")
}

/// Tests that wait for time to pass.
pub(super) fn no_sleep(path: &str, text: &str) -> Vec<Complaint> {
    let sleeps = [concat!("thread::sle", "ep"), concat!("time::sle", "ep(")];
    let code = code_lines(path, text);
    let found = find(path, text, &sleeps, "a test waits for the event itself, or pauses tokio's clock");
    found.into_iter().filter(|complaint| complaint.line > code).collect()
}

fn find(path: &str, text: &str, marks: &[&str], hint: &str) -> Vec<Complaint> {
    let lines = text.lines().enumerate();
    let marked = lines.filter_map(|(index, line)| Some((index, *marks.iter().find(|mark| line.contains(**mark))?)));
    marked.map(|(index, mark)| complaint(path, index + 1, format!("`{mark}`: {hint}"))).collect()
}

/// How many lines come before the tests: none in a file of tests.
fn code_lines(path: &str, text: &str) -> usize {
    let path = Path::new(path);
    let is_test = path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"));
    if is_test {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

/// An architecture that is too long to be read.
pub(super) fn document(path: &str, text: &str) -> Vec<Complaint> {
    let length = text.lines().count();
    if path != "ARCHITECTURE.md" || length <= MAX_ARCHITECTURE {
        return Vec::new();
    }
    vec![complaint(path, length, format!("{length} lines; {MAX_ARCHITECTURE} is the limit, move detail to docs/"))]
}

/// Relative links of a Markdown text that lead to nothing. `exists` is asked about paths from the root.
pub(super) fn links(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<Complaint> {
    let folder = Path::new(path).parent().unwrap_or_else(|| Path::new(""));
    let mut complaints = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        for target in targets(line).filter(|target| is_relative(target)) {
            let file = target.split('#').next().unwrap_or_default();
            if !exists(&plain(&folder.join(file))) {
                complaints.push(complaint(path, index + 1, format!("the link to `{target}` leads to no file")));
            }
        }
    }
    complaints
}

fn is_relative(target: &str) -> bool {
    !(target.is_empty() || target.starts_with('#') || target.contains("://") || target.starts_with("mailto:"))
}

/// What stands in `](...)` outside code spans, without a title.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let prose = line.split('`').step_by(2);
    prose.flat_map(|part| {
        let links = part.split("](").skip(1);
        links.filter_map(|rest| rest.split(')').next()?.split_whitespace().next())
    })
}

/// The path without `.` and `..`, as a reader of the repository follows it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}
