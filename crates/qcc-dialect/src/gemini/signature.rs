//! Thought signatures on their way through clients of other dialects.
//!
//! Gemini signs a part of its answer, most often the first call, and wants the signature back on that part. Other dialects
//! have no place for it there, but they give back thinking with its signature unread. So it is sealed as the signature of
//! the thinking that stands right before the call, which may be empty. Nothing is put into the ids of calls: a signature is
//! longer than any id may be. Clients that drop thinking drop signatures with it; `translate::thoughts` keeps them by call,
//! and calls of which nothing is known any more are sent with the mark that skips the check.
//!
//! A signature is one model's. It is sealed with the model's name, so that another one is not given it.

use super::model::Model;
use crate::canon::{digest, seal, unseal};

/// For whom signatures are sealed.
const OWNER: &str = "gemini";

/// What Google takes in place of a signature for a call that its model has not made.
pub(super) const SKIP: &str = "skip_thought_signature_validator";

/// On what a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The call that follows.
    Call,
    /// Text or a thought before it. It goes back on a part of empty text, as Google's own streams have it.
    Text,
}

/// What a signature of a client's thinking turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// This model's own.
    Own(Place, String),
    /// Another Gemini model's.
    OtherModel,
    /// None of this dialect's.
    Foreign,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Text => "text",
        }
    }
}

/// A signature as a client takes it.
pub(super) fn sealed(place: Place, model: &str, signature: &str) -> String {
    seal(OWNER, format!("{} {} {signature}", place.word(), mark(model)).as_bytes())
}

/// What a client gives back, seen by `model`.
pub(super) fn found(signature: &str, model: &str) -> Found {
    let Some(words) = unseal(OWNER, signature).and_then(|words| String::from_utf8(words).ok()) else {
        return Found::Foreign;
    };
    let mut words = words.splitn(3, ' ');
    let place = match words.next() {
        Some("call") => Place::Call,
        Some("text") => Place::Text,
        _ => return Found::Foreign,
    };
    match (words.next(), words.next()) {
        (Some(by), Some(signature)) if by == mark(model) => Found::Own(place, signature.to_owned()),
        _ => Found::OtherModel,
    }
}

fn mark(model: &str) -> String {
    format!("{:016x}", digest(Model::of(model).name().as_bytes()))
}
