//! Sockets that are read in sips. hyper doubles its read buffer whenever a read fills it and never gives it back, so that
//! every open stream would keep what a large body once made of it. A read that does not fill the buffer leaves it at its
//! first size.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;

/// Bytes that one read may bring: one less than what makes hyper double its first buffer of 8 KiB.
const SIP: u64 = 8 * 1024 - 1;

/// A socket that is read in pieces of a limited size.
pub(crate) struct Sipping<S = TcpStream> {
    io: Take<S>,
}

impl<S: AsyncRead + Unpin> Sipping<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { io: stream.take(SIP) }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut S> {
        Pin::new(self.get_mut().io.get_mut())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sipping<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io.set_limit(SIP);
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Sipping<S> {
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
        self.io.get_ref().is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bufs)
    }
}
