//! How long the database takes with many rows: `cargo run --release -p qcc-store --example measure -- [REQUESTS]`, a
//! million if nothing is said. Made-up requests of the last 24 hours at ten providers, one of five with a failed try
//! before the answer. The file lies in the folder for temporary files; `TMPDIR` chooses the disk.
#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use qcc_store::{AttemptOutcome, AttemptRow, Kept, Report, RequestRecord, RequestRow, Row, SessionRow, Store, Writer};

const HOUR: i64 = 3_600_000;

/// Some day.
const NOW: i64 = 490_000 * HOUR;

const PROVIDERS: u64 = 10;

/// Requests that are handed over without a pause: fewer than may wait.
const BURST: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let requests = std::env::args().nth(1).map_or(Ok(1_000_000), |number| number.parse::<u64>())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("qcc.db");

    let writer = Writer::start(&path, |report| match report {
        Report::Failed(error) => println!("failed: {error}"),
        Report::Written { lost } => println!("lost: {lost}"),
    })?;
    let (mut handing, start) = (Vec::new(), Instant::now());
    for first in (0..requests).step_by(BURST) {
        let rows: Vec<Row> = (first..requests.min(first + BURST as u64)).map(|n| made_up(n, requests)).collect();
        let before = Instant::now();
        rows.into_iter().for_each(|row| writer.write(row));
        handing.push(before.elapsed());
        if !writer.flush(Duration::from_mins(1)) {
            return Err("the database cannot keep up".into());
        }
    }
    let took = start.elapsed();
    drop(writer);
    println!("written      {requests} requests in {took:.1?}: {:.0} a second", per_second(requests, took));
    handing.sort_unstable();
    let burst = handing.get(handing.len() / 2).ok_or("no requests")?;
    println!("handed over  in {:.0} ns each, in bursts of {BURST}", burst.as_secs_f64() * 1e9 / count(BURST as u64));
    println!("file         {:.0} bytes a request", count(fs::metadata(&path)?.len()) / count(requests));

    let mut store = Store::open(&path)?;
    timed("stats of 24 hours", || store.stats(NOW - 24 * HOUR).map(drop))?;
    timed("metrics of one provider, 100 tries", || store.metrics("provider 3", NOW - 24 * HOUR, 100).map(drop))?;
    timed("a request by its id", || store.request(&id(requests / 2)).map(drop))?;
    timed("requests by the beginning of an id", || store.request("qcc_1").map(drop))?;
    forget(&mut store)?;
    sessions(&mut store)?;
    Ok(())
}

fn forget(store: &mut Store) -> Result<(), Box<dyn Error>> {
    let (mut deleted, mut longest, start) = (0, Duration::ZERO, Instant::now());
    loop {
        let before = Instant::now();
        match store.prune(NOW - 12 * HOUR, 500)? {
            0 => break,
            some => deleted += some,
        }
        longest = longest.max(before.elapsed());
    }
    let rate = per_second(deleted, start.elapsed());
    println!("pruned       {deleted} rows by 500: {rate:.0} a second, the longest batch {longest:.1?}");
    Ok(())
}

fn sessions(store: &mut Store) -> Result<(), Box<dyn Error>> {
    let sessions: Vec<SessionRow> = (0..100_000_u64)
        .map(|n| SessionRow {
            key: mixed(n),
            used_ms: NOW - HOUR + i64::try_from(n).unwrap_or(0),
            identity: "0123456789abcdef".to_owned(),
            state: r#"{"profile":"production","cache_tokens":60000,"long":false}"#.to_owned(),
        })
        .collect();
    let before = Instant::now();
    for sessions in sessions.chunks(1000) {
        let kept = Kept { sessions: sessions.to_vec(), most_sessions: 100_000, ..Kept::default() };
        store.record(Row::Kept(Box::new(kept)))?;
    }
    println!("sessions     100000 saved by 1000 in {:.1?}", before.elapsed());
    timed("100,000 sessions loaded", || store.load_sessions(0, 100_000).map(drop))
}

/// The middle one of 21 times.
fn timed<E: Error + 'static>(what: &str, mut ask: impl FnMut() -> Result<(), E>) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..21 {
        let before = Instant::now();
        ask()?;
        times.push(before.elapsed());
    }
    times.sort_unstable();
    println!("{what}: {:.2?}", times[10]);
    Ok(())
}

fn made_up(n: u64, of: u64) -> Row {
    let draw = mixed(n);
    let into_the_day = u64::try_from(24 * HOUR).unwrap_or(0) * n / of;
    let took = 500 + draw % 30_000;
    let provider = format!("provider {}", draw % PROVIDERS);
    let mut attempts = vec![attempt(&provider, AttemptOutcome::Success, took)];
    if draw.is_multiple_of(5) {
        attempts.insert(0, attempt("provider 0", AttemptOutcome::Failure, 40));
    }
    let request = RequestRow {
        request_id: id(n),
        upstream_id: Some(format!("msg_{draw:024x}")),
        at_ms: NOW - 24 * HOUR + i64::try_from(into_the_day).unwrap_or(0),
        session: Some(draw >> 20),
        method: "POST".into(),
        path: "/v1/messages".to_owned(),
        dialect_down: "anthropic".into(),
        dialect_up: Some("anthropic".into()),
        model: "claude-sonnet-4-5-20250929".to_owned(),
        streaming: true,
        provider: Some(provider),
        status: 200,
        verdict: "done".into(),
        stop_reason: Some("end_turn".into()),
        tries: 1,
        first_event_ms: Some(took / 4),
        total_ms: took,
        input_tokens: Some(draw % 900),
        output_tokens: Some(draw % 2000),
        cache_read_tokens: Some(draw % 100_000),
        cache_write_tokens: Some(draw % 3000),
        bytes_in: draw % 400_000,
        bytes_out: draw % 20_000,
        ..RequestRow::default()
    };
    Row::Request(Box::new(RequestRecord { request, attempts }))
}

fn attempt(provider: &str, outcome: AttemptOutcome, took_ms: u64) -> AttemptRow {
    let failed = outcome == AttemptOutcome::Failure;
    AttemptRow {
        provider: provider.to_owned(),
        model: None,
        via: Some("profile production, priority 1".to_owned()),
        started_ms: 1,
        waited_ms: 0,
        took_ms,
        first_event_ms: (!failed).then_some(took_ms / 4),
        outcome,
        status: Some(if failed { 529 } else { 200 }),
        blame: Some(if failed { "provider" } else { "nobody" }.into()),
        charge: failed.then(|| "fault for 60 s".to_owned()),
        reason: failed.then(|| "529 overloaded_error: Overloaded".to_owned()),
    }
}

/// As the gateway's: without any order.
fn id(n: u64) -> String {
    format!("qcc_{:016x}", mixed(n))
}

/// SplitMix64: a fixed number without any order for each number.
/// <https://prng.di.unimi.it/splitmix64.c>
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn per_second(number: u64, took: Duration) -> f64 {
    count(number) / took.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "figures for reading")]
fn count(number: u64) -> f64 {
    number as f64
}
