//! Gemini's dialect, as Google's Generative Language API speaks it; the provider's side alone.
//!
//! Read in this order: [`request`] (the neutral form written as a body), [`stream`] (an answer in events), [`response`] (an
//! answer in one piece), [`count`] (tokens), [`models`] (what is served), [`head`] (addresses). `model` holds in what the
//! models differ, `signature` how their thoughts' signatures travel, `wire` the shapes of answers.

pub mod count;
mod error;
pub mod head;
mod model;
pub mod models;
pub mod request;
pub mod response;
mod signature;
pub mod stream;
mod usage;
mod wire;

#[cfg(test)]
mod tests;

pub use count::{decode_count, encode_count};
pub use head::{count_url, generate_url, models_url};
pub use models::model_names;
pub use request::{Encoded, encode_request};
pub use response::decode_message;
pub use stream::Decoder;
