//! What clients hear: the bytes of the provider, an end that tells the truth, no secret.

use memchr::memmem;
use qcc_testkit::sse;

use super::is_heard;
use crate::book::{Ask, Book, Ended, Exchange, Kind};
use crate::setting::Credential;

/// Statuses that the gateway may give by itself to requests of models.
const OWN: [u16; 4] = [200, 403, 429, 503];

/// The answer is that of the provider that it names, byte for byte, or the gateway's own.
pub(super) fn is_true(book: &Book, number: usize, ask: &Ask) {
    if ask.answered.is_none() {
        return;
    }
    let named = ask.header("x-sim-exchange").and_then(|text| text.parse::<usize>().ok());
    let Some(exchange) = named.map(|number| &book.exchanges[number]) else {
        return is_our_own(number, ask);
    };
    assert_eq!(exchange.ask, number, "ask {number} hears the answer to another");
    let provider = &book.setting_at(exchange.began.at).providers[exchange.provider];
    let pooled = provider.credential != Credential::Passthrough;
    let limits = ask.headers.iter().find(|(name, _)| name.contains("ratelimit") || name == "retry-after");
    assert!(!pooled || limits.is_none(), "ask {number} hears of our limits: {limits:?}");
    if ask.status != 200 {
        let allowed =
            matches!(ask.status, 400 | 404 | 413 | 418 | 422) || (!pooled && matches!(ask.status, 401..=403 | 429));
        assert!(allowed, "ask {number} hears {} of a provider", ask.status);
        assert!(!is_heard(ask) || is_same(ask, exchange), "ask {number} hears a refusal in other words");
        return;
    }
    match ask.kind {
        Kind::Stream => is_a_true_stream(number, ask, exchange),
        Kind::Message | Kind::Count => {
            let payload = exchange.payload();
            assert!(payload.starts_with(&ask.body), "ask {number} hears other bytes");
            assert!(ask.how() != Some(Ended::Clean) || payload.len() == ask.body.len(), "ask {number} hears a part");
            assert!(ask.how() != Some(Ended::Clean) || exchange.whole, "ask {number} takes a part for whole");
        }
    }
}

/// Byte for byte; of an error within a 200, its data.
fn is_same(ask: &Ask, exchange: &Exchange) -> bool {
    let payload = exchange.payload();
    payload == ask.body || sse::events(&payload).iter().any(|event| event.data.as_bytes() == &ask.body[..])
}

fn is_our_own(number: usize, ask: &Ask) {
    assert!(OWN.contains(&ask.status), "ask {number} hears {} of the gateway", ask.status);
    assert!(ask.status != 200 || ask.kind == Kind::Count, "ask {number} hears an invented answer");
    let text = String::from_utf8_lossy(&ask.body);
    assert!(!text.contains("overloaded_error"), "ask {number} hears the word that ends all tries");
    assert!(!text.contains("sk-"), "ask {number} hears a secret: {text}");
    let wait = ask.header("retry-after").map_or(0, |text| text.parse().unwrap_or(u64::MAX));
    assert!(wait <= 30, "ask {number} is told to wait {wait} s");
    let id = ask.header("x-qcc-request-id").expect("every answer has an id");
    assert!(ask.status == 200 || !is_heard(ask) || text.contains(id), "ask {number}: {id} is not in {text}");
}

/// The provider's bytes up to the end of an event, then nothing or an end of the gateway's own; and the end is true.
fn is_a_true_stream(number: usize, ask: &Ask, exchange: &Exchange) {
    let payload = exchange.payload();
    let same = payload.iter().zip(&ask.body).take_while(|(theirs, ours)| theirs == ours).count();
    let added = split(&exchange.frames, &ask.body, same);
    let Some(added) = added else {
        // A client that left, or a break inside a large event, may end anywhere.
        assert!(
            same == ask.body.len() && ask.how() != Some(Ended::Clean),
            "ask {number} hears other bytes after {same}"
        );
        return;
    };
    let shown = [&b"event: content_block_delta"[..], b"\"tool_use\""];
    let proven = shown.iter().any(|sign| memmem::find(&ask.body[..same], sign).is_some());
    assert!(proven || ask.how() == Some(Ended::Left), "ask {number} hears a stream before any content");
    let names = sse::names(&ask.body);
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    let (stops, errors) = (count("message_stop"), count("error"));
    // The provider's own error after a call is passed on, and the message is closed for the call (DESIGN 3.5.9).
    let closed_after = stops == 1 && !added.is_empty() && memmem::find(&payload, b"event: error").is_some();
    assert!(stops <= 1 && errors <= 1, "ask {number} hears several ends: {names:?}");
    assert!(stops + errors <= 1 || closed_after, "ask {number} hears two ends: {names:?}");
    if ask.how() != Some(Ended::Clean) {
        return;
    }
    assert!(stops + errors > 0, "ask {number} hears no end in a stream that ends in order");
    let stopped = stops > 0;
    let blocks = count("content_block_stop");
    let called = memmem::rfind(&ask.body, b"\"type\":\"tool_use\"").is_some();
    if stopped && added.is_empty() {
        assert!(exchange.whole || payload.len() == same, "ask {number} takes a part for whole");
    } else if stopped {
        assert!(called && blocks > 0, "ask {number}: an unfinished answer is closed as whole");
    } else {
        assert!(blocks > 0, "ask {number}: a break in the first block ends in order");
    }
}

/// What follows the provider's own events. `None`: the body does not part at the end of an event.
fn split<'a>(frames: &[bytes::Bytes], body: &'a [u8], same: usize) -> Option<&'a [u8]> {
    let mut end = 0;
    let mut ends = vec![0];
    for frame in frames {
        end += frame.len();
        ends.push(end);
    }
    let last = ends.into_iter().rev().find(|end| *end <= same)?;
    let added = &body[last..];
    let ours = added.is_empty()
        || [&b"event: error\n"[..], b"event: message_", b"event: content_block_stop\n"]
            .iter()
            .any(|start| added.starts_with(start));
    (ours && added.ends_with(b"\n\n") || added.is_empty()).then_some(added)
}

/// No line of the log and no row shows a credential.
pub(super) fn no_secret_is_told(book: &Book) {
    for line in &book.lines {
        assert!(!line.event.to_string().contains("sk-"), "the log shows a secret: {}", line.event);
    }
    for row in &book.rows {
        let text = serde_json::to_string(row).expect("a row is data");
        assert!(!text.contains("sk-"), "a row shows a secret: {text}");
    }
}
