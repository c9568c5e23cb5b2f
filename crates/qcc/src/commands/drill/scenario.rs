//! A scenario is one fault, played: scripted providers below the real gateway, a client like Claude Code above it, all on
//! loopback ports that the system chooses. What is known afterwards is an [`Observation`], and nothing in it is assumed:
//! the client's bytes, what each provider received, the gateway's own log and its own word on who is left out.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use qcc_server::{Gateway, Log, Options, Source};
use qcc_testkit::claude::claude_request;
use qcc_testkit::{Answer, Connection, Gate, Received, Refusing, Reply, Request, Upstream, exchange};
use serde_json::Value;

/// The provider that is asked first, and fails.
pub(super) const FIRST: &str = "first";
/// The provider that is asked next.
pub(super) const SECOND: &str = "second";

/// What Claude Code asks for by default.
const MODEL: &str = "claude-opus-4-8";
/// Size of a first turn of Claude Code 2.1.197 as measured, kB.
const USUAL: usize = 76;
/// A little more than 10 MiB, kB.
const LARGE: usize = 10_500;

/// How the gateway ends a drill: longer than any answer of a scripted provider takes to be cut off.
const DRAIN: Duration = Duration::from_secs(5);

/// What one fault looks like and what has to come of it.
#[derive(Debug)]
pub(super) struct Scenario {
    /// For `--only` and the table.
    pub(super) name: &'static str,
    pub(super) promise: Promise,
    pub(super) ask: Ask,
    /// What the first provider does; `None`: it refuses connections.
    pub(super) first: Option<Reply>,
    /// What the second provider does; `None`: there is none.
    pub(super) second: Option<Reply>,
    /// Whether the first provider has short time limits.
    pub(super) impatient: bool,
    /// Opened once the client holds all of `body`: a reset would otherwise overtake what was sent before it.
    pub(super) gate: Option<Gate>,
    /// What the provider that answers says, without framing; of a stream that breaks, its whole events before that.
    pub(super) body: Vec<u8>,
}

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// A stream, in a request of 76 kB.
    Stream,
    /// A whole answer, as in Claude Code's fall-back.
    Whole,
    /// A stream, in a request of 10 MiB.
    Large,
}

/// What the gateway promises for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// The second provider's answer, byte for byte. The first is left out for `reason`, and for as long as it said.
    Failover { reason: &'static str, wait: Option<u64> },
    /// The first provider's answer, byte for byte; nobody is left out.
    Faithful,
    /// The stream is ended such that nobody takes it for whole; `cut`: also broken off, so that the client asks again.
    Honest { cut: bool },
    /// The message is closed in order, so that the client runs the tool.
    Closed,
    /// The provider's own error at once, byte for byte; nobody is left out or asked instead.
    Verbatim { status: u16 },
    /// An error that makes the client try again, or tells its user what to do.
    FinalWord { status: u16, kind: &'static str },
    /// The client leaves (`early`: before anything came), so the provider's connection is closed and nobody left out.
    LetGo { early: bool },
}

/// All that is known of a played scenario.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) sent: Request,
    pub(super) saw: Saw,
    /// `POST`s that the first provider got.
    pub(super) first: Vec<Received>,
    /// `POST`s that the second provider got.
    pub(super) second: Vec<Received>,
    /// The gateway's log.
    pub(super) events: Vec<Value>,
    /// `GET /providers`, after all of it.
    pub(super) providers: Value,
    /// The gateway closed a connection to the first provider. Waited for only when the client leaves.
    pub(super) let_go: bool,
    /// From the request to the end of the answer.
    pub(super) took: Duration,
}

/// What the client saw.
#[derive(Debug)]
pub(super) enum Saw {
    /// An answer, whole or not.
    Answer(Answer),
    /// It left after so many bytes of a body.
    Left(usize),
    /// Nothing that is an answer, and why.
    Nothing(String),
}

/// The key that a provider must be sent.
pub(super) fn key_of(provider: &str) -> String {
    format!("drill-key-of-{provider}")
}

// === impl Promise ===

impl Promise {
    /// One sentence.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Failover { .. } => {
                "the second provider answers, the client never hears of the fault, and no byte differs"
            }
            Self::Faithful => "the answer comes down byte for byte, and nobody is blamed",
            Self::Honest { cut: true } => {
                "an error event and a broken-off body, so that the client asks again by itself"
            }
            Self::Honest { cut: false } => {
                "an error event ends the stream, so that nobody takes the fragment for whole"
            }
            Self::Closed => "the message is closed in order, so that the client runs the tool and goes on",
            Self::Verbatim { .. } => "the request's own fault goes back as it came, at once, and nobody is blamed",
            Self::FinalWord { .. } => {
                "the last word is one that the client handles well: no 529, no 401, no long retry-after"
            }
            Self::LetGo { .. } => "the provider is let go as soon as the client has left, and nobody is blamed",
        }
    }
}

// === impl Scenario ===

