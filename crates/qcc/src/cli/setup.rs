//! What can be typed to set up providers, profiles, endpoints and priorities.

use clap::{ArgAction, Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Write the commented sample and ask nothing
    #[arg(long)]
    pub(crate) sample: bool,
}

/// What makes a provider, where it is typed in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NewProvider {
    /// Vendor whose address and form are known (`qcc presets` lists them)
    #[arg(long, value_name = "PRESET")]
    pub(crate) preset: Option<String>,
    /// Address of the provider, such as https://api.anthropic.com
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Its key: '${VAR}' or '${file:/path}' keeps it out of the file, - reads it from standard input
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) api_key: Option<String>,
    /// Dialect that it speaks [default: anthropic]
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(crate) kind: Option<DialectName>,
    /// How the key is sent [default: api_key, or what the preset says]
    #[arg(long, value_enum, value_name = "AUTH")]
    pub(crate) auth_type: Option<AuthName>,
    /// Allow the client's own credential to go to a host that is not Anthropic's
    #[arg(long)]
    pub(crate) allow_passthrough: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Name of the new profile, and of its provider where one is given
    pub(crate) name: String,
    /// What the profile is for
    #[arg(long, short = 'd', value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) provider: NewProvider,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Name of a profile or provider, or its beginning
    pub(crate) name: String,
    /// Remove the profile and keep the provider of the same name
    #[arg(long)]
    pub(crate) keep_provider: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Endpoint {
    /// Put a provider into a profile
    Add(AddEndpoint),
    /// Show the endpoints of a profile
    List {
        /// Name of the profile, or its beginning
        profile: String,
    },
    /// Take a provider out of a profile
    Remove(EndpointId),
    /// Let an endpoint take part again, and forget its cooldown and refused credential
    Enable(EndpointId),
    /// Keep an endpoint in the profile without asking it
    Disable(EndpointId),
}

#[derive(Debug, Args)]
pub(crate) struct AddEndpoint {
    /// Name of the profile, or its beginning
    pub(crate) profile: String,
    /// Reuse a provider, or every endpoint of a profile, by reference
    #[arg(long, short = 'f', value_name = "NAME", conflicts_with_all = ["preset", "base_url", "api_key", "kind", "auth_type", "name", "allow_passthrough"])]
    pub(crate) from: Option<String>,
    /// Name of the new provider [default: the preset, or the host]
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) provider: NewProvider,
    /// Share of new sessions among endpoints of the same priority, 0 to 10000 [default: 100]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) weight: Option<u32>,
    /// Lower numbers are asked first, 0 to 1000 [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(crate) priority: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct EndpointId {
    /// Name of the profile, or its beginning
    pub(crate) profile: String,
    /// Name of the provider, its beginning, or its number in `qcc endpoint list`
    pub(crate) id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Priority {
    /// Give a profile its tier
    Set {
        /// Name of the profile, or its beginning
        profile: String,
        /// When it is used
        #[arg(value_enum)]
        tier: TierName,
    },
    /// Show the tiers, and which profile serves now
    List,
    /// Put a profile before all tiers until `switch auto`
    Switch {
        /// Name of the profile, or its beginning; `auto` ends the switch
        profile: String,
    },
    /// Show when, from where, to where and why the profile changed
    History {
        /// Changes to show, newest first
        #[arg(long = "lines", short = 'n', value_name = "N", default_value_t = 20)]
        lines: u32,
    },
    /// Show or change when tiers are left and returned to
    Policy(Policy),
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Policy {
    /// Leave a tier that cannot answer
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "no_auto_failover")]
    pub(crate) auto_failover: bool,
    /// Never leave the tier
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "auto_failover")]
    pub(crate) no_auto_failover: bool,
    /// Return to a better tier once it recovered
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "no_auto_recovery")]
    pub(crate) auto_recovery: bool,
    /// Stay until `qcc priority switch`
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "auto_recovery")]
    pub(crate) no_auto_recovery: bool,
    /// Consecutive failures after which a provider is left out, 1 to 1000
    #[arg(long, value_name = "N")]
    pub(crate) failure_threshold: Option<u32>,
    /// Earliest return of new sessions after a better tier recovered: seconds, or a number with ms, s, m, h, d
    #[arg(long, value_name = "S")]
    pub(crate) cooldown: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    Anthropic,
    Openai,
    Responses,
    Gemini,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthName {
    /// The dialect's own header
    #[value(name = "api_key")]
    ApiKey,
    /// authorization: Bearer
    #[value(name = "auth_token")]
    AuthToken,
    /// The client's own credential
    Passthrough,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierName {
    /// Asked first
    Primary,
    /// When no primary can answer
    Secondary,
    /// The last resort
    Fallback,
}

/// The word of the file for one of these.
pub(crate) fn word<T: ValueEnum>(value: T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
