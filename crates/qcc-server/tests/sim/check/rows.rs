//! What the store keeps of requests: whom they were put to and in which words, what was counted, why it stopped, and whom
//! it blames for what went wrong.

use qcc_store::RequestRow;

use super::words::counted;
use super::{answers, is_heard};
use crate::book::{Ask, Book, Exchange, Kind};
use crate::setting::Credential;
use crate::speech::{Dialect, Said, Stopped};

/// The row of a request says what it was.
pub(super) fn are_true(book: &Book, number: usize, ask: &Ask) {
    let Some(row) = book.row_of(ask).map(|row| &row.request) else { return };
    assert_eq!(row.dialect_down, ask.dialect.name(), "the row of ask {number}");
    assert_eq!((&*row.model, row.streaming), (&*ask.print.model, ask.kind == Kind::Stream), "the row of ask {number}");
    assert!(!is_heard(ask) || row.status == ask.status, "ask {number} hears {} and not {}", ask.status, row.status);
    if let Some(provider) = &row.provider {
        let speaks = |one: &&crate::setting::Provider| one.name() == *provider;
        let known = book.setting().providers.iter().find(speaks).map(|one| one.dialect.name());
        assert_eq!(row.dialect_up.as_deref(), known, "the row of ask {number}: what {provider} speaks");
    }
    if row.verdict == "done"
        && ask.kind != Kind::Count
        && let Some(exchange) = answers::answering(book, number, ask)
    {
        tells_of_the_answer(number, ask, exchange, row);
    }
}

fn tells_of_the_answer(number: usize, ask: &Ask, exchange: &Exchange, row: &RequestRow) {
    let said = exchange.said.as_ref().expect("what counts as answered was said by somebody");
    assert_eq!(row.upstream_id.as_ref(), Some(&said.id), "the row of ask {number}: the provider's id");
    assert_eq!(row.stop_reason.as_deref(), Some(reason(ask, said)), "the row of ask {number}: why it stopped");
    let told = !exchange.streams() || said.counts;
    let expected = if told { counted(said.usage) } else { (None, None, None) };
    let kept = (row.input_tokens, row.cache_read_tokens, row.output_tokens);
    // With the mark at its end a stream may lack its counts.
    assert!(kept == expected || !exchange.whole, "the row of ask {number} has {kept:?} tokens, not {expected:?}");
}

/// Why it stopped, in the client's words.
fn reason(ask: &Ask, said: &Said) -> &'static str {
    match (said.stopped(), ask.dialect) {
        (Stopped::Itself, Dialect::Anthropic) => "end_turn",
        (Stopped::ForCalls, Dialect::Anthropic) => "tool_use",
        (Stopped::AtLimit, Dialect::Anthropic) => "max_tokens",
        (Stopped::Itself, Dialect::Openai) => "stop",
        (Stopped::ForCalls, Dialect::Openai) => "tool_calls",
        (Stopped::AtLimit, Dialect::Openai) => "length",
        (Stopped::AtLimit, _) => "max_output_tokens",
        (Stopped::Itself | Stopped::ForCalls, _) => "completed",
    }
}

/// What a provider complained of is blamed on what it complained of, at that provider and no other.
pub(super) fn blame_whom_they_should(book: &Book, number: usize, ask: &Ask) {
    let Some(row) = book.row_of(ask).filter(|_| ask.kind != Kind::Count) else { return };
    for one in row.attempts.iter().filter(|one| one.outcome.is_try()) {
        let complaint = one.reason.as_deref().and_then(|reason| reason.split_once("no to exchange "));
        let Some(named) = complaint.and_then(|(_, rest)| rest.split(' ').next()?.parse::<usize>().ok()) else {
            continue;
        };
        let exchange = &book.exchanges[named];
        assert_eq!((exchange.ask, format!("p{}", exchange.provider)), (number, one.provider.clone()));
        let trouble = exchange.trouble.expect("who complains has trouble");
        let blamed = one.blame.as_deref();
        // Two that say the same of what nobody explains have judged the request.
        let judged = blamed == Some("request") && exchange.status == 418;
        assert!(judged || blamed == Some(trouble.blame()), "ask {number}: {trouble:?} is blamed on {blamed:?}");
    }
}

/// A provider with the client's own credential gets nothing but what is of the client's dialect.
pub(super) fn own_credentials_stay_in_their_dialect(book: &Book) {
    for exchange in &book.exchanges {
        let provider = &book.setting().providers[exchange.provider];
        let ask = &book.asks[exchange.ask];
        let may = provider.credential != Credential::Passthrough || exchange.is_of(ask);
        assert!(may, "ask {} takes its credential to {}", exchange.ask, provider.name());
    }
}
