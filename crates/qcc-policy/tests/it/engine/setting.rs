//! Where a run takes place: an arbitrary configuration, and who is ill when.

use std::time::Duration;

use qcc_policy::breaker;
use qcc_policy::engine::{Engine, EngineSettings};
use qcc_policy::plan::{PlanEndpoint, PlanInput, PlanProfile, PlanProvider};
use qcc_policy::{
    AffinitySettings, Backoff, Caps, FailbackSettings, HealthSettings, Hold, Limits, ProviderId, RetryBudget, Router,
    Strategy, Tier,
};

use super::nature::{Nature, Script};
use crate::random::Random;

const STRATEGIES: [Strategy; 6] = [
    Strategy::Priority,
    Strategy::Weighted,
    Strategy::RoundRobin,
    Strategy::Random,
    Strategy::LeastInflight,
    Strategy::Latency,
];

/// What a reload may change.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) breaker: breaker::Config,
    pub(super) limits: Limits,
    pub(super) budget: (f64, u32),
    /// Zero: nobody waits.
    pub(super) max_wait: Duration,
    pub(super) max_waiters: usize,
    /// `failover.cooldown`, and `failover.recovery`.
    failback: FailbackSettings,
    plan: PlanInput,
    pub(super) caps: Vec<Caps>,
}

/// A provider that no configuration changes.
pub(super) struct Upstream {
    pub(super) script: Script,
    /// The model that it does not serve.
    pub(super) lacks: Option<usize>,
    /// Its answers say what is left of its limits.
    pub(super) announces: bool,
}

pub(super) struct Setting {
    pub(super) config: Config,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) sessions: usize,
    /// Providers have faults only until then, and nobody comes after it.
    pub(super) end: Duration,
    /// What a request has before commit.
    pub(super) deadline: Duration,
    /// Threads look at the clock in another order than they take the lock, so many milliseconds apart.
    pub(super) skew: u64,
    /// When somebody changes the configuration.
    pub(super) reloads: Vec<Duration>,
    /// When somebody resets a provider by hand, or switches.
    pub(super) hands: Vec<Duration>,
}

impl Setting {
    pub(super) fn any(random: &mut Random) -> Self {
        let count = 2 + random.below(5) as usize;
        let long = random.percent(10);
        let end = Duration::from_secs(if long { 420 } else { 90 });
        let upstream = |random: &mut Random| Upstream {
            script: Script::any(end, random),
            lacks: random.percent(6).then(|| random.below(2) as usize),
            announces: random.percent(10),
        };
        let mut upstreams: Vec<Upstream> = (0..count).map(|_| upstream(random)).collect();
        if long || random.percent(15) {
            let from = random.millis(end.as_millis() as u64 / 2);
            let to = from + random.millis(end.as_millis() as u64 / 2);
            let nature = random.of(&[Nature::Refusing, Nature::Storm, Nature::Storm]);
            upstreams.iter_mut().for_each(|upstream| upstream.script.cut(from, to, nature));
        }
        let times = |share, most, random: &mut Random| -> Vec<Duration> {
            let many = if random.percent(share) { 1 + random.below(most) } else { 0 };
            (0..many).map(|_| random.millis(end.as_millis() as u64)).collect()
        };
        Self {
            config: Config::any(count, random),
            upstreams,
            sessions: 1 + random.below(6) as usize,
            end,
            deadline: Duration::from_secs(random.of(&[290, 290, 60])),
            skew: random.of(&[0, 3]),
            reloads: times(20, 3, random),
            hands: times(10, 2, random),
        }
    }
}

impl Config {
    fn any(count: usize, random: &mut Random) -> Self {
        Self {
            breaker: breaker(random),
            limits: Limits {
                max_attempts: random.of(&[5, 5, 5, 1, 2, 3]),
                same_provider: random.of(&[1, 1, 1, 0, 2]),
                backoff: Backoff {
                    initial: Duration::from_millis(250),
                    multiplier: 2.0,
                    max: Duration::from_secs(4),
                    jitter: 0.2,
                },
            },
            budget: random.of(&[(0.2, 10), (0.2, 10), (0.2, 10), (0.0, 0), (0.2, 1)]),
            max_wait: Duration::from_secs(random.of(&[0, 30, 240])),
            max_waiters: random.of(&[1000, 1000, 2]),
            failback: FailbackSettings {
                recovery: random.percent(80),
                cooldown: Duration::from_secs(random.of(&[0, 20, 300])),
            },
            plan: plan((0..count as u32).collect(), random),
            caps: (0..count).map(|_| caps(random)).collect(),
        }
    }

