//! Messages and their content as they stand in a body.
//!
//! Content that is only text is one string: many servers and chat templates know nothing else.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::Pen;
use crate::canon::{Cache, Json};

/// What stands between texts that become one.
const BETWEEN: &str = "\n\n";

/// A message.
#[derive(Serialize, Default)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    /// `None` is written as `null`: a message of calls alone.
    pub(super) content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_details: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<String>,
}

impl<'a> Message<'a> {
    pub(super) fn new(role: &'static str, pieces: Vec<Piece<'a>>) -> Self {
        Self { role, content: Some(Content(pieces)), ..Self::default() }
    }
}

/// A call in a message of the model.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) function: Called<'a>,
}

/// What is called.
#[derive(Serialize)]
pub(super) struct Called<'a> {
    pub(super) name: String,
    /// The input's own text, as a string.
    pub(super) arguments: &'a str,
}

/// Content of a message.
#[derive(Default)]
pub(super) struct Content<'a>(pub(super) Vec<Piece<'a>>);

/// A part of content.
pub(super) enum Piece<'a> {
    Text { text: Cow<'a, str>, cache: Option<Cache> },
    Image { url: Url<'a>, detail: Option<&'static str> },
    File { name: Cow<'a, str>, data: Url<'a> },
}

/// An address, or data written as one.
pub(super) enum Url<'a> {
    Plain(&'a str),
    Data { media_type: &'a str, base64: &'a str },
}

impl<'a> Piece<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache: None }
    }

    fn plain(&self) -> Option<&str> {
        match self {
            Self::Text { text, cache: None } => Some(text),
            _ => None,
        }
    }
}

/// The mark where it is carried; what it cannot be carried is noted.
pub(super) fn carried(cache: Option<Cache>, pen: &mut Pen<'_>) -> Option<Cache> {
    if cache.is_some() && !pen.traits.cache_control {
        pen.losses.add("cache_control", "left to the provider");
        return None;
    }
    cache
}

/// What the model is taken to say where nobody else may speak after a result.
const HEARD: &str = "I have read the results.";

/// Adds pieces to what the user says, who says all that follows each other in one message.
pub(super) fn push_user<'a>(messages: &mut Vec<Message<'a>>, pieces: Vec<Piece<'a>>, pen: &mut Pen<'_>) {
    if pieces.is_empty() {
        return;
    }
    if !pen.traits.user_after_results && messages.last().is_some_and(|last| last.role == "tool") {
        pen.losses.add("messages", "a word of the model made up between results and the user's");
        messages.push(Message::new("assistant", vec![Piece::text(HEARD)]));
    }
    match messages.last_mut() {
        Some(Message { role: "user", content: Some(content), .. }) => content.0.extend(pieces),
        _ => messages.push(Message::new("user", pieces)),
    }
}

/// Adds a text to what stands before the conversation.
pub(super) fn append_system(messages: &mut Vec<Message<'_>>, text: String, pen: &Pen<'_>) {
    let role = system_role(pen);
    match messages.first_mut() {
        Some(Message { role: first, content: Some(content), .. }) if *first == role => {
            content.0.push(Piece::text(text));
        }
        _ => messages.insert(0, Message::new(role, vec![Piece::text(text)])),
    }
}

/// What the operator is called.
pub(super) fn system_role(pen: &Pen<'_>) -> &'static str {
    if pen.traits.developer { "developer" } else { "system" }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [only] = self.0.as_slice()
            && let Some(text) = only.plain()
        {
            return serializer.serialize_str(text);
        }
        let texts: Option<Vec<&str>> = self.0.iter().map(Piece::plain).collect();
        match texts {
            Some(texts) => serializer.serialize_str(&texts.join(BETWEEN)),
            None => {
                let mut pieces = serializer.serialize_seq(Some(self.0.len()))?;
                self.0.iter().try_for_each(|piece| pieces.serialize_element(piece))?;
                pieces.end()
            }
        }
    }
}

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        match self {
            Self::Text { text, cache } => {
                members.serialize_entry("type", "text")?;
                members.serialize_entry("text", text)?;
                if let Some(cache) = cache {
                    members.serialize_entry("cache_control", &Control::of(*cache))?;
                }
            }
            Self::Image { url, detail } => {
                members.serialize_entry("type", "image_url")?;
                members.serialize_entry("image_url", &ImageUrl { url, detail: *detail })?;
            }
            Self::File { name, data } => {
                members.serialize_entry("type", "file")?;
                members.serialize_entry("file", &File { filename: name, file_data: data })?;
            }
        }
        members.end()
    }
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a Url<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

#[derive(Serialize)]
struct File<'a> {
    filename: &'a str,
    file_data: &'a Url<'a>,
}

#[derive(Serialize)]
struct Control {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl Control {
    fn of(cache: Cache) -> Self {
        Self { r#type: "ephemeral", ttl: (cache == Cache::Long).then_some("1h") }
    }
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
