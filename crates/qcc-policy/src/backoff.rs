//! How long to wait before asking the same provider again. Growing, so that a struggling provider gets room; jittered,
//! so that many waiting requests do not come back in one wave.

use std::time::Duration;

/// The shape of the wait. Values out of range are taken as the nearest sensible ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first wait; zero means no wait at all.
    pub initial: Duration,
    /// Growth per repeat, at least 1.
    pub multiplier: f64,
    /// No wait is longer, jitter included; zero means no wait at all.
    pub max: Duration,
    /// Share of the wait by which it may be shorter or longer, 0 to 1.
    pub jitter: f64,
}

impl Backoff {
    /// The wait before the `nth` repeat, counted from 0. `draw` is uniform over all of `u64`.
    ///
    /// Near `max` the whole jittered range moves down instead of being cut off: a cut would send half of all waiters
    /// back at the same moment.
    pub fn delay(&self, nth: u32, draw: u64) -> Duration {
        // Checked here, since zero times an overflown growth would not be a number.
        if self.initial.is_zero() {
            return Duration::ZERO;
        }
        let jitter = finite_or(self.jitter, 0.0).clamp(0.0, 1.0);
        let multiplier = finite_or(self.multiplier, 1.0).max(1.0);
        let exponent = i32::try_from(nth).unwrap_or(i32::MAX);
        let most = self.max.as_secs_f64() / (1.0 + jitter);
        let middle = (self.initial.as_secs_f64() * multiplier.powi(exponent)).min(most);
        let position = draw as f64 / u64::MAX as f64;
        let seconds = middle * (1.0 + jitter * (2.0 * position - 1.0));
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max).min(self.max)
    }
}

fn finite_or(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

#[cfg(test)]
mod tests;
