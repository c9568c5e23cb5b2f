//! What can be typed after `qcc health`.

use clap::{ArgAction, Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Health {
    /// Ask providers now, and their models a question that costs about 50 tokens
    Check {
        /// Name of a provider, or its beginning; without it all of them
        id: Option<String>,
        /// Only what costs nothing
        #[arg(long)]
        free: bool,
    },
    /// Show how well every provider is, and when it is checked next
    Status,
    /// Show the latest checks of a provider
    History {
        /// Name of a provider, or its beginning
        id: String,
        /// Checks to show, newest first, at most 1000
        #[arg(long = "lines", short = 'n', value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        lines: u32,
    },
    /// Show or change how providers are checked
    Config(HealthConfig),
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct HealthConfig {
    /// Time between two free checks of a provider: seconds, or a number with ms, s, m, h, d; 0: no checks at all
    #[arg(long, value_name = "S")]
    pub(crate) interval: Option<String>,
    /// Let weights follow health
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "disable_weight_adjustment")]
    pub(crate) enable_weight_adjustment: bool,
    /// Leave weights as they are written
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "enable_weight_adjustment")]
    pub(crate) disable_weight_adjustment: bool,
    /// Requests and checks that are needed before weights change, 1 to 1000
    #[arg(long, value_name = "N")]
    pub(crate) min_checks: Option<u32>,
}
