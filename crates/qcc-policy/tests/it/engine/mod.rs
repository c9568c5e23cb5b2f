//! Whole runs of the policy: sessions, providers that fall ill and recover, clients that leave, everything that outlives
//! a request. Each run follows from its seed. `QCC_SEEDS=n` runs so many, `QCC_SEED=n` that one and tells what happens.

mod nature;
mod request;
mod setting;
mod world;

use world::{Counts, World};

/// Runs per test; more by `QCC_SEEDS`.
const SEEDS: u64 = 2000;

/// Says how to replay a run that fails.
struct Replay(u64);

impl Drop for Replay {
    #[expect(clippy::print_stdout, reason = "a test that fails shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            println!("replay: QCC_SEED={seed} cargo test -p qcc-policy --test it every_run -- --nocapture");
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.broken += other.broken;
        self.gone += other.gone;
        self.failed += other.failed;
        self.lost += other.lost;
        self.turned_away += other.turned_away;
        self.looks += other.looks;
        self.out_though_well += other.out_though_well;
        self.at_home += other.at_home;
        self.stayed += other.stayed;
    }
}

#[test]
fn every_run_keeps_every_promise() {
    let one = number("QCC_SEED");
    let seeds = one.map_or_else(|| 0..number("QCC_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let mut all = Counts::default();
    let mut losing = Vec::new();
    for seed in seeds.clone() {
        let _replay = Replay(seed);
        let mut world = World::new(seed, one.is_some());
        world.run();
        if world.counts.lost > 0 {
            losing.push(seed);
        }
        all += world.counts;
    }
    println!("{} runs: {all:?}", seeds.count());
    assert!(losing.is_empty(), "{} runs lost a request: {:?}", losing.len(), &losing[..losing.len().min(20)]);
    assert!(100 * all.stayed >= 99 * all.at_home, "{all:?}");
}
