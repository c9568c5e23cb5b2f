//! Every limit of `timeouts`: before commit the next provider is asked and the client hears nothing of it, after commit
//! the stream ends so that it cannot be taken for whole.

use std::time::Duration;

use qcc_testkit::replies::{
    Cut, Framing, Stream, TruncateAt, chunk, event, message_json, pings_only, silence, stream_head,
};
use qcc_testkit::{Answer, Connection, Ended, Gate, Reply, Request, Step, Upstream};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{Running, assert_refused, for_message, for_stream, providers};

/// A first provider that answers like this, a second one that is well.
async fn with_two(first: Reply, timeouts: &str) -> (Running, Upstream, Upstream) {
    let first = Upstream::start(first).await.unwrap();
    let second = Upstream::start(well()).await.unwrap();
    let running = Running::with(&[("one", &first), ("two", &second)], &format!("timeouts: {timeouts}")).await;
    (running, first, second)
}

fn well() -> qcc_testkit::Script {
    qcc_testkit::Script::new(|received, _| match received.json()["stream"] == true {
        true => Stream::text(["well"]).reply(),
        false => message_json("well"),
    })
}

/// Asserts that the second provider answered after the first one ran out of this time, and was charged for it.
async fn assert_timed_out_unseen(running: &mut Running, request: &Request, names: &str) {
    let answer = running.ask(request).await;
    assert_eq!((answer.said().as_str(), answer.ended), ("well", Ended::Clean));
    assert_eq!(answer.header("x-qcc-provider"), Some("two"));
    let failed = running.event("attempt_failed").await;
    assert_eq!((&failed["provider"], &failed["blame"]), (&json!("one"), &json!("provider")));
    assert!(failed["error"].as_str().unwrap().contains(names), "{failed}");
    assert_eq!(running.event("provider_cooled").await["provider"], "one");
}

#[tokio::test]
async fn a_stream_without_a_first_byte_goes_to_the_next_provider() {
    let (mut running, first, _second) = with_two(silence(), "{first_byte: 50ms}").await;
    assert_timed_out_unseen(&mut running, &for_stream(), "timeouts.first_byte").await;
    assert_eq!(first.posts().len(), 1, "no repeat after a time-out");
}

#[tokio::test]
async fn a_head_alone_is_no_first_byte() {
    let head = Reply::new().write(stream_head(Framing::Chunked)).stall();
    let (mut running, _first, _second) = with_two(head, "{first_byte: 50ms}").await;
    assert_timed_out_unseen(&mut running, &for_stream(), "timeouts.first_byte").await;
}

#[tokio::test]
async fn first_byte_does_not_bound_a_whole_answer_and_response_does() {
    let (mut running, _first, _second) = with_two(silence(), "{first_byte: 1ms, response: 50ms}").await;
    assert_timed_out_unseen(&mut running, &for_message(), "timeouts.response").await;
}

#[tokio::test]
async fn a_whole_answer_that_stands_still_in_its_middle_goes_to_the_next_provider() {
    let half = Reply::new().write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"type\":").stall();
    let (mut running, _first, _second) = with_two(half, "{response: 50ms}").await;
    assert_timed_out_unseen(&mut running, &for_message(), "timeouts.response").await;
}

#[tokio::test]
async fn a_stream_that_stands_still_before_its_first_content_goes_to_the_next_provider() {
    let opening = Stream::text(["never"]).truncated(TruncateAt::BeforeContent, Cut::Stall).reply();
    let (mut running, _first, _second) = with_two(opening, "{idle: 50ms}").await;
    assert_timed_out_unseen(&mut running, &for_stream(), "timeouts.idle").await;
}

#[tokio::test]
async fn pings_alone_are_a_stall_and_not_life() {
    let (mut running, first, _second) = with_two(pings_only(Duration::from_millis(5)), "{stall: 80ms}").await;
    assert_timed_out_unseen(&mut running, &for_stream(), "timeouts.stall").await;
    assert!(first.closed(1).await >= 1, "the pinging connection is let go");
}

/// One provider with this stream; what its client gets.
async fn committed(stream: Reply, timeouts: &str) -> (Answer, Running) {
    let upstream = Upstream::start(stream).await.unwrap();
    let running = Running::with(&[("one", &upstream)], &format!("timeouts: {timeouts}")).await;
    let answer = running.ask(&for_stream()).await;
    assert!(upstream.closed(1).await >= 1, "the upstream is let go");
    (answer, running)
}

async fn assert_broken(answer: &Answer, running: &mut Running, names: &str) {
    assert_eq!((answer.status, answer.ended), (200, Ended::Unterminated));
    assert_eq!(answer.event_names().last().map(String::as_str), Some("error"), "{}", answer.text());
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["status"]), (&json!("broken"), &json!(200)));
    assert!(row["error"].as_str().unwrap().contains(names), "{row}");
    assert_ne!(running.standing("one").await, "closed", "a stall after commit is charged");
}

#[tokio::test]
async fn a_committed_stream_that_goes_silent_is_broken_off() {
    let silent = Stream::text(["Hello", " world"]).truncated(TruncateAt::MidFirstBlock, Cut::Stall).reply();
    let (answer, mut running) = committed(silent, "{idle: 50ms}").await;
    assert_eq!(answer.said(), "Hello");
    assert_broken(&answer, &mut running, "timeouts.idle").await;
}

