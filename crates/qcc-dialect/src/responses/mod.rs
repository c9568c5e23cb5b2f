//! OpenAI's Responses dialect, as OpenAI speaks it and as others do who have copied it.
//!
//! Read in this order: [`request`] (the neutral form written as a body), [`stream`] (an answer in events), [`response`] (an
//! answer in one piece, and counts), [`head`] (addresses); [`client`] is the other side, and [`watch`]
//! what the relay has to know of a stream that it passes on. `wire` holds the shapes of events.
//!
//! What a model has thought is an item of its own here, sealed by the vendor, who wants it back. So it travels through
//! clients of other dialects as the signature of their thinking; and the signed thinking of other vendors travels through
//! clients of this one as an item that we have sealed.

pub mod client;
mod error;
pub mod head;
pub mod request;
pub mod response;
pub mod stream;
mod usage;
pub mod watch;
mod wire;

#[cfg(test)]
mod tests;

pub use head::{input_tokens_url, models_url, responses_url};
pub use request::{Encoded, encode_count, encode_request};
pub use response::{decode_count, decode_message, read_message};
pub use stream::Decoder;
pub use watch::Watcher;

/// For whom the thoughts of this dialect's vendors are sealed.
const OWNER: &str = "responses";
