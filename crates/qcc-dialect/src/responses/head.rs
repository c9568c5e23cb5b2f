//! Decides where a request goes on a provider of this dialect: the rules for `base_url` are those of chat completions
//! (`openai::head`). The base holds its version, only a bare host gets `/v1`, and a pasted whole address is not doubled.

/// The URL of answers under a provider's `base_url`.
#[must_use]
pub fn responses_url(base: &str) -> String {
    under(base, "/responses")
}

/// The URL of token counts.
#[must_use]
pub fn input_tokens_url(base: &str) -> String {
    under(base, "/responses/input_tokens")
}

/// The URL of the list of models.
#[must_use]
pub fn models_url(base: &str) -> String {
    under(base, "/models")
}

/// A query of the base (some clouds want a version there) stays at the end.
fn under(base: &str, path: &str) -> String {
    let (base, query) = match base.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (base, None),
    };
    let mut base = base.trim_end_matches('/');
    for end in ["/input_tokens", "/responses"] {
        base = base.strip_suffix(end).unwrap_or(base).trim_end_matches('/');
    }
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let version = if after_scheme.contains('/') { "" } else { "/v1" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{base}{version}{path}{query}")
}
