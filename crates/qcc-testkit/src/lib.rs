//! What tests and the drill need around a gateway: a scripted provider below it ([`Upstream`]), a byte-exact client
//! above it ([`Connection`]), and ready-made conversations between the two ([`replies`], [`claude`], [`provider`]).
//!
//! Everything here speaks HTTP/1.1 by hand. A well-behaved library repairs exactly the faults that these tools exist to
//! produce and to see: a missing final chunk, a reset, half an event.
//!
//! No test needs to sleep: a [`Gate`] says when a reply goes on, and the upstream can be asked to wait until it has
//! seen a request or lost a connection.

pub mod claude;
mod client;
mod gate;
pub mod provider;
pub mod replies;
pub mod sse;
mod upstream;
pub mod wire;

pub use client::{Answer, AnswerHead, Connection, Ended, Piece, Request, exchange};
pub use gate::Gate;
pub use upstream::{End, PATIENCE, Received, Refusing, Reply, Script, Step, Upstream};
