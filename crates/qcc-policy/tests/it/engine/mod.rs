//! Whole runs of the policy: sessions, providers that fall ill and recover, clients that leave, reloads, everything that
//! outlives a request. Each run follows from its seed. What is simulated and what is asserted: `docs/resilience.md`.
//!
//! `QCC_SEEDS=n` runs the seeds 0 to n, `QCC_FROM=n` begins later, `QCC_THREADS=n` says on how many threads;
//! `QCC_SEED=n` runs that one and tells what happens.

mod books;
mod nature;
mod request;
mod setting;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use books::Counts;
use world::World;

/// Runs per test; more by `QCC_SEEDS`.
const SEEDS: u64 = 10_000;
const THREADS: u64 = 2;
/// Runs between two lines about how far it is.
const CHAPTER: u64 = 100_000;

/// Says how to replay a run that fails.
struct Replay(u64);

impl Drop for Replay {
    #[expect(clippy::print_stdout, reason = "a test that fails shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", replay(self.0));
        }
    }
}

fn replay(seed: u64) -> String {
    format!("replay: QCC_SEED={seed} cargo test -p qcc-policy --test it every_run -- --nocapture")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What all runs together came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    counts: Counts,
    losing: Vec<u64>,
}

impl Sum {
    #[expect(clippy::print_stdout, reason = "a long run says how far it is")]
    fn add(&mut self, seed: u64, counts: Counts) {
        self.runs += 1;
        self.counts += counts;
        if counts.lost > 0 {
            println!("lost: {}", replay(seed));
            self.losing.push(seed);
        }
        if self.runs.is_multiple_of(CHAPTER) {
            println!("{} runs, {} of them lost a request: {:?}", self.runs, self.losing.len(), self.counts);
        }
    }
}

fn run_all(seeds: std::ops::Range<u64>, threads: u64, talks: bool) -> Sum {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let _replay = Replay(seed);
            let mut world = World::new(seed, talks);
            world.run();
            sum.lock().expect("no other run failed").add(seed, world.counts);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    sum.into_inner().expect("all runs ended well")
}

#[test]
fn every_run_keeps_every_promise() {
    let one = number("QCC_SEED");
    let from = number("QCC_FROM").unwrap_or(0);
    let seeds = one.map_or_else(|| from..from + number("QCC_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let Sum { runs, counts, losing } = run_all(seeds, number("QCC_THREADS").unwrap_or(THREADS), one.is_some());
    println!("{runs} runs: {counts:#?}");
    let first: Vec<String> = losing.iter().take(20).map(|seed| replay(*seed)).collect();
    assert!(losing.is_empty(), "{} runs lost a request:\n{}", losing.len(), first.join("\n"));
    // The shares of a few runs say nothing.
    if runs >= SEEDS {
        assert!(100 * counts.stayed >= 99 * counts.at_home, "sessions leave a healthy provider: {counts:?}");
        assert!(1000 * counts.long_waits < 3 * counts.waits, "the line overlooks who is back: {counts:?}");
        assert!(100 * counts.false_verdicts < counts.verdicts, "false verdicts: {counts:?}");
    }
}
