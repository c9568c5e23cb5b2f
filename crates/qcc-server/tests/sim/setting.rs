//! Where a run takes place: an arbitrary configuration, as text for the gateway and as data for who checks it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::random::Random;
use crate::speech::Dialect;

/// The models that clients ask for.
pub(crate) const MODELS: [&str; 2] = ["claude-large-5", "claude-small-5"];

/// What providers speak. Two of five are of the dialect of every other client.
const DIALECTS: [Dialect; 5] =
    [Dialect::Anthropic, Dialect::Anthropic, Dialect::Openai, Dialect::Responses, Dialect::Gemini];

/// How a provider is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    ApiKey(String),
    Token(String),
    Passthrough,
}

#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// The same for one machine over all reloads.
    pub(crate) number: usize,
    pub(crate) host: u64,
    /// The same over all reloads.
    pub(crate) dialect: Dialect,
    /// Whether it answers others than those of its dialect with streams: as asked, always, or never.
    pub(crate) streams: &'static str,
    pub(crate) credential: Credential,
    pub(crate) enabled: bool,
    /// What it calls the small model, where it has another name for it.
    pub(crate) small: Option<String>,
    pub(crate) concurrency: u32,
    pub(crate) rpm: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Profile {
    tier: &'static str,
    strategy: &'static str,
    /// Number of the provider, weight, priority.
    endpoints: Vec<(usize, u64, u64)>,
}

/// A configuration.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) providers: Vec<Provider>,
    pub(crate) profiles: Vec<Profile>,
    /// Of the small model: providers, with the model that the route names, if any.
    pub(crate) route: Vec<(usize, Option<String>)>,
    pub(crate) client_keys: Vec<String>,
    pub(crate) auto: bool,
    pub(crate) repeats: u64,
    pub(crate) budget: (&'static str, u64),
    pub(crate) probes: u64,
    pub(crate) max_wait: u64,
    pub(crate) max_waiters: u64,
    pub(crate) drain: u64,
    pub(crate) per_host: u64,
    /// `timeouts.total`
    pub(crate) total: Duration,
    /// Everything that nobody checks by its value.
    rest: String,
}

impl Provider {
    /// `p0`, `p1`...
    pub(crate) fn name(&self) -> String {
        format!("p{}", self.number)
    }

    /// Providers with the same host differ in the port.
    pub(crate) fn port(number: usize) -> u16 {
        8000 + number as u16
    }

    fn any(number: usize, hosts: u64, random: &mut Random) -> Self {
        let dialect = random.of(&DIALECTS);
        Self {
            number,
            host: random.below(hosts),
            dialect,
            streams: random.of(&["both", "both", "both", "only", "never"]),
            credential: match random.below(10) {
                // No client has a credential of its own for Google.
                0 if dialect != Dialect::Gemini => Credential::Passthrough,
                1..4 => Credential::Token(secret("token", number, random)),
                _ => Credential::ApiKey(secret("key", number, random)),
            },
            enabled: !random.percent(5),
            small: random.percent(20).then(|| format!("small-of-{number}")),
            concurrency: if random.percent(12) { random.within(1..4) as u32 } else { 0 },
            rpm: if random.percent(8) { random.within(5..30) as u32 } else { 0 },
        }
    }
}

fn secret(kind: &str, number: usize, random: &mut Random) -> String {
    format!("sk-{kind}-{number}-{:016x}", random.draw())
}

impl Setting {
    pub(crate) fn any(random: &mut Random) -> Self {
        let count = random.within(1..7) as usize;
        let hosts = random.within(1..count as u64 + 1);
        let mut providers: Vec<_> = (0..count).map(|number| Provider::any(number, hosts, random)).collect();
        // Somebody can always be asked, by everybody.
        providers[0].enabled = true;
        if providers.iter().all(|provider| provider.credential == Credential::Passthrough) {
            providers[0].credential = Credential::ApiKey(secret("key", 0, random));
        }
        let mut setting = Self {
            profiles: profiles(count, random),
            route: Vec::new(),
            client_keys: Vec::new(),
            auto: !random.percent(8),
            repeats: random.below(3),
            budget: random.of(&[("0.2", 10), ("0.2", 10), ("0.2", 1), ("0", 0)]),
            probes: random.of(&[1, 1, 2]),
            max_wait: random.of(&[240, 240, 240, 60, 0]),
            max_waiters: random.of(&[1000, 1000, 1000, 2]),
            drain: random.of(&[1, 5, 30]),
            per_host: if random.percent(6) { random.within(1..4) } else { 0 },
            total: Duration::from_mins(15),
            rest: rest(random),
            providers,
        };
        setting.total = total(&setting.rest);
        if random.percent(25) {
            setting.route = route(&setting.providers, random);
        }
        if random.percent(25) {
            setting.client_keys = (0..2).map(|number| secret("client", number, random)).collect();
        }
        setting
    }

