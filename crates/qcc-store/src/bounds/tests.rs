//! Cuts between characters, and numbers beyond SQLite's.

use super::*;

#[test]
fn a_long_text_is_cut_between_characters_and_its_memory_is_let_go() {
    let mut text = "ab备份".repeat(1000);
    cut(&mut text, 7);
    assert_eq!((text.as_str(), text.capacity()), ("ab备", 5));
    let mut short = "as it is".to_owned();
    cut(&mut short, 8);
    assert_eq!(short, "as it is");
    let mut roomy = String::with_capacity(1 << 20);
    cut(&mut roomy, 8);
    assert_eq!(roomy.capacity(), 0);
}

#[test]
fn a_number_beyond_the_databases_becomes_its_greatest() {
    assert_eq!(number(u64::MAX), i64::MAX);
    assert_eq!(count(number(7)), 7);
    assert_eq!(count(-1), 0);
}
