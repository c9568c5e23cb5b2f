//! The scenarios: which load, and what is measured in it. Sizes are those of a coding agent: a request of 60 kB (its
//! whole conversation and tools), a short answer or a stream of small events.

use std::io;
use std::time::Duration;

use crate::ask::{Answer, Ask};
use crate::load;
use crate::measure::{Measure, Sample, micros, percentile};
use crate::mock::EVENTS;
use crate::target::{Kind, Setup, Target};

/// A scenario by name.
pub(crate) struct Scenario {
    /// For `--only`.
    pub(crate) name: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    ask: Ask,
    load: Load,
}

enum Load {
    /// Connections that each wait for their answer.
    Closed { connections: u64, seconds: f64 },
    /// A fixed rate, below what any target can bear: only so does latency mean the way through the proxy and not a queue.
    Rate { connections: u64, per_second: u32, seconds: f64 },
    /// Streams that speak every 50 ms.
    Paced { streams: u32 },
    /// Streams that are open and nearly silent.
    Open { streams: u64 },
    /// No load: the start and the idle process.
    Idle,
}

const SMALL: Ask = Ask::plain(Answer::Whole, 60);

/// All of them, in the order of the report.
pub(crate) const SCENARIOS: [Scenario; 21] = [
    Scenario { name: "idle", title: "Start and idle process", ask: SMALL, load: Load::Idle },
    Scenario {
        name: "json-1",
        title: "60 kB request, 2 kB answer, 1 connection",
        ask: SMALL,
        load: Load::Closed { connections: 1, seconds: 2.0 },
    },
    Scenario {
        name: "json-64",
        title: "60 kB request, 2 kB answer, 64 connections, as fast as it goes",
        ask: SMALL,
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "json-64-rate",
        title: "60 kB request, 2 kB answer, 64 connections, 1,000 requests/s",
        ask: SMALL,
        load: Load::Rate { connections: 64, per_second: 1000, seconds: 4.0 },
    },
    Scenario {
        name: "burst",
        title: "60 kB request, stream of 40 events without pause, 64 connections",
        ask: Ask::plain(Answer::Burst, 60),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "burst-3k",
        title: "3 kB request, stream of 40 events without pause, 64 connections: the events' own cost",
        ask: Ask::plain(Answer::Burst, 3),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "paced",
        title: "200 streams side by side, 40 events each, one every 50 ms",
        ask: Ask::plain(Answer::Paced, 60),
        load: Load::Paced { streams: 200 },
    },
    Scenario {
        name: "open-1000",
        title: "1,000 open streams, nearly silent",
        ask: Ask::plain(Answer::Open, 60),
        load: Load::Open { streams: 1000 },
    },
    Scenario {
        name: "open-5000",
        title: "5,000 open streams, nearly silent",
        ask: Ask::plain(Answer::Open, 60),
        load: Load::Open { streams: 5000 },
    },
    Scenario {
        name: "body-1m",
        title: "1 MiB request, 2 kB answer, 4 connections",
        ask: Ask::plain(Answer::Whole, 1049),
        load: Load::Closed { connections: 4, seconds: 3.0 },
    },
    Scenario {
        name: "body-10m",
        title: "10 MiB request, 2 kB answer, 4 connections",
        ask: Ask::plain(Answer::Whole, 10_486),
        load: Load::Closed { connections: 4, seconds: 4.0 },
    },
    Scenario {
        name: "to-openai-json-1",
        title: "Anthropic client, OpenAI provider: 60 kB request, 2 kB answer, 1 connection",
        ask: Ask::to_openai(Answer::Whole, 60),
        load: Load::Closed { connections: 1, seconds: 2.0 },
    },
    Scenario {
        name: "to-openai-json-64",
        title: "Anthropic client, OpenAI provider: 60 kB request, 2 kB answer, 64 connections",
        ask: Ask::to_openai(Answer::Whole, 60),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-openai-burst",
        title: "Anthropic client, OpenAI provider: 60 kB request, stream of 40 events without pause, 64 connections",
        ask: Ask::to_openai(Answer::Burst, 60),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-openai-burst-3k",
        title: "Anthropic client, OpenAI provider: 3 kB request, stream of 40 events without pause, 64 connections",
        ask: Ask::to_openai(Answer::Burst, 3),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-openai-paced",
        title: "Anthropic client, OpenAI provider: 200 streams side by side, 40 events each, one every 50 ms",
        ask: Ask::to_openai(Answer::Paced, 60),
        load: Load::Paced { streams: 200 },
    },
    Scenario {
        name: "to-anthropic-json-1",
        title: "OpenAI client, Anthropic provider: 60 kB request, 2 kB answer, 1 connection",
        ask: Ask::to_anthropic(Answer::Whole, 60),
        load: Load::Closed { connections: 1, seconds: 2.0 },
    },
    Scenario {
        name: "to-anthropic-json-64",
        title: "OpenAI client, Anthropic provider: 60 kB request, 2 kB answer, 64 connections",
        ask: Ask::to_anthropic(Answer::Whole, 60),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-anthropic-burst",
        title: "OpenAI client, Anthropic provider: 60 kB request, stream of 40 events without pause, 64 connections",
        ask: Ask::to_anthropic(Answer::Burst, 60),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-anthropic-burst-3k",
        title: "OpenAI client, Anthropic provider: 3 kB request, stream of 40 events without pause, 64 connections",
        ask: Ask::to_anthropic(Answer::Burst, 3),
        load: Load::Closed { connections: 64, seconds: 3.0 },
    },
    Scenario {
        name: "to-anthropic-paced",
        title: "OpenAI client, Anthropic provider: 200 streams side by side, 40 events each, one every 50 ms",
        ask: Ask::to_anthropic(Answer::Paced, 60),
        load: Load::Paced { streams: 200 },
    },
];

