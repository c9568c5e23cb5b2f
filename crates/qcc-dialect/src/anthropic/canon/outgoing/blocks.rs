//! Blocks of a request as Anthropic takes them.

use std::borrow::Cow;

use bytes::{BufMut as _, BytesMut};

use super::{Marks, NAME, unfit};
use crate::canon::{Cache, Document, Image, Part, Role, SearchResult, Source, ToolNames, ToolResult, ToolUse, Unfit};
use crate::foreign;
use crate::json::write::Object;

/// A block as it is written.
#[derive(Debug)]
pub(super) enum Block<'a> {
    Part(&'a Part),
    /// A call under the name that it has in this conversation.
    Call(&'a ToolUse, String),
    Result(&'a ToolResult, String),
    /// The result of a call that has none.
    Missing(String),
    /// Words that are written as a text whatever they were: the operator's among the user's, or a block of another vendor.
    Told(Cow<'a, str>),
    /// The model's words that it goes on with.
    Begun(&'a str, Option<Cache>),
}

/// Writes the blocks of a message. `last`: the breakpoint after them, where the last one has none of its own.
pub(super) fn write(
    out: &mut BytesMut,
    blocks: &[Block<'_>],
    role: Role,
    last: Option<Cache>,
    marks: &mut Marks<'_>,
) -> Result<(), Unfit> {
    out.put_u8(b'[');
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        marks.unsaid = last.filter(|_| at + 1 == blocks.len());
        match block {
            Block::Part(part) => self::part(out, part, role, marks)?,
            Block::Call(call, name) => tool_use(out, call, name),
            Block::Result(result, name) => tool_result(out, result, name, marks)?,
            Block::Missing(name) => missing(out, name),
            Block::Told(text) => drop(text_block(out, text, None, marks)),
            Block::Begun(text, cache) => drop(text_block(out, text, *cache, marks)),
        }
    }
    out.put_u8(b']');
    Ok(())
}

fn part(out: &mut BytesMut, part: &Part, role: Role, marks: &mut Marks<'_>) -> Result<(), Unfit> {
    match part {
        Part::Text(text) => drop(text_block(out, &text.text, text.cache, marks)),
        Part::Image(_) | Part::Document(_) | Part::SearchResult(_) if role != Role::User => {
            return Err(unfit("messages.content", "Anthropic takes text of the model and the operator"));
        }
        Part::Image(image) => self::image(out, image, marks)?,
        Part::Document(document) => self::document(out, document, marks)?,
        Part::SearchResult(found) => search_result(out, found),
        Part::Thinking(thought) => {
            let signature = thought.signature.as_deref().unwrap_or_default();
            let mut block = Object::begin(out);
            block.member("type", "thinking").member("thinking", &thought.text).member("signature", signature).end();
        }
        Part::Redacted(data) => Object::begin(out).member("type", "redacted_thinking").member("data", data).end(),
        Part::ToolUse(_) | Part::ToolResult(_) => {
            return Err(unfit("messages.content", "calls are the model's and their results the user's"));
        }
        Part::Other { kind, .. } => {
            return Err(unfit(format!("messages.content.{kind}"), "Anthropic has no such block there"));
        }
    }
    Ok(())
}

/// Writes a text; says that it has.
pub(super) fn text_block(out: &mut BytesMut, text: &str, cache: Option<Cache>, marks: &mut Marks<'_>) -> bool {
    let mut block = Object::begin(out);
    block.member("type", "text").member("text", text);
    marks.set(&mut block, cache);
    block.end();
    true
}

fn image(out: &mut BytesMut, image: &Image, marks: &mut Marks<'_>) -> Result<(), Unfit> {
    const WHERE: &str = "messages.content.image";
    let mut block = Object::begin(out);
    block.member("type", "image");
    match &image.source {
        Source::Base64 { media_type, data } => {
            let kind =
                image_kind(media_type, data).ok_or_else(|| unfit(WHERE, "Anthropic reads PNG, JPEG, GIF and WebP"))?;
            base64(block.name("source"), kind, data);
        }
        Source::Url(url) => self::url(block.name("source"), url, WHERE)?,
        Source::File(_) => return Err(unfit(WHERE, "the file is in another account")),
        Source::Text(_) | Source::Parts(_) => return Err(unfit(WHERE, "it is text")),
    }
    if image.detail.is_some() {
        marks.losses.dropped("messages.content.image.detail");
    }
    marks.set(&mut block, image.cache);
    block.end();
    Ok(())
}

fn document(out: &mut BytesMut, document: &Document, marks: &mut Marks<'_>) -> Result<(), Unfit> {
    const WHERE: &str = "messages.content.document";
    let mut block = Object::begin(out);
    block.member("type", "document");
    let source = block.name("source");
    match &document.source {
        Source::Base64 { media_type, data } if media_type == "application/pdf" => base64(source, media_type, data),
        Source::Base64 { media_type, data } if media_type.starts_with("text/") => {
            plain(source, &foreign::plain(data).ok_or_else(|| unfit(WHERE, "its text is not base64 of UTF-8"))?);
        }
        Source::Base64 { .. } => return Err(unfit(WHERE, "Anthropic reads PDF and text")),
        Source::Text(text) => plain(source, text),
        Source::Url(url) => self::url(source, url, WHERE)?,
        Source::File(_) => return Err(unfit(WHERE, "the file is in another account")),
        Source::Parts(parts) => {
            let mut content = Object::begin(source);
            content.member("type", "content");
            self::parts(content.name("content"), parts, marks)?;
            content.end();
        }
    }
    block.optional("title", document.title.as_ref()).optional("context", document.context.as_ref());
    if document.citations {
        block.raw("citations", r#"{"enabled":true}"#);
    }
    marks.set(&mut block, document.cache);
    block.end();
    Ok(())
}

/// Parts within a block.
fn parts(out: &mut BytesMut, parts: &[Part], marks: &mut Marks<'_>) -> Result<(), Unfit> {
    let unsaid = marks.unsaid.take();
    out.put_u8(b'[');
    for (at, one) in parts.iter().filter(|part| !is_blank(part)).enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        part(out, one, Role::User, marks)?;
    }
    out.put_u8(b']');
    marks.unsaid = unsaid;
    Ok(())
}

/// Whether it is a text of white space alone.
pub(super) fn is_blank(part: &Part) -> bool {
    matches!(part, Part::Text(text) if text.text.trim().is_empty())
}

/// What an image is by its first bytes, else by its name: Anthropic refuses one that is named otherwise than it is, and
/// clients of vendors who do not look often name them so.
fn image_kind(named: &str, data: &str) -> Option<&'static str> {
    const KINDS: [(&str, &[&str], &str); 4] = [
        ("iVBOR", &["image/png"], "image/png"),
        ("/9j/", &["image/jpeg", "image/jpg"], "image/jpeg"),
        ("R0lGO", &["image/gif"], "image/gif"),
        ("UklGR", &["image/webp"], "image/webp"),
    ];
    let named = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let seen = KINDS.iter().find(|(begins, ..)| data.starts_with(begins));
    let found = seen.or_else(|| KINDS.iter().find(|(_, names, _)| names.contains(&named.as_str())));
    found.map(|(.., kind)| *kind)
}

fn base64(out: &mut BytesMut, media_type: &str, data: &str) {
    Object::begin(out).member("type", "base64").member("media_type", media_type).member("data", data).end();
}

fn plain(out: &mut BytesMut, text: &str) {
    Object::begin(out).member("type", "text").member("media_type", "text/plain").member("data", text).end();
}

fn url(out: &mut BytesMut, url: &str, what: &'static str) -> Result<(), Unfit> {
    if !url.starts_with("https://") {
        return Err(unfit(what, "Anthropic fetches only from addresses with https"));
    }
    Object::begin(out).member("type", "url").member("url", url).end();
    Ok(())
}

fn search_result(out: &mut BytesMut, found: &SearchResult) {
    let mut block = Object::begin(out);
    block.member("type", "search_result").member("source", &found.source).member("title", &found.title);
    crate::json::write::list(block.name("content"), &found.texts, |out, text| {
        Object::begin(out).member("type", "text").member("text", text).end();
        true
    });
    block.end();
}

fn tool_use(out: &mut BytesMut, call: &ToolUse, name: &str) {
    let mut block = Object::begin(out);
    // A name that a model has made up, and that no tool has.
    let tool = ToolNames::new().send(&call.name, NAME).into_owned();
    block.member("type", "tool_use").member("id", name).member("name", &tool);
    block.raw("input", call.input.text()).end();
}

fn tool_result(out: &mut BytesMut, result: &ToolResult, name: &str, marks: &mut Marks<'_>) -> Result<(), Unfit> {
    let mut block = Object::begin(out);
    block.member("type", "tool_result").member("tool_use_id", name);
    if !result.parts.is_empty() {
        parts(block.name("content"), &result.parts, marks)?;
    }
    if result.is_error {
        block.member("is_error", &true);
    }
    marks.set(&mut block, result.cache);
    block.end();
    Ok(())
}

fn missing(out: &mut BytesMut, name: &str) {
    let mut block = Object::begin(out);
    block.member("type", "tool_result").member("tool_use_id", name);
    block.member("content", "The call was interrupted; there is no result.").member("is_error", &true).end();
}
