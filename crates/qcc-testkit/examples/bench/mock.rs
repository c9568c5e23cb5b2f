//! The mock provider, in a process of its own. It reads a request, throws the body away and sends bytes that were built
//! before; what it does per request is little, so that the proxy is what is measured.
//!
//! The name that the client gives itself says which answer is wanted, and in which dialect: of all headers that is the one
//! that passes every proxy, also where it translates.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::answers::Answers;
use crate::ask::{Answer, Dialect};

/// The header that says what is to be answered: [`WISH`], a dialect, and a kind of answer.
pub(crate) const NAME: &str = "user-agent";

/// What its value begins with.
pub(crate) const WISH: &str = "bench ";

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
    let all = Rc::new([Dialect::Anthropic, Dialect::OpenAi].map(|dialect| (dialect.name(), Answers::new(dialect))));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(converse(stream, Rc::clone(&all)));
    }
}

/// Answers until the client leaves. An error is a client that left, which is how every run ends.
async fn converse(mut stream: TcpStream, all: Rc<[(&str, Answers); 2]>) -> io::Result<()> {
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
        let (dialect, wish) =
            value(&head, NAME).and_then(|name| name.strip_prefix(WISH)?.split_once(' ')).unwrap_or_default();
        // Whoever only asks whether the mock is there takes any answer.
        let answers = all.iter().find(|(name, _)| *name == dialect).map_or(&all[0].1, |(_, answers)| answers);
        match wish {
            _ if wish == Answer::Burst.name() => {
                write_all(&mut stream, [&answers.head].into_iter().chain(&answers.burst)).await?;
            }
            _ if wish == Answer::Paced.name() => paced(&mut stream, answers).await?,
            _ if wish == Answer::Open.name() => return open(&mut stream, answers).await,
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
        stream.write_all(&stamped(answers)).await?;
    }
    write_all(stream, &answers.closing).await
}

async fn open(stream: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    write_all(stream, [&answers.head].into_iter().chain(&answers.opening)).await?;
    let mut ticks = tokio::time::interval(SLOW);
    let mut unexpected = [0];
    loop {
        tokio::select! {
            _ = ticks.tick() => stream.write_all(&stamped(answers)).await?,
            _ = stream.read(&mut unexpected) => return Ok(()),
        }
    }
}

fn stamped(answers: &Answers) -> Bytes {
    answers.delta(&format!("{}{:0STAMP_DIGITS$}", String::from_utf8_lossy(STAMP), now().as_nanos()))
}

/// The time that both processes share.
pub(crate) fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
