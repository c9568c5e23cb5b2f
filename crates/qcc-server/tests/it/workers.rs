//! Several threads that serve: what one of them opened, another may use, and stopping ends them all.

use std::sync::Arc;

use qcc_server::{Gateway, Log, Options, Source, StartError};
use qcc_testkit::claude::claude_request;
use qcc_testkit::{Connection, Script, Upstream, exchange, replies};

use crate::support::providers;

async fn served_by(workers: usize, upstream: &Upstream) -> Result<Gateway, StartError> {
    let source = Source::Text(providers(&[("only", upstream.url())]));
    let log = Log::discard();
    let options = Options { source, host: None, port: Some(0), log, watch: false, workers, database: None };
    Gateway::start(options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_opened_elsewhere_is_used_before_a_new_one() {
    let upstream = Upstream::start(Script::always(replies::message_json("hello"))).await.unwrap();
    let gateway = served_by(2, &upstream).await.unwrap();
    upstream.connected(1).await;
    for _ in 0..6 {
        let answer = exchange(gateway.address(), &claude_request("claude-opus-4-8", false, 4)).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    assert_eq!(upstream.opened(), 1, "every request came on a connection of its own, one after the other");
    gateway.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_side_by_side_are_all_answered_whichever_thread_has_them() {
    let upstream = Upstream::start(Script::always(replies::stream(["one", "two"]))).await.unwrap();
    let gateway = Arc::new(served_by(3, &upstream).await.unwrap());
    let asking: Vec<_> = (0..30)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move { exchange(gateway.address(), &claude_request("claude-opus-4-8", true, 60)).await })
        })
        .collect();
    for asked in asking {
        assert!(asked.await.unwrap().unwrap().text().contains("message_stop"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_closes_idle_connections_of_every_thread() {
    let upstream = Upstream::start(Script::always(replies::message_json("hello"))).await.unwrap();
    let gateway = served_by(2, &upstream).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Connection::open(gateway.address()).await.unwrap();
        client.send(&claude_request("claude-opus-4-8", false, 4)).await.unwrap();
        assert_eq!(client.receive().await.unwrap().status, 200);
        clients.push(client);
    }
    let drained = gateway.drain().await;
    assert_eq!((drained.running, drained.cut), (0, 0));
}
