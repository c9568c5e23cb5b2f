//! A provider as something that can be called: its connections, its address and its credential.

pub(crate) mod connect;

pub(crate) mod credential;

pub(crate) mod decode;

mod known;

pub(crate) mod names;

pub(crate) mod pool;

pub(crate) mod tls;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri, Version};
use http_body_util::Full;
use qcc_config::{Dialect, PoolSettings, Provider};
use qcc_dialect::capabilities::Capabilities;
use qcc_dialect::translate::{self, Tongue};
use qcc_policy::{Glob, ProviderId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use connect::{BoxError, Connector};
use names::Names;
use pool::Pool;

/// The connections to one address. Shared by snapshots as long as the settings that shape it stay the same, so that a
/// reload keeps warm connections.
pub(crate) struct Transport {
    /// What would have to change for new connections to be needed.
    pub(crate) key: String,
    pool: Arc<Pool>,
    permits: Option<Arc<Semaphore>>,
}

/// A provider that can be called.
pub(crate) struct Upstream {
    pub(crate) id: ProviderId,
    pub(crate) provider: Provider,
    pub(crate) transport: Arc<Transport>,
    /// What it speaks.
    pub(crate) tongue: Tongue,
    headers: Vec<(HeaderName, HeaderValue)>,
    names: Names,
    known: Vec<(Glob, Capabilities)>,
}

/// An answer's head with its body still to come, and the right to the connection.
pub(crate) struct Reply {
    pub(crate) response: Response<pool::Answer>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Why a provider of the configuration cannot be called.
#[derive(Debug, thiserror::Error)]
#[error("provider `{provider}`: {what}")]
pub(crate) struct Unusable {
    pub(crate) provider: String,
    pub(crate) what: String,
}

// === impl Transport ===

impl Transport {
    pub(crate) fn new(provider: &Provider, pool: &PoolSettings, roots: &Arc<tls::Roots>) -> Result<Self, Unusable> {
        let connector = Connector::new(provider, Arc::clone(roots))
            .map_err(|what| Unusable { provider: provider.name.clone(), what })?;
        let permits = (pool.max_per_host > 0).then(|| Arc::new(Semaphore::new(pool.max_per_host)));
        Ok(Self { key: Self::key_of(provider, pool), pool: Pool::new(connector, pool), permits })
    }

    /// Everything that shapes connections, as one comparable text.
    pub(crate) fn key_of(provider: &Provider, pool: &PoolSettings) -> String {
        let proxy = provider.proxy.as_ref().map(qcc_config::Secret::fingerprint);
        format!("{} {proxy:?} {:?} {:?} {pool:?}", provider.base_url, provider.ca_file, provider.timeouts.connect)
    }
}

// === impl Upstream ===

impl Upstream {
    pub(crate) fn new(id: ProviderId, provider: Provider, transport: Arc<Transport>) -> Result<Self, Unusable> {
        let unusable = |what: String| Unusable { provider: provider.name.clone(), what };
        let credential = credential::header_of(&provider)
            .map_err(|_| unusable("auth_value has characters that a header cannot carry".to_owned()))?;
        let mut headers: Vec<_> = credential.into_iter().collect();
        for (name, value) in &provider.headers {
            let name: HeaderName = name.parse().map_err(|_| unusable(format!("`{name}` is not a header name")))?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
                unusable(format!("the value of header `{name}` has characters that a header cannot carry"))
            })?;
            value.set_sensitive(true);
            headers.push((name, value));
        }
        let names = Names::new(&provider.models);
        let known =
            provider.capabilities.iter().map(|(glob, own)| (Glob::new(glob), known::capabilities(own))).collect();
        let tongue = Tongue::new(dialect(provider.dialect), &provider.base_url);
        Ok(Self { id, provider, transport, tongue, headers, names, known })
    }

    pub(crate) fn name(&self) -> &str {
        &self.provider.name
    }

    /// The credentials that go up, which no text may show. Other headers of the user's may hold some too.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = HeaderValue> {
        self.headers.iter().map(|(_, value)| value.clone())
    }

    /// The model name that this provider gets: the route's, mapped by the provider's own table. `None`: as asked.
    pub(crate) fn model_for(&self, asked: &str, routed: Option<&str>) -> Option<String> {
        let sent = self.names.sent(asked, routed).name;
        (sent != asked).then(|| sent.to_owned())
    }

    /// What is known of a model, by the name that is sent: what the user says, else what is shipped.
    pub(crate) fn capabilities_for(&self, model: &str) -> Capabilities {
        let shipped = Capabilities::of_model(model);
        let shipped = if self.provider.dialect == Dialect::Anthropic { shipped } else { shipped.lacks() };
        let configured = self.known.iter().find(|(glob, _)| glob.matches(model));
        configured.map_or(shipped, |(_, configured)| configured.or(&shipped))
    }

    /// Waits for its turn among the requests to this address (`pool.max_per_host`). It takes as long as they do, which is
    /// no fault of the provider's.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        match &self.transport.permits {
            Some(permits) => Arc::clone(permits).acquire_owned().await.ok(),
            None => None,
        }
    }

    /// Waits for its turn, sends a request and waits for the answer's head. `headers` are complete but for what belongs to
    /// the provider.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, SendError> {
        let turn = self.turn().await;
        self.send_in(turn, method, url, headers, body).await
    }

    /// The same for a request that has its turn.
    pub(crate) async fn send_in(
        &self,
        turn: Option<OwnedSemaphorePermit>,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, SendError> {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        let uri: Uri = url.parse().map_err(|_| SendError::Address(format!("`{url}` is not an address")))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        let response = self.transport.pool.send(request).await?;
        Ok(Reply { response, permit: turn })
    }

    /// Opens a connection that the next request can use. Sends nothing over it.
    pub(crate) async fn warm(&self) -> Result<(), SendError> {
        let base = &self.provider.base_url;
        let address: Uri = base.parse().map_err(|_| SendError::Address(format!("`{base}` is not an address")))?;
        self.transport.pool.warm(&address).await
    }
}

/// The dialect of the configuration as the translator knows it.
pub(crate) fn dialect(configured: Dialect) -> translate::Dialect {
    match configured {
        Dialect::Anthropic => translate::Dialect::Anthropic,
        Dialect::Openai => translate::Dialect::OpenAi,
        Dialect::Responses => translate::Dialect::Responses,
        Dialect::Gemini => translate::Dialect::Gemini,
    }
}

/// Why no answer's head came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The address cannot be called at all.
    #[error("{0}")]
    Address(String),
    /// The connection could not be made.
    #[error("no connection")]
    Connect(#[source] BoxError),
    /// The connection died, or what came over it is not HTTP.
    #[error("no answer")]
    Exchange(#[source] hyper::Error),
    /// The same over a connection that had been idle before.
    #[error("a connection that had been idle ended without an answer")]
    Idle(#[source] hyper::Error),
    /// The connection was closed before anything could be sent.
    #[error("the connection was closed as soon as it was open")]
    Closed,
}
