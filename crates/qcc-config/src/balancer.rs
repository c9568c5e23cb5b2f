//! The Balancer's `settings:`: each key is moved to the key of qcc that does the same, with a notice that names it. A
//! key of qcc that the file also names wins. Keys without a counterpart are read and reported.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::File;
use crate::source::Problems;
use crate::types::Notice;
use crate::value::{At, FromText, Unused, Wrong, schema_as, words};

macro_rules! old_keys {
    ($(#[$meta:meta])* $name:ident {
        moved { $($(#[$doc:meta])* $key:ident: $kind:ty,)* }
        unused { $($unused:ident,)* }
    }) => {
        $(#[$meta])*
        #[derive(Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $key: Option<$kind>,)*
            $(
                /// Has no counterpart and is ignored.
                pub(crate) $unused: Option<Unused>,
            )*
        }

        impl $name {
            /// The keys without a counterpart that the file names, with their lines.
            fn unused(&self) -> Vec<(&'static str, usize)> {
                let keys = [$((stringify!($unused), self.$unused.as_ref())),*];
                keys.into_iter().filter_map(|(key, at)| Some((key, at?.0.line))).collect()
            }
        }
    };
}

old_keys! {
    /// The Balancer's settings. Times are seconds.
    BalancerSettings {
        moved {
            /// Now `breaker.open_initial`.
            failure_cooldown: At<Seconds>,
            /// Now `timeouts.response` and `timeouts.first_byte`.
            request_timeout: At<Seconds>,
            /// Now keys of `timeouts`.
            timeouts: OldTimeouts,
            /// Now `loadbalancer.strategy`.
            selection_strategy: At<OldStrategy>,
            /// Now `breaker.failure_threshold`.
            unhealthy_threshold: At<u32>,
            /// Now `breaker.window`.
            unhealthy_reset_timeout: At<Seconds>,
            /// Now `affinity.ttl`.
            sticky_provider_duration: At<Seconds>,
            /// Now `logging.level`.
            log_level: At<OldLevel>,
            /// Now `logging.color`.
            log_color: At<OldColor>,
            /// Now `proxy.host`.
            host: At<Verbatim>,
            /// Now `proxy.port`.
            port: At<u16>,
            /// Now `cache.ttl`.
            cache_ttl: At<Seconds>,
            /// Now `cache.max_entries`.
            cache_size_limit: At<u32>,
            /// Now `cache.coalesce`.
            enable_deduplication: At<bool>,
            /// Now `cache.coalesce`.
            deduplication: OldDeduplication,
            /// Now `proxy.client_keys`.
            auth: OldAuth,
        }
        unused {
            unhealthy_reset_on_success, unhealthy_exception_patterns, unhealthy_response_body_patterns,
            unhealthy_http_codes, reload, reload_includes, log_file_path, app_name, app_version, oauth, testing,
        }
    }
}

old_keys! {
    /// The Balancer's timeouts.
    OldTimeouts {
        moved {
            /// Now `timeouts.response`.
            non_streaming: OldTimes,
            /// Now `timeouts.first_byte` and `timeouts.idle`.
            streaming: OldTimes,
        }
        unused { caching, }
    }
}

old_keys! {
    /// Times of one kind of request.
    OldTimes {
        moved {
            /// Now `timeouts.connect`; that of `streaming` wins.
            connect_timeout: At<Seconds>,
            /// See the parent.
            read_timeout: At<Seconds>,
        }
        unused { pool_timeout, }
    }
}

old_keys! {
    /// The Balancer's own access key.
    OldAuth {
        moved {
            /// Without it the key is not asked for.
            enabled: At<bool>,
            /// The key that clients present.
            api_key: At<String>,
        }
        unused { exempt_paths, }
    }
}

old_keys! {
    /// The Balancer's shared requests.
    OldDeduplication {
        moved {
            /// Now `cache.coalesce`.
            enabled: At<bool>,
        }
        unused { include_max_tokens_in_signature, sse_error_cleanup_delay, }
    }
}

/// A value of the Balancer that says how qcc writes it.
trait Moved: FromText {
    fn text(self) -> String;
}

macro_rules! moved {
    ($($name:ty: $value:ident => $text:expr;)*) => {
        $(impl Moved for $name { fn text(self) -> String { let $value = self; $text } })*
    };
}

moved! {
    Seconds: seconds => seconds.0;
    OldLevel: level => level.0.to_owned();
    OldStrategy: strategy => strategy.0.to_owned();
    OldColor: color => if color.0 { "auto".to_owned() } else { "never".to_owned() };
    Verbatim: text => text.0;
    bool: on => on.to_string();
    u16: number => number.to_string();
    u32: number => number.to_string();
}

/// Text that is moved as it is, so that `${VAR}` is replaced at the new place.
pub(crate) struct Verbatim(String);

impl FromText for Verbatim {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(Self(text.to_owned()))
    }
}

schema_as!(Verbatim, { "type": "string" });

/// `true` means colour where the terminal bears it.
pub(crate) struct OldColor(bool);

impl FromText for OldColor {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        bool::from_text(text).map(Self)
    }
}

schema_as!(OldColor, { "type": "boolean" });

/// A number of seconds, as the text of a duration.
pub(crate) struct Seconds(String);

impl FromText for Seconds {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        let wrong = || Wrong::new(format!("`{text}` is not a number of seconds"), "write a number such as `90`");
        number.map(|number| Self(format!("{number}s"))).ok_or_else(wrong)
    }
}

