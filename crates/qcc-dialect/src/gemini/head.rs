//! Decides where a request goes on a provider of this dialect.
//!
//! The version belongs to the path here: `/v1beta`, which has all that is used, unless the base ends in a version. The model
//! stands in the path too. People paste whole addresses: what follows the version is cut off again. A query of the base
//! stays, at the end.

use std::fmt::Write as _;

/// What a base without a version gets.
const VERSION: &str = "/v1beta";

/// The URL for an answer of a model, which may be named with or without `models/`. A stream comes as events only if the
/// address asks for them.
#[must_use]
pub fn generate_url(base: &str, model: &str, stream: bool) -> String {
    let (method, query) = if stream { ("streamGenerateContent", Some("alt=sse")) } else { ("generateContent", None) };
    under(base, &format!("/{}:{method}", resource(model)), query)
}

/// The URL that counts tokens.
#[must_use]
pub fn count_url(base: &str, model: &str) -> String {
    under(base, &format!("/{}:countTokens", resource(model)), None)
}

/// The URL of the list of models, as long as the provider gives it in one piece.
#[must_use]
pub fn models_url(base: &str) -> String {
    under(base, "/models", Some("pageSize=1000"))
}

fn under(base: &str, path: &str, query: Option<&str>) -> String {
    let (base, own) = match base.split_once('?') {
        Some((base, own)) => (base, Some(own)),
        None => (base, None),
    };
    let base = root(base.trim_end_matches('/'));
    let version = if ends_in_version(base) { "" } else { VERSION };
    // How an answer comes is for us to say.
    let own =
        own.into_iter().flat_map(|own| own.split('&')).filter(|pair| !pair.is_empty() && !pair.starts_with("alt="));
    let queries: Vec<&str> = query.into_iter().chain(own).collect();
    let query = if queries.is_empty() { String::new() } else { format!("?{}", queries.join("&")) };
    format!("{base}{version}{path}{query}")
}

/// An address without the models that it ends with: `.../models` or `.../models/NAME:METHOD`.
fn root(base: &str) -> &str {
    let base = base.strip_suffix("/models").unwrap_or(base);
    let base = match base.rsplit_once("/models/") {
        Some((root, name)) if !name.contains('/') => root,
        _ => base,
    };
    base.trim_end_matches('/')
}

/// `v1`, `v1beta`, `v1alpha`, `v1beta2`
fn ends_in_version(base: &str) -> bool {
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    let last = after_scheme.rsplit_once('/').map(|(_, last)| last);
    let number = last.and_then(|last| last.strip_prefix('v')).unwrap_or_default();
    let stage = number.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let stage = if stage.len() < number.len() { stage } else { "?" };
    let named = stage.trim_end_matches(|letter: char| letter.is_ascii_digit());
    stage.is_empty() || matches!(named, "alpha" | "beta")
}

/// The model as a resource. Tuned models are one of their own kind.
pub(super) fn resource(model: &str) -> String {
    let (kind, name) = match model.split_once('/') {
        Some((kind @ ("models" | "tunedModels"), name)) => (kind, name),
        _ => ("models", model),
    };
    let mut resource = format!("{kind}/");
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => resource.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => drop(write!(resource, "%{byte:02X}")),
        }
    }
    resource
}
