//! Files as the log writer leaves them.

use std::fs;
use std::io::Write;

use super::*;

fn all(_: &str) -> bool {
    true
}

fn append(path: &Path, text: &str) {
    File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn the_last_lines_come_in_order() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "a\nb\nc\n");
    assert_eq!(last(&log, 2, &all).unwrap().0, ["b", "c"]);
    assert_eq!(last(&log, 9, &all).unwrap().0, ["a", "b", "c"]);
    assert!(last(&log, 0, &all).unwrap().0.is_empty());
}

#[test]
fn rotated_files_are_read_when_more_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&home.path().join("qcc.log.2"), "a\nb\n");
    append(&home.path().join("qcc.log.1"), "c\n");
    append(&log, "d\n");
    assert_eq!(last(&log, 3, &all).unwrap().0, ["b", "c", "d"]);
}

#[test]
fn filtered_lines_do_not_count() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "keep 1\ndrop\nkeep 2\ndrop\nkeep 3\n");
    assert_eq!(last(&log, 2, &|line| line.starts_with("keep")).unwrap().0, ["keep 2", "keep 3"]);
}

#[test]
fn lines_longer_than_a_block_and_lines_across_blocks_are_whole() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    let long = "x".repeat(3 * BLOCK as usize + 1);
    let lines: Vec<String> = (0..20_000).map(|n| format!("line {n}")).collect();
    append(&log, &format!("{}\n{long}\n", lines.join("\n")));
    let read = last(&log, usize::MAX, &all).unwrap().0;
    assert_eq!(read[..20_000], lines);
    assert_eq!(read[20_000], long);
    assert_eq!(read.len(), 20_001);
}

#[test]
fn a_line_without_its_end_waits_for_it() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "whole\nha");
    let (lines, mut follower) = last(&log, 9, &all).unwrap();
    assert_eq!(lines, ["whole"]);
    assert!(follower.fresh().unwrap().is_empty());
    append(&log, "lf\nnext\n");
    assert_eq!(follower.fresh().unwrap(), ["half", "next"]);
    assert!(follower.fresh().unwrap().is_empty());
}

#[test]
fn a_file_of_one_unfinished_line_has_no_lines_yet() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "unfinished");
    let (lines, mut follower) = last(&log, 9, &all).unwrap();
    assert!(lines.is_empty());
    append(&log, "\n");
    assert_eq!(follower.fresh().unwrap(), ["unfinished"]);
}

#[test]
fn following_crosses_a_rotation_without_losing_a_line() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "a\n");
    let (_, mut follower) = last(&log, 9, &all).unwrap();
    append(&log, "b\n");
    fs::rename(&log, home.path().join("qcc.log.1")).unwrap();
    append(&log, "c\n");
    assert_eq!(follower.fresh().unwrap(), ["b", "c"]);
    append(&log, "d\n");
    assert_eq!(follower.fresh().unwrap(), ["d"]);
}

#[test]
fn a_log_that_does_not_exist_yet_is_followed_from_its_start() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    let (lines, mut follower) = last(&log, 9, &all).unwrap();
    assert!(lines.is_empty() && follower.fresh().unwrap().is_empty());
    append(&log, "a\n");
    assert_eq!(follower.fresh().unwrap(), ["a"]);
}

#[test]
fn a_log_emptied_by_hand_is_followed_from_its_start() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("qcc.log");
    append(&log, "some line\n");
    let (_, mut follower) = last(&log, 9, &all).unwrap();
    File::options().write(true).truncate(true).open(&log).unwrap();
    append(&log, "a\n");
    assert_eq!(follower.fresh().unwrap(), ["a"]);
}
