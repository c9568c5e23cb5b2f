//! After commit: events go down as they come, byte for byte, and the end of the stream tells the truth. An answer is a
//! success only at its terminal event. Any other end is made such that no client can take it for whole (DESIGN 3.5.9).
//!
//! Back-pressure is the shape of it: hyper asks for the next frame only when the client has taken the last ones, and
//! only then is the upstream read. A client that leaves drops the relay, which ends the upstream's request.

pub(crate) mod source;

pub(crate) mod clock;

mod passage;

pub(crate) use passage::Passage;

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use qcc_dialect::sse::Batch;
use qcc_dialect::watch::Seen;
use qcc_policy::Failure;

use crate::body::Cut;
use crate::finish::{Charged, Exchange};
use crate::observe;
use clock::Clock;
use source::Source;

/// A stream on its way down.
pub(crate) struct Relay {
    source: Source,
    /// What goes down before anything new is read, last first.
    held: Vec<Bytes>,
    clock: Clock,
    stage: Stage,
    exchange: Exchange,
    charged: Charged,
}

/// How far a relay is.
enum Stage {
    /// Events go down as they come.
    Relaying,
    /// The terminal event is down; the transport's end is waited for, so that the connection can be used again.
    Whole,
    /// The upstream broke off: these bytes end the stream for the client, then it is cut or ended.
    Closing { last: Bytes, cut: bool },
    /// The last bytes are handed over; they must leave before the connection is cut.
    Flushing,
    /// Cut now.
    Cutting,
    /// Nothing more.
    Ended,
}

/// Bytes that are gathered into one frame.
const GATHER: usize = 8 * 1024;

