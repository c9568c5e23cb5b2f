//! A client that sees what libraries hide: every byte, and above all **how an answer ended**. A gateway that ends a
//! broken stream in order has lied to its client; only the framing tells.

mod request;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use request::Request;

use crate::sse;
use crate::wire::{Body, Head, Taken, header, malformed, take_head};

/// How long one read may take before the client gives up with `TimedOut`: a gateway that hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The final chunk came, or as many bytes as `content-length` said.
    Clean,
    /// The connection closed before that.
    Unterminated,
    /// The connection was reset.
    Reset,
    /// No framing was announced, and the connection closed: nobody can say whether it was whole.
    CloseDelimited,
}

/// A status line and headers.
#[derive(Debug, Clone)]
pub struct AnswerHead {
    /// The status code.
    pub status: u16,
    /// Names and values in order, names in their case.
    pub headers: Vec<(String, String)>,
}

impl AnswerHead {
    /// The first value of a header; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// A part of a body as it came: at most one chunk, less when the chunk came in several reads.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Since the request was sent.
    pub at: Duration,
    /// The bytes, without framing.
    pub bytes: Bytes,
}

/// A whole answer, or as much as came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values in order, names in their case.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Bytes,
    /// The same body in the parts in which it came.
    pub pieces: Vec<Piece>,
    /// How it ended.
    pub ended: Ended,
}

impl Answer {
    /// The first value of a header; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The names of the events of a streamed body, in order.
    #[must_use]
    pub fn event_names(&self) -> Vec<String> {
        sse::names(&self.body)
    }

