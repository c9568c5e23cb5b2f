//! How a connection to a provider is made: directly or through a proxy, then TLS where the address says `https`. All of
//! it under one limit, and and nothing sent over it yet.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use qcc_config::Provider;
use tower_service::Service;

use super::tls::Roots;
use crate::outside::{self, Dial, Io};
use crate::sipping::Sipping;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
pub(crate) type Stream = MaybeHttpsStream<Plain>;
type Opening<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes connections to one provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    reach: Reach,
    limit: Option<Duration>,
    secure: tokio::sync::OnceCell<HttpsConnector<Reach>>,
}

/// TCP to the provider or through its proxy.
#[derive(Clone)]
struct Reach {
    tcp: Tcp,
    proxy: Arc<Matcher>,
    trust: Arc<Trust>,
    /// In a simulation: instead of all that.
    dial: Option<Dial>,
}

/// Whom TLS trusts, at the provider and at an `https` proxy.
struct Trust {
    roots: Arc<Roots>,
    ca_file: Option<std::path::PathBuf>,
}

/// TCP alone.
#[derive(Clone)]
struct Tcp(HttpConnector);

/// A connection as far as the next hop: TCP, and TLS where that is an `https` proxy.
type Hop = MaybeHttpsStream<TokioIo<Sipping>>;

/// A connection that knows whether requests over it must name the whole address.
pub(crate) struct Plain {
    io: Wire,
    proxied: bool,
}

/// The direct way is small, so that a connection does not hold room for the TLS of a proxy that it does not have.
enum Wire {
    Direct(TokioIo<Sipping>),
    Proxy(Box<Hop>),
    Simulated(TokioIo<Sipping<Box<dyn Io>>>),
}

/// The connection was not there in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", limit.as_millis())]
pub(crate) struct ConnectTimeout {
    limit: Duration,
}

// === impl Connector ===

impl Connector {
    pub(crate) fn new(provider: &Provider, roots: Arc<Roots>) -> Result<Self, String> {
        let proxy = match &provider.proxy {
            Some(proxy) => {
                let all = proxy.expose().to_owned();
                if all.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::len)).is_none() {
                    return Err("`proxy` is not an address such as http://host:port".to_owned());
                }
                Matcher::builder().all(all).build()
            }
            None => Matcher::from_env(),
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let trust = Arc::new(Trust { roots, ca_file: provider.ca_file.clone() });
        let dial = outside::stage().map(|stage| stage.dial);
        let reach = Reach { tcp: Tcp(tcp), proxy: Arc::new(proxy), trust, dial };
        Ok(Self {
            inner: Arc::new(Inner { reach, limit: provider.timeouts.connect, secure: tokio::sync::OnceCell::new() }),
        })
    }

    /// What a request to `uri` has to show to the proxy that it goes through, where it is the proxy that is asked.
    pub(crate) fn proxy_credential(&self, uri: &Uri) -> Option<HeaderValue> {
        let mut credential = self.inner.reach.proxy.intercept(uri)?.basic_auth()?.clone();
        credential.set_sensitive(true);
        Some(credential)
    }

    /// Opens a connection, within `timeouts.connect`.
    pub(crate) async fn open(&self, uri: Uri) -> Result<Stream, BoxError> {
        self.inner.open(uri).await
    }
}

impl Inner {
    async fn open(&self, uri: Uri) -> Result<Stream, BoxError> {
        let opening = async {
            if uri.scheme_str() != Some("https") {
                return self.reach.clone().call(uri).await.map(MaybeHttpsStream::Http);
            }
            let secure = self.secure.get_or_try_init(|| self.secure()).await?;
            secure.clone().call(uri).await
        };
        match self.limit {
            None => opening.await,
            Some(limit) => {
                tokio::time::timeout(limit, opening).await.unwrap_or_else(|_| Err(ConnectTimeout { limit }.into()))
            }
        }
    }

    async fn secure(&self) -> Result<HttpsConnector<Reach>, BoxError> {
        let config = self.reach.trust.config().await?;
        Ok(HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_all_versions()
            .wrap_connector(self.reach.clone()))
    }
}

