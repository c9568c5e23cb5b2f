//! What happened, kept in one SQLite file: the pin (the profile that somebody chose by hand) and the history of
//! failovers. What has to outlive the process is decided here; nothing here is needed to serve a request.
//!
//! [`Store`] reads and writes at once and may wait for the disk. [`Writer`] takes rows that come from traffic, never
//! waits, and loses rows rather than slow anybody down. The gateway and the commands may have the file open together.

mod error;
mod failovers;
mod schema;
mod store;
mod writer;

pub use error::{Fault, StoreError};
pub use failovers::{FailoverRow, Who};
pub use store::Store;
pub use writer::{Report, Row, Writer};
