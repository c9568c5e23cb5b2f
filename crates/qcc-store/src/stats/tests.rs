//! What a test from outside cannot reach: the bound on one answer, and the ways on which its rows are found.

use super::*;
use crate::attempts::AttemptRow;
use crate::requests::{RequestRecord, RequestRow};
use crate::rows::Row as Added;

fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("qcc.db")).unwrap()
}

fn answered(at_ms: i64, provider: &str) -> Added {
    let request = RequestRow { at_ms, verdict: "done".into(), ..RequestRow::default() };
    let outcome = AttemptOutcome::Success;
    let attempt = AttemptRow { provider: provider.to_owned(), outcome, ..AttemptRow::default() };
    Added::Request(Box::new(RequestRecord { request, attempts: vec![attempt] }))
}

#[test]
fn of_too_many_sums_the_latest_whole_hours_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder);
    for hour in 0..4 {
        for provider in ["a", "b"] {
            store.record(answered(hour * HOUR, provider)).unwrap();
        }
    }
    let since = |most| stats(&store.connection, 0, most).unwrap();
    assert_eq!((since(8).since_ms, since(7).since_ms, since(6).since_ms), (0, HOUR, HOUR));
    let told = since(5);
    assert_eq!((told.since_ms, told.providers[0].traffic.requests, told.providers.len()), (2 * HOUR, 2, 2));
    assert_eq!(told.verdicts, [("done".to_owned(), 4)]);
    assert_eq!((since(1).since_ms, since(1).providers.len()), (4 * HOUR, 0));
}

#[test]
fn no_answer_reads_rows_that_it_does_not_tell() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let sums = |rest: &str| format!("SELECT {COLUMNS} FROM hours {rest}");
    for sql in [&sums(SINCE), &sums(SINCE_OF_ONE), BEYOND, VERDICTS, RECENT] {
        let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = rusqlite::params_from_iter(std::iter::repeat_n(1, statement.parameter_count()));
        let steps: Vec<String> =
            statement.query_map(values, |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        assert!(!steps.is_empty() && !steps.iter().any(|step| step.starts_with("SCAN")), "{sql}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{sql}: {steps:?}");
    }
}
