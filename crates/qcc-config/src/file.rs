//! The shape of the configuration file: what may be written where. The same structs are the JSON Schema, so that the
//! schema cannot promise what the reader refuses.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::balancer::BalancerSettings;
use crate::capabilities;
use crate::sections::{
    Affinity, Breaker, Cache, Failover, Health, Hold, Loadbalancer, Logging, Pool, Proxy, Queue, Retry, Storage,
    Timeouts,
};
use crate::suggest::not_among;
use crate::types::{Dialect, Strategy, Tier};
use crate::value::{At, Entries, FromText, Unused, Wrong, schema_as, words};

/// Configuration of qcc: a superset of the Balancer's providers.yaml.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "qcc configuration")]
pub(crate) struct File {
    /// The providers. Without any, api.anthropic.com is used with the client's own credential.
    pub(crate) providers: Option<Vec<Provider>>,
    /// Named groups of endpoints.
    pub(crate) profiles: Option<Entries<Profile>>,
    /// Model glob to candidates; case does not matter, the most literal characters win.
    pub(crate) model_routes: Option<Entries<Vec<RouteEntry>>>,
    /// Where clients connect, and who may.
    pub(crate) proxy: Option<Proxy>,
    /// Connections to providers.
    pub(crate) pool: Option<Pool>,
    /// How long an upstream may take.
    pub(crate) timeouts: Option<Timeouts>,
    /// Repeats on a provider that a request already tried.
    pub(crate) retry: Option<Retry>,
    /// When a failing provider is left out, and for how long.
    pub(crate) breaker: Option<Breaker>,
    /// Moving between tiers.
    pub(crate) failover: Option<Failover>,
    /// How endpoints of a profile are ordered.
    pub(crate) loadbalancer: Option<Loadbalancer>,
    /// Keeping a conversation where its prompt cache is.
    pub(crate) affinity: Option<Affinity>,
    /// Keeping a client waiting while no provider is admissible.
    pub(crate) hold: Option<Hold>,
    /// Our own requests that find out how providers are.
    pub(crate) health: Option<Health>,
    /// Failed and asynchronous requests kept on disk.
    pub(crate) queue: Option<Queue>,
    /// Sharing answers.
    pub(crate) cache: Option<Cache>,
    /// The database.
    pub(crate) storage: Option<Storage>,
    /// What is written to the log.
    pub(crate) logging: Option<Logging>,
    /// The Balancer's settings, each mapped to the key of qcc that does the same.
    pub(crate) settings: Option<BalancerSettings>,
}

/// A base URL with a credential and a dialect.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// Unique; any text.
    #[schemars(extend("minLength" = 1, "maxLength" = 100))]
    pub(crate) name: At<String>,
    /// The dialect that it speaks. `responses` and `gemini` have no effect yet.
    #[serde(rename = "type")]
    #[schemars(extend("default" = "anthropic"))]
    pub(crate) kind: Option<At<Dialect>>,
    /// http or https URL without credential, query or fragment; `${VAR}` works.
    pub(crate) base_url: At<String>,
    /// Which header carries the credential: the dialect's own, `authorization: Bearer`, or the client's own credential.
    #[schemars(extend("default" = "api_key"))]
    pub(crate) auth_type: Option<At<AuthType>>,
    /// The credential: `${VAR}`, `${file:/path}` or a literal; `passthrough` sends the client's own.
    pub(crate) auth_value: Option<At<String>>,
    /// Whether it takes part. `${...}` of a provider that does not is not replaced.
    #[schemars(extend("default" = true))]
    pub(crate) enabled: Option<At<bool>>,
    /// Proxy URL (http, https, socks5, socks5h) instead of HTTP(S)_PROXY; `${VAR}` works.
    pub(crate) proxy: Option<At<String>>,
    /// PEM file with more trusted roots; relative to this file; `${VAR}` works.
    pub(crate) ca_file: Option<At<String>>,
    /// Headers set on every request to it; `${VAR}` works in the values.
    pub(crate) headers: Option<Entries<At<String>>>,
    /// Its own times in place of the global ones.
    pub(crate) timeouts: Option<Timeouts>,
    /// Limits that it is kept under.
    pub(crate) limits: Option<Limits>,
    /// Model glob to the name that this provider knows the model by.
    pub(crate) models: Option<Entries<At<String>>>,
    /// Model glob (as sent) to what is known of the model there, for requests that are translated; the first that fits counts.
    pub(crate) capabilities: Option<Entries<capabilities::Written>>,
    /// Model of paid probes, as this provider knows it; without it `health.model`.
    pub(crate) health_model: Option<At<String>>,
    /// Whether the client's own credential may go to a host that is not Anthropic's.
    #[schemars(extend("default" = false))]
    pub(crate) allow_passthrough: Option<At<bool>>,
    /// A key of the Balancer. Nothing depends on it: answers are always streamed as they come.
    pub(crate) streaming_mode: Option<At<StreamingMode>>,
}

/// Limits of a provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Requests per minute; 0: no limit.
    #[schemars(extend("default" = 0))]
    pub(crate) rpm: Option<At<u32>>,
    /// Tokens per minute; 0: no limit.
    #[schemars(extend("default" = 0))]
    pub(crate) tpm: Option<At<u32>>,
    /// Requests at once; 0: no limit.
    #[schemars(extend("default" = 0))]
    pub(crate) concurrency: Option<At<u32>>,
}

