//! Decides how long a provider asks to be left alone, from its headers or, for a spent quota, its text.
//!
//! The explicit wish wins over what can be derived: `retry-after-ms`, then `retry-after`, then the resets of
//! those limits that are used up (the latest of them, for all must have room again). Values are returned as
//! said, a past one as zero; bounding them is the caller's.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use crate::limits::{EARLIEST, spans, time};

/// Limits of the `anthropic-ratelimit-`, `-priority-` and `-fast-` families; each has `-remaining` and `-reset`.
const LIMITS: [&str; 8] = [
    "anthropic-ratelimit-requests",
    "anthropic-ratelimit-tokens",
    "anthropic-ratelimit-input-tokens",
    "anthropic-ratelimit-output-tokens",
    "anthropic-priority-input-tokens",
    "anthropic-priority-output-tokens",
    "anthropic-fast-input-tokens",
    "anthropic-fast-output-tokens",
];

/// Longest wait that is told, so that adding it to a clock cannot overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The wait that response headers ask for.
///
/// `header` looks a header up by its lower-case name; `now_unix` is the time since the Unix epoch. A value that
/// cannot be read is passed over. The answer lies between zero and a year: bound it further before use.
pub fn retry_after<'a>(header: &dyn Fn(&str) -> Option<&'a str>, now_unix: Duration) -> Option<Duration> {
    let milliseconds = header("retry-after-ms").and_then(number).map(|ms| duration(ms / 1000.0));
    let explicit = || {
        let value = header("retry-after")?;
        let date = || Some(until(http_date(value)?, now_unix));
        number(value).map(duration).or_else(date).or_else(|| time(value.trim(), now_unix))
    };
    milliseconds.or_else(explicit).or_else(|| exhausted(header, now_unix))
}

/// The latest reset of the limits that are used up.
fn exhausted<'a>(header: &dyn Fn(&str) -> Option<&'a str>, now: Duration) -> Option<Duration> {
    let used_up = LIMITS
        .iter()
        .filter(|limit| header(&format!("{limit}-remaining")).and_then(number).is_some_and(|left| left <= 0.0));
    let limits = used_up.filter_map(|limit| moment(header(&format!("{limit}-reset"))?));
    // The subscription's window counts unless the provider says that it still allows.
    let allows = header("anthropic-ratelimit-unified-status").is_some_and(|status| status != "rejected");
    let window = header("anthropic-ratelimit-unified-reset").filter(|_| !allows).and_then(moment);
    let own = limits.chain(window).max().map(|at| until(at, now));
    let others = ["requests", "tokens"].into_iter().filter_map(|what| {
        header(&format!("x-ratelimit-remaining-{what}")).and_then(number).filter(|left| *left <= 0.0)?;
        time(header(&format!("x-ratelimit-reset-{what}"))?, now)
    });
    let plain = plain_reset(header).map(|at| until(at, now));
    own.into_iter().chain(others).chain(plain).max()
}

/// When the one limit is lifted that OpenRouter tells of, since the Unix epoch, if it is reached. It counts milliseconds.
pub(crate) fn plain_reset<'a>(header: &dyn Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    header("x-ratelimit-remaining").and_then(number).filter(|left| *left <= 0.0)?;
    let at = header("x-ratelimit-reset").and_then(number).filter(|at| *at >= EARLIEST)?;
    Some(duration_of_epoch(if at >= EARLIEST * 1000.0 { at / 1000.0 } else { at }))
}

/// What a text that throttles is followed by: a span such as `7m12s`, `1.5s`, `20ms` or `26 seconds`.
const IN_WORDS: [&str; 3] = ["try again in ", "retry after ", "retry in "];

/// How long a text asks to be left alone. The first span in it counts.
pub(crate) fn in_words(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let told = IN_WORDS.iter().filter_map(|words| Some(message.split_once(words)?.1));
    told.filter_map(span).next()
}

fn span(text: &str) -> Option<Duration> {
    let mut words = text.split_whitespace();
    let first = words.next()?.trim_end_matches(['.', ',', ';', ')']);
    let Some(number) = number(first) else { return spans(first) };
    let unit = words.next()?.trim_end_matches(['.', ',', ';', ')']);
    let seconds = match unit {
        "second" | "seconds" | "s" => 1.0,
        "minute" | "minutes" | "min" => 60.0,
        "hour" | "hours" => 3600.0,
        "millisecond" | "milliseconds" | "ms" => 0.001,
        _ => return None,
    };
    Some(duration(number * seconds))
}

/// When a spent quota returns, since the Unix epoch: "You will regain access on 2026-12-01 at 00:00 UTC."
#[must_use]
pub fn regain_at(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("regain access on ")?;
    let date = rest.get(..10)?;
    let time = rest.get(10..).and_then(|rest| rest.strip_prefix(" at ")?.get(..5)).unwrap_or("00:00");
    moment(&format!("{date}T{time}:00Z"))
}

/// A plain number; not what Rust would also read ("inf", "nan").
pub(crate) fn number(value: &str) -> Option<f64> {
    value.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds as a wait: none for negative ones, the longest for absurd ones.
pub(crate) fn duration(seconds: f64) -> Duration {
    if seconds <= 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
}

/// A point in time since the Unix epoch, from epoch seconds or RFC 3339.
pub(crate) fn moment(value: &str) -> Option<Duration> {
    number(value).map(duration_of_epoch).or_else(|| since_epoch(value.trim().parse().ok()?))
}

/// Epoch seconds are far above [`LONGEST`], so they have their own reading.
fn duration_of_epoch(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// A point in time as HTTP writes it.
fn http_date(value: &str) -> Option<Duration> {
    since_epoch(rfc2822::parse(value.trim()).ok()?.timestamp())
}

fn since_epoch(moment: Timestamp) -> Option<Duration> {
    Duration::try_from(moment.as_duration()).ok()
}

pub(crate) fn until(moment: Duration, now: Duration) -> Duration {
    moment.saturating_sub(now).min(LONGEST)
}
