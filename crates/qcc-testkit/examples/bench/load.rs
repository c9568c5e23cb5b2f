//! The load: connections that are kept, each with requests of its own. Every body differs, and every connection is a
//! session of its own, so that no gateway can answer two requests with one upstream call.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use memchr::memmem;
use qcc_testkit::{Connection, Ended};
use tokio::task::JoinSet;

use crate::ask::{Ask, MARK, MARK_DIGITS};
use crate::mock::{EVENTS, PACE, STAMP, STAMP_DIGITS, now};
use crate::process::Process;

/// How many streams are being opened at the same time.
const OPENING: usize = 64;

/// A request as bytes, and where its number stands.
struct Shot {
    bytes: Vec<u8>,
    number_at: usize,
    count: u64,
    session: u64,
}

impl Shot {
    fn new(ask: Ask, to: SocketAddr, session: u64) -> io::Result<Self> {
        let request = ask.request(session);
        let bytes = request.encoded(to).to_vec();
        let number_at = memmem::find(&bytes, MARK.as_bytes()).map(|at| at + MARK.len());
        let number_at = number_at.ok_or_else(|| io::Error::other("the request lost its number"))?;
        Ok(Self { bytes, number_at, count: 0, session })
    }

    /// The next request, unlike any before it.
    fn next(&mut self) -> &[u8] {
        self.count += 1;
        // Sessions are few; the low digits are left to them.
        let number = format!("{:0MARK_DIGITS$}", self.count * 10_000 + self.session);
        self.bytes[self.number_at..self.number_at + MARK_DIGITS].copy_from_slice(number.as_bytes());
        &self.bytes
    }
}

/// What a run of requests gave, for the time in which it counted.
#[derive(Default)]
pub(crate) struct Run {
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) errors: u64,
    /// How long it was measured.
    pub(crate) window: Duration,
    /// CPU time of the proxy in that time.
    pub(crate) cpu: Duration,
}

/// When requests are sent on one connection.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as the last is answered.
    Closed,
    /// At fixed times, whatever the answers do: `first` and each `every` after it.
    Open { first: Instant, every: Duration },
}

/// The times of a run: what ends before `counted_from` only warms up.
#[derive(Clone, Copy)]
struct Times {
    counted_from: Instant,
    until: Instant,
}

/// Sends requests over `connections`, each waiting for its answer, or `per_second` in all at fixed times.
pub(crate) async fn requests(
    to: SocketAddr,
    ask: Ask,
    connections: u64,
    per_second: Option<u32>,
    duration: Duration,
    proxy: Option<&Process>,
) -> io::Result<Run> {
    let shots = (0..connections).map(|session| Shot::new(ask, to, session)).collect::<io::Result<Vec<_>>>()?;
    let begin = Instant::now();
    let counted_from = begin + duration / 5;
    let times = Times { counted_from, until: counted_from + duration };
    let mut tasks = JoinSet::new();
    for (index, shot) in (0_u32..).zip(shots) {
        let pace = per_second.map_or(Pace::Closed, |rate| {
            let share = Duration::from_secs(1) / rate;
            Pace::Open { first: begin + share * index, every: share * u32::try_from(connections).unwrap_or(1) }
        });
        tasks.spawn(worker(to, shot, pace, times));
    }
    tokio::time::sleep_until(times.counted_from.into()).await;
    let cpu_before = proxy.map(Process::cpu).unwrap_or_default();
    tokio::time::sleep_until(times.until.into()).await;
    let cpu = proxy.map(Process::cpu).unwrap_or_default().saturating_sub(cpu_before);
    let mut run = Run { window: duration, cpu, ..Run::default() };
    while let Some(worked) = tasks.join_next().await {
        let (latencies, errors) = worked.map_err(io::Error::other)?;
        run.latencies.extend(latencies);
        run.errors += errors;
    }
    run.latencies.sort_unstable();
    Ok(run)
}

async fn worker(to: SocketAddr, mut shot: Shot, pace: Pace, times: Times) -> (Vec<Duration>, u64) {
    let mut latencies = Vec::new();
    let mut errors = 0;
    let mut connection = None;
    let mut due = match pace {
        Pace::Closed => Instant::now(),
        Pace::Open { first, .. } => first,
    };
    while due < times.until {
        // Late: the wait behind the last answer is part of what a user would feel. On time: the timer's own coarseness
        // is not.
        let mut started = due;
        if Instant::now() < due {
            tokio::time::sleep_until(due.into()).await;
            started = Instant::now();
        }
        let answered = one(&mut connection, to, shot.next()).await;
        let ended = Instant::now();
        if (times.counted_from..times.until).contains(&ended) {
            match answered {
                Ok(()) => latencies.push(ended - started),
                Err(_) => errors += 1,
            }
        }
        due = match pace {
            Pace::Closed => ended,
            Pace::Open { every, .. } => due + every,
        };
    }
    (latencies, errors)
}

