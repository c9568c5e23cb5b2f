//! Content blocks of requests and answers, one function for each type.
//!
//! What a block says beside that, and has no place in the neutral form, is noted as lost with the way to it.

use std::collections::HashSet;

use super::ids;
use super::members::{Members, Read, list, objects, string};
use crate::canon::{
    BadRequest, Cache, Document, Image, Json, Part, SearchResult, Source, Text, Thought, ToolResult, ToolUse, UNSIGNED,
};
use crate::json::Raw;

/// Deepest nesting of blocks that is read: a text in a document in the result of a call, and one more.
const MAX_DEPTH: usize = 4;

/// Members without a place in the neutral form, by the way to them, each once.
#[derive(Debug, Default)]
pub(super) struct Lost {
    pub(super) members: Vec<(String, Json)>,
    named: HashSet<String>,
}

impl Lost {
    /// Notes the members of an object at `place` that are not `known` and say something.
    pub(super) fn note(&mut self, place: &str, members: &Members<'_>, known: &'static [&'static str]) {
        for (name, raw) in members.unknown(known) {
            if !matches!(raw.get(), "false" | "[]" | "{}") {
                self.add(format!("{place}.{name}"), raw);
            }
        }
    }

    pub(super) fn add(&mut self, name: String, raw: Raw<'_>) {
        if self.named.insert(name.clone()) {
            self.members.push((name, Json::from(raw)));
        }
    }
}

/// Content: a string, which is one text, or a list of blocks.
pub(super) fn content(raw: Raw<'_>, lost: &mut Lost) -> Read<Vec<Part>> {
    nested(raw, 0, lost)
}

fn nested(raw: Raw<'_>, depth: usize, lost: &mut Lost) -> Read<Vec<Part>> {
    if raw.is_string() {
        return Ok(vec![Part::Text(Text { text: string(raw)?, cache: None })]);
    }
    if depth == MAX_DEPTH {
        return Err(BadRequest::new("", "Content is nested too deeply"));
    }
    let read = |(at, raw): (usize, Raw<'_>)| {
        Members::of(raw).and_then(|members| block(&members, raw, depth, lost)).map_err(|bad| bad.within(at))
    };
    list(raw)?.enumerate().map(read).collect()
}

/// One block, which is `raw` and has these members.
pub(super) fn block(members: &Members<'_>, raw: Raw<'_>, depth: usize, lost: &mut Lost) -> Read<Part> {
    let kind = members.need_string("type")?;
    let part = match kind.as_str() {
        "text" => text(members, lost).map(Part::Text),
        "image" => image(members, raw, lost),
        "document" => document(members, raw, depth, lost),
        "search_result" => search_result(members, lost),
        "thinking" => thinking(members, lost),
        "redacted_thinking" => members.need_string("data").map(Part::Redacted),
        "tool_use" => tool_use(members, lost),
        "tool_result" => tool_result(members, depth, lost),
        _ => return Ok(other(kind, raw)),
    };
    part.map_err(|bad| bad.within(kind))
}

/// A block that is not known, or not in this form.
fn other(kind: impl Into<String>, raw: Raw<'_>) -> Part {
    Part::Other { kind: kind.into(), raw: Json::from(raw) }
}

/// Texts, as `system` is made of.
pub(super) fn texts(raw: Raw<'_>, lost: &mut Lost) -> Read<Vec<Text>> {
    if raw.is_string() {
        return Ok(vec![Text { text: string(raw)?, cache: None }]);
    }
    let read = |(at, members): (usize, Members<'_>)| {
        let kind = members.need_string("type").map_err(|bad| bad.within(at))?;
        if kind != "text" {
            return Err(BadRequest::new(format!("{at}.type"), "Input should be 'text'"));
        }
        text(&members, lost).map_err(|bad| bad.within(at))
    };
    objects(raw)?.enumerate().map(read).collect()
}

fn text(members: &Members<'_>, lost: &mut Lost) -> Read<Text> {
    lost.note("messages.content", members, &["type", "text", "cache_control"]);
    Ok(Text { text: members.need_string("text")?, cache: cache(members)? })
}

fn image(members: &Members<'_>, raw: Raw<'_>, lost: &mut Lost) -> Read<Part> {
    let source = need_members(members, "source")?;
    let Some(source) = plain_source(&source).map_err(|bad| bad.within("source"))? else {
        return Ok(other("image", raw));
    };
    lost.note("messages.content", members, &["type", "source", "cache_control"]);
    Ok(Part::Image(Image { source, detail: None, cache: cache(members)? }))
}

fn document(members: &Members<'_>, raw: Raw<'_>, depth: usize, lost: &mut Lost) -> Read<Part> {
    let source = need_members(members, "source")?;
    let source = match source.need_string("type").map_err(|bad| bad.within("source"))?.as_str() {
        "text" => source.need_string("data").map(|text| Some(Source::Text(text))),
        "content" => source.need("content").and_then(|raw| {
            nested(raw, depth + 1, lost).map(|parts| Some(Source::Parts(parts))).map_err(|bad| bad.within("content"))
        }),
        _ => plain_source(&source),
    };
    let Some(source) = source.map_err(|bad| bad.within("source"))? else { return Ok(other("document", raw)) };
    lost.note("messages.content", members, &["type", "source", "title", "context", "citations", "cache_control"]);
    let citations = members.members("citations")?.map(|asked| asked.bool("enabled")).transpose();
    Ok(Part::Document(Document {
        source,
        title: members.string("title")?,
        context: members.string("context")?,
        citations: citations.map_err(|bad| bad.within("citations"))?.flatten().unwrap_or_default(),
        cache: cache(members)?,
    }))
}

/// Sources that images and documents have in common. `None`: one that is not known.
fn plain_source(source: &Members<'_>) -> Read<Option<Source>> {
    Ok(Some(match source.need_string("type")?.as_str() {
        "base64" => Source::Base64 { media_type: source.need_string("media_type")?, data: source.need_string("data")? },
        "url" => Source::Url(source.need_string("url")?),
        "file" => Source::File(source.need_string("file_id")?),
        _ => return Ok(None),
    }))
}

fn search_result(members: &Members<'_>, lost: &mut Lost) -> Read<Part> {
    lost.note("messages.content", members, &["type", "source", "title", "content"]);
    let content = texts(members.need("content")?, lost).map_err(|bad| bad.within("content"))?;
    Ok(Part::SearchResult(SearchResult {
        source: members.need_string("source")?,
        title: members.need_string("title")?,
        texts: content.into_iter().map(|text| text.text).collect(),
    }))
}

/// Clones and other vendors' models think without signing it.
fn thinking(members: &Members<'_>, lost: &mut Lost) -> Read<Part> {
    lost.note("messages.content", members, &["type", "thinking", "signature"]);
    let signature = members.string("signature")?.filter(|signature| signature != UNSIGNED);
    Ok(Part::Thinking(Thought { text: members.need_string("thinking")?, signature }))
}

fn tool_use(members: &Members<'_>, lost: &mut Lost) -> Read<Part> {
    lost.note("messages.content", members, &["type", "id", "name", "input", "caller"]);
    // Answers say of every call who makes it; that the model itself does is no news.
    if let Some(caller) = members.members("caller")?
        && caller.string("type")?.as_deref() != Some("direct")
        && let Some(raw) = members.get("caller")
    {
        lost.add("messages.content.caller".to_owned(), raw);
    }
    let input = Json::from(members.need("input")?);
    if !input.is_object() {
        return Err(BadRequest::new("input", "Input should be a valid dictionary"));
    }
    Ok(Part::ToolUse(ToolUse { id: id(members, "id")?, name: members.need_string("name")?, input }))
}

fn tool_result(members: &Members<'_>, depth: usize, lost: &mut Lost) -> Read<Part> {
    lost.note("messages.content", members, &["type", "tool_use_id", "content", "is_error", "cache_control"]);
    let parts = members.get("content").map(|raw| nested(raw, depth + 1, lost)).transpose();
    Ok(Part::ToolResult(ToolResult {
        id: id(members, "tool_use_id")?,
        parts: parts.map_err(|bad| bad.within("content"))?.unwrap_or_default(),
        is_error: members.bool("is_error")?.unwrap_or_default(),
        cache: cache(members)?,
    }))
}

pub(super) fn id(members: &Members<'_>, name: &str) -> Read<String> {
    members.need_string(name).map(|id| ids::unescape(&id).unwrap_or(id))
}

/// The breakpoint after a block or a tool.
pub(super) fn cache(members: &Members<'_>) -> Read<Option<Cache>> {
    let Some(control) = members.members("cache_control")? else { return Ok(None) };
    let ttl = control.string("ttl").map_err(|bad| bad.within("cache_control"))?;
    Ok(Some(if ttl.as_deref() == Some("1h") { Cache::Long } else { Cache::Short }))
}

fn need_members<'a>(members: &Members<'a>, name: &str) -> Read<Members<'a>> {
    Members::of(members.need(name)?).map_err(|bad| bad.within(name))
}
