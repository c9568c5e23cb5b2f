//! The sections: values in force, and the keys that have no effect yet.

use std::path::PathBuf;
use std::time::Duration;

use super::{Resolver, is_loopback};
use crate::error::Place;
use crate::file::File;
use crate::secret::Secret;
use crate::sections::{self, Section};
use crate::source::{Problems, Source};
use crate::types::{
    AffinitySettings, BreakerSettings, FailoverSettings, HealthSettings, HoldSettings, LoggingSettings, PoolSettings,
    ProxySettings, RetrySettings, Settings, Timeouts,
};
use crate::value::{At, Size, Time};

/// How long rows are kept where nobody says so.
const RETENTION: Duration = Duration::from_hours(30 * 24);

/// The settings of an empty file.
pub(super) fn defaults() -> Settings {
    let source = Source::empty();
    let env = |_: &str| None;
    let mut resolver = Resolver { problems: Problems::new(&source), env: &env, notices: Vec::new(), idle: Vec::new() };
    resolver.settings(&File::default())
}

impl Resolver<'_> {
    pub(super) fn settings(&mut self, file: &File) -> Settings {
        self.idle_sections(file);
        Settings {
            proxy: self.proxy(file),
            pool: self.pool(file),
            timeouts: self.timeouts(file),
            retry: self.retry(file),
            breaker: self.breaker(file),
            affinity: self.affinity(file),
            hold: self.hold(file),
            health: self.health(file),
            failover: self.failover(file),
            storage_path: self.storage_path(file),
            storage_retention: self.storage_retention(file),
            logging: self.logging(file),
        }
    }

    fn proxy(&mut self, file: &File) -> ProxySettings {
        let none = sections::Proxy::default();
        let proxy = file.proxy.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        let (port, drain) = (proxy.port(problems), proxy.drain(problems).0);
        let (Size(max_body), Size(max_buffered)) = (proxy.max_body(problems), proxy.max_buffered(problems));
        if let (0, Some(at)) = (max_body, &proxy.max_body) {
            problems.add(at.place, "no request could pass with proxy.max_body 0", "write a size such as `32MiB`");
        }
        if let Some(place) = place_of(&proxy.max_buffered, &proxy.max_body)
            && max_buffered < max_body
        {
            let message = "proxy.max_buffered is smaller than proxy.max_body: no large request could pass";
            problems.add(place, message, "make it at least as large as proxy.max_body");
        }
        let host = self.listen_host(proxy.host.as_ref());
        let client_keys = self.client_keys(proxy.client_keys.as_deref().unwrap_or_default());
        if let Some(at) = &proxy.host
            && proxy.client_keys.as_ref().is_none_or(Vec::is_empty)
            && !is_loopback(&host)
        {
            let message = "proxy.host is not loopback and proxy.client_keys is empty: anyone could spend your money";
            self.problems.add(
                at.place,
                message,
                "add `client_keys: [${QCC_CLIENT_KEY}]` under `proxy:`, or listen on 127.0.0.1",
            );
        }
        let allowed_hosts = self.texts(proxy.allowed_hosts.as_deref(), allowed_host);
        let allowed_origins = self.texts(proxy.allowed_origins.as_deref(), allowed_origin);
        ProxySettings { host, port, client_keys, allowed_hosts, allowed_origins, max_body, max_buffered, drain }
    }

    fn listen_host(&mut self, at: Option<&At<String>>) -> String {
        let loopback = "127.0.0.1".to_owned();
        let Some(at) = at else { return loopback };
        let Some(text) = self.text(at) else { return loopback };
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
        let name = bare.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if bare.is_empty() || !(name || bare.parse::<std::net::Ipv6Addr>().is_ok()) {
            let hint = "write an address such as `127.0.0.1` or `::1`; the port goes into `proxy.port`";
            self.problems.add(at.place, "proxy.host is neither an address nor a host name", hint);
            return loopback;
        }
        bare.to_owned()
    }

    fn client_keys(&mut self, keys: &[At<String>]) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for at in keys {
            let Some(text) = self.text(at) else { continue };
            if is_header_text(&text) {
                secrets.push(Secret::new(text.as_str()));
            } else {
                let hint = "a key goes into a header: printable ASCII, no blanks around it, at least one character";
                self.problems.add(at.place, "this client key is empty or cannot stand in a header", hint);
            }
        }
        secrets
    }

    fn texts(
        &mut self,
        list: Option<&[At<String>]>,
        fault: fn(&str) -> Option<(&'static str, &'static str)>,
    ) -> Vec<String> {
        let mut texts = Vec::new();
        for at in list.unwrap_or_default() {
            let Some(text) = self.text(at) else { continue };
            match fault(&text) {
                Some((message, hint)) => self.problems.add(at.place, message, hint),
                None => texts.push(text.as_str().to_owned()),
            }
        }
        texts
    }

    fn pool(&mut self, file: &File) -> PoolSettings {
        let none = sections::Pool::default();
        let pool = file.pool.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        PoolSettings {
            max_idle_per_host: count(pool.max_idle_per_host(problems)),
            idle: pool.idle(problems).on(),
            max_per_host: count(pool.max_per_host(problems)),
        }
    }

    fn timeouts(&mut self, file: &File) -> Timeouts {
        let none = sections::Timeouts::default();
        let timeouts = file.timeouts.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        Timeouts {
            connect: timeouts.connect(problems).on(),
            first_byte: timeouts.first_byte(problems).on(),
            response: timeouts.response(problems).on(),
            idle: timeouts.idle(problems).on(),
            stall: timeouts.stall(problems).on(),
            total: timeouts.total(problems).on(),
        }
    }

    fn retry(&mut self, file: &File) -> RetrySettings {
        let none = sections::Retry::default();
        let retry = file.retry.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        let settings = RetrySettings {
            max_attempts: retry.max_attempts(problems),
            same_provider: retry.same_provider(problems),
            initial: retry.initial(problems).0,
            multiplier: retry.multiplier(problems),
            max: retry.max(problems).0,
            jitter: retry.jitter(problems),
            budget: retry.budget(problems),
            budget_floor: retry.budget_floor(problems),
        };
        let place = place_of(&retry.max, &retry.initial);
        self.not_shorter("retry.max", settings.max, "retry.initial", settings.initial, place);
        settings
    }

    fn breaker(&mut self, file: &File) -> BreakerSettings {
        let none = sections::Breaker::default();
        let breaker = file.breaker.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        let settings = BreakerSettings {
            failure_threshold: breaker.failure_threshold(problems),
            window: breaker.window(problems).0,
            error_rate: breaker.error_rate(problems),
            min_requests: breaker.min_requests(problems),
            success_threshold: breaker.success_threshold(problems),
            half_open_probes: breaker.half_open_probes(problems),
            open_initial: breaker.open_initial(problems).0,
            multiplier: breaker.multiplier(problems),
            open_max: breaker.open_max(problems).0,
            jitter: breaker.jitter(problems),
        };
        // Only where the file names the longest time: a Balancer's cooldown may be longer than our default.
        let place = breaker.open_max.as_ref().map(|at| at.place);
        self.not_shorter("breaker.open_max", settings.open_max, "breaker.open_initial", settings.open_initial, place);
        settings
    }

    fn affinity(&mut self, file: &File) -> AffinitySettings {
        let none = sections::Affinity::default();
        let affinity = file.affinity.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        AffinitySettings {
            enabled: affinity.enabled(problems),
            ttl: affinity.ttl(problems).0,
            max_sessions: count(affinity.max_sessions(problems)),
            max_wait: affinity.max_wait(problems).0,
        }
    }

    fn hold(&mut self, file: &File) -> HoldSettings {
        let none = sections::Hold::default();
        let hold = file.hold.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        HoldSettings { max_wait: hold.max_wait(problems).0, max_waiters: count(hold.max_waiters(problems)) }
    }

    fn failover(&mut self, file: &File) -> FailoverSettings {
        let none = sections::Failover::default();
        let failover = file.failover.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        FailoverSettings {
            auto: failover.auto(problems),
            recovery: failover.recovery(problems),
            cooldown: failover.cooldown(problems).0,
        }
    }

    fn health(&mut self, file: &File) -> HealthSettings {
        let none = sections::Health::default();
        let health = file.health.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        let model = health.model(problems);
        if let (true, Some(at)) = (model.trim().is_empty(), &health.model) {
            problems.add(at.place, "the name of the model is empty", "write a name that the providers know, or `auto`");
        }
        HealthSettings {
            interval: health.interval(problems).0,
            timeout: health.timeout(problems).on(),
            conversation_interval: health.conversation_interval(problems).0,
            model: Some(model).filter(|model| model != "auto"),
            daily_limit: health.daily_limit(problems),
            weight_adjustment: health.weight_adjustment(problems),
            min_checks: health.min_checks(problems),
        }
    }

    fn not_shorter(&mut self, max: &str, longest: Duration, first: &str, initial: Duration, place: Option<Place>) {
        if let Some(place) = place
            && longest < initial
        {
            let message = format!("{max} is shorter than {first}");
            self.problems.add(place, message, format!("make {max} at least as long as {first}"));
        }
    }

    fn logging(&mut self, file: &File) -> LoggingSettings {
        let none = sections::Logging::default();
        let logging = file.logging.as_ref().unwrap_or(&none);
        let problems = &mut self.problems;
        if logging.bodies(problems) {
            self.idle.push("logging.bodies".to_owned());
        }
        LoggingSettings {
            level: logging.level(problems),
            color: logging.color(problems),
            file_size: logging.file_size(problems).0,
            files: logging.files(problems),
        }
    }

    /// Checks the sections that nothing reads yet, and remembers which of their keys the file names.
    fn idle_sections(&mut self, file: &File) {
        fn view<S: Section>(section: &Option<S>) -> Option<&dyn Section> {
            section.as_ref().map(|section| section as &dyn Section)
        }
        let idle = [("queue", view(&file.queue)), ("cache", view(&file.cache))];
        for (name, section) in idle {
            let Some(section) = section else { continue };
            section.check(&mut self.problems);
            let keys = section.written().into_iter().enumerate();
            // `queue.initial, .max`: the section once.
            self.idle.extend(keys.map(|(at, key)| if at == 0 { format!("{name}.{key}") } else { format!(".{key}") }));
        }
    }

    fn storage_retention(&mut self, file: &File) -> Option<Duration> {
        let written = file.storage.as_ref().and_then(|storage| storage.retention.as_ref());
        let time = written.and_then(|retention| retention.get(&mut self.problems));
        time.map_or(Some(RETENTION), Time::on)
    }

    fn storage_path(&mut self, file: &File) -> Option<PathBuf> {
        let at = file.storage.as_ref()?.path.as_ref()?;
        let text = self.text(at)?;
        if text.is_empty() {
            self.problems.add(at.place, "storage.path is empty", "write a path, or remove the key");
            return None;
        }
        Some(self.problems.source.folder().join(text.as_str()))
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where the first of two keys that the file names stands.
fn place_of<T, U>(first: &Option<At<T>>, second: &Option<At<U>>) -> Option<Place> {
    first.as_ref().map(|at| at.place).or_else(|| second.as_ref().map(|at| at.place))
}

/// Whether a text can be the value of a header as it is: printable ASCII without blanks around it.
pub(super) fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

fn allowed_host(text: &str) -> Option<(&'static str, &'static str)> {
    let bad = text.is_empty() || text.contains(['/', '*', ' ', '@']);
    let hint = "write a name or address as it stands in the `Host` header, such as `qcc.lan`; wildcards do not work";
    bad.then_some(("this is no host name", hint))
}

fn allowed_origin(text: &str) -> Option<(&'static str, &'static str)> {
    let host = text.split_once("://").map_or("", |(_, host)| host);
    let bad = host.is_empty() || host.contains(['/', '*', ' ', '@']);
    let hint = "write an origin such as `https://app.example`, without a path; wildcards do not work";
    bad.then_some(("this is no origin", hint))
}
