//! Reads a whole answer before any of it goes down, and checks its form.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::response::Parts;
use qcc_dialect::answer::{Told, Wrong};
use qcc_dialect::asker::Asker;
use qcc_dialect::canon::Losses;
use qcc_dialect::translate::{Back, Brought, Thoughts};
use qcc_policy::Failure;

use super::stream::{gather, not_events};
use super::until::Until;
use super::{Fault, Good, MAX_ANSWER};
use crate::observe;
use crate::relay::source::Source;

/// An answer of the client's own dialect, or a count: it passes as it is.
pub(super) async fn whole(
    head: Parts,
    mut source: Source,
    until: Until,
    check: impl FnOnce(&[u8]) -> Result<Told, Wrong>,
) -> Result<Good, Fault> {
    let mut body = Bytes::new();
    while let Some(chunk) = until.wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
        let chunk =
            chunk.map_err(|error| Fault::failed(Failure::Truncated, format!("the answer broke off: {error}")))?;
        if body.is_empty() {
            body = chunk;
        } else {
            let mut joined = BytesMut::from(body);
            joined.extend_from_slice(&chunk);
            body = joined.freeze();
        }
        if body.len() > MAX_ANSWER {
            return Ok(Good::Large { head, held: body, source: Box::new(source) });
        }
    }
    match check(&body) {
        Ok(told) => Ok(Good::Whole { head, body, told, losses: Losses::new(), thoughts: Thoughts::new() }),
        Err(Wrong::Error(facts)) => Err(observe::in_band(&facts, head.headers, body)),
        Err(wrong) => Err(Fault::not_the_dialect(wrong.to_string())),
    }
}

/// An answer of another dialect, in one piece or as a stream.
pub(super) async fn brought_back(
    head: Parts,
    mut source: Source,
    until: Until,
    asker: Asker,
    back: &Back,
) -> Result<Good, Fault> {
    let written = if is_stream(&head.headers) {
        collected(&mut source, until, back).await?
    } else {
        let body = gather(&mut source, until, MAX_ANSWER).await?;
        if body.len() == MAX_ANSWER {
            return Err(Fault::not_the_dialect("the answer is too large to be translated"));
        }
        back.message(&body)
    };
    let Brought { body, losses, thoughts, told } = written.map_err(|wrong| said_wrongly(wrong, asker))?;
    let Told { stop_reason, .. } = asker.read_answer(&body).map_err(|wrong| said_wrongly(wrong, asker))?;
    let told = Told { stop_reason, ..told };
    Ok(Good::Whole { head, body, told, losses, thoughts })
}

fn is_stream(headers: &HeaderMap) -> bool {
    let media = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    not_events(headers).is_none() && media.is_some_and(|media| media.to_ascii_lowercase().contains("event-stream"))
}

/// Puts a stream together, for a client that wants an answer in one piece.
async fn collected(source: &mut Source, until: Until, back: &Back) -> Result<Result<Brought, Wrong>, Fault> {
    let mut collecting = back.collecting();
    while let Some(chunk) = until.wait(poll_fn(|cx| source.poll_chunk(cx))).await? {
        let chunk =
            chunk.map_err(|error| Fault::failed(Failure::Truncated, format!("the stream broke off: {error}")))?;
        collecting.push(chunk);
    }
    let written = collecting.finish();
    match written {
        Err(Wrong::NotJson) => Err(Fault::failed(Failure::Truncated, "the stream ended before the answer was whole")),
        written => Ok(written),
    }
}

/// What another dialect's provider said instead of an answer.
pub(super) fn said_wrongly(wrong: Wrong, asker: Asker) -> Fault {
    match wrong {
        Wrong::Error(facts) => observe::in_band_to(asker, &facts),
        wrong => Fault::not_the_dialect(wrong.to_string()),
    }
}
