//! What a provider answers: the bytes, how they are framed, how fast they come, and where they stop.

use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::replies::{Framing, Stream, chunk, error_body, event, head, message};
use serde_json::{Value, json};

use crate::book::Kind;
use crate::nature::Nature;
use crate::random::Random;

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
    /// All of it together is what was asked for.
    good: bool,
}

/// What an answer is to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct To<'a> {
    pub(crate) exchange: usize,
    pub(crate) kind: Kind,
    /// The status with which it is refused because of the request itself.
    pub(crate) bad: Option<u16>,
    /// What a careless provider repeats in its errors.
    pub(crate) credential: &'a str,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) clock_ms: i64,
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

    /// What ends the body, if anything.
    pub(crate) fn end(&self) -> Option<Bytes> {
        (self.framing == Framing::Chunked).then(|| chunk(b""))
    }

    /// Whether the connection can carry another request.
    pub(crate) fn is_kept(&self) -> bool {
        self.framing != Framing::CloseDelimited
    }

    pub(crate) fn any(nature: Nature, to: To<'_>, random: &mut Random) -> Self {
        match nature {
            Nature::ErrorFirst if to.kind == Kind::Stream => return error_first(to, random),
            Nature::Page => return page(200, to),
            Nature::PageUnder(status) => return page(status, to),
            Nature::Empty => return Self { frames: Vec::new(), good: false, ..stream(to, random) }.sending(0),
            Nature::Throttling(how) => return throttled(how, to, random),
            Nature::Overloaded => return refusal(529, "overloaded_error", to),
            Nature::Failing(status) => return refusal(status, "api_error", to),
            Nature::Forbidding(status) => return forbidden(status, to),
            Nature::ErrorFirst | Nature::ErrorLater if to.kind != Kind::Stream => {
                return Self { status: 200, ..refusal(500, "api_error", to) };
            }
            _ => {}
        }
        if let Some(status) = to.bad {
            return refusal(status, "invalid_request_error", to);
        }
        let well = match to.kind {
            Kind::Stream => stream(to, random),
            Kind::Message => whole(&said(to, message(&format!("answer {}", to.exchange))), to, random),
            Kind::Count => whole(&json!({"input_tokens": 1000 + to.exchange}), to, random),
        };
        well.spoilt(nature, random)
    }

    /// The same, stopped as `nature` says.
    fn spoilt(self, nature: Nature, random: &mut Random) -> Self {
        let sent = random.below(self.frames.len() as u64 + 1) as usize;
        let some = sent.min(self.frames.len() - 1);
        match nature {
            Nature::SilentAfterHead => Self { stop: Stop::Silence, ..self }.sending(0),
            Nature::Stalling => Self { stop: Stop::Silence, ..self }.sending(some),
            Nature::Pinging => Self { stop: Stop::Pings, ..self }.sending(some.min(2)),
            Nature::ErrorLater => {
                let kind = random.of(&["overloaded_error", "api_error", "timeout_error"]);
                let error = event("error", &json!({"type": "error", "error": {"type": kind, "message": "midway"}}));
                let mut frames = self.frames;
                frames.truncate(some);
                frames.push(error);
                let sent = frames.len();
                Self { frames, good: false, stop: random.of(&[Stop::InOrder, Stop::Close]), ..self }.sending(sent)
            }
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
            good: false,
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A whole stream.
fn stream(to: To<'_>, random: &mut Random) -> Answer {
    let number = to.exchange;
    let mut stream = Stream::new();
    if random.percent(30) {
        stream = stream.and_thinking("let me see");
    }
    if random.percent(80) {
        let big = if random.percent(2) { "x".repeat(300_000) } else { String::new() };
        let pieces: Vec<_> = (0..random.within(1..8)).map(|piece| format!("piece {piece} of {number}{big} ")).collect();
        stream = stream.and_text(pieces.iter().map(String::as_str).take(if big.is_empty() { 8 } else { 1 }));
    }
    for call in 0..random.below(3) {
        stream = stream.and_tool_use("run", &json!({"command": format!("ls {call} # é {number}")}));
    }
    // Never nothing at all.
    let mut frames = if random.percent(5) { stream.crlf() } else { stream }.and_text(["the end"]).events();
    if random.percent(30) {
        let at = random.index(frames.len());
        frames.insert(at, Bytes::from_static(b": a comment\n\n"));
    }
    let framing = if random.percent(5) { Framing::CloseDelimited } else { Framing::Chunked };
    let pauses = random.of(&[(0, 1), (1, 30), (10, 400)]);
    let made = Answer::new(200, "text/event-stream; charset=utf-8", frames, framing, to);
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

/// A message that nobody else says.
fn said(to: To<'_>, mut message: Value) -> Value {
    message["id"] = format!("msg_{}", to.exchange).into();
    message
}

fn refusal(status: u16, kind: &str, to: To<'_>) -> Answer {
    let text = format!("refused ({status}) with {}", to.credential);
    let body = Bytes::from(error_body(kind, &text).to_string());
    Answer::new(status, "application/json", vec![body], Framing::ContentLength, to)
}

fn forbidden(status: u16, to: To<'_>) -> Answer {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        _ => "not_found_error",
    };
    refusal(status, kind, to)
}

fn page(status: u16, to: To<'_>) -> Answer {
    let body =
        Bytes::from_static(b"<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body>no</body></html>\n");
    Answer::new(status, "text/html", vec![body], Framing::ContentLength, to)
}

fn error_first(to: To<'_>, random: &mut Random) -> Answer {
    let kind = random.of(&["overloaded_error", "api_error", "rate_limit_error"]);
    let data = json!({"type": "error", "error": {"type": kind, "message": format!("no: {}", to.credential)}});
    let frames = vec![event("error", &data)];
    Answer::new(200, "text/event-stream", frames, Framing::Chunked, to)
}

fn throttled(how: u8, to: To<'_>, random: &mut Random) -> Answer {
    let plain = refusal(429, "rate_limit_error", to);
    let seconds = random.within(1..40);
    let at = Duration::from_millis(u64::try_from(to.clock_ms).unwrap_or_default()) + Duration::from_secs(seconds);
    match how {
        0 => plain,
        1 => plain.with("retry-after", seconds.to_string()),
        2 => plain.with("retry-after-ms", (seconds * 100).to_string()),
        3 => {
            let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + at);
            plain.with("retry-after", date)
        }
        _ => plain
            .with("anthropic-ratelimit-requests-remaining", "0".to_owned())
            .with("anthropic-ratelimit-requests-reset", at.as_secs().to_string()),
    }
}