    /// Another one, in which some providers may be gone.
    pub(super) fn reloaded(&self, random: &mut Random) -> Self {
        let count = self.caps.len();
        let mut new = Self::any(count, random);
        let mut left: Vec<u32> = (0..count as u32).filter(|_| random.percent(75)).collect();
        if left.is_empty() {
            left.push(random.below(count as u64) as u32);
        }
        new.plan = plan(left, random);
        // Limits seldom change.
        for (caps, old) in new.caps.iter_mut().zip(&self.caps) {
            *caps = if random.percent(20) { *caps } else { *old };
        }
        new
    }

    pub(super) fn settings(&self) -> EngineSettings {
        let affinity = AffinitySettings { ttl: Duration::from_hours(1), max_sessions: 1000, recovery: true };
        let health = HealthSettings::default();
        EngineSettings { breaker: self.breaker, affinity, health, failback: self.failback }
    }

    pub(super) fn limit(&self, engine: &mut Engine) {
        for (number, caps) in (0..).zip(&self.caps) {
            engine.limit(ProviderId(number), *caps);
            // Two keys of one vendor.
            engine.place(ProviderId(number), u64::from(number / 2));
        }
    }

    pub(super) fn engine(&self) -> Engine {
        let mut engine = Engine::new(self.settings());
        self.limit(&mut engine);
        engine
    }

    pub(super) fn router(&self) -> Router {
        Router::new(&self.plan)
    }

    /// How many providers the plan has.
    pub(super) fn providers(&self) -> usize {
        self.plan.providers.len()
    }

    pub(super) fn hold(&self) -> Hold {
        Hold::new(self.max_wait, self.max_waiters)
    }

    pub(super) fn retries(&self) -> RetryBudget {
        RetryBudget::new(self.budget.0, self.budget.1)
    }

    pub(super) fn probes(&self) -> usize {
        self.breaker.half_open_probes.max(1) as usize
    }
}

/// One profile of all the providers, in which the idle ones go first.
pub(super) fn by_load(count: u32) -> Router {
    let endpoints = (0..count).map(|number| endpoint(number, 1, 100)).collect();
    let profile = PlanProfile { tier: None, strategy: Strategy::LeastInflight, key: 99, endpoints };
    let all: Vec<u32> = (0..count).collect();
    Router::new(&PlanInput { providers: enabled(&all), profiles: vec![profile], ..PlanInput::default() })
}

fn caps(random: &mut Random) -> Caps {
    match random.below(6) {
        0 => Caps { rpm: 1 + random.below(12) as u32, ..Caps::default() },
        1 => Caps { concurrency: 1 + random.below(2) as u32, ..Caps::default() },
        _ => Caps::default(),
    }
}

fn breaker(random: &mut Random) -> breaker::Config {
    breaker::Config {
        failure_threshold: 1 + random.below(3) as u32,
        window: Duration::from_mins(1),
        error_rate: random.of(&[0.5, 0.0]),
        min_requests: 4 + random.below(7) as u32,
        success_threshold: 1 + random.below(2) as u32,
        half_open_probes: 1 + random.below(2) as u32,
        open_initial: Duration::from_secs(random.of(&[5, 20, 60])),
        multiplier: 2.0,
        open_max: Duration::from_mins(10),
        jitter: random.of(&[0.0, 0.1]),
        lease: Duration::from_secs(random.of(&[0, 10])),
    }
}

fn plan(providers: Vec<u32>, random: &mut Random) -> PlanInput {
    let profiles = 1 + random.below(3);
    let mut made: Vec<PlanProfile> = (0..profiles)
        .map(|key| PlanProfile {
            tier: Some(random.of(&[Tier::Primary, Tier::Secondary, Tier::Fallback])),
            strategy: random.of(&STRATEGIES),
            key,
            endpoints: Vec::new(),
        })
        .collect();
    for &number in &providers {
        let endpoint = endpoint(number, 1 + random.below(2) as u32, 1 + random.below(200) as u32);
        made[random.below(profiles) as usize].endpoints.push(endpoint);
    }
    PlanInput { providers: enabled(&providers), profiles: made, ..PlanInput::default() }
}

fn endpoint(number: u32, priority: u32, weight: u32) -> PlanEndpoint {
    PlanEndpoint { provider: ProviderId(number), priority, weight, enabled: true }
}

fn enabled(providers: &[u32]) -> Vec<PlanProvider> {
    providers.iter().map(|&number| PlanProvider { id: ProviderId(number), enabled: true }).collect()
}
