//! A scripted fake provider on loopback. It records every request as it came and does to the connection exactly what
//! its [`Script`] says. It is written against raw sockets, since an HTTP library would refuse to misbehave.
//!
//! Waiting for something to happen has a limit ([`PATIENCE`]) and then returns what there is: a test that waits in vain
//! fails at its assertion instead of hanging.

mod connection;
mod script;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use script::{End, Reply, Script, Step};

use crate::wire;

/// How long the waiting methods wait. Long enough for a machine under load; no passing test comes near it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method, as sent.
    pub method: String,
    /// The request target: path and query.
    pub path: String,
    /// Names and values in order, names in their case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Bytes,
    /// Which connection it came on; the first is 1.
    pub connection: u64,
}

impl Received {
    /// The first value of a header; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        wire::header(&self.headers, name)
    }

    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Everything that happened so far.
#[derive(Debug, Default)]
struct Log {
    requests: Vec<Received>,
    opened: u64,
    ended: u64,
    ended_by_client: u64,
}

/// The script in force and how many requests of each method it has seen.
#[derive(Debug)]
struct Playing {
    script: Script,
    seen: HashMap<String, usize>,
}

#[derive(Debug)]
struct Shared {
    log: watch::Sender<Log>,
    playing: Mutex<Playing>,
}

impl Shared {
    fn script(&self) -> Script {
        self.playing.lock().unwrap_or_else(PoisonError::into_inner).script.clone()
    }

    /// Records a request and chooses its reply. The script runs outside the lock: it may ask the upstream itself.
    fn answer(&self, received: Received) -> Reply {
        let (script, number) = {
            let mut playing = self.playing.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = playing.seen.entry(received.method.clone()).or_default();
            *seen += 1;
            let number = *seen - 1;
            (playing.script.clone(), number)
        };
        let reply = script.choose(&received, number);
        self.log.send_modify(|log| log.requests.push(received));
        reply
    }
}

/// A running scripted provider. Dropping it closes its socket and all its connections.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Upstream {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(script: impl Into<Script>) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), script).await
    }

    /// Listens on this address: for a provider that comes back where it was.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_at(addr: SocketAddr, script: impl Into<Script>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let playing = Playing { script: script.into(), seen: HashMap::new() };
        let shared = Arc::new(Shared { log: watch::Sender::default(), playing: Mutex::new(playing) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Puts another script in force. Replies under way go on as they were; numbers start again at 0.
    pub fn set_script(&self, script: impl Into<Script>) {
        let mut playing = self.shared.playing.lock().unwrap_or_else(PoisonError::into_inner);
        *playing = Playing { script: script.into(), seen: HashMap::new() };
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log.borrow().requests.clone()
    }

    /// Every `POST` so far, in order of arrival.
    #[must_use]
    pub fn posts(&self) -> Vec<Received> {
        self.shared.log.borrow().requests.iter().filter(|request| request.method == "POST").cloned().collect()
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> u64 {
        let log = self.shared.log.borrow();
        log.opened - log.ended
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.shared.log.borrow().opened
    }

    /// Waits until `count` requests have come and returns all; fewer after [`PATIENCE`].
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        self.until(|log| log.requests.len() >= count).await;
        self.requests()
    }

    /// Waits until the client side has closed `count` connections and returns how many it has; fewer after
    /// [`PATIENCE`]. Connections that the script ended do not count.
    pub async fn closed(&self, count: u64) -> u64 {
        self.until(|log| log.ended_by_client >= count).await;
        self.shared.log.borrow().ended_by_client
    }

    /// Waits until `count` connections have been accepted and returns how many were; fewer after [`PATIENCE`].
    pub async fn connected(&self, count: u64) -> u64 {
        self.until(|log| log.opened >= count).await;
        self.opened()
    }

    /// Stops and waits until the port is free again, which dropping does not.
    pub async fn stop(mut self) -> SocketAddr {
        self.accepting.abort();
        // The only news that an aborted task has is that it was aborted.
        drop((&mut self.accepting).await);
        self.addr
    }

    async fn until(&self, reached: impl FnMut(&Log) -> bool) {
        let mut log = self.shared.log.subscribe();
        // Neither a time-out nor a closed channel is a value here: the caller looks at the log again.
        drop(tokio::time::timeout(PATIENCE, log.wait_for(reached)).await);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts until it is aborted; the connections live in its `JoinSet` and end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // A failed accept concerns a connection that is gone already.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let mut number = 0;
        shared.log.send_modify(|log| {
            log.opened += 1;
            number = log.opened;
        });
        connections.spawn(connection::serve(stream, number, Arc::clone(&shared)));
    }
}

/// An address that refuses every connection, and that nobody else can take while this value lives.
#[derive(Debug)]
pub struct Refusing {
    addr: SocketAddr,
    // Bound and never listening: the kernel answers a SYN with RST.
    _socket: TcpSocket,
}

impl Refusing {
    /// Takes a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { addr: socket.local_addr()?, _socket: socket })
    }

    /// The refusing address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}
