//! Sockets that are read in sips. hyper doubles its read buffer whenever a read fills it and never gives it back, so that
//! every open stream would keep what a large body once made of it. A read that brings less than twice the buffer's first
//! size leaves it at that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;

/// hyper's first read buffer, bytes.
const FIRST: u64 = 8 * 1024;

/// One byte less than what would make hyper double a buffer of 8 KiB.
pub(crate) const SMALL: u64 = FIRST - 1;

/// One byte less than what would make hyper double a buffer of 16 KiB.
pub(crate) const LARGE: u64 = 2 * FIRST - 1;

/// A socket that is read in pieces of a limited size.
pub(crate) struct Sipping {
    io: Take<TcpStream>,
    limit: u64,
}

impl Sipping {
    pub(crate) fn new(stream: TcpStream, limit: u64) -> Self {
        Self { io: stream.take(limit), limit }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(self.get_mut().io.get_mut())
    }
}

impl AsyncRead for Sipping {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let limit = self.limit;
        self.io.set_limit(limit);
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Sipping {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bufs)
    }
}
