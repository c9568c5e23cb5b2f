//! Anthropic Messages to the neutral form and back.
//!
//! For a client of this dialect on other providers: [`decode_request`], [`Encoder`], [`encode_message`]. Requests are
//! read as strictly as Anthropic reads them and refused in its words, for what one provider refuses another must not
//! answer; only what is new (members, blocks, tools, stop reasons) is taken as it comes.

mod block;
mod decoder;
mod encoder;
mod fault;
#[cfg(test)]
pub(crate) mod grammar;
mod ids;
mod members;
mod message;
mod outgoing;
mod request;
mod stop;
mod tool;
mod unsealed;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;
#[cfg(test)]
pub(crate) use fault::error_message;
pub use fault::{error_type, refusal_body};
pub use message::{decode_message, encode_message};
pub use outgoing::{DEFAULT_MAX_TOKENS, encode_request};
pub use request::{decode_prompt, decode_request};
pub use unsealed::without_sealed;
