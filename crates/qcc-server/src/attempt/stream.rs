//! Holds a stream back until it shows content, or turns out to be something else.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use qcc_dialect::answer::Wrong;
use qcc_dialect::asker::Asker;
use qcc_dialect::sse::fields;
use qcc_dialect::translate::Back;
use qcc_dialect::watch::Seen;
use qcc_policy::Failure;
use tokio::time::Instant;

use super::until::{Clocks, Until};
use super::whole::said_wrongly;
use super::{Fault, Good, MAX_ANSWER, MAX_ERROR};
use crate::observe;
use crate::relay::source::Source;

/// Bounds of the held preamble (DESIGN 3.4, promise 2). Past them the stream is committed without proof.
const MAX_HELD_EVENTS: usize = 64;
const MAX_HELD_BYTES: usize = 256 * 1024;

/// A stream was asked for. `back` where the provider speaks another dialect.
pub(super) async fn streamed(
    head: Parts,
    mut source: Source,
    clocks: Clocks,
    asker: Asker,
    back: Option<&Back>,
) -> Result<Good, Fault> {
    match (not_events(&head.headers), back) {
        (None, None) => {}
        (None, Some(back)) => source.brought_back(back.stream()),
        (Some(media), Some(back)) if media.contains("json") => {
            let body = gather(&mut source, clocks.until, MAX_ANSWER).await?;
            let written = back.message_as_stream(&body).map_err(|wrong| said_wrongly(wrong, asker))?;
            source.is_now(written);
        }
        (Some(media), _) => return Err(not_a_stream(head.headers, source, clocks.until, &media, asker).await),
    }
    first_event(head, source, clocks, asker).await
}

async fn first_event(head: Parts, mut source: Source, clocks: Clocks, asker: Asker) -> Result<Good, Fault> {
    let (mut held, mut bytes, mut events) = (Vec::new(), 0, 0);
    let mut last = None;
    loop {
        let chunk = match clocks.next(last).wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                return Err(Fault::failed(Failure::Truncated, format!("the stream broke before any content: {error}")));
            }
            None => return Err(ended_early(head.headers, source, bytes > 0, asker)),
        };
        last = Some(Instant::now());
        let batch = source.splitter.push(chunk);
        let mut proven = false;
        for event in batch.events() {
            events += 1;
            match source.watcher.observe(event) {
                Seen::Error(facts) => {
                    return Err(match source.fault() {
                        Some(meant) => observe::in_band_to(asker, meant),
                        None => observe::in_band(&facts, head.headers, Bytes::copy_from_slice(&fields(event).data)),
                    });
                }
                Seen::Malformed | Seen::NotSse => return Err(garbage(event)),
                Seen::Content => proven = true,
                Seen::Terminal if !proven => {
                    return Err(Fault::not_the_dialect("the stream ended as complete without any content"));
                }
                // Also after content: nothing has gone down yet.
                Seen::Unfinished => {
                    return Err(Fault::failed(Failure::Truncated, "the stream ended without saying why"));
                }
                Seen::Terminal | Seen::Progress | Seen::Idle => {}
            }
        }
        if let Some(start) = batch.oversized_head() {
            source.watcher.observe_oversized_head(start);
        }
        for piece in [batch.bytes, batch.part] {
            bytes += piece.len();
            if !piece.is_empty() {
                held.push(piece);
            }
        }
        if proven || events >= MAX_HELD_EVENTS || bytes >= MAX_HELD_BYTES {
            return Ok(Good::Stream { head, held, source: Box::new(source) });
        }
    }
}

/// The media type, when it says that these are no events. Relays are careless with it, so only HTML and JSON count.
pub(super) fn not_events(headers: &HeaderMap) -> Option<String> {
    let media = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    (media.starts_with("text/html") || media.contains("json")).then_some(media)
}

/// Reads a whole body; what goes beyond `most` bytes is left out.
///
/// # Errors
/// Where it does not end in time, or breaks off.
pub(super) async fn gather(source: &mut Source, until: Until, most: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = until.wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
        let chunk =
            chunk.map_err(|error| Fault::failed(Failure::Truncated, format!("the answer broke off: {error}")))?;
        body.extend_from_slice(&chunk[..chunk.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    Ok(body.freeze())
}

/// Reads as much of a body as comes in time, up to `most` bytes: whatever of it arrives is better than nothing.
pub(super) async fn gather_some(source: &mut Source, until: Until, most: usize) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(Ok(chunk))) = until.wait(poll_fn(|cx| source.poll_chunk(cx))).await {
        body.extend_from_slice(&chunk[..chunk.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    body.freeze()
}

/// HTML or JSON under a 200 where a stream was asked for: an error in disguise, or nonsense.
async fn not_a_stream(headers: HeaderMap, mut source: Source, until: Until, media: &str, asker: Asker) -> Fault {
    let body = gather_some(&mut source, until, MAX_ERROR).await;
    match asker.read_answer(&body) {
        Err(Wrong::Error(facts)) => observe::in_band(&facts, headers, body),
        _ => Fault::not_the_dialect(format!("a stream was asked for, the answer is {media}")),
    }
}

/// A stream that ended without content.
fn ended_early(headers: HeaderMap, source: Source, began: bool, asker: Asker) -> Fault {
    let rest = source.splitter.finish();
    if began {
        return Fault::failed(Failure::Truncated, "the stream ended before any content");
    }
    match asker.read_answer(&rest) {
        Err(Wrong::Error(facts)) => observe::in_band(&facts, headers, rest),
        _ if rest.is_empty() => Fault::not_the_dialect("the answer is empty"),
        _ => garbage(&rest),
    }
}

fn garbage(bytes: &[u8]) -> Fault {
    let kind = if qcc_dialect::error::looks_like_html(bytes) { "HTML" } else { "something else" };
    Fault::not_the_dialect(format!("{kind} where events should be"))
}
