//! Messages of a client. The operator's first words stand before the conversation; every result is a turn of its own.

use serde_json::json;

use super::members::{Members, Others};
use super::request::{BadRequest, Read, bad};
use crate::canon::{
    Cache, Detail, Document, Image, Json, Part, Role, Source, Text, Thought, ToolResult, ToolUse, Turn,
};
use crate::json::Raw;

/// What the operator says first, and the conversation.
pub(super) fn turns(entries: Vec<Members<'_>>, others: &mut Others) -> Read<(Vec<Text>, Vec<Turn>)> {
    let mut system = Vec::new();
    let mut turns: Vec<Turn> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let turn = turn(entry, others).map_err(|inner| within(at, inner))?;
        // What is no text stays where the target can say that it hears only text.
        let is_text = turn.parts.iter().all(|part| matches!(part, Part::Text(_)));
        if turn.role == Role::System && turns.is_empty() && is_text {
            system.extend(turn.parts.into_iter().filter_map(|part| match part {
                Part::Text(text) => Some(text),
                _ => None,
            }));
        } else {
            turns.push(turn);
        }
    }
    Ok((system, turns))
}

fn within(at: usize, inner: BadRequest) -> BadRequest {
    BadRequest { what: format!("messages.{at}.{}", inner.what), why: inner.why }
}

fn turn(mut entry: Members<'_>, others: &mut Others) -> Read<Turn> {
    let role: String = entry.need("role")?;
    let (role, parts) = match role.as_str() {
        "system" | "developer" => (Role::System, content(&mut entry, others)?),
        "user" => (Role::User, content(&mut entry, others)?),
        "assistant" => (Role::Assistant, assistant(&mut entry, others)?),
        "tool" => {
            let id = entry.need("tool_call_id")?;
            let result = ToolResult { id, parts: content(&mut entry, others)?, is_error: false, cache: None };
            (Role::User, vec![Part::ToolResult(result)])
        }
        // The result of a call in the old form, which its member beside says.
        "function" => (Role::User, content(&mut entry, others)?),
        _ => return Err(bad("role", "must be system, developer, user, assistant or tool")),
    };
    entry.leave("messages", others);
    Ok(Turn { role, parts })
}

/// A text, or parts. None is no part.
fn content(entry: &mut Members<'_>, others: &mut Others) -> Read<Vec<Part>> {
    let Some(raw) = entry.take::<Raw<'_>>("content")? else { return Ok(Vec::new()) };
    if raw.is_string() {
        let text = raw.string().ok_or_else(|| bad("content", "is no text"))?.into_owned();
        return Ok(vec![Part::Text(Text { text, cache: None })]);
    }
    if !raw.is_list() {
        return Err(bad("content", "must be a text or a list of parts"));
    }
    raw.items().map(|raw| part(raw, others)).collect()
}

fn part(raw: Raw<'_>, others: &mut Others) -> Read<Part> {
    let mut part = Members::of(raw).ok_or_else(|| bad("content", "a part is no object"))?;
    let kind: String = part.need("type")?;
    let cache = cache(&mut part)?;
    let read = match kind.as_str() {
        "text" | "refusal" => Part::Text(Text { text: part.need(&kind)?, cache }),
        "image_url" => {
            let mut image: Members<'_> = part.need("image_url")?;
            let source = source(image.need("url")?);
            let detail = detail(&mut image);
            image.leave("messages.content.image_url", others);
            Part::Image(Image { source, detail, cache })
        }
        "file" => {
            let mut inner: Members<'_> = part.need("file")?;
            let read = file(&mut inner, cache)?;
            inner.leave("messages.content.file", others);
            read
        }
        _ => return Ok(Part::Other { kind, raw: Json::from(raw) }),
    };
    part.leave("messages.content", others);
    Ok(read)
}

/// How closely an image is looked at. A word that is not known is left.
pub(crate) fn detail(image: &mut Members<'_>) -> Option<Detail> {
    let word = image.get("detail")?.string()?;
    let detail = Detail::of_word(&word);
    if detail.is_some() || word == "auto" {
        image.remove("detail");
    }
    detail
}

/// A breakpoint as OpenAI writes it, or as OpenRouter took it over from Anthropic.
fn cache(part: &mut Members<'_>) -> Read<Option<Cache>> {
    let mark = part.take::<Members<'_>>("prompt_cache_breakpoint")?;
    let Some(mut mark) = mark.or(part.take("cache_control")?) else { return Ok(None) };
    let long = mark.take::<String>("ttl")?.is_some_and(|ttl| ttl == "1h");
    Ok(Some(if long { Cache::Long } else { Cache::Short }))
}

fn file(file: &mut Members<'_>, cache: Option<Cache>) -> Read<Part> {
    let source = match (file.take::<String>("file_data")?, file.take("file_id")?) {
        (Some(data), _) => file_source(data),
        (None, Some(id)) => Source::File(id),
        (None, None) => return Err(bad("file", "has neither file_data nor file_id")),
    };
    let title = file.take("filename")?;
    Ok(Part::Document(Document { source, title, context: None, citations: false, cache }))
}

/// Data of a file: written as an address, as it is, which are PDFs, or at an address.
pub(crate) fn file_source(data: String) -> Source {
    if data.contains(':') { source(data) } else { Source::Base64 { media_type: "application/pdf".to_owned(), data } }
}

/// Data that is written as an address, or an address.
pub(crate) fn source(url: String) -> Source {
    let inline = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() },
        None => Source::Url(url),
    }
}

fn assistant(entry: &mut Members<'_>, others: &mut Others) -> Read<Vec<Part>> {
    let thought = entry.take::<String>("reasoning_content")?;
    let thought = thought.or(entry.take("reasoning")?);
    let mut parts: Vec<Part> =
        thought.map(|text| Part::Thinking(Thought { text, signature: None })).into_iter().collect();
    parts.extend(content(entry, others)?);
    if let Some(text) = entry.take("refusal")? {
        parts.push(Part::Text(Text { text, cache: None }));
    }
    for call in entry.take::<Vec<Raw<'_>>>("tool_calls")?.unwrap_or_default() {
        parts.push(self::call(call)?);
    }
    Ok(parts)
}

/// A call of a function, or of a tool that only this dialect's vendors know.
fn call(raw: Raw<'_>) -> Read<Part> {
    let mut call = Members::of(raw).ok_or_else(|| bad("tool_calls", "each must be an object"))?;
    let id = call.need("id")?;
    let Some(mut function) = call.take::<Members<'_>>("function")? else {
        return Ok(Part::Other { kind: "custom_tool_call".to_owned(), raw: Json::from(raw) });
    };
    let input = arguments(function.take::<String>("arguments")?.unwrap_or_default());
    Ok(Part::ToolUse(ToolUse { id, name: function.need("name")?, input }))
}

/// The member that holds an input which is a text.
pub(crate) const INPUT: &str = "input";

/// The input of a call. A client gives back what a model has written, also where that was no object.
pub(crate) fn arguments(text: String) -> Json {
    if matches!(text.trim(), "" | "null") {
        return Json::empty_object();
    }
    let input = Json::from_text(text.clone()).ok().filter(Json::is_object);
    input.unwrap_or_else(|| Json::from_value(&json!({INPUT: text})))
}
