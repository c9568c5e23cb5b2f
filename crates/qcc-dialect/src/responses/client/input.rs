//! The input of a request. The operator's first words stand before the conversation; what the model said in several items
//! is one turn.

use serde_json::json;

use super::{thoughts, tools};
use crate::canon::{Document, Image, Json, Part, Request, Role, Source, Text, ToolResult, ToolUse, Turn};
use crate::json::Raw;
use crate::openai::client::members::{Members, Others};
use crate::openai::client::messages::{INPUT, arguments, detail, file_source, source};
use crate::openai::client::request::{Read, bad};

/// Reads a text, or items.
pub(super) fn read(raw: Raw<'_>, request: &mut Request) -> Read<()> {
    if raw.is_string() {
        let text = raw.string().ok_or_else(|| bad("input", "is no text"))?.into_owned();
        request.turns.push(Turn { role: Role::User, parts: vec![said(text)] });
        return Ok(());
    }
    if !raw.is_list() {
        return Err(bad("input", "must be a text or a list of items"));
    }
    for (at, raw) in raw.items().enumerate() {
        item(raw, request).map_err(|bad| bad.within(at).within("input"))?;
    }
    Ok(())
}

fn said(text: String) -> Part {
    Part::Text(Text { text, cache: None })
}

fn item(raw: Raw<'_>, request: &mut Request) -> Read<()> {
    let mut item = Members::of(raw).ok_or_else(|| bad("", "must be an object"))?;
    let kind = item.take::<String>("type")?;
    let kind = kind.or_else(|| item.get("role").is_some().then(|| "message".to_owned()));
    let kind = kind.ok_or_else(|| bad("type", "is missing"))?;
    match kind.as_str() {
        "message" => message(item, request)?,
        "reasoning" => {
            let thought = thoughts::part(item)?;
            speak(Role::Assistant, thought.into_iter().collect(), request);
        }
        "function_call" | "custom_tool_call" => {
            let call = call(item, kind == "custom_tool_call", request)?;
            speak(Role::Assistant, vec![Part::ToolUse(call)], request);
        }
        "function_call_output" | "custom_tool_call_output" => {
            let result = result(item, request)?;
            speak(Role::User, vec![Part::ToolResult(result)], request);
        }
        "additional_tools" => tools::add(item.take("tools")?.unwrap_or_default(), request)?,
        // Only who has kept it knows what it is.
        "item_reference" | "compaction" | "compaction_summary" => {
            let name = if kind == "item_reference" { "input.item_reference" } else { "input.compaction" };
            request.others.push((name.to_owned(), Json::from(raw)));
        }
        _ => speak(Role::Assistant, vec![Part::Other { kind, raw: Json::from(raw) }], request),
    }
    Ok(())
}

/// Adds to the conversation: to the turn before where the model goes on, or more results come.
fn speak(role: Role, parts: Vec<Part>, request: &mut Request) {
    if parts.is_empty() {
        return;
    }
    let results = |parts: &[Part]| parts.iter().all(|part| matches!(part, Part::ToolResult(_)));
    match request.turns.last_mut() {
        Some(last) if last.role == role && (role == Role::Assistant || (results(&last.parts) && results(&parts))) => {
            last.parts.extend(parts);
        }
        _ => request.turns.push(Turn { role, parts }),
    }
}

fn message(mut item: Members<'_>, request: &mut Request) -> Read<()> {
    let role = match item.need::<String>("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        _ => return Err(bad("role", "must be user, assistant, system or developer")),
    };
    let parts = content(item.take("content")?, "content", &mut request.others)?;
    left(item, request);
    // What is no text stays where the target can say that it hears only text.
    let is_text = parts.iter().all(|part| matches!(part, Part::Text(_)));
    if role == Role::System && request.turns.is_empty() && is_text {
        request.system.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        }));
    } else {
        speak(role, parts, request);
    }
    Ok(())
}

/// A text, or parts. None is no part.
fn content(raw: Option<Raw<'_>>, what: &'static str, others: &mut Others) -> Read<Vec<Part>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    if raw.is_string() {
        let text = raw.string().ok_or_else(|| bad(what, "is no text"))?.into_owned();
        return Ok(vec![said(text)]);
    }
    if !raw.is_list() {
        return Err(bad(what, "must be a text or a list of parts"));
    }
    raw.items().map(|raw| part(raw, others).map_err(|bad| bad.within(what))).collect()
}

fn part(raw: Raw<'_>, others: &mut Others) -> Read<Part> {
    let mut part = Members::of(raw).ok_or_else(|| bad("", "a part is no object"))?;
    let kind: String = part.need("type")?;
    let read = match kind.as_str() {
        "input_text" | "output_text" | "text" => said(part.need("text")?),
        "refusal" => said(part.need("refusal")?),
        "input_image" => {
            let source = match (part.take::<String>("image_url")?, part.take("file_id")?) {
                (Some(url), _) => source(url),
                (None, Some(id)) => Source::File(id),
                (None, None) => return Err(bad("input_image", "has neither image_url nor file_id")),
            };
            Part::Image(Image { source, detail: detail(&mut part), cache: None })
        }
        "input_file" => file(&mut part)?,
        _ => return Ok(Part::Other { kind, raw: Json::from(raw) }),
    };
    part.leave("input.content", others);
    Ok(read)
}

/// Keeps the names of what nobody took of an item. How OpenAI has stored it says nothing to others.
fn left(mut item: Members<'_>, request: &mut Request) {
    for name in ["id", "status"] {
        item.remove(name);
    }
    item.leave("input", &mut request.others);
}

fn file(part: &mut Members<'_>) -> Read<Part> {
    let data = part.take::<String>("file_data")?;
    let source = match (data, part.take("file_url")?, part.take("file_id")?) {
        (Some(data), ..) => file_source(data),
        (None, Some(url), _) => Source::Url(url),
        (None, None, Some(id)) => Source::File(id),
        (None, None, None) => return Err(bad("input_file", "has neither file_data nor file_url nor file_id")),
    };
    let title = part.take("filename")?;
    Ok(Part::Document(Document { source, title, context: None, citations: false, cache: None }))
}

fn call(mut item: Members<'_>, plain: bool, request: &mut Request) -> Read<ToolUse> {
    let group = item.take::<String>("namespace")?;
    let name = tools::joined(group.as_deref(), &item.need::<String>("name")?);
    let id = item.need("call_id")?;
    if plain {
        let input = item.take::<String>("input")?.unwrap_or_default();
        left(item, request);
        return Ok(ToolUse { id, name, input: Json::from_value(&json!({INPUT: input})) });
    }
    let input = arguments(item.take::<String>("arguments")?.unwrap_or_default());
    left(item, request);
    Ok(ToolUse { id, name, input })
}

/// A text, parts, or whatever else a client makes of it, which is told as text.
fn result(mut item: Members<'_>, request: &mut Request) -> Read<ToolResult> {
    let id = item.need("call_id")?;
    let output = item.take::<Raw<'_>>("output")?;
    let parts = match output.map(Raw::get) {
        Some(raw) if !raw.starts_with(['"', '[']) => vec![said(raw.to_owned())],
        _ => content(output, "output", &mut request.others)?,
    };
    left(item, request);
    Ok(ToolResult { id, parts, is_error: false, cache: None })
}
