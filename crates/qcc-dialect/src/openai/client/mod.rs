//! Chat Completions for clients: their requests read into the neutral form, and neutral answers written as they expect.

mod encoder;
mod message;
mod messages;
pub(crate) mod request;

pub use encoder::Encoder;
pub use message::{encode_message, error_body};
pub use request::decode_request;
