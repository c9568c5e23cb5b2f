//! Where a run takes place: an arbitrary configuration, and who is ill when.

use std::time::Duration;

use qcc_policy::breaker;
use qcc_policy::engine::{Engine, EngineSettings};
use qcc_policy::plan::{PlanEndpoint, PlanInput, PlanProfile, PlanProvider};
use qcc_policy::{
    AffinitySettings, Backoff, Caps, FailbackSettings, HealthSettings, Hold, Limits, ProviderId, RetryBudget, Router,
    Strategy, Tier,
};

use super::nature::Script;
use crate::random::Random;

/// Providers have faults only until then.
pub(super) const END: Duration = Duration::from_secs(90);
const STRATEGIES: [Strategy; 6] = [
    Strategy::Priority,
    Strategy::Weighted,
    Strategy::RoundRobin,
    Strategy::Random,
    Strategy::LeastInflight,
    Strategy::Latency,
];

pub(super) struct Setting {
    pub(super) breaker: breaker::Config,
    pub(super) limits: Limits,
    pub(super) budget: (f64, u32),
    /// Zero: nobody waits.
    pub(super) max_wait: Duration,
    pub(super) max_waiters: usize,
    pub(super) plan: PlanInput,
    pub(super) providers: Vec<(Caps, Script)>,
    pub(super) sessions: usize,
    pub(super) deadline: Duration,
    /// `failover.cooldown`, in seconds.
    pub(super) cooldown: u64,
}

impl Setting {
    pub(super) fn any(random: &mut Random) -> Self {
        let count = 2 + random.below(5) as u32;
        let mut providers: Vec<_> = (0..count).map(|_| (caps(random), Script::any(END, random))).collect();
        if random.percent(15) {
            let from = random.millis(60_000);
            let to = from + random.millis(30_000);
            providers.iter_mut().for_each(|(_, script)| script.cut(from, to));
        }
        Self {
            breaker: breaker(random),
            limits: Limits {
                max_attempts: 1 + random.below(6) as u32,
                same_provider: random.below(3) as u32,
                backoff: Backoff {
                    initial: Duration::from_millis(250),
                    multiplier: 2.0,
                    max: Duration::from_secs(4),
                    jitter: 0.2,
                },
            },
            budget: random.of(&[(0.2, 10), (0.0, 0), (0.2, 1)]),
            max_wait: random.of(&[Duration::ZERO, Duration::from_secs(30), Duration::from_secs(240)]),
            max_waiters: random.of(&[1000, 1000, 2]),
            plan: plan(count, random),
            providers,
            sessions: 1 + random.below(6) as usize,
            deadline: Duration::from_secs(random.of(&[900, 900, 40])),
            cooldown: random.of(&[0, 20, 300]),
        }
    }

    pub(super) fn engine(&self) -> Engine {
        let affinity = AffinitySettings { ttl: Duration::from_hours(1), max_sessions: 1000, recovery: true };
        let health = HealthSettings::default();
        let failback = FailbackSettings { recovery: true, cooldown: Duration::from_secs(self.cooldown) };
        let mut engine = Engine::new(EngineSettings { breaker: self.breaker, affinity, health, failback });
        for (number, (caps, _)) in (0..).zip(&self.providers) {
            engine.limit(ProviderId(number), *caps);
            engine.place(ProviderId(number), u64::from(number / 2));
        }
        engine
    }

    pub(super) fn router(&self) -> Router {
        Router::new(&self.plan)
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
    Router::new(&PlanInput { providers: enabled(count), profiles: vec![profile], ..PlanInput::default() })
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

fn plan(count: u32, random: &mut Random) -> PlanInput {
    let profiles = 1 + random.below(3);
    let mut made: Vec<PlanProfile> = (0..profiles)
        .map(|key| PlanProfile {
            tier: Some(random.of(&[Tier::Primary, Tier::Secondary, Tier::Fallback])),
            strategy: random.of(&STRATEGIES),
            key,
            endpoints: Vec::new(),
        })
        .collect();
    for number in 0..count {
        let endpoint = endpoint(number, 1 + random.below(2) as u32, 1 + random.below(200) as u32);
        made[random.below(profiles) as usize].endpoints.push(endpoint);
    }
    PlanInput { providers: enabled(count), profiles: made, ..PlanInput::default() }
}

fn endpoint(number: u32, priority: u32, weight: u32) -> PlanEndpoint {
    PlanEndpoint { provider: ProviderId(number), priority, weight, enabled: true }
}

fn enabled(count: u32) -> Vec<PlanProvider> {
    (0..count).map(|number| PlanProvider { id: ProviderId(number), enabled: true }).collect()
}
