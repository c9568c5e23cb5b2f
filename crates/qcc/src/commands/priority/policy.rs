//! `qcc priority policy`: when a tier is left and returned to. The flags are other names of four keys of the file.

use qcc_config::edit::{Document, Edit, Node};
use qcc_config::key;
use serde_json::{Map, Value, json};

use crate::cli::setup::Policy;
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::table::{Cell, table};

/// The keys, with what each one is called in the policy.
const KEYS: [(&str, &str); 4] = [
    ("failover.auto", "auto failover"),
    ("failover.recovery", "auto recovery"),
    ("breaker.failure_threshold", "failure threshold"),
    ("failover.cooldown", "cooldown"),
];

pub(super) fn run(context: &Context, policy: &Policy) -> Outcome {
    let wanted = wanted(policy);
    if wanted.is_empty() {
        return show(context);
    }
    let changed = edits::change(context, "priority policy", |document| {
        wanted.iter().map(|(name, text)| edit(document, name, text)).collect()
    })?;
    let words: Vec<String> = wanted.iter().map(|(name, text)| format!("{} {text}", called(name))).collect();
    let about = json!({ "policy": document(&edits::document(context)?)? });
    edits::tell(context, &changed, &words.join(", "), about)
}

/// What the flags ask for, as keys and texts.
fn wanted(policy: &Policy) -> Vec<(&'static str, String)> {
    let switch = |yes: bool, no: bool| (yes || no).then(|| yes.to_string());
    let seconds = |text: &String| {
        let number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if number && text != "0" { format!("{text}s") } else { text.clone() }
    };
    let [auto, recovery, threshold, cooldown] = KEYS.map(|(name, _)| name);
    [
        (auto, switch(policy.auto_failover, policy.no_auto_failover)),
        (recovery, switch(policy.auto_recovery, policy.no_auto_recovery)),
        (threshold, policy.failure_threshold.map(|number| number.to_string())),
        (cooldown, policy.cooldown.as_ref().map(seconds)),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text?)))
    .collect()
}

fn called(name: &str) -> &str {
    KEYS.iter().find(|(key, _)| *key == name).map_or(name, |(_, called)| called)
}

fn edit(document: &Document, name: &str, text: &str) -> Result<Edit, Failure> {
    let unfit = |unfit: qcc_config::Unfit| Failure::usage(format!("{}: {}", called(name), unfit.message), unfit.hint);
    let key = key(name, document).map_err(unfit)?;
    let value = key.value(text).map_err(unfit)?;
    Ok(Edit::Set { path: key.path, value })
}

fn show(context: &Context) -> Outcome {
    let all = document(&edits::document(context)?)?;
    if context.output.json {
        context.output.document(&json!({ "policy": all }))?;
        return Ok(OK);
    }
    let rows: Vec<Vec<Cell>> = KEYS
        .iter()
        .map(|(name, called)| {
            let value = all.get(*name).and_then(Value::as_str).unwrap_or_default();
            vec![Cell::new(called), Cell::new(value), Cell::styled(name, owo_colors::Style::new().dimmed())]
        })
        .collect();
    context.output.data(table(&rows))?;
    Ok(OK)
}

/// Every key of the policy with its value in force.
fn document(document: &Document) -> Result<Map<String, Value>, Failure> {
    let mut all = Map::new();
    for (name, _) in KEYS {
        let key = key(name, document).map_err(|unfit| Failure::new(unfit.message, unfit.hint))?;
        let written = document.get(&key.path).and_then(Node::as_text).map(str::to_owned);
        all.insert(name.to_owned(), json!(written.or(key.default)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn typed(flags: &[&str]) -> Vec<(&'static str, String)> {
        let cli = Cli::try_parse_from(["qcc", "priority", "policy"].iter().chain(flags)).unwrap();
        match cli.command {
            Some(Command::Priority(crate::cli::setup::Priority::Policy(policy))) => wanted(&policy),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_number_of_seconds_and_a_duration_are_both_cooldowns() {
        assert_eq!(typed(&["--cooldown", "300"]), [("failover.cooldown", "300s".to_owned())]);
        assert_eq!(typed(&["--cooldown", "5m"]), [("failover.cooldown", "5m".to_owned())]);
        assert_eq!(typed(&["--cooldown", "0"]), [("failover.cooldown", "0".to_owned())]);
    }

    #[test]
    fn the_last_of_two_opposite_switches_counts() {
        assert_eq!(typed(&["--auto-failover", "--no-auto-failover"]), [("failover.auto", "false".to_owned())]);
        assert_eq!(typed(&["--no-auto-recovery", "--auto-recovery"]), [("failover.recovery", "true".to_owned())]);
    }

    #[test]
    fn without_flags_nothing_is_wanted() {
        assert_eq!(typed(&[]), []);
    }
}
