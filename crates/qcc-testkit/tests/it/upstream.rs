//! The scripted upstream does to the wire what its script says, and sees what its client does.

use std::io;
use std::net::SocketAddr;

use qcc_testkit::replies::{self, message_json};
use qcc_testkit::{Connection, Gate, Refusing, Reply, Request, Script, Upstream, exchange};
use serde_json::json;

fn post() -> Request {
    Request::post_json("/v1/messages", &json!({"model": "m"}))
}

async fn said(to: SocketAddr, request: &Request) -> String {
    exchange(to, request).await.unwrap().said()
}

#[tokio::test]
async fn a_request_is_recorded_as_it_was_sent() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let request = Request::new("POST", "/v1/messages?beta=true")
        .header("X-Upper", "One")
        .header("x-lower", "two")
        .header("X-Upper", "three")
        .body("ab\u{e9}");
    exchange(upstream.addr(), &request).await.unwrap();

    let received = &upstream.wait_for(1).await[0];
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/v1/messages?beta=true"));
    let expected: Vec<(String, String)> = [
        ("host", upstream.addr().to_string().as_str()),
        ("X-Upper", "One"),
        ("x-lower", "two"),
        ("X-Upper", "three"),
        ("content-length", "4"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    assert_eq!(received.headers, expected);
    assert_eq!(received.header("x-upper"), Some("One"));
    assert_eq!(received.body, "ab\u{e9}");
    assert_eq!(received.connection, 1);
}

#[tokio::test]
async fn a_chunked_request_is_recorded_without_its_chunks() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    exchange(upstream.addr(), &post().body("0123456789").chunked(3)).await.unwrap();
    let received = &upstream.wait_for(1).await[0];
    assert_eq!(received.body, "0123456789");
    assert_eq!(received.header("content-length"), None);
}

#[tokio::test]
async fn replies_follow_the_order_of_arrival_and_the_last_one_stays() {
    let script = Script::sequence([message_json("one"), message_json("two")], message_json("after"));
    let upstream = Upstream::start(script).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(said(upstream.addr(), &post()).await);
    }
    assert_eq!(heard, ["one", "two", "after", "after"]);
}

#[tokio::test]
async fn a_get_in_between_does_not_move_the_numbers_of_the_posts() {
    let upstream = Upstream::start(Script::sequence([message_json("first")], message_json("later"))).await.unwrap();
    exchange(upstream.addr(), &Request::get("/v1/models")).await.unwrap();
    assert_eq!(said(upstream.addr(), &post()).await, "first");
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(upstream.posts().len(), 1);
}

#[tokio::test]
async fn a_script_may_choose_by_what_was_sent() {
    let script = Script::new(|received, number| {
        message_json(&format!("{} {number}", received.json()["model"].as_str().unwrap_or("none")))
    });
    let upstream = Upstream::start(script).await.unwrap();
    assert_eq!(said(upstream.addr(), &post()).await, "m 0");
    assert_eq!(said(upstream.addr(), &Request::new("POST", "/")).await, "none 1");
}

#[tokio::test]
async fn another_script_takes_over_while_it_runs_and_counts_from_zero() {
    let upstream = Upstream::start(message_json("old")).await.unwrap();
    assert_eq!(said(upstream.addr(), &post()).await, "old");
    upstream.set_script(Script::sequence([message_json("new")], message_json("newer")));
    assert_eq!(said(upstream.addr(), &post()).await, "new");
}

#[tokio::test]
async fn a_connection_is_kept_and_its_number_tells() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let mut first = Connection::open(upstream.addr()).await.unwrap();
    for _ in 0..2 {
        first.send(&post()).await.unwrap();
        first.receive().await.unwrap();
    }
    exchange(upstream.addr(), &post()).await.unwrap();
    let numbers: Vec<u64> = upstream.requests().iter().map(|request| request.connection).collect();
    assert_eq!(numbers, [1, 1, 2]);
    assert_eq!(upstream.closed(1).await, 1, "the connection of the single exchange");
    assert_eq!(upstream.open_connections(), 1);
    assert_eq!(upstream.opened(), 2);
}

