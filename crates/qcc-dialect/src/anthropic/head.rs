//! Decides where a request goes on a provider and which headers are credentials or rate limits.

/// The header of an API key (`auth_type: api_key`).
pub const API_KEY: &str = "x-api-key";

/// The header of a bearer token (`auth_type: auth_token`), as `Bearer TOKEN`.
pub const AUTHORIZATION: &str = "authorization";

/// Inbound headers that are credentials, of any dialect: none of them goes up as it came.
pub const CREDENTIALS: [&str; 5] = [API_KEY, AUTHORIZATION, "x-goog-api-key", "cookie", "proxy-authorization"];

/// Beginnings of response headers that tell how much of a limit is left.
const RATE_LIMITS: [&str; 5] =
    ["anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-", "x-ratelimit-", "retry-after"];

/// Whether an inbound header is a credential. Case does not matter.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|credential| name.eq_ignore_ascii_case(credential))
}

/// Whether a response header speaks of rate limits, so that it concerns only the owner of the key used.
/// Case does not matter.
#[must_use]
pub fn is_rate_limit(name: &str) -> bool {
    RATE_LIMITS.iter().any(|prefix| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
}

/// Whether a response header counts a limit, by its lower-case name.
#[must_use]
pub fn is_limit(name: &str) -> bool {
    name.starts_with("anthropic-ratelimit-") || name.starts_with("x-ratelimit-")
}

/// The URL of a path under a provider's `base_url`.
///
/// `path_and_query` is the client's own (`/v1/messages?beta=true`, `/v1/messages/count_tokens`,
/// `/v1/models`), kept as it is. A `/v1` at the end of the base is not doubled, for users copy base URLs
/// with and without it; other path prefixes (`/anthropic`, `/api`) stay.
#[must_use]
pub fn messages_url(base: &str, path_and_query: &str) -> String {
    let base = base.trim_end_matches('/');
    let path = path_and_query.trim_start_matches('/');
    let versioned = path.strip_prefix("v1").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let base = match base.strip_suffix("/v1") {
        Some(shorter) if versioned => shorter.trim_end_matches('/'),
        _ => base,
    };
    format!("{base}/{path}")
}
