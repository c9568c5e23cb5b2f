//! What the user said: the configuration file, resolved and validated.
//!
//! The way of a file: `file` is its shape (one typed struct per section, with defaults and ranges, which is also the
//! JSON Schema), `yaml` reads it and keeps every position, `resolve` merges it with the defaults, interpolates through
//! `env` and validates it into the [`Config`] of `types`. Every fault becomes a [`Problem`] that shows the line and a
//! hint, and never a secret.

mod balancer;
mod capabilities;
mod change;
mod diff;
pub mod edit;
mod env;
mod error;
mod file;
pub mod import;
mod keys;
mod locate;
mod permissions;
mod redact;
mod resolve;
mod secret;
mod sections;
mod source;
mod suggest;
mod types;
mod value;
mod yaml;

use std::path::Path;

pub use capabilities::{Capabilities, Effort, Forced, Member, Streams, Thinks};
pub use change::{Changed, Diff, DiffLine, Editor, Sign, Version};
pub use diff::{Changes, diff};
pub use env::is_reference;
pub use error::{ConfigError, Problem};
pub use keys::{InForce, Key, Origin, Takes, Unfit, key, keys, sections};
pub use locate::{Locations, locate};
pub use permissions::permissions;
pub use redact::redacted;
pub use resolve::{implicit, is_loopback};
pub use secret::Secret;
pub use suggest::nearest;
pub use types::{
    AffinitySettings, Auth, BreakerSettings, ColorChoice, Config, Dialect, Endpoint, Env, FailoverSettings,
    HealthSettings, HoldSettings, Level, Limits, Loaded, LoggingSettings, Notice, PoolSettings, Profile, Provider,
    ProxySettings, RetrySettings, Route, RouteCandidate, RouteTarget, Settings, Strategy, Tier, Timeouts, env_of,
};

/// Reads and validates the configuration file at `path`.
///
/// # Errors
/// When the file cannot be read or is larger than 4 MiB, and everything that [`parse`] reports.
pub fn load(path: &Path, env: Env<'_>) -> Result<Loaded, ConfigError> {
    let text = source::read(path)?;
    parse(&text, path, env)
}

/// Validates the text of a configuration file. `name` is the path that errors show; relative paths in the text are
/// relative to its folder.
///
/// # Errors
/// Every fault that can be found in one pass: the first fault of the YAML or of the shape of the file, or else all
/// faults in its values and references.
pub fn parse(text: &str, name: &Path, env: Env<'_>) -> Result<Loaded, ConfigError> {
    let source = source::Source::new(name, text)?;
    let file = yaml::read(&source)?;
    resolve::resolve(file, &source, env)
}

/// The JSON Schema (2020-12) of the configuration file, with descriptions, defaults and ranges.
#[must_use]
pub fn schema() -> serde_json::Value {
    file::schema()
}
