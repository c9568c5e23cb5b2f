//! How the report looks: at a width, without one, and what is never broken.

use insta::assert_snapshot;

use super::*;

fn groups() -> Vec<Group> {
    let command = "qcc config set providers.official.auth_value '${OFFICIAL_API_KEY}'";
    vec![
        Group {
            label: "configuration",
            findings: vec![Finding::ok("/home/you/.config/qcc/config.yaml is valid: 2 providers, 2 profiles")],
        },
        Group {
            label: "keys",
            findings: vec![
                Finding::problem("official: its key is the placeholder of an example", Fix::run(command)),
                Finding::warning(
                    "one and two are one account at one host, which is a sentence that does not fit a line",
                    Fix::sentence("disable one of them with `qcc config set providers.two.enabled false`, or not"),
                ),
            ],
        },
        Group { label: "nothing", findings: Vec::new() },
        Group { label: "gateway", findings: vec![Finding::skipped("not running"), Finding::notice("a\u{1b}[2Jb")] },
    ]
}

fn plain(width: Option<usize>) -> String {
    anstream::adapter::strip_str(&report(&groups(), width)).to_string()
}

#[test]
fn at_a_width_sentences_are_broken_and_commands_are_not() {
    let shown = plain(Some(80));
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_snapshot!(shown, @r"
    configuration  ✓ /home/you/.config/qcc/config.yaml is valid: 2 providers, 2
                     profiles
    keys           ✗ official: its key is the placeholder of an example
             fix: qcc config set providers.official.auth_value '${OFFICIAL_API_KEY}'
                   ! one and two are one account at one host, which is a sentence
                     that does not fit a line
                     fix: disable one of them with
                          `qcc config set providers.two.enabled false`, or not
    gateway        – not running
                   ! a�[2Jb

    1 problem, 2 warnings
    ");
}

#[test]
fn without_a_width_each_finding_is_one_line() {
    assert_snapshot!(plain(None), @r"
    configuration  ✓ /home/you/.config/qcc/config.yaml is valid: 2 providers, 2 profiles
    keys           ✗ official: its key is the placeholder of an example
                     fix: qcc config set providers.official.auth_value '${OFFICIAL_API_KEY}'
                   ! one and two are one account at one host, which is a sentence that does not fit a line
                     fix: disable one of them with `qcc config set providers.two.enabled false`, or not
    gateway        – not running
                   ! a�[2Jb

    1 problem, 2 warnings
    ");
}

#[test]
fn a_very_narrow_terminal_breaks_lines_by_itself() {
    assert_eq!(plain(Some(NARROWEST - 1)), plain(None));
}

#[test]
fn a_command_in_backquotes_is_one_word() {
    assert_eq!(parts("say `qcc proxy start`, then wait"), ["say", "`qcc proxy start`,", "then", "wait"]);
    assert_eq!(parts("an open ` stays together"), ["an", "open", "` stays together"]);
}

#[test]
fn the_last_line_says_what_it_comes_to() {
    let last = |findings: Vec<Finding>| anstream::adapter::strip_str(&summary(findings.iter())).to_string();
    let (ok, warning) = (Finding::ok("a"), Finding::notice("b"));
    let problem = Finding::problem("c", Fix::run("d"));
    assert_eq!(last(vec![ok.clone(), Finding::skipped("e")]), "nothing is wrong");
    assert_eq!(last(vec![ok, warning.clone()]), "no problem, 1 warning");
    assert_eq!(last(vec![problem.clone(), problem.clone()]), "2 problems");
    assert_eq!(last(vec![problem, warning]), "1 problem, 1 warning");
}
