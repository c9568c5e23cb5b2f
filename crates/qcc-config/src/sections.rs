//! The sections of the file that are not lists of the user's: one line per key with its type, default and range.
//! The macro makes of each line the field, the schema and the function that gives the value or the default.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::Problems;
use crate::types::{ColorChoice, Level, Strategy};
use crate::value::{At, FromText, Size, Time, words};

macro_rules! section {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$doc:meta])* $key:ident: $kind:ty = $default:literal $(in $low:literal to $high:literal)?,)*
    } $(lists { $($(#[$list_doc:meta])* $list:ident,)* })?) => {
        $(#[$meta])*
        #[derive(Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(
                $(#[$doc])*
                #[schemars(extend("default" = $default $(, "minimum" = $low, "maximum" = $high)?))]
                pub(crate) $key: Option<At<$kind>>,
            )*
            $($(
                $(#[$list_doc])*
                #[schemars(extend("default" = []))]
                pub(crate) $list: Option<Vec<At<String>>>,
            )*)?
        }

        impl $name {
            $(
                pub(crate) fn $key(&self, problems: &mut Problems<'_>) -> $kind {
                    let value = setting(self.$key.as_ref(), &$default.to_string(), problems);
                    $(in_range(self.$key.as_ref(), &value, &$low, &$high, problems);)?
                    value
                }
            )*
        }

        impl Section for $name {
            fn check(&self, problems: &mut Problems<'_>) {
                $(self.$key(problems);)*
            }

            fn written(&self) -> Vec<&'static str> {
                let keys = [$((stringify!($key), self.$key.is_some())),*];
                keys.into_iter().filter(|(_, written)| *written).map(|(key, _)| key).collect()
            }
        }
    };
}

/// What all sections can do.
pub(crate) trait Section {
    /// Notes the faults of all single values.
    fn check(&self, problems: &mut Problems<'_>);

    /// The single values that the file names.
    fn written(&self) -> Vec<&'static str>;
}

fn setting<T: FromText>(written: Option<&At<T>>, default: &str, problems: &mut Problems<'_>) -> T {
    let value = written.and_then(|at| at.get(problems)).map_or_else(|| T::from_text(default), Ok);
    value.unwrap_or_else(|wrong| unreachable!("a default is written in this file: {}", wrong.message))
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    written: Option<&At<T>>,
    value: &T,
    low: &T,
    high: &T,
    problems: &mut Problems<'_>,
) {
    if let Some(at) = written
        && !(low..=high).contains(&value)
    {
        problems.add(at.place, format!("{value} is out of range"), format!("write a number from {low} to {high}"));
    }
}

section! {
    /// Where clients connect, and who may.
    Proxy {
        /// Listen address or name; `${VAR}` works. Another one than loopback needs `client_keys`.
        host: String = "127.0.0.1",
        /// Listen port; 0 lets the system choose. A change needs a restart.
        port: u16 = 7860,
        /// Largest request body.
        max_body: Size = "32MiB",
        /// All buffered bodies together; past it requests get 503.
        max_buffered: Size = "512MiB",
        /// How long stopping waits for running streams; 0: not at all.
        drain: Time = "30s",
    } lists {
        /// Keys that clients must present; required off loopback; `${VAR}` works.
        client_keys,
        /// Host names accepted beyond loopback names and the listen address.
        allowed_hosts,
        /// Origins accepted beyond loopback ones.
        allowed_origins,
    }
}

section! {
    /// Connections to providers.
    Pool {
        /// Idle connections kept per host.
        max_idle_per_host: u32 = 64 in 0 to 100000,
        /// How long an idle connection is kept; 0: until the other side closes it.
        idle: Time = "90s",
        /// Connections per host; 0: no limit.
        max_per_host: u32 = 0 in 0 to 100000,
    }
}

section! {
    /// How long an upstream may take.
    Timeouts {
        /// TCP and TLS.
        connect: Time = "10s",
        /// To the first body byte of a stream.
        first_byte: Time = "120s",
        /// A whole answer that is not streamed.
        response: Time = "290s",
        /// Between bytes.
        idle: Time = "120s",
        /// Between semantic events; pings and comments do not count.
        stall: Time = "240s",
        /// Everything before commit; a committed stream is bounded by idle and stall alone.
        total: Time = "15m",
    }
}

section! {
    /// Repeats on a provider that a request already tried.
    Retry {
        /// Attempts per request beyond which nothing is repeated.
        max_attempts: u32 = 5 in 1 to 100,
        /// Repeats on the same provider per request.
        same_provider: u32 = 1 in 0 to 100,
        /// First backoff.
        initial: Time = "100ms",
        /// Growth of the backoff.
        multiplier: f64 = 2.0 in 1.0 to 100.0,
        /// Longest backoff.
        max: Time = "5s",
        /// Share of the backoff by which it varies.
        jitter: f64 = 0.1 in 0.0 to 1.0,
        /// Repeats per request, counted over 10 s.
        budget: f64 = 0.2 in 0.0 to 10.0,
        /// Repeats per second that are always allowed.
        budget_floor: f64 = 10.0 in 0.0 to 10000.0,
    }
}

section! {
    /// When a failing provider is left out, and for how long.
    Breaker {
        /// Consecutive failures that trip.
        failure_threshold: u32 = 3 in 1 to 1000,
        /// The time over which failures are counted.
        window: Time = "60s",
        /// Or this share of failures in the window.
        error_rate: f64 = 0.5 in 0.0 to 1.0,
        /// Requests in the window below which the share does not count.
        min_requests: u32 = 10 in 1 to 100000,
        /// Successes that close again.
        success_threshold: u32 = 2 in 1 to 1000,
        /// Requests let through at once while half-open.
        half_open_probes: u32 = 1 in 1 to 1000,
        /// How long a failed provider is left out at first; 0: never left out.
        open_initial: Time = "60s",
        /// Growth of the open time.
        multiplier: f64 = 2.0 in 1.0 to 100.0,
        /// Longest open time.
        open_max: Time = "600s",
        /// Share of the open time by which it varies.
        jitter: f64 = 0.2 in 0.0 to 1.0,
    }
}

section! {
    /// Moving between tiers.
    Failover {
        /// Whether a tier is ever left.
        auto: bool = true,
        /// Whether a better tier is returned to.
        recovery: bool = true,
        /// Earliest return of new sessions after a better tier recovered.
        cooldown: Time = "300s",
    }
}

section! {
    /// How endpoints of a profile are ordered.
    Loadbalancer {
        /// For profiles that name none.
        strategy: Strategy = "priority",
    }
}

section! {
    /// Keeping a conversation where its prompt cache is.
    Affinity {
        /// Whether sessions stay with their provider.
        enabled: bool = true,
        /// How long a session is remembered.
        ttl: Time = "5h",
        /// Sessions remembered at once.
        max_sessions: u32 = 100000 in 0 to 10000000,
        /// Longest wait to keep a warm session where it is.
        max_wait: Time = "10s",
    }
}

section! {
    /// Keeping a client waiting while no provider is admissible.
    Hold {
        /// Longest wait; 0: never hold.
        max_wait: Time = "240s",
        /// Clients that may wait at once.
        max_waiters: u32 = 1000 in 0 to 1000000,
    }
}

section! {
    /// Our own requests that find out how providers are.
    Health {
        /// Between free probes; 0: no probes at all, paid ones neither.
        interval: Time = "60s",
        /// Longest wait for a probe; 0: the provider's own limits alone.
        timeout: Time = "30s",
        /// Least time between paid probes by themselves; 0: none.
        conversation_interval: Time = "10m",
        /// Model of paid probes; `auto`: the cheapest that the provider serves.
        model: String = "auto",
        /// Paid probes per provider in any 24 hours, those by command included; 0: none.
        daily_limit: u32 = 50 in 0 to 100000,
        /// Whether weights follow health.
        weight_adjustment: bool = true,
        /// Checks before weights change.
        min_checks: u32 = 3 in 1 to 1000,
    }
}

section! {
    /// Failed and asynchronous requests kept on disk.
    Queue {
        /// How the time between tries grows.
        strategy: QueueStrategy = "exponential",
        /// First time between tries.
        initial: Time = "5s",
        /// Longest time between tries.
        max: Time = "300s",
        /// Time between tries of the strategy `fixed`.
        fixed: Time = "30s",
        /// What happens to entries whose client is gone.
        abandoned: Abandoned = "keep",
        /// Whether bodies are kept on disk.
        bodies: bool = false,
        /// Entries at most.
        max_entries: u32 = 1000 in 0 to 1000000,
        /// Bytes at most.
        max_bytes: Size = "256MiB",
        /// After this time an entry is given up.
        max_age: Time = "24h",
    }
}

section! {
    /// Sharing answers.
    Cache {
        /// Whether identical concurrent requests share one upstream call.
        coalesce: bool = true,
        /// Which answers are kept.
        mode: CacheMode = "safe",
        /// How long an answer is kept.
        ttl: Time = "1h",
        /// Answers at most.
        max_entries: u32 = 1000 in 0 to 10000000,
        /// Bytes at most.
        max_bytes: Size = "64MiB",
    }
}

/// The database.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    /// The SQLite file; without it `qcc.db` in the state folder. `${VAR}` works.
    pub(crate) path: Option<At<String>>,
    /// How long rows are kept; 0: for ever.
    #[schemars(extend("default" = "30d"))]
    pub(crate) retention: Option<At<Time>>,
}

section! {
    /// What is written to the log.
    Logging {
        /// Least level that is written.
        level: Level = "info",
        /// Colour on the terminal; `auto`: on a terminal without NO_COLOR.
        color: ColorChoice = "auto",
        /// Whether bodies are logged, at level trace alone.
        bodies: bool = false,
        /// Size after which the file is rotated; 0: never.
        file_size: Size = "10MiB",
        /// Rotated files kept beside the current one.
        files: u32 = 5 in 0 to 1000,
    }
}

words!(Strategy {
    "priority" => Self::Priority,
    "weighted" => Self::Weighted,
    "round_robin" => Self::RoundRobin,
    "random" => Self::Random,
    "least_inflight" => Self::LeastInflight,
    "latency" => Self::Latency,
});

/// A word that is checked and has no effect yet.
pub(crate) struct QueueStrategy;
words!(QueueStrategy { "exponential" => Self, "fixed" => Self, "immediate" => Self });

/// A word that is checked and has no effect yet.
pub(crate) struct Abandoned;
words!(Abandoned { "keep" => Self, "drop" => Self });

/// A word that is checked and has no effect yet.
pub(crate) struct CacheMode;
words!(CacheMode { "off" => Self, "safe" => Self, "always" => Self });

words!(Level {
    "trace" => Self::Trace,
    "debug" => Self::Debug,
    "info" => Self::Info,
    "warn" => Self::Warn,
    "error" => Self::Error,
});

words!(ColorChoice {
    "auto" => Self::Auto,
    "always" => Self::Always,
    "never" => Self::Never,
});
