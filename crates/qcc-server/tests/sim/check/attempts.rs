//! Attempts: what goes up is what was sent, to whom it may go, no more often than it may, and what is charged for it is
//! what happened.

use std::collections::BTreeMap;
use std::time::Duration;

use qcc_policy::{Standing, breaker};
use qcc_store::AttemptOutcome;

use super::{is_failure, is_heard};
use crate::book::{Ask, Book, Ended, Exchange, Kind};
use crate::provider::{CREDENTIALS, credentials};
use crate::setting::{Credential, MODELS, Setting};
use crate::speech::Question;

/// Before and after a moment, in which what was on its way may have crossed.
const CROSSING: Duration = Duration::from_secs(1);

/// Nothing is tried once the first byte is on its way down.
pub(super) fn stop_at_commit(book: &Book, number: usize, ask: &Ask) {
    let Some(answered) = ask.answered else { return };
    for exchange in of(book, number) {
        assert!(exchange.began < answered, "ask {number} is tried after its answer began");
    }
    let named = ask.header("x-sim-exchange").and_then(|text| text.parse::<usize>().ok());
    if let Some(named) = named.filter(|_| ask.status == 200) {
        let last = book.exchanges.iter().rposition(|exchange| exchange.ask == number);
        assert_eq!(last, Some(named), "ask {number} is answered by its last attempt");
    }
}

fn of(book: &Book, ask: usize) -> impl Iterator<Item = &Exchange> {
    book.exchanges.iter().filter(move |exchange| exchange.ask == ask)
}

/// The row says of every attempt what became of it.
pub(super) fn are_told_as_they_were(book: &Book, number: usize, ask: &Ask) {
    let Some(row) = book.row_of(ask) else { return };
    let tries = row.attempts.iter().filter(|one| one.outcome.is_try()).count();
    assert_eq!(tries, row.request.tries as usize, "the tries of ask {number}");
    // Those that were not connected have no exchange.
    assert!(of(book, number).count() <= tries, "ask {number} was tried more often than its row says");
    let done = row.request.verdict == "done";
    let successes: Vec<_> = row.attempts.iter().filter(|one| one.outcome == AttemptOutcome::Success).collect();
    let counts = ask.kind != Kind::Count;
    assert_eq!(successes.len(), usize::from(done && counts), "successes of ask {number}, `{}`", row.request.verdict);
    if !done {
        return;
    }
    let answered = of(book, number).last().expect("somebody answered");
    assert!(answered.whole || answered.is_terminal(), "ask {number} counts as whole and is not");
    let name = format!("p{}", answered.provider);
    assert_eq!(row.request.provider.as_deref(), Some(name.as_str()), "who answered ask {number}");
    let heard = ask.how() == Some(Ended::Clean) && ask.status == 200;
    let drained = book.is_drained(ask.until());
    assert!(heard || !is_heard(ask) || drained, "ask {number} counts as whole and was not heard");
}

/// Bodies arrive as they were sent but for the model, which is the one that the configuration names; credentials arrive
/// where they belong.
pub(super) fn carry_what_was_sent(book: &Book) {
    for (number, exchange) in book.exchanges.iter().enumerate() {
        let ask = &book.asks[exchange.ask];
        let settings: Vec<_> = book.settings_during(ask.began.at, exchange.began.at).collect();
        if let Some(print) = &exchange.print {
            let same = !exchange.is_of(ask) || print.is_like(&ask.print);
            assert!(same, "exchange {number} carries another body than ask {}", exchange.ask);
            let question = exchange.question.as_ref().expect("it is asked in its own dialect");
            let as_asked = settings.iter().any(|setting| is_put(ask, exchange, question, setting));
            assert!(as_asked, "exchange {number} asks for {} of {:?}", question.model, question.tools);
            let words = Book::hash(question.words.as_bytes());
            assert_eq!(words, ask.words, "exchange {number} has other words than ask {}", exchange.ask);
        }
        let carried = carried(&exchange.headers);
        let right = settings.iter().any(|setting| match credentials(setting, exchange.provider) {
            Some(expected) => carried == [expected],
            None => {
                assert_eq!(setting.providers[exchange.provider].credential, Credential::Passthrough);
                let own = ask.own.as_deref().unwrap_or("nothing");
                carried.len() == 1 && carried[0].1.ends_with(own)
            }
        });
        assert!(right, "exchange {number} carries {carried:?} to p{}", exchange.provider);
        assert_eq!(exchange.counts, ask.kind == Kind::Count);
    }
}

