//! What can be typed after `qcc config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// Commands over the configuration as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print the value of a key that counts, or all keys of a section
    Get {
        /// Dotted key, such as proxy.port or providers.relay.base_url
        key: String,
    },
    /// Give a key a value
    Set {
        /// Dotted key, such as proxy.port or providers.relay.base_url
        key: String,
        /// The value; a list as a,b; - reads it from standard input, which keeps it out of the shell's history
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// List keys with their values and where these come from
    List(List),
    /// Go back to the default of a key, or of all settings
    Reset {
        /// Dotted key or section; without it all settings, but no provider, profile or route
        key: Option<String>,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Write the configuration to another file, without its secrets
    Export(Export),
    /// Put another file in place of the configuration, or add what another program's set-up says
    Import(Import),
    /// Check a configuration file
    Validate {
        /// File to check; the one in use by default
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
    /// List the versions of the file, or show what one of them changed
    History {
        /// Version to show
        number: Option<u64>,
    },
    /// Take the newest change back, or go back to a version
    Rollback {
        /// Version to go back to; the one before the newest change by default
        number: Option<u64>,
    },
}

/// `config list`
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only the keys that begin so, such as proxy or providers.relay
    pub(crate) prefix: Option<String>,
    /// Only the keys that the file sets
    #[arg(long)]
    pub(crate) set: bool,
}

/// `config export`
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// File to write; - prints to standard output
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Keep credentials and comments as they are
    #[arg(long)]
    pub(crate) with_secrets: bool,
    /// Replace a file that exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// `config import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// File to read; - reads standard input; without it, --from env reads the environment
    #[arg(value_hint = ValueHint::FilePath, required_unless_present = "from")]
    pub(crate) file: Option<PathBuf>,
    /// Add the provider that another program's set-up describes, instead of replacing the configuration
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) from: Option<ImportKind>,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportKind {
    /// The variables of claude-code-proxy (OPENAI_API_KEY, BIG_MODEL, ...) of a .env file, or of the environment
    Env,
}
