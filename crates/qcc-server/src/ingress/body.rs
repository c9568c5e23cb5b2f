//! Reading a request body: once, into one piece of memory that all attempts share, within limits of size and time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::rescue::Refused;

/// A client that sends nothing for so long in the middle of a body has gone wrong; the server must not wait with it.
pub(crate) const BODY_IDLE: Duration = Duration::from_secs(30);

/// Room that a declared length is believed at once, bytes. A larger body earns more room by arriving.
const TRUSTED: usize = 1024 * 1024;

/// A body in memory, counted in the total until it is dropped.
#[derive(Debug)]
pub(crate) struct Buffered {
    pub(crate) bytes: Bytes,
    _counted: Counted,
}

/// All bytes of request bodies in memory.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    total: AtomicU64,
}

impl Buffers {
    /// Bytes that are held now.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Counted {
    buffers: Arc<Buffers>,
    size: u64,
}

impl Counted {
    fn grow(&mut self, by: u64, limit: u64) -> Result<(), Refused> {
        let before = self.buffers.total.fetch_add(by, Ordering::Relaxed);
        self.size += by;
        if limit > 0 && before + by > limit { Err(Refused::Full { limit }) } else { Ok(()) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.buffers.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Reads a body to its end. `max_body` and `max_buffered` are bytes, 0 for no limit.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    buffers: &Arc<Buffers>,
    max_body: u64,
    max_buffered: u64,
) -> Result<Buffered, Refused> {
    let limit = if max_body == 0 { u64::MAX } else { max_body };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(Refused::TooLarge { limit });
    }
    let mut counted = Counted { buffers: Arc::clone(buffers), size: 0 };
    let mut whole = BytesMut::new();
    let mut patience = pin!(sleep(BODY_IDLE));
    while let Some(frame) = next_frame(&mut body, patience.as_mut()).await? {
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() as u64 + data.len() as u64 > limit {
            return Err(Refused::TooLarge { limit });
        }
        counted.grow(data.len() as u64, max_buffered)?;
        if whole.is_empty() {
            let length = usize::try_from(declared.unwrap_or(0)).unwrap_or(TRUSTED);
            if data.len() == length {
                return Ok(Buffered { bytes: data, _counted: counted });
            }
            whole.reserve(length.min(TRUSTED));
        }
        whole.extend_from_slice(&data);
    }
    Ok(Buffered { bytes: whole.freeze(), _counted: counted })
}

/// The next frame, for as long as `BODY_IDLE`. The timer is touched only when there is something to wait for.
async fn next_frame(body: &mut Incoming, mut patience: Pin<&mut Sleep>) -> Result<Option<Frame<Bytes>>, Refused> {
    let mut waiting = false;
    poll_fn(|cx| {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
            // A client that has left hears nothing of it; one with wrong chunks is still there.
            return Poll::Ready(frame.transpose().map_err(|_| Refused::BodyBroken));
        }
        if !std::mem::replace(&mut waiting, true) {
            patience.as_mut().reset(Instant::now() + BODY_IDLE);
        }
        patience.as_mut().poll(cx).map(|()| Err(Refused::BodyStalled(BODY_IDLE)))
    })
    .await
}
