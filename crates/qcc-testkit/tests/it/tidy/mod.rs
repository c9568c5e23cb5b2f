//! The rules of the house that a compiler does not know. Each rule is a function over text (see `rules`); here each is
//! held against the repository and against a sample that breaks it, so that no rule is asleep.

mod corners;
mod rules;

use std::path::{Path, PathBuf};
use std::process::Command;

use rules::{Complaint, arrows, document, links, long_file, no_sleep, opening, unfinished};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file with this extension under `folder`, as path from the root and text.
fn files(folder: &str, extension: &str, deep: bool) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && deep {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let found = files("crates", "rs", true);
    assert!(found.len() > 10, "the sources were not found under {}", root().display());
    found
}

/// The documents that people read first: those at the root and those directly under `docs`.
fn documents() -> Vec<(String, String)> {
    [files(".", "md", false), files("docs", "md", false)].concat()
}

fn none(complaints: Vec<Complaint>) {
    let text: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "\n{}\n", text.join("\n"));
}

/// Holds one rule against every source file.
fn every_source(rule: impl Fn(&str, &str) -> Vec<Complaint>) {
    none(sources().iter().flat_map(|(path, text)| rule(path, text)).collect());
}

fn lines(complaints: &[Complaint]) -> Vec<usize> {
    complaints.iter().map(|complaint| complaint.line).collect()
}

#[test]
fn crates_depend_only_along_the_allowed_arrows() {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata = String::from_utf8(cargo.stdout).unwrap();
    assert!(metadata.contains("\"qcc-policy\""));
    none(arrows(&metadata));
}

#[test]
fn an_arrow_that_is_not_allowed_is_found() {
    let metadata = |from: &str, to: &str, kind: &str| {
        format!(
            r#"{{"packages":[{{"name":"{from}","manifest_path":"{from}/Cargo.toml",
            "dependencies":[{{"name":"{to}","kind":{kind}}},{{"name":"bytes","kind":null}}]}}]}}"#
        )
    };
    for (from, to, kind) in [
        ("qcc-policy", "qcc-dialect", "null"),
        ("qcc-dialect", "qcc-config", "null"),
        ("qcc-config", "qcc-server", "null"),
        ("qcc-server", "qcc-testkit", "null"),
        ("qcc-testkit", "qcc-policy", "\"dev\""),
        ("qcc-config", "qcc-testkit", "\"dev\""),
        ("qcc-new", "qcc-policy", "null"),
        ("qcc-policy", "qcc-testkit", "\"build\""),
    ] {
        let found = arrows(&metadata(from, to, kind));
        assert_eq!(found.len(), 1, "{from} -> {to} ({kind})");
        assert!(found[0].to_string().contains(to), "{}", found[0]);
    }
    for (from, to, kind) in
        [("qcc", "qcc-testkit", "null"), ("qcc-server", "qcc-testkit", "\"dev\""), ("qcc-config", "qcc-policy", "null")]
    {
        assert!(arrows(&metadata(from, to, kind)).is_empty(), "{from} -> {to} ({kind})");
    }
}

#[test]
fn every_source_file_says_what_it_decides() {
    every_source(opening);
}

#[test]
fn a_file_without_an_opening_is_found() {
    assert_eq!(lines(&opening("a.rs", "use std::io;\n//! late\n")), [1]);
    assert_eq!(lines(&opening("a.rs", "")), [1]);
    assert_eq!(lines(&opening("a.rs", "//!\n")), [1], "an empty opening says nothing");
    assert!(opening("a.rs", "//! What.\n").is_empty());
}

#[test]
fn no_file_is_too_long_without_its_tests() {
    every_source(long_file);
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let code = "fn a() {}\n".repeat(601);
    assert_eq!(lines(&long_file("src/a.rs", &code)), [601]);
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(600), "fn b() {}\n".repeat(600));
    assert!(long_file("src/a.rs", &tests).is_empty());
    assert!(long_file("src/a/tests.rs", &code).is_empty());
    assert!(long_file("crates/a/tests/it/main.rs", &code).is_empty());
    assert_eq!(long_file("crates/qcc-testkit/src/a.rs", &code).len(), 1, "a crate's name makes no test of its files");
}

#[test]
fn nothing_is_left_unfinished_or_ignored() {
    every_source(unfinished);
}

#[test]
fn each_mark_of_unfinished_work_is_found_with_its_line() {
    for mark in
        [concat!("// TO", "DO: later"), concat!("// FIX", "ME"), concat!("to", "do!()"), concat!("#[ign", "ore]")]
    {
        assert_eq!(lines(&unfinished("a.rs", &format!("//! What.\n{mark}\n"))), [2], "{mark}");
    }
    assert_eq!(lines(&unfinished("a.rs", concat!("#[ign", "ore = \"slow\"]"))), [1]);
    assert!(unfinished("a.rs", "let todos = ignored;\n").is_empty());
}

#[test]
fn no_test_sleeps() {
    every_source(no_sleep);
}

#[test]
fn a_sleeping_test_is_found() {
    let threads = concat!("    thread::sle", "ep(SECOND);\n");
    let tasks = concat!("    tokio::time::sle", "ep(SECOND).await;\n");
    assert_eq!(lines(&no_sleep("crates/a/tests/it/main.rs", threads)), [1]);
    assert_eq!(lines(&no_sleep("crates/a/src/b/tests.rs", &format!("\n{tasks}"))), [2]);
    let in_module = format!("fn a() {{\n{tasks}}}\n#[cfg(test)]\nmod tests {{\n{tasks}}}\n");
    assert_eq!(lines(&no_sleep("crates/a/src/b.rs", &in_module)), [6], "the code may wait, its tests may not");
}

#[test]
fn the_architecture_can_be_read_in_one_sitting() {
    none(documents().iter().flat_map(|(path, text)| document(path, text)).collect());
}

#[test]
fn a_long_architecture_is_found() {
    assert_eq!(lines(&document("ARCHITECTURE.md", &"line\n".repeat(151))), [151]);
    assert!(document("ARCHITECTURE.md", &"line\n".repeat(150)).is_empty());
    assert!(document("README.md", &"line\n".repeat(151)).is_empty());
}

#[test]
fn every_link_in_the_documents_leads_to_a_file() {
    let root = root();
    let exists = |path: &Path| root.join(path).exists();
    none(documents().iter().flat_map(|(path, text)| links(path, text, exists)).collect());
}

#[test]
fn a_link_to_nothing_is_found() {
    let text = "[a](there.md) and [b](missing.md#part)\n```\n[c](in-code.md)\n```\n[d](https://example.com) `[e](x.md)` [f](#part)\n![g](no.png \"title\")\n";
    let exists = |path: &Path| path == Path::new("docs/there.md");
    let found = links("docs/page.md", text, exists);
    assert_eq!(lines(&found), [1, 6]);
    assert!(found[0].to_string().starts_with("docs/page.md:1: "), "{}", found[0]);
    assert!(found[0].to_string().contains("missing.md"), "{}", found[0]);
}
