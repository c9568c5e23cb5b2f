//! An upstream's answer as it arrives: undone of its compression, ready to be cut into events and watched.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use qcc_dialect::anthropic::stream::Watcher;
use qcc_dialect::sse::Splitter;
use qcc_dialect::translate::StreamBack;
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
    /// Brings what arrives into the client's dialect, where the provider speaks another one.
    back: Option<Box<StreamBack>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Source {
    /// `Err` names a compression that we do not know.
    pub(crate) fn new(headers: &HeaderMap, body: Answer, permit: Option<OwnedSemaphorePermit>) -> Result<Self, String> {
        let decoder = Decoder::of(headers)?;
        Ok(Self { body, decoder, splitter: Splitter::new(), watcher: Watcher::new(), back: None, _permit: permit })
    }

    /// From here on the bytes are those of the client's dialect.
    pub(crate) fn brought_back(&mut self, back: StreamBack) {
        self.back = Some(Box::new(back));
    }

    /// The next bytes, never empty; `None` at the end as the transport sees it; an error in words.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                let rest = self.back.take().map(|mut back| back.finish()).filter(|rest| !rest.is_empty());
                return Poll::Ready(rest.map(Ok));
            };
            let chunk = match frame {
                Err(error) => return Poll::Ready(Some(Err(causes(&error)))),
                // Trailers say nothing that a client of this API reads.
                Ok(frame) => frame.into_data().unwrap_or_default(),
            };
            match self.decoder.push(chunk) {
                Err(error) => return Poll::Ready(Some(Err(format!("cannot be decompressed: {error}")))),
                Ok(plain) if plain.is_empty() => {}
                Ok(plain) => {
                    let bytes = match &mut self.back {
                        None => plain,
                        Some(back) => back.push(plain),
                    };
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }
}
