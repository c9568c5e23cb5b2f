//! Prints how fast the hot paths are: the scan of request bodies with what tells sessions apart, and splitter and
//! watcher per event.
//!
//! `cargo run --release -p qcc-dialect --example scan_speed`. The best of several rounds is shown, for noise
//! only ever adds.

#![expect(clippy::print_stdout, reason = "printing figures is what this is for")]

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use qcc_dialect::anthropic::Watcher;
use qcc_dialect::scan::{scan, splice_model};
use qcc_dialect::sse::Splitter;
use qcc_dialect::watch::Seen;
use serde_json::json;

const ROUNDS: u32 = 15;

fn main() {
    let code = include_str!("../src/anthropic/stream/tests.rs");
    let prose =
        "The gateway stands between clients and many providers, and makes them look like one that does not fail. ";
    for (name, text, length) in [
        ("prose 60 kB", prose, 60_000),
        ("prose 8 MB", prose, 8_000_000),
        ("source code 60 kB", code, 60_000),
        ("source code 8 MB", code, 8_000_000),
        ("base64 8 MB", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", 8_000_000),
    ] {
        let body = Bytes::from(request(text, length));
        let repeats = 64_000_000 / body.len();
        let scanned = best(|| (0..repeats).all(|_| scan(black_box(&body)).is_ok()));
        let model = scan(&body).map(|found| found.model).unwrap_or_default();
        let spliced = best(|| (0..repeats).all(|_| !splice_model(black_box(&body), &model, "another").is_empty()));
        let speed = |time: Duration| (body.len() * repeats) as f64 / time.as_secs_f64() / 1e6;
        println!("scan {name:18} {:7.0} MB/s   splice {:7.0} MB/s", speed(scanned), speed(spliced));
    }
    for length in [60_000, 1_000_000] {
        let body = claude(code, length);
        let repeats = 32_000_000 / body.len();
        let scanned = best(|| (0..repeats).all(|_| scan(black_box(&body)).is_ok()));
        let clues = scan(&body).map(|found| found.clues).unwrap_or_default();
        let named = best(|| (0..repeats).all(|_| clues.session_id(black_box(&body)).is_some()));
        let opened = best(|| {
            (0..repeats).all(|_| {
                let mut hasher = DefaultHasher::new();
                clues.opening(black_box(&body), |piece| hasher.write(piece));
                hasher.finish() != 0
            })
        });
        let each = |time: Duration| time.as_nanos() / repeats as u128;
        println!(
            "scan Claude Code's shape, {:7} B: {:7} ns   its session by name {:5} ns, by its opening {:6} ns",
            body.len(),
            each(scanned),
            each(named),
            each(opened)
        );
    }
    stream_speed();
}

/// What Claude Code sends: three blocks of system, tools with their schemas, and a conversation of calls and results.
fn claude(code: &str, length: usize) -> Bytes {
    let marked = json!({"type": "ephemeral"});
    let tool = |number: usize| {
        json!({"name": format!("Tool{number}"), "description": &code[number * 100..][..1200], "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The absolute path to the file to modify"},
                "old_string": {"type": "string", "description": "The text to replace"},
                "replace_all": {"type": "boolean", "default": false},
                "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9_007_199_254_740_991_u64}
            },
            "required": ["file_path", "old_string"], "additionalProperties": false
        }})
    };
    let mut messages = vec![
        json!({"role": "user", "content": [{"type": "text", "text": &code[..900]}]}),
        json!({"role": "system", "content": &code[..4000]}),
    ];
    let turns = length.saturating_sub(45_000) / 2_500;
    for turn in 0..turns {
        let id = format!("toolu_{turn:024}");
        let input = json!({"file_path": "/home/user/project/src/scan.rs", "offset": turn, "limit": 40});
        messages.push(json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Read it first.", "signature": "iVBORw0KGgoAAAANSUhEUg".repeat(10)},
            {"type": "tool_use", "id": id, "name": "Read", "input": input}
        ]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": &code[turn % 50 * 100..][..1700], "is_error": false}
        ]}));
    }
    let user = json!({"device_id": "3b8f0c6d".repeat(8), "account_uuid": "", "session_id": "6f1c9a52-3f6e-4c0b"});
    let body = json!({
        "model": "claude-opus-4-8", "messages": messages,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.5c1; cc_entrypoint=cli;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": marked},
            {"type": "text", "text": &code[..9000], "cache_control": marked}
        ],
        "tools": (0..15).map(tool).collect::<Vec<_>>(), "metadata": {"user_id": user.to_string()}, "max_tokens": 64000,
        "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "stream": true
    });
    body.to_string().into()
}

/// A conversation of many messages, as a client sends it.
fn request(text: &str, length: usize) -> String {
    let one = text.repeat(2_000 / text.len() + 1);
    let messages: Vec<_> =
        (0..length / one.len()).map(|_| json!({"role": "user", "content": [{"type": "text", "text": one}]})).collect();
    json!({"model": "claude-opus-4-8", "messages": messages, "max_tokens": 64000, "stream": true}).to_string()
}

fn stream_speed() {
    let events = 100_000_usize;
    let mut stream = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"usage\":{\"input_tokens\":9}}}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    );
    for _ in 0..events {
        stream += "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" some words\"}}\n\n";
    }
    let stream = Bytes::from(stream);
    for size in [64, 1_448, 16_384] {
        let time = best(|| {
            let (mut splitter, mut watcher) = (Splitter::new(), Watcher::new());
            let mut content = 0;
            let mut rest = stream.clone();
            while !rest.is_empty() {
                let batch = splitter.push(rest.split_to(size.min(rest.len())));
                content += batch.events().filter(|event| watcher.observe(event) == Seen::Content).count();
            }
            content == events
        });
        println!("splitter + watcher, chunks of {size:6} B: {:4.0} ns/event", time.as_nanos() as f64 / events as f64);
    }
}

/// The shortest of several rounds; a round that does not do its work counts as none.
fn best(mut round: impl FnMut() -> bool) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        if round() {
            best = best.min(start.elapsed());
        }
    }
    best
}
