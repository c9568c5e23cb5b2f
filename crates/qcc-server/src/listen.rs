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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::task::TaskTracker;

use crate::ingress::access::{MAX_HEAD, MAX_HEADERS};
use crate::outside::Io;
use crate::pipeline;
use crate::sipping::Sipping;
use crate::state::State;
use crate::workers::Workers;
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
    /// Gives the workers back, so that they live until the last connection has ended.
    accepting: tokio::task::JoinHandle<Workers>,
}

impl Listening {
    pub(crate) fn start(listener: TcpListener, state: Arc<State>, workers: Workers) -> Self {
        let (lifeline, connections) = (Arc::<Lifeline>::default(), TaskTracker::new());
        let serving = Serving { state, lifeline: Arc::clone(&lifeline), connections: connections.clone() };
        let accepting = tokio::spawn(accept(listener, serving, workers));
        Self { lifeline, connections, accepting }
    }

    /// The same for connections of a simulation.
    pub(crate) fn simulated(streams: UnboundedReceiver<Box<dyn Io>>, state: Arc<State>, workers: Workers) -> Self {
        let (lifeline, connections) = (Arc::<Lifeline>::default(), TaskTracker::new());
        let serving = Serving { state, lifeline: Arc::clone(&lifeline), connections: connections.clone() };
        let accepting = tokio::spawn(take(streams, serving, workers));
        Self { lifeline, connections, accepting }
    }

    /// Stops accepting, waits at most `limit` for running requests, cuts the rest after `about_to_cut`. Returns how many
    /// were cut.
    pub(crate) async fn drain(self, limit: Duration, about_to_cut: impl FnOnce()) -> usize {
        self.lifeline.drain();
        let _workers = self.accepting.await;
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

/// What every connection is served with.
#[derive(Clone)]
struct Serving {
    state: Arc<State>,
    lifeline: Arc<Lifeline>,
    connections: TaskTracker,
}

async fn accept(listener: TcpListener, serving: Serving, workers: Workers) -> Workers {
    loop {
        let accepted = tokio::select! {
            biased;
            () = serving.lifeline.draining() => return workers,
            accepted = listener.accept() => accepted,
        };
        match accepted.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => {
                let serving = serving.clone();
                // Draining waits for it also while it is on its way to its worker.
                let coming = serving.connections.token();
                workers.carry(move || {
                    // It fails when descriptors ran out; the client sees a closed connection.
                    let stream = TcpStream::from_std(stream).ok()?;
                    // A relayed event must not wait for the acknowledgement of the one before it.
                    let _works_without = stream.set_nodelay(true);
                    let served = serving.connections.track_future(serve(stream, &serving));
                    drop(coming);
                    Some(served)
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn take(mut streams: UnboundedReceiver<Box<dyn Io>>, serving: Serving, workers: Workers) -> Workers {
    loop {
        let taken = tokio::select! {
            biased;
            () = serving.lifeline.draining() => return workers,
            taken = streams.recv() => taken,
        };
        let Some(stream) = taken else { return workers };
        let served = serving.connections.track_future(serve(stream, &serving));
        workers.carry(move || Some(served));
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

fn serve<S>(stream: S, serving: &Serving) -> impl Future<Output = ()> + Send + use<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let state = Arc::clone(&serving.state);
    let asked = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&asked);
    let service = service_fn(move |request| {
        heard.store(true, Ordering::Relaxed);
        let state = Arc::clone(&state);
        // Boxed: the connection would keep room for it while the answer streams, when it has long ended.
        Box::pin(async move { Ok::<_, Infallible>(pipeline::handle(state, request).await) })
    });
    let connection = builder().serve_connection(TokioIo::new(Sipping::new(stream)), service).into_owned();
    Served::new(connection, Arc::clone(&serving.lifeline), asked, HEAD_TIMEOUT)
}
