//! The resolved configuration: what the rest of the house works with once a file has been read, merged with the
//! defaults, interpolated and validated. Nothing here remembers YAML.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Capabilities, Secret};

/// A complete, valid configuration. A value of this type can be served as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Every provider of the file, in file order, also the disabled ones.
    pub providers: Vec<Provider>,
    /// Every profile, in file order.
    pub profiles: Vec<Profile>,
    /// Every model route, in file order.
    pub routes: Vec<Route>,
    /// Everything that is not a list of the user's.
    pub settings: Settings,
}

/// A base URL with a credential and a dialect: the unit of health.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Unique, as written.
    pub name: String,
    /// The wire protocol that it speaks.
    pub dialect: Dialect,
    /// `http` or `https` URL without a trailing slash, query or fragment.
    pub base_url: String,
    /// Which credential goes up, and in which header.
    pub auth: Auth,
    /// Whether it takes part at all.
    pub enabled: bool,
    /// Proxy for this provider: overrides `HTTP(S)_PROXY`.
    pub proxy: Option<Secret>,
    /// PEM file with more trusted roots.
    pub ca_file: Option<PathBuf>,
    /// Headers set on every request to it (values may be secret).
    pub headers: Vec<(String, Secret)>,
    /// `timeouts`, with the provider's own values in place of the global ones.
    pub timeouts: Timeouts,
    /// Model glob (as asked) to the model name sent, in file order.
    pub models: Vec<(String, String)>,
    /// Model glob (as sent) to what is known of the model there, in file order: the first that fits counts.
    pub capabilities: Vec<(String, Capabilities)>,
    /// Whether a passthrough credential may go to a host that is not Anthropic's.
    pub allow_passthrough: bool,
    /// Limits that it is kept under.
    pub limits: Limits,
    /// Model of paid probes; `None`: as `health.model` says.
    pub health_model: Option<String>,
}

/// Wire protocols that a provider may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    Openai,
    /// OpenAI Responses.
    Responses,
    /// Google Gemini.
    Gemini,
}

/// The credential of a provider.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// In the dialect's own header: `x-api-key` for anthropic.
    ApiKey(Secret),
    /// `authorization: Bearer`.
    Token(Secret),
    /// The client's own credential, in the header in which it came.
    Passthrough,
}

/// A named group of endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Unique, as written.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Without a tier a profile takes part only through routes.
    pub tier: Option<Tier>,
    /// Its own, or `loadbalancer.strategy`.
    pub strategy: Strategy,
    /// Endpoints in file order.
    pub endpoints: Vec<Endpoint>,
}

/// The order of profiles: primary first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Tried first.
    Primary,
    /// Tried when no primary can.
    Secondary,
    /// The last resort.
    Fallback,
}

/// A provider's place in a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Name of the provider.
    pub provider: String,
    /// Share of new sessions among equal priorities.
    pub weight: u32,
    /// Lower numbers first.
    pub priority: u32,
    /// Whether it takes part.
    pub enabled: bool,
}

/// Model glob to candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The glob as written; case does not matter.
    pub glob: String,
    /// Candidates in file order.
    pub candidates: Vec<RouteCandidate>,
}

/// One line of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteCandidate {
    /// A provider or a profile.
    pub target: RouteTarget,
    /// Model name to send; `None` is `passthrough`.
    pub model: Option<String>,
    /// Lower numbers first.
    pub priority: u32,
}

/// What a route line names.
#[derive(Debug, Clone, PartialEq)]
pub enum RouteTarget {
    /// A provider by name.
    Provider(String),
    /// A profile by name.
    Profile(String),
}

/// Time-outs. `None` means switched off (written as `0`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Option<Duration>,
    /// To the first body byte of a stream.
    pub first_byte: Option<Duration>,
    /// A whole answer that is not streamed.
    pub response: Option<Duration>,
    /// Between bytes.
    pub idle: Option<Duration>,
    /// Between semantic events.
    pub stall: Option<Duration>,
    /// Everything before commit.
    pub total: Option<Duration>,
}

/// The settings that have an effect today; the file may hold the others of the table too, which are validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `proxy.*`
    pub proxy: ProxySettings,
    /// `pool.*`
    pub pool: PoolSettings,
    /// `timeouts.*`
    pub timeouts: Timeouts,
    /// `retry.*`
    pub retry: RetrySettings,
    /// `breaker.*`
    pub breaker: BreakerSettings,
    /// `affinity.*`
    pub affinity: AffinitySettings,
    /// `hold.*`
    pub hold: HoldSettings,
    /// `health.*`
    pub health: HealthSettings,
    /// `failover.*`
    pub failover: FailoverSettings,
    /// `storage.path`: the database. `None`: the usual one in the state folder.
    pub storage_path: Option<PathBuf>,
    /// `storage.retention`: how long rows are kept there. `None`: for ever.
    pub storage_retention: Option<Duration>,
    /// `logging.*`
    pub logging: LoggingSettings,
}

/// `proxy.*`
#[derive(Debug, Clone, PartialEq)]
pub struct ProxySettings {
    /// Listen host: an address or a name.
    pub host: String,
    /// Listen port; 0 lets the system choose.
    pub port: u16,
    /// Keys that clients must present; empty: none needed.
    pub client_keys: Vec<Secret>,
    /// Host names accepted beyond loopback names and the listen address.
    pub allowed_hosts: Vec<String>,
    /// Origins accepted beyond loopback ones.
    pub allowed_origins: Vec<String>,
    /// Bytes of one request body.
    pub max_body: u64,
    /// Bytes of all buffered bodies together.
    pub max_buffered: u64,
    /// How long stopping waits for running streams; zero: not at all.
    pub drain: Duration,
}

