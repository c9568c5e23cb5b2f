//! Response bodies: either whole, or relayed while they arrive. One closed enum, so that the relay path needs no box and
//! no dynamic call per frame.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::relay::{Passage, Relay};

/// What goes down to the client.
pub(crate) enum Body {
    /// Known completely; `None` once it was taken.
    Whole(Option<Bytes>),
    /// A stream of events.
    Relay(Box<Relay>),
    /// Bytes that nobody looks at.
    Passage(Box<Passage>),
}

/// Tells hyper to end the message so that the client sees it was cut: an unterminated chunked body, or `RST_STREAM`.
#[derive(Debug, thiserror::Error)]
#[error("the upstream's answer broke off; the connection is cut so that it cannot be taken for whole")]
pub(crate) struct Cut;

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Relay(relay) => relay.poll_frame(cx),
            Self::Passage(passage) => passage.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Relay(_) | Self::Passage(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relay(_) | Self::Passage(_) => SizeHint::default(),
        }
    }
}
