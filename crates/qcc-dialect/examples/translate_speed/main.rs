//! Prints what translation costs, for each pair of a client's dialect and a provider's: streams with the watcher of what
//! comes out, requests of 60 kB, and answers in one piece. Markdown on stdout.
//!
//! `cargo run --release -p qcc-dialect --example translate_speed [-- WORD]...`; words choose rows that have all of them.
//! The best of several rounds is shown, for noise only ever adds. Allocations are counted in a round of their own.

#![expect(clippy::print_stdout, reason = "printing figures is what this is for")]

mod samples;
mod streams;

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use qcc_dialect::asker::Asker;
use qcc_dialect::capabilities::Capabilities;
use qcc_dialect::sse::Splitter;
use qcc_dialect::translate::{Dialect, Outgoing, Question, Tongue};
use qcc_dialect::watch::Seen;
use samples::Answer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Many short ones: on a machine that does other things too, a short one is the likelier to be left alone.
const ROUNDS: u32 = 600;

const ASKERS: [Asker; 3] = [Asker::Anthropic, Asker::OpenAi, Asker::Responses];

const PROVIDERS: [(Dialect, &str, &str); 4] = [
    (Dialect::Anthropic, "anthropic", "https://api.anthropic.com"),
    (Dialect::OpenAi, "openai", "https://api.deepseek.com/v1"),
    (Dialect::Responses, "responses", "https://api.openai.com/v1"),
    (Dialect::Gemini, "gemini", "https://generativelanguage.googleapis.com"),
];

/// Events that one read of the provider's socket brings.
const CHUNKS: [usize; 2] = [1, 40];

/// A client's dialect and a provider's.
struct Pair {
    asker: Asker,
    dialect: Dialect,
    name: &'static str,
    tongue: Tongue,
}

impl Pair {
    fn row(&self, what: &str) -> String {
        format!("| {} | {} | {what} |", self.asker.name(), self.name)
    }

    fn outgoing(&self, body: &[u8]) -> Outgoing {
        let question = Question {
            asker: self.asker,
            body,
            model: None,
            request_id: "01HZY",
            created: 1_790_000_000,
            recalled: &|_| None,
        };
        self.tongue.outgoing(&question, &Capabilities::default()).expect("the sample can be put into these words")
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |row: &str| words.iter().all(|word| row.contains(word.as_str()));
    let pairs: Vec<Pair> = ASKERS
        .into_iter()
        .flat_map(|asker| PROVIDERS.map(|(dialect, name, url)| (asker, dialect, name, Tongue::new(dialect, url))))
        .filter(|(asker, .., tongue)| !tongue.is_of(*asker))
        .map(|(asker, dialect, name, tongue)| Pair { asker, dialect, name, tongue })
        .collect();
    streams(&pairs, chosen);
    requests(&pairs, chosen);
    answers(&pairs, chosen);
}

fn streams(pairs: &[Pair], chosen: impl Fn(&str) -> bool) {
    println!(
        "| client | provider | stream | events a chunk | MB/s in | ns/event | watched, ns/event | allocations/event |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|");
    for pair in pairs {
        let back = pair.outgoing(&samples::small_request(pair.asker)).back;
        for answer in Answer::ALL {
            let events = streams::stream(pair.dialect, answer);
            for size in CHUNKS {
                let row = format!("{} {size} |", pair.row(answer.name()));
                if !chosen(&row) {
                    continue;
                }
                let chunks: Vec<Bytes> = events.chunks(size).map(|events| events.concat().into()).collect();
                let bytes: usize = chunks.iter().map(Bytes::len).sum();
                let translate = || {
                    let mut back = back.stream();
                    let out: usize = chunks.iter().map(|chunk| back.push(black_box(chunk.clone())).len()).sum();
                    out + back.finish().len()
                };
                let watched = || watch(pair.asker, &chunks, &back);
                assert!(watched(), "the stream comes out whole");
                let bare = each(|| translate() > 0) / to_f64(events.len());
                let whole = each(watched) / to_f64(events.len());
                let allocations = allocations(translate) / to_f64(events.len());
                let speed = to_f64(bytes) / (bare * to_f64(events.len())) * 1e3;
                println!("{row} {speed:.0} | {bare:.0} | {whole:.0} | {allocations:.2} |");
            }
        }
    }
    println!();
}

/// As the relay does it: what comes out is cut into events again and watched.
fn watch(asker: Asker, chunks: &[Bytes], back: &qcc_dialect::translate::Back) -> bool {
    let (mut back, mut splitter, mut watcher) = (back.stream(), Splitter::new(), asker.watcher());
    let mut content = 0;
    let mut take = |bytes: Bytes| {
        let batch = splitter.push(bytes);
        content += batch.events().filter(|event| watcher.observe(event) == Seen::Content).count();
    };
    for chunk in chunks {
        take(back.push(black_box(chunk.clone())));
    }
    take(back.finish());
    content > 0 && watcher.is_terminal()
}

fn requests(pairs: &[Pair], chosen: impl Fn(&str) -> bool) {
    println!("| client | provider | request | us | MB/s | allocations |\n|---|---|---|---:|---:|---:|");
    for pair in pairs {
        for (what, body) in samples::requests(pair.asker) {
            let row = pair.row(&format!("{what}, {} kB", body.len() / 1000));
            if chosen(&row) {
                report(&row, body.len(), || !pair.outgoing(black_box(&body)).body.is_empty());
            }
        }
    }
    println!();
}

fn answers(pairs: &[Pair], chosen: impl Fn(&str) -> bool) {
    println!("| client | provider | answer in one piece | us | MB/s | allocations |\n|---|---|---|---:|---:|---:|");
    for pair in pairs {
        let back = pair.outgoing(&samples::small_request(pair.asker)).back;
        let body = samples::whole(pair.dialect);
        let row = pair.row(&format!("text and a call, {} kB", body.len() / 1000));
        if chosen(&row) {
            report(&row, body.len(), || back.message(black_box(&body)).is_ok());
        }
    }
}

fn report(row: &str, bytes: usize, mut work: impl FnMut() -> bool) {
    let nanos = each(&mut work);
    let allocations = allocations(work);
    println!("{row} {:.1} | {:.0} | {allocations:.0} |", nanos / 1e3, to_f64(bytes) / nanos * 1e3);
}

/// Nanoseconds of one piece of work: the shortest of several rounds.
fn each(mut work: impl FnMut() -> bool) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert!(work(), "the work is done");
        best = best.min(start.elapsed());
    }
    best.as_secs_f64() * 1e9
}

/// Allocations of one piece of work, those that grow something included.
fn allocations<T>(mut work: impl FnMut() -> T) -> f64 {
    let region = Region::new(ALLOCATOR);
    black_box(work());
    let counted = region.change();
    to_f64(counted.allocations + counted.reallocations)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
fn to_f64(count: usize) -> f64 {
    count as f64
}
