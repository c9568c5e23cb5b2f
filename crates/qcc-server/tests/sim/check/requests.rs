//! Requests as a whole: each ends once and in time, and none is lost that somebody could have answered.

use std::time::Duration;

use qcc_policy::{Reason, Standing};

use super::{SLACK, is_heard};
use crate::book::{Ask, Book, Ended, Kind, Line};

/// A request that was sent whole so long ago is under way: the gateway may still have had to read it.
const LATELY: Duration = Duration::from_secs(30);

/// What the gateway itself allows everything before commit.
const MOST: Duration = Duration::from_secs(290);

/// Every request that was heard has one end in the log and one row; one whose client left has at most one.
pub(super) fn ends_once(book: &Book, number: usize, ask: &Ask) {
    let how = ask.how();
    assert!(how.is_some(), "ask {number} never ended");
    let finished = book.lines.iter().filter(|line| is_end(line, ask)).count();
    let id = ask.header("x-qcc-request-id");
    let refused = book.lines.iter().filter(|line| {
        line.event["event"] == "request_refused" && id.is_some() && line.event["request_id"].as_str() == id
    });
    let ends = finished + refused.count();
    if is_heard(ask) {
        assert_eq!(ends, 1, "ask {number} ends once in the log");
        let ended = book.end_of(ask).and_then(|line| line.event["request_id"].as_str());
        assert!(finished == 0 || ended == id, "ask {number} is {id:?} for its client and {ended:?} in the log");
    } else {
        assert!(ends <= 1, "ask {number} ends {ends} times in the log");
        // Its client left, or was let go of at the end, when it was under way for long.
        let known = ask.sent.is_some_and(|sent| sent.at + LATELY < ask.until());
        assert!(ends == 1 || !known || book.is_drained(ask.until()), "ask {number} has no end in the log");
    }
    let drained = book.is_drained(ask.until());
    if how == Some(Ended::Unheard) && ask.fresh {
        assert!(drained, "ask {number} was not answered at all");
    }
    let Some(line) = book.end_of(ask) else { return };
    let verdict = line.event["verdict"].as_str().unwrap_or_default();
    let right = match how {
        Some(Ended::Left | Ended::Unheard) => true,
        // What was whole for the gateway may be cut by its end before a slow client has read it.
        Some(Ended::Cut) => verdict == "broken" || drained && verdict == "done",
        _ if ask.status != 200 => matches!(verdict, "answered" | "failed"),
        _ => matches!(verdict, "done" | "broken") || ask.kind == Kind::Count,
    };
    assert!(right, "ask {number} ended {how:?} with {} for its client, and is `{verdict}` in the log", ask.status);
}

fn is_end(line: &Line, ask: &Ask) -> bool {
    line.event["event"] == "request_finished" && line.event["bytes_in"] == ask.length
}

/// No end in the log without its request and its row.
pub(super) fn every_end_is_of_a_request(book: &Book) {
    let ends: Vec<_> = book.lines.iter().filter(|line| line.event["event"] == "request_finished").collect();
    assert_eq!(ends.len(), book.rows.len(), "as many rows as ends");
    for line in ends {
        assert!(book.asks.iter().any(|ask| is_end(line, ask)), "nobody asked this: {}", line.event);
        let id = line.event["request_id"].as_str().unwrap_or_default();
        let mut rows = book.rows.iter().filter(|row| row.request.request_id == id);
        let (row, none) = (rows.next(), rows.next());
        let verdict = row.map(|row| row.request.verdict.to_string());
        assert_eq!(verdict.as_deref(), line.event["verdict"].as_str(), "the row of {id}");
        assert!(none.is_none(), "{id} has two rows");
    }
}

/// Within so long a provider that is well and out is found by the trials of those who wait, whichever others stall.
const ENOUGH: Duration = Duration::from_secs(60);

/// After so long every provider of a run had its trial: there are six at most, and 20 s at most between two trials.
const LONG: Duration = Duration::from_secs(150);

/// As DESIGN 3.5.6 has it: 290 s, `timeouts.total`, or 10 s less than the client announces; half of what it does where
/// that is little.
fn allowed(book: &Book, ask: &Ask) -> Duration {
    let announced = ask.announced.map(Duration::from_secs);
    let told = announced.map(|told| if told.as_secs() >= 15 { told - Duration::from_secs(10) } else { told / 2 });
    let most = MOST.min(book.setting_at(ask.began.at).total);
    told.map_or(most, |told| told.min(most))
}

pub(super) fn keeps_its_deadline(book: &Book, number: usize, ask: &Ask) {
    if ask.how() == Some(Ended::Unheard) {
        return;
    }
    let until = ask.answered.map_or_else(|| ask.until(), |stamp| stamp.at);
    let took = until.saturating_sub(ask.began.at);
    // Nobody can answer before the whole request is there.
    let least = ask.sent.map_or(Duration::ZERO, |sent| sent.at - ask.began.at);
    let most = allowed(book, ask).max(least) + SLACK;
    assert!(took <= most, "ask {number} waited {took:?} of {most:?}");
    for exchange in book.exchanges.iter().filter(|exchange| exchange.ask == number) {
        let after = exchange.began.at.saturating_sub(ask.began.at);
        assert!(after <= most, "ask {number} is tried after its deadline");
    }
}

