//! Prints how fast the estimate of a request's tokens is, and what loading the tokeniser costs.
//!
//! `cargo run --release -p qcc-dialect --example token_speed`. The best of several rounds is shown, for noise only ever
//! adds. Memory is read from `/proc`, so it is shown on Linux alone.

#![expect(clippy::print_stdout, reason = "printing figures is what this is for")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qcc_dialect::tokens::{MAX_COUNTED, Ratio, estimate, rough};
use serde_json::json;

const ROUNDS: u32 = 5;

const MODEL: &str = "claude-opus-4-8";

fn main() {
    let before = memory();
    let start = Instant::now();
    black_box(estimate(&request("hi"), MODEL));
    println!("first estimate: {:.0} ms, {:.1} MB more memory", millis(start.elapsed()), megabytes(before, memory()));

    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (prose, code) = (files(&here.join("../../docs"), "md"), files(&here.join(".."), "rs"));
    let chinese =
        "网关站在客户端和许多不可靠的供应商之间，让它们看起来像一个从不失败的供应商。请求失败时会换到下一个。";
    let texts = [
        ("prose", prose),
        ("source code", code.clone()),
        ("Chinese", filled(chinese, 1_000_000)),
        ("base64 noise", noise(1_000_000)),
        ("one letter", "a".repeat(1_000_000)),
        ("spaces", " ".repeat(1_000_000)),
    ];
    for (name, text) in texts {
        let body = request(&text);
        let (took, tokens) = best(&body);
        let speed = body.len() as f64 / took.as_secs_f64() / 1e6;
        println!("{name:12} {:4.1} MB: {:6.1} ms, {speed:5.1} MB/s, {tokens:7} tokens", mb(&body), millis(took));
    }
    let body = request(&filled(&code, 32_000_000));
    let (took, tokens) = best(&body);
    let limit = MAX_COUNTED as f64 / 1e6;
    println!("{limit:.1} MB counted of {:.1} MB: {:.0} ms, {tokens} tokens", mb(&body), millis(took));
    let start = Instant::now();
    for _ in 0..1000 {
        black_box(rough(black_box(body.len()), black_box(MODEL)));
    }
    println!("by length alone: {} ns", start.elapsed().as_nanos() / 1000);
}

fn request(text: &str) -> Vec<u8> {
    json!({"model": MODEL, "messages": [{"role": "user", "content": text}]}).to_string().into_bytes()
}

/// All files of a kind below a folder, one after the other: no text comes twice, for what was seen before is faster.
fn files(folder: &Path, kind: &str) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => files(&path, kind),
        Some(extension) if extension == kind => std::fs::read_to_string(&path).unwrap_or_default(),
        _ => String::new(),
    };
    paths.map(text).collect()
}

fn filled(text: &str, length: usize) -> String {
    let mut filled = text.repeat(length / text.len() + 1);
    filled.truncate(filled.floor_char_boundary(length));
    filled
}

/// What base64 of random bytes looks like, from a fixed sequence.
fn noise(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 1_u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 58) as usize])
    };
    (0..length).map(letter).collect()
}

fn best(body: &[u8]) -> (Duration, u64) {
    let mut best = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let tokens = estimate(black_box(body), MODEL).total(Ratio::DOCUMENTED);
        best = best.min((start.elapsed(), tokens));
    }
    best
}

/// Resident memory in kB. `None`: it cannot be told.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

fn megabytes(before: Option<f64>, after: Option<f64>) -> f64 {
    before.zip(after).map_or(f64::NAN, |(before, after)| (after - before) / 1000.0)
}

fn mb(body: &[u8]) -> f64 {
    body.len() as f64 / 1e6
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
