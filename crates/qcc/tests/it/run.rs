//! `qcc run`: the command is the user's own in every respect but its variables.

use insta::assert_snapshot;

use crate::home::{Home, PLAIN};
use crate::terminal::Terminal;

#[test]
fn the_gateway_is_started_and_the_variables_are_set_for_the_command_alone() {
    let home = Home::with(PLAIN);
    let ended = home.qcc(&["run", "--", "sh", "-c", "printf %s \"$ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY\""]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let address = home.json(&["proxy", "status"])["address"].as_str().unwrap().to_owned();
    assert_eq!(ended.out, format!("{address} proxy-managed"));
}

/// It asks whether to use a key that it finds in the environment, and recommends not to.
#[test]
fn claude_code_gets_a_token_in_place_of_a_key() {
    let home = Home::with(PLAIN);
    let claude = home.path("claude");
    std::fs::write(&claude, "#!/bin/sh\nprintf %s \"$ANTHROPIC_AUTH_TOKEN,$ANTHROPIC_API_KEY\"\n").unwrap();
    home.mode("claude", 0o700);
    let ended = home.sh("ANTHROPIC_API_KEY=sk-own \"$QCC\" run -- ./claude");
    assert_eq!(ended.out, "proxy-managed,", "{}", ended.err);
}

#[test]
fn the_exit_code_and_the_arguments_are_the_commands_own() {
    let home = Home::with(PLAIN);
    assert_eq!(home.qcc(&["run", "--", "sh", "-c", "exit 7"]).code, Some(7));
    assert_eq!(home.qcc(&["run", "printf", "%s|", "--json", "-f", "a b"]).out, "--json|-f|a b|");
}

#[test]
fn a_command_killed_by_a_signal_ends_as_in_a_shell() {
    let home = Home::with(PLAIN);
    assert_eq!(home.sh(r#""$QCC" run -- sh -c 'kill -9 $$' 2>/dev/null; echo $?"#).out, "137\n");
}

#[test]
fn standard_input_reaches_the_command() {
    let home = Home::with(PLAIN);
    assert_eq!(home.sh(r#"echo hello | "$QCC" run -- cat"#).out, "hello\n");
}

#[test]
fn at_a_terminal_the_keys_reach_the_command() {
    let home = Home::with(PLAIN);
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.args(["run", "--", "sh", "-c", "read word; echo \"<$word>\""]);
    let mut terminal = Terminal::start(command, 80);
    terminal.until("qcc is running: ");
    terminal.press("hello\r");
    terminal.until("<hello>");
    assert!(terminal.end().1.success());
}

#[test]
fn a_client_key_is_given_to_the_command() {
    let home = Home::with(&PLAIN.replace("{port: 0}", "{port: 0, client_keys: [sesame]}"));
    let ended = home.qcc(&["run", "--", "sh", "-c", "printf %s \"$ANTHROPIC_API_KEY\""]);
    assert_eq!(ended.out, "sesame", "{}", ended.err);
    assert!(!ended.err.contains("sesame"));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let home = Home::with(PLAIN);
    assert_snapshot!(home.qcc(&["run", "--", "no-such-command"]).shown(&home), @r"
    exit 127
    --- stderr
    qcc is running: http://127.0.0.1:[port]
    error: there is no command `no-such-command`
    hint: is it installed, and in a folder of PATH?
    ");
}

#[test]
fn settings_that_lead_past_the_gateway_are_named_and_not_touched() {
    let home = Home::with(PLAIN);
    std::fs::create_dir(home.path(".claude")).unwrap();
    let settings = r#"{"env":{"ANTHROPIC_BASE_URL":"https://elsewhere.example"}}"#;
    std::fs::write(home.path(".claude/settings.json"), settings).unwrap();
    let ended = home.qcc(&["run", "--", "true"]);
    assert!(ended.err.contains("settings.json sets ANTHROPIC_BASE_URL"), "{}", ended.err);
    assert_eq!(std::fs::read_to_string(home.path(".claude/settings.json")).unwrap(), settings);
}

#[test]
fn nothing_is_run_when_the_gateway_cannot_start() {
    let home = Home::with("providers: 3\n");
    let ended = home.qcc(&["run", "--", "touch", "witness"]);
    assert_eq!(ended.code, Some(1));
    assert!(!home.path("witness").exists());
}
