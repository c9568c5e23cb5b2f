//! Chat Completions for clients: their requests read into the neutral form, and neutral answers written as they expect.

mod answer;
mod encoder;
#[cfg(test)]
pub(crate) mod grammar;
pub(crate) mod members;
mod message;
pub(crate) mod messages;
pub(crate) mod request;
mod watch;

pub use answer::read_message;
pub use encoder::Encoder;
pub use message::{encode_message, error_body, refusal_body};
pub use request::decode_request;
pub use watch::Watcher;
