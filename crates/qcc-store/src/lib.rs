//! What happened, kept in one SQLite file: requests with everything that was tried for them, probes, changes of who
//! leads and of what may be asked of whom, and what the gateway wants to find again at its next start. What has to
//! outlive the process is decided here; nothing here is needed to serve a request.
//!
//! [`Store`] reads and writes at once and may wait for the disk. [`Writer`] takes rows that come from traffic, never
//! waits, and loses rows rather than slow anybody down. The gateway and the commands may have the file open together.

mod attempts;
mod bounds;
mod documents;
mod error;
mod failovers;
mod health;
mod histogram;
mod hours;
mod inbox;
mod kept;
mod prune;
mod requests;
mod rows;
mod schema;
mod stats;
mod store;
mod writer;

pub use attempts::{AttemptOutcome, AttemptRow};
pub use bounds::Word;
pub use error::{Fault, StoreError};
pub use failovers::{FailoverRow, Who};
pub use health::{HealthCheckRow, ProviderEventRow};
pub use hours::{LastError, Tokens};
pub use kept::{Kept, SessionRow, StateRow, Void};
pub use requests::{Found, RequestRecord, RequestRow};
pub use rows::Row;
pub use stats::{Hour, Metrics, ProviderStats, Spread, Stats, Traffic, TryRow};
pub use store::Store;
pub use writer::{Report, Writer};