// === impl Reach ===

impl Service<Uri> for Reach {
    type Response = Plain;
    type Error = BoxError;
    type Future = Opening<Plain>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Some(dial) = &self.dial {
            let dialling = dial(&uri);
            return Box::pin(async move {
                let io = Wire::Simulated(TokioIo::new(Sipping::new(dialling.await?)));
                Ok(Plain { io, proxied: false })
            });
        }
        let (mut tcp, trust) = (self.tcp.clone(), Arc::clone(&self.trust));
        let via = self.proxy.intercept(&uri);
        Box::pin(async move {
            let (io, proxied) = match via {
                None => (Wire::Direct(tcp.call(uri).await?), false),
                Some(via) => {
                    let (hop, proxied) = through(via, tcp, &trust, uri).await?;
                    (Wire::Proxy(Box::new(hop)), proxied)
                }
            };
            Ok(Plain { io, proxied })
        })
    }
}

impl Trust {
    async fn config(&self) -> Result<rustls::ClientConfig, BoxError> {
        self.roots.client_config(self.ca_file.clone()).await
    }
}

/// Through a proxy: SOCKS, a tunnel for `https`, or the proxy itself as the one to ask for `http`.
async fn through(via: Intercept, tcp: Tcp, trust: &Trust, uri: Uri) -> Result<(Hop, bool), BoxError> {
    let scheme = via.uri().scheme_str().unwrap_or("http");
    if scheme.starts_with("socks5") {
        let mut socks = SocksV5::new(via.uri().clone(), tcp).local_dns(scheme == "socks5");
        if let Some((user, password)) = via.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        return Ok((Hop::Http(socks.call(uri).await?), false));
    }
    let mut hop = Next { tcp, tls: None };
    if scheme == "https" {
        hop.tls = Some(trust.config().await?);
    }
    if uri.scheme_str() == Some("https") {
        let mut tunnel = Tunnel::new(via.uri().clone(), hop);
        if let Some(auth) = via.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        return Ok((tunnel.call(uri).await?, false));
    }
    Ok((hop.call(via.uri().clone()).await?, true))
}

/// The way to a proxy that speaks HTTP, over TLS where its address says so.
struct Next {
    tcp: Tcp,
    tls: Option<rustls::ClientConfig>,
}

impl Service<Uri> for Next {
    type Response = Hop;
    type Error = BoxError;
    type Future = Opening<Hop>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        match self.tls.clone() {
            None => Box::pin(async move { Ok(Hop::Http(tcp.call(uri).await?)) }),
            Some(tls) => {
                let secure = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1();
                secure.wrap_connector(tcp).call(uri)
            }
        }
    }
}

// === impl Tcp ===

impl Service<Uri> for Tcp {
    type Response = TokioIo<Sipping>;
    type Error = BoxError;
    type Future = Opening<TokioIo<Sipping>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Sipping::new(connecting.await?.into_inner()))) })
    }
}

impl Connection for Sipping {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

// === impl Plain ===

impl Connection for Plain {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.proxied)
    }
}

impl Read for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Wire::Direct(io) => Pin::new(io).poll_read(cx, buf),
            Wire::Proxy(io) => Pin::new(io).poll_read(cx, buf),
            Wire::Simulated(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl Write for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Wire::Direct(io) => Pin::new(io).poll_write(cx, buf),
            Wire::Proxy(io) => Pin::new(io).poll_write(cx, buf),
            Wire::Simulated(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Wire::Direct(io) => Pin::new(io).poll_flush(cx),
            Wire::Proxy(io) => Pin::new(io).poll_flush(cx),
            Wire::Simulated(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Wire::Direct(io) => Pin::new(io).poll_shutdown(cx),
            Wire::Proxy(io) => Pin::new(io).poll_shutdown(cx),
            Wire::Simulated(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Wire::Direct(io) => io.is_write_vectored(),
            Wire::Proxy(io) => io.is_write_vectored(),
            Wire::Simulated(io) => io.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Wire::Direct(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Wire::Proxy(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Wire::Simulated(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }
}

/// An error with everything behind it, in one line and without repeating itself.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}
