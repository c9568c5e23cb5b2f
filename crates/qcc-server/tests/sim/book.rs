//! What everybody saw: the clients what they asked and got, the providers what they were asked and said, the log, the
//! store. Nothing here comes from the gateway's own memory but what its log and its rows say.

mod exchange;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use memchr::memmem;
use qcc_policy::{Standing, breaker};
use qcc_store::RequestRecord;
use serde_json::Value;

use crate::nature::Script;
use crate::net::{Clock, Stamp};
use crate::setting::Setting;
use crate::speech::{Dialect, Heard};

pub(crate) use exchange::Exchange;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stream,
    Message,
    Count,
}

/// How an answer ended for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As its framing says.
    Clean,
    /// The connection closed or was reset before that.
    Cut,
    /// The client left.
    Left,
    /// The connection closed or was reset before an answer.
    Unheard,
}

/// A body but for the name of its model, which may be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) model: String,
    rest: u64,
    length: usize,
}

/// A request as its client sees it.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) dialect: Dialect,
    pub(crate) kind: Kind,
    pub(crate) print: Print,
    /// What its user says, in short.
    pub(crate) words: u64,
    /// The tools that it offers.
    pub(crate) tools: &'static [&'static str],
    /// Whether it wants to hear how many tokens a stream took.
    pub(crate) counts: bool,
    /// Of the body, bytes. No two requests have the same.
    pub(crate) length: u64,
    /// With which status every provider that is well refuses it.
    pub(crate) bad: Option<u16>,
    /// The client's own credential, for providers that take it.
    pub(crate) own: Option<String>,
    /// What the client announces to wait, seconds.
    pub(crate) announced: Option<u64>,
    /// Over a connection of its own.
    pub(crate) fresh: bool,
    pub(crate) began: Stamp,
    /// When the whole request was written.
    pub(crate) sent: Option<Stamp>,
    /// When the gateway wrote the first byte of the answer.
    pub(crate) answered: Option<Stamp>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: BytesMut,
    pub(crate) ended: Option<(Stamp, Ended)>,
    /// What is understood of the answer, once it has ended.
    pub(crate) understood: OnceCell<Heard>,
}

/// One of the gateway's own requests, as a provider sees it.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) provider: usize,
    pub(crate) at: Duration,
    pub(crate) headers: Vec<(String, String)>,
}

/// How things stood inside when an attempt began.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) stamp: Stamp,
    pub(crate) breaker: Option<breaker::Standing>,
    /// Of every candidate by its number, for each model, and a request without tokens.
    pub(crate) standings: BTreeMap<(usize, &'static str), Standing>,
}

/// A line of the log.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) stamp: Stamp,
    pub(crate) event: Value,
    /// Of the candidates of a request that failed, at that moment: number of the provider and its standing.
    pub(crate) standings: Vec<(usize, Standing)>,
}

pub(crate) struct Book {
    pub(crate) clock: Clock,
    pub(crate) asks: Vec<Ask>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) probes: Vec<Probed>,
    pub(crate) lines: Vec<Line>,
    pub(crate) rows: Vec<RequestRecord>,
    pub(crate) scripts: Vec<Script>,
    /// Configurations in force, from when on.
    pub(crate) settings: Vec<(Stamp, Setting)>,
    /// When a provider closed idle connections: a request may have been on its way.
    pub(crate) closings: Vec<(usize, Duration)>,
    /// When draining began.
    pub(crate) draining: Option<Stamp>,
    digest: DefaultHasher,
    talks: bool,
    /// Everything that was said, where it is kept.
    pub(crate) said: Option<Vec<String>>,
}

pub(crate) type Shared = Arc<Mutex<Book>>;

pub(crate) fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Print ===

impl Print {
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        const KEY: &[u8] = b"\"model\":\"";
        let start = memmem::find(body, KEY)? + KEY.len();
        let end = start + memmem::find(&body[start..], b"\"")?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&body[..start]);
        hasher.write_u8(0xff);
        hasher.write(&body[end..]);
        let model = String::from_utf8_lossy(&body[start..end]).into_owned();
        Some(Self { length: body.len() - model.len(), model, rest: hasher.finish() })
    }

    /// Whether the bodies are equal but for the model.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.rest, self.length) == (other.rest, other.length)
    }
}

