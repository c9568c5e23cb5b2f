//! What a provider answers: the bytes, how they are framed, how fast they come, and where they stop.

use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::replies::{Framing, chunk, head};
use serde_json::{Value, json};

use crate::nature::Nature;
use crate::random::Random;
use crate::speech::trouble::Trouble;
use crate::speech::{Call, Dialect, Question, Said, Usage};

/// How an answer stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// As its framing says: with the final chunk, or with as many bytes as were announced.
    InOrder,
    /// The connection closes.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more comes.
    Silence,
    /// Pings, until the gateway leaves.
    Pings,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    /// The body, piece by piece.
    pub(crate) frames: Vec<Bytes>,
    framing: Framing,
    /// Pieces that are sent.
    pub(crate) sent: usize,
    pub(crate) stop: Stop,
    /// No more bytes than these, head and frames included.
    pub(crate) most: Option<u64>,
    /// A byte at a time.
    pub(crate) trickles: bool,
    /// Least and most pause before a piece, milliseconds.
    pub(crate) pauses: (u64, u64),
    /// What all of it together says, where it is what was asked for.
    pub(crate) said: Option<Said>,
    /// What it says that is wrong.
    pub(crate) trouble: Option<Trouble>,
    /// All of it together is what was asked for.
    good: bool,
}

/// What an answer is to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct To<'a> {
    pub(crate) exchange: usize,
    /// The dialect that the provider speaks.
    pub(crate) dialect: Dialect,
    pub(crate) question: &'a Question,
    /// A count of tokens is asked for.
    pub(crate) counts: bool,
    /// The status with which it is refused because of the request itself.
    pub(crate) bad: Option<u16>,
    /// What a careless provider repeats in its errors.
    pub(crate) credential: &'a str,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) clock_ms: i64,
}

// === impl To ===

impl To<'_> {
    fn streams(&self) -> bool {
        self.question.stream && !self.counts
    }

    /// What a careless provider says when something is wrong.
    fn complaint(&self) -> String {
        format!("no to exchange {} with {}", self.exchange, self.credential)
    }
}

// === impl Answer ===

impl Answer {
    /// Whether it is a whole answer of the dialect, and every piece of it is sent.
    pub(crate) fn is_whole(&self) -> bool {
        self.good && self.sent == self.frames.len()
    }

    /// The head.
    pub(crate) fn head(&self) -> Bytes {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        head(self.status, &headers, self.framing, self.frames.iter().map(Bytes::len).sum())
    }

    /// A piece as it goes over the wire.
    pub(crate) fn framed(&self, frame: &Bytes) -> Bytes {
        if self.framing == Framing::Chunked { chunk(frame) } else { frame.clone() }
    }

    /// Bytes on the wire after those of a piece.
    pub(crate) fn tail(&self) -> u64 {
        if self.framing == Framing::Chunked { 2 } else { 0 }
    }

    /// What ends the body, if anything.
    pub(crate) fn end(&self) -> Option<Bytes> {
        (self.framing == Framing::Chunked).then(|| chunk(b""))
    }

    /// Whether its end is that of its framing.
    pub(crate) fn ends_in_order(&self) -> bool {
        let by_close = self.framing == Framing::CloseDelimited && self.stop == Stop::Close;
        self.stop == Stop::InOrder || by_close
    }

    /// Whether the connection can carry another request.
    pub(crate) fn is_kept(&self) -> bool {
        self.framing != Framing::CloseDelimited
    }

    pub(crate) fn any(nature: Nature, to: To<'_>, random: &mut Random) -> Self {
        match nature {
            Nature::ErrorFirst if to.streams() => return error_first(to, random),
            Nature::Page => return page(200, to),
            Nature::PageUnder(status) => return page(status, to),
            Nature::Empty => return Self::new(200, EVENTS, Vec::new(), Framing::Chunked, to),
            Nature::Throttling(how) => return throttled(how, to, random),
            Nature::Overloaded => return refusal(Trouble::Overloaded, to),
            Nature::Failing(status) => return refusal(Trouble::Fault(status), to),
            Nature::Forbidding(status) => return refusal(forbidden(status), to),
            Nature::ErrorFirst | Nature::ErrorLater if !to.streams() => {
                return Self { status: 200, ..refusal(Trouble::Fault(500), to) };
            }
            _ => {}
        }
        if let Some(status) = to.bad {
            return refusal(Trouble::Request(status), to);
        }
        let well = if to.counts {
            whole(&to.dialect.count(1000 + to.exchange), to, random)
        } else {
            let said = said(to, random);
            let well =
                if to.streams() { stream(&said, to, random) } else { whole(&to.dialect.whole(&said), to, random) };
            Self { said: Some(said), ..well }
        };
        well.spoilt(nature, to, random)
    }

