//! What a request asks for: the dialect's fields that decide its way, read without touching the body.

use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use qcc_dialect::scan::{Envelope, scan};
use qcc_policy::Phase;

use crate::rescue::Refused;

/// Which answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request for a model with `"stream": true`.
    Stream,
    /// One without.
    Message,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
}

/// A client waits this long before it gives up, so an answer must be there a little earlier.
const BEFORE_CLIENT: Duration = Duration::from_secs(10);

/// Claude Code drops a silent request at about 300 s whatever it announces (CLIENTS.md 4).
const PATIENCE: Duration = Duration::from_secs(290);

/// Refuses what is declared to be something else than plain JSON. Nothing declared is fine.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    if let Some(value) = headers.get(CONTENT_TYPE) {
        let text = value.to_str().unwrap_or("\u{fffd}");
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !essence.ends_with("+json") {
            return Err(Refused::ContentType(text.chars().take(100).collect()));
        }
    }
    match headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("\u{fffd}")) {
        None | Some("" | "identity") => Ok(()),
        Some(other) => Err(Refused::ContentEncoding(other.chars().take(40).collect())),
    }
}

/// Reads the fields that decide a request's way.
pub(crate) fn recognise(body: &[u8], counting: bool) -> Result<(Envelope, Kind), Refused> {
    let envelope = scan(body)?;
    let kind = match (counting, envelope.stream) {
        (true, _) => Kind::CountTokens,
        (false, true) => Kind::Stream,
        (false, false) => Kind::Message,
    };
    Ok((envelope, kind))
}

/// How long everything before commit may take, and what it means when that is over: the client's patience, its own word,
/// and ours, whichever is least.
pub(crate) fn time_allowed(headers: &HeaderMap, total: Option<Duration>) -> (Duration, Phase) {
    let ours = total.map_or(PATIENCE, |total| total.min(PATIENCE));
    let announced =
        headers.get("x-stainless-timeout").and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let client = announced.filter(|seconds| seconds.is_finite() && *seconds > 0.0 && *seconds < 1e6).map(|seconds| {
        let told = Duration::from_secs_f64(seconds);
        // A client with less patience than the margin still gets an attempt: half of what it has.
        told.checked_sub(BEFORE_CLIENT).filter(|left| *left >= BEFORE_CLIENT / 2).unwrap_or(told / 2)
    });
    match client {
        Some(client) if client < ours => (client, Phase::Patience),
        _ => (ours, Phase::Total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_allowed_is_the_least_of_patience_announcement_and_setting() {
        let announced = |seconds: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-stainless-timeout", seconds.parse().unwrap());
            headers
        };
        let minutes = Some(Duration::from_secs(900));
        assert_eq!(time_allowed(&HeaderMap::new(), minutes), (Duration::from_secs(290), Phase::Total));
        assert_eq!(time_allowed(&announced("600"), minutes), (Duration::from_secs(290), Phase::Total));
        assert_eq!(time_allowed(&announced("60"), minutes), (Duration::from_secs(50), Phase::Patience));
        assert_eq!(
            time_allowed(&announced("60"), Some(Duration::from_secs(20))),
            (Duration::from_secs(20), Phase::Total)
        );
        assert_eq!(time_allowed(&announced("4"), None), (Duration::from_secs(2), Phase::Patience));
        for nonsense in ["-1", "0", "NaN", "inf", "1e99", "soon"] {
            assert_eq!(time_allowed(&announced(nonsense), minutes).0, Duration::from_secs(290), "{nonsense}");
        }
    }
}
