//! The configuration file: can it be read, and is it valid? Every fault is told with its line.

use qcc_config::Problem;

use crate::output::count;

use super::facts::Facts;
use super::finding::{Finding, Fix};

/// Faults that are told one by one; a file with more is best read with `qcc config validate`.
const SHOWN: usize = 6;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(path) = facts.file.as_ref().map(|path| path.display().to_string()) else {
        let url = facts.enabled().next().map_or("", |provider| provider.base_url.as_str());
        return vec![Finding::ok(format!("no file: requests go to {url} with the client's own credential"))];
    };
    let loaded = match &facts.loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let mut findings: Vec<Finding> =
                error.problems.iter().take(SHOWN).map(|problem| fault(problem, &path)).collect();
            if error.problems.len() > SHOWN {
                let more = count(error.problems.len() - SHOWN, "more fault");
                findings.push(Finding::problem(more, Fix::run("qcc config validate")));
            }
            return findings;
        }
    };
    let config = &loaded.config;
    let found = [count(config.providers.len(), "provider"), count(config.profiles.len(), "profile")].join(", ");
    let first = if facts.references.is_empty() {
        Finding::ok(format!("{path} is valid: {found}"))
    } else {
        Finding::skipped(format!("{path} would be valid, but it lacks what stands under keys"))
    };
    let notices = loaded.notices.iter().map(|notice| match notice.line {
        Some(line) => Finding::notice(format!("line {line}: {}", notice.message)),
        None => Finding::notice(notice.message.clone()),
    });
    std::iter::once(first).chain(notices).collect()
}

fn fault(problem: &Problem, path: &str) -> Finding {
    let hint = problem.hint.clone().unwrap_or_else(|| "see `qcc config validate`".to_owned());
    match problem.line {
        Some(line) => Finding::problem(
            format!("line {line}: {}", problem.message),
            Fix::sentence(format!("{hint} (line {line} of {path})")),
        ),
        None => Finding::problem(format!("{path}: {}", problem.message), Fix::sentence(hint)),
    }
}
