//! What every module needs: a gateway from a text, a way to ask it, and the events that it logs.
//!
//! Nothing here waits for time to pass. Waiting for an event ends with a failed test after [`PATIENCE`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use qcc_config::{ColorChoice, Level, LoggingSettings};
use qcc_server::{Gateway, Log, Options, Source};
use qcc_testkit::{Answer, PATIENCE, Request, Upstream, exchange};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Repeats without a noticeable wait, for tests that are about something else.
pub(crate) const QUICK: &str = "retry: {initial: 1ms, max: 2ms}\n";

/// A running gateway and its news.
pub(crate) struct Running {
    pub(crate) gateway: Gateway,
    news: UnboundedReceiver<Value>,
}

impl Running {
    /// Starts on a free port.
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::from_source(Source::Text(yaml.to_owned()), false).await
    }

    /// Starts from whatever source; `watch` as in [`Options`].
    pub(crate) async fn from_source(source: Source, watch: bool) -> Self {
        Self::keeping(source, watch, None).await
    }

    /// Starts with a database.
    pub(crate) async fn keeping(source: Source, watch: bool, database: Option<PathBuf>) -> Self {
        let (log, news) = tap();
        let source = match source {
            Source::Text(yaml) => Source::Text(plain(yaml)),
            file @ Source::Path(_) => file,
        };
        let options = Options { source, host: None, port: Some(0), log, watch, workers: 0, database };
        let gateway = Gateway::start(options).await.unwrap_or_else(|error| panic!("no gateway: {error}"));
        Self { gateway, news }
    }

    /// A gateway with these providers, the first one preferred, and more configuration.
    pub(crate) async fn with(upstreams: &[(&str, &Upstream)], more: &str) -> Self {
        let list: Vec<_> = upstreams.iter().map(|(name, upstream)| (*name, upstream.url())).collect();
        Self::start(&format!("{}{more}", providers(&list))).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Asks on a connection of its own.
    pub(crate) async fn ask(&self, request: &Request) -> Answer {
        exchange(self.address(), request).await.unwrap()
    }

    /// The next event of this name; those before it are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        let found = async {
            loop {
                match self.news.recv().await {
                    Some(event) if event["event"] == name => return event,
                    Some(_) => {}
                    None => panic!("the log ended without `{name}`"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no `{name}` was logged"))
    }

    /// The row of the next request that ends.
    pub(crate) async fn row(&mut self) -> Value {
        self.event("request_finished").await
    }

    /// Stops, and gives every event that nobody read yet.
    pub(crate) async fn stop(mut self) -> Vec<Value> {
        self.gateway.drain().await;
        let mut events = Vec::new();
        while let Some(event) = self.news.recv().await {
            let last = event["event"] == "gateway_stopped";
            events.push(event);
            if last {
                break;
            }
        }
        events
    }

    /// `closed` where the provider takes part; else why it does not, as `/providers` says it.
    pub(crate) async fn standing(&self, provider: &str) -> String {
        let listed = self.ask(&Request::get("/providers")).await.json();
        let all = listed["providers"].as_array().unwrap();
        let mine = all.iter().find(|one| one["name"] == provider).unwrap();
        let reasons: Vec<_> = mine["cooldowns"].as_array().unwrap().iter().map(|out| &out["reason"]).collect();
        match reasons.as_slice() {
            [] => mine["state"].as_str().unwrap().to_owned(),
            reasons => reasons.iter().map(|reason| reason.as_str().unwrap()).collect::<Vec<_>>().join(" "),
        }
    }
}

/// One failure is enough to be left out, one success to return, nobody is kept waiting, no session stays where it was, and
/// nobody is probed, unless the test is about that: so a test shows with two requests what happens with twenty.
fn plain(mut yaml: String) -> String {
    let usual = [
        ("breaker:", "breaker: {failure_threshold: 1, success_threshold: 1, jitter: 0}\n"),
        ("hold:", "hold: {max_wait: 0s}\n"),
        ("affinity:", "affinity: {enabled: false}\n"),
        ("health:", "health: {interval: 0s, conversation_interval: 0s}\n"),
        ("failover:", "failover: {cooldown: 0s}\n"),
    ];
    for (section, text) in usual {
        if !yaml.lines().any(|line| line.starts_with(section)) {
            yaml = format!("{}\n{text}", yaml.trim_end());
        }
    }
    yaml
}

/// The `providers:` section. Each has the key `key-NAME`.
pub(crate) fn providers(list: &[(&str, String)]) -> String {
    let line =
        |(name, url): &(&str, String)| format!("  - {{name: {name}, base_url: '{url}', auth_value: key-{name}}}\n");
    format!("providers:\n{}", list.iter().map(line).collect::<String>())
}

/// A log and what it says, line by line.
fn tap() -> (Log, UnboundedReceiver<Value>) {
    let (lines, written) = std::sync::mpsc::channel();
    let settings = LoggingSettings { level: Level::Info, color: ColorChoice::Never, file_size: 0, files: 0 };
    let log = Log::to_channel(lines, &settings).unwrap();
    let (events, news) = unbounded_channel();
    // The log's channel blocks its reader, and no test may block the runtime.
    std::thread::spawn(move || {
        while let Ok(line) = written.recv() {
            let _the_test_may_be_over = events.send(serde_json::from_str(&line).unwrap());
        }
    });
    (log, news)
}

/// A small request for a stream.
pub(crate) fn for_stream() -> Request {
    asking(&json!({"model": "claude-opus-4-8", "max_tokens": 64, "stream": true,
        "messages": [{"role": "user", "content": "Hello"}]}))
}

/// A small request for a whole answer.
pub(crate) fn for_message() -> Request {
    asking(&json!({"model": "claude-opus-4-8", "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hello"}]}))
}

/// A `POST /v1/messages` with this body.
pub(crate) fn asking(body: &Value) -> Request {
    Request::post_json("/v1/messages", body).header("anthropic-version", "2023-06-01").header("x-api-key", "client-key")
}

/// Asserts an error that the gateway itself made: its status, Anthropic's shape, one request id in header and body.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, status: u16, kind: &str) {
    let (text, body) = (answer.text(), answer.json());
    assert_eq!((answer.status, body["error"]["type"].as_str()), (status, Some(kind)), "{text}");
    assert_eq!((&body["type"], answer.header("content-type")), (&json!("error"), Some("application/json")), "{text}");
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    let id = answer.header("x-qcc-request-id").unwrap();
    assert!(id.starts_with("qcc_") && body["request_id"] == id, "{id} is not in {text}");
}

/// Lets time pass for all that waits in this thread.
pub(crate) async fn pass_time(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}
