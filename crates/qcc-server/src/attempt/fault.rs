//! A try that came to nothing: what it means to policy, to people, and perhaps to the client.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use qcc_dialect::asker::Asker;
use qcc_dialect::error::ErrorFacts;
use qcc_policy::{Failure, Outcome, Phase};

/// A try that came to nothing.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    /// For people: what happened.
    pub(crate) what: String,
    /// What the provider said, where the client may have to hear it.
    pub(crate) answer: Option<Answer>,
    /// What a provider of another dialect said, in its own words: something may be learned from them.
    pub(crate) said: Option<Box<(ErrorFacts, Bytes)>>,
}

/// An upstream's answer, kept to be passed on as it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A refusal of a provider of another dialect, as the client's own would say it.
    pub(crate) fn said_to(asker: Asker, facts: &ErrorFacts) -> Self {
        let (status, body) = asker.refusal(facts);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
            body,
        }
    }
}

impl Fault {
    pub(super) fn failed(failure: Failure, what: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed(failure), what: what.into(), answer: None, said: None }
    }

    pub(super) fn not_the_dialect(what: impl Into<String>) -> Self {
        Self::failed(Failure::NotTheDialect, what)
    }

    pub(super) fn timeout(phase: Phase, what: &str) -> Self {
        Self::failed(Failure::Timeout(phase), what)
    }
}