    /// The same after an edit.
    pub(crate) fn edited(&self, random: &mut Random) -> Self {
        let mut next = self.clone();
        let place = random.index(next.providers.len());
        match random.below(6) {
            0 => {
                if let Credential::ApiKey(key) = &mut next.providers[place].credential {
                    *key = secret("key", place, random);
                }
            }
            1 => next.providers[place].enabled ^= place > 0,
            2 => next.profiles = profiles(next.providers.len(), random),
            3 => {
                next.rest = rest(random);
                next.total = total(&next.rest);
            }
            4 if next.max_wait > 0 => next.max_wait = random.of(&[240, 60]),
            _ => next.providers[place].concurrency = random.below(3) as u32,
        }
        next
    }

    pub(crate) fn hold(&self) -> Duration {
        Duration::from_secs(self.max_wait)
    }

    /// Whether a model goes by the route.
    fn is_routed(&self, model: &str) -> bool {
        !self.route.is_empty() && model == MODELS[1]
    }

    /// The providers that may be asked for a model, with the model as sent. Not those of passthrough when the client
    /// has nothing to pass.
    pub(crate) fn plan(&self, model: &str, passes: bool) -> Vec<(&Provider, String)> {
        let routed = self.is_routed(model);
        let able = self.providers.iter().filter(|provider| {
            let takes_part = if routed {
                self.route.iter().any(|(number, _)| *number == provider.number)
            } else {
                self.profiles.is_empty() || self.has_endpoint(provider.number)
            };
            takes_part && provider.enabled && (passes || provider.credential != Credential::Passthrough)
        });
        able.map(|provider| (provider, self.sent(provider, model))).collect()
    }

    fn has_endpoint(&self, number: usize) -> bool {
        self.profiles.iter().any(|profile| profile.endpoints.iter().any(|(member, ..)| *member == number))
    }

    /// The model that goes to a provider when this one is asked for.
    pub(crate) fn sent(&self, provider: &Provider, model: &str) -> String {
        let routed = self.is_routed(model);
        let named = self.route.iter().find(|(number, _)| routed && *number == provider.number);
        let name = named.and_then(|(_, model)| model.as_deref()).unwrap_or(model);
        match &provider.small {
            Some(small) if name.contains("small") => small.clone(),
            _ => name.to_owned(),
        }
    }

    /// As the gateway reads it.
    pub(crate) fn text(&self) -> String {
        self.try_text().expect("a text has room")
    }

