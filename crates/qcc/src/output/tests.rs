//! Tables, durations and numbers as people read them.

use super::*;

#[test]
fn columns_are_aligned_and_lines_end_without_spaces() {
    let rows = vec![
        vec![Cell::new("a"), Cell::new("bb"), Cell::new("c")],
        vec![Cell::new("aaaa"), Cell::new(""), Cell::new("")],
        vec![Cell::new("é"), Cell::new("b"), Cell::new("ccc")],
    ];
    assert_eq!(table(&rows), "a     bb  c\naaaa\né     b   ccc");
}

#[test]
fn a_style_does_not_count_as_width() {
    let rows = vec![vec![Cell::mark(true), Cell::new("x")], vec![Cell::new("--"), Cell::new("y")]];
    let plain = anstream::adapter::strip_str(&table(&rows)).to_string();
    assert_eq!(plain, "✓   x\n--  y");
}

#[test]
fn an_empty_table_is_empty() {
    assert_eq!(table(&[]), "");
}

#[test]
fn durations_have_at_most_two_units() {
    let shown: Vec<String> =
        [0, 59, 60, 250, 3_600, 7_380, 86_400, 442_800].map(|s| human(Duration::from_secs(s))).to_vec();
    assert_eq!(shown, ["0s", "59s", "1m", "4m 10s", "1h", "2h 3m", "1d", "5d 3h"]);
}

#[test]
fn one_thing_is_singular() {
    assert_eq!(["0 routes", "1 route", "2 routes"].to_vec(), [0, 1, 2].map(|n| count(n, "route")).to_vec());
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    assert_eq!(harmless("a\u{1b}[31mb\r\n"), "a\u{fffd}[31mb\u{fffd}\u{fffd}");
}
