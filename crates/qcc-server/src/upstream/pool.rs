//! The connections to one provider.
//!
//! An HTTP/1.1 connection ([`Lane`]) carries one request at a time and is driven by whoever uses it: the task that waits
//! for bytes is the one that reads the socket. The common design, a task of its own for every connection, wakes two
//! tasks for every chunk of a stream and writes every event by itself; measured, that is half of a relay's cost. An
//! HTTP/2 connection is shared by many requests, so it does have a task.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use qcc_config::PoolSettings;
use tokio::time::Instant;

use super::SendError;
use super::connect::{Connector, Stream};
use crate::workers;

/// Keeps an HTTP/2 connection that was black-holed from swallowing requests: a ping after 30 s, dead 15 s later
/// (the figures that a peer gateway settled on for the same fault).
const H2_PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));

/// Bytes that one HTTP/1.1 connection may buffer in each direction. An answer's head must fit.
const BUFFER: usize = 64 * 1024;

/// No provider closes a connection that has been idle for less; Node's servers do after 5 s.
const RESTED: Duration = Duration::from_secs(1);

/// A connection that was closed while it was idle shows that as soon as it is used, within the time that bytes need there
/// and back. Later it is the provider that died.
const CROSSING: Duration = Duration::from_secs(2);

/// How often idle connections are looked at when they may stay for ever.
const LOOK: Duration = Duration::from_secs(30);

type Out = Full<Bytes>;

/// Idle connections of one provider, and how to make new ones.
pub(crate) struct Pool {
    connector: Connector,
    max_idle: usize,
    idle_for: Option<Duration>,
    idle: Mutex<Vec<Idle>>,
    shared: Mutex<Option<http2::SendRequest<Out>>>,
}

struct Idle {
    lane: Lane,
    since: Instant,
}

/// An HTTP/1.1 connection and its driver.
struct Lane {
    sender: http1::SendRequest<Out>,
    driver: Pin<Box<http1::Connection<Stream, Out>>>,
    /// Requests must name the whole address: the other end is a proxy.
    proxied: bool,
    reused: bool,
    /// It had been idle for a while.
    rested: bool,
    ended: bool,
    /// The worker whose runtime reads it. Others can use it too, at the price of waking that one.
    home: usize,
}

/// The body of an answer, and the connection that it comes over.
pub(crate) struct Answer {
    body: Incoming,
    /// `None` over HTTP/2, and once the connection has ended or is idle again.
    lane: Option<Lane>,
    pool: Arc<Pool>,
}

/// How a request is to be sent.
enum Way {
    Lane(Box<Lane>),
    Shared { sender: http2::SendRequest<Out>, reused: bool },
}

/// Why a request was not answered over a connection.
enum NotAnswered {
    /// It was never written, so that it can go over another connection.
    Unsent(Box<Request<Out>>),
    Failed(hyper::Error),
}

// === impl Pool ===

impl Pool {
    pub(crate) fn new(connector: Connector, settings: &PoolSettings) -> Arc<Self> {
        Arc::new_cyclic(|pool: &Weak<Self>| {
            tokio::spawn(sweep(
                Weak::clone(pool),
                settings.idle.map_or(LOOK, |idle| (idle / 2).clamp(LOOK / 30, LOOK)),
            ));
            Self {
                connector,
                max_idle: settings.max_idle_per_host,
                idle_for: settings.idle,
                idle: Mutex::default(),
                shared: Mutex::default(),
            }
        })
    }

