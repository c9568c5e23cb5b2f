//! A client that leaves ends its upstream's work wherever it stood and costs nobody anything; a client that reads slowly
//! slows its upstream down instead of filling our memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use qcc_testkit::replies::{Framing, Stream, chunk, event, message_json, status, stream_head};
use qcc_testkit::{Connection, Gate, Reply, Request, Script, Upstream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Running, for_message, for_stream, providers};

const MIB: u64 = 1024 * 1024;

/// Asserts the one row of a request whose client left, and that the provider stays in the plan.
async fn assert_gone(running: &mut Running, status: u16) -> Value {
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["status"]), (&json!("client_gone"), &json!(status)), "{row}");
    assert_eq!(running.standing("one").await, "closed");
    row
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_ends_the_upstreams_request() {
    for request in [for_stream(), for_message()] {
        for reset in [false, true] {
            let upstream = Upstream::start(Reply::new().stall()).await.unwrap();
            let mut running = Running::with(&[("one", &upstream)], "").await;
            running.event("provider_warmed").await;
            let mut client = Connection::open(running.address()).await.unwrap();
            client.send(&request).await.unwrap();
            upstream.wait_for(1).await;
            if reset {
                client.leave_with_reset()
            } else {
                drop(client)
            }
            assert_eq!(upstream.closed(1).await, 1);
            let row = assert_gone(&mut running, 0).await;
            assert_eq!((&row["provider"], &row["attempts"]), (&json!("one"), &json!(1)));
            assert_eq!(upstream.posts().len(), 1, "nothing is repeated for nobody");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_a_held_preamble_ends_the_upstreams_request() {
    let held = Reply::new()
        .write(stream_head(Framing::Chunked))
        .write(chunk(&event("ping", &json!({"type": "ping"}))))
        .stall();
    let upstream = Upstream::start(held).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    upstream.wait_for(1).await;
    drop(client);
    assert_eq!(upstream.closed(1).await, 1);
    assert_gone(&mut running, 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_during_a_backoff_is_not_asked_for_again() {
    let upstream = Upstream::start(status(500, "api_error", "broken", &[])).await.unwrap();
    let slow = "retry: {initial: 4m, max: 4m, jitter: 0}\nbreaker: {open_initial: 0s}";
    let mut running = Running::with(&[("one", &upstream)], slow).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    running.event("attempt_failed").await;
    drop(client);
    let row = assert_gone(&mut running, 0).await;
    assert_eq!(row["attempts"], 1);
    assert_eq!(upstream.posts().len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_stream_ends_the_upstreams_request() {
    for reset in [false, true] {
        let gate = Gate::new();
        let upstream = Upstream::start(Stream::text(["Hello", "never"]).gated(4, &gate).reply()).await.unwrap();
        let mut running = Running::with(&[("one", &upstream)], "").await;
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_stream()).await.unwrap();
        client.receive_head().await.unwrap();
        client.read_until(|read| read.windows(5).any(|five| five == b"Hello")).await.unwrap();
        if reset {
            client.leave_with_reset()
        } else {
            drop(client)
        }
        assert_eq!(upstream.closed(1).await, 1);
        let row = assert_gone(&mut running, 200).await;
        assert!(row["first_event_ms"].is_number() && row["bytes_out"].as_u64() > Some(0), "{row}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_with_the_whole_answer_was_served() {
    let gate = Gate::new();
    let whole = Stream::text(["Hello"]);
    let mut reply = whole.reply();
    // The final chunk is missing: all that a client reads is there, and the transport has not ended.
    reply.steps.pop();
    let upstream = Upstream::start(reply.wait_for(&gate)).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    client.receive_head().await.unwrap();
    let body = whole.body();
    assert_eq!(client.read_until(|read| read.len() >= body.len()).await.unwrap(), body);
    drop(client);
    assert_eq!(running.row().await["verdict"], "done");
    gate.open();
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_connection_slot_that_it_held() {
    let script = Script::sequence([Reply::new().stall()], message_json("hi"));
    let upstream = Upstream::start(script).await.unwrap();
    let mut running = Running::with(&[("one", &upstream)], "pool: {max_per_host: 1}").await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    upstream.wait_for(1).await;
    drop(client);
    assert_gone(&mut running, 0).await;
    assert_eq!(running.ask(&for_message()).await.said(), "hi");
}

/// A provider whose answer is 64 MiB of events, and how much of it went into its socket.
async fn flood() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pour(stream, Arc::clone(&count)));
        }
    });
    (address, written)
}

async fn pour(mut stream: TcpStream, written: Arc<AtomicU64>) {
    let mut head = Vec::new();
    // Small requests come in one piece; a connection that was opened ahead and never used ends here.
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    if head.starts_with(b"GET /v1/files") {
        let small = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        drop(stream.write_all(small.as_bytes()).await);
        return;
    }
    let whole = Stream::text([&*"x".repeat(1000)]);
    let opening: Vec<Bytes> = whole.events()[..4].to_vec();
    let delta = chunk(&opening[3].repeat(60));
    let opening: Vec<u8> = opening[..3].iter().flat_map(|event| chunk(event)).collect();
    drop(stream.write_all(&[&stream_head(Framing::Chunked)[..], &opening].concat()).await);
    while written.load(Ordering::Relaxed) < 64 * MIB {
        if stream.write_all(&delta).await.is_err() {
            return;
        }
        written.fetch_add(delta.len() as u64, Ordering::Relaxed);
    }
}

/// Asks until the flood has not moved during several whole exchanges: then it stands. In this runtime of one thread an
/// exchange gives every task that could go on its turn.
async fn settled(running: &Running, written: &AtomicU64) -> u64 {
    let mut quiet = 0;
    let mut last = u64::MAX;
    while quiet < 20 {
        assert_eq!(running.ask(&Request::get("/v1/files")).await.body, "ok");
        let now = written.load(Ordering::Relaxed);
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
    }
    last
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_upstream() {
    let (address, written) = flood().await;
    let running = Running::start(&providers(&[("one", format!("http://{address}"))])).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut client = socket.connect(running.address()).await.unwrap();
    client.write_all(&for_stream().encoded(running.address())).await.unwrap();
    let mut read = 0;
    let mut buffer = vec![0; 64 * 1024];
    while read < 100_000 {
        read += client.read(&mut buffer).await.unwrap();
    }
    // The kernel's buffers of two connections and little of our own; without back-pressure it would be all 64 MiB.
    let stood_at = settled(&running, &written).await;
    assert!(stood_at < 24 * MIB, "{stood_at} bytes were taken from the upstream for a client that does not read");
    // And when it reads again, all of it goes on.
    while (read as u64) < stood_at + 16 * MIB {
        read += client.read(&mut buffer).await.unwrap();
    }
    assert!(written.load(Ordering::Relaxed) > stood_at);
}
