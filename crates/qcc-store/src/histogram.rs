//! Durations by range, so that percentiles of any number of them take a few kilobytes, and hours can be added up. Each
//! doubling is divided into 32 ranges of one width: a percentile is off by at most 1/64 of its value.

/// Ranges of each doubling, and durations below that have a range each.
const STEPS: usize = 32;

/// Doublings above [`STEPS`]: to 2^32 ms, which is 49 days.
const DOUBLINGS: usize = 27;

const RANGES: usize = STEPS * (DOUBLINGS + 1);

/// Bytes of one range that occurred: two for which, four for how often, the least significant first.
const PAIR: usize = 6;

/// How often each range of durations occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Box<[u32]>,
}

// === impl Histogram ===

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; RANGES].into() }
    }

    pub(crate) fn add(&mut self, ms: u64) {
        self.raise(range_of(ms), 1);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// Adds what [`Self::to_bytes`] told. What is no range is left out.
    pub(crate) fn merge_bytes(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(PAIR) {
            if let [low, high, count @ ..] = pair
                && let Ok(count) = count.try_into()
            {
                self.raise(u16::from_le_bytes([*low, *high]).into(), u32::from_le_bytes(count));
            }
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (range, count) in (0_u16..).zip(&self.counts).filter(|(_, count)| **count > 0) {
            bytes.extend(range.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The duration that `percent` of all do not exceed: the middle of its range. 0 when there are none.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (range, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return middle_of(range);
            }
        }
        0
    }

    fn raise(&mut self, range: usize, by: u32) {
        if let Some(count) = self.counts.get_mut(range) {
            *count = count.saturating_add(by);
        }
    }
}

fn range_of(ms: u64) -> usize {
    let Some(doubling) = ms.checked_ilog2().and_then(|bits| bits.checked_sub(STEPS.ilog2())) else {
        return usize::try_from(ms).unwrap_or(0);
    };
    let step = usize::try_from(ms >> doubling).unwrap_or(0);
    (usize::try_from(doubling).unwrap_or(0) * STEPS + step).min(RANGES - 1)
}

fn middle_of(range: usize) -> u64 {
    // The first doubling above `STEPS` has ranges of one millisecond, too.
    let doubling = (range / STEPS).saturating_sub(1);
    let step = (range - doubling * STEPS) as u64;
    (step << doubling) + (1 << doubling >> 1)
}

#[cfg(test)]
mod tests;
