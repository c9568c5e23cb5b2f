//! Bytes that go down unseen: routes without failover, and answers too large to be held.

use std::task::{Context, Poll};

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
        loop {
            let chunk = match self.held.take() {
                Some(held) => Ok(held),
                None => match self.source.poll_chunk(cx) {
                    Poll::Ready(Some(chunk)) => chunk.map_err(|error| (Failure::Truncated, error)),
                    Poll::Ready(None) => {
                        self.charged.succeed(self.exchange.tokens());
                        self.exchange.end("done", None);
                        return Poll::Ready(None);
                    }
                    Poll::Pending => match self.clock.poll_expired(cx) {
                        Poll::Ready(phase) => Err((Failure::Timeout(phase), observe::timed_out(phase).to_owned())),
                        Poll::Pending => return Poll::Pending,
                    },
                },
            };
            return Poll::Ready(Some(match chunk {
                Ok(bytes) => {
                    self.clock.moved(true);
                    if bytes.is_empty() {
                        continue;
                    }
                    self.clock.handed();
                    self.exchange.note(|row| row.bytes_out += bytes.len() as u64);
                    Ok(Frame::data(bytes))
                }
                Err((failure, what)) => {
                    self.charged.broke(failure, &mut self.exchange);
                    self.exchange.end("broken", Some(what));
                    Err(Cut)
                }
            }));
        }
    }
}
