//! The Anthropic Messages dialect, as Anthropic speaks it and as its clones and relays do.
//!
//! Read in this order: [`head`] (paths and headers), [`request`], [`response`] (an answer in one piece),
//! [`stream`] (an answer in events), [`error`], [`usage`]; then [`canon`], which translates, and [`asking`] (what we ask by
//! ourselves). `wire` holds the words of the protocol.

pub mod asking;
pub mod canon;
pub mod error;
pub mod head;
pub mod request;
pub mod response;
pub mod stream;
pub mod usage;
mod wire;

#[cfg(test)]
mod tests;

pub use error::error_body;
pub use head::messages_url;
pub use response::{check_count, check_message, read_message};
pub use stream::{BlockKind, Ending, Watcher};
