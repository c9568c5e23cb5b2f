//! Answers as they stand on the wire.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::lenient::{List, object};

/// A chunk of a stream, or a whole answer.
#[derive(Deserialize)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) model: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) choices: Option<List<Choice<'a>>>,
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
    /// Groq tells its counts here too, and why it stops too soon.
    #[serde(borrow, default, deserialize_with = "object")]
    pub(crate) x_groq: Option<Groq<'a>>,
    /// The mark of other dialects' events, and of vLLM's errors.
    #[serde(borrow)]
    pub(crate) r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) object: Option<&'a RawValue>,
    /// Members of errors that have no envelope.
    #[serde(borrow)]
    pub(crate) code: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) detail: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) message: Option<&'a RawValue>,
}

/// What Groq says beside an answer.
#[derive(Deserialize)]
pub(crate) struct Groq<'a> {
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// One of the answers that were asked for.
#[derive(Deserialize)]
pub(crate) struct Choice<'a> {
    #[serde(borrow)]
    pub(crate) index: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(crate) delta: Option<Said<'a>>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(crate) message: Option<Said<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: Option<&'a RawValue>,
    /// vLLM and SGLang tell here which stop text came.
    #[serde(borrow)]
    pub(crate) stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) matched_stop: Option<&'a RawValue>,
    /// Moonshot tells its counts here.
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// What the model says, whole or more of it.
#[derive(Deserialize)]
pub(crate) struct Said<'a> {
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) tool_calls: Option<List<ToolCall<'a>>>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(crate) function_call: Option<Function<'a>>,
    /// Citations of a search.
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
}

/// A call, or more of it.
#[derive(Deserialize)]
pub(crate) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(crate) index: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(crate) function: Option<Function<'a>>,
}

/// What is called.
#[derive(Deserialize, Clone, Copy)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
}
