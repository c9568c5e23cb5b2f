//! Which headers go up. The client's credential never does, unless the provider is `passthrough`; then it goes as it
//! came, but for the key that opened our own door.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::header::{self, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use qcc_config::{Auth, Dialect, Provider};
use qcc_dialect::anthropic::head;
use qcc_dialect::asker::Asker;
use qcc_dialect::translate;

/// What Claude Code is given as a key when qcc holds the real ones. Never sent up.
pub(crate) const PLACEHOLDER: &str = "proxy-managed";

/// The client's headers, parted into what may pass and what is a credential.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    forward: HeaderMap,
    api_key: Option<HeaderValue>,
    bearer: Option<HeaderValue>,
}

/// Which of the client's headers were the key to our own door. Both are where a client sends it in both.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Consumed {
    pub(crate) api_key: bool,
    pub(crate) bearer: bool,
}

/// Why a provider that takes the client's own credential cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Barred {
    /// It would not know the credential, and must not see it.
    OtherDialect,
    /// The client has sent none that it could take.
    NoCredential,
}

impl Barred {
    /// For people.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::OtherDialect => {
                "it takes the client's own credential, which is not sent to a provider of another dialect"
            }
            Self::NoCredential => "it takes the client's own credential, and the request carries none for it",
        }
    }
}

impl Inbound {
    pub(crate) fn new(headers: &HeaderMap, consumed: Consumed) -> Self {
        let mut forward = HeaderMap::with_capacity(headers.len() + 2);
        let listed = connection_listed(headers);
        for (name, value) in headers {
            if !head::is_credential(name.as_str()) && !is_hop_by_hop(name) && !listed.contains(name) {
                forward.append(name.clone(), value.clone());
            }
        }
        forward.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let kept =
            |name: &str, consumed: bool| headers.get(name).filter(|value| !consumed && !is_placeholder(value)).cloned();
        Self {
            forward,
            api_key: kept(head::API_KEY, consumed.api_key),
            bearer: kept(head::AUTHORIZATION, consumed.bearer),
        }
    }

    /// Why `provider` cannot be asked, if it cannot: one that takes the client's credential needs the client to have one,
    /// and one of another dialect would not know it.
    pub(crate) fn barred(&self, asker: Asker, provider: &Provider) -> Option<Barred> {
        if provider.auth != Auth::Passthrough {
            return None;
        }
        let own = match asker {
            Asker::Anthropic => self.api_key.is_some() || self.bearer.is_some(),
            Asker::OpenAi | Asker::Responses => self.bearer.is_some(),
        };
        match (same(asker, provider.dialect), own) {
            (false, _) => Some(Barred::OtherDialect),
            (true, false) => Some(Barred::NoCredential),
            (true, true) => None,
        }
    }

    /// The headers that go up, but for those of the provider itself.
    pub(crate) fn headers_for(&self, asker: Asker, provider: &Provider) -> HeaderMap {
        if !same(asker, provider.dialect) {
            // The others speak of the client's dialect, or of its vendor's.
            let agent = self.forward.get(header::USER_AGENT).map(|agent| (header::USER_AGENT, agent.clone()));
            return HeaderMap::from_iter(agent);
        }
        let mut headers = self.forward.clone();
        if provider.auth == Auth::Passthrough {
            let key = self.api_key.clone().filter(|_| asker == Asker::Anthropic);
            headers.extend(key.map(|key| (api_key_header(), key)));
            headers.extend(self.bearer.clone().map(|bearer| (header::AUTHORIZATION, bearer)));
        }
        headers
    }

    /// The client's own credentials, which no text may show.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = HeaderValue> {
        self.api_key.iter().chain(&self.bearer).cloned()
    }

    /// Tells credentials of clients apart without keeping them. `None` unless `provider` takes the client's.
    pub(crate) fn fingerprint(&self, provider: &Provider) -> Option<u64> {
        if provider.auth != Auth::Passthrough {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for value in [&self.api_key, &self.bearer] {
            value.as_ref().map(HeaderValue::as_bytes).hash(&mut hasher);
        }
        Some(hasher.finish())
    }
}

/// Whether a client's own words, and its credential, mean the same to the provider.
fn same(asker: Asker, dialect: Dialect) -> bool {
    translate::Dialect::of(asker) == super::dialect(dialect)
}

fn api_key_header() -> HeaderName {
    HeaderName::from_static(head::API_KEY)
}

fn is_placeholder(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let bare = bytes.strip_prefix(b"Bearer ").or_else(|| bytes.strip_prefix(b"bearer ")).unwrap_or(bytes);
    bare.trim_ascii() == PLACEHOLDER.as_bytes() || bare.trim_ascii().is_empty()
}

/// Header names that `connection:` declares to be for this hop only.
pub(crate) fn connection_listed(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

/// Headers that are for one hop only (RFC 9110 7.6.1), or that each side sets for itself.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "host"
            | "content-length"
            | "accept-encoding"
            | "expect"
    )
}

/// The provider's own credential as a header; `Ok(None)` for one that takes the client's.
///
/// # Errors
/// When it has characters that a header cannot carry.
pub(crate) fn header_of(provider: &Provider) -> Result<Option<(HeaderName, HeaderValue)>, InvalidHeaderValue> {
    let (name, text) = match &provider.auth {
        Auth::ApiKey(key) if provider.dialect == Dialect::Anthropic => (api_key_header(), key.expose().to_owned()),
        Auth::ApiKey(key) if provider.dialect == Dialect::Gemini => {
            (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned())
        }
        Auth::ApiKey(key) | Auth::Token(key) => (header::AUTHORIZATION, format!("Bearer {}", key.expose())),
        Auth::Passthrough => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
