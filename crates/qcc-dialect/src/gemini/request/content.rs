//! Turns and their parts as they stand in a body.

use std::borrow::Cow;

use serde::Serialize;

use super::Pen;
use crate::canon::{Cache, Json};

/// A turn.
#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub(super) role: Speaker,
    pub(super) parts: Vec<Part<'a>>,
}

/// Who speaks.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speaker {
    User,
    Model,
}

/// What stands before the conversation.
#[derive(Serialize, Default)]
pub(super) struct System<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> System<'a> {
    /// None where nothing is said.
    pub(super) fn of(texts: Vec<Part<'a>>) -> Option<Self> {
        (!texts.is_empty()).then_some(Self { parts: texts })
    }

    pub(super) fn push(&mut self, text: String) {
        self.parts.push(Part::text(text));
    }
}

/// A part of a turn.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(flatten)]
    pub(super) data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Cow<'static, str>>,
}

/// What a part is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Data<'a> {
    Text(Cow<'a, str>),
    #[serde(rename = "inlineData")]
    Inline(Blob<'a>),
    #[serde(rename = "fileData")]
    File(File<'a>),
    FunctionCall(Call<'a>),
    FunctionResponse(Answered<'a>),
}

/// Bytes in base64.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    pub(super) mime_type: &'static str,
    pub(super) data: &'a str,
}

/// Something that Google fetches.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    pub(super) mime_type: &'static str,
    pub(super) file_uri: &'a str,
}

/// A call in a turn of the model.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) args: &'a Json,
}

/// What came of a call.
#[derive(Serialize)]
pub(super) struct Answered<'a> {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) response: Output<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Media<'a>>,
}

/// The words that Google gives the result of a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Output<'a> {
    Output(Cow<'a, str>),
    Error(Cow<'a, str>),
}

/// What a result holds beside text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Media<'a> {
    #[serde(rename = "inlineData")]
    Inline(Blob<'a>),
}

impl<'a> Part<'a> {
    pub(super) fn new(data: Data<'a>) -> Self {
        Self { data, thought_signature: None }
    }

    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Data::Text(text.into()))
    }

    /// Whether there is more to it than the place of a signature.
    pub(super) fn says_something(&self) -> bool {
        !matches!(&self.data, Data::Text(text) if text.is_empty())
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Data::Text(text) = &self.data { Some(text) } else { None }
    }
}

/// Marks for the cache: Google finds what it has cached by itself.
pub(super) fn uncached(cache: Option<Cache>, pen: &mut Pen<'_>) {
    if cache.is_some() {
        pen.losses.add("cache_control", "left to the provider");
    }
}
