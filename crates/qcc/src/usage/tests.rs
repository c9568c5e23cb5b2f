//! What people type by mistake, and what they are told.

use clap::Parser;
use insta::assert_snapshot;

use super::*;

/// Both lines of the failure and the usage, for a command line behind `qcc`.
fn told(line: &str) -> String {
    let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    let all = std::iter::once(OsString::from("qcc")).chain(arguments.iter().cloned());
    let error = Cli::try_parse_from(all).unwrap_err();
    let (failure, usage) = explain(&error, &arguments);
    assert_eq!(failure.exit(), 2);
    format!("{failure}\n{usage}")
}

#[test]
fn a_mistyped_command_is_answered_with_the_whole_right_one() {
    assert_snapshot!(told("proxy sart"), @r"
    error: unknown command `sart`
    hint: did you mean `qcc proxy start`?
    usage: qcc proxy [OPTIONS] <COMMAND>
    ");
    assert_snapshot!(told("tset"), @r"
    error: unknown command `tset`
    hint: did you mean `qcc test`?
    usage: qcc [OPTIONS] [COMMAND]
    ");
}

#[test]
fn a_command_of_another_group_is_found() {
    assert_snapshot!(told("start"), @r"
    error: unknown command `start`
    hint: did you mean `qcc proxy start`?
    usage: qcc [OPTIONS] [COMMAND]
    ");
    assert_snapshot!(told("--config x.yaml --color never validate"), @r"
    error: unknown command `validate`
    hint: did you mean `qcc config validate`?
    usage: qcc [OPTIONS] [COMMAND]
    ");
}

#[test]
fn a_hidden_command_is_never_suggested() {
    assert!(!told("serve").contains("__serve"), "{}", told("serve"));
    assert!(!told("__serv").contains("__serve"), "{}", told("__serv"));
}

#[test]
fn a_word_like_no_other_leads_to_the_help() {
    assert_snapshot!(told("xyzzy"), @r"
    error: unknown command `xyzzy`
    hint: `qcc --help` lists its commands
    usage: qcc [OPTIONS] [COMMAND]
    ");
}

#[test]
fn a_mistyped_option_is_answered_with_the_right_one() {
    assert_snapshot!(told("proxy logs --line 3"), @r"
    error: unknown option `--line`
    hint: did you mean `--lines`?
    usage: qcc proxy logs --lines <N>
    ");
    assert_snapshot!(told("proxy status --frobnicate"), @r"
    error: unknown option `--frobnicate`
    hint: `qcc proxy status --help` shows how it is used
    usage: qcc proxy status [OPTIONS]
    ");
}

#[test]
fn one_argument_too_many_is_named() {
    assert_snapshot!(told("proxy status now"), @r"
    error: unexpected argument `now`
    hint: `qcc proxy status --help` shows how it is used
    usage: qcc proxy status [OPTIONS]
    ");
}

#[test]
fn a_value_that_is_none_is_answered_with_those_that_are() {
    assert_snapshot!(told("proxy logs --level warm"), @r"
    error: `warm` is not possible for `--level <LEVEL>`
    hint: did you mean `warn`? possible are trace, debug, info, warn, error
    usage: qcc proxy logs [OPTIONS]
    ");
    assert_snapshot!(told("proxy logs --level x"), @r"
    error: `x` is not possible for `--level <LEVEL>`
    hint: possible are trace, debug, info, warn, error
    usage: qcc proxy logs [OPTIONS]
    ");
    assert_snapshot!(told("proxy start --port many"), @r"
    error: `many` is not possible for `--port <PORT>`: invalid digit found in string
    hint: `qcc proxy start --help` shows how it is used
    usage: qcc proxy start [OPTIONS]
    ");
    assert_snapshot!(told("proxy start --port"), @r"
    error: `--port <PORT>` needs a value
    hint: `qcc proxy start --help` shows how it is used
    usage: qcc proxy start [OPTIONS]
    ");
}

#[test]
fn what_is_missing_is_named() {
    assert_snapshot!(told("run"), @r"
    error: `<COMMAND>...` is missing
    hint: `qcc run --help` shows how it is used
    usage: qcc run <COMMAND>...
    ");
    assert_snapshot!(told("completions"), @r"
    error: `<SHELL>` is missing
    hint: `qcc completions --help` shows how it is used
    usage: qcc completions <SHELL>
    ");
    assert_snapshot!(told("proxy --json"), @r"
    error: `qcc proxy` needs to be told what to do
    hint: `qcc proxy --help` lists its commands
    usage: qcc proxy [OPTIONS] <COMMAND>
    ");
}

#[test]
fn what_is_given_twice_is_named() {
    assert_snapshot!(told("proxy start --port 1 --port 2"), @r"
    error: `--port <PORT>` is given twice
    hint: `qcc proxy start --help` shows how it is used
    usage: qcc proxy start [OPTIONS]
    ");
}

#[test]
fn nothing_of_the_command_line_can_steer_the_terminal() {
    assert!(!told("pro\u{1b}[31mxy").contains('\u{1b}'));
    assert!(!told("proxy logs --level \u{1b}[31m").contains('\u{1b}'));
}

#[test]
fn json_is_seen_before_a_double_dash_only() {
    let json = |line: &str| output(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()).json;
    assert!(json("proxy --json sart"));
    assert!(!json("run -- claude --json"));
}

#[test]
fn the_wish_for_colour_is_seen_in_both_forms() {
    let chosen = |line: &str| output(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()).colours_stderr();
    assert!(chosen("--color always sart"));
    assert!(chosen("sart --color=always"));
    assert!(!chosen("sart --color=never"));
}
