//! The proof does not take anybody's word: a plan that does more than its edit does not pass.

use super::super::apply::applied;
use super::super::lines::spliced;
use super::super::{Edit, Node, Step};
use super::*;

const TEXT: &str = "# mine\nproxy:\n  port: 1 # here\n  host: a\n";

fn set_port() -> Edit {
    Edit::Set { path: vec![Step::from("proxy"), Step::from("port")], value: Node::number(2) }
}

/// Whether these splices pass as setting the port, of which `gone` is said to be replaced.
fn passes(text: &str, splices: &[(&str, &str)], gone: &str) -> bool {
    let find = |part: &str| text.find(part).map(|at| at..at + part.len()).unwrap_or_default();
    let splices = splices.iter().map(|(old, new)| Splice { at: find(old), text: (*new).to_owned() }).collect();
    let plan = Plan { splices, gone: Some(find(gone)), cut: None };
    let syntax = Syntax::of(text).unwrap();
    let new = spliced(text, &plan.splices, "\n");
    let expected = applied(&syntax.meaning().unwrap(), &set_port(), None);
    proven((text, &syntax), &new, &plan, expected).is_ok()
}

#[test]
fn the_edit_alone_passes() {
    assert!(passes(TEXT, &[("1", "2")], "1"));
    assert!(passes(TEXT, &[("1 # here\n", "2 # here\n\n")], "1 # here"));
}

#[test]
fn another_value_does_not_pass() {
    assert!(!passes(TEXT, &[("1", "3")], "1"));
    assert!(!passes(TEXT, &[("1", "'2'")], "1"));
    assert!(!passes(TEXT, &[("1", "2"), ("a\n", "b\n")], "1"));
    assert!(!passes(TEXT, &[("1", "2\n  x: y")], "1"));
}

#[test]
fn a_comment_that_is_lost_changed_or_new_does_not_pass() {
    assert!(!passes(TEXT, &[("1 # here", "2")], "1"));
    assert!(!passes(TEXT, &[("1", "2"), ("# mine", "# yours")], "1"));
    assert!(!passes(TEXT, &[("1", "2"), ("# mine\n", "")], "1"));
    assert!(!passes(TEXT, &[("1", "2 # new")], "1"));
}

#[test]
fn the_same_meaning_in_other_words_does_not_pass_where_nothing_was_asked_for() {
    assert!(!passes(TEXT, &[("1", "2"), ("host: a", "host: \"a\"")], "1"));
}

#[test]
fn a_text_that_is_no_yaml_or_has_mixed_line_breaks_does_not_pass() {
    assert!(!passes(TEXT, &[("1", "2: : [")], "1"));
    let windows = TEXT.replace('\n', "\r\n");
    assert!(passes(&windows, &[("1", "2")], "1"));
    assert!(!passes(&windows, &[("1", "2"), ("here\r\n", "here\n")], "1"));
}
