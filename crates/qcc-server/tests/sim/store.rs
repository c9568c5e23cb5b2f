//! A store that is well, fails, or is full, by the time of the run. Whatever it does, it has seen what it was offered.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use qcc_server::testing::{Shelf, Told};
use qcc_store::{FailoverRow, Report, Row, Store, StoreError};

use crate::book::{Shared, lock};
use crate::random::Random;

/// Rows that wait while nothing can be written; more are lost.
const MOST: u64 = 5;

pub(crate) struct Unsteady {
    book: Shared,
    /// From when until when it fails.
    fails: Vec<(Duration, Duration)>,
    inside: Mutex<Inside>,
}

struct Inside {
    told: Told,
    waiting: u64,
    lost: u64,
    failing: bool,
    pin: Option<String>,
}

/// When it fails.
pub(crate) fn failures(end: Duration, random: &mut Random) -> Vec<(Duration, Duration)> {
    let most = end.as_millis() as u64;
    let times = if random.percent(40) { random.within(1..4) } else { 0 };
    (0..times)
        .map(|_| {
            let from = random.millis(0..most);
            (from, from + random.millis(0..most))
        })
        .collect()
}

/// The reason that SQLite gives for a file below something that is no folder.
fn error() -> StoreError {
    Store::open(Path::new("/dev/null/qcc.db")).err().expect("it is no folder")
}

// === impl Unsteady ===

impl Unsteady {
    pub(crate) fn new(book: Shared, fails: Vec<(Duration, Duration)>, told: Told) -> Self {
        let inside = Inside { told, waiting: 0, lost: 0, failing: false, pin: None };
        Self { book, fails, inside: Mutex::new(inside) }
    }

    fn fails_now(&self) -> bool {
        let now = lock(&self.book).clock.now();
        self.fails.iter().any(|(from, to)| (*from..*to).contains(&now))
    }
}

impl Shelf for Unsteady {
    fn takes_rows(&self) -> bool {
        true
    }

    fn write(&self, row: Row) {
        if let Row::Request(record) = row {
            lock(&self.book).rows.push(*record);
        }
        let fails = self.fails_now();
        let mut inside = self.inside.lock().expect("one thread");
        if fails {
            if !std::mem::replace(&mut inside.failing, true) {
                (inside.told)(Report::Failed(error()));
            }
            if inside.waiting == MOST {
                inside.lost += 1;
            } else {
                inside.waiting += 1;
            }
        } else if std::mem::take(&mut inside.failing) {
            let lost = std::mem::take(&mut inside.lost);
            inside.waiting = 0;
            (inside.told)(Report::Written { lost });
        }
    }

    fn has_room(&self) -> bool {
        !self.fails_now()
    }

    fn flush(&self, _: Duration) -> bool {
        !self.fails_now()
    }

    fn set_pin(&self, pin: Option<&str>, _: &FailoverRow) -> Result<(), StoreError> {
        if self.fails_now() {
            return Err(error());
        }
        self.inside.lock().expect("one thread").pin = pin.map(str::to_owned);
        Ok(())
    }

    fn pin(&self) -> Result<Option<String>, StoreError> {
        if self.fails_now() {
            return Err(error());
        }
        Ok(self.inside.lock().expect("one thread").pin.clone())
    }
}
