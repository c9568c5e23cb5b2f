//! What a person sees on a terminal of a certain width, and what a program gets instead.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;
use crate::terminal::Terminal;

/// Providers that nobody calls: one with a long address, one with a name in another script.
const SHOWN: &str = "
proxy: {port: 0}
providers:
  - {name: official, type: anthropic, base_url: 'http://127.0.0.1:9/a/very/long/path/to/the/messages/api', auth_value: k}
  - {name: 中转站, type: anthropic, base_url: 'http://127.0.0.1:9', auth_value: k}
";

fn qcc(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.env("TERM", "xterm").args(arguments);
    command
}

/// Everything on a terminal that is this wide, without colour and with plain line ends.
fn shown(home: &Home, columns: u16, arguments: &[&str]) -> String {
    let (seen, _status) = Terminal::start(qcc(home, arguments), columns).end();
    assert!(seen.contains('\u{1b}'), "a terminal gets colour: {seen}");
    let plain = anstream::adapter::strip_str(&seen).to_string();
    home.stable(&plain.replace("\r\n", "\n"))
}

/// The table of `qcc proxy status`, which stands behind the empty line.
fn providers(text: &str) -> &str {
    text.split("\n\n").nth(1).unwrap().split("next:").next().unwrap()
}

#[test]
fn a_table_fits_the_terminal_and_is_whole_in_a_pipe() {
    let home = Home::with(SHOWN);
    home.json(&["proxy", "start"]);
    let status = &["proxy", "status"];
    assert_snapshot!(providers(&shown(&home, 60, status)), @r"
       PROVIDER  TYPE       URL
    ✓  official  anthropic  http://127.0.0.1:[port]/a/very/long/path…
    ✓  中转站    anthropic  http://127.0.0.1:[port]
    ");
    assert_snapshot!(providers(&home.stable(&home.qcc(status).out)), @r"
       PROVIDER  TYPE       URL
    ✓  official  anthropic  http://127.0.0.1:[port]/a/very/long/path/to/the/messages/api
    ✓  中转站    anthropic  http://127.0.0.1:[port]
    ");
}

#[test]
fn on_a_narrow_terminal_a_row_is_a_block() {
    let home = Home::with(SHOWN);
    home.json(&["proxy", "start"]);
    let text = shown(&home, 30, &["proxy", "status"]);
    assert_snapshot!(text.split_once("\n\n").unwrap().1, @r"
    provider: ✓ official
    type: anthropic
    url: http://127.0.0.1:[port]/a/very/long/path/to/the/messages/api

    provider: ✓ 中转站
    type: anthropic
    url: http://127.0.0.1:[port]
    next: `qcc run -- claude`, or `qcc env` for the variables
    ");
}

#[test]
fn columns_of_the_environment_win_on_a_terminal_only() {
    let home = Home::empty();
    let mut command = qcc(&home, &["drill", "--list"]);
    command.env("COLUMNS", "50");
    let (seen, _status) = Terminal::start(command, 200).end();
    let plain = anstream::adapter::strip_str(&seen).to_string();
    assert!(plain.lines().all(|line| line.chars().count() <= 50), "{plain}");
    let piped = home.sh(r#"COLUMNS=50 "$QCC" drill --list"#).out;
    assert!(piped.lines().any(|line| line.chars().count() > 50), "{piped}");
}

#[test]
fn no_color_is_obeyed_on_a_terminal() {
    let home = Home::with(SHOWN);
    for (name, value, arguments) in
        [("NO_COLOR", "1", &["config", "validate"] as &[_]), ("A", "b", &["config", "validate", "--color", "never"])]
    {
        let mut command = qcc(&home, arguments);
        command.env(name, value);
        let (seen, status) = Terminal::start(command, 80).end();
        assert!(status.success());
        assert!(seen.contains("✓") && !seen.contains('\u{1b}'), "{seen}");
    }
}

#[test]
fn wrong_usage_is_a_document_too_when_one_is_wanted() {
    let home = Home::empty();
    let ended = home.qcc(&["proxy", "sart", "--json"]);
    assert_eq!(ended.code, Some(2));
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["error"]["message"], "unknown command `sart`");
    assert_eq!(document["error"]["hint"], "did you mean `qcc proxy start`?");
    assert!(ended.err.starts_with("error: unknown command `sart`\nhint: "), "{}", ended.err);
}

#[test]
fn a_group_without_a_command_shows_its_help_or_a_document() {
    let home = Home::empty();
    let ended = home.qcc(&["proxy"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("Commands:") && ended.out.is_empty(), "{}{}", ended.out, ended.err);
    assert_eq!(
        home.json(&["--color", "never", "proxy"])["error"]["message"],
        "`qcc proxy` needs to be told what to do"
    );
}

#[test]
fn what_is_no_command_line_is_told_in_the_colour_that_was_asked_for() {
    let home = Home::empty();
    assert!(home.qcc(&["--color=always", "sart"]).err.contains("\u{1b}["));
    assert!(!home.qcc(&["sart"]).err.contains('\u{1b}'));
}

#[test]
fn the_completions_are_a_script_that_bash_understands() {
    let home = Home::empty();
    fs::write(home.path("qcc.bash"), home.qcc(&["completions", "bash"]).out).unwrap();
    let script = r"
        . ./qcc.bash
        COMP_WORDS=(qcc proxy st) COMP_CWORD=2
        _qcc qcc st proxy
        echo ${COMPREPLY[@]}
    ";
    let ended = home.command("bash").args(["--norc", "-c", script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "start stop status\n", "{ended:?}");
}

#[test]
fn the_completions_of_each_shell_are_one_document_with_json() {
    let home = Home::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish", "nu"] {
        let document = home.json(&["completions", shell]);
        assert_eq!(document["shell"], shell);
        assert!(document["script"].as_str().unwrap().contains("restart"), "{shell}");
    }
}

#[test]
fn the_help_of_completions_says_where_to_put_them() {
    assert_snapshot!(Home::empty().qcc(&["completions", "--help"]).out, @r"
    Print the script that completes qcc's commands in your shell

    Usage: qcc completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  Shell to print for [possible values: bash, zsh, fish, powershell, elvish, nu]

    Options:
          --config <FILE>  Configuration file instead of the usual one (also: QCC_CONFIG)
          --json           Print one JSON document instead of text
          --color <WHEN>   Colour the output; auto: on a terminal, unless NO_COLOR is set [default:
                           auto] [possible values: auto, always, never]
      -h, --help           Print help

    Where to put it, and how to have it in every new shell:
      bash        qcc completions bash > ~/.local/share/bash-completion/completions/qcc
                  (make the folder first; needs the package bash-completion)
      zsh         in ~/.zshrc, after compinit: source <(qcc completions zsh)
      fish        qcc completions fish > ~/.config/fish/completions/qcc.fish
      powershell  in $PROFILE: qcc completions powershell | Out-String | Invoke-Expression
      elvish      in ~/.config/elvish/rc.elv: eval (qcc completions elvish | slurp)
      nu          qcc completions nu | save -f ($nu.default-config-dir | path join qcc.nu)
                  and in config.nu: source qcc.nu

    Run it again after an upgrade where it was written to a file.
    ");
}