/// Whether a question is what a request becomes in a configuration: its model, its tools, and whether it streams.
fn is_put(ask: &Ask, exchange: &Exchange, question: &Question, setting: &Setting) -> bool {
    let provider = &setting.providers[exchange.provider];
    let streams = match provider.streams {
        "only" if !exchange.is_of(ask) => true,
        "never" if !exchange.is_of(ask) => false,
        _ => ask.kind == Kind::Stream,
    };
    // A name may be shortened, and none is left out.
    let tools = question.tools.len() == ask.tools.len();
    let same = !exchange.is_of(ask) || question.tools == ask.tools;
    let right = exchange.counts || (question.stream == streams && tools && same);
    setting.sent(provider, &ask.print.model) == question.model && right
}

/// The credentials among the headers.
fn carried(headers: &[(String, String)]) -> Vec<(&str, String)> {
    let all = headers.iter().filter(|(name, _)| name == "cookie" || CREDENTIALS.contains(&name.as_str()));
    all.map(|(name, value)| (name.as_str(), value.clone())).collect()
}

/// Probes carry the provider's own credential, and nobody is probed who has none.
pub(super) fn probe_with_their_own(book: &Book) {
    for probe in &book.probes {
        let minute = probe.at.saturating_sub(Duration::from_mins(1));
        let right = book.settings_during(minute, probe.at).any(|setting| {
            credentials(setting, probe.provider).is_some_and(|expected| carried(&probe.headers) == [expected])
        });
        assert!(right, "a probe of p{} carries {:?}", probe.provider, carried(&probe.headers));
    }
}

/// Never more at once, or within a minute, than a provider's own limits say, nor more connections than its host may have.
pub(super) fn leave_limits_alone(book: &Book) {
    for exchange in &book.exchanges {
        // A reload may bring other connections, beside which the old ones end by themselves.
        let since = book.settings.iter().rev().find(|(since, _)| *since <= exchange.began).map(|(since, _)| *since);
        let at_once = book.exchanges.iter().filter(|other| {
            let goes_on = other.began <= exchange.began && other.freed().is_none_or(|freed| freed > exchange.began);
            let is_new = since.is_none_or(|since| book.asks[other.ask].began > since);
            other.provider == exchange.provider && goes_on && is_new
        });
        let most = book.settings[0].1.per_host as usize;
        assert!(most == 0 || at_once.count() <= most, "p{} has too many connections", exchange.provider);
    }
    for exchange in book.exchanges.iter().filter(|exchange| !exchange.counts) {
        let began = exchange.began;
        let mut during = book.settings_during(began.at.saturating_sub(Duration::from_mins(2)), began.at);
        let (Some(setting), None) = (during.next(), during.next()) else { continue };
        let provider = &setting.providers[exchange.provider];
        let others = || book.exchanges.iter().filter(|other| !other.counts && other.provider == exchange.provider);
        let running = others().filter(|other| other.began <= began && other.end().is_none_or(|end| end > began));
        let most = provider.concurrency as usize;
        assert!(most == 0 || running.count() <= most, "p{} is asked too much at once", exchange.provider);
        // What began a minute ago was counted when its attempt began, before its connection was there.
        let minute = Duration::from_secs(58);
        let lately = others().filter(|other| other.began <= began && began.at - other.began.at < minute);
        let most = provider.rpm as usize;
        assert!(most == 0 || lately.count() <= most, "p{} is asked too often", exchange.provider);
    }
}

