//! What every module needs: a folder with a database in it, and rows to put there.

use std::path::PathBuf;

use qcc_store::{AttemptOutcome, AttemptRow, FailoverRow, Found, RequestRecord, RequestRow, Row, Store, Who};
use tempfile::TempDir;

/// A place for a database, in a folder of its own.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    /// Nothing is there yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qcc.db");
        Self { folder, path }
    }

    /// With a database that holds a pin.
    pub(crate) fn pinned(profile: &str) -> Self {
        let place = Self::empty();
        place.open().set_pin(Some(profile), &row(1, None, Some(profile))).unwrap();
        place
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.path).unwrap()
    }

    /// With these requests in it.
    pub(crate) fn with(records: impl IntoIterator<Item = RequestRecord>) -> Self {
        let place = Self::empty();
        let mut store = place.open();
        records.into_iter().for_each(|record| store.record(Row::Request(Box::new(record))).unwrap());
        place
    }

    /// The one request with this id.
    #[track_caller]
    pub(crate) fn request(&self, id: &str) -> RequestRecord {
        match self.open().request(id).unwrap() {
            Found::One(record) => *record,
            other => panic!("{other:?}"),
        }
    }

    /// The names that led, newest first.
    pub(crate) fn history(&self) -> Vec<String> {
        self.open().failovers(100).unwrap().into_iter().map(|row| row.to.unwrap_or_default()).collect()
    }
}

pub(crate) fn row(at_ms: i64, from: Option<&str>, to: Option<&str>) -> FailoverRow {
    FailoverRow {
        at_ms,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        reason: "a reason".to_owned(),
        who: Who::Manual,
    }
}

/// A request that a provider answered at the first try, after 1000 ms.
pub(crate) fn answered(id: &str, at_ms: i64, provider: &str) -> RequestRecord {
    RequestRecord {
        request: RequestRow {
            request_id: id.to_owned(),
            at_ms,
            method: "POST".into(),
            path: "/v1/messages".to_owned(),
            model: "claude-x".to_owned(),
            provider: Some(provider.to_owned()),
            status: 200,
            verdict: "done".into(),
            tries: 1,
            total_ms: 1000,
            ..RequestRow::default()
        },
        attempts: vec![tried(provider, AttemptOutcome::Success)],
    }
}

/// A try of 1000 ms at the request's arrival.
pub(crate) fn tried(provider: &str, outcome: AttemptOutcome) -> AttemptRow {
    AttemptRow { provider: provider.to_owned(), took_ms: 1000, outcome, ..AttemptRow::default() }
}
