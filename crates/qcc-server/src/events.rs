//! Every internal event, named once: `<noun>_<past verb>`. An event is one line of the log; what is not here is not
//! logged. No event can hold a body or a credential.

use std::time::Duration;

use qcc_config::Level;
use qcc_dialect::asker::Asker;
use serde::{Serialize, Serializer};

use crate::state::RECOVERED;

/// Something that happened and is worth a line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The gateway serves.
    GatewayStarted {
        /// `http://host:port`
        address: String,
        /// The package's version.
        version: &'static str,
        /// Enabled providers.
        providers: usize,
    },
    /// Something of the configuration that the user should know.
    ConfigNoticed {
        /// One sentence.
        message: String,
        /// 1-based line of the file.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
    /// A new configuration is in force.
    ConfigReloaded {
        /// What made it happen: `file`, `signal` or `request`.
        trigger: &'static str,
        /// Enabled providers.
        providers: usize,
        /// Names of what changed, in short.
        changes: String,
    },
    /// A new configuration was refused; the old one stays in force.
    ConfigRefused {
        /// What made it happen.
        trigger: &'static str,
        /// The whole message with its position and hint.
        error: String,
    },
    /// A connection to a provider was opened ahead of the first request.
    ProviderWarmed {
        /// Its name.
        provider: String,
        /// Time to a connection that can carry a request.
        #[serde(rename = "ms", serialize_with = "millis")]
        took: Duration,
    },
    /// A provider could not be reached ahead of the first request. Nobody is charged for that.
    ProviderUnreached {
        /// Its name.
        provider: String,
        /// What went wrong.
        error: String,
    },
    /// One attempt failed.
    AttemptFailed {
        /// The request.
        request_id: String,
        /// Who failed.
        provider: String,
        /// 1 for the first.
        attempt: u32,
        /// Where the fault lies, in a word.
        blame: String,
        /// What happened.
        error: String,
        /// Time from its start to the failure.
        #[serde(rename = "ms", serialize_with = "millis")]
        took: Duration,
    },
    /// A request cannot be put to a provider as it is meant, so it was not sent there.
    ProviderUnfit {
        /// The request.
        request_id: String,
        /// Who was passed over.
        provider: String,
        /// What it cannot be asked.
        error: String,
    },
    /// A provider is left out for a while.
    ProviderCooled {
        /// Its name.
        provider: String,
        /// Why, in a word.
        reason: String,
        /// For how long.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        lasts: Duration,
        /// Only this model is left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// A provider takes part again because a request or a check succeeded there.
    ProviderRecovered {
        /// Its name.
        provider: String,
        /// Why it had been left out.
        reason: String,
        /// Only this model had been left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// A provider was checked.
    ProviderChecked {
        /// Its name.
        provider: String,
        /// What was tried: `connection`, `api` or `conversation`.
        kind: String,
        /// Whether it went well.
        ok: bool,
        /// 0 to 100, of a conversation.
        #[serde(skip_serializing_if = "Option::is_none")]
        score: Option<u8>,
        /// How the provider is after it, in a word.
        class: String,
        /// How long it took.
        #[serde(rename = "ms", serialize_with = "millis")]
        took: Duration,
        /// What was found.
        detail: String,
        /// The check of its kind before went otherwise.
        #[serde(skip)]
        is_news: bool,
    },
    /// A session went to another provider than the one that holds its prompt cache.
    SessionMoved {
        /// The provider that has it now.
        provider: String,
        /// Tokens in the cache that it left behind.
        cache_tokens: u32,
    },
    /// Somebody made a provider forget its faults.
    ProviderReset {
        /// Its name.
        provider: String,
        /// Cooldowns that ended by it.
        cooldowns: usize,
    },
    /// Another profile leads: new requests go there, as far as no route takes them elsewhere.
    ProfileSwitched {
        /// The one before.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The one now.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// In a few words.
        reason: String,
        /// `manual` or `automatic`.
        who: &'static str,
    },
    /// The pinned profile does not exist. The pin counts again when it does.
    PinIgnored {
        /// Its name.
        profile: String,
    },
    /// What was older than `storage.retention` was deleted.
    HistoryPruned {
        /// Rows.
        rows: u64,
    },
    /// What an earlier run knew was taken up.
    StateRestored {
        /// Providers of whom something was known.
        providers: usize,
        /// Sessions, each with one model, that stay where they were.
        sessions: usize,
    },
    /// Some of what an earlier run wrote down cannot be used, and is not.
    StateIgnored {
        /// How much.
        rows: usize,
        /// What is wrong with the first of them.
        error: String,
    },
    /// The database cannot be used. Said once, until it can be again.
    StoreFailed {
        /// What is wrong with it.
        error: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The database can be written again, or rows were lost because it was too slow.
    StoreRecovered {
        /// Rows that were lost.
        lost: u64,
    },
    /// No route matches a model, so the route of the big models was taken.
    RouteGuessed {
        /// The request.
        request_id: String,
        /// As asked.
        model: String,
        /// The route's glob.
        route: String,
    },
    /// A request ended, in whatever way. Written exactly once per request.
    RequestFinished(Box<RequestRow>),
    /// A request was refused before it had a plan.
    RequestRefused {
        /// The request.
        request_id: String,
        /// Method as sent.
        method: String,
        /// Path without the query.
        path: String,
        /// What was answered.
        status: u16,
        /// What was wrong with it.
        error: String,
    },
    /// No new connections; running streams are waited for.
    GatewayDraining {
        /// Requests still running.
        running: usize,
    },
    /// The end.
    GatewayStopped {
        /// Requests that were cut off because they outlived the drain time.
        cut: usize,
    },
    /// The log could not keep up and left lines out rather than slow a request down.
    LogDropped {
        /// Lines left out since the last such message.
        lines: u64,
    },
}

/// What is known of a request at its end.
#[derive(Debug, Default, Serialize)]
pub struct RequestRow {
    /// Ours, as in `x-qcc-request-id`.
    pub request_id: String,
    /// Which of `proxy.client_keys` asked, by its fingerprint. None where no key is asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hexadecimal")]
    pub client_key: Option<u64>,
    /// The client's dialect.
    #[serde(rename = "dialect_down", serialize_with = "dialect")]
    pub asker: Asker,
    /// The provider's dialect; none where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect_up: Option<&'static str>,
    /// `/v1/messages` and the like, without the query.
    pub path: String,
    /// As asked.
    pub model: String,
    /// As sent, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_sent: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The conversation it belongs to; equal numbers are one client's one conversation. None on routes without any.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hexadecimal")]
    pub session: Option<u64>,
    /// Whether a prompt cache of one hour was asked for; written where it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub long_cache: bool,
    /// Who answered, or was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What was lost on the way to a provider of another dialect, and on the way back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
    /// What went down; 0 when the client left before that.
    pub status: u16,
    /// `done`, `answered`, `failed`, `broken` or `client_gone`.
    pub verdict: &'static str,
    /// Tries.
    pub attempts: u32,
    /// Waited for a provider to come back.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_millis")]
    pub held_ms: Option<Duration>,
    /// Arrival to the first byte sent down.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_millis")]
    pub first_event_ms: Option<Duration>,
    /// Arrival to the end.
    #[serde(rename = "ms", serialize_with = "millis")]
    pub total: Duration,
    /// Request body.
    pub bytes_in: u64,
    /// Response body.
    pub bytes_out: u64,
    /// Tokens as the provider counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens as the provider counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens read from the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    /// Tokens written to the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// The provider's own id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_id: Option<String>,
    /// What went wrong in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

// === impl Event ===

impl Event {
    /// How important it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::GatewayStarted { .. }
            | Self::ConfigReloaded { .. }
            | Self::ProviderWarmed { .. }
            | Self::ProviderUnfit { .. }
            | Self::ProviderRecovered { .. }
            | Self::ProviderReset { .. }
            | Self::SessionMoved { .. }
            | Self::HistoryPruned { .. }
            | Self::StateRestored { .. }
            | Self::StoreRecovered { lost: 0 }
            | Self::GatewayDraining { .. }
            | Self::GatewayStopped { .. } => Level::Info,
            // What costs money is always told; what comes every minute only when it changes.
            Self::ProviderChecked { ok: false, is_news: true, .. } => Level::Warn,
            Self::ProviderChecked { kind, is_news, .. } if *is_news || kind == "conversation" => Level::Info,
            Self::ProviderChecked { .. } => Level::Debug,
            // Somebody's own doing, or good news.
            Self::ProfileSwitched { reason, who, .. } if *who == "manual" || reason == RECOVERED => Level::Info,
            Self::RequestFinished(row) => match row.verdict {
                "done" | "answered" | "client_gone" => Level::Info,
                _ => Level::Error,
            },
            Self::ConfigNoticed { .. }
            | Self::ProviderUnreached { .. }
            | Self::AttemptFailed { .. }
            | Self::ProviderCooled { .. }
            | Self::RequestRefused { .. }
            | Self::RouteGuessed { .. }
            | Self::ProfileSwitched { .. }
            | Self::PinIgnored { .. }
            | Self::StateIgnored { .. }
            | Self::StoreFailed { .. }
            | Self::StoreRecovered { .. }
            | Self::LogDropped { .. } => Level::Warn,
            Self::ConfigRefused { .. } => Level::Error,
        }
    }
}

/// The name of a level in the log.
pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn dialect<S: Serializer>(value: &Asker, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.name())
}

fn millis<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "a duration of 2^52 µs is 142 years")]
    to.serialize_f64(micros as f64 / 1e3)
}

fn maybe_millis<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => millis(value, to),
        None => to.serialize_none(),
    }
}

/// Sixteen digits: JSON's readers do not keep all bits of such a number.
fn hexadecimal<S: Serializer>(value: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(&format_args!("{value:016x}")),
        None => to.serialize_none(),
    }
}

fn seconds<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(value.as_secs_f64().ceil() as u64)
}