    /// The same, stopped as `nature` says.
    fn spoilt(self, nature: Nature, to: To<'_>, random: &mut Random) -> Self {
        let sent = random.below(self.frames.len() as u64 + 1) as usize;
        let some = sent.min(self.frames.len() - 1);
        match nature {
            Nature::SilentAfterHead => Self { stop: Stop::Silence, ..self }.sending(0),
            Nature::Stalling => Self { stop: Stop::Silence, ..self }.sending(some),
            Nature::Pinging => Self { stop: Stop::Pings, ..self }.sending(some.min(2)),
            Nature::ErrorLater => self.troubled(some, to, random),
            // With a length announced there is no early end in order.
            Nature::Truncating if self.framing == Framing::Chunked => {
                Self { stop: Stop::InOrder, ..self }.sending(some)
            }
            Nature::Truncating | Nature::Cutting => Self { stop: Stop::Close, ..self }.sending(some),
            Nature::Resetting(most) => Self { most: Some(most), stop: Stop::Reset, ..self },
            Nature::Trickling => Self { trickles: true, ..self },
            _ => self,
        }
    }

    /// The same, with an error after so many pieces.
    fn troubled(self, pieces: usize, to: To<'_>, random: &mut Random) -> Self {
        let trouble = random.of(&[Trouble::Overloaded, Trouble::Fault(500), Trouble::Fault(504)]);
        let mut frames = self.frames;
        frames.truncate(pieces);
        frames.push(to.dialect.error(trouble, &to.complaint(), random.percent(50)));
        let sent = frames.len();
        let stop = random.of(&[Stop::InOrder, Stop::Close]);
        Self { frames, good: false, stop, trouble: Some(trouble), ..self }.sending(sent)
    }

    fn sending(self, sent: usize) -> Self {
        Self { sent, ..self }
    }

