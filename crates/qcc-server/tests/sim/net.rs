//! Simulated connections: two ways of bytes, each with its latency, its own cutting of what is written into pieces, a
//! bounded buffer that makes a fast writer wait, and the two ends of TCP: in order, and reset.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::random::Random;

/// When something happened: in which order among everything, and after which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Stamp {
    pub(crate) order: u64,
    pub(crate) at: Duration,
}

/// Gives stamps.
#[derive(Clone)]
pub(crate) struct Clock {
    order: Arc<AtomicU64>,
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { order: Arc::default(), began: Instant::now() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { order: self.order.fetch_add(1, Ordering::Relaxed), at: self.now() }
    }
}

/// How a connection carries bytes one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Least and most milliseconds from a write to its arrival.
    pub(crate) latency: (u64, u64),
    /// Bytes under way and not read.
    pub(crate) room: usize,
    /// Longest piece that arrives by itself, bytes.
    pub(crate) piece: usize,
}

impl Line {
    pub(crate) fn any(random: &mut Random) -> Self {
        let least = random.within(0..40);
        Self {
            latency: (least, least + random.within(1..30)),
            room: random.of(&[8 * 1024, 32 * 1024, 128 * 1024, 512 * 1024]),
            piece: random.of(&[100, 1460, 1460, 16 * 1024]),
        }
    }
}

struct Segment {
    due: Instant,
    bytes: Bytes,
    written: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    InOrder,
    Reset,
}

struct Way {
    line: Line,
    random: Random,
    queue: VecDeque<Segment>,
    queued: usize,
    latest: Instant,
    over: Option<(Instant, Over)>,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Called with what is about to be written; less of it may be taken.
pub(crate) type Hook = Box<dyn FnMut(&[u8], Stamp) + Send>;

/// One end of a connection. Dropped, the other end sees the connection closed; reset, where something was not read.
pub(crate) struct End {
    inward: Arc<Mutex<Way>>,
    outward: Arc<Mutex<Way>>,
    clock: Clock,
    timer: Option<Pin<Box<Sleep>>>,
    /// Of the write that the last read bytes came with.
    read: Stamp,
    hook: Option<Hook>,
    /// When this end was dropped.
    dropped: Arc<Mutex<Option<Stamp>>>,
}

/// Two ends. `there` is how bytes go from the first to the second, `back` the other way.
pub(crate) fn connection(there: Line, back: Line, clock: &Clock, random: &mut Random) -> (End, End) {
    let mut way = |line| Arc::new(Mutex::new(Way::new(line, random.fork())));
    let (there, back) = (way(there), way(back));
    let end = |inward: &Arc<Mutex<Way>>, outward: &Arc<Mutex<Way>>| End {
        inward: Arc::clone(inward),
        outward: Arc::clone(outward),
        clock: clock.clone(),
        timer: None,
        read: Stamp::default(),
        hook: None,
        dropped: Arc::default(),
    };
    (end(&back, &there), end(&there, &back))
}

// === impl Way ===

impl Way {
    fn new(line: Line, random: Random) -> Self {
        Self {
            line,
            random,
            queue: VecDeque::new(),
            queued: 0,
            latest: Instant::now(),
            over: None,
            deaf: false,
            reader: None,
            writer: None,
        }
    }

    /// Half of it: a writer that is let go on for every byte that is read would write single bytes.
    fn has_room(&self) -> bool {
        self.queued <= self.line.room / 2
    }

    /// When what is sent now arrives: never before what was sent earlier.
    fn due(&mut self) -> Instant {
        let (least, most) = self.line.latency;
        self.latest = self.latest.max(Instant::now() + self.random.millis(least..most + 1));
        self.latest
    }

    fn write(&mut self, data: &[u8], written: Stamp) -> usize {
        let size = data.len().min(self.line.room - self.queued);
        let due = self.due();
        let mut bytes = Bytes::copy_from_slice(&data[..size]);
        // Of much, larger pieces: what matters is cut finely all the same, and a run does not take minutes.
        let piece = self.line.piece.max(data.len() / 16);
        while !bytes.is_empty() {
            let most = bytes.len().min(piece) as u64;
            let piece = self.random.within(most.div_ceil(2)..most + 1) as usize;
            self.queue.push_back(Segment { due, bytes: bytes.split_to(piece), written });
        }
        self.queued += size;
        wake(&mut self.reader);
        size
    }

    fn end(&mut self, how: Over) {
        if self.over.is_none() || how == Over::Reset {
            self.over = Some((self.due(), how));
        }
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl End ===

impl End {
    /// The connection is reset: what was written before still arrives.
    pub(crate) fn reset(&mut self) {
        lock(&self.outward).end(Over::Reset);
    }

    pub(crate) fn hooked(mut self, hook: Hook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Tells when this end was dropped.
    pub(crate) fn dropped(&self) -> Arc<Mutex<Option<Stamp>>> {
        Arc::clone(&self.dropped)
    }

    /// Of the write that the last read bytes came with.
    pub(crate) fn written(&self) -> Stamp {
        self.read
    }

    /// Reads what has arrived, waiting for something. 0: the other end closed.
    pub(crate) async fn fill(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx, buffer)).await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        let got = ready!(self.poll_take(cx, usize::MAX))?;
        buffer.extend_from_slice(&got);
        Poll::Ready(Ok(got.len()))
    }

    /// The next piece, at most so many bytes of it; none at the end.
    fn poll_take(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Bytes>> {
        loop {
            let inward = Arc::clone(&self.inward);
            let mut way = lock(&inward);
            let first = way.queue.front().map(|segment| segment.due);
            let Some(due) = first.or_else(|| way.over.map(|(due, _)| due)) else {
                way.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if due > Instant::now() {
                way.reader = Some(cx.waker().clone());
                drop(way);
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                if timer.deadline() != due {
                    timer.as_mut().reset(due);
                }
                ready!(timer.as_mut().poll(cx));
                continue;
            }
            let Some(segment) = way.queue.front_mut() else {
                return Poll::Ready(match way.over {
                    Some((_, Over::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
                    _ => Ok(Bytes::new()),
                });
            };
            let bytes = segment.bytes.split_to(segment.bytes.len().min(most));
            self.read = segment.written;
            if !segment.bytes.has_remaining() {
                way.queue.pop_front();
            }
            way.queued -= bytes.len();
            if way.has_room() {
                wake(&mut way.writer);
            }
            return Poll::Ready(Ok(bytes));
        }
    }
}

impl AsyncRead for End {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let got = ready!(self.poll_take(cx, buf.remaining()))?;
        buf.put_slice(&got);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let outward = Arc::clone(&self.outward);
        let mut way = lock(&outward);
        if way.over.is_some() || way.deaf {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if !way.has_room() {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let stamp = self.clock.stamp();
        if let Some(hook) = &mut self.hook {
            hook(data, stamp);
        }
        Poll::Ready(Ok(way.write(data, stamp)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outward).end(Over::InOrder);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let unread = {
            let mut way = lock(&self.inward);
            way.deaf = true;
            wake(&mut way.writer);
            way.queued > 0
        };
        lock(&self.outward).end(if unread { Over::Reset } else { Over::InOrder });
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        *dropped = Some(self.clock.stamp());
    }
}
