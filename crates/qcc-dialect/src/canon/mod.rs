//! The neutral form between dialects: every dialect is translated into it and out of it, so that each needs one pair of
//! translators and not one for every other dialect. It is modelled on Anthropic's Messages, our main client's language.
//!
//! - A [`Request`] is what a client asks, whole. A [`Message`] is an answer, whole; a stream of [`Event`]s is the same
//!   answer while it comes, and [`Collector`] turns the one into the other.
//! - Blocks of an answer come strictly one after the other: a decoder holds back what its dialect interleaves.
//! - What nobody needs to look into, a tool's input and its schema, stays the text that it was ([`Json`]): order of
//!   members, numbers and escapes survive.
//! - What a translation cannot carry is a [`Loss`], never silence. What would change the meaning is [`Unfit`]: another
//!   candidate has to answer.
//!
//! Traffic between equal dialects never comes here.

mod bad_request;
mod collect;
mod event;
#[cfg(test)]
pub(crate) mod grammar;
mod image;
mod json;
mod loss;
mod message;
mod names;
mod request;
mod seal;
mod size;

pub use bad_request::BadRequest;
pub use collect::Collector;
pub use event::{Block, Delta, Event};
pub use image::{Detail, Image};
pub use json::Json;
pub use loss::{Loss, Losses, Unfit};
pub use message::{Message, Stop, StopReason, Usage};
pub use names::{ToolIds, ToolNames};
pub(crate) use names::{digest, is_legal, sent_id};
pub use request::{
    Cache, ClientTool, Document, Effort, Format, Part, Request, Role, SearchResult, Source, Text, Thinking, Thought,
    Tool, ToolChoice, ToolResult, ToolUse, Turn,
};
pub use seal::{UNSIGNED, is_sealed, seal, unseal};
pub(crate) use size::Media;
