//! One connection of the scripted upstream: read a request, play its reply, see whether the client is still there.
//!
//! The client is watched while a reply plays. That is the point of many tests: a gateway that lost its own client must
//! let go of its upstream, also before the first byte. A client that only shuts down its writing side counts as gone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::{End, Received, Reply, Shared, Step};
use crate::wire::{Body, Taken, malformed, take_head};

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndedBy {
    Client,
    Script,
}

/// Serves one connection to its end and writes the end into the log.
pub(super) async fn serve(mut stream: TcpStream, number: u64, shared: Arc<Shared>) {
    // Without it the pieces of a slow reply would be glued together by the kernel.
    drop(stream.set_nodelay(true));
    let by = converse(&mut stream, number, &shared).await;
    drop(stream);
    shared.log.send_modify(|log| {
        log.ended += 1;
        log.ended_by_client += u64::from(by == EndedBy::Client);
    });
}

async fn converse(stream: &mut TcpStream, number: u64, shared: &Shared) -> EndedBy {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let (received, body_follows) = match read_request(stream, &mut buffer, number, shared).await {
            Ok(Some(received)) => received,
            Ok(None) => return EndedBy::Client,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return refuse(stream, &error).await,
            Err(_) => return EndedBy::Client,
        };
        let mut reply = shared.answer(received);
        if body_follows && reply.end == End::KeepAlive {
            reply.end = End::Close;
        }
        if let Some(by) = play(stream, &mut buffer, &reply).await {
            return by;
        }
    }
}

/// Reads one request, or only its head when the script answers at the head; `None` when the client left.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    connection: u64,
    shared: &Shared,
) -> io::Result<Option<(Received, bool)>> {
    let head = loop {
        if let Some(head) = take_head(buffer)? {
            break head;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let mut body = Body::announced_by(&head, Body::Length(0))?;
    let mut line = head.first_line.split(' ');
    let (Some(method), Some(path)) = (line.next(), line.next()) else {
        return Err(malformed(format!("no request line: {:?}", head.first_line)));
    };
    let mut received = Received {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        connection,
    };
    received.headers = head.headers;
    if shared.script().at_head {
        return Ok(Some((received, !matches!(body, Body::Length(0)))));
    }
    let mut whole = BytesMut::new();
    loop {
        match body.take(buffer)? {
            Taken::Data(data) => whole.extend_from_slice(&data),
            Taken::End => break,
            Taken::NeedsMore => {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
        }
    }
    received.body = whole.freeze();
    Ok(Some((received, false)))
}

/// Tells a client that does not speak HTTP/1.1 what is wrong, so that a broken test explains itself.
async fn refuse(stream: &mut TcpStream, error: &io::Error) -> EndedBy {
    let text = format!("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nnot HTTP/1.1: {error}\n");
    drop(stream.write_all(text.as_bytes()).await);
    EndedBy::Script
}

/// Plays a reply; `None` when the connection is kept.
async fn play(stream: &mut TcpStream, buffer: &mut BytesMut, reply: &Reply) -> Option<EndedBy> {
    {
        let (mut reader, mut writer) = stream.split();
        let played = tokio::select! {
            played = run(&mut writer, &reply.steps) => played,
            () = gone(&mut reader, buffer) => return Some(EndedBy::Client),
        };
        if played.is_err() {
            return Some(EndedBy::Client);
        }
        if reply.end == End::Stall {
            gone(&mut reader, buffer).await;
            return Some(EndedBy::Client);
        }
    }
    match reply.end {
        End::KeepAlive => return None,
        End::Close => drop(stream.shutdown().await),
        // Both fail only on a socket that has no peer any more.
        End::Reset => drop(stream.set_zero_linger()),
        End::Stall => {}
    }
    Some(EndedBy::Script)
}

/// Returns when the client has left. What it sends meanwhile is kept for the next request.
async fn gone(reader: &mut ReadHalf<'_>, buffer: &mut BytesMut) {
    while matches!(reader.read_buf(buffer).await, Ok(1..)) {}
}

async fn run(writer: &mut WriteHalf<'_>, steps: &[Step]) -> io::Result<()> {
    for step in steps {
        match step {
            Step::Write(bytes) => writer.write_all(bytes).await?,
            Step::WriteSlowly { bytes, piece, every } => write_slowly(writer, bytes, *piece, *every).await?,
            Step::Repeat { bytes, every } => loop {
                tokio::time::sleep(*every).await;
                writer.write_all(bytes).await?;
            },
            Step::Wait(pause) => tokio::time::sleep(*pause).await,
            Step::WaitFor(gate) => gate.pass().await,
        }
    }
    Ok(())
}

async fn write_slowly(writer: &mut WriteHalf<'_>, bytes: &Bytes, piece: usize, every: Duration) -> io::Result<()> {
    for part in bytes.chunks(piece.max(1)) {
        writer.write_all(part).await?;
        if every.is_zero() {
            // The reader gets its turn, so that it sees the pieces and not their sum.
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(every).await;
        }
    }
    Ok(())
}
