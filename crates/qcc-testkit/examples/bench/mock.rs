//! The mock provider, in a process of its own. It reads a request, throws the body away and sends bytes that were built
//! before; what it does per request is little, so that the proxy is what is measured.
//!
//! The header `x-bench` says which answer is wanted. Every proxy passes a header that it does not know.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use qcc_testkit::replies::{self, Framing, Stream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Events of a burst stream, and stamped events of a paced one.
pub(crate) const EVENTS: usize = 40;

/// Pause between the events of a paced stream.
pub(crate) const PACE: Duration = Duration::from_millis(50);

/// Pause between the events of an open stream.
const SLOW: Duration = Duration::from_secs(5);

/// Stands before the time in a stamped event; [`STAMP_DIGITS`] decimal digits of nanoseconds since 1970 follow.
pub(crate) const STAMP: &[u8] = b"sent-at-";

/// Digits of a stamp.
pub(crate) const STAMP_DIGITS: usize = 20;

/// Size of the non-streaming answer.
const ANSWER: usize = 2000;

/// Events around the text of a stream: message_start, ping, block start, block stop, message_delta, message_stop.
const FRAME_EVENTS: usize = 6;

/// What is sent for each wish, built once.
struct Answers {
    whole: Bytes,
    head: Bytes,
    burst: Vec<Bytes>,
    opening: Vec<Bytes>,
    closing: Vec<Bytes>,
}

impl Answers {
    fn new() -> Self {
        let body = replies::message(&"word ".repeat(ANSWER / 5 - 60)).to_string();
        let headers = [("content-type", "application/json"), ("request-id", "req_bench")];
        let head = replies::head(200, &headers, Framing::ContentLength, body.len());
        let burst = Stream::text(vec![" some words of text"; EVENTS - FRAME_EVENTS]).events();
        let empty = Stream::text([]).events();
        let chunks = |events: &[Bytes]| events.iter().map(|event| replies::chunk(event)).collect::<Vec<_>>();
        let end = std::iter::once(replies::chunk(b""));
        Self {
            whole: [&head[..], body.as_bytes()].concat().into(),
            head: replies::stream_head(Framing::Chunked),
            burst: chunks(&burst).into_iter().chain(end.clone()).collect(),
            opening: chunks(&empty[..3]),
            closing: chunks(&empty[3..]).into_iter().chain(end).collect(),
        }
    }
}

/// Serves until its standard input closes: it must not outlive the benchmark, however that ends.
pub(crate) async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = tokio::io::stdout();
    out.write_all(format!("{}\n", listener.local_addr()?).as_bytes()).await?;
    out.flush().await?;
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            let mut end = [0];
            tokio::select! {
                failed = accept(listener) => match failed? {},
                _ = async { tokio::io::stdin().read(&mut end).await } => Ok(()),
            }
        })
        .await
}

async fn accept(listener: TcpListener) -> io::Result<Infallible> {
    let answers = Rc::new(Answers::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(converse(stream, Rc::clone(&answers)));
    }
}

/// Answers until the client leaves. An error is a client that left, which is how every run ends.
async fn converse(mut stream: TcpStream, answers: Rc<Answers>) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let head_end = loop {
            if let Some(end) = memmem::find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
        buffer.advance(head_end);
        let length = value(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        skip(&mut stream, &mut buffer, length).await?;
        match value(&head, "x-bench") {
            Some("burst") => write_all(&mut stream, [&answers.head].into_iter().chain(&answers.burst)).await?,
            Some("paced") => paced(&mut stream, &answers).await?,
            Some("open") => return open(&mut stream, &answers).await,
            _ => stream.write_all(&answers.whole).await?,
        }
    }
}

fn value<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

/// Reads a body away without keeping more of it than a buffer.
async fn skip(stream: &mut TcpStream, buffer: &mut BytesMut, length: usize) -> io::Result<()> {
    let mut left = length;
    loop {
        let here = left.min(buffer.len());
        buffer.advance(here);
        left -= here;
        if left == 0 {
            return Ok(());
        }
        buffer.clear();
        buffer.reserve(16 * 1024);
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A write for each part, as a provider does that sends what its model just said.
async fn write_all<'b>(stream: &mut TcpStream, parts: impl IntoIterator<Item = &'b Bytes>) -> io::Result<()> {
    for part in parts {
        stream.write_all(part).await?;
    }
    Ok(())
}

async fn paced(stream: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    write_all(stream, [&answers.head].into_iter().chain(&answers.opening)).await?;
    let mut ticks = tokio::time::interval(PACE);
    for _ in 0..EVENTS {
        ticks.tick().await;
        stream.write_all(&stamped()).await?;
    }
    write_all(stream, &answers.closing).await
}

async fn open(stream: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    write_all(stream, [&answers.head].into_iter().chain(&answers.opening)).await?;
    let mut ticks = tokio::time::interval(SLOW);
    let mut unexpected = [0];
    loop {
        tokio::select! {
            _ = ticks.tick() => stream.write_all(&stamped()).await?,
            _ = stream.read(&mut unexpected) => return Ok(()),
        }
    }
}

fn stamped() -> Bytes {
    let text = format!("{}{:0STAMP_DIGITS$}", String::from_utf8_lossy(STAMP), now().as_nanos());
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    replies::chunk(&replies::event("content_block_delta", &delta))
}

/// The time that both processes share.
pub(crate) fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