#[tokio::test]
async fn a_gate_holds_a_reply_until_it_opens() {
    let gate = Gate::new();
    let upstream = Upstream::start(message_json("late").held_by(&gate)).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&post()).await.unwrap();
    assert_eq!(upstream.wait_for(1).await.len(), 1);
    let mut answer = Box::pin(client.receive());
    // One poll is enough to know: the bytes cannot have been sent.
    assert!(futures_poll_once(&mut answer).await.is_none());
    gate.open();
    assert_eq!(answer.await.unwrap().said(), "late");
}

/// Polls once; `None` when it is pending.
async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_gate_lets_as_many_through_as_were_admitted() {
    let gate = Gate::new();
    gate.admit(1);
    gate.pass().await;
    let mut second = Box::pin(gate.pass());
    assert!(futures_poll_once(&mut second).await.is_none());
    gate.admit(1);
    second.await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_is_noticed() {
    let upstream = Upstream::start(replies::silence()).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&post()).await.unwrap();
    upstream.wait_for(1).await;
    drop(client);
    assert_eq!(upstream.closed(1).await, 1);
    assert_eq!(upstream.open_connections(), 0);
}

#[tokio::test]
async fn a_client_that_resets_in_mid_stream_is_noticed() {
    let gate = Gate::new();
    let upstream = Upstream::start(replies::Stream::text(["a", "b"]).gated(4, &gate).reply()).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&post()).await.unwrap();
    client.receive_head().await.unwrap();
    client.leave_with_reset();
    assert_eq!(upstream.closed(1).await, 1);
}

#[tokio::test]
async fn a_connection_that_the_script_ends_does_not_count_as_left_by_the_client() {
    let upstream = Upstream::start(Script::sequence([message_json("bye").close()], message_json("hi"))).await.unwrap();
    exchange(upstream.addr(), &post()).await.unwrap();
    exchange(upstream.addr(), &post()).await.unwrap();
    assert_eq!(upstream.closed(1).await, 1, "only the second, which the client closed");
}

#[tokio::test]
async fn half_a_body_makes_no_request() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let request = post().body("0123456789");
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send_head(&request).await.unwrap();
    client.send_bytes(b"01234").await.unwrap();
    drop(client);
    assert_eq!(upstream.closed(1).await, 1);
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn an_answer_at_the_head_does_not_wait_for_the_body() {
    let early = Script::always(replies::status(413, "request_too_large", "too large", &[])).at_head();
    let upstream = Upstream::start(early).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send_head(&post().body(vec![b'x'; 1_000_000])).await.unwrap();
    let answer = client.receive().await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["type"], "request_too_large");
    let received = &upstream.requests()[0];
    assert_eq!((received.body.len(), received.header("content-length")), (0, Some("1000000")));
}

#[tokio::test]
async fn a_connection_closed_or_reset_before_an_answer_says_which() {
    for (reply, kind) in
        [(Reply::new().close(), io::ErrorKind::UnexpectedEof), (Reply::new().reset(), io::ErrorKind::ConnectionReset)]
    {
        let upstream = Upstream::start(reply).await.unwrap();
        assert_eq!(exchange(upstream.addr(), &post()).await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn what_is_not_http_is_told_so() {
    let upstream = Upstream::start(message_json("hi")).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send_bytes(b"hello\r\nno colon\r\n\r\n").await.unwrap();
    let answer = client.receive().await.unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("no colon"), "{}", answer.text());
}

#[tokio::test]
async fn a_refusing_address_refuses_and_stays_taken() {
    let refusing = Refusing::new().unwrap();
    let error = exchange(refusing.addr(), &post()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(std::net::TcpListener::bind(refusing.addr()).is_err());
}

#[tokio::test]
async fn a_stopped_upstream_refuses_and_can_come_back_where_it_was() {
    let upstream = Upstream::start(message_json("before")).await.unwrap();
    assert_eq!(said(upstream.addr(), &post()).await, "before");
    let addr = upstream.stop().await;
    assert!(exchange(addr, &post()).await.is_err());
    let upstream = Upstream::start_at(addr, message_json("after")).await.unwrap();
    assert_eq!(said(upstream.addr(), &post()).await, "after");
}

#[tokio::test]
async fn stopping_cuts_the_connections() {
    let upstream = Upstream::start(replies::silence()).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&post()).await.unwrap();
    upstream.wait_for(1).await;
    upstream.stop().await;
    assert!(client.receive().await.is_err());
}
