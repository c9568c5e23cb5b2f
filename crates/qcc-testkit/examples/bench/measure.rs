//! What is measured, in which unit it is shown, and the small statistics: percentiles within a run, medians over runs.

use std::time::Duration;

/// One column of knowledge about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Answers per second.
    Rate,
    /// Half of the requests took at most this, in microseconds.
    P50,
    /// 99 of 100 requests took at most this, in microseconds.
    P99,
    /// Half of the events took at most this from the provider's write to the client's read, in microseconds.
    DelayP50,
    /// 99 of 100 events took at most this, in microseconds.
    DelayP99,
    /// CPU milliseconds of the proxy, user and system, per 1,000 requests.
    CpuPerThousand,
    /// CPU microseconds of the proxy per relayed event.
    CpuPerEvent,
    /// Memory of the idle proxy, in MB.
    IdleMemory,
    /// Memory of the proxy with all streams open, in MB.
    OpenMemory,
    /// Memory that a stream adds, in kB.
    PerStream,
    /// Milliseconds from the start of the process to the first good answer.
    Ready,
    /// Requests or streams that did not end as they should.
    Errors,
}

impl Measure {
    /// The name of its row.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Rate => "requests/s",
            Self::P50 => "latency p50, us",
            Self::P99 => "latency p99, us",
            Self::DelayP50 => "event delay p50, us",
            Self::DelayP99 => "event delay p99, us",
            Self::CpuPerThousand => "CPU per 1,000 requests, ms",
            Self::CpuPerEvent => "CPU per event, us",
            Self::IdleMemory => "idle memory, MB",
            Self::OpenMemory => "memory with all open, MB",
            Self::PerStream => "memory per stream, kB",
            Self::Ready => "start to ready, ms",
            Self::Errors => "errors",
        }
    }

    /// The name of the row that shows how much more it is than without a proxy.
    pub(crate) fn added(self) -> Option<&'static str> {
        match self {
            Self::P50 => Some("added p50, us"),
            Self::P99 => Some("added p99, us"),
            Self::DelayP50 => Some("added delay p50, us"),
            Self::DelayP99 => Some("added delay p99, us"),
            _ => None,
        }
    }

    /// A value as it is printed.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::IdleMemory | Self::OpenMemory | Self::PerStream | Self::Ready | Self::CpuPerEvent => {
                format!("{value:.1}")
            }
            _ => format!("{value:.0}"),
        }
    }
}

/// What one run through one target gave.
pub(crate) type Sample = Vec<(Measure, f64)>;

/// A duration in microseconds, as a number to calculate with.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The smallest value that `share` of all values do not exceed; 0 without values.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into a list in memory")]
    #[expect(clippy::cast_precision_loss, reason = "lists are far shorter than 2^52")]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle value, or the mean of the two middle ones; `None` without values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{median, percentile};

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&sorted, 0.5), Duration::from_micros(100));
        assert_eq!(percentile(&sorted, 0.99), Duration::from_micros(198));
        assert_eq!(percentile(&sorted[..1], 0.99), Duration::from_micros(1));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_median_of_an_even_number_lies_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
