//! The report for people: one block per check with its name at the left, findings beside it, and under each the words
//! that mend it. Sentences are broken at the width of the terminal; commands never are, so that they can be copied.

use owo_colors::{OwoColorize, Style};

use crate::output::{count, harmless};

use super::finding::{Finding, Fix, State};

/// Columns of the names of checks, the longest of which is `configuration`, and what follows them.
const LABEL: usize = 15;

/// Columns of a mark.
const MARK: usize = 2;

/// What stands before the words that mend.
const FIX: &str = "fix: ";

/// Columns that even a long command leaves free at the left.
const LEAST: usize = 2;

/// Where a terminal is narrower, breaking lines makes it worse.
const NARROWEST: usize = 50;

/// Longer lines are hard to read.
const WIDEST: usize = 110;

/// The findings of one check.
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) findings: Vec<Finding>,
}

/// The whole report. `width`: columns of the terminal; `None` breaks no lines.
pub(super) fn report(groups: &[Group], width: Option<usize>) -> String {
    let room = width.filter(|width| *width >= NARROWEST).map(|width| width.min(WIDEST) - LABEL - MARK);
    let blocks = groups.iter().filter(|group| !group.findings.is_empty()).map(|group| block(group, room));
    let all = || groups.iter().flat_map(|group| &group.findings);
    blocks.chain([String::new(), summary(all())]).collect::<Vec<_>>().join("\n")
}

fn block(group: &Group, room: Option<usize>) -> String {
    let mut lines = Vec::new();
    for finding in &group.findings {
        for (at, line) in broken(&harmless(&finding.message), room).into_iter().enumerate() {
            let label = if lines.is_empty() { group.label } else { "" };
            let mark = if at == 0 { mark(finding.state) } else { " ".to_owned() };
            lines.push(format!("{}{mark} {}", format!("{label:LABEL$}").bold(), line.style(tone(finding.state))));
        }
        lines.extend(finding.fix.iter().flat_map(|fix| mending(fix, room)));
    }
    lines.join("\n")
}

/// `fix: ` and what to do, under the text of its finding. A line that would be too long begins further to the left.
fn mending(fix: &Fix, room: Option<usize>) -> Vec<String> {
    let room = room.map(|room| room - FIX.len());
    let texts = match fix {
        Fix::Run(command) => vec![harmless(command)],
        Fix::Do(sentence) => broken(&harmless(sentence), room),
    };
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let outdent = room.map_or(0, |room| longest.saturating_sub(room));
    let indent = " ".repeat((LABEL + MARK).saturating_sub(outdent).max(LEAST));
    let name = |at: usize| if at == 0 { FIX.cyan().bold().to_string() } else { " ".repeat(FIX.len()) };
    texts.iter().enumerate().map(|(at, text)| format!("{indent}{}{text}", name(at))).collect()
}

fn mark(state: State) -> String {
    match state {
        State::Ok => "✓".green().to_string(),
        State::Warning => "!".yellow().bold().to_string(),
        State::Problem => "✗".red().bold().to_string(),
        State::Skipped => "–".dimmed().to_string(),
    }
}

fn tone(state: State) -> Style {
    if state == State::Skipped { Style::new().dimmed() } else { Style::new() }
}

/// What it comes to.
fn summary<'f>(findings: impl Iterator<Item = &'f Finding> + Clone) -> String {
    let number = |state| findings.clone().filter(|finding| finding.state == state).count();
    let (problems, warnings) = (number(State::Problem), number(State::Warning));
    match (problems, warnings) {
        (0, 0) => "nothing is wrong".green().to_string(),
        (0, _) => format!("{}, {}", "no problem".green(), count(warnings, "warning").yellow()),
        (_, 0) => count(problems, "problem").red().bold().to_string(),
        _ => format!("{}, {}", count(problems, "problem").red().bold(), count(warnings, "warning").yellow()),
    }
}

/// Text in lines of at most `room` characters, broken at blanks but not within a command. What is longer by itself keeps
/// its line to itself.
fn broken(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for part in parts(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + part.chars().count() <= room => {
                line.push(' ');
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}

/// The words of a text; a command in backquotes counts as one.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut in_command = false;
    for word in text.split(' ') {
        match parts.last_mut() {
            Some(part) if in_command => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
        in_command ^= word.matches('`').count() % 2 == 1;
    }
    parts
}

#[cfg(test)]
mod tests;
