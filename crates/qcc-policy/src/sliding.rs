//! How much was spent in a sliding span of time, so exactly that the span never holds more than its limit. A bucket is
//! counted until the span has passed since its *end*: what is counted is never forgotten early, and at most one bucket's
//! width too late. A token bucket would be smaller, but lets through twice its limit in the worst span.
//!
//! Threads may hand in instants slightly out of order; an older one counts as newest, so nothing runs backwards.

use std::time::{Duration, Instant};

/// The bucket in which an amount was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

/// Amounts of the last `span`. Amounts are `u32`, so that no sum of them can overflow.
#[derive(Debug, Clone)]
pub(crate) struct Sliding {
    width_secs: u64,
    epoch: Option<Instant>,
    /// The running bucket, counted from the epoch.
    newest: u64,
    sum: u64,
    /// One more than fit into the span, see above.
    buckets: Box<[u64]>,
}

impl Sliding {
    /// `span` buckets of `width_secs` seconds each, both at least 1.
    pub(crate) fn new(width_secs: u64, span: usize) -> Self {
        let buckets = vec![0; span.max(1) + 1].into_boxed_slice();
        Self { width_secs: width_secs.max(1), epoch: None, newest: 0, sum: 0, buckets }
    }

    /// Books an amount now.
    pub(crate) fn add(&mut self, amount: u32, now: Instant) -> Stamp {
        self.advance(now);
        let place = self.place(self.newest);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += u64::from(amount);
            self.sum += u64::from(amount);
        }
        Stamp(self.newest)
    }

    /// Takes back a part of what was booked under this stamp, if that still counts.
    pub(crate) fn take_back(&mut self, stamp: Stamp, amount: u32, now: Instant) {
        self.advance(now);
        if stamp.0 > self.newest || stamp.0 + self.len() <= self.newest {
            return;
        }
        let place = self.place(stamp.0);
        if let Some(bucket) = self.buckets.get_mut(place) {
            let back = u64::from(amount).min(*bucket);
            *bucket -= back;
            self.sum -= back;
        }
    }

    /// What counts now.
    pub(crate) fn sum(&mut self, now: Instant) -> u64 {
        self.advance(now);
        self.sum
    }

    /// `None`: `amount` more fits under `limit`. Else when it will, if nothing else is booked. An amount over the limit
    /// fits once nothing counts: refused for ever would be worse than one span over its limit.
    pub(crate) fn full_until(&mut self, amount: u64, limit: u64, now: Instant) -> Option<Instant> {
        let sum = self.sum(now);
        let allowed = limit.saturating_sub(amount.min(limit));
        let mut surplus = sum.saturating_sub(allowed);
        if surplus == 0 {
            return None;
        }
        let oldest = (self.newest + 1).saturating_sub(self.len());
        let last = (oldest..self.newest).find(|&bucket| {
            surplus = surplus.saturating_sub(self.buckets.get(self.place(bucket)).copied().unwrap_or_default());
            surplus == 0
        });
        let term = (last.unwrap_or(self.newest) + self.len()).saturating_mul(self.width_secs);
        // Not `later`, whose longest term a process may outlive.
        self.epoch.and_then(|epoch| epoch.checked_add(Duration::from_secs(term)))
    }

    fn advance(&mut self, now: Instant) {
        let epoch = *self.epoch.get_or_insert(now);
        let running = now.saturating_duration_since(epoch).as_secs() / self.width_secs;
        if running <= self.newest {
            return;
        }
        if self.sum > 0 {
            for bucket in self.newest + 1..=running.min(self.newest + self.len()) {
                let place = self.place(bucket);
                if let Some(bucket) = self.buckets.get_mut(place) {
                    self.sum -= std::mem::take(bucket);
                }
            }
        }
        self.newest = running;
    }

    fn len(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn place(&self, bucket: u64) -> usize {
        (bucket % self.len()) as usize
    }
}

#[cfg(test)]
mod tests;
