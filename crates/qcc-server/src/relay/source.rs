//! An upstream's answer as it arrives: undone of its compression, ready to be cut into events and watched.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use qcc_dialect::anthropic::stream::Watcher;
use qcc_dialect::sse::Splitter;
use tokio::sync::OwnedSemaphorePermit;

use crate::upstream::connect::causes;
use crate::upstream::decode::Decoder;
use crate::upstream::pool::Answer;

/// What is left of an answer. Dropped, it ends the upstream's request.
pub(crate) struct Source {
    body: Answer,
    decoder: Decoder,
    pub(crate) splitter: Splitter,
    pub(crate) watcher: Watcher,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Source {
    /// `Err` names a compression that we do not know.
    pub(crate) fn new(headers: &HeaderMap, body: Answer, permit: Option<OwnedSemaphorePermit>) -> Result<Self, String> {
        let decoder = Decoder::of(headers)?;
        Ok(Self { body, decoder, splitter: Splitter::new(), watcher: Watcher::new(), _permit: permit })
    }

    /// The next bytes, never empty; `None` at the end as the transport sees it; an error in words.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else { return Poll::Ready(None) };
            let chunk = match frame {
                Err(error) => return Poll::Ready(Some(Err(causes(&error)))),
                // Trailers say nothing that a client of this API reads.
                Ok(frame) => frame.into_data().unwrap_or_default(),
            };
            match self.decoder.push(chunk) {
                Err(error) => return Poll::Ready(Some(Err(format!("cannot be decompressed: {error}")))),
                Ok(plain) if plain.is_empty() => {}
                Ok(plain) => return Poll::Ready(Some(Ok(plain))),
            }
        }
    }
}