impl Scenario {
    /// Whether the difference to no proxy is the way through the proxy. Under full load it is not: direct, proxied and
    /// load share the cores, and the difference is the length of queues.
    pub(crate) fn compares_with_direct(&self) -> bool {
        !matches!(self.load, Load::Closed { connections: 2.., .. })
    }

    /// Runs it once through a fresh target.
    pub(crate) async fn run(&self, kind: Kind, setup: &Setup, quick: bool) -> io::Result<Sample> {
        let target = setup.start(kind, self.ask.provider).await?;
        let scale = if quick { 0.25 } else { 1.0 };
        match self.load {
            Load::Closed { connections, seconds } => {
                let duration = Duration::from_secs_f64(seconds * scale);
                requests(&target, self.ask, connections, None, duration).await
            }
            Load::Rate { connections, per_second, seconds } => {
                let duration = Duration::from_secs_f64(seconds * scale);
                requests(&target, self.ask, connections, Some(per_second), duration).await
            }
            Load::Paced { streams } => paced(&target, self.ask, streams).await,
            Load::Open { streams } => open(&target, self.ask, streams).await,
            Load::Idle => Ok(idle(&target)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
async fn requests(
    target: &Target,
    ask: Ask,
    connections: u64,
    per_second: Option<u32>,
    duration: Duration,
) -> io::Result<Sample> {
    let proxy = target.process.as_ref();
    let run = load::requests(target.addr, ask, connections, per_second, duration, proxy).await?;
    let done = run.latencies.len() as f64;
    let mut sample = vec![
        (Measure::Rate, done / run.window.as_secs_f64()),
        (Measure::P50, micros(percentile(&run.latencies, 0.5))),
        (Measure::P99, micros(percentile(&run.latencies, 0.99))),
    ];
    if proxy.is_some() && done > 0.0 {
        sample.push((Measure::CpuPerThousand, micros(run.cpu) / done));
    }
    sample.push((Measure::Errors, run.errors as f64));
    Ok(sample)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
async fn paced(target: &Target, ask: Ask, streams: u32) -> io::Result<Sample> {
    let proxy = target.process.as_ref();
    // Connections and code are warm in a gateway that has been running for a while.
    load::requests(target.addr, Ask { answer: Answer::Whole, ..ask }, 8, None, Duration::from_millis(200), None)
        .await?;
    let paced = load::paced(target.addr, ask, streams, proxy).await?;
    let mut sample = vec![
        (Measure::DelayP50, micros(percentile(&paced.delays, 0.5))),
        (Measure::DelayP99, micros(percentile(&paced.delays, 0.99))),
    ];
    if proxy.is_some() {
        sample.push((Measure::CpuPerEvent, micros(paced.cpu) / (f64::from(streams) * EVENTS as f64)));
    }
    sample.push((Measure::Errors, paced.errors as f64));
    Ok(sample)
}

#[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52 bytes")]
async fn open(target: &Target, ask: Ask, streams: u64) -> io::Result<Sample> {
    let proxy = target.process.as_ref();
    // The first requests build what a process needs only once; it is not charged to the streams.
    load::requests(target.addr, Ask { answer: Answer::Whole, ..ask }, 8, None, Duration::from_millis(200), None)
        .await?;
    let memory = || proxy.map(|process| process.memory() as f64);
    let before = memory();
    let mut opened = load::open(target.addr, ask, streams).await?;
    // The second event of each: by then everything about its start is over.
    let broken = load::another_event(&mut opened.streams).await;
    let mut sample = Vec::new();
    if let (Some(before), Some(after)) = (before, memory()) {
        sample.push((Measure::OpenMemory, after / 1e6));
        sample.push((Measure::PerStream, (after - before) / 1e3 / streams as f64));
    }
    sample.push((Measure::Errors, (opened.errors + broken) as f64));
    Ok(sample)
}

#[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52 bytes")]
fn idle(target: &Target) -> Sample {
    match &target.process {
        Some(process) => vec![
            (Measure::Ready, target.ready.as_secs_f64() * 1e3),
            (Measure::IdleMemory, process.memory() as f64 / 1e6),
        ],
        None => Vec::new(),
    }
}
