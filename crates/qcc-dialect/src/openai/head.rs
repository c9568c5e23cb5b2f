//! Decides where a request goes on a provider of this dialect.
//!
//! Vendors have their version in different places (`/v1`, `/api/paas/v4`, `/compatible-mode/v1`, `/openai/v1`), so the
//! base holds it; only a bare host gets `/v1`. People paste the whole address too: its end is not doubled.

/// The URL of chat completions under a provider's `base_url`.
#[must_use]
pub fn chat_url(base: &str) -> String {
    under(base, "/chat/completions")
}

/// The URL of the list of models.
#[must_use]
pub fn models_url(base: &str) -> String {
    under(base, "/models")
}

/// An address with one more query, which begins with `?` or is empty.
#[must_use]
pub fn with_query(url: String, query: &str) -> String {
    match query.strip_prefix('?').filter(|query| !query.is_empty()) {
        None => url,
        Some(query) if url.contains('?') => format!("{url}&{query}"),
        Some(query) => format!("{url}?{query}"),
    }
}

/// A query of the base (some clouds want a version there) stays at the end.
fn under(base: &str, path: &str) -> String {
    let (base, query) = match base.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (base, None),
    };
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/chat/completions").unwrap_or(base).trim_end_matches('/');
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let version = if after_scheme.contains('/') { "" } else { "/v1" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{base}{version}{path}{query}")
}
