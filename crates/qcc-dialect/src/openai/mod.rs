//! The Chat Completions dialect, as OpenAI speaks it and as the many do who say that they are compatible with it.
//!
//! Read in this order: [`traits`] (in what vendors differ, as data), [`request`] (the neutral form written as a body),
//! [`stream`] (an answer in events), [`response`] (an answer in one piece), [`error`], [`head`] (addresses); [`client`] is the other side. `wire` holds
//! the shapes of answers.

pub mod client;
pub mod error;
pub mod head;
pub mod request;
pub mod response;
pub mod stream;
pub mod traits;
mod twice;
pub(crate) mod usage;
pub(crate) mod wire;

#[cfg(test)]
pub(crate) mod tests;

pub use head::{chat_url, models_url, with_query};
pub use request::{Encoded, encode_request};
pub use response::decode_message;
pub use stream::Decoder;
pub use traits::{Traits, Vendor};
