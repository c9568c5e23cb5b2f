//! Bytes that go down unseen: routes without failover, and answers too large to be held.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use qcc_policy::Failure;

use super::clock::Clock;
use super::source::Source;
use crate::body::Cut;
use crate::finish::{Charged, Exchange};
use crate::observe;

/// An answer on its way down.
pub(crate) struct Passage {
    source: Source,
    held: Option<Bytes>,
    clock: Clock,
    exchange: Exchange,
    charged: Charged,
}

impl Passage {
    pub(crate) fn new(source: Source, held: Bytes, clock: Clock, exchange: Exchange, charged: Charged) -> Self {
        Self { source, held: Some(held).filter(|held| !held.is_empty()), clock, exchange, charged }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.clock.resume();
        let chunk = loop {
            let chunk = ready!(self.poll_chunk(cx));
            self.clock.moved(true);
            if !matches!(&chunk, Some(Ok(bytes)) if bytes.is_empty()) {
                break chunk;
            }
        };
        Poll::Ready(chunk.map(|chunk| match chunk {
            Ok(bytes) => {
                self.clock.handed();
                self.exchange.note(|row| row.bytes_out += bytes.len() as u64);
                Ok(Frame::data(bytes))
            }
            Err((failure, what)) => {
                self.charged.broke(failure, &mut self.exchange);
                self.exchange.end("broken", Some(what));
                Err(Cut)
            }
        }))
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, (Failure, String)>>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Some(Ok(held)));
        }
        match self.source.poll_chunk(cx) {
            Poll::Ready(Some(chunk)) => Poll::Ready(Some(chunk.map_err(|error| (Failure::Truncated, error)))),
            Poll::Ready(None) => {
                self.charged.succeed(self.exchange.tokens());
                self.exchange.end("done", None);
                Poll::Ready(None)
            }
            Poll::Pending => {
                let phase = ready!(self.clock.poll_expired(cx));
                Poll::Ready(Some(Err((Failure::Timeout(phase), observe::timed_out(phase).to_owned()))))
            }
        }
    }
}