/// One request and its answer, which must be a whole 200.
async fn one(kept: &mut Option<Connection>, to: SocketAddr, request: &[u8]) -> io::Result<()> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(to).await?,
    };
    connection.send_encoded(request, "POST").await?;
    let head = connection.receive_head().await?;
    while connection.piece().await?.is_some() {}
    if head.status != 200 || connection.ended() != Some(Ended::Clean) {
        return Err(io::Error::other(format!("status {}, {:?}", head.status, connection.ended())));
    }
    if head.header("connection") != Some("close") {
        *kept = Some(connection);
    }
    Ok(())
}

/// What paced streams gave.
#[derive(Default)]
pub(crate) struct Paced {
    /// From the write of an event to its read. Sorted.
    pub(crate) delays: Vec<Duration>,
    /// Streams that broke or lost events.
    pub(crate) errors: u64,
    /// CPU time of the proxy meanwhile.
    pub(crate) cpu: Duration,
}

/// Runs `streams` paced streams side by side, started evenly over one pause so that their events do not coincide.
pub(crate) async fn paced(to: SocketAddr, ask: Ask, streams: u32, proxy: Option<&Process>) -> io::Result<Paced> {
    let cpu_before = proxy.map(Process::cpu).unwrap_or_default();
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for index in 0..streams {
        let shot = Shot::new(ask, to, index.into())?;
        tasks.spawn(paced_stream(to, shot, begin + PACE * index / streams));
    }
    let mut paced = Paced::default();
    while let Some(worked) = tasks.join_next().await {
        match worked.map_err(io::Error::other)? {
            Ok(delays) if delays.len() == EVENTS => paced.delays.extend(delays),
            Ok(_) | Err(_) => paced.errors += 1,
        }
    }
    paced.delays.sort_unstable();
    paced.cpu = proxy.map(Process::cpu).unwrap_or_default().saturating_sub(cpu_before);
    Ok(paced)
}

async fn paced_stream(to: SocketAddr, mut shot: Shot, start: Instant) -> io::Result<Vec<Duration>> {
    tokio::time::sleep_until(start.into()).await;
    let mut connection = Connection::open(to).await?;
    connection.send_encoded(shot.next(), "POST").await?;
    connection.receive_head().await?;
    let mut delays = Vec::with_capacity(EVENTS);
    let mut unread = Vec::new();
    while let Some(piece) = connection.piece().await? {
        let read_at = now();
        unread.extend_from_slice(&piece.bytes);
        while let Some(sent_at) = take_stamp(&mut unread) {
            delays.push(read_at.saturating_sub(sent_at));
        }
    }
    match connection.ended() {
        Some(Ended::Clean) => Ok(delays),
        other => Err(io::Error::other(format!("the stream ended: {other:?}"))),
    }
}

/// The time in the first whole stamp, which is taken away with all before it.
fn take_stamp(unread: &mut Vec<u8>) -> Option<Duration> {
    let start = memmem::find(unread, STAMP)? + STAMP.len();
    let digits = std::str::from_utf8(unread.get(start..start + STAMP_DIGITS)?).ok()?;
    let nanos = digits.parse().ok()?;
    unread.drain(..start + STAMP_DIGITS);
    Some(Duration::from_nanos(nanos))
}

/// Streams that were opened and have shown their first event.
pub(crate) struct Opened {
    /// Held, so that they stay open.
    pub(crate) streams: Vec<Connection>,
    pub(crate) errors: u64,
}

/// Opens `count` slow streams, [`OPENING`] at a time.
pub(crate) async fn open(to: SocketAddr, ask: Ask, count: u64) -> io::Result<Opened> {
    let mut opened = Opened { streams: Vec::new(), errors: 0 };
    let mut tasks = JoinSet::new();
    let mut sessions = 0..count;
    loop {
        while tasks.len() < OPENING {
            let Some(session) = sessions.next() else { break };
            let bytes = Bytes::copy_from_slice(Shot::new(ask, to, session)?.next());
            tasks.spawn(async move {
                let mut connection = Connection::open(to).await?;
                connection.send_encoded(&bytes, "POST").await?;
                connection.receive_head().await?;
                let said = connection.read_until(|read| memmem::find(read, STAMP).is_some()).await?;
                let begun = memmem::find(&said, STAMP).is_some();
                begun.then_some(connection).ok_or_else(|| io::Error::other("the stream ended at once"))
            });
        }
        match tasks.join_next().await {
            None => return Ok(opened),
            Some(worked) => match worked.map_err(io::Error::other)? {
                Ok(connection) => opened.streams.push(connection),
                Err(_) => opened.errors += 1,
            },
        }
    }
}

/// Waits until every stream has had another event, and counts those that break instead.
pub(crate) async fn another_event(streams: &mut [Connection]) -> u64 {
    let mut errors = 0;
    for stream in streams {
        errors += u64::from(!matches!(stream.piece().await, Ok(Some(_))));
    }
    errors
}
