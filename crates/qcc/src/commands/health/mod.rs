//! `qcc health ...`: check providers, and show what their checks and their traffic say of them.

mod check;
mod config;
mod history;
mod status;

use qcc_config::Loaded;

use crate::cli::Health;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::names;

pub(super) fn run(context: &Context, command: &Health) -> Outcome {
    match command {
        Health::Check { id, free } => check::run(context, id.as_deref(), !free),
        Health::Status => status::run(context),
        Health::History { id, lines } => history::run(context, id, *lines),
        Health::Config(flags) => config::run(context, flags),
    }
}

/// The provider that was typed.
fn provider(loaded: &Loaded, typed: &str) -> Result<String, Failure> {
    let names: Vec<&str> = loaded.config.providers.iter().map(|provider| provider.name.as_str()).collect();
    names::resolve("provider", typed, &names, "qcc list").map(str::to_owned)
}
