//! Reaching every provider without spending anything: a connection, and the free list of models. For `qcc test` and
//! `qcc doctor`. A user acts on the hint, so an unknown issuer, a wrong clock and a name that does not exist each get
//! their own.

mod advice;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use qcc_config::{Auth, Loaded, Provider};
use qcc_dialect::asker::Asker;
use qcc_policy::ProviderId;
use tokio::time::{Instant, timeout};

use crate::observe;
use crate::outside;
use crate::upstream::connect::causes;
use crate::upstream::credential::{Consumed, Inbound};
use crate::upstream::tls::Roots;
use crate::upstream::{Transport, Unusable, Upstream};
use advice::advice;

/// Longest wait for one provider.
const LIMIT: Duration = Duration::from_secs(10);

/// What to do about a refused credential. A provider that is taken for one of another dialect looks for it elsewhere.
pub(crate) const REFUSED: &str = "check auth_type and auth_value, and that it speaks what `type` says";

/// What was found out about a provider.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Its name.
    pub provider: String,
    /// Whether requests can be expected to work.
    pub ok: bool,
    /// HTTP status of the free call, where one was made.
    pub status: Option<u16>,
    /// Time until its answer, ms.
    pub ms: u64,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Seconds by which this machine's clock is ahead of the provider's (negative: behind it), to within a second and
    /// the way of the answer. `None` without an answer, or without a usable `date` in it.
    pub skew: Option<i64>,
}

/// What came back from a free call, as far as it is judged.
struct Answered {
    status: u16,
    /// It is a web page, which no API answers with.
    page: bool,
    skew: Option<i64>,
}

/// Asks every enabled provider at once, each for at most 10 s.
pub async fn reach(loaded: &Loaded) -> Vec<Reach> {
    let roots = Arc::new(Roots::default());
    let pool = loaded.config.settings.pool;
    let mut asking = tokio::task::JoinSet::new();
    for (place, provider) in loaded.config.providers.iter().filter(|provider| provider.enabled).enumerate() {
        let (provider, roots) = (provider.clone(), Arc::clone(&roots));
        asking.spawn(async move {
            let started = Instant::now();
            let mut found = ask(provider, &pool, &roots).await;
            found.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            (place, found)
        });
    }
    let mut found = Vec::new();
    while let Some(answer) = asking.join_next().await {
        found.extend(answer.ok());
    }
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, reach)| reach).collect()
}

async fn ask(provider: Provider, pool: &qcc_config::PoolSettings, roots: &Arc<Roots>) -> Reach {
    let name = provider.name.clone();
    let passthrough = provider.auth == Auth::Passthrough;
    let upstream = match alone(provider, pool, roots) {
        Ok(upstream) => upstream,
        Err(error) => return Reach::bad(name, error.to_string(), "correct it in the configuration"),
    };
    if passthrough {
        return match timeout(LIMIT, upstream.warm()).await {
            Ok(Ok(())) => Reach::good(name, None, "connected; the client's own credential is used"),
            Ok(Err(error)) => Reach::bad(name, causes(&error), advice(&error)),
            Err(_) => Reach::bad(
                name,
                format!("no connection within {} s", LIMIT.as_secs()),
                "check base_url and the network",
            ),
        };
    }
    call(&upstream, LIMIT).await
}

/// A provider that nobody else calls.
pub(crate) fn alone(
    provider: Provider,
    pool: &qcc_config::PoolSettings,
    roots: &Arc<Roots>,
) -> Result<Upstream, Unusable> {
    let transport = Transport::new(&provider, pool, roots)?;
    Upstream::new(ProviderId(0), provider, Arc::new(transport))
}

/// The headers of a request of our own.
pub(crate) fn own_headers(provider: &Provider) -> HeaderMap {
    let mut asked = HeaderMap::new();
    asked.insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
    Inbound::new(&asked, Consumed::default()).headers_for(Asker::Anthropic, provider)
}

/// The free call: the list of models, for at most `limit`.
pub(crate) async fn call(upstream: &Upstream, limit: Duration) -> Reach {
    let (name, started) = (upstream.name().to_owned(), Instant::now());
    let headers = own_headers(&upstream.provider);
    let sent =
        timeout(limit, upstream.send(Method::GET, &upstream.tongue.models_url("?limit=1"), headers, Bytes::new()))
            .await;
    let found = match sent {
        Ok(Ok(reply)) => {
            let answered = Answered::new(reply.response.status().as_u16(), reply.response.headers());
            Reach { skew: answered.skew, ..judge(name, &answered, &upstream.provider.base_url) }
        }
        Ok(Err(error)) => Reach::bad(name, observe::not_sent(&error).what, advice(&error)),
        Err(_) => Reach::bad(name, format!("no answer within {} s", limit.as_secs()), "check base_url and the network"),
    };
    Reach { ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX), ..found }
}

// === impl Answered ===

impl Answered {
    fn new(status: u16, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let page = text(header::CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/html"));
        // A cache hands out the date of the day on which it stored the answer.
        let date = text(header::DATE).filter(|_| !headers.contains_key(header::AGE));
        Self { status, page, skew: date.and_then(|date| skew(date, outside::wall_clock())) }
    }
}

/// Seconds by which `now` is ahead of a `date` header (RFC 9110, section 6.6.1).
fn skew(date: &str, now: SystemTime) -> Option<i64> {
    let seconds = |time: SystemTime| i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok();
    Some(seconds(now)? - seconds(httpdate::parse_http_date(date).ok()?)?)
}

fn judge(name: String, answered: &Answered, base_url: &str) -> Reach {
    let status = answered.status;
    let bad =
        |detail: &str, hint: &str| Reach { status: Some(status), ..Reach::bad(name.clone(), detail.to_owned(), hint) };
    match status {
        _ if answered.page && !(300..=399).contains(&status) => bad(
            "it answers with a web page, which is not the API",
            "check base_url; a firewall, a login page or a proxy on the way answers like this too",
        ),
        401 | 403 => bad("it refuses the credential", REFUSED),
        402 => bad("its quota or balance is used up", "add credit or another provider"),
        429 => Reach::good(name, Some(status), "reached; it throttles at the moment"),
        // Many relays serve messages but no list of models.
        404 | 405 | 501 => Reach::good(name, Some(status), "reached; it has no list of models"),
        200..=299 => Reach::good(name, Some(status), "reached, the credential is accepted"),
        300..=399 => bad("it redirects", &format!("{base_url} is not the API's address: use the one it redirects to")),
        _ => bad("it answers with an error", "try again later, or check base_url"),
    }
}

impl Reach {
    fn good(provider: String, status: Option<u16>, detail: &str) -> Self {
        Self { provider, ok: true, status, ms: 0, detail: detail.to_owned(), hint: None, skew: None }
    }

    fn bad(provider: String, detail: String, hint: &str) -> Self {
        Self { provider, ok: false, status: None, ms: 0, detail, hint: Some(hint.to_owned()), skew: None }
    }
}

#[cfg(test)]
mod tests;
