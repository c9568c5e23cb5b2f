//! The retry budget: repeats may be only a share of the traffic, so that an outage does not multiply its own load.
//! A floor per second keeps repeats possible for a client that sends one request a minute.
//!
//! One budget serves the whole gateway. Its memory is ten buckets of one second each.

use std::time::Instant;

/// Seconds that the budget looks back, the running one included.
pub const WINDOW: usize = 10;

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    second: u64,
    requests: u64,
    repeats: u64,
}

/// Counts requests and repeats of the last ten seconds.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    ratio: f64,
    floor: u32,
    epoch: Option<Instant>,
    newest: u64,
    buckets: [Bucket; WINDOW],
}

impl RetryBudget {
    /// `ratio`: repeats per request over the window, negative counts as 0. `floor`: repeats that every second may have
    /// whatever the ratio says. Both 0: no repeats.
    pub fn new(ratio: f64, floor: u32) -> Self {
        Self { ratio: ratio.max(0.0), floor, epoch: None, newest: 0, buckets: [Bucket::default(); WINDOW] }
    }

    /// New limits, as after a reload; what was counted stays.
    pub fn configure(&mut self, ratio: f64, floor: u32) {
        self.ratio = ratio.max(0.0);
        self.floor = floor;
    }

    /// Counts one request (not one attempt).
    pub fn request(&mut self, now: Instant) {
        let bucket = self.bucket(now);
        bucket.requests = bucket.requests.saturating_add(1);
    }

    /// Whether one more repeat fits; if so it is counted.
    pub fn try_repeat(&mut self, now: Instant) -> bool {
        let running = self.bucket(now).repeats;
        let (requests, repeats) = self.sums();
        let fits = running < u64::from(self.floor) || (repeats + 1) as f64 <= self.ratio * requests as f64;
        if fits {
            self.bucket(now).repeats = running.saturating_add(1);
        }
        fits
    }

    /// The bucket of this second. Threads may hand in instants slightly out of order; an older one counts as newest,
    /// so that the window never runs backwards.
    fn bucket(&mut self, now: Instant) -> &mut Bucket {
        let epoch = *self.epoch.get_or_insert(now);
        let second = now.saturating_duration_since(epoch).as_secs();
        self.newest = self.newest.max(second);
        let bucket = &mut self.buckets[(self.newest % WINDOW as u64) as usize];
        if bucket.second != self.newest {
            *bucket = Bucket { second: self.newest, ..Bucket::default() };
        }
        bucket
    }

    fn sums(&self) -> (u64, u64) {
        self.buckets
            .iter()
            .filter(|bucket| bucket.second + (WINDOW as u64) > self.newest)
            .fold((0, 0), |(requests, repeats), bucket| (requests + bucket.requests, repeats + bucket.repeats))
    }
}

#[cfg(test)]
mod tests;
