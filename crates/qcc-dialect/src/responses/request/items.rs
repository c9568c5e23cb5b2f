//! Items of the input as they stand in a body.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::canon::Json;

/// An item.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Vec<Piece<'a>>,
    },
    FunctionCall {
        call_id: String,
        name: String,
        /// The input's own text, as a string.
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: String,
        output: Output<'a>,
    },
    /// What the model thought, as the vendor has sealed it.
    #[serde(untagged)]
    Reasoning(Json),
}

impl<'a> Item<'a> {
    pub(super) fn message(role: &'static str, content: Vec<Piece<'a>>) -> Self {
        Self::Message { role, content }
    }

    /// What the operator says within the conversation.
    pub(super) fn developer(text: String) -> Self {
        Self::message("developer", vec![Piece::InputText { text: Cow::Owned(text) }])
    }
}

/// A part of content.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Piece<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: Cow<'a, str>,
    },
    InputImage {
        image_url: Url<'a>,
        detail: &'static str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<Url<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
}

impl<'a> Piece<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::InputText { text: text.into() }
    }
}

/// What came of a call: a text, or a list where it has more than text.
pub(super) enum Output<'a> {
    Text(Cow<'a, str>),
    List(Vec<Piece<'a>>),
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(pieces) => pieces.serialize(serializer),
        }
    }
}

/// An address, or data written as one.
pub(super) enum Url<'a> {
    Plain(&'a str),
    Data { media_type: &'a str, base64: &'a str },
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(url) => serializer.serialize_str(url),
            Self::Data { media_type, base64 } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{base64}"))
            }
        }
    }
}
