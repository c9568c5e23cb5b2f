//! How providers speak: bytes in, events out.
//!
//! This crate decides what bytes mean and never what to do about them: it has no socket, no clock and
//! no configuration, so that every rule of a wire protocol can be tested with literals. What to do is
//! `qcc-policy`'s, moving the bytes is `qcc-server`'s.
//!
//! Words used here, beside those of the whole project:
//!
//! - **dialect**: a wire protocol. Each has a folder with the same file names: [`anthropic`], [`openai`], [`responses`],
//!   [`gemini`].
//! - **envelope**: the few top-level facts of a request body that routing needs ([`scan`]).
//! - **event**: one whole server-sent event with the blank line that ends it, as received ([`sse`]).
//! - **oversized event**: one longer than [`sse::MAX_EVENT`], which passes before its end is known.
//! - **semantic event**: one that shows that the model works: content, a tool name, a stop reason.
//!   Pings, comments and empty openings are not.
//! - **terminal event**: the one that says the answer is whole.
//! - **ending**: how far an answer had come when its stream broke off.
//! - **topic**: what an error is about where its text or code says more than its status.
//! - **estimate**: a count of tokens made here, when no provider counts ([`tokens`]).

pub mod answer;
pub mod anthropic;
pub mod asker;
pub mod canon;
pub mod capabilities;
pub mod error;
mod faults;
mod foreign;
mod garbled;
pub mod gemini;
mod json;
#[cfg(test)]
mod kit;
mod lenient;
pub mod limits;
pub mod openai;
pub mod repair;
pub mod responses;
pub mod scan;
mod schema;
pub mod sse;
pub mod tokens;
pub mod translate;
pub mod wait;
pub mod watch;
