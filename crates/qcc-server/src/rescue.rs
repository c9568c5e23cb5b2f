//! The only place that invents a response. It speaks the asker's dialect, carries the request id, and is chosen by what
//! clients do with it: no 529 and no upstream 401 (Claude Code gives up on the one and retries the other for minutes),
//! no `retry-after` above 30 s (above 60 s Claude Code gives up at once).

use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use qcc_dialect::asker::Asker;

use crate::body::Body;
use crate::ingress::access::{MAX_HEAD, MAX_HEADERS, shorten};

/// Our own id of the request, on every response.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-qcc-request-id");
/// Who answered.
pub(crate) const X_PROVIDER: HeaderName = HeaderName::from_static("x-qcc-provider");
/// How many tries it took.
pub(crate) const X_ATTEMPTS: HeaderName = HeaderName::from_static("x-qcc-attempts");
/// What a translation could not carry.
pub(crate) const X_LOSS: HeaderName = HeaderName::from_static("x-qcc-loss");

const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Longest `retry-after` that goes down, seconds.
const MAX_RETRY_AFTER: u64 = 30;

/// A request that qcc itself turns down, before any provider is asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "this gateway serves {served}, but the request names host `{host}`; hint: add it to proxy.allowed_hosts if it is yours"
    )]
    Host { host: String, served: String },
    #[error(
        "requests from the web page origin `{origin}` are not accepted; hint: add it to proxy.allowed_origins if it is yours"
    )]
    Origin { origin: String },
    #[error("this gateway needs one of its proxy.client_keys as x-api-key or as Bearer token")]
    ClientKey,
    #[error(
        "there is no route {method} {path}; hint: models are asked at POST /v1/messages (Anthropic), POST /v1/chat/completions or POST /v1/responses (OpenAI)"
    )]
    Route { method: String, path: String },
    #[error("{path} is asked with {allow}, not with {method}")]
    Method { method: String, path: String, allow: &'static str },
    #[error("the request has {lines} headers of {size} bytes; at most {MAX_HEADERS} of {MAX_HEAD} are accepted")]
    Headers { size: usize, lines: usize },
    #[error("the request body is larger than {limit} bytes; hint: proxy.max_body sets the limit")]
    TooLarge { limit: u64 },
    #[error("the request body is not JSON by its content-type `{0}`; send application/json")]
    ContentType(String),
    #[error("the request body is compressed ({0}); send it uncompressed")]
    ContentEncoding(String),
    #[error("the request body is not acceptable: {0}")]
    Body(#[from] qcc_dialect::scan::ScanError),
    #[error("the request body broke off, or is framed wrongly, before it was complete")]
    BodyBroken,
    #[error("the request body stopped arriving for {} s before it was complete", .0.as_secs())]
    BodyStalled(Duration),
    #[error("all request bodies in memory together reached {limit} bytes (proxy.max_buffered); try again shortly")]
    Full { limit: u64 },
    #[error("the gateway is stopping")]
    Draining,
    #[error("the body must be {{\"profile\": \"NAME\"}}, or {{\"profile\": null}} to end the pin: {0}")]
    Pin(String),
    #[error(
        "the body must be {{\"provider\": \"NAME\", \"conversation\": true}}, of which either may be left out: {0}"
    )]
    Check(String),
    #[error("`{given}` is not possible in the query; hint: {possible}")]
    Query { given: String, possible: String },
    #[error("there is no {what} `{name}`; hint: {known}")]
    Unknown { what: &'static str, name: String, known: String },
}

/// Why no provider answered, when none did.
#[derive(Debug)]
pub(crate) enum Failed {
    /// 503, so that the client tries again.
    Unavailable(String),
    /// 429, with the shortest wait that a provider named.
    Throttled(String, Duration),
    /// 403: trying again does not help, something has to be set right here.
    Forbidden(String),
}

impl Refused {
    /// A name that nothing has, with those that there are.
    pub(crate) fn unknown(what: &'static str, name: &str, known: &[String]) -> Self {
        let known = if known.is_empty() {
            format!("the configuration names no {what}")
        } else {
            format!("there are {}", known.join(", "))
        };
        Self::Unknown { what, name: shorten(name), known }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Host { .. } | Self::Origin { .. } => StatusCode::FORBIDDEN,
            Self::ClientKey => StatusCode::UNAUTHORIZED,
            Self::Route { .. } | Self::Unknown { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Headers { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType(_) | Self::ContentEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(_) | Self::BodyBroken | Self::Pin(_) | Self::Check(_) | Self::Query { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::BodyStalled(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Full { .. } | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The response for it.
    pub(crate) fn response(&self, asker: Asker, request_id: &str) -> Response<Body> {
        let mut response = error(asker, self.status(), &self.to_string(), request_id);
        let headers = response.headers_mut();
        match self {
            Self::ClientKey => _ = headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false")),
            Self::Method { allow, .. } => _ = headers.insert(ALLOW, HeaderValue::from_static(allow)),
            _ => {}
        }
        // The unread rest of a body would be taken for the next request.
        if matches!(self, Self::TooLarge { .. } | Self::BodyStalled(_) | Self::Full { .. }) {
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Failed {
    /// The response for it.
    pub(crate) fn response(&self, asker: Asker, request_id: &str) -> Response<Body> {
        match self {
            Self::Unavailable(why) => error(asker, StatusCode::SERVICE_UNAVAILABLE, why, request_id),
            Self::Forbidden(why) => error(asker, StatusCode::FORBIDDEN, why, request_id),
            Self::Throttled(why, wait) => {
                let mut response = error(asker, StatusCode::TOO_MANY_REQUESTS, why, request_id);
                let seconds = wait.as_secs().clamp(1, MAX_RETRY_AFTER);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
        }
    }

    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Unavailable(why) | Self::Forbidden(why) | Self::Throttled(why, _) => why,
        }
    }
}

fn error(asker: Asker, status: StatusCode, message: &str, request_id: &str) -> Response<Body> {
    // The words that Claude Code takes for a 529 in whatever status (CLIENTS.md 2) must not slip in through a provider's text.
    let message = message.replace("overloaded_error", "overloaded");
    json(status, asker.error_body(status.as_u16(), &message, request_id), request_id)
}

/// A JSON response of our own.
pub(crate) fn json(status: StatusCode, body: impl Into<bytes::Bytes>, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    name(&mut response, request_id);
    response
}

/// Puts the request id on a response.
pub(crate) fn name(response: &mut Response<Body>, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
}

/// Says who answered, and after how many tries.
pub(crate) fn label(response: &mut Response<Body>, provider: &str, attempts: u32) {
    tell(response, X_PROVIDER, provider);
    response.headers_mut().insert(X_ATTEMPTS, HeaderValue::from(attempts));
}

/// Puts a text on a response. Names of providers and of members may be any text; a header may not.
pub(crate) fn tell(response: &mut Response<Body>, header: HeaderName, text: &str) {
    let plain: String = text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if let Ok(value) = HeaderValue::from_str(&plain) {
        response.headers_mut().insert(header, value);
    }
}
