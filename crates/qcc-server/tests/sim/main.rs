//! The whole server over simulated connections, in virtual time: clients like Claude Code and such of OpenAI's dialects,
//! providers of every dialect that fall ill in every way that is known, a store that fails, reloads, clocks that jump, and
//! an end in the middle. A run follows from its seed.
//!
//! `QCC_SEEDS=n` runs so many, `QCC_SEED=n` that one and tells what happens.

mod answer;
mod book;
mod check;
mod client;
mod nature;
mod net;
mod operator;
mod provider;
mod random;
mod setting;
mod speech;
mod store;
mod world;

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use check::Counts;
use world::run;

/// Runs of the test; more by `QCC_SEEDS`.
const SEEDS: u64 = 300;

/// Runs that are made twice.
const TWICE: u64 = 10;

/// Real time that a run may take: one that turns in circles, without virtual time passing, would never end.
const LIMIT: Duration = Duration::from_mins(2);

/// Says how to replay a run that fails, or does not end.
struct Replay {
    seed: u64,
    /// Dropped, the run has ended.
    _running: Sender<()>,
}

impl Replay {
    fn of(seed: u64) -> Self {
        let (running, ended) = channel::<()>();
        std::thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                // Past the harness, which would keep it for the end of the test.
                let text = format!("seed {seed} does not end\n{}\n", command(seed));
                drop(std::io::stderr().write_all(text.as_bytes()));
                std::process::abort();
            }
        });
        Self { seed, _running: running }
    }
}

impl Drop for Replay {
    #[expect(clippy::print_stdout, reason = "a test that fails shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", command(self.seed));
        }
    }
}

fn command(seed: u64) -> String {
    format!("replay: QCC_SEED={seed} cargo test -p qcc-server --test sim every_run -- --nocapture")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_run_keeps_every_promise() {
    let one = number("QCC_SEED");
    let from = number("QCC_FROM").unwrap_or(0);
    let seeds = one.map_or_else(|| from..from + number("QCC_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let mut all = Counts::default();
    let mut failing = Vec::new();
    for seed in seeds.clone() {
        let ran = std::panic::catch_unwind(|| {
            let _replay = Replay::of(seed);
            run(seed, one.is_some(), false)
        });
        match ran {
            Ok(ran) => all += ran.counts,
            Err(_) => failing.push(seed),
        }
        if seed % 100 == 99 {
            println!("{} runs, {} failing", seed + 1 - from, failing.len());
        }
    }
    println!("{} runs: {all:?}", seeds.count());
    assert!(failing.is_empty(), "{} runs failed: {:?}", failing.len(), &failing[..failing.len().min(20)]);
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 0..TWICE {
        let (first, second) = (run(seed, false, true), run(seed, false, true));
        let differ = first.said.iter().zip(&second.said).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
        assert!(first.said.len() > 10, "seed {seed} says nothing");
    }
}
