//! On a terminal: what is asked, what is shown before it is written, and that leaving leaves everything as it was.

use std::process::Command;

use crate::home::Home;
use crate::terminal::Terminal;

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const ESC: &str = "\x1b";

fn qcc(home: &Home, arguments: &[&str]) -> Terminal {
    let mut command: Command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.args(arguments).env("TERM", "xterm");
    Terminal::start(command, 100)
}

fn file(home: &Home) -> String {
    std::fs::read_to_string(home.path("config.yaml")).unwrap()
}

#[test]
fn init_asks_for_one_provider_and_shows_it_before_it_is_written() {
    let home = Home::empty();
    let mut terminal = qcc(&home, &["init"]);
    terminal.until("What do you have?");
    terminal.press(ENTER);
    terminal.until("Which provider?");
    terminal.press("deepseek\r");
    terminal.until("A name for it:");
    terminal.press(ENTER);
    terminal.until("Where does its key come from?");
    terminal.press(ENTER);
    terminal.until("Key (not shown):");
    terminal.press("sk-hidden\r");
    terminal.until("deepseek: https://api.deepseek.com/anthropic, key: in the file");
    terminal.until("Write it?");
    assert!(!home.path("config.yaml").exists());
    terminal.press(ENTER);
    let (seen, status) = terminal.end();
    assert!(status.success() && seen.contains("added deepseek") && !seen.contains("sk-hidden"), "{seen}");
    let file = file(&home);
    assert!(file.starts_with("# Configuration of qcc.") && file.contains("    auth_value: sk-hidden\n"), "{file}");
    assert_eq!(home.json(&["endpoint", "list", "deepseek"])["endpoints"][0]["provider"], "deepseek");
}

#[test]
fn an_address_that_nobody_knows_is_asked_what_it_speaks() {
    let home = Home::empty();
    let mut terminal = qcc(&home, &["add", "own"]);
    terminal.until("What is own?");
    terminal.press(ENTER);
    terminal.until("Which provider?");
    terminal.press("another\r");
    terminal.until("Base URL:");
    terminal.press("https://relay.example/v1\r");
    terminal.until("What does it speak?");
    terminal.press(DOWN);
    terminal.press(ENTER);
    terminal.until("Where does its key come from?");
    terminal.press(ENTER);
    terminal.until("Key (not shown):");
    terminal.press("sk-hidden\r");
    terminal.until("own: https://relay.example/v1, type openai, key: in the file");
    terminal.until("Write it?");
    terminal.press(ENTER);
    let (seen, status) = terminal.end();
    assert!(status.success() && file(&home).contains("    type: openai\n"), "{seen}");
}

#[test]
fn leaving_a_question_leaves_everything_as_it_was() {
    let home = Home::empty();
    let mut terminal = qcc(&home, &["init"]);
    terminal.until("What do you have?");
    terminal.press(ESC);
    let (seen, status) = terminal.end();
    assert_eq!(status.code(), Some(1), "{seen}");
    assert!(!home.path("config.yaml").exists());
}

#[test]
fn a_summary_that_is_not_confirmed_is_not_written() {
    let home = Home::empty();
    let mut terminal = qcc(&home, &["add", "relay", "--base-url", "https://relay.example"]);
    terminal.until("Where does its key come from?");
    terminal.press(ENTER);
    terminal.until("Key (not shown):");
    terminal.press("sk-hidden\r");
    terminal.until("Write it?");
    terminal.press("n\r");
    let (seen, status) = terminal.end();
    assert_eq!(status.code(), Some(1), "{seen}");
    assert!(seen.contains("nothing was changed"), "{seen}");
    assert!(!home.path("config.yaml").exists());
}

#[test]
fn an_endpoint_is_chosen_from_those_that_are_there() {
    let home = Home::with(
        "
providers:
  - {name: work, base_url: 'https://work.example', auth_value: k1}
  - {name: relay, base_url: 'https://relay.example', auth_value: k2}
profiles:
  production: {endpoints: [{provider: work}]}
",
    );
    let mut terminal = qcc(&home, &["endpoint", "add", "production"]);
    terminal.until("What shall be added to production?");
    terminal.press(ENTER);
    terminal.until("Which one?");
    terminal.press(ENTER);
    terminal.until("Weight");
    terminal.press("20\r");
    terminal.until("Priority");
    terminal.press(ENTER);
    let (seen, status) = terminal.end();
    assert!(status.success(), "{seen}");
    assert!(file(&home).contains("{provider: relay, weight: 20, priority: 1}"), "{}", file(&home));
}

#[test]
fn a_bare_name_may_become_an_empty_profile() {
    let home = Home::empty();
    let mut terminal = qcc(&home, &["add", "production"]);
    terminal.until("What is production?");
    terminal.press(DOWN);
    terminal.press(ENTER);
    let (seen, status) = terminal.end();
    assert!(status.success() && seen.contains("added the empty profile production"), "{seen}");
}