/// A provider that is half-open gets its one probe; more only from who has nobody else to ask, or asks it again.
pub(super) fn probe_alone(book: &Book) {
    let mut probes: BTreeMap<usize, Vec<&Exchange>> = BTreeMap::new();
    let sampled = book.exchanges.iter().filter(|exchange| !exchange.counts);
    let mut sampled: Vec<_> = sampled.filter_map(|exchange| Some((exchange.sample.as_ref()?, exchange))).collect();
    // As they began, which may be another order than that in which they arrived.
    sampled.sort_by_key(|(sample, _)| sample.stamp);
    for (sample, exchange) in sampled {
        let Some(breaker::Standing::HalfOpen { .. }) = sample.breaker else {
            probes.remove(&exchange.provider);
            continue;
        };
        let ask = &book.asks[exchange.ask];
        // The trial of a request that waited goes by force where no lease is free, and leaves the next one its own. That no
        // lease is given out twice is shown in the simulation of the policy, which sees them.
        if is_again(book, exchange) || has_waited(book, exchange) {
            continue;
        }
        let running = probes.entry(exchange.provider).or_default();
        running.retain(|other| other.end().is_none_or(|end| end > sample.stamp));
        running.push(exchange);
        let most = book.settings.iter().map(|(_, setting)| setting.probes).max().unwrap_or(1) as usize;
        if running.len() <= most {
            continue;
        }
        let setting = book.setting_at(ask.began.at);
        let Some(model) = MODELS.into_iter().find(|model| *model == ask.print.model) else { continue };
        let untried = setting.plan(&ask.print.model, false).into_iter().find(|(other, _)| {
            let is_free = sample.standings.get(&(other.number, model)) == Some(&Standing::Admissible);
            let tried = is_tried(book, ask, &other.name());
            is_free && !tried && other.number != exchange.provider
        });
        let reloaded = book.settings_during(ask.began.at, exchange.began.at).count() > 1;
        assert!(
            reloaded || !setting.auto || untried.is_none(),
            "ask {} adds a probe of p{} although p{} is free",
            exchange.ask,
            exchange.provider,
            untried.map_or(0, |(other, _)| other.number)
        );
    }
}

/// Whether a request asked a provider, now or another time. Those that were not connected have no exchange.
fn is_tried(book: &Book, ask: &Ask, name: &str) -> bool {
    let row = book.row_of(ask);
    row.is_none_or(|row| row.attempts.iter().any(|one| one.outcome.is_try() && one.provider == name))
}

/// Whether its request asked the same provider before.
fn is_again(book: &Book, exchange: &Exchange) -> bool {
    let name = format!("p{}", exchange.provider);
    let row = book.row_of(&book.asks[exchange.ask]);
    row.is_none_or(|row| row.attempts.iter().filter(|one| one.outcome.is_try() && one.provider == name).count() > 1)
}

/// Whether its request was held, so that this may be its trial.
fn has_waited(book: &Book, exchange: &Exchange) -> bool {
    book.row_of(&book.asks[exchange.ask]).is_none_or(|row| row.request.held_ms > 0)
}

/// Repeats after a wait stay within `retry.budget`.
pub(super) fn repeat_within_budget(book: &Book) {
    let setting = &book.settings[0].1;
    let (ratio, floor) = (setting.budget.0.parse::<f64>().expect("a number"), setting.budget.1);
    let mut repeats: Vec<Duration> = Vec::new();
    for ask in &book.asks {
        let Some(row) = book.row_of(ask) else { continue };
        let waited = row.attempts.iter().filter(|one| one.outcome.is_try() && one.waited_ms > 0);
        repeats.extend(waited.map(|one| ask.began.at + Duration::from_millis(one.started_ms - one.waited_ms)));
    }
    for repeat in &repeats {
        // Buckets of a second, so a second more at either end.
        let window = Duration::from_secs(11);
        let lately = repeats.iter().filter(|other| *other <= repeat && *repeat - **other <= Duration::from_secs(1));
        let from = repeat.saturating_sub(window);
        let requests = book.asks.iter().filter(|ask| (from..=*repeat + CROSSING).contains(&ask.began.at)).count();
        let most = (2 * floor) as f64 + ratio * requests as f64;
        assert!(lately.count() as f64 <= most, "more repeats than the budget at {repeat:?}");
    }
}

/// Attempts that were charged to a provider which was well from the beginning of the request to its end.
pub(super) fn false_verdicts(book: &Book) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, ask) in book.asks.iter().enumerate() {
        let (Some(row), Some(line)) = (book.row_of(ask), book.end_of(ask)) else { continue };
        for (provider, _) in book.setting_at(ask.began.at).plan(&ask.print.model, true) {
            let name = provider.name();
            let charged = row.attempts.iter().find(|one| one.provider == name && is_failure(one.outcome));
            let Some(charged) = charged else { continue };
            let (from, to) = (ask.began.at, line.stamp.at);
            let closing = |(closer, at): &(usize, Duration)| {
                *closer == provider.number && (from.saturating_sub(CROSSING)..=to + CROSSING).contains(at)
            };
            let crossed = book.closings.iter().any(closing);
            let drained = book.is_drained(to);
            // A status that no well provider explains is its fault until another one says the same.
            let strange = ask.bad == Some(418);
            if !crossed && !drained && !strange && book.is_well(provider.number, from, to) {
                wrong.push(format!("ask {number} at {name}: {:?}", charged.reason));
            }
        }
    }
    wrong
}
