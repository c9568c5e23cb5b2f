//! A mean of recent values: old ones fade, and no more than so many count.

use std::time::Duration;

use super::{HALF_LIFE, MOST_EVIDENCE};

/// What is left of something after a time: half of it after [`HALF_LIFE`].
pub(super) fn faded(amount: f64, after: Duration) -> f64 {
    if after.is_zero() {
        return amount;
    }
    amount * (-after.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    pub(super) value: f64,
    pub(super) weight: f64,
}

impl Mean {
    /// From numbers that may have come from anywhere.
    pub(super) fn bounded(value: f64, weight: f64, most: f64) -> Self {
        if value.is_finite() && weight.is_finite() {
            Self { value: value.clamp(0.0, most), weight: weight.clamp(0.0, MOST_EVIDENCE) }
        } else {
            Self::default()
        }
    }

    pub(super) fn fade(&mut self, after: Duration) {
        self.weight = faded(self.weight, after);
    }

    pub(super) fn add(&mut self, value: f64, weight: f64) {
        let total = self.weight.min(MOST_EVIDENCE - weight) + weight;
        if total > 0.0 {
            self.value += (value - self.value) * weight / total;
            self.weight = total;
        }
    }
}
