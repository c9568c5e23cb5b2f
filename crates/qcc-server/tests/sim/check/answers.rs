//! What clients hear: the answer of a provider that they hear of, byte for byte between equal dialects; or the gateway's
//! own word; and no secret in either.

use super::{is_heard, streams, words};
use crate::book::{Ask, Book, Exchange, Kind};
use crate::setting::Credential;
use crate::speech::Dialect;
use qcc_testkit::sse;

/// Statuses that the gateway may give by itself to requests of models.
const OWN: [u16; 4] = [200, 403, 429, 503];

/// The answer is that of the provider that it names, or the gateway's own.
pub(super) fn is_true(book: &Book, number: usize, ask: &Ask) {
    if ask.answered.is_none() {
        return;
    }
    let Some(exchange) = answering(book, number, ask) else {
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
        return is_a_refusal(number, ask, exchange);
    }
    streams::begin_with_proof(number, ask, exchange);
    match ask.kind {
        Kind::Count => is_a_count(number, ask, exchange),
        Kind::Message if exchange.is_of(ask) => is_the_same(number, ask, exchange),
        Kind::Stream if exchange.is_of(ask) => streams::pass_as_they_are(number, ask, exchange),
        Kind::Message | Kind::Stream => {}
    }
    if ask.kind != Kind::Count {
        words::are_those_of_one_attempt(number, ask, exchange);
    }
}

/// The attempt that answered. A refusal in another dialect has no headers of its provider, whom the gateway names then.
pub(super) fn answering<'b>(book: &'b Book, number: usize, ask: &Ask) -> Option<&'b Exchange> {
    if let Some(named) = ask.header("x-sim-exchange") {
        return Some(&book.exchanges[named.parse::<usize>().expect("a provider's own number")]);
    }
    let name = ask.header("x-qcc-provider")?;
    let asked = |one: &&Exchange| one.ask == number && format!("p{}", one.provider) == name;
    book.exchanges.iter().rev().find(asked)
}

/// Byte for byte, or the beginning of it where its client left.
fn is_the_same(number: usize, ask: &Ask, exchange: &Exchange) {
    let payload = exchange.payload();
    assert!(payload.starts_with(&ask.body), "ask {number} hears other bytes");
    let clean = ask.is_whole();
    assert!(!clean || payload.len() == ask.body.len(), "ask {number} hears a part");
    assert!(!clean || exchange.whole, "ask {number} takes a part for whole");
}

fn is_a_count(number: usize, ask: &Ask, exchange: &Exchange) {
    if exchange.is_of(ask) {
        return is_the_same(number, ask, exchange);
    }
    let told: serde_json::Value = serde_json::from_slice(&exchange.payload()).unwrap_or_default();
    let tokens = ["input_tokens", "totalTokens"].iter().find_map(|name| told[name].as_u64());
    let expected = Dialect::Anthropic.count(tokens.unwrap_or_default() as usize).to_string();
    assert!(!ask.is_whole() || ask.body == expected.as_bytes(), "ask {number} hears another count than {expected}");
    assert!(!ask.is_whole() || exchange.whole, "ask {number} takes a part for whole");
}

/// Byte for byte; of an error within a 200, its data. In another dialect: in that one's shape, in the provider's words, but
/// for the credential.
fn is_a_refusal(number: usize, ask: &Ask, exchange: &Exchange) {
    if !is_heard(ask) {
        return;
    }
    let payload = exchange.payload();
    if exchange.is_of(ask) {
        let data = sse::events(&payload);
        let same = payload == ask.body || data.iter().any(|event| event.data.as_bytes() == &ask.body[..]);
        assert!(same, "ask {number} hears a refusal in other words");
        return;
    }
    let text = String::from_utf8_lossy(&ask.body);
    assert!(ask.dialect.is_error(&ask.body), "ask {number} hears a refusal in another dialect: {text}");
    assert!(text.contains("no to exchange"), "ask {number} does not hear why: {text}");
    assert!(!text.contains("sk-"), "ask {number} hears a secret: {text}");
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
    if ask.status != 200 && is_heard(ask) {
        assert!(text.contains(id), "ask {number}: {id} is not in {text}");
        assert!(ask.dialect.is_error(&ask.body), "ask {number} hears an error of another dialect: {text}");
    }
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