    fn try_text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("providers:\n");
        for provider in &self.providers {
            let Provider { number, host, enabled, concurrency, rpm, streams, .. } = provider;
            let (port, dialect) = (Provider::port(*number), provider.dialect.name());
            writeln!(text, "  - name: p{number}\n    type: {dialect}\n    base_url: http://host{host}.sim:{port}")?;
            writeln!(text, "    enabled: {enabled}\n    capabilities: {{\"*\": {{streams: {streams}}}}}")?;
            match &provider.credential {
                Credential::ApiKey(key) => writeln!(text, "    auth_type: api_key\n    auth_value: {key}")?,
                Credential::Token(token) => writeln!(text, "    auth_type: auth_token\n    auth_value: {token}")?,
                Credential::Passthrough => {
                    writeln!(text, "    auth_type: passthrough\n    allow_passthrough: true")?;
                }
            }
            writeln!(text, "    limits: {{concurrency: {concurrency}, rpm: {rpm}}}")?;
            if let Some(small) = &provider.small {
                writeln!(text, "    models: {{\"*small*\": {small}}}")?;
            }
        }
        if !self.profiles.is_empty() {
            writeln!(text, "profiles:")?;
        }
        for (place, profile) in self.profiles.iter().enumerate() {
            let Profile { tier, strategy, endpoints } = profile;
            let endpoint = |(number, weight, priority): &(usize, u64, u64)| {
                format!("{{provider: p{number}, weight: {weight}, priority: {priority}}}")
            };
            let endpoints: Vec<_> = endpoints.iter().map(endpoint).collect();
            let endpoints = endpoints.join(", ");
            writeln!(text, "  profile{place}: {{tier: {tier}, strategy: {strategy}, endpoints: [{endpoints}]}}")?;
        }
        if !self.route.is_empty() {
            writeln!(text, "model_routes:\n  \"*small*\":")?;
        }
        for (priority, (number, model)) in self.route.iter().enumerate() {
            let model = model.as_ref().map(|model| format!(", model: {model}")).unwrap_or_default();
            writeln!(text, "    - {{provider: p{number}, priority: {}{model}}}", priority + 1)?;
        }
        writeln!(text, "proxy: {{drain: {}s, client_keys: {:?}}}", self.drain, self.client_keys)?;
        let (ratio, floor) = self.budget;
        writeln!(text, "retry: {{same_provider: {}, budget: {ratio}, budget_floor: {floor}}}", self.repeats)?;
        writeln!(text, "hold: {{max_wait: {}s, max_waiters: {}}}", self.max_wait, self.max_waiters)?;
        writeln!(text, "pool: {{max_per_host: {}}}", self.per_host)?;
        write!(text, "{}", self.rest.replace("PROBES", &self.probes.to_string()))?;
        let auto = self.auto;
        writeln!(text, "failover: {{auto: {auto}}}")?;
        Ok(text)
    }
}

/// Every provider in one of up to three profiles; now and then none at all.
fn profiles(count: usize, random: &mut Random) -> Vec<Profile> {
    let profiles = random.below(4) as usize;
    let mut made: Vec<Profile> = (0..profiles)
        .map(|_| Profile {
            tier: random.of(&["primary", "secondary", "fallback"]),
            strategy: random.of(&["priority", "weighted", "round_robin", "random", "least_inflight", "latency"]),
            endpoints: Vec::new(),
        })
        .collect();
    for number in 0..count {
        if let Some(profile) = (profiles > 0).then(|| random.index(profiles)) {
            let endpoint = (number, random.within(1..200), random.within(1..3));
            made[profile].endpoints.push(endpoint);
        }
    }
    made
}

/// Some of the providers, never none, some under another model.
fn route(providers: &[Provider], random: &mut Random) -> Vec<(usize, Option<String>)> {
    let mut route: Vec<_> = providers.iter().filter(|_| random.percent(60)).map(|one| one.number).collect();
    if !route.contains(&0) {
        route.push(0);
    }
    let mut models = random.fork();
    route.into_iter().map(|number| (number, models.percent(30).then(|| format!("routed-small-{number}")))).collect()
}

fn total(rest: &str) -> Duration {
    if rest.contains("total: 120s") { Duration::from_mins(2) } else { Duration::from_mins(15) }
}

fn rest(random: &mut Random) -> String {
    let failures = random.within(1..4);
    let open = random.of(&["5s", "20s", "60s"]);
    let successes = random.within(1..3);
    let affinity = !random.percent(20);
    let probes = random.of(&[("60s", "10m"), ("10s", "30s"), ("5s", "0"), ("0", "0")]);
    let timeouts = random.of(&[
        "",
        "",
        "timeouts: {connect: 3s, first_byte: 20s, response: 60s, idle: 15s, stall: 30s}\n",
        "timeouts: {first_byte: 30s, idle: 30s, total: 120s}\n",
    ]);
    format!(
        "breaker: {{failure_threshold: {failures}, open_initial: {open}, success_threshold: {successes}, \
         half_open_probes: PROBES}}\naffinity: {{enabled: {affinity}}}\n\
         health: {{interval: {}, conversation_interval: {}}}\n{timeouts}",
        probes.0, probes.1
    )
}
