//! The command line as types: what can be typed, and the help that explains it. No behaviour is decided here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use qcc_config::Level;

mod config;
mod health;
pub(crate) mod setup;

pub(crate) use config::{Config, Export, Import, ImportKind, List};
pub(crate) use health::{Health, HealthConfig};

/// One gateway in front of many LLM providers, so that they look like a single reliable one.
#[derive(Debug, Parser)]
#[command(name = "qcc", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Without a command: whether the gateway runs, and what to do next.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Configuration file instead of the usual one (also: QCC_CONFIG)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour the output; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the first configuration file
    Init(setup::Init),
    /// Add a provider with a profile of its name, or an empty profile
    Add(setup::Add),
    /// Show profiles and providers
    List,
    /// Put a profile before all tiers (the same as `priority switch`)
    Use {
        /// Name of the profile, or its beginning; `auto` ends it
        profile: String,
    },
    /// Remove a profile or provider that nothing refers to
    Remove(setup::Remove),
    /// Choose which providers are in a profile
    #[command(subcommand)]
    Endpoint(setup::Endpoint),
    /// Choose which profile is asked first, and when that changes
    #[command(subcommand)]
    Priority(setup::Priority),
    /// Check providers, and show how well they are
    #[command(subcommand)]
    Health(Health),
    /// Show the vendors whose address is known
    Presets,
    /// Show who is asked for a model, and under which name
    Models {
        /// Models as a client asks for them [default: those that Claude Code asks for]
        #[arg(value_name = "MODEL")]
        models: Vec<String>,
    },
    /// Start, stop and watch the gateway
    #[command(subcommand)]
    Proxy(Proxy),
    /// Show how each provider is and what it did lately
    Stats {
        /// Hours to look back, 1 to 720
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
        hours: u32,
    },
    /// Show what became of a request: who was tried, who was passed over, and why
    Explain {
        /// Id of the request, or its beginning
        request_id: String,
    },
    /// Run a command with its LLM traffic going through the gateway
    Run(Run),
    /// Print the variables that point a client at the gateway
    Env(Env),
    /// Lead every Claude Code of yours through qcc, and undo that
    #[command(subcommand)]
    Claude(Claude),
    /// Check the configuration and reach every provider, without spending money
    Test,
    /// Find what is wrong and name the command that fixes it
    Doctor,
    /// Read, change, check, copy and take back the configuration
    #[command(subcommand)]
    Config(Config),
    /// Play every known fault of providers against the real gateway: no key, no network, no file
    Drill(Drill),
    /// Print the script that completes qcc's commands in your shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(Completions),
    /// The background half of `proxy start`. Not for people: it reports over its standard output.
    #[command(name = "__serve", hide = true)]
    Serve(Serve),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Proxy {
    /// Start the gateway in the background
    Start(Start),
    /// Stop the gateway once its running requests have ended
    Stop,
    /// Stop and start again with the same flags
    Restart(Listen),
    /// Show whether it runs, where, and how its providers are
    Status,
    /// Show its log
    Logs(Logs),
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Stay in this terminal, log to it, stop on Ctrl-C
    #[arg(long)]
    pub(crate) foreground: bool,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

/// Where to listen, over what the configuration says.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Listen {
    /// Listen host, over `proxy.host`
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Listen port, over `proxy.port`; 0 lets the system choose
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Leave the caller's session first.
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Go on showing lines as they are written
    #[arg(long, short = 'f')]
    pub(crate) follow: bool,
    /// Lines to show, after the filters
    #[arg(long = "lines", short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) lines: usize,
    /// Least level to show
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) level: Option<LogLevel>,
    /// Show only lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub(crate) grep: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// Shell to print for; the one in SHELL by default
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Shell>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Claude {
    /// Set qcc's variables in Claude Code's settings.json
    Connect(ClaudeChange),
    /// Give the settings back as they were
    Disconnect(ClaudeChange),
    /// Show whether Claude Code is connected, and what would come back
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct ClaudeChange {
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Play only this fault; may be given several times
    #[arg(long, value_name = "FAULT")]
    pub(crate) only: Vec<String>,
    /// List the faults and what is promised for each
    #[arg(long)]
    pub(crate) list: bool,
}

/// Where each shell looks for such a script.
const COMPLETIONS_HELP: &str = "\
Where to put it, and how to have it in every new shell:
  bash        qcc completions bash > ~/.local/share/bash-completion/completions/qcc
              (make the folder first; needs the package bash-completion)
  zsh         in ~/.zshrc, after compinit: source <(qcc completions zsh)
  fish        qcc completions fish > ~/.config/fish/completions/qcc.fish
  powershell  in $PROFILE: qcc completions powershell | Out-String | Invoke-Expression
  elvish      in ~/.config/elvish/rc.elv: eval (qcc completions elvish | slurp)
  nu          qcc completions nu | save -f ($nu.default-config-dir | path join qcc.nu)
              and in config.nu: source qcc.nu

Run it again after an upgrade where it was written to a file.";

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Shell to print for
    #[arg(value_enum)]
    pub(crate) shell: CompletionShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    Elvish,
    #[value(alias = "nushell")]
    Nu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    Cmd,
    #[value(alias = "nushell")]
    Nu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    Info,
    #[value(alias = "warning")]
    Warn,
    Error,
}

// === impl LogLevel ===

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::Trace,
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}