    /// Sends a request and waits for the head of its answer. Dropped, the request is given up and its connection ends.
    pub(crate) async fn send(self: &Arc<Self>, mut request: Request<Out>) -> Result<Response<Answer>, SendError> {
        let address = request.uri().clone();
        let began = Instant::now();
        loop {
            let answered = match self.way(&address).await? {
                Way::Lane(mut lane) => {
                    address_for(&mut request, &address, lane.proxied);
                    if lane.proxied
                        && let Some(credential) = self.connector.proxy_credential(&address)
                    {
                        request.headers_mut().insert(PROXY_AUTHORIZATION, credential);
                    }
                    match lane.exchange(request).await {
                        Ok(response) => {
                            Ok(response.map(|body| Answer { body, lane: Some(*lane), pool: Arc::clone(self) }))
                        }
                        // Only a connection that was idle may have ended unseen; a new one that does so is a fault.
                        Err(NotAnswered::Unsent(unsent)) if lane.reused => Err(unsent),
                        Err(NotAnswered::Unsent(_)) => return Err(SendError::Closed),
                        Err(NotAnswered::Failed(error)) => return Err(lane.failed(error, began)),
                    }
                }
                Way::Shared { mut sender, reused } => {
                    request.headers_mut().remove(HOST);
                    *request.uri_mut() = address.clone();
                    match sender.try_send_request(request).await {
                        Ok(response) => Ok(response.map(|body| Answer { body, lane: None, pool: Arc::clone(self) })),
                        Err(mut error) => match error.take_message() {
                            Some(unsent) => {
                                *lock(&self.shared) = None;
                                // A provider that hangs up on new connections would be dialled for ever.
                                if !reused {
                                    return Err(SendError::Closed);
                                }
                                Err(Box::new(unsent))
                            }
                            None => return Err(SendError::Exchange(error.into_error())),
                        },
                    }
                }
            };
            match answered {
                Ok(response) => return Ok(response),
                Err(unsent) => request = *unsent,
            }
        }
    }

    /// Opens a connection for the next request. Nothing of a request is sent over it.
    pub(crate) async fn warm(&self, address: &Uri) -> Result<(), SendError> {
        if let Way::Lane(lane) = self.open(address).await? {
            self.put_back(*lane);
        }
        Ok(())
    }

    async fn way(&self, address: &Uri) -> Result<Way, SendError> {
        let shared = lock(&self.shared).as_ref().filter(|shared| !shared.is_closed()).cloned();
        if let Some(sender) = shared {
            return Ok(Way::Shared { sender, reused: true });
        }
        match self.take_idle() {
            Some(lane) => Ok(Way::Lane(Box::new(lane))),
            None => self.open(address).await,
        }
    }

    /// The connection of this worker that was used last, else another's, if the other side has not closed it.
    fn take_idle(&self) -> Option<Lane> {
        let (now, home) = (Instant::now(), workers::home());
        loop {
            let Idle { mut lane, since } = {
                let mut idle = lock(&self.idle);
                let own = idle.iter().rposition(|idle| idle.lane.home == home);
                let place = own.or_else(|| idle.len().checked_sub(1))?;
                idle.remove(place)
            };
            let fresh = self.idle_for.is_none_or(|limit| now.duration_since(since) < limit);
            if fresh && lane.is_open() {
                lane.reused = true;
                lane.rested = now.duration_since(since) >= RESTED;
                return Some(lane);
            }
        }
    }

    async fn open(&self, address: &Uri) -> Result<Way, SendError> {
        let stream = self.connector.open(address.clone()).await.map_err(SendError::Connect)?;
        let connected = stream.connected();
        if connected.is_negotiated_h2() {
            return Ok(Way::Shared { sender: self.share(stream).await?, reused: false });
        }
        let proxied = connected.is_proxied();
        let (sender, driver) =
            http1::Builder::new().max_buf_size(BUFFER).handshake(stream).await.map_err(SendError::Exchange)?;
        Ok(Way::Lane(Box::new(Lane {
            sender,
            driver: Box::pin(driver),
            proxied,
            reused: false,
            rested: false,
            ended: false,
            home: workers::home(),
        })))
    }

