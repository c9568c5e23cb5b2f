//! Differences between versions on the terminal and in documents.

use owo_colors::Style;
use qcc_config::{Diff, DiffLine, Sign};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Failure;
use crate::table::Cell;

/// Prints a difference: `-` before a line that is gone, `+` before a new one.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn show(context: &Context, diff: &Diff) -> Result<(), Failure> {
    let widest = diff.lines.iter().map(|line| line.number.to_string().len()).max().unwrap_or_default();
    for line in &diff.lines {
        context.output.data(cell(line, widest))?;
    }
    Ok(())
}

fn cell(line: &DiffLine, widest: usize) -> Cell {
    let (mark, style) = match line.sign {
        Sign::Same => (' ', Style::new()),
        Sign::Removed => ('-', Style::new().red()),
        Sign::Added => ('+', Style::new().green()),
        Sign::Gap => return Cell::styled("...", Style::new().dimmed()),
    };
    let text = format!("{:>widest$} {mark} {}", line.number, line.text);
    Cell::styled(text.trim_end(), style)
}

/// The same for `--json`; gaps are seen by the numbers.
pub(super) fn document(diff: &Diff) -> Value {
    let word = |sign| match sign {
        Sign::Same => Some("same"),
        Sign::Removed => Some("removed"),
        Sign::Added => Some("added"),
        Sign::Gap => None,
    };
    let line = |line: &DiffLine| Some(json!({ "change": word(line.sign)?, "line": line.number, "text": line.text }));
    diff.lines.iter().filter_map(line).collect()
}
