//! Accepting connections, and letting go of them: after `drain` nothing new is accepted, idle connections are closed,
//! running requests are finished, and what outlives the time allowed is cut.

mod connection;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::ingress::access::{MAX_HEAD, MAX_HEADERS};
use crate::pipeline;
use crate::sipping::Sipping;
use crate::state::State;
use connection::{Lifeline, Served};

/// A connection without a complete request head for so long is closed. It also bounds idle keep-alive; nginx keeps 75 s.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that a connection may buffer in each direction. Heads must fit, also those that are refused with an
/// explanation, and a slow client holds no more than this.
const BUFFER: usize = 4 * MAX_HEAD;

/// Pause after a failed accept: it fails when descriptors ran out, and asking again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The listener and everything that it started.
pub(crate) struct Listening {
    lifeline: Arc<Lifeline>,
    connections: TaskTracker,
    accepting: tokio::task::JoinHandle<()>,
}

impl Listening {
    pub(crate) fn start(listener: TcpListener, state: Arc<State>) -> Self {
        let (lifeline, connections) = (Arc::<Lifeline>::default(), TaskTracker::new());
        let accepting = tokio::spawn(accept(listener, state, Arc::clone(&lifeline), connections.clone()));
        Self { lifeline, connections, accepting }
    }

    /// Stops accepting, waits at most `limit` for running requests, cuts the rest after `about_to_cut`. Returns how many
    /// were cut.
    pub(crate) async fn drain(self, limit: Duration, about_to_cut: impl FnOnce()) -> usize {
        self.lifeline.drain();
        let _it_ends_with_the_lifeline = self.accepting.await;
        self.connections.close();
        if tokio::time::timeout(limit, self.connections.wait()).await.is_ok() {
            return 0;
        }
        let left = self.connections.len();
        about_to_cut();
        self.lifeline.cut();
        self.connections.wait().await;
        left
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, lifeline: Arc<Lifeline>, connections: TaskTracker) {
    let builder = builder();
    loop {
        let accepted = tokio::select! {
            () = lifeline.draining() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => connections.spawn(serve(stream, &builder, &state, &lifeline)),
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER)
        // More than we accept ourselves, so that the refusal has a body that explains it.
        .max_headers(2 * MAX_HEADERS);
    builder.http2().timer(TokioTimer::new()).adaptive_window(true);
    builder
}

fn serve(
    stream: TcpStream,
    builder: &Builder<TokioExecutor>,
    state: &Arc<State>,
    lifeline: &Arc<Lifeline>,
) -> impl Future<Output = ()> + Send + 'static {
    // A relayed event must not wait for the acknowledgement of the one before it.
    let _works_without = stream.set_nodelay(true);
    let state = Arc::clone(state);
    let asked = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&asked);
    let service = service_fn(move |request| {
        heard.store(true, Ordering::Relaxed);
        let state = Arc::clone(&state);
        // Boxed: the connection would keep room for it while the answer streams, when it has long ended.
        Box::pin(async move { Ok::<_, Infallible>(pipeline::handle(state, request).await) })
    });
    let io = TokioIo::new(Sipping::new(stream));
    let connection = builder.serve_connection(io, service).into_owned();
    Served::new(connection, Arc::clone(lifeline), asked, HEAD_TIMEOUT)
}