impl Scenario {
    /// Plays it.
    ///
    /// # Errors
    /// When it cannot be set up, in words.
    pub(super) async fn play(&self) -> Result<Observation, String> {
        let first = Player::new(self.first.as_ref()).await?;
        let second = match &self.second {
            Some(reply) => Some(start(reply).await?),
            None => None,
        };
        let (tap, lines) = channel();
        let log = Log::to_channel(tap, &qcc_config::implicit().config.settings.logging)
            .map_err(|error| format!("the log could not be opened: {error}"))?;
        let text = self.configuration(first.addr(), second.as_ref().map(Upstream::addr));
        let options = Options {
            source: Source::Text(text),
            host: None,
            port: Some(0),
            log: log.clone(),
            watch: false,
            workers: 0,
            database: None,
        };
        let gateway = Gateway::start(options).await.map_err(|error| format!("the gateway did not start: {error}"))?;
        let sent = self.ask.request();
        let started = Instant::now();
        let saw = self.client(gateway.address(), &sent, &first).await;
        let took = started.elapsed();
        let let_go = match (&saw, &first) {
            (Saw::Left(_), Player::Scripted(upstream)) => upstream.closed(1).await > 0,
            _ => false,
        };
        let providers = exchange(gateway.address(), &Request::get("/providers")).await;
        let providers = providers.map_err(|error| format!("GET /providers was not answered: {error}"))?.json();
        gateway.drain().await;
        Ok(Observation {
            sent,
            saw,
            first: first.posts(),
            second: second.as_ref().map(Upstream::posts).unwrap_or_default(),
            events: written(log, lines).await,
            providers: providers["providers"].clone(),
            let_go,
            took,
        })
    }

    fn configuration(&self, first: SocketAddr, second: Option<SocketAddr>) -> String {
        let limits = if self.impatient { "timeouts: {first_byte: 1s, idle: 1s, stall: 2s}, " } else { "" };
        let provider = |name: &str, addr: SocketAddr, more: &str| {
            let key = key_of(name);
            format!("  - {{name: {name}, type: anthropic, base_url: 'http://{addr}', {more}auth_value: {key}}}\n")
        };
        let first = provider(FIRST, first, limits);
        let second = second.map(|addr| provider(SECOND, addr, "")).unwrap_or_default();
        let drain = DRAIN.as_secs();
        // One fault shows what three would in daily use, nobody is kept waiting for a provider that never returns, and
        // every request that a provider sees is the scenario's.
        format!(
            "proxy: {{drain: {drain}s}}\nretry: {{initial: 20ms, max: 100ms}}\nbreaker: {{failure_threshold: 1}}\n\
             hold: {{max_wait: 0s}}\nhealth: {{interval: 0s}}\nproviders:\n{first}{second}"
        )
    }

    async fn client(&self, gateway: SocketAddr, request: &Request, first: &Player) -> Saw {
        let seen = match self.promise {
            Promise::LetGo { early: true } => leave_early(gateway, request, first).await,
            Promise::LetGo { early: false } => leave_in_the_middle(gateway, request).await,
            _ => self.read(gateway, request).await.map(Saw::Answer),
        };
        seen.unwrap_or_else(|error| Saw::Nothing(error.to_string()))
    }

    async fn read(&self, gateway: SocketAddr, request: &Request) -> std::io::Result<Answer> {
        let Some(gate) = &self.gate else { return exchange(gateway, request).await };
        let mut connection = Connection::open(gateway).await?;
        connection.send(request).await?;
        let head = connection.receive_head().await?;
        let before = connection.read_until(|read| read.len() >= self.body.len()).await?;
        gate.open();
        let mut answer = connection.receive_rest(head).await?;
        answer.body = [&before[..], &answer.body[..]].concat().into();
        Ok(answer)
    }
}

async fn leave_early(gateway: SocketAddr, request: &Request, first: &Player) -> std::io::Result<Saw> {
    let mut connection = Connection::open(gateway).await?;
    connection.send(request).await?;
    if let Player::Scripted(upstream) = first {
        upstream.wait_for(1).await;
    }
    Ok(Saw::Left(0))
}

async fn leave_in_the_middle(gateway: SocketAddr, request: &Request) -> std::io::Result<Saw> {
    let mut connection = Connection::open(gateway).await?;
    connection.send(request).await?;
    connection.receive_head().await?;
    let delta = b"content_block_delta";
    let read = connection.read_until(|read| read.windows(delta.len()).any(|part| part == delta)).await?;
    Ok(Saw::Left(read.len()))
}

/// Everything that the gateway logged. It writes from a thread of its own, so that is waited for.
async fn written(log: Log, lines: Receiver<String>) -> Vec<Value> {
    let flushed = tokio::task::spawn_blocking(move || log.flush()).await;
    // It fails only when the runtime is going down; then nobody is left to look at the log.
    drop(flushed);
    lines.try_iter().filter_map(|line| serde_json::from_str(&line).ok()).collect()
}

// === impl Ask ===

impl Ask {
    pub(super) fn request(self) -> Request {
        match self {
            Self::Stream => claude_request(MODEL, true, USUAL),
            Self::Whole => claude_request(MODEL, false, USUAL),
            Self::Large => claude_request(MODEL, true, LARGE),
        }
    }
}

/// The first provider, running.
enum Player {
    Scripted(Upstream),
    Refusing(Refusing),
}

// === impl Player ===

impl Player {
    async fn new(reply: Option<&Reply>) -> Result<Self, String> {
        match reply {
            Some(reply) => Ok(Self::Scripted(start(reply).await?)),
            None => Refusing::new().map(Self::Refusing).map_err(|error| no_port(&error)),
        }
    }

    fn addr(&self) -> SocketAddr {
        match self {
            Self::Scripted(upstream) => upstream.addr(),
            Self::Refusing(refusing) => refusing.addr(),
        }
    }

    fn posts(&self) -> Vec<Received> {
        match self {
            Self::Scripted(upstream) => upstream.posts(),
            Self::Refusing(_) => Vec::new(),
        }
    }
}

async fn start(reply: &Reply) -> Result<Upstream, String> {
    Upstream::start(reply.clone()).await.map_err(|error| no_port(&error))
}

fn no_port(error: &std::io::Error) -> String {
    format!("no port of 127.0.0.1 could be had for a scripted provider: {error}")
}
