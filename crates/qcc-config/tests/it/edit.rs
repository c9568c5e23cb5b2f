//! Editing a file that its user wrote: what changes, what stays, and what is refused.

use std::path::Path;

use qcc_config::edit::{Document, Edit, Node, Step};

mod json;
mod layout;
mod random;
mod reading;
mod refused;
mod removing;
mod setting;
mod writer;

/// A file with everything that people write: comments, an anchor and a merge key, braces, a block text, a parked provider,
/// quoted globs, a list without indentation.
const MAIN: &str = include_str!("edit/main.yaml");

#[track_caller]
fn document(text: &str) -> Document {
    Document::parse(Path::new("config.yaml"), text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `providers.0.name`; a number is an item.
fn path(dotted: &str) -> Vec<Step> {
    let step = |step: &str| step.parse().map_or_else(|_| Step::from(step), Step::Item);
    dotted.split('.').filter(|step| !step.is_empty()).map(step).collect()
}

fn set(dotted: &str, value: Node) -> Edit {
    Edit::Set { path: path(dotted), value }
}

fn append(dotted: &str, value: Node) -> Edit {
    Edit::Append { path: path(dotted), value }
}

fn remove(dotted: &str) -> Edit {
    Edit::Remove { path: path(dotted) }
}

fn texts<const N: usize>(entries: [(&str, &str); N]) -> Node {
    Node::map(entries.map(|(key, text)| (key, Node::text(text))))
}

/// The new text, which also has to come out when the file has the line breaks of Windows, or a byte order mark.
#[track_caller]
fn after(text: &str, edits: &[Edit]) -> String {
    let edited = |text: &str| match document(text).edited(edits) {
        Ok(document) => document.text().to_owned(),
        Err(error) => panic!("{error}"),
    };
    let new = edited(text);
    if text.contains('\n') {
        assert_eq!(edited(&text.replace('\n', "\r\n")), new.replace('\n', "\r\n"));
    }
    assert_eq!(edited(&format!("\u{feff}{text}")), format!("\u{feff}{new}"));
    new
}

/// What an edit changes in a text: lines gone and come, with one line above and below.
#[track_caller]
fn changed(text: &str, edits: &[Edit]) -> String {
    difference(text, &after(text, edits))
}

/// Every edit on its own, for one snapshot to be read as a whole.
#[track_caller]
fn each(text: &str, edits: &[Edit]) -> String {
    let all: Vec<String> = edits.iter().map(|edit| changed(text, std::slice::from_ref(edit))).collect();
    all.join("\n~~~\n")
}

fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |(left, right): &(&&str, &&str)| left == right;
    let above = old.iter().zip(&new).take_while(same).count();
    let below = old[above..].iter().rev().zip(new[above..].iter().rev()).take_while(same).count();
    let (gone, come) = (&old[above..old.len() - below], &new[above..new.len() - below]);
    let around = |range: std::ops::Range<usize>| {
        old.get(range).unwrap_or_default().iter().filter(|line| !line.is_empty()).map(|line| format!("  {line}"))
    };
    let lines = around(above.saturating_sub(1)..above)
        .chain(gone.iter().map(|line| format!("- {line}")))
        .chain(come.iter().map(|line| format!("+ {line}")))
        .chain(around(old.len() - below..(old.len() - below + 1).min(old.len())));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