// === impl Ask ===

impl Ask {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        qcc_testkit::wire::header(&self.headers, name)
    }

    pub(crate) fn how(&self) -> Option<Ended> {
        self.ended.map(|(_, how)| how)
    }

    /// Whether it was heard to its end, as its framing says.
    pub(crate) fn is_whole(&self) -> bool {
        self.how() == Some(Ended::Clean)
    }

    /// What its client understands of the answer, which has ended.
    pub(crate) fn heard(&self) -> &Heard {
        self.understood.get_or_init(|| match self.kind {
            Kind::Stream => self.dialect.hear(&self.body),
            Kind::Message | Kind::Count => self.dialect.hear_whole(&self.body),
        })
    }

    /// When it ended, or now.
    pub(crate) fn until(&self) -> Duration {
        self.ended.map_or(Duration::MAX, |(stamp, _)| stamp.at)
    }
}

// === impl Book ===

impl Book {
    pub(crate) fn new(clock: Clock, talks: bool, keeps: bool) -> Self {
        Self {
            clock,
            asks: Vec::new(),
            exchanges: Vec::new(),
            probes: Vec::new(),
            lines: Vec::new(),
            rows: Vec::new(),
            scripts: Vec::new(),
            settings: Vec::new(),
            closings: Vec::new(),
            draining: None,
            digest: DefaultHasher::new(),
            talks,
            said: keeps.then(Vec::new),
        }
    }

    /// Adds a line to the story, of which the digest of the run is made.
    #[expect(clippy::print_stdout, reason = "only where a run is replayed")]
    pub(crate) fn say(&mut self, what: &str) {
        let line = format!("{:9.3} {what}", self.clock.now().as_secs_f64());
        self.digest.write(line.as_bytes());
        if self.talks {
            println!("{line}");
        }
        if let Some(said) = &mut self.said {
            said.push(line);
        }
    }

    /// A number for all that was said.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The configuration in force.
    pub(crate) fn setting(&self) -> &Setting {
        &self.settings.last().expect("there is one from the start").1
    }

    /// All configurations that were in force at some time between.
    pub(crate) fn settings_during(&self, from: Duration, to: Duration) -> impl Iterator<Item = &Setting> {
        let all = self.settings.iter().enumerate();
        all.filter(move |(place, (since, _))| {
            let until = self.settings.get(place + 1).map_or(Duration::MAX, |(next, _)| next.at);
            since.at <= to && until >= from
        })
        .map(|(_, (_, setting))| setting)
    }

    /// The configuration in force at that time.
    pub(crate) fn setting_at(&self, at: Duration) -> &Setting {
        let known = self.settings.iter().rev().find(|(since, _)| since.at <= at);
        &known.unwrap_or(&self.settings[0]).1
    }

    /// Whether a provider was well from then on until then.
    pub(crate) fn is_well(&self, provider: usize, from: Duration, to: Duration) -> bool {
        self.scripts[provider].is_well(from, to)
    }

    /// Whether the gateway had begun to drain by then.
    pub(crate) fn is_drained(&self, at: Duration) -> bool {
        self.draining.is_some_and(|draining| draining.at <= at)
    }

    /// The row of a request.
    pub(crate) fn row_of(&self, ask: &Ask) -> Option<&RequestRecord> {
        self.rows.iter().find(|row| row.request.bytes_in == ask.length)
    }

    /// The log's line of its end.
    pub(crate) fn end_of(&self, ask: &Ask) -> Option<&Line> {
        self.lines.iter().find(|line| line.event["event"] == "request_finished" && line.event["bytes_in"] == ask.length)
    }

    /// What a stretch of bytes is, in short.
    pub(crate) fn hash(bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        hasher.finish()
    }
}
