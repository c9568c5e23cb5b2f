//! How long the engine's lock is held to give out what is to be kept, with many providers and 100,000 sessions.
//! `cargo run --release -p qcc-policy --example keep`.
//!
//! Each row tells the middle and the longest of the pieces of one whole export, and how long taking it all up lasts.

#![expect(clippy::print_stdout, reason = "its table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::{Duration, Instant};

use qcc_policy::breaker;
use qcc_policy::engine::{Engine, EngineSettings, Target};
use qcc_policy::{AffinitySettings, Charge, FailbackSettings, HealthSettings, ProviderId, Reason, SessionKey, Term};

const SESSIONS: u64 = 100_000;
const PROVIDERS: u32 = 1000;
/// Models that are left out alone: as many as are kept.
const MODELS: u32 = 4096;

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

/// Everybody failed, models are missing, and every session was served.
fn filled(now: Instant) -> Engine {
    let mut engine = Engine::new(settings());
    let of = |provider: u32, model: String| Target {
        provider: ProviderId(provider),
        model: model.into(),
        fingerprint: None,
    };
    for n in 0..SESSIONS {
        let target = of((n % u64::from(PROVIDERS)) as u32, "sonnet".to_owned());
        let attempt = engine.begin(&target, 100, true, now).expect("nobody is in the way");
        let key = SessionKey { session: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), model: 7 };
        engine.succeed(attempt, &target, Some((key, 50_000, false)), None, now);
    }
    let missing = Charge::Out { reason: Reason::ModelMissing, how_long: Term::For(Duration::from_mins(10)) };
    let charges = (0..MODELS).map(|n| (n % PROVIDERS, format!("model-{n}"), missing));
    let faults = (0..3 * PROVIDERS).map(|n| (n % PROVIDERS, "sonnet".to_owned(), Charge::FAULT));
    for (provider, model, charge) in charges.chain(faults) {
        let target = of(provider, model);
        let attempt = engine.begin(&target, 100, true, now).expect("nobody is in the way");
        let mut spent = engine.end(attempt, true, None, now);
        engine.charge(&mut spent, &target, charge, 0, now);
    }
    engine
}

fn told(what: &str, mut times: Vec<Duration>, taking_up: Duration) {
    times.sort_unstable();
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what:<28} {:>4} pieces, {middle:>9.1?} each, longest {longest:>9.1?}; taken up in {taking_up:.1?}",
        times.len()
    );
}

fn main() {
    let now = Instant::now();
    let mut engine = filled(now);
    let (mut times, mut providers) = (Vec::new(), Vec::new());
    loop {
        let before = Instant::now();
        let some = engine.export(100, now);
        times.push(before.elapsed());
        if some.is_empty() {
            break;
        }
        providers.extend(some);
    }
    let mut next = Engine::new(settings());
    let before = Instant::now();
    providers.into_iter().for_each(|(provider, kept)| next.restore(provider, kept, Duration::ZERO, now));
    told("1,000 providers by 100", times, before.elapsed());

    let (mut times, mut bindings, mut upto) = (Vec::new(), Vec::new(), 0);
    loop {
        let before = Instant::now();
        let batch = engine.export_sessions(upto, 1000, now).batch;
        times.push(before.elapsed());
        if batch.upto == upto {
            break;
        }
        upto = batch.upto;
        bindings.extend(batch.bindings);
    }
    let before = Instant::now();
    next.restore_sessions(bindings.into_iter().map(|kept| (kept, Duration::ZERO)), now);
    told("100,000 sessions by 1,000", times, before.elapsed());
}
