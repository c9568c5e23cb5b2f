//! Which version the file has, and how it comes to the newest. Files are recognised by an id of ours, so that
//! `storage.path` cannot lead into the database of another program.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Fault, StoreError};

/// One script for each version, from an empty file on. A script that was released never changes.
const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
];

/// `PRAGMA application_id`: `qcc1` in ASCII.
const APPLICATION: u32 = 0x7163_6331;

/// Making a file ours takes milliseconds.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Makes an empty file ours and an older one new. Tries for `patience` when others do the same: SQLite does not wait by
/// itself where a file becomes a write-ahead one.
///
/// # Errors
/// When the file is newer, another program's, or cannot be read or written.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, patience: Duration) -> Result<(), StoreError> {
    let until = Instant::now() + patience;
    loop {
        match try_migrate(connection, path) {
            Err(error) if error.fault() == Fault::Locked && Instant::now() < until => {
                std::thread::park_timeout(BETWEEN_TRIES);
            }
            result => return result,
        }
    }
}

fn try_migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::sql(path, &error);
    // In a transaction, because another process may be making it ours between two questions.
    let asking = connection.transaction().map_err(failed)?;
    let known = version(&asking, path)?;
    drop(asking);
    if known == newest() {
        return Ok(());
    }
    // Kept in the file, and not possible inside a transaction.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    let from = usize::try_from(version(&transaction, path)?).unwrap_or(usize::MAX);
    for script in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(script).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    transaction.pragma_update(None, "user_version", newest()).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The newest version that is known.
fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The version of a file that may be used; 0: it is empty.
fn version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let number = |sql: &str| -> Result<u32, StoreError> {
        connection.query_row(sql, (), |row| row.get(0)).map_err(|error| StoreError::sql(path, &error))
    };
    let (application, found) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application != APPLICATION {
        let tables = number("SELECT count(*) FROM sqlite_schema")?;
        let empty = application == 0 && found == 0 && tables == 0;
        return if empty { Ok(0) } else { Err(StoreError::new(path, Fault::Foreign, "")) };
    }
    if found > newest() {
        return Err(StoreError::new(path, Fault::Newer { found, known: newest() }, ""));
    }
    Ok(found)
}