    fn new(status: u16, media: &str, frames: Vec<Bytes>, framing: Framing, to: To<'_>) -> Self {
        let number = to.exchange.to_string();
        let headers = vec![
            ("content-type", media.to_owned()),
            ("request-id", format!("req_{number}")),
            ("x-sim-exchange", number),
        ];
        let sent = frames.len();
        Self {
            status,
            headers,
            frames,
            framing,
            sent,
            stop: Stop::InOrder,
            most: None,
            trickles: false,
            pauses: (0, 5),
            said: None,
            trouble: None,
            good: false,
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

/// What a model says to it, as nobody else says it.
fn said(to: To<'_>, random: &mut Random) -> Said {
    let number = to.exchange;
    let prompt = random.within(100..5000);
    let mut said = Said {
        id: format!("answer_{number}"),
        model: to.question.model.clone(),
        usage: Usage { prompt, cached: random.of(&[0, prompt / 3]), output: random.within(1..500) },
        counts: to.question.counts,
        cut: random.percent(5),
        ..Said::default()
    };
    if random.percent(30) {
        said.thought = Some(format!("let me see {number}"));
    }
    if random.percent(80) {
        let big = if random.percent(2) { "x".repeat(300_000) } else { String::new() };
        let pieces = if big.is_empty() { random.within(1..8) } else { 1 };
        said.pieces = (0..pieces).map(|piece| format!("piece {piece} of {number}{big} ")).collect();
    }
    let tools = &to.question.tools;
    for call in 0..if tools.is_empty() { 0 } else { random.below(3) } {
        let tool = random.index(tools.len());
        let arguments = random.of(&[0, 1, 2]);
        let arguments = match arguments {
            0 => json!({"command": format!("ls {call} # é \"{number}\"")}),
            1 => json!({"command": "", "more": [1, {"a": null, "b": [true]}], "of": number}),
            _ => json!({}),
        };
        said.calls.push(Call { id: format!("call_{number}_{call}"), name: tools[tool].clone(), tool, arguments });
    }
    // Never nothing at all.
    if random.percent(40) || (said.pieces.is_empty() && said.calls.is_empty()) {
        said.rest = Some(format!("the end of {number}"));
    }
    said
}

/// A whole stream.
fn stream(said: &Said, to: To<'_>, random: &mut Random) -> Answer {
    let mut frames = to.dialect.stream(said);
    if random.percent(5) {
        let with_returns = |frame: &Bytes| Bytes::from(String::from_utf8_lossy(frame).replace('\n', "\r\n"));
        frames = frames.iter().map(with_returns).collect();
    }
    if random.percent(30) {
        let at = random.index(frames.len());
        frames.insert(at, Bytes::from_static(b": a comment\n\n"));
    }
    let framing = if random.percent(5) { Framing::CloseDelimited } else { Framing::Chunked };
    let pauses = random.of(&[(0, 1), (1, 30), (10, 400)]);
    let made = Answer::new(200, EVENTS, frames, framing, to);
    Answer { pauses, good: true, ..made }.with("anthropic-ratelimit-requests-remaining", "50".to_owned())
}

fn whole(body: &Value, to: To<'_>, random: &mut Random) -> Answer {
    let text = Bytes::from(body.to_string());
    let middle = random.below(text.len() as u64) as usize;
    let frames = vec![text.slice(..middle), text.slice(middle..)];
    let frames = frames.into_iter().filter(|frame| !frame.is_empty()).collect();
    let framing = random.of(&[Framing::ContentLength, Framing::Chunked]);
    let made = Answer::new(200, "application/json", frames, framing, to);
    Answer { pauses: (1, 500), good: true, ..made }
}

fn refusal(trouble: Trouble, to: To<'_>) -> Answer {
    let body = Bytes::from(to.dialect.refusal(trouble, &to.complaint()).to_string());
    let made = Answer::new(to.dialect.status(trouble), "application/json", vec![body], Framing::ContentLength, to);
    Answer { trouble: Some(trouble), ..made }
}

fn forbidden(status: u16) -> Trouble {
    match status {
        401 => Trouble::Credential,
        402 => Trouble::Money,
        403 => Trouble::Permission,
        _ => Trouble::Missing,
    }
}

fn page(status: u16, to: To<'_>) -> Answer {
    let body =
        Bytes::from_static(b"<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body>no</body></html>\n");
    Answer::new(status, "text/html", vec![body], Framing::ContentLength, to)
}

fn error_first(to: To<'_>, random: &mut Random) -> Answer {
    let trouble = random.of(&[Trouble::Overloaded, Trouble::Fault(500), Trouble::Throttled(None)]);
    let frames = vec![to.dialect.error(trouble, &to.complaint(), random.percent(50))];
    let made = Answer::new(200, "text/event-stream", frames, Framing::Chunked, to);
    Answer { trouble: Some(trouble), ..made }
}

fn throttled(how: u8, to: To<'_>, random: &mut Random) -> Answer {
    let seconds = random.within(1..40);
    let in_words = (how == 4 && to.dialect == Dialect::Gemini).then_some(seconds);
    let plain = refusal(Trouble::Throttled(in_words), to);
    let at = Duration::from_millis(u64::try_from(to.clock_ms).unwrap_or_default()) + Duration::from_secs(seconds);
    match (how, to.dialect) {
        (1, _) => plain.with("retry-after", seconds.to_string()),
        (2, _) => plain.with("retry-after-ms", (seconds * 100).to_string()),
        (3, _) => {
            let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + at);
            plain.with("retry-after", date)
        }
        (4, Dialect::Anthropic) => plain
            .with("anthropic-ratelimit-requests-remaining", "0".to_owned())
            .with("anthropic-ratelimit-requests-reset", at.as_secs().to_string()),
        (4, Dialect::Openai | Dialect::Responses) => plain
            .with("x-ratelimit-remaining-requests", "0".to_owned())
            .with("x-ratelimit-reset-requests", format!("{seconds}s")),
        _ => plain,
    }
}
