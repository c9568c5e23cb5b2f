//! How long a committed stream may be silent: `idle` between bytes, `stall` between events that mean something. One timer
//! for both, looked at only while nothing arrives: noting an arrival costs a clock reading and nothing else.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use qcc_config::Timeouts;
use qcc_policy::Phase;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the transport's end is waited for after the terminal event. The client has everything by then.
const LINGER: Duration = Duration::from_secs(2);

/// Further away than any stream lives, for limits that are switched off.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3600);

pub(crate) struct Clock {
    idle: Option<Duration>,
    stall: Option<Duration>,
    last_byte: Instant,
    last_event: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        let now = Instant::now();
        Self { idle: timeouts.idle, stall: timeouts.stall, last_byte: now, last_event: now, timer: None }
    }

    /// Bytes came; `semantic` when they mean something.
    pub(crate) fn moved(&mut self, semantic: bool) {
        self.last_byte = Instant::now();
        if semantic {
            self.last_event = self.last_byte;
        }
    }

    /// The terminal event came.
    pub(crate) fn linger(&mut self) {
        (self.idle, self.stall) = (Some(LINGER), None);
        self.last_byte = Instant::now();
        self.timer = None;
    }

    /// Ready with what was waited for too long.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        loop {
            let (at, phase) = self.due();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            ready!(timer.as_mut().poll(cx));
            if at <= Instant::now() {
                return Poll::Ready(phase);
            }
            timer.as_mut().reset(at);
        }
    }

    fn due(&self) -> (Instant, Phase) {
        let idle = self.last_byte + self.idle.unwrap_or(NEVER);
        let stall = self.last_event + self.stall.unwrap_or(NEVER);
        if stall < idle { (stall, Phase::Stall) } else { (idle, Phase::Idle) }
    }
}
