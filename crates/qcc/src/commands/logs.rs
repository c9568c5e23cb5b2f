//! `qcc proxy logs`: what the gateway wrote, for people, or line by line as it is with `--json`.
//!
//! The exception to "one document": a log is a stream of JSON lines, and tools that read logs want exactly that.

use std::time::Duration;

use qcc_config::Level;
use regex::Regex;
use serde::Deserialize;

use crate::cli::Logs;
use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::output::harmless;
use crate::tail::{self, Follower};

/// How often a followed log is looked at: often enough to feel immediate, too seldom to be noticed as load.
const LOOK: Duration = Duration::from_millis(150);

/// What decides whether a line is shown.
struct Filter {
    level: Option<Level>,
    pattern: Option<Regex>,
}

pub(crate) fn run(context: &Context, logs: &Logs) -> Outcome {
    let filter = Filter::new(logs)?;
    let path = &context.locations.log;
    let (lines, follower) = tail::last(path, logs.lines, &|line| filter.keeps(line))
        .map_err(|error| Failure::file("read", path, &error))?;
    if lines.is_empty() && !path.exists() {
        context.output.note(format_args!("nothing was logged yet: {} does not exist", path.display()));
    }
    for line in &lines {
        show(context, line)?;
    }
    if logs.follow {
        follow(context, &filter, follower)?;
    }
    Ok(OK)
}

/// Until the reader goes or the user ends it.
fn follow(context: &Context, filter: &Filter, mut follower: Follower) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Failure::bare(format!("cannot keep time: {error}")))?;
    runtime.block_on(async {
        let mut clock = tokio::time::interval(LOOK);
        loop {
            clock.tick().await;
            let fresh = follower.fresh().map_err(|error| Failure::file("read", &context.locations.log, &error))?;
            for line in fresh.iter().filter(|line| filter.keeps(line)) {
                show(context, line)?;
            }
        }
    })
}

fn show(context: &Context, line: &str) -> Result<(), Failure> {
    let output = context.output;
    if output.json {
        return output.data(line);
    }
    match qcc_server::render(line, output.colours_stdout()) {
        Some(text) => output.data(text),
        None => output.data(harmless(line)),
    }
}

/// The one field that the filter asks for.
#[derive(Deserialize)]
struct Leveled<'a> {
    level: &'a str,
}

// === impl Filter ===

impl Filter {
    fn new(logs: &Logs) -> Result<Self, Failure> {
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|error| {
                // The last line of the library's message is the reason; the ones before draw the pattern.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Failure::usage(
                    format!("`{pattern}` is not a regular expression: {reason}"),
                    "write a backslash before a character that is meant as it is, such as \\(",
                )
            })
        };
        Ok(Self { level: logs.level.map(Level::from), pattern: logs.grep.as_ref().map(compile).transpose()? })
    }

    /// Whether the line is important enough, and matches as it is stored or as it is shown.
    fn keeps(&self, line: &str) -> bool {
        let important = self.level.is_none_or(|least| level_of(line).is_some_and(|level| level >= least));
        let matches = |pattern: &Regex| {
            pattern.is_match(line) || qcc_server::render(line, false).is_some_and(|shown| pattern.is_match(&shown))
        };
        important && self.pattern.as_ref().is_none_or(matches)
    }
}

/// What is no log line has no level.
fn level_of(line: &str) -> Option<Level> {
    match serde_json::from_str::<Leveled<'_>>(line).ok()?.level {
        "trace" => Some(Level::Trace),
        "debug" => Some(Level::Debug),
        "info" => Some(Level::Info),
        "warn" => Some(Level::Warn),
        "error" => Some(Level::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::LogLevel;

    use super::*;

    const LINE: &str =
        r#"{"time":"2026-11-20T10:00:00.000Z","level":"warn","event":"attempt_failed","provider":"relay"}"#;

    fn filter(level: Option<LogLevel>, grep: Option<&str>) -> Result<Filter, Failure> {
        Filter::new(&Logs { follow: false, lines: 50, level, grep: grep.map(str::to_owned) })
    }

    #[test]
    fn a_level_lets_the_more_important_through() {
        let keeps = |level| filter(Some(level), None).unwrap().keeps(LINE);
        assert_eq!(
            [LogLevel::Trace, LogLevel::Info, LogLevel::Warn, LogLevel::Error].map(keeps),
            [true, true, true, false]
        );
    }

    #[test]
    fn a_pattern_matches_the_line_as_stored_and_as_shown() {
        let keeps = |pattern| filter(None, Some(pattern)).unwrap().keeps(LINE);
        assert!(keeps(r#""provider":"relay""#));
        assert!(keeps("attempt failed +provider=relay"));
        assert!(!keeps("provider=other"));
    }

    #[test]
    fn what_is_no_log_line_is_shown_only_without_a_level() {
        assert!(filter(None, None).unwrap().keeps("thread panicked"));
        assert!(!filter(Some(LogLevel::Trace), None).unwrap().keeps("thread panicked"));
    }

    #[test]
    fn a_broken_pattern_is_wrong_usage() {
        let Err(failure) = filter(None, Some("a(")) else { panic!("accepted") };
        assert_eq!(failure.exit(), 2);
        assert!(failure.to_string().contains("unclosed group"));
    }
}