/// Pieces that go down together; copied only when there are several.
enum Gathered {
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn and(self, next: &[u8]) -> Self {
        let mut many = match self {
            Self::One(first) => {
                let mut many = BytesMut::with_capacity(GATHER.max(first.len() + next.len()));
                many.extend_from_slice(&first);
                many
            }
            Self::Many(many) => many,
        };
        many.extend_from_slice(next);
        Self::Many(many)
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}

impl Relay {
    pub(crate) fn new(
        source: Source,
        mut held: Vec<Bytes>,
        clock: Clock,
        exchange: Exchange,
        charged: Charged,
    ) -> Self {
        held.reverse();
        let mut relay = Self { source, held, clock, stage: Stage::Relaying, exchange, charged };
        if relay.source.watcher.is_terminal() {
            relay.complete();
        }
        relay
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.clock.resume();
        loop {
            if let Some(bytes) = self.held.pop() {
                let bytes = self.gather(bytes, cx);
                return self.send(bytes);
            }
            match &mut self.stage {
                Stage::Relaying | Stage::Whole => {
                    if self.read(cx).is_pending() {
                        match self.clock.poll_expired(cx) {
                            Poll::Ready(phase) => self.broke(Failure::Timeout(phase), observe::timed_out(phase)),
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                }
                Stage::Closing { last, cut } => {
                    let bytes = std::mem::take(last);
                    self.stage = if *cut { Stage::Flushing } else { Stage::Ended };
                    if !bytes.is_empty() {
                        return self.send(bytes);
                    }
                }
                Stage::Flushing => {
                    // hyper writes out what it has when it is told to wait, and drops it when it is told of an error.
                    self.stage = Stage::Cutting;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Cutting => {
                    self.stage = Stage::Ended;
                    return Poll::Ready(Some(Err(Cut)));
                }
                Stage::Ended => {
                    self.exchange.end("done", None);
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Takes what has arrived, or the end.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.source.poll_chunk(cx)) {
            Some(Ok(chunk)) => self.take(chunk),
            Some(Err(error)) => self.broke(Failure::Truncated, &error),
            None => self.ended(),
        }
        Poll::Ready(())
    }

    /// The body has ended cleanly. Some dialects' answers may be whole without a last mark.
    fn ended(&mut self) {
        if self.source.watcher.ended() {
            self.complete();
        }
        self.broke(Failure::Truncated, "it ended without its terminal event");
    }

    /// Adds to `first` what has arrived as well: one write for many small events is far cheaper than one for each.
    fn gather(&mut self, first: Bytes, cx: &mut Context<'_>) -> Bytes {
        let mut all = Gathered::One(first);
        while all.len() < GATHER && matches!(self.stage, Stage::Relaying) {
            if self.held.is_empty() && self.read(cx).is_pending() {
                break;
            }
            if let Some(next) = self.held.pop() {
                all = all.and(&next);
            }
        }
        all.freeze()
    }

    fn send(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.clock.handed();
        self.exchange.note(|row| row.bytes_out += bytes.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// Looks at what a chunk completes and queues it.
    fn take(&mut self, chunk: Bytes) {
        let batch = self.source.splitter.push(chunk);
        let mut semantic = false;
        let mut over = None;
        for event in batch.events() {
            match self.source.watcher.observe(event) {
                Seen::Idle | Seen::Malformed | Seen::NotSse => {}
                Seen::Progress | Seen::Content | Seen::Terminal => semantic = true,
                Seen::Error(facts) => {
                    let why = format!("the provider reported an error: {}", facts.message);
                    over = Some((end_of(event, &batch.bytes), why));
                    break;
                }
                Seen::Unfinished => {
                    let why = "it ended without saying why".to_owned();
                    over = Some((end_of(event, &batch.bytes) - event.len(), why));
                    break;
                }
            }
        }
        if let Some(start) = batch.oversized_head() {
            self.source.watcher.observe_oversized_head(start);
        }
        self.clock.moved(semantic || !batch.part.is_empty());
        match over {
            Some((end, why)) => {
                let last = self.without_credentials(batch.bytes.slice(..end));
                self.held.extend(Some(last).filter(|bytes| !bytes.is_empty()));
                self.broke(Failure::Truncated, &why);
            }
            None => self.queue(batch),
        }
    }

    /// An error that was put into the client's words is a text of ours, and none of those shows a credential.
    fn without_credentials(&self, bytes: Bytes) -> Bytes {
        match std::str::from_utf8(&bytes) {
            Ok(text) if self.source.is_translated() => self.exchange.masked(text.to_owned()).into(),
            _ => bytes,
        }
    }

    fn queue(&mut self, batch: Batch) {
        if self.source.watcher.is_terminal() {
            self.complete();
        }
        for bytes in [batch.part, batch.bytes] {
            if !bytes.is_empty() {
                self.held.push(bytes);
            }
        }
    }

    /// The terminal event was seen: this is where a success becomes one.
    fn complete(&mut self) {
        if matches!(self.stage, Stage::Relaying) {
            self.stage = Stage::Whole;
            self.clock.linger();
            self.note_answer();
            self.charged.succeed(self.exchange.tokens());
            self.exchange.whole();
        }
    }

    /// What the answer has told of itself.
    fn note_answer(&mut self) {
        self.exchange.used(self.source.told());
        if let Some(losses) = self.source.losses() {
            self.exchange.lost(&losses);
        }
        self.exchange.thought(self.source.thoughts());
    }

    /// The upstream's part is over without a terminal event, unless that was seen before.
    fn broke(&mut self, failure: Failure, what: &str) {
        if matches!(self.stage, Stage::Whole) {
            self.stage = Stage::Ended;
            // Whatever trails the terminal event without an end of its own was received, so it is passed on.
            let rest = std::mem::take(&mut self.source.splitter).finish();
            self.held.extend(Some(rest).filter(|rest| !rest.is_empty()));
            return;
        }
        self.note_answer();
        self.charged.broke(failure, &mut self.exchange);
        let message = self.exchange.masked(format!("The provider's stream broke off: {what}"));
        self.stage = if self.source.splitter.inside_oversized() {
            Stage::Flushing
        } else {
            let closing = self.source.watcher.closing(self.exchange.request_id(), &message);
            Stage::Closing { last: closing.bytes, cut: closing.abort }
        };
        self.exchange.end("broken", Some(message));
    }
}

/// Where `event`, a part of `bytes`, ends in it.
fn end_of(event: &[u8], bytes: &Bytes) -> usize {
    event.as_ptr() as usize - bytes.as_ptr() as usize + event.len()
}