/// `pool.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolSettings {
    /// Idle connections kept per host.
    pub max_idle_per_host: usize,
    /// How long an idle connection is kept. `None`: until the other side closes it.
    pub idle: Option<Duration>,
    /// Connections per host; 0: no limit.
    pub max_per_host: usize,
}

/// `retry.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// Attempts per request beyond which nothing is repeated.
    pub max_attempts: u32,
    /// Repeats on the same provider per request.
    pub same_provider: u32,
    /// First backoff.
    pub initial: Duration,
    /// Growth of the backoff.
    pub multiplier: f64,
    /// Longest backoff.
    pub max: Duration,
    /// Share of the backoff by which it varies, 0 to 1.
    pub jitter: f64,
    /// Repeats per request over 10 s.
    pub budget: f64,
    /// Repeats per second that are always allowed.
    pub budget_floor: f64,
}

/// `breaker.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerSettings {
    /// Consecutive failures that trip.
    pub failure_threshold: u32,
    /// The time over which failures are counted; zero: that rule is off.
    pub window: Duration,
    /// Or this share of failures in the window, 0 to 1; 0: that rule is off.
    pub error_rate: f64,
    /// Requests in the window below which the share does not count.
    pub min_requests: u32,
    /// Successes that close again.
    pub success_threshold: u32,
    /// Requests let through at once while half-open.
    pub half_open_probes: u32,
    /// How long a failed provider is left out at first; zero: it is never left out.
    pub open_initial: Duration,
    /// Growth of the open time.
    pub multiplier: f64,
    /// Longest open time.
    pub open_max: Duration,
    /// Share of the open time by which it varies, 0 to 1.
    pub jitter: f64,
}

/// `affinity.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffinitySettings {
    /// Whether sessions stay with their provider.
    pub enabled: bool,
    /// How long a session is remembered after its last success; zero: not at all.
    pub ttl: Duration,
    /// Sessions remembered at once.
    pub max_sessions: usize,
    /// Longest wait to keep a warm session where it is; zero: none.
    pub max_wait: Duration,
}

/// `hold.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoldSettings {
    /// Longest wait; zero: never hold.
    pub max_wait: Duration,
    /// Clients that may wait at once.
    pub max_waiters: usize,
}

/// `failover.*`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailoverSettings {
    /// Whether a tier, or a pinned profile, is ever left.
    pub auto: bool,
    /// Whether a better tier is returned to without somebody's word.
    pub recovery: bool,
    /// When new sessions return after it has recovered; zero: at once.
    pub cooldown: Duration,
}

/// `health.*`
#[derive(Debug, Clone, PartialEq)]
pub struct HealthSettings {
    /// Between free probes; zero: no probes at all.
    pub interval: Duration,
    /// Longest wait for a probe; `None`: the provider's own limits alone.
    pub timeout: Option<Duration>,
    /// Between paid probes; zero: none.
    pub conversation_interval: Duration,
    /// Model of paid probes; `None`: the cheapest that the provider serves.
    pub model: Option<String>,
    /// Paid probes per provider in 24 hours; 0: none.
    pub daily_limit: u32,
    /// Whether weights follow health.
    pub weight_adjustment: bool,
    /// Checks before weights change.
    pub min_checks: u32,
}

/// How the endpoints of a profile are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Lower priorities first; equal ones share by weight.
    #[default]
    Priority,
    /// All share by weight.
    Weighted,
    /// All in turn.
    RoundRobin,
    /// By draw, by weight.
    Random,
    /// The least requests under way, by weight.
    LeastInflight,
    /// The faster of two that are drawn.
    Latency,
}

/// Limits that a provider is kept under; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: u32,
    /// Tokens per minute.
    pub tpm: u32,
    /// Requests at once.
    pub concurrency: u32,
}

/// `logging.*`
#[derive(Debug, Clone, PartialEq)]
pub struct LoggingSettings {
    /// Least level that is written.
    pub level: Level,
    /// Colour on the terminal.
    pub color: ColorChoice,
    /// Bytes after which the file is rotated; 0: never.
    pub file_size: u64,
    /// Rotated files kept beside the current one.
    pub files: u32,
}

/// Log levels, least important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// For finding faults.
    Debug,
    /// What happened.
    Info,
    /// What should be looked at.
    Warn,
    /// What failed.
    Error,
}

/// `logging.color`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal without `NO_COLOR`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A message about something that was accepted but should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One sentence.
    pub message: String,
    /// 1-based line in the file, where there is one.
    pub line: Option<usize>,
}

/// What loading gives.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration in force if it is served.
    pub config: Config,
    /// What the user should know: keys without effect yet, mapped names.
    pub notices: Vec<Notice>,
    /// Unknown only when there is no file: the implicit provider is in force.
    pub path: Option<PathBuf>,
}

/// Where `${VAR}` is looked up: the process environment, or a map in tests.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Keeps `BTreeMap` based environments short in tests.
pub fn env_of(map: &BTreeMap<String, String>) -> impl Fn(&str) -> Option<String> + '_ {
    |name| map.get(name).cloned()
}
