//! Streams as bytes: they begin with proof, pass as they are between equal dialects, and end as their dialect ends what is
//! whole and what is not (DESIGN 3.5.8 and 3.5.9).

use bytes::Bytes;

use crate::book::{Ask, Ended, Exchange, Kind};
use crate::speech::{Dialect, Heard};

/// A larger event is passed on before its end is there.
const LARGE: usize = 200_000;

/// Not a byte goes down before the provider has shown that it works on it: with the first event that says something, of an
/// answer in one piece with all of it.
pub(super) fn begin_with_proof(number: usize, ask: &Ask, exchange: &Exchange) {
    let Some(answered) = ask.answered else { return };
    let proof = match (ask.kind, exchange.streams()) {
        (Kind::Stream, true) => {
            let says = |frame: &Bytes| frame.len() > LARGE || exchange.dialect.hear(frame).says_something();
            exchange.frames.iter().position(says).filter(|first| exchange.frames[*first].len() <= LARGE)
        }
        (_, true) => {
            assert!(exchange.is_terminal(), "ask {number} is answered before its stream has ended");
            None
        }
        (_, false) => Some(exchange.frames.len().saturating_sub(1)),
    };
    if let Some(proof) = proof {
        let shown = exchange.written.get(proof);
        assert!(shown.is_some_and(|shown| *shown < answered), "ask {number} is answered before there was proof");
    }
}

/// The provider's bytes up to the end of an event, then nothing or an end of the gateway's own.
pub(super) fn pass_as_they_are(number: usize, ask: &Ask, exchange: &Exchange) {
    let payload = exchange.payload();
    let same = payload.iter().zip(&ask.body).take_while(|(theirs, ours)| theirs == ours).count();
    let Some(added) = split(ask.dialect, exchange.sent(), &ask.body, same) else {
        // A client that left, or a break inside a large event, may end anywhere.
        let may = same == ask.body.len() && !ask.is_whole();
        assert!(may, "ask {number} hears other bytes after {same}");
        return;
    };
    let proven = added.is_empty() && ask.heard().says_something();
    let proven = proven || ask.dialect.hear(&ask.body[..same]).says_something();
    assert!(proven || ask.how() == Some(Ended::Left), "ask {number} hears a stream before any content");
    let whole = added.is_empty() && ask.heard().ends > 0;
    assert!(!whole || exchange.is_terminal(), "ask {number} takes a part for whole");
}

/// What follows the provider's own events, of those that it sent. `None`: the body does not part at the end of an event.
fn split<'a>(dialect: Dialect, frames: &[Bytes], body: &'a [u8], same: usize) -> Option<&'a [u8]> {
    let mut end = 0;
    let mut ends = vec![0];
    for frame in frames {
        end += frame.len();
        ends.push(end);
    }
    let last = ends.into_iter().rev().find(|end| *end <= same)?;
    let added = &body[last..];
    let starts: &[&[u8]] = match dialect {
        Dialect::Anthropic => &[b"event: error\n", b"event: message_", b"event: content_block_stop\n"],
        Dialect::Openai => &[b"data: {\"error\":"],
        Dialect::Responses => &[b"event: error\n"],
        Dialect::Gemini => &[],
    };
    let ours = starts.iter().any(|start| added.starts_with(start));
    (ours && added.ends_with(b"\n\n") || added.is_empty()).then_some(added)
}

/// Whether a client takes a stream for whole that ended so.
pub(super) fn seems_whole(ask: &Ask, heard: &Heard) -> bool {
    match ask.dialect {
        // A reason and the end of the body will do.
        Dialect::Openai => heard.ends > 0 || (heard.stopped.is_some() && heard.errors == 0 && ask.is_whole()),
        _ => heard.ends > 0,
    }
}

/// A stream that no client takes for whole ends as clients of its dialect need it.
pub(super) fn end_as_broken(number: usize, ask: &Ask, exchange: &Exchange, heard: &Heard) {
    if !ask.is_whole() {
        return;
    }
    match ask.dialect {
        Dialect::Anthropic => {
            assert!(heard.errors > 0, "ask {number} hears no end in a stream that ends in order");
            let kept = heard.blocks.iter().any(|block| block.over);
            assert!(kept, "ask {number}: a break in the first block ends in order");
        }
        Dialect::Responses => {
            let told = ask.body.windows(15).any(|window| window == b"response.failed");
            let failed = told && exchange.trouble.is_some();
            assert!(failed, "ask {number}: a break ends in order");
        }
        Dialect::Openai | Dialect::Gemini => unreachable!("ask {number}: a break ends in order"),
    }
}
