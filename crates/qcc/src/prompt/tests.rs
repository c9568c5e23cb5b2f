//! Questions in a real terminal. Each test starts itself once more in a terminal of its own, where it asks; outside, it
//! reads and presses keys.

use std::process::Command;

use insta::assert_snapshot;

use super::*;
use crate::cli::{Global, When};
use terminal::Terminal;

#[path = "../../tests/it/terminal.rs"]
mod terminal;

/// Set where the test is the one who asks.
const ASKING: &str = "QCC_TEST_ASKING";

/// Runs `ask` in a terminal and gives that to the caller; in the terminal it asks, tells the answer, and gives nothing.
fn asked(test: &str, ask: impl Fn(Prompt) -> Result<String, Failure>) -> Option<Terminal> {
    if std::env::var_os(ASKING).is_some() {
        let output = Output::new(&Global { config: None, json: false, color: When::Never });
        match ask(Prompt::new(output).unwrap()) {
            Ok(answer) => println!("\nANSWER[{answer}]"),
            Err(failure) => println!("\nEXIT[{}] {failure}", failure.exit()),
        }
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env_clear().env(ASKING, "1").env("TERM", "xterm");
    command.args(["--exact", "--nocapture", &format!("prompt::tests::{test}")]);
    Some(Terminal::start(command, 80))
}

fn choices() -> Vec<Choice> {
    [("official", "api.anthropic.com"), ("openrouter", "many models"), ("deepseek", "")]
        .map(|(label, note)| Choice { label: label.to_owned(), note: note.to_owned() })
        .to_vec()
}

#[test]
fn a_choice_is_made_with_arrows() {
    let ask = |prompt: Prompt| Ok(prompt.select("Which vendor?", &choices())?.to_string());
    let Some(mut terminal) = asked("a_choice_is_made_with_arrows", ask) else { return };
    terminal.until("Which vendor?");
    terminal.until("> official    api.anthropic.com");
    terminal.until("deepseek");
    terminal.press("\u{1b}[B\r");
    terminal.until("Which vendor? openrouter");
    terminal.until("ANSWER[1]");
    assert!(terminal.end().1.success());
}

#[test]
fn a_text_is_asked_for_until_it_is_possible_and_empty_means_the_default() {
    let lower = |text: &str| {
        if text == text.to_lowercase() { Ok(()) } else { Err("names are written small".to_owned()) }
    };
    let ask = |prompt: Prompt| {
        let first = prompt.text("Its name?", None, &lower)?;
        Ok(format!("{first} {}", prompt.text("Its type?", Some("anthropic"), &|_| Ok(()))?))
    };
    let test = "a_text_is_asked_for_until_it_is_possible_and_empty_means_the_default";
    let Some(mut terminal) = asked(test, ask) else { return };
    terminal.until("Its name?");
    terminal.press("Relay\r");
    terminal.until("not possible: names are written small");
    terminal.until("Its name? Relay");
    // The first answer is there to be corrected.
    terminal.press("\u{7f}\u{7f}\u{7f}\u{7f}\u{7f} relay \r");
    terminal.until("Its type?");
    terminal.until("(anthropic)");
    terminal.press("\r");
    terminal.until("ANSWER[relay anthropic]");
}

#[test]
fn a_pasted_key_is_trimmed_and_never_shown() {
    let ask = |prompt: Prompt| Ok(prompt.secret("Its key?")?.expose().len().to_string());
    let Some(mut terminal) = asked("a_pasted_key_is_trimmed_and_never_shown", ask) else { return };
    terminal.until("Its key?");
    terminal.press("  \r");
    terminal.until("not possible: nothing was entered");
    terminal.until("Its key?");
    // As terminals send what is pasted.
    terminal.press("\u{1b}[200~ sk-hidden-key\n\u{1b}[201~\r");
    let (seen, status) = terminal.end();
    assert!(status.success());
    assert!(seen.contains("ANSWER[13]"), "{seen}");
    assert!(!seen.contains("hidden"), "{seen}");
}

#[test]
fn a_key_with_a_line_break_inside_is_asked_for_again() {
    let ask = |prompt: Prompt| Ok(prompt.secret("Its key?")?.expose().to_owned());
    let Some(mut terminal) = asked("a_key_with_a_line_break_inside_is_asked_for_again", ask) else { return };
    terminal.until("Its key?");
    terminal.press("\u{1b}[200~sk-1\nsk-2\u{1b}[201~\r");
    terminal.until("not possible: there is a line break");
    terminal.until("Its key?");
    terminal.press("sk-3\r");
    terminal.until("ANSWER[sk-3]");
}

#[test]
fn yes_and_no_have_a_default() {
    let ask = |prompt: Prompt| Ok(format!("{} {}", prompt.confirm("Write?", true)?, prompt.confirm("Start?", true)?));
    let Some(mut terminal) = asked("yes_and_no_have_a_default", ask) else { return };
    terminal.until("Write?");
    terminal.press("\r");
    terminal.until("Start?");
    terminal.press("n\r");
    terminal.until("ANSWER[true false]");
}

#[test]
fn esc_cancels_and_says_that_nothing_was_changed() {
    let ask = |prompt: Prompt| Ok(prompt.confirm("Write?", true)?.to_string());
    let Some(mut terminal) = asked("esc_cancels_and_says_that_nothing_was_changed", ask) else { return };
    terminal.until("Write?");
    terminal.press("\u{1b}");
    terminal.until("EXIT[1] error: cancelled: nothing was changed");
}

#[test]
fn the_end_of_the_input_cancels_too() {
    let ask = |prompt: Prompt| prompt.text("Its name?", None, &|_| Ok(()));
    let Some(mut terminal) = asked("the_end_of_the_input_cancels_too", ask) else { return };
    terminal.until("Its name?");
    terminal.press("\u{4}");
    terminal.until("EXIT[1] error: cancelled");
}

#[test]
fn ctrl_c_ends_as_in_a_shell() {
    let ask = |prompt: Prompt| Ok(prompt.select("Which vendor?", &choices())?.to_string());
    let Some(mut terminal) = asked("ctrl_c_ends_as_in_a_shell", ask) else { return };
    terminal.until("Which vendor?");
    terminal.press("\u{3}");
    terminal.until("EXIT[130] error: interrupted");
}

#[test]
fn a_choice_from_outside_cannot_steer_the_terminal() {
    let ask = |prompt: Prompt| {
        let evil = Choice { label: "a\u{1b}[31mb".to_owned(), note: String::new() };
        Ok(prompt.select("Which?", &[evil])?.to_string())
    };
    let Some(mut terminal) = asked("a_choice_from_outside_cannot_steer_the_terminal", ask) else { return };
    terminal.until("a\u{fffd}[31mb");
    terminal.press("\r");
    terminal.until("Which? a\u{fffd}[31mb");
    terminal.until("ANSWER[0]");
}

#[test]
fn nobody_is_asked_where_a_program_is_at_the_other_end() {
    let with = |name: &str, value: &str| somebody(&|asked| (asked == name).then(|| OsString::from(value)));
    assert!(with("TERM", "xterm"));
    assert!(with("CI", ""));
    assert!(!with("CI", "true"));
    assert!(!with("QCC_NO_INPUT", "1"));
    assert!(!with("TERM", "dumb"));
}

#[test]
fn a_question_that_cannot_be_asked_names_the_way_around() {
    assert_snapshot!(refused(&InquireError::NotTTY), @r"
    error: the question could not be asked, so nothing was changed: The input device is not a TTY
    hint: every question has an option that answers it: add `--help` to the command
    ");
}
