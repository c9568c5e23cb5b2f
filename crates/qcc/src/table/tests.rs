//! What tables look like on wide and narrow terminals, and that no cell can do harm.

use insta::assert_snapshot;

use super::*;

/// Providers with names and addresses of every kind.
fn providers() -> Table {
    let mut table = Table::new(&["", "NAME", "URL", "STATE"]).shrink(2).wrap(3);
    let rows = [
        (true, "official", "https://api.anthropic.com", "available"),
        (
            false,
            "中转站",
            "https://relay.example/a/very/long/path/that/goes/on/v1",
            "left out: rate limit, 1m 30s left",
        ),
        (true, "👩‍👩‍👧 home", "http://127.0.0.1:7860", ""),
    ];
    for (good, name, url, state) in rows {
        table.row(vec![Cell::mark(good), Cell::new(name), Cell::new(url), Cell::new(state)]);
    }
    table
}

fn plain(table: &Table, width: Option<usize>) -> String {
    anstream::adapter::strip_str(&table.render(width)).to_string()
}

#[test]
fn rows_without_headings_go_on_under_their_text() {
    let mut table = Table::new(&["", ""]).wrap(1);
    table.row(vec![Cell::new("asked"), Cell::new("a model")]);
    table.row(vec![Cell::new("translated"), Cell::new("to another dialect: top_k: dropped, seed: dropped")]);
    assert_snapshot!(plain(&table, Some(40)), @"
    asked       a model
    translated  to another dialect: top_k:
                dropped, seed: dropped
    ");
    assert_eq!(plain(&table, Some(20)), plain(&table, None), "too narrow to be broken");
}

#[test]
fn a_table_that_fits_is_whole() {
    let text = plain(&providers(), Some(120));
    assert_snapshot!(text, @r"
       NAME      URL                                                     STATE
    ✓  official  https://api.anthropic.com                               available
    ✗  中转站    https://relay.example/a/very/long/path/that/goes/on/v1  left out: rate limit, 1m 30s left
    ✓  👩‍👩‍👧 home   http://127.0.0.1:7860
    ");
    assert_eq!(text, plain(&providers(), None), "a pipe has no width");
}

#[test]
fn on_80_columns_the_widest_column_gives() {
    assert_snapshot!(plain(&providers(), Some(80)), @r"
       NAME      URL                                STATE
    ✓  official  https://api.anthropic.com          available
    ✗  中转站    https://relay.example/a/very/lon…  left out: rate limit, 1m 30s
                                                    left
    ✓  👩‍👩‍👧 home   http://127.0.0.1:7860
    ");
}

#[test]
fn on_50_columns_sentences_go_on_in_the_next_line() {
    assert_snapshot!(plain(&providers(), Some(50)), @r"
       NAME      URL              STATE
    ✓  official  https://api.an…  available
    ✗  中转站    https://relay.…  left out: rate
                                  limit, 1m 30s left
    ✓  👩‍👩‍👧 home   http://127.0.0…
    ");
}

#[test]
fn on_30_columns_each_row_is_a_block_in_which_nothing_is_cut() {
    assert_snapshot!(plain(&providers(), Some(30)), @r"
    name: ✓ official
    url: https://api.anthropic.com
    state: available

    name: ✗ 中转站
    url: https://relay.example/a/very/long/path/that/goes/on/v1
    state: left out: rate limit,
    1m 30s left

    name: ✓ 👩‍👩‍👧 home
    url: http://127.0.0.1:7860
    ");
}

#[test]
fn a_narrow_table_stays_a_table_on_a_narrow_terminal() {
    let mut table = Table::new(&["", "NAME", "TIER"]).shrink(1);
    table.row(vec![Cell::mark(true), Cell::new("relay"), Cell::new("primary")]);
    assert_snapshot!(plain(&table, Some(20)), @r"
       NAME   TIER
    ✓  relay  primary
    ");
}

#[test]
fn a_column_without_a_word_is_left_out() {
    let mut table = Table::new(&["NAME", "NOTE", "TIER"]);
    table.row(vec![Cell::new("a"), Cell::new(""), Cell::new("primary")]);
    table.row(vec![Cell::new("b")]);
    assert_snapshot!(plain(&table, None), @r"
    NAME  TIER
    a     primary
    b
    ");
}

#[test]
fn a_table_without_rows_is_empty() {
    assert_eq!(Table::new(&["NAME"]).render(None), "");
    assert_eq!(Table::new(&["NAME"]).render(Some(1)), "");
}

#[test]
fn every_width_is_kept_or_the_table_becomes_blocks() {
    for width in 0..140 {
        let text = plain(&providers(), Some(width));
        let is_table = text.starts_with("   NAME");
        assert!(!is_table || text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
        assert!(is_table || text.contains("url: https://relay.example/a/very/long/path/that/goes/on/v1"), "{text}");
    }
}

#[test]
fn a_cell_cannot_steer_the_terminal_or_break_its_row() {
    let mut table = Table::new(&["NAME"]);
    table.row(vec![Cell::new("a\u{1b}]0;title\u{7}b\nc\td\u{202e}e")]);
    assert_eq!(plain(&table, None), "NAME\na\u{fffd}]0;title\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e");
}

#[test]
fn what_a_reader_sees_as_one_character_is_never_split() {
    assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
    assert_eq!(fit("👩‍👩‍👧👩‍👩‍👧", 3), "👩‍👩‍👧…");
    assert_eq!(fit("中文字", 4), "中…", "half a character does not fit into the fourth column");
    assert_eq!(fit("中文字", 6), "中文字");
    assert_eq!(fit("word word", 6), "word…");
    assert_eq!(fit("abc", 0), "…");
}

#[test]
fn sentences_are_broken_between_words_and_long_words_anywhere() {
    assert_eq!(broken("one two three", 7), ["one two", "three"]);
    assert_eq!(broken("one two three", 6), ["one", "two", "three"]);
    assert_eq!(broken("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
    assert_eq!(broken("中文字", 1), ["中", "文", "字"]);
    assert_eq!(broken("", 5), Vec::<String>::new());
}

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
fn no_rows_are_no_text() {
    assert_eq!(table(&[]), "");
}
