//! Decides what the headers of an answer say of the limits behind a credential: Anthropic's own families, and
//! `x-ratelimit-*`, which relays that speak this dialect pass on from other vendors.
//!
//! A count without a reset is left out: nothing could be done about it. The priority and fast families are left out too,
//! for at their end requests are served at the ordinary rate.

use std::time::Duration;

use crate::wait::{LONGEST, duration, moment, number, until};

/// One count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// `-limit`, where it is stated.
    pub limit: Option<u64>,
    /// `-remaining`; what lies below zero is zero.
    pub remaining: u64,
    /// `-reset`, from now.
    pub reset: Duration,
}

/// The window of a subscription: `anthropic-ratelimit-unified-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// `-status` is `rejected`.
    pub rejected: bool,
    /// `-overage-status` allows requests beyond the window.
    pub overage: bool,
    /// `-reset`, from now.
    pub reset: Option<Duration>,
}

/// What headers say. `None`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// `*-requests-*`.
    pub requests: Option<Counter>,
    /// `*-tokens-*`.
    pub tokens: Option<Counter>,
    /// `*-input-tokens-*`.
    pub input_tokens: Option<Counter>,
    /// `*-output-tokens-*`.
    pub output_tokens: Option<Counter>,
    /// The subscription's window.
    pub window: Option<Window>,
}

/// Reads them. `header` looks a header up by its lower-case name; `now_unix` is the time since the Unix epoch. What
/// cannot be read is passed over.
pub fn rate_limits<'a>(header: &dyn Fn(&str) -> Option<&'a str>, now_unix: Duration) -> RateLimits {
    let counter = |what: &str| {
        let own = |part: &str| header(&format!("anthropic-ratelimit-{what}-{part}"));
        let others = |part: &str| header(&format!("x-ratelimit-{part}-{what}"));
        let anthropic = own("reset").and_then(moment).map(|at| until(at, now_unix));
        count(&own, anthropic).or_else(|| count(&others, others("reset").and_then(|text| time(text, now_unix))))
    };
    RateLimits {
        requests: counter("requests"),
        tokens: counter("tokens"),
        input_tokens: counter("input-tokens"),
        output_tokens: counter("output-tokens"),
        window: window(header, now_unix),
    }
}

fn count<'a>(part: &dyn Fn(&str) -> Option<&'a str>, reset: Option<Duration>) -> Option<Counter> {
    Some(Counter {
        limit: part("limit").and_then(number).map(whole),
        remaining: whole(part("remaining").and_then(number)?),
        reset: reset?,
    })
}

fn window<'a>(header: &dyn Fn(&str) -> Option<&'a str>, now: Duration) -> Option<Window> {
    let status = header("anthropic-ratelimit-unified-status")?;
    let overage = header("anthropic-ratelimit-unified-overage-status");
    let reset = header("anthropic-ratelimit-unified-reset").and_then(moment);
    Some(Window {
        rejected: status == "rejected",
        overage: overage.is_some_and(|status| status.starts_with("allowed")),
        reset: reset.map(|at| until(at, now)),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates, at zero too")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// A reset as other vendors write it: `1s`, `6m0s`, `20ms`; a plain number is seconds, a large one a point in time.
pub(crate) fn time(text: &str, now: Duration) -> Option<Duration> {
    if let Some(number) = number(text) {
        return Some(if number < EARLIEST { duration(number) } else { until(moment(text)?, now) });
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return spans(text);
    }
    moment(text).map(|at| until(at, now))
}

/// Seconds since the epoch in 2001: no reset is that far away, and no point in time that long ago.
pub(crate) const EARLIEST: f64 = 1e9;

/// Spans one after the other, each a number and a unit.
pub(crate) fn spans(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let digits = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (value, rest) = text.split_at(digits);
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum = sum.saturating_add(duration(number(value)? * seconds)).min(LONGEST);
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    fn read(headers: &[(&'static str, &'static str)]) -> RateLimits {
        rate_limits(&|name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value), NOW)
    }

    #[test]
    fn the_counts_of_anthropic_are_read_with_their_resets() {
        let said = read(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:50Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "8000"),
            ("anthropic-ratelimit-output-tokens-reset", "1790000005"),
        ]);
        let requests = Counter { limit: Some(50), remaining: 0, reset: Duration::from_secs(30) };
        assert_eq!(said.requests, Some(requests));
        let output = Counter { limit: None, remaining: 8000, reset: Duration::from_secs(5) };
        assert_eq!(said.output_tokens, Some(output));
        assert_eq!((said.tokens, said.window), (None, None));
    }

    #[test]
    fn the_counts_of_other_vendors_have_resets_as_spans() {
        let reset = |text| {
            let said = read(&[("x-ratelimit-remaining-tokens", "7"), ("x-ratelimit-reset-tokens", text)]);
            said.tokens.map(|tokens| tokens.reset.as_millis())
        };
        assert_eq!(reset("6m0s"), Some(360_000));
        assert_eq!(reset("20ms"), Some(20));
        assert_eq!(reset("1h0m1.5s"), Some(3_601_500));
        assert_eq!(reset("12"), Some(12_000));
        assert_eq!(reset("1790000007"), Some(7_000));
        for odd in ["", "soon", "5x", "ms", "s5", "1s5"] {
            assert_eq!(reset(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_count_without_a_reset_or_a_number_is_left_out() {
        let said = read(&[
            ("anthropic-ratelimit-requests-remaining", "3"),
            ("anthropic-ratelimit-tokens-remaining", "many"),
            ("anthropic-ratelimit-tokens-reset", "1790000005"),
        ]);
        assert_eq!(said, RateLimits::default());
    }

    #[test]
    fn the_window_of_a_subscription_is_rejected_or_served_beyond() {
        let window = |headers: &[(&'static str, &'static str)]| read(headers).window.expect("a status is there");
        let rejected = window(&[
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1790003600"),
        ]);
        assert_eq!(rejected, Window { rejected: true, overage: false, reset: Some(Duration::from_secs(3600)) });
        let beyond = window(&[
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-overage-status", "allowed_warning"),
        ]);
        assert!(beyond.overage);
        assert!(!window(&[("anthropic-ratelimit-unified-status", "allowed_warning")]).rejected);
    }

    #[test]
    fn absurd_values_are_bounded() {
        let said = read(&[
            ("x-ratelimit-limit-requests", "-5"),
            ("x-ratelimit-remaining-requests", "1e300"),
            ("x-ratelimit-reset-requests", "99999999d99999999d"),
        ]);
        let requests = Counter { limit: Some(0), remaining: u64::MAX, reset: LONGEST };
        assert_eq!(said.requests, Some(requests));
    }
}
