//! The report for people: one block per check with its name at the left, findings beside it, and under each the words
//! that mend it. Sentences are broken at the width of the terminal; commands never are, so that they can be copied.

use owo_colors::{OwoColorize, Style};

use crate::output::{count, harmless};

use super::finding::{Finding, Fix, State};

/// Columns of the names of checks, the longest of which is `configuration`, and what follows them.
const LABEL: usize = 15;

/// Columns of a mark.
const MARK: usize = 2;

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
            let mark = if at == 0 { mark(finding.state) } else { " ".to_owned() };
            lines.push(format!("{mark} {}", line.style(tone(finding.state))));
        }
        lines.extend(finding.fix.iter().flat_map(|fix| mending(fix, room)));
    }
    let label = |at: usize| if at == 0 { format!("{:LABEL$}", group.label) } else { " ".repeat(LABEL) };
    let labelled = lines.iter().enumerate().map(|(at, line)| format!("{}{line}", label(at).bold()));
    labelled.collect::<Vec<_>>().join("\n")
}

/// `fix: ` and what to do, under the text of its finding.
fn mending(fix: &Fix, room: Option<usize>) -> Vec<String> {
    const NAME: &str = "fix: ";
    let texts = match fix {
        Fix::Run(command) => vec![harmless(command)],
        Fix::Do(sentence) => broken(&harmless(sentence), room.map(|room| room - NAME.len())),
    };
    let indent = " ".repeat(NAME.len());
    let name = |at: usize| if at == 0 { NAME.cyan().bold().to_string() } else { indent.clone() };
    let blank = " ".repeat(MARK);
    texts.iter().enumerate().map(|(at, text)| format!("{blank}{}{text}", name(at))).collect()
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

/// Text in lines of at most `room` characters, broken at blanks. A word that is longer keeps its line to itself.
fn broken(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
