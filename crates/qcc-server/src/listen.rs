//! Accepting connections, and letting go of them: after `drain` nothing new is accepted, idle connections are closed,
//! running requests are finished, and what outlives the time allowed is cut.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ingress::access::{MAX_HEAD, MAX_HEADERS};
use crate::pipeline;
use crate::state::State;

/// A connection without a complete request head for so long is closed. It also bounds idle keep-alive; nginx keeps 75 s.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that a connection may buffer in each direction. Heads must fit, also those that are refused with an
/// explanation, and a slow client holds no more than this.
const BUFFER: usize = 4 * MAX_HEAD;

/// Bytes that one read may bring. hyper doubles its buffer whenever a read fills it, and every open stream would keep
/// what a large request body made of it; one less than twice its first size of 8 KiB keeps it at 16 KiB.
const READ: u64 = 16 * 1024 - 1;

/// Pause after a failed accept: it fails when descriptors ran out, and asking again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The listener and everything that it started.
pub(crate) struct Listening {
    stop: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
    accepting: tokio::task::JoinHandle<GracefulShutdown>,
}

impl Listening {
    pub(crate) fn start(listener: TcpListener, state: Arc<State>) -> Self {
        let (stop, cut, connections) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let accepting = tokio::spawn(accept(listener, state, stop.clone(), cut.clone(), connections.clone()));
        Self { stop, cut, connections, accepting }
    }

    /// Stops accepting, waits at most `limit` for running requests, cuts the rest after `about_to_cut`. Returns how many
    /// were cut.
    pub(crate) async fn drain(self, limit: Duration, about_to_cut: impl FnOnce()) -> usize {
        self.stop.cancel();
        self.connections.close();
        let finished = async {
            if let Ok(graceful) = self.accepting.await {
                graceful.shutdown().await;
            }
            self.connections.wait().await;
        };
        if tokio::time::timeout(limit, finished).await.is_ok() {
            return 0;
        }
        let left = self.connections.len();
        about_to_cut();
        self.cut.cancel();
        self.connections.wait().await;
        left
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    stop: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let builder = builder();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return graceful,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => serve(stream, &builder, &state, &graceful, &cut, &connections),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER)
        // One more than we accept ourselves, so that the refusal has a body that explains it.
        .max_headers(2 * MAX_HEADERS);
    builder.http2().timer(TokioTimer::new()).adaptive_window(true);
    builder
}

fn serve(
    stream: TcpStream,
    builder: &Builder<TokioExecutor>,
    state: &Arc<State>,
    graceful: &GracefulShutdown,
    cut: &CancellationToken,
    connections: &TaskTracker,
) {
    // A relayed event must not wait for the acknowledgement of the one before it.
    let _works_without = stream.set_nodelay(true);
    let state = Arc::clone(state);
    let asked = Arc::new(AtomicBool::new(false));
    let silent = silence(Arc::clone(&asked));
    let service = service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        let state = Arc::clone(&state);
        // Boxed: the connection would keep room for it while the answer streams, when it has long ended.
        Box::pin(async move { Ok::<_, Infallible>(pipeline::handle(state, request).await) })
    });
    let io = TokioIo::new(Sipping { io: stream.take(READ) });
    let connection = graceful.watch(builder.serve_connection(io, service).into_owned());
    let cut = cut.clone();
    connections.spawn(async move {
        tokio::select! {
            _the_client_knows = connection => {}
            () = cut.cancelled() => {}
            () = silent => {}
        }
    });
}

/// Ends when a connection has not brought a single request in time. hyper's own limit begins when it knows which HTTP
/// is spoken, so that it never does for a client that says nothing.
async fn silence(asked: Arc<AtomicBool>) {
    tokio::time::sleep(HEAD_TIMEOUT).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// A connection that is read in pieces of at most [`READ`] bytes.
struct Sipping {
    io: Take<TcpStream>,
}

impl Sipping {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(self.get_mut().io.get_mut())
    }
}

impl AsyncRead for Sipping {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io.set_limit(READ);
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Sipping {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bufs)
    }
}
