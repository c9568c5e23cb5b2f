//! Who may ask. A web page must not spend the user's money, neither by a blind POST (its `Origin` gives it away) nor by
//! rebinding its own name to the loopback address (its `Host` does), so both are checked on every route. Keys are
//! compared in constant time.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use qcc_config::{ProxySettings, Secret, is_loopback};

use crate::rescue::Refused;
use crate::upstream::credential::Consumed;

/// Largest head of a request that is accepted, bytes. Claude Code sends under 3 kB.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// Most header lines that are accepted.
pub(crate) const MAX_HEADERS: usize = 200;

/// Checks head size, `Host` and `Origin`.
pub(crate) fn check(headers: &HeaderMap, uri_host: Option<&str>, settings: &ProxySettings) -> Result<(), Refused> {
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > MAX_HEAD || headers.len() > MAX_HEADERS {
        return Err(Refused::Headers { size, lines: headers.len() });
    }
    let named = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or("\u{fffd}"));
    // Only HTTP/1.0 may leave the host out, and no web page can do that.
    for host in named.chain(uri_host) {
        if !is_served(host, settings) {
            return Err(Refused::Host { host: shorten(host), served: settings.host.clone() });
        }
    }
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin.to_str().unwrap_or("\u{fffd}");
        if !origin_is_ours(origin, settings) {
            return Err(Refused::Origin { origin: shorten(origin) });
        }
    }
    Ok(())
}

/// Checks the client's key, where keys are asked for. Says which headers were it.
pub(crate) fn authenticate(headers: &HeaderMap, keys: &[Secret]) -> Result<Consumed, Refused> {
    if keys.is_empty() {
        return Ok(Consumed::default());
    }
    let is_key = |given: &[u8]| keys.iter().fold(false, |found, key| found | same(given, key.expose().as_bytes()));
    let api_key = headers.get("x-api-key").is_some_and(|value| is_key(value.as_bytes()));
    let bearer = bearer_token(headers).is_some_and(is_key);
    if api_key || bearer { Ok(Consumed { api_key, bearer }) } else { Err(Refused::ClientKey) }
}

/// Names the client's key without giving it away: the fingerprint of the header that was it.
pub(crate) fn client_key(headers: &HeaderMap, consumed: Consumed) -> Option<u64> {
    let given = match consumed {
        Consumed { api_key: true, .. } => headers.get("x-api-key")?.as_bytes(),
        Consumed { bearer: true, .. } => bearer_token(headers)?,
        Consumed { .. } => return None,
    };
    std::str::from_utf8(given).ok().map(|key| Secret::new(key).fingerprint())
}

/// The token of `Authorization: Bearer`.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Compares without telling by the time it takes where the difference lies.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn is_served(host: &str, settings: &ProxySettings) -> bool {
    let name = host_name(host);
    is_loopback(name)
        || name.eq_ignore_ascii_case(host_name(&settings.host))
        || settings
            .allowed_hosts
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
}

fn origin_is_ours(origin: &str, settings: &ProxySettings) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| {
        is_loopback(host_name(host)) || host_name(host).eq_ignore_ascii_case(host_name(&settings.host))
    }) || settings.allowed_origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// `host:port`, `[v6]:port` or `host` without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && !name.ends_with(':')
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// As much of a client's text as an error repeats.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_without_its_port() {
        for (host, name) in [("a:1", "a"), ("a", "a"), ("[::1]:7860", "[::1]"), ("[::1]", "[::1]"), ("::1", "::1")] {
            assert_eq!(host_name(host), name);
        }
    }

    #[test]
    fn only_loopback_addresses_are_loopback() {
        for (name, expected) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
        ] {
            assert_eq!(is_loopback(name), expected, "{name}");
        }
    }

    #[test]
    fn keys_of_other_length_or_content_are_not_the_same() {
        assert!(same(b"key", b"key"));
        assert!(!same(b"key", b"kez"));
        assert!(!same(b"key", b"keys"));
        assert!(!same(b"", b"key"));
    }
}
