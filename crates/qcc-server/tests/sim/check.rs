//! What must be true of every run, whatever happened in it. Each rule reads the book alone.

mod answers;
mod attempts;
mod requests;
mod rows;
mod streams;
mod words;

use std::time::Duration;

use qcc_server::testing::{Budgets, Inside};
use qcc_store::{AttemptOutcome, RequestRow};

use crate::book::{Ask, Book, Ended};
use crate::setting::MODELS;

/// From a write at one end of a connection to what follows at the other, at most; a body may take several.
const SLACK: Duration = Duration::from_millis(500);

/// What runs together say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) attempts: u64,
    pub(crate) done: u64,
    /// Those of them whose provider spoke another dialect than the client.
    pub(crate) translated: u64,
    pub(crate) answered: u64,
    pub(crate) broken: u64,
    pub(crate) failed: u64,
    pub(crate) gone: u64,
    pub(crate) held: u64,
    pub(crate) reloads: u64,
    pub(crate) probes: u64,
    /// Failed although a provider was well and nothing but a fault of before stood against it.
    pub(crate) lost: u64,
    /// The same, where the waiting room was full.
    pub(crate) turned_away: u64,
    /// Attempts that were well and charged all the same.
    pub(crate) false_verdicts: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.attempts += other.attempts;
        self.done += other.done;
        self.translated += other.translated;
        self.answered += other.answered;
        self.broken += other.broken;
        self.failed += other.failed;
        self.gone += other.gone;
        self.held += other.held;
        self.reloads += other.reloads;
        self.probes += other.probes;
        self.lost += other.lost;
        self.turned_away += other.turned_away;
        self.false_verdicts += other.false_verdicts;
    }
}

/// Counts what happened.
pub(crate) fn counts(book: &Book) -> Counts {
    let of = |verdict: &str| book.rows.iter().filter(|row| row.request.verdict == verdict).count() as u64;
    let (lost, turned_away) = requests::lost(book);
    Counts {
        requests: book.rows.len() as u64,
        attempts: book.rows.iter().map(|row| u64::from(row.request.tries)).sum(),
        done: of("done"),
        translated: book.rows.iter().filter(|row| is_translated(&row.request)).count() as u64,
        answered: of("answered"),
        broken: of("broken"),
        failed: of("failed"),
        gone: of("client_gone"),
        held: book.rows.iter().filter(|row| row.request.held_ms > 0).count() as u64,
        reloads: book.settings.len() as u64 - 1,
        probes: book.probes.len() as u64,
        lost: lost.len() as u64,
        turned_away,
        false_verdicts: attempts::false_verdicts(book).len() as u64,
    }
}

fn is_translated(row: &RequestRow) -> bool {
    row.verdict == "done" && row.dialect_up.as_ref().is_some_and(|up| *up != row.dialect_down)
}

/// Everything that the book can tell.
pub(crate) fn book(book: &Book) {
    for (number, ask) in book.asks.iter().enumerate() {
        requests::ends_once(book, number, ask);
        requests::keeps_its_deadline(book, number, ask);
        answers::is_true(book, number, ask);
        attempts::stop_at_commit(book, number, ask);
        attempts::are_told_as_they_were(book, number, ask);
        rows::are_true(book, number, ask);
        rows::blame_whom_they_should(book, number, ask);
    }
    requests::every_end_is_of_a_request(book);
    attempts::carry_what_was_sent(book);
    rows::own_credentials_stay_in_their_dialect(book);
    attempts::probe_with_their_own(book);
    attempts::leave_limits_alone(book);
    attempts::probe_alone(book);
    attempts::repeat_within_budget(book);
    answers::no_secret_is_told(book);
    requests::nobody_is_left_untried(book);
    requests::nobody_gives_up_early(book);
    let (lost, _) = requests::lost(book);
    assert!(lost.is_empty(), "lost, although a provider was well: asks {lost:?}");
    let wrong = attempts::false_verdicts(book);
    assert!(wrong.is_empty(), "charged, although well: {wrong:?}");
}

/// After the end.
pub(crate) fn nothing_is_left(inside: &Inside, book: &Book) {
    assert_eq!(inside.budgets(), Budgets::default(), "everything is given back");
    for provider in &book.setting().providers {
        for model in MODELS.map(|model| book.setting().sent(provider, model)) {
            assert!(!inside.is_busy(&provider.name(), &model), "an attempt at {} never ended", provider.name());
        }
    }
}

/// Whether the client heard an answer to its end.
fn is_heard(ask: &Ask) -> bool {
    matches!(ask.how(), Some(Ended::Clean | Ended::Cut))
}

fn is_failure(outcome: AttemptOutcome) -> bool {
    matches!(outcome, AttemptOutcome::Failure | AttemptOutcome::Throttled)
}
