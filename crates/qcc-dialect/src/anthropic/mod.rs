//! The Anthropic Messages dialect, as Anthropic speaks it and as its clones and relays do.
//!
//! Read in this order: [`head`] (paths and headers), [`request`], [`response`] (an answer in one piece),
//! [`stream`] (an answer in events), [`error`], [`usage`]; then [`canon`], which translates, and [`asking`] (what we ask by
//! ourselves). `wire` holds the words of the protocol.

pub mod asking;
pub mod canon;
pub mod error;
pub mod head;
mod limits;
pub mod request;
pub mod response;
pub mod stream;
mod topic;
pub mod usage;
mod wait;
mod wire;

#[cfg(test)]
mod tests;

pub use error::{ErrorFacts, error_body, looks_like_html};
pub use head::messages_url;
pub use limits::{Counter, RateLimits, Window, rate_limits};
pub use response::{Message, Wrong, check_count, check_message, read_message};
pub use stream::{BlockKind, Closing, Ending, Seen, Watcher};
pub use topic::Topic;
pub use usage::Usage;
pub use wait::{regain_at, retry_after};