/// A stream that says something and then only pings.
fn then_pings(every: Duration) -> Reply {
    let mut reply = Stream::text(["Hello", " world"]).truncated(TruncateAt::MidFirstBlock, Cut::Stall).reply();
    reply.steps.push(Step::Repeat { bytes: chunk(&event("ping", &json!({"type": "ping"}))), every });
    reply
}

#[tokio::test]
async fn pings_do_not_keep_a_committed_stream_alive() {
    let (answer, mut running) = committed(then_pings(Duration::from_millis(5)), "{stall: 80ms, idle: 10s}").await;
    assert_eq!(answer.said(), "Hello");
    assert_broken(&answer, &mut running, "timeouts.stall").await;
}

#[tokio::test]
async fn a_committed_stream_is_not_bounded_by_first_byte_response_or_total() {
    let gate = Gate::new();
    let upstream = Upstream::start(Stream::text(["Hello", " world"]).gated(4, &gate).reply()).await.unwrap();
    let limits = "timeouts: {first_byte: 1m, response: 2m, total: 3m, idle: 0s, stall: 0s}";
    let running = Running::with(&[("one", &upstream)], limits).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    let head = client.receive_head().await.unwrap();
    client.read_until(|read| read.windows(5).any(|five| five == b"Hello")).await.unwrap();
    crate::support::pass_time(Duration::from_secs(3600)).await;
    // Whatever had run out by now would have been noticed by an exchange later.
    assert_eq!(running.ask(&Request::get("/live")).await.status, 200);
    gate.open();
    let answer = client.receive_rest(head).await.unwrap();
    assert_eq!((answer.said().as_str(), answer.ended), (" world", Ended::Clean));
}

#[tokio::test]
async fn a_provider_has_its_own_times() {
    let (first, second) = (Upstream::start(silence()).await.unwrap(), Upstream::start(well()).await.unwrap());
    let list = providers(&[("one", first.url()), ("two", second.url())]);
    let list = list.replacen("auth_value", "timeouts: {first_byte: 50ms}, auth_value", 1);
    let mut running = Running::start(&list).await;
    assert_timed_out_unseen(&mut running, &for_stream(), "timeouts.first_byte").await;
}

#[tokio::test]
async fn total_ends_the_search_for_an_answer() {
    for request in [for_stream(), for_message()] {
        let (mut running, first, second) = with_two(silence(), "{total: 80ms}").await;
        let answer = running.ask(&request).await;
        assert_refused(&answer, 503, "api_error");
        assert!(answer.text().contains("in time"), "{}", answer.text());
        assert_eq!(running.row().await["verdict"], "failed");
        assert_eq!((first.posts().len(), second.posts().len()), (1, 0), "no attempt begins after the end");
    }
}

#[tokio::test]
async fn the_clients_own_limit_ends_the_search_for_an_answer() {
    let (running, _first, second) = with_two(silence(), "{}").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream().header("x-stainless-timeout", "60")).await.unwrap();
    assert_eq!(_first.wait_for(1).await.len(), 1);
    // 10 s before the client gives up.
    crate::support::pass_time(Duration::from_secs(51)).await;
    assert_refused(&client.receive().await.unwrap(), 503, "api_error");
    assert_eq!(second.posts().len(), 0);
}

/// Asserts that a provider at this address is given up within `timeouts.connect`, over and over.
async fn assert_no_connection(entry: &str) {
    let second = Upstream::start(well()).await.unwrap();
    let list = format!("{entry}  - {{name: two, base_url: '{}', auth_value: k}}\n", second.url());
    let mut running = Running::start(&format!("{list}timeouts: {{connect: 50ms}}")).await;
    assert_timed_out_unseen(&mut running, &for_stream(), "no connection within 50 ms").await;
}

#[tokio::test]
async fn connect_bounds_a_tcp_handshake_that_is_never_answered() {
    // The queue of this listener has one place, and it is taken: the kernel drops what comes then.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _takes_the_place = tokio::net::TcpStream::connect(address).await.unwrap();
    assert_no_connection(&providers(&[("one", format!("http://{address}"))])).await;
}

#[tokio::test]
async fn connect_bounds_a_tls_handshake_that_is_never_answered() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    assert_no_connection(&providers(&[("one", format!("https://{address}"))])).await;
}

#[tokio::test]
async fn connect_bounds_a_proxy_that_never_opens_its_tunnel() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let entry = providers(&[("one", "https://api.example".to_owned())]);
    let entry = entry.replace("auth_value", &format!("proxy: 'http://{address}', auth_value"));
    assert_no_connection(&entry).await;
}

/// Half an event says nothing to a client of another dialect, but the provider is not silent.
#[tokio::test]
async fn bytes_that_have_no_translation_yet_are_no_silence() {
    let hello =
        json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hello"}}]});
    let begun = format!("data: {hello}\n\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"");
    let head = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(begun.as_bytes()));
    let more = Step::Repeat { bytes: chunk(b"x"), every: Duration::from_millis(5) };
    let upstream = Upstream::start(head.step(more)).await.unwrap();
    let text = format!(
        "providers:\n  - {{name: one, type: openai, base_url: '{}', auth_value: k}}\ntimeouts: {{idle: 200ms, stall: 600ms}}\n",
        upstream.url()
    );
    let mut running = Running::start(&text).await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!(answer.said(), "Hello");
    assert_broken(&answer, &mut running, "timeouts.stall").await;
}