schema_as!(Seconds, { "type": "number", "minimum": 0 });

/// A level of Python's logging, as ours.
pub(crate) struct OldLevel(&'static str);

impl FromText for OldLevel {
    fn from_text(text: &str) -> Result<Self, Wrong> {
        let levels = [("DEBUG", "debug"), ("INFO", "info"), ("WARNING", "warn"), ("WARN", "warn"), ("ERROR", "error")];
        let found = levels.iter().chain(&[("CRITICAL", "error")]).find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, level)| Self(level)).ok_or_else(|| {
            Wrong::new(format!("`{text}` is not a log level"), "possible are DEBUG, INFO, WARNING, ERROR, CRITICAL")
        })
    }
}

schema_as!(OldLevel, { "type": "string", "pattern": "^([Dd][Ee][Bb][Uu][Gg]|[Ii][Nn][Ff][Oo]|[Ww][Aa][Rr][Nn]([Ii][Nn][Gg])?|[Ee][Rr][Rr][Oo][Rr]|[Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll])$" });

/// The Balancer's three strategies, which are also ours.
pub(crate) struct OldStrategy(&'static str);
words!(OldStrategy {
    "priority" => Self("priority"),
    "round_robin" => Self("round_robin"),
    "random" => Self("random"),
});

/// A value that came into force at another key than the one it is written at.
pub(crate) struct MovedValue {
    /// Dotted, the Balancer's.
    pub(crate) old: String,
    /// Dotted, ours.
    pub(crate) new: String,
    /// In our words.
    pub(crate) text: String,
}

/// Moves the Balancer's settings of `file` into its other sections; what was moved, in order.
pub(crate) fn move_settings(
    file: &mut File,
    problems: &mut Problems<'_>,
    notices: &mut Vec<Notice>,
) -> Vec<MovedValue> {
    let Some(old) = file.settings.take() else { return Vec::new() };
    let mut mover = Mover { problems, notices, moved: Vec::new() };
    mover.move_times(&old, file);
    mover.move_rest(&old, file);
    if let Some(auth) = &old.auth {
        mover.move_client_key(auth, file);
    }
    mover.report_unused(&old);
    mover.moved
}

struct Mover<'a, 'b> {
    problems: &'a mut Problems<'b>,
    notices: &'a mut Vec<Notice>,
    moved: Vec<MovedValue>,
}

macro_rules! moves {
    ($mover:ident, $file:ident; $($name:literal $old:expr => $section:ident.$key:ident;)*) => {$(
        let new = concat!(stringify!($section), ".", stringify!($key));
        $mover.put($name, $old.as_ref(), new, &mut $file.$section.get_or_insert_default().$key);
    )*};
}

impl Mover<'_, '_> {
    /// The Balancer hands `request_timeout` to its HTTP client, where it bounds each wait of a stream and, for an
    /// answer that comes at once, the whole of it: so it is both `response` and `first_byte`, and never cuts a stream.
    fn move_times(&mut self, old: &BalancerSettings, file: &mut File) {
        let none = OldTimeouts::default();
        let times = old.timeouts.as_ref().unwrap_or(&none);
        let no_times = OldTimes::default();
        let streaming = times.streaming.as_ref().unwrap_or(&no_times);
        let whole = times.non_streaming.as_ref().unwrap_or(&no_times);
        moves! { self, file;
            "timeouts.streaming.connect_timeout" streaming.connect_timeout => timeouts.connect;
            "timeouts.non_streaming.connect_timeout" whole.connect_timeout => timeouts.connect;
            "timeouts.streaming.read_timeout" streaming.read_timeout => timeouts.first_byte;
            "timeouts.streaming.read_timeout" streaming.read_timeout => timeouts.idle;
            "timeouts.non_streaming.read_timeout" whole.read_timeout => timeouts.response;
            "request_timeout" old.request_timeout => timeouts.response;
            "request_timeout" old.request_timeout => timeouts.first_byte;
        }
    }

    fn move_rest(&mut self, old: &BalancerSettings, file: &mut File) {
        let none = OldDeduplication::default();
        let deduplication = old.deduplication.as_ref().unwrap_or(&none);
        moves! { self, file;
            "failure_cooldown" old.failure_cooldown => breaker.open_initial;
            "unhealthy_threshold" old.unhealthy_threshold => breaker.failure_threshold;
            "unhealthy_reset_timeout" old.unhealthy_reset_timeout => breaker.window;
            "selection_strategy" old.selection_strategy => loadbalancer.strategy;
            "sticky_provider_duration" old.sticky_provider_duration => affinity.ttl;
            "log_level" old.log_level => logging.level;
            "log_color" old.log_color => logging.color;
            "host" old.host => proxy.host;
            "port" old.port => proxy.port;
            "cache_ttl" old.cache_ttl => cache.ttl;
            "cache_size_limit" old.cache_size_limit => cache.max_entries;
            "deduplication.enabled" deduplication.enabled => cache.coalesce;
            "enable_deduplication" old.enable_deduplication => cache.coalesce;
        }
    }

    /// An access key that was asked for must go on being asked for.
    fn move_client_key(&mut self, auth: &OldAuth, file: &mut File) {
        let enabled = auth.enabled.as_ref().is_some_and(|enabled| enabled.get(self.problems) == Some(true));
        let Some(key) = auth.api_key.as_ref().filter(|_| enabled) else { return };
        let keys = &mut file.proxy.get_or_insert_default().client_keys;
        if keys.is_none() {
            *keys = Some(vec![key.renamed(key.text().to_owned())]);
            self.note("settings.auth.api_key", "proxy.client_keys", key.text());
            self.tell(key.place.line, "settings.auth.api_key is now proxy.client_keys".to_owned());
        }
    }

    fn put<T: Moved, U>(&mut self, name: &str, old: Option<&At<T>>, new: &str, to: &mut Option<At<U>>) {
        let Some(old) = old else { return };
        let Some(value) = old.get(self.problems) else { return };
        if to.is_some() {
            self.tell(old.place.line, format!("settings.{name} is ignored: {new} is set and wins"));
        } else {
            let text = value.text();
            self.note(&format!("settings.{name}"), new, &text);
            *to = Some(old.renamed(text));
            self.tell(old.place.line, format!("settings.{name} is now {new}"));
        }
    }

    fn note(&mut self, old: &str, new: &str, text: &str) {
        self.moved.push(MovedValue { old: old.to_owned(), new: new.to_owned(), text: text.to_owned() });
    }

    fn report_unused(&mut self, old: &BalancerSettings) {
        let mut unused = old.unused();
        let times = old.timeouts.as_ref();
        let kinds = times.into_iter().flat_map(|times| times.streaming.iter().chain(&times.non_streaming));
        unused.extend(kinds.flat_map(OldTimes::unused));
        unused.extend(times.into_iter().flat_map(OldTimeouts::unused));
        unused.extend(old.auth.iter().flat_map(OldAuth::unused));
        unused.extend(old.deduplication.iter().flat_map(OldDeduplication::unused));
        unused.sort_by_key(|(_, line)| *line);
        if let Some((_, line)) = unused.first() {
            let mut keys: Vec<&str> = unused.iter().map(|(key, _)| *key).collect();
            keys.dedup();
            self.tell(*line, format!("settings without a counterpart in qcc are ignored: {}", keys.join(", ")));
        }
    }

    fn tell(&mut self, line: usize, message: String) {
        self.notices.push(Notice { message, line: Some(line) });
    }
}
