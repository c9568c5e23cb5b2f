//! What is old is forgotten, a little at a time, so that nobody who writes has to wait for long. The file does not
//! become smaller by it: the room is used for new rows.

use crate::error::StoreError;
use crate::store::Store;

/// Before the requests themselves, by which they are found.
const ATTEMPTS: &str = "DELETE FROM attempts WHERE request IN
    (SELECT id FROM requests WHERE at_ms < ?1 ORDER BY at_ms, id LIMIT ?2)";

/// Of the failovers the latest one stays: it tells who leads. Sums go when their whole hour is over.
const OTHERS: [&str; 8] = [
    "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at_ms < ?1 ORDER BY at_ms, id LIMIT ?2)",
    "DELETE FROM health_checks WHERE id IN
        (SELECT id FROM health_checks WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
    "DELETE FROM provider_events WHERE id IN
        (SELECT id FROM provider_events WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
    "DELETE FROM provider_state WHERE identity IN
        (SELECT identity FROM provider_state WHERE updated_ms < ?1 ORDER BY updated_ms LIMIT ?2)",
    "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE used_ms < ?1 ORDER BY used_ms LIMIT ?2)",
    "DELETE FROM failovers WHERE id IN (SELECT id FROM failovers WHERE at_ms < ?1
        AND id <> (SELECT id FROM failovers ORDER BY at_ms DESC, id DESC LIMIT 1) ORDER BY at_ms LIMIT ?2)",
    "DELETE FROM hours WHERE id IN (SELECT id FROM hours WHERE at_ms <= ?1 - 3600000 ORDER BY at_ms LIMIT ?2)",
    "DELETE FROM hour_verdicts WHERE (at_ms, verdict) IN
        (SELECT at_ms, verdict FROM hour_verdicts WHERE at_ms <= ?1 - 3600000 ORDER BY at_ms LIMIT ?2)",
];

// === impl Store ===

impl Store {
    /// Deletes what is from before a moment (milliseconds since 1970-01-01 UTC), at most `batch` rows of each kind, a
    /// request with its attempts being one. Tells how many it were: 0 when nothing is left to delete. The pin and the
    /// latest failover stay, however old.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was deleted.
    pub fn prune(&mut self, before_ms: i64, batch: u32) -> Result<u64, StoreError> {
        self.in_transaction(|connection| {
            connection.execute(ATTEMPTS, (before_ms, batch))?;
            let mut deleted = 0;
            for sql in OTHERS {
                deleted += connection.execute(sql, (before_ms, batch))? as u64;
            }
            Ok(deleted)
        })
    }
}
