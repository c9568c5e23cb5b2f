//! What a decision costs: from a request's question to the first candidate to try, by the number of providers, with
//! 100,000 sessions remembered. `cargo run --release -p qcc-policy --example decide`.
//!
//! Each row is the least of several rounds: what disturbs a measurement only adds to it.

#![expect(clippy::print_stdout, reason = "its table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts and nanoseconds of a short run"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use qcc_policy::breaker;
use qcc_policy::engine::{Asking, Engine, EngineSettings, Target};
use qcc_policy::plan::{PlanEndpoint, PlanInput, PlanProfile, PlanProvider};
use qcc_policy::{
    AffinitySettings, Backoff, Charge, FailbackSettings, Failover, HealthSettings, Limits, ProviderId, Router,
    SessionKey, Step, Strategy, Tier,
};

const SESSIONS: u64 = 100_000;
const ROUNDS: usize = 15;
const DECISIONS: u64 = 4_000;
const STRATEGIES: [(Strategy, &str); 6] = [
    (Strategy::Priority, "priority"),
    (Strategy::Weighted, "weighted"),
    (Strategy::RoundRobin, "round_robin"),
    (Strategy::Random, "random"),
    (Strategy::LeastInflight, "least_inflight"),
    (Strategy::Latency, "latency"),
];

fn settings() -> EngineSettings {
    let breaker = breaker::Config {
        failure_threshold: 3,
        window: Duration::from_mins(1),
        error_rate: 0.5,
        min_requests: 10,
        success_threshold: 2,
        half_open_probes: 1,
        open_initial: Duration::from_mins(1),
        multiplier: 2.0,
        open_max: Duration::from_mins(10),
        jitter: 0.2,
        lease: Duration::ZERO,
    };
    EngineSettings {
        breaker,
        affinity: AffinitySettings { ttl: Duration::from_hours(5), max_sessions: 100_000, recovery: true },
        health: HealthSettings::default(),
        failback: FailbackSettings { recovery: true, cooldown: Duration::from_mins(5) },
    }
}

fn limits() -> Limits {
    let backoff =
        Backoff { initial: Duration::from_millis(100), multiplier: 2.0, max: Duration::from_secs(5), jitter: 0.1 };
    Limits { max_attempts: 5, same_provider: 1, backoff }
}

/// One profile of so many providers.
fn router(strategy: Strategy, providers: u32) -> Router {
    let endpoint =
        |number| PlanEndpoint { provider: ProviderId(number), priority: number / 10, weight: 100, enabled: true };
    let profile =
        PlanProfile { tier: Some(Tier::Primary), strategy, key: 1, endpoints: (0..providers).map(endpoint).collect() };
    Router::new(&PlanInput {
        providers: (0..providers).map(|number| PlanProvider { id: ProviderId(number), enabled: true }).collect(),
        profiles: vec![profile],
        ..PlanInput::default()
    })
}

fn target(provider: ProviderId) -> Target {
    Target { provider, model: "claude-sonnet-4-5".into(), fingerprint: None }
}

fn session(name: u64) -> SessionKey {
    SessionKey { session: name.wrapping_mul(0x9e37_79b9_7f4a_7c15), model: 7 }
}

/// An engine that has served everybody, and everybody's session. `ill`: one provider in so many has failed lately.
fn busy(providers: u32, ill: Option<u32>, now: Instant) -> Engine {
    let mut engine = Engine::new(settings());
    for number in 0..providers {
        let target = target(ProviderId(number));
        for _ in 0..4 {
            let attempt = engine.begin(&target, 1000, true, now).expect("nobody is at a limit");
            if ill.is_some_and(|every| number % every == 0) {
                let mut spent = engine.end(attempt, true, None, now);
                engine.charge(&mut spent, &target, Charge::FAULT, 0, now);
            } else {
                engine.succeed(attempt, &target, None, None, now);
            }
        }
    }
    for name in 0..SESSIONS {
        let target = target(ProviderId((name % u64::from(providers)) as u32));
        let attempt = engine.begin(&target, 1000, true, now).expect("nobody is at a limit");
        engine.succeed(attempt, &target, Some((session(name), 50_000, false)), None, now);
    }
    engine
}

/// Who is asked first.
fn decide(engine: &mut Engine, router: &Router, asking: &Asking<'_>, now: Instant) -> u32 {
    let arranged = engine.arrange(router, asking, now);
    let ids: Vec<ProviderId> = arranged.candidates.iter().map(|candidate| candidate.provider).collect();
    let mut failover = Failover::new(&ids, limits());
    let mut standing = |candidate: usize| engine.standing(&target(ids[candidate]), 1000, now);
    match failover.next(&mut standing, &mut || true, now + Duration::from_mins(4), 0, now) {
        Step::Try { candidate, .. } => ids[candidate].0,
        Step::Answer { .. } | Step::GiveUp(_) => u32::MAX,
    }
}

/// Nanoseconds for one decision. `known`: the request belongs to a session that is bound.
fn cost(engine: &mut Engine, router: &Router, known: bool, now: Instant) -> f64 {
    let mut least = f64::INFINITY;
    for round in 0..ROUNDS as u64 {
        let start = Instant::now();
        for number in 0..DECISIONS {
            let name = if known { (round * DECISIONS + number) % SESSIONS } else { SESSIONS + number };
            let draw = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let asking = Asking { model: "claude-sonnet-4-5", session: Some(session(name)), binds: true, draw };
            black_box(decide(engine, router, &asking, now));
        }
        least = least.min(start.elapsed().as_nanos() as f64 / DECISIONS as f64);
    }
    least
}

fn main() {
    let now = Instant::now();
    println!("ns for one decision, 100,000 sessions\n");
    println!("| strategy | providers | bound session | new session | new session, one in 7 providers out |");
    println!("|---|---:|---:|---:|---:|");
    for (strategy, name) in STRATEGIES {
        for providers in [1, 10, 100, 1000] {
            let router = router(strategy, providers);
            let mut well = busy(providers, None, now);
            let mut some_ill = busy(providers, Some(7), now);
            let bound = cost(&mut well, &router, true, now);
            let fresh = cost(&mut well, &router, false, now);
            let ill = cost(&mut some_ill, &router, false, now);
            println!("| `{name}` | {providers} | {bound:.0} | {fresh:.0} | {ill:.0} |");
        }
    }
}
