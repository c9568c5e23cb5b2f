//! What one provider announced for one lane, as far as little or nothing remains of it.
//!
//! Both great families of headers describe a bucket that refills steadily and state when it will be *full* again. So
//! the rate at which it refills is known, `(limit - remaining) / reset`, and starts spread at that rate keep it from
//! running dry. Where the limit is not stated, what remains is spread evenly over the time left, which is right for a
//! bucket that is emptied and refilled at once.

use std::time::{Duration, Instant};

use super::{Announced, Bound, Counter, SPREAD_MOST, Unified};
use crate::classify::{THROTTLE_DEFAULT, THROTTLE_LEAST, THROTTLE_MOST};
use crate::later;

/// Little remains when it is at most this part of the limit.
const LOW_PART: u64 = 10;
/// Where no limit is stated: little remains when it is less than so many requests.
const LOW_REQUESTS: u64 = 10;

#[derive(Debug, Clone, Copy)]
struct Tally {
    limit: Option<u64>,
    /// By the provider's word and our own count since. The latter stops at 1: only the provider's own 0 is one.
    remaining: u64,
    until: Instant,
}

impl Tally {
    /// `None` where enough remains, or nothing is counted at all.
    fn new(counter: &Counter, low_without_limit: u64, now: Instant) -> Option<Self> {
        let Counter { limit, remaining, reset } = *counter;
        let low = match limit {
            Some(0) => false,
            Some(limit) => remaining <= limit / LOW_PART,
            None => remaining < low_without_limit,
        };
        low.then(|| Self { limit, remaining, until: later(now, reset.clamp(THROTTLE_LEAST, THROTTLE_MOST)) })
    }

    fn spend(&mut self, cost: u64) {
        if self.remaining > 0 {
            self.remaining = self.remaining.saturating_sub(cost).max(1);
        }
    }

    /// When a start that costs so much may follow one at `last`.
    fn spread(&self, cost: u64, last: Instant) -> Instant {
        let left = self.until.saturating_duration_since(last);
        let per = match self.limit {
            Some(limit) => limit.saturating_sub(self.remaining),
            None => self.remaining.saturating_add(1),
        };
        let seconds = left.as_secs_f64() * cost as f64 / per.max(1) as f64;
        let gap = Duration::try_from_secs_f64(seconds).unwrap_or(SPREAD_MOST);
        later(last, gap.min(SPREAD_MOST).min(left))
    }
}

/// A lane; the default is one of which nothing was announced.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lane {
    requests: Option<Tally>,
    tokens: Option<Tally>,
    input_tokens: Option<Tally>,
    output_tokens: Option<Tally>,
    rejected_until: Option<Instant>,
    last_start: Option<Instant>,
}

impl Lane {
    /// How much longer each count is empty, and the window rejects: requests, tokens, input, output, window. Zero: it is
    /// not.
    pub(super) fn export(&self, now: Instant) -> [Duration; 5] {
        let counts = [self.requests, self.tokens, self.input_tokens, self.output_tokens];
        let [requests, tokens, input, output] =
            counts.map(|tally| tally.filter(|tally| tally.remaining == 0).map(|tally| tally.until));
        [requests, tokens, input, output, self.rejected_until]
            .map(|until| until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now)))
    }

    /// The lane with what was exported `away` ago.
    pub(super) fn restored(left: [Duration; 5], away: Duration, now: Instant) -> Self {
        let [requests, tokens, input_tokens, output_tokens, rejected] = left.map(|left| {
            let left = left.saturating_sub(away).min(THROTTLE_MOST);
            (!left.is_zero()).then(|| later(now, left))
        });
        let empty = |until: Option<Instant>| until.map(|until| Tally { limit: None, remaining: 0, until });
        Self {
            requests: empty(requests),
            tokens: empty(tokens),
            input_tokens: empty(input_tokens),
            output_tokens: empty(output_tokens),
            rejected_until: rejected,
            last_start: None,
        }
    }

    /// The lane after an answer that says this.
    pub(super) fn learn(mut self, said: &Announced, now: Instant) -> Self {
        let pairs = [
            (&mut self.requests, said.requests, LOW_REQUESTS),
            (&mut self.tokens, said.tokens, 1),
            (&mut self.input_tokens, said.input_tokens, 1),
            (&mut self.output_tokens, said.output_tokens, 1),
        ];
        for (known, counter, low) in pairs {
            if let Some(counter) = counter {
                *known = Tally::new(&counter, low, now);
            }
        }
        if let Some(Unified { rejected, overage, reset }) = said.unified {
            let term = reset.unwrap_or(THROTTLE_DEFAULT).clamp(THROTTLE_LEAST, THROTTLE_MOST);
            self.rejected_until = (rejected && !overage).then(|| later(now, term));
        }
        self
    }

    /// Whether there is anything to keep.
    pub(super) fn matters(&self, now: Instant) -> bool {
        self.due(now) > now
    }

    /// When nothing of this matters any more; `now` where that is already so.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.tallies().map(|tally| tally.until).chain(self.rejected_until).fold(now, Instant::max)
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, tokens: u32, now: Instant) {
        self.last_start = self.last_start.max(Some(now));
        if let Some(tally) = &mut self.requests {
            tally.spend(1);
        }
        for tally in [&mut self.tokens, &mut self.input_tokens].into_iter().flatten() {
            tally.spend(u64::from(tokens));
        }
    }

    /// Until when the provider said that nothing remains.
    pub(super) fn empty_until(&self, now: Instant) -> Option<Instant> {
        let empty = self.tallies().filter(|tally| tally.remaining == 0).map(|tally| tally.until);
        empty.chain(self.rejected_until).filter(|&until| until > now).max()
    }

    /// Until when a request of so many tokens must wait, and for what.
    pub(super) fn shut_until(&self, tokens: u32, now: Instant) -> Option<(Instant, Bound)> {
        let empty = self.empty_until(now).map(|until| (until, Bound::Announced));
        let spread = self.spread_until(tokens, now).map(|until| (until, Bound::Spread));
        match (empty, spread) {
            (Some((empty, _)), Some((until, _))) if until > empty => spread,
            (Some(_), _) => empty,
            (None, _) => spread,
        }
    }

    fn spread_until(&self, tokens: u32, now: Instant) -> Option<Instant> {
        let last = self.last_start?;
        let costs = [(&self.requests, 1), (&self.tokens, tokens), (&self.input_tokens, tokens)];
        costs
            .into_iter()
            .filter_map(|(tally, cost)| Some((tally.as_ref()?, u64::from(cost))))
            .filter(|(tally, _)| tally.remaining > 0 && tally.until > now)
            .map(|(tally, cost)| tally.spread(cost, last))
            .filter(|&until| until > now)
            .max()
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        [&self.requests, &self.tokens, &self.input_tokens, &self.output_tokens].into_iter().flatten()
    }
}
