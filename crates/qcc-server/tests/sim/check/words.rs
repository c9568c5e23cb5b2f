//! What clients understand: the words of one attempt in their order, no part of them as if it were all, each call whole with
//! its arguments under the name that the client gave it, and the counts. The same for every pair of dialects.

use super::streams;
use crate::book::{Ask, Exchange, Kind};
use crate::speech::{Dialect, Heard, Said, Usage};

/// What is heard is what was said, as far as it goes; and the end of it is true.
pub(super) fn are_those_of_one_attempt(number: usize, ask: &Ask, exchange: &Exchange) {
    let said = exchange.said.as_ref().expect("what is heard was said by somebody");
    if ask.kind == Kind::Message && !ask.is_whole() {
        return;
    }
    let heard = ask.heard();
    let secret = !exchange.is_of(ask) && memchr::memmem::find(&ask.body, b"sk-").is_some();
    assert!(!secret, "ask {number} hears a secret");
    assert!(heard.wrong.is_empty(), "ask {number} hears what is no {}: {:?}", ask.dialect.name(), heard.wrong);
    let text = said.text();
    assert!(text.starts_with(&heard.text()), "ask {number} hears {:?} instead of {text:?}", heard.text());
    let thought = said.thought.clone().unwrap_or_default();
    assert!(thought.starts_with(&heard.thought()), "ask {number} hears another thought: {:?}", heard.thought());
    calls_are_whole(number, ask, said, heard);
    let model = if exchange.is_of(ask) { &said.model } else { &ask.print.model };
    assert!(heard.model.is_none() || heard.model.as_ref() == Some(model), "ask {number} hears of {:?}", heard.model);
    let ends = (heard.ends, heard.errors);
    let once = matches!(ends, (0..=1, 0) | (0, 1)) || ends == (1, 1) && is_closed(ask, exchange, heard);
    assert!(once, "ask {number} hears several ends: {ends:?}");
    if !streams::seems_whole(ask, heard) {
        streams::end_as_broken(number, ask, exchange, heard);
    } else if !is_closed(ask, exchange, heard) {
        is_all(number, ask, exchange, said, heard);
    }
}

/// Whether the gateway has closed it for its last call: of all dialects, only Anthropic's clients go on from there.
fn is_closed(ask: &Ask, exchange: &Exchange, heard: &Heard) -> bool {
    let mut calls = heard.begun();
    ask.dialect == Dialect::Anthropic
        && !exchange.is_surely_terminal()
        && heard.begun().count() > 0
        && calls.all(|(block, _)| block.over)
}

/// A call that a client may run has the name and the arguments with which it was made.
fn calls_are_whole(number: usize, ask: &Ask, said: &Said, heard: &Heard) {
    let begun: Vec<_> = heard.begun().map(|(_, name)| name.to_owned()).collect();
    let named: Vec<_> = said.calls.iter().map(|call| ask.tools[call.tool]).collect();
    assert!(named.iter().zip(&begun).all(|(made, heard)| made == heard), "ask {number} hears calls of {begun:?}");
    assert!(begun.len() <= named.len(), "ask {number} hears more calls than there are: {begun:?}");
    for (call, (name, arguments)) in said.calls.iter().zip(heard.calls()) {
        assert_eq!(arguments, call.arguments, "ask {number} hears other arguments of {name}");
    }
    let ids: std::collections::BTreeSet<_> = heard.begun().map(|(block, _)| format!("{:?}", block.what)).collect();
    assert_eq!(ids.len(), begun.len(), "ask {number} hears two calls under one id");
}

/// Everything that was said is there, with the reason for its end and the counts.
fn is_all(number: usize, ask: &Ask, exchange: &Exchange, said: &Said, heard: &Heard) {
    assert!(exchange.is_terminal(), "ask {number} takes a part for whole");
    assert_eq!(heard.text(), said.text(), "ask {number} takes a part of the text for whole");
    assert_eq!(heard.calls().count(), said.calls.len(), "ask {number} misses calls");
    assert_eq!(heard.stopped, Some(said.stopped()), "ask {number} hears another reason for the end");
    let silent = ask.kind == Kind::Stream && !ask.counts;
    let told = if silent { None } else { Some(said.usage) };
    assert!(heard.usage == told || is_cut(exchange), "ask {number} hears {:?} instead of {told:?}", heard.usage);
}

/// Whether the mark at the end and what stands before it were left out, without which an answer may be whole.
fn is_cut(exchange: &Exchange) -> bool {
    exchange.dialect == Dialect::Openai && !exchange.whole
}

/// What a row says of tokens: those of the cache stand beside the others.
pub(super) fn counted(usage: Usage) -> (Option<u64>, Option<u64>, Option<u64>) {
    (Some(usage.prompt - usage.cached), Some(usage.cached), Some(usage.output))
}