/// The requests that failed with the gateway's own word.
fn failed(book: &Book) -> impl Iterator<Item = (usize, &Ask, &Line)> {
    let all = book.asks.iter().enumerate().filter_map(|(number, ask)| Some((number, ask, book.end_of(ask)?)));
    all.filter(|(_, _, line)| line.event["verdict"] == "failed")
}

/// Whether one configuration was in force all the time, in which every tier may be left.
fn is_steady(book: &Book, ask: &Ask) -> bool {
    let mut during = book.settings_during(ask.began.at, ask.until());
    during.next().is_some_and(|setting| setting.auto) && during.next().is_none()
}

fn is_late(line: &Line) -> bool {
    line.event["error"].as_str().is_some_and(|error| error.contains("in time"))
}

/// When a request fails, whoever was admissible at that moment had been tried.
pub(super) fn nobody_is_left_untried(book: &Book) {
    for (number, ask, line) in failed(book).filter(|(_, ask, line)| is_steady(book, ask) && !is_late(line)) {
        let Some(row) = book.row_of(ask) else { continue };
        let plan = book.setting_at(ask.began.at).plan(ask.print.model.as_str(), false);
        for (provider, _) in plan {
            let name = provider.name();
            let tried = row.attempts.iter().any(|try_| try_.outcome.is_try() && try_.provider == name);
            let standing = line.standings.iter().find(|(known, _)| *known == provider.number);
            let is_free = standing.is_some_and(|(_, standing)| *standing == Standing::Admissible);
            assert!(tried || !is_free, "ask {number} fails and {name} was left untried");
        }
    }
}

/// What stands against a candidate at the end of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    /// Nothing, or an old fault: it may answer at any time.
    Fault,
    /// It said so itself, or its credential, model or limits do.
    Word,
}

fn against(line: &Line, number: usize) -> Against {
    let standing = line.standings.iter().find(|(known, _)| *known == number);
    match standing {
        Some((_, Standing::Admissible | Standing::Out { reason: Reason::Fault | Reason::ModelFault, .. })) => {
            Against::Fault
        }
        Some((_, Standing::Out { .. })) | None => Against::Word,
    }
}

/// Whoever may be held and has somebody to wait for is held for as long as `hold.max_wait` and its own time allow, of which
/// a sixth is for a last look at everybody.
pub(super) fn nobody_gives_up_early(book: &Book) {
    for (number, ask, line) in failed(book).filter(|(_, ask, _)| is_steady(book, ask)) {
        let setting = book.setting_at(ask.began.at);
        let hopes =
            setting.plan(&ask.print.model, false).iter().any(|(one, _)| against(line, one.number) == Against::Fault);
        let holds = setting.max_wait > 0 && !is_full(book, setting.max_waiters) && ask.kind != Kind::Count;
        let least = (allowed(book, ask) * 5 / 6).min(setting.hold());
        let took = line.stamp.at.saturating_sub(ask.began.at) + SLACK;
        let shortened = line.event["error"].as_str().is_some_and(|error| error.contains("in time"));
        assert!(!holds || !hopes || shortened || took >= least, "ask {number} gives up after {took:?} of {least:?}");
    }
}

/// Requests that failed although a provider was well from their beginning to their end, or for long enough before it,
/// and how many of them were turned away because the waiting room was full.
pub(super) fn lost(book: &Book) -> (Vec<usize>, u64) {
    let (mut lost, mut turned_away) = (Vec::new(), 0);
    for (number, ask, line) in failed(book).filter(|(_, ask, line)| is_steady(book, ask) && !is_late(line)) {
        let setting = book.setting_at(ask.began.at);
        let patient = allowed(book, ask) >= ENOUGH && setting.hold() >= ENOUGH;
        if ask.how() == Some(Ended::Left) || ask.bad.is_some() || !patient {
            continue;
        }
        let able = setting.plan(ask.print.model.as_str(), false).into_iter().any(|(provider, _)| {
            let limited = provider.concurrency > 0 || provider.rpm > 0 || setting.per_host > 0;
            let from = ask.began.at.max(line.stamp.at.saturating_sub(LONG));
            against(line, provider.number) == Against::Fault
                && !limited
                && !is_being_tried(book, provider.number, line)
                && book.is_well(provider.number, from, line.stamp.at)
        });
        let held = line.event["held_ms"].is_number();
        match (able, held) {
            (true, false) if is_full(book, setting.max_waiters) => turned_away += 1,
            (true, _) => lost.push(number),
            (false, _) => {}
        }
    }
    (lost, turned_away)
}

/// Whether somebody else was finding out, at the end of a request, whether a provider that is out is back: while that one
/// hangs, as it may for `timeouts.first_byte`, nobody else is sent there.
fn is_being_tried(book: &Book, number: usize, line: &Line) -> bool {
    let is_out = line.standings.iter().any(|(known, standing)| *known == number && *standing != Standing::Admissible);
    let mut there = book.exchanges.iter().filter(|exchange| exchange.provider == number && !exchange.counts);
    is_out && there.any(|one| one.began < line.stamp && one.end().is_none_or(|end| end > line.stamp))
}

/// Whether the waiting room of this run can be full at all.
fn is_full(book: &Book, most: u64) -> bool {
    (book.asks.len() as u64) > most && most < 10
}
