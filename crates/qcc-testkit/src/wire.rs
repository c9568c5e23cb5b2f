//! HTTP/1.1 as both ends read it: heads and bodies out of a buffer, without I/O.
//!
//! Header names keep their case and order, because what was sent is what a test wants to see. Only the framing that
//! real peers use is understood: `content-length`, `chunked`, and an answer that ends with its connection.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// A larger head is a mistake of the test, not a case to serve.
const MAX_HEAD: usize = 256 * 1024;

/// Longest accepted chunk size line, extensions included.
const MAX_SIZE_LINE: usize = 256;

/// The first line and the headers, as they came.
#[derive(Debug, Clone)]
pub struct Head {
    /// The request line, or the status line.
    pub first_line: String,
    /// Names and values in order, names in their case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The first value of `name` in `headers`; the case of the name does not matter.
#[must_use]
pub fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// An error about bytes that are not HTTP/1.1.
#[must_use]
pub fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Takes a head off the buffer once it is whole.
///
/// # Errors
/// `InvalidData` when the head is too large or a header line has no colon.
pub fn take_head(buffer: &mut BytesMut) -> io::Result<Option<Head>> {
    let Some(end) = memmem::find(buffer, b"\r\n\r\n") else {
        if buffer.len() > MAX_HEAD {
            return Err(malformed(format!("no end of the head within {MAX_HEAD} bytes")));
        }
        return Ok(None);
    };
    let raw = buffer.split_to(end + 4);
    let text = String::from_utf8_lossy(&raw[..end]);
    let mut lines = text.split("\r\n");
    let first_line = lines.next().unwrap_or_default().to_owned();
    let headers = lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.to_owned(), value.trim().to_owned())),
            None => Err(malformed(format!("a header line without a colon: {line:?}"))),
        })
        .collect::<io::Result<_>>()?;
    Ok(Some(Head { first_line, headers }))
}

/// How the end of a body is known, and how far it has been read.
#[derive(Debug)]
pub enum Body {
    /// So many bytes are left.
    Length(u64),
    /// Chunks, and the final one ends it.
    Chunked(Chunk),
    /// Whatever comes until the connection closes.
    UntilClose,
}

/// Where in a chunked body the reader stands.
#[derive(Debug)]
pub enum Chunk {
    /// Before a size line.
    Size,
    /// So many bytes of the chunk are left.
    Data(u64),
    /// Before the line end after a chunk.
    DataEnd,
    /// After the final chunk.
    Trailer,
    /// At the end.
    Done,
}

/// What the next look at the buffer gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Some of the body. Never crosses a chunk boundary.
    Data(Bytes),
    /// The rest has not arrived.
    NeedsMore,
    /// The body is whole.
    End,
}

impl Body {
    /// The framing that a head announces; `without` is what no framing header means: an empty body for a request, a
    /// body until close for an answer.
    ///
    /// # Errors
    /// `InvalidData` when `content-length` is no number.
    pub fn announced_by(head: &Head, without: Self) -> io::Result<Self> {
        if head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Ok(Self::Chunked(Chunk::Size));
        }
        match head.header("content-length") {
            Some(value) => match value.parse() {
                Ok(length) => Ok(Self::Length(length)),
                Err(_) => Err(malformed(format!("content-length is no number: {value:?}"))),
            },
            None => Ok(without),
        }
    }

    /// Takes what the buffer holds of this body.
    ///
    /// # Errors
    /// `InvalidData` when a chunk is not framed as RFC 9112 section 7.1 says.
    pub fn take(&mut self, buffer: &mut BytesMut) -> io::Result<Taken> {
        match self {
            Self::Length(0) => Ok(Taken::End),
            Self::Length(left) => Ok(take_up_to(left, buffer)),
            Self::UntilClose if buffer.is_empty() => Ok(Taken::NeedsMore),
            Self::UntilClose => Ok(Taken::Data(buffer.split().freeze())),
            Self::Chunked(chunk) => take_chunk(chunk, buffer),
        }
    }
}

fn take_up_to(left: &mut u64, buffer: &mut BytesMut) -> Taken {
    if buffer.is_empty() {
        return Taken::NeedsMore;
    }
    let size = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
    *left -= size as u64;
    Taken::Data(buffer.split_to(size).freeze())
}

fn take_chunk(chunk: &mut Chunk, buffer: &mut BytesMut) -> io::Result<Taken> {
    loop {
        match chunk {
            Chunk::Size => {
                let Some(line) = take_line(buffer, MAX_SIZE_LINE)? else { return Ok(Taken::NeedsMore) };
                *chunk = match chunk_size(&line)? {
                    0 => Chunk::Trailer,
                    size => Chunk::Data(size),
                };
            }
            Chunk::Data(0) => *chunk = Chunk::DataEnd,
            Chunk::Data(left) => return Ok(take_up_to(left, buffer)),
            Chunk::DataEnd => {
                if buffer.len() < 2 {
                    return Ok(Taken::NeedsMore);
                }
                if !buffer.starts_with(b"\r\n") {
                    return Err(malformed("a chunk is longer than its size line says"));
                }
                buffer.advance(2);
                *chunk = Chunk::Size;
            }
            Chunk::Trailer => {
                let Some(line) = take_line(buffer, MAX_HEAD)? else { return Ok(Taken::NeedsMore) };
                if line.is_empty() {
                    *chunk = Chunk::Done;
                }
            }
            Chunk::Done => return Ok(Taken::End),
        }
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let text = String::from_utf8_lossy(line);
    let digits = text.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(digits, 16).map_err(|_| malformed(format!("a chunk size that is no hex number: {text:?}")))
}

fn take_line(buffer: &mut BytesMut, limit: usize) -> io::Result<Option<BytesMut>> {
    let Some(end) = memmem::find(buffer, b"\r\n") else {
        if buffer.len() > limit {
            return Err(malformed(format!("no end of line within {limit} bytes")));
        }
        return Ok(None);
    };
    let line = buffer.split_to(end);
    buffer.advance(2);
    Ok(Some(line))
}

/// The reason phrase that usually goes with a status.
#[must_use]
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Site Overloaded",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests;
