//! Responses for clients: their requests read into the neutral form, and neutral answers written as they expect.

mod encoder;
#[cfg(test)]
pub(crate) mod grammar;
mod input;
mod message;
mod output;
mod request;
mod thoughts;
mod tools;

pub use crate::openai::client::error_body;
pub use encoder::Encoder;
pub use message::encode_message;
pub use request::decode_request;
pub use thoughts::without_sealed;
