//! What is taken for a secret, and what is refused with which words.

use insta::assert_snapshot;

use super::*;

fn told(input: &[u8]) -> String {
    let failure = read(input, "the API key").unwrap_err();
    assert_eq!(failure.exit(), 2);
    failure.to_string()
}

#[test]
fn one_line_is_taken_with_or_without_its_end() {
    for input in ["sk-1", "sk-1\n", "sk-1\r\n", "  sk-1 \t\n", "sk-1\nanother line\n"] {
        assert_eq!(read(input.as_bytes(), "the API key").unwrap().expose(), "sk-1", "{input:?}");
    }
}

#[test]
fn an_input_that_ends_before_the_secret_is_wrong_usage() {
    assert_snapshot!(told(b""), @r#"
    error: the API key is expected on standard input, which ended before it came
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
    assert_snapshot!(told(b"\nsk-1\n"), @r#"
    error: the API key is expected on standard input, but its first line is empty
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
}

#[test]
fn what_is_no_line_of_text_is_refused_unseen() {
    assert_snapshot!(told(b"sk-\xff\n"), @r#"
    error: the API key is expected on standard input, but what came is not text
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
    assert_snapshot!(told(b"sk-\x1b[31m\n"), @r#"
    error: the API key is expected on standard input, but there are control characters in it
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
}

#[test]
fn an_endless_line_is_given_up() {
    let longest = vec![b'k'; 64 * 1024];
    assert_eq!(read(&longest[..], "the API key").unwrap().expose().len(), 64 * 1024);
    assert_snapshot!(told(&[longest, b"k".to_vec()].concat()), @r#"
    error: the API key is expected on standard input, but its first line is longer than 64 KiB
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
    let endless = io::BufReader::new(io::repeat(b'k'));
    assert_eq!(read(endless, "the API key").unwrap_err().exit(), 2);
}
