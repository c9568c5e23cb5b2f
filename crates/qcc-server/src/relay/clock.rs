//! How long a committed stream may be silent: `idle` between bytes, `stall` between events that mean something. One timer
//! for both, looked at only while nothing arrives: noting an arrival costs a clock reading and nothing else. As long as the
//! client takes nothing, nothing is read either, and that time is no silence of the provider's.

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
    /// The client has something to take.
    handed: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        let now = Instant::now();
        Self { idle: timeouts.idle, stall: timeouts.stall, last_byte: now, last_event: now, handed: false, timer: None }
    }

    /// Bytes came; `semantic` when they mean something.
    pub(crate) fn moved(&mut self, semantic: bool) {
        self.last_byte = Instant::now();
        if semantic {
            self.last_event = self.last_byte;
        }
    }

    /// Something goes down.
    pub(crate) fn handed(&mut self) {
        self.handed = true;
    }

    /// More is asked for: all that went down was taken.
    pub(crate) fn resume(&mut self) {
        if std::mem::take(&mut self.handed) {
            let now = Instant::now();
            // It was handed over when the last bytes came, or when more was asked for before.
            self.last_event += now - self.last_byte;
            self.last_byte = now;
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    fn clock() -> Clock {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let (idle, stall) = (seconds(10), seconds(25));
        Clock::new(&Timeouts { connect: None, first_byte: None, response: None, idle, stall, total: None })
    }

    async fn expires(clock: &mut Clock) -> (Phase, u64) {
        let since = Instant::now();
        let phase = poll_fn(|cx| clock.poll_expired(cx)).await;
        (phase, since.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_no_silence_of_the_provider() {
        let mut clock = clock();
        advance(Duration::from_secs(5)).await;
        clock.moved(true);
        clock.handed();
        advance(Duration::from_secs(300)).await;
        clock.resume();
        assert_eq!(expires(&mut clock).await, (Phase::Idle, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_provider_was_silent_before_counts_on() {
        let mut clock = clock();
        for _ in 0..4 {
            advance(Duration::from_secs(5)).await;
            clock.moved(false);
        }
        clock.handed();
        advance(Duration::from_secs(300)).await;
        clock.resume();
        assert_eq!(expires(&mut clock).await, (Phase::Stall, 5));
    }
}
