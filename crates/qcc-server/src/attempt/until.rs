//! Until when something is waited for, and what it means when that is over.

use std::time::Duration;

use qcc_config::Timeouts;
use qcc_policy::Phase;
use tokio::time::{Instant, timeout_at};

use super::Fault;
use crate::observe;

/// A moment that a wait may not outlast, and what it means when it does.
#[derive(Clone, Copy)]
pub(crate) struct Until {
    pub(crate) at: Instant,
    pub(crate) phase: Phase,
}

impl Until {
    pub(super) fn new(from: Instant, limit: Option<Duration>, phase: Phase, deadline: Self) -> Self {
        match limit.map(|limit| from + limit) {
            Some(at) if at < deadline.at => Self { at, phase },
            _ => deadline,
        }
    }

    fn earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    pub(super) async fn wait<F: Future>(self, future: F) -> Result<F::Output, Fault> {
        timeout_at(self.at, future).await.map_err(|_| Fault::timeout(self.phase, observe::timed_out(self.phase)))
    }
}

/// The limits on the way to the first semantic event.
pub(super) struct Clocks {
    /// The first byte.
    pub(super) until: Until,
    started: Instant,
    idle: Option<Duration>,
    stall: Option<Duration>,
    deadline: Until,
}

impl Clocks {
    pub(super) fn new(until: Until, started: Instant, timeouts: &Timeouts, deadline: Until) -> Self {
        Self { until, started, idle: timeouts.idle, stall: timeouts.stall, deadline }
    }

    /// Until when the next chunk must come. `since` is when the last one came.
    pub(super) fn next(&self, since: Option<Instant>) -> Until {
        let bytes = since.map_or(self.until, |last| Until::new(last, self.idle, Phase::Idle, self.deadline));
        bytes.earlier(Until::new(self.started, self.stall, Phase::Stall, self.deadline))
    }
}