    /// What the assistant says: the text of a streamed or of a whole Anthropic message.
    #[must_use]
    pub fn said(&self) -> String {
        match self.json()["content"].as_array() {
            Some(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
            None => sse::text(&self.body),
        }
    }
}

/// A connection to a server. Dropping it is leaving early.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    to: SocketAddr,
    buffer: BytesMut,
    /// A `HEAD` is answered without a body, whatever the headers say.
    bodiless: bool,
    sent: Instant,
    body: Option<Body>,
    ended: Option<Ended>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let buffer = BytesMut::with_capacity(16 * 1024);
        Ok(Self { stream, to, buffer, bodiless: false, sent: Instant::now(), body: None, ended: None })
    }

    /// Sends a whole request, head and body in one write.
    ///
    /// # Errors
    /// When the server closed the connection. An answer may have come all the same.
    pub async fn send(&mut self, request: &Request) -> io::Result<()> {
        self.send_encoded(&request.encoded(self.to), &request.method).await
    }

    /// Sends a request that is bytes already, for who sends the same one many times; see [`Request::encoded`].
    ///
    /// # Errors
    /// When the server closed the connection.
    pub async fn send_encoded(&mut self, bytes: &[u8], method: &str) -> io::Result<()> {
        self.begin(method);
        self.stream.write_all(bytes).await
    }

    /// Sends the head only, which announces the body of the request all the same.
    ///
    /// # Errors
    /// When the server closed the connection.
    pub async fn send_head(&mut self, request: &Request) -> io::Result<()> {
        self.begin(&request.method);
        self.stream.write_all(&request.head(self.to)).await
    }

    /// Sends these bytes as they are.
    ///
    /// # Errors
    /// When the server closed the connection.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads the head of the answer; interim answers (1xx) are passed over.
    ///
    /// # Errors
    /// `UnexpectedEof` when the connection closed instead, `ConnectionReset` when it was reset, `TimedOut` after 30 s,
    /// `InvalidData` when it is not HTTP/1.1.
    pub async fn receive_head(&mut self) -> io::Result<AnswerHead> {
        loop {
            let Some(head) = take_head(&mut self.buffer)? else {
                if self.fill().await? == 0 {
                    let what = "the connection was closed before an answer";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
                }
                continue;
            };
            let status = status_of(&head)?;
            if (100..200).contains(&status) {
                continue;
            }
            let bodiless = self.bodiless || status == 204 || status == 304;
            self.body = Some(if bodiless { Body::Length(0) } else { Body::announced_by(&head, Body::UntilClose)? });
            return Ok(AnswerHead { status, headers: head.headers });
        }
    }

    /// The next part of the body; `None` at its end, and [`Connection::ended`] then says how.
    ///
    /// # Errors
    /// `TimedOut` after 30 s without a byte, `InvalidData` when the chunks are malformed.
    pub async fn piece(&mut self) -> io::Result<Option<Piece>> {
        while self.ended.is_none() {
            let Some(body) = &mut self.body else { return Ok(None) };
            match body.take(&mut self.buffer)? {
                Taken::Data(bytes) => return Ok(Some(Piece { at: self.sent.elapsed(), bytes })),
                Taken::End => self.ended = Some(Ended::Clean),
                Taken::NeedsMore => {
                    let closed = match body {
                        Body::UntilClose => Ended::CloseDelimited,
                        Body::Length(_) | Body::Chunked(_) => Ended::Unterminated,
                    };
                    match self.fill().await {
                        Ok(0) => self.ended = Some(closed),
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                            self.ended = Some(Ended::Reset);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(None)
    }

    /// Reads body parts until `enough` says so about all the bytes read by this call; the end of the body is enough.
    ///
    /// # Errors
    /// As [`Connection::piece`].
    pub async fn read_until(&mut self, mut enough: impl FnMut(&[u8]) -> bool) -> io::Result<Bytes> {
        let mut read = BytesMut::new();
        while !enough(&read) {
            let Some(piece) = self.piece().await? else { break };
            read.extend_from_slice(&piece.bytes);
        }
        Ok(read.freeze())
    }

    /// How the answer ended; `None` while it has not.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Reads the whole answer.
    ///
    /// # Errors
    /// As [`Connection::receive_head`] and [`Connection::piece`]. A broken body is no error, see [`Answer::ended`].
    pub async fn receive(&mut self) -> io::Result<Answer> {
        let AnswerHead { status, headers } = self.receive_head().await?;
        self.rest(status, headers).await
    }

    /// Reads the rest of an answer whose head was read before.
    ///
    /// # Errors
    /// As [`Connection::piece`].
    pub async fn receive_rest(&mut self, head: AnswerHead) -> io::Result<Answer> {
        self.rest(head.status, head.headers).await
    }

    /// Leaves with a reset instead of an orderly close.
    pub fn leave_with_reset(self) {
        // Fails only on a socket that has no peer any more.
        drop(self.stream.set_zero_linger());
    }

    fn begin(&mut self, method: &str) {
        self.bodiless = method == "HEAD";
        self.sent = Instant::now();
        self.body = None;
        self.ended = None;
    }

    async fn rest(&mut self, status: u16, headers: Vec<(String, String)>) -> io::Result<Answer> {
        let mut pieces = Vec::new();
        let mut body = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece.bytes);
            pieces.push(piece);
        }
        let ended = self.ended.unwrap_or(Ended::Clean);
        Ok(Answer { status, headers, body: body.freeze(), pieces, ended })
    }

    async fn fill(&mut self) -> io::Result<usize> {
        match tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
            Ok(read) => read,
            Err(_) => {
                let what = format!("nothing came from {} for {} s", self.to, PATIENCE.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, what))
            }
        }
    }
}

/// Sends one request on a connection of its own and reads the whole answer.
///
/// # Errors
/// As [`Connection::open`] and [`Connection::receive`]. A server that answers before it has read everything and closes
/// is read all the same.
pub async fn exchange(to: SocketAddr, request: &Request) -> io::Result<Answer> {
    let mut connection = Connection::open(to).await?;
    let sent = connection.send(request).await;
    let answer = connection.receive().await;
    match (answer, sent) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
    }
}

fn status_of(head: &Head) -> io::Result<u16> {
    let code = head.first_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.ok_or_else(|| malformed(format!("no status line: {:?}", head.first_line)))
}
