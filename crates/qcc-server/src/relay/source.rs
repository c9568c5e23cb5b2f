//! An upstream's answer as it arrives: undone of its compression, ready to be cut into events and watched.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use qcc_dialect::answer::Told;
use qcc_dialect::canon::Losses;
use qcc_dialect::error::ErrorFacts;
use qcc_dialect::sse::Splitter;
use qcc_dialect::translate::{Brought, StreamBack, Thoughts};
use qcc_dialect::watch::Watcher;
use tokio::sync::OwnedSemaphorePermit;

use crate::upstream::connect::causes;
use crate::upstream::decode::Decoder;
use crate::upstream::pool::Answer;

/// What is left of an answer. Dropped, it ends the upstream's request.
pub(crate) struct Source {
    body: Incoming,
    pub(crate) splitter: Splitter,
    pub(crate) watcher: Watcher,
    /// Brings what arrives into the client's dialect, where the provider speaks another one.
    back: Option<Box<StreamBack>>,
    /// What is known of an answer that was brought back already.
    brought: Option<Box<Known>>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// What is known of an answer that came in one piece.
struct Known {
    losses: Losses,
    thoughts: Thoughts,
    told: Told,
}

/// Where the bytes come from.
enum Incoming {
    Upstream {
        body: Answer,
        decoder: Decoder,
    },
    /// They are here already; empty: no more.
    Here(Bytes),
}

impl Source {
    /// `Err` names a compression that we do not know.
    pub(crate) fn new(
        headers: &HeaderMap,
        body: Answer,
        permit: Option<OwnedSemaphorePermit>,
        watcher: Watcher,
    ) -> Result<Self, String> {
        let body = Incoming::Upstream { body, decoder: Decoder::of(headers)? };
        let splitter = Splitter::holding(watcher.longest_event());
        Ok(Self { body, splitter, watcher, back: None, brought: None, _permit: permit })
    }

    /// From here on the bytes are those of the client's dialect.
    pub(crate) fn brought_back(&mut self, back: StreamBack) {
        self.back = Some(Box::new(back));
    }

    /// From here on these are all the bytes.
    pub(crate) fn is_now(&mut self, brought: Brought) {
        let Brought { body, losses, thoughts, told } = brought;
        self.body = Incoming::Here(body);
        self.brought = Some(Box::new(Known { losses, thoughts, told }));
    }

    /// Whether its bytes are ours: they were in another dialect.
    pub(crate) fn is_translated(&self) -> bool {
        self.back.is_some() || self.brought.is_some()
    }

    /// What is known of the answer so far.
    pub(crate) fn told(&self) -> Told {
        let watcher = &self.watcher;
        let stop_reason = watcher.stop_reason().map(str::to_owned);
        let known = self.brought.as_ref().map(|known| known.told.clone());
        match known.or_else(|| self.back.as_ref().map(|back| back.told())) {
            Some(told) => Told { stop_reason, ..told },
            None => Told { id: watcher.message_id().map(str::to_owned), usage: watcher.usage(), stop_reason },
        }
    }

    /// What could not be carried of the answer so far, where it is of another dialect.
    pub(crate) fn losses(&self) -> Option<Losses> {
        let known = self.brought.as_ref().map(|known| known.losses.clone());
        known.or_else(|| self.back.as_ref().map(|back| back.losses())).filter(|losses| !losses.is_empty())
    }

    /// The error that a provider of another dialect reported, as it meant it.
    pub(crate) fn fault(&self) -> Option<&ErrorFacts> {
        self.back.as_ref()?.fault()
    }

    /// What was thought in the answer and has to be put back when the conversation goes on. It is told once.
    pub(crate) fn thoughts(&mut self) -> Thoughts {
        let known = self.brought.as_mut().map(|known| std::mem::take(&mut known.thoughts));
        known.or_else(|| self.back.as_mut().map(|back| back.thoughts())).unwrap_or_default()
    }

    /// The next bytes; `None` at the end as the transport sees it; an error in words. None at all where something came that
    /// says nothing yet in the client's dialect: the provider is not silent.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        let Some(chunk) = ready!(self.body.poll_chunk(cx)) else {
            let rest = self.back.as_mut().map(|back| back.finish()).filter(|rest| !rest.is_empty());
            return Poll::Ready(rest.map(Ok));
        };
        let bytes = match (chunk, &mut self.back) {
            (Ok(plain), Some(back)) if !plain.is_empty() => Ok(back.push(plain)),
            (chunk, _) => chunk,
        };
        Poll::Ready(Some(bytes))
    }
}

impl Incoming {
    /// The next bytes, undone of their compression; may be empty.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        let (body, decoder) = match self {
            Self::Upstream { body, decoder } => (body, decoder),
            Self::Here(bytes) => {
                let bytes = Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty());
                return Poll::Ready(bytes.map(Ok));
            }
        };
        let Some(frame) = ready!(Pin::new(body).poll_frame(cx)) else { return Poll::Ready(None) };
        let chunk = match frame {
            Err(error) => return Poll::Ready(Some(Err(causes(&error)))),
            // Trailers say nothing that a client of this API reads.
            Ok(frame) => frame.into_data().unwrap_or_default(),
        };
        let plain = decoder.push(chunk).map_err(|error| format!("cannot be decompressed: {error}"));
        Poll::Ready(Some(plain))
    }
}
