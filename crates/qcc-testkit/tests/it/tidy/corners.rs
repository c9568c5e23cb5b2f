//! The table of corner cases tells the truth: every number is in it once, and every test that it names exists.

use std::collections::HashSet;

use super::rules::{Complaint, complaint};
use super::{files, lines, none, sources};

/// The last number of the list of cases that comments of tests count by.
const CASES: usize = 66;

/// Rows of a table `| case | what | tests |`: each case once, each with tests that exist or a reason why it needs none.
fn cases(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut due = 1;
    for (at, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, tests] = cells[..] else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        if number != due {
            complaints.push(complaint(path, at + 1, format!("case {due} should stand here")));
        }
        due = number + 1;
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !tests.starts_with("does not apply: ") {
            complaints.push(complaint(path, at + 1, "neither a test nor `does not apply: ` and why".to_owned()));
        }
        let missing = named.into_iter().filter(|name| !exists(name));
        complaints.extend(missing.map(|name| complaint(path, at + 1, format!("there is no test `{name}`"))));
    }
    if due != CASES + 1 {
        complaints.push(complaint(path, text.lines().count(), format!("the last case is {CASES}")));
    }
    complaints
}

#[test]
fn every_corner_case_has_tests_that_exist_or_a_reason() {
    let sources = sources();
    let names = sources.iter().flat_map(|(_, text)| text.split("fn ").skip(1));
    let names: HashSet<&str> = names.filter_map(|rest| rest.split('(').next()).collect();
    let page = files("docs", "md", false).into_iter().find(|(path, _)| path.ends_with("corner-cases.md"));
    let (path, text) = page.expect("docs/corner-cases.md");
    none(cases(&path, &text, |name| names.contains(name)));
}

#[test]
fn a_case_that_is_missing_or_untested_is_found() {
    let row = |number: usize| match number {
        3 => "| 3 | c | does not apply: it is not there |\n".to_owned(),
        number => format!("| {number} | x | `there`, `there` |\n"),
    };
    let table = |rows: &mut dyn Iterator<Item = usize>| rows.map(row).collect::<String>();
    let found = |text: &str| lines(&cases("a.md", text, |name| name == "there"));
    let whole = table(&mut (1..=CASES));
    assert!(found(&whole).is_empty());
    assert_eq!(found(&table(&mut (1..CASES))), [CASES - 1]);
    assert_eq!(found(&table(&mut (1..=CASES).filter(|number| *number != 7))), [7]);
    assert_eq!(found(&whole.replace("| 9 | x | `there`, `there` |", "| 9 | x | `there`, `gone` |")), [9]);
    assert_eq!(found(&whole.replace("does not apply: ", "")), [3]);
}