/// A named group of endpoints.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Free text.
    pub(crate) description: Option<At<String>>,
    /// Without a tier a profile takes part only through routes.
    pub(crate) tier: Option<At<Tier>>,
    /// How its endpoints are ordered; `loadbalancer.strategy` where it is not written.
    pub(crate) strategy: Option<At<Strategy>>,
    /// Its endpoints.
    pub(crate) endpoints: Option<Vec<Endpoint>>,
}

/// A provider's place in a profile.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    /// Name of the provider.
    pub(crate) provider: At<String>,
    /// Share of new sessions among equal priorities; 0: it is not asked.
    #[schemars(extend("default" = 100, "minimum" = 0, "maximum" = 10000))]
    pub(crate) weight: Option<At<u32>>,
    /// Lower numbers first.
    #[schemars(extend("default" = 1, "minimum" = 0, "maximum" = 1000))]
    pub(crate) priority: Option<At<u32>>,
    /// Whether it takes part.
    #[schemars(extend("default" = true))]
    pub(crate) enabled: Option<At<bool>>,
}

/// One candidate of a route: a provider or a profile.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["provider"] }, { "required": ["profile"] }]))]
pub(crate) struct RouteEntry {
    /// Name of the provider.
    pub(crate) provider: Option<At<String>>,
    /// Name of the profile.
    pub(crate) profile: Option<At<String>>,
    /// Model name to send; `passthrough` sends the name that was asked for.
    #[schemars(extend("default" = "passthrough"))]
    pub(crate) model: Option<At<String>>,
    /// Lower numbers first.
    #[schemars(extend("default" = 1, "minimum" = 0, "maximum" = 1000))]
    pub(crate) priority: Option<At<u32>>,
    /// Whether it takes part.
    #[schemars(extend("default" = true))]
    pub(crate) enabled: Option<At<bool>>,
    /// A key of the Balancer's plans for Zed. Ignored.
    pub(crate) mode: Option<Unused>,
}

/// `auth_type`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthType {
    ApiKey,
    AuthToken,
    Passthrough,
}

const AUTH_TYPES: &[&str] = &["api_key", "auth_token", "passthrough"];

impl FromText for AuthType {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text {
            "api_key" => Ok(Self::ApiKey),
            "auth_token" => Ok(Self::AuthToken),
            "passthrough" => Ok(Self::Passthrough),
            "oauth" => Err(Wrong::new(
                "auth_type `oauth` is not possible: qcc holds no login of its own",
                "use `passthrough`, which sends the login of the client, or `auth_token` with a long-lived token",
            )),
            _ => Err(not_among(text, AUTH_TYPES)),
        }
    }
}

const DIALECTS: &[&str] = &["anthropic", "openai", "responses", "gemini"];

impl FromText for Dialect {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text {
            "anthropic" => Ok(Self::Anthropic),
            "openai" => Ok(Self::Openai),
            "responses" => Ok(Self::Responses),
            "gemini" => Ok(Self::Gemini),
            "zed" => Err(Wrong::new("type `zed` is not possible yet", "remove this provider until it is")),
            _ => Err(not_among(text, DIALECTS)),
        }
    }
}

/// The fault of a word that is none of `words`, where there is more to say than which ones are possible.
pub(crate) fn unknown_word(text: &str, words: &[&str]) -> Option<Wrong> {
    match words {
        AUTH_TYPES => AuthType::from_text(text).err(),
        DIALECTS => Dialect::from_text(text).err(),
        _ => None,
    }
}

schema_as!(AuthType, { "type": "string", "enum": AUTH_TYPES });
schema_as!(Dialect, { "type": "string", "enum": DIALECTS });

words!(Tier {
    "primary" => Self::Primary,
    "secondary" => Self::Secondary,
    "fallback" => Self::Fallback,
});

/// The Balancer's `streaming_mode`: checked and ignored.
pub(crate) struct StreamingMode;
words!(StreamingMode { "auto" => Self, "direct" => Self, "background" => Self });

/// The JSON Schema of [`File`].
pub(crate) fn schema() -> Value {
    schemars::schema_for!(File).to_value()
}

/// Every key that the file may hold anywhere.
pub(crate) fn keys() -> &'static BTreeSet<String> {
    static KEYS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let mut keys = BTreeSet::new();
        collect_keys(&schema(), &mut keys);
        keys
    });
    &KEYS
}

fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, keys));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

/// The sections in which `key` may stand, for a key that was written in the wrong place.
pub(crate) fn sections_with(key: &str) -> Vec<String> {
    let schema = schema();
    let Some(sections) = schema["properties"].as_object() else { return Vec::new() };
    let holds = |section: &Value| {
        let reference = section.pointer("/anyOf/0/$ref").or_else(|| section.get("$ref")).and_then(Value::as_str);
        let target = reference.and_then(|reference| schema.pointer(reference.trim_start_matches('#')));
        target.is_some_and(|target| target["properties"].get(key).is_some())
    };
    sections
        .iter()
        .filter(|(name, section)| *name != "settings" && holds(section))
        .map(|(name, _)| name.clone())
        .collect()
}
