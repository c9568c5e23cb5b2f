//! `qcc priority policy`: when a tier is left and returned to. The flags are other names of four keys of the file.

use crate::cli::setup::Policy;
use crate::commands::keyed::{Keys, Wanted, seconds, switched};
use crate::context::Context;
use crate::failure::Outcome;

const POLICY: Keys = Keys {
    command: "priority policy",
    about: "policy",
    keys: &[
        ("failover.auto", "auto failover"),
        ("failover.recovery", "auto recovery"),
        ("breaker.failure_threshold", "failure threshold"),
        ("failover.cooldown", "cooldown"),
    ],
};

pub(super) fn run(context: &Context, policy: &Policy) -> Outcome {
    POLICY.run(context, &wanted(policy))
}

/// What the flags ask for, as keys and texts.
fn wanted(policy: &Policy) -> Wanted {
    [
        ("failover.auto", switched(policy.auto_failover, policy.no_auto_failover)),
        ("failover.recovery", switched(policy.auto_recovery, policy.no_auto_recovery)),
        ("breaker.failure_threshold", policy.failure_threshold.map(|number| number.to_string())),
        ("failover.cooldown", policy.cooldown.as_deref().map(seconds)),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text?)))
    .collect()
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