    async fn share(&self, stream: Stream) -> Result<http2::SendRequest<Out>, SendError> {
        let (sender, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(H2_PING.0)
            .keep_alive_timeout(H2_PING.1)
            .keep_alive_while_idle(true)
            .adaptive_window(true)
            .handshake(stream)
            .await
            .map_err(SendError::Exchange)?;
        tokio::spawn(async move {
            let _its_requests_see_the_error = driver.await;
        });
        *lock(&self.shared) = Some(sender.clone());
        Ok(sender)
    }

    fn put_back(&self, lane: Lane) {
        let mut idle = lock(&self.idle);
        if idle.len() < self.max_idle {
            idle.push(Idle { lane, since: Instant::now() });
        }
    }

    /// Lets go of connections that idled too long or that the other side has closed.
    fn prune(&self) {
        let now = Instant::now();
        let fresh = |idle: &mut Idle| {
            self.idle_for.is_none_or(|limit| now.duration_since(idle.since) < limit) && idle.lane.is_open()
        };
        lock(&self.idle).retain_mut(fresh);
    }
}

/// Prunes as long as the pool lives.
async fn sweep(pool: Weak<Pool>, every: Duration) -> Option<Infallible> {
    loop {
        tokio::time::sleep(every).await;
        pool.upgrade()?.prune();
    }
}

// === impl Lane ===

impl Lane {
    /// An exchange that came to nothing, and when it began. What is no HTTP is no matter of the connection's age.
    fn failed(&self, error: hyper::Error, began: Instant) -> SendError {
        if self.rested && !error.is_parse() && began.elapsed() < CROSSING {
            SendError::Idle(error)
        } else {
            SendError::Exchange(error)
        }
    }

    async fn exchange(&mut self, request: Request<Out>) -> Result<Response<Incoming>, NotAnswered> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let mut driven = false;
        std::future::poll_fn(|cx| {
            loop {
                if let Poll::Ready(answer) = answer.as_mut().poll(&mut idle_context()) {
                    return Poll::Ready(answer.map_err(|mut error| match error.take_message() {
                        Some(request) => NotAnswered::Unsent(Box::new(request)),
                        None => NotAnswered::Failed(error.into_error()),
                    }));
                }
                if std::mem::take(&mut driven) {
                    return Poll::Pending;
                }
                // Its end reaches the answer, whichever way it ends.
                if !self.ended {
                    self.ended = self.driver.as_mut().poll(cx).is_ready();
                }
                driven = true;
            }
        })
        .await
    }

    /// Whether the other side has left the idle connection open.
    fn is_open(&mut self) -> bool {
        !self.drive(&mut idle_context()) && self.sender.is_ready()
    }

    /// Reads and writes what it can. Whether the connection has ended.
    fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        self.ended = self.ended || self.driver.as_mut().poll(cx).is_ready();
        self.ended
    }
}

// === impl Answer ===

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    /// The next frame. Reads the connection itself, in the caller's task.
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if self.lane.is_none() {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        // The only one who puts frames into the body is the driver, polled here: the body need not wake anybody.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(&mut idle_context()) {
            return self.ready(frame);
        }
        self.lane.take_if(|lane| lane.drive(cx));
        match Pin::new(&mut self.body).poll_frame(&mut idle_context()) {
            Poll::Ready(frame) => self.ready(frame),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Answer {
    /// Hands the frame on; after the last one the connection is free for the next request.
    fn ready(&mut self, frame: Option<hyper::Result<Frame<Bytes>>>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if frame.is_none()
            && let Some(mut lane) = self.lane.take()
            && lane.is_open()
        {
            self.pool.put_back(lane);
        }
        Poll::Ready(frame)
    }
}

/// Nobody needs to be woken: the caller looks again by itself.
fn idle_context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// The request's target and `host` as HTTP/1.1 wants them.
fn address_for(request: &mut Request<Out>, address: &Uri, proxied: bool) {
    if let Some(Ok(host)) = address.authority().map(|authority| HeaderValue::from_str(authority.as_str())) {
        request.headers_mut().insert(HOST, host);
    }
    let target = address.path_and_query().cloned().map(Uri::from).unwrap_or_default();
    *request.uri_mut() = if proxied { address.clone() } else { target };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
