//! A change may not add a fault. What is at fault already stays the user's business: a variable that is not set in this
//! shell must not be in the way of an edit elsewhere, and a file with many faults can be mended one by one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{ConfigError, Problem};
use crate::{Env, Loaded, parse};

/// Characters of a line that are worth repeating in a message.
const SHORT: usize = 80;

/// What `after` means; `None` where it has only faults that `before` has, too.
///
/// # Errors
/// The faults that are new.
pub(super) fn no_new(
    path: &Path,
    before: Option<&str>,
    after: &str,
    env: Env<'_>,
) -> Result<Option<Loaded>, ConfigError> {
    let error = match parse(after, path, env) {
        Ok(loaded) => return Ok(Some(loaded)),
        Err(error) => error,
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for problem in before.and_then(|before| parse(before, path, env).err()).into_iter().flat_map(|error| error.problems)
    {
        *known.entry(essence(&problem.message)).or_default() += 1;
    }
    let mut new = Vec::new();
    for problem in error.problems {
        match known.get_mut(&essence(&problem.message)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => new.push(unwritten(problem, before.is_some())),
        }
    }
    if new.is_empty() { Ok(None) } else { Err(super::faults_of(path, new)) }
}

/// A message without the numbers of lines, which an edit above changes.
fn essence(message: &str) -> String {
    let mut parts = message.split(" line ");
    let mut essence = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        essence.push_str(" line ");
        essence.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    essence
}

/// The fault of a text that is not in the file, so that its line is shown and not its number.
fn unwritten(problem: Problem, exists: bool) -> Problem {
    let line = problem.source.as_deref().map(str::trim).filter(|line| !line.is_empty());
    let line = line.filter(|line| line.chars().count() <= SHORT).map(|line| format!(", in `{line}`"));
    let stays = if exists { "the file was not changed" } else { "no file was made" };
    let message = format!("{}{}; {stays}", problem.message, line.unwrap_or_default());
    Problem { message, line: None, column: None, source: None, mark: (0, 0), hint: problem.hint }
}
