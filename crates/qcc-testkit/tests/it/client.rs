//! The client tells how an answer ended, whatever the framing.

use bytes::Bytes;
use qcc_testkit::replies::{Cut, Framing, Stream, TruncateAt, chunk, head};
use qcc_testkit::{Connection, Ended, Gate, Reply, Request, Upstream, exchange};

fn get() -> Request {
    Request::get("/")
}

async fn end_of(stream: &Stream) -> (Ended, Bytes) {
    let upstream = Upstream::start(stream.reply()).await.unwrap();
    let answer = exchange(upstream.addr(), &get()).await.unwrap();
    assert_eq!(answer.status, 200);
    (answer.ended, answer.body)
}

#[tokio::test]
async fn every_end_in_every_framing_is_told_apart() {
    let cases = [
        (Framing::Chunked, None, Ended::Clean),
        (Framing::Chunked, Some(Cut::Clean), Ended::Clean),
        (Framing::Chunked, Some(Cut::Close), Ended::Unterminated),
        (Framing::Chunked, Some(Cut::Reset), Ended::Reset),
        (Framing::ContentLength, None, Ended::Clean),
        (Framing::ContentLength, Some(Cut::Clean), Ended::Clean),
        (Framing::ContentLength, Some(Cut::Close), Ended::Unterminated),
        (Framing::ContentLength, Some(Cut::Reset), Ended::Reset),
        (Framing::CloseDelimited, None, Ended::CloseDelimited),
        (Framing::CloseDelimited, Some(Cut::Clean), Ended::CloseDelimited),
        (Framing::CloseDelimited, Some(Cut::Close), Ended::CloseDelimited),
        (Framing::CloseDelimited, Some(Cut::Reset), Ended::Reset),
    ];
    for (framing, cut, expected) in cases {
        let mut stream = Stream::text(["Hello", ", world"]).framed(framing);
        if let Some(cut) = cut {
            stream = stream.truncated(TruncateAt::AfterTextBlock, cut);
        }
        assert_eq!(end_of(&stream).await, (expected, stream.body()), "{framing:?} {cut:?}");
    }
}

#[tokio::test]
async fn each_chunk_is_a_piece_of_its_own() {
    let gate = Gate::new();
    let reply = Reply::new()
        .write(head(200, &[], Framing::Chunked, 0))
        .write(chunk(b"one"))
        .wait_for(&gate)
        .write([chunk(b"two"), chunk(b"three"), chunk(b"")].concat());
    let upstream = Upstream::start(reply).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&get()).await.unwrap();
    client.receive_head().await.unwrap();
    assert_eq!(client.piece().await.unwrap().unwrap().bytes, "one");
    assert_eq!(client.ended(), None);
    gate.open();
    assert_eq!(client.piece().await.unwrap().unwrap().bytes, "two");
    assert_eq!(client.piece().await.unwrap().unwrap().bytes, "three");
    assert!(client.piece().await.unwrap().is_none());
    assert_eq!(client.ended(), Some(Ended::Clean));
}

#[tokio::test]
async fn reading_stops_where_the_test_wants_and_goes_on_from_there() {
    let upstream = Upstream::start(Stream::text(["Hello", ", world"]).reply()).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    client.send(&get()).await.unwrap();
    let head = client.receive_head().await.unwrap();
    assert_eq!(head.header("Content-Type"), Some("text/event-stream; charset=utf-8"));
    let first = client.read_until(|read| read.windows(5).any(|five| five == b"Hello")).await.unwrap();
    let rest = client.receive_rest(head).await.unwrap();
    assert_eq!([first, rest.body].concat(), Stream::text(["Hello", ", world"]).body());
}

#[tokio::test]
async fn a_head_request_has_no_body_and_the_connection_goes_on() {
    let upstream = Upstream::start(Reply::new().write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")).await.unwrap();
    let mut client = Connection::open(upstream.addr()).await.unwrap();
    for _ in 0..2 {
        client.send(&Request::new("HEAD", "/")).await.unwrap();
        let answer = client.receive().await.unwrap();
        assert_eq!((answer.ended, answer.body.len()), (Ended::Clean, 0));
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let reply =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let upstream = Upstream::start(Reply::new().write(reply)).await.unwrap();
    let answer = exchange(upstream.addr(), &get()).await.unwrap();
    assert_eq!((answer.status, answer.ended), (204, Ended::Clean));
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_an_error_with_its_first_line() {
    let upstream = Upstream::start(Reply::new().write("SSH-2.0-x\r\n\r\n")).await.unwrap();
    let error = exchange(upstream.addr(), &get()).await.unwrap_err();
    assert!(error.to_string().contains("SSH-2.0-x"), "{error}");
}
