//! `qcc health config`: how providers are checked. The flags are other names of keys of the file.

use crate::cli::HealthConfig;
use crate::commands::keyed::{Keys, Wanted, seconds, switched};
use crate::context::Context;
use crate::failure::Outcome;

const CHECKS: Keys = Keys {
    command: "health config",
    about: "health",
    keys: &[
        ("health.interval", "free checks every"),
        ("health.timeout", "longest wait"),
        ("health.conversation_interval", "paid checks every"),
        ("health.model", "model of paid checks"),
        ("health.daily_limit", "paid checks a day"),
        ("health.weight_adjustment", "weights follow health"),
        ("health.min_checks", "checks before that"),
    ],
};

pub(super) fn run(context: &Context, flags: &HealthConfig) -> Outcome {
    CHECKS.run(context, &wanted(flags))
}

/// What the flags ask for, as keys and texts.
fn wanted(flags: &HealthConfig) -> Wanted {
    let weights = switched(flags.enable_weight_adjustment, flags.disable_weight_adjustment);
    [
        ("health.interval", flags.interval.as_deref().map(seconds)),
        ("health.weight_adjustment", weights),
        ("health.min_checks", flags.min_checks.map(|number| number.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text?)))
    .collect()
}
