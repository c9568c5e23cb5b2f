//! Tools and whether they have to be called.

use super::block::{Lost, cache};
use super::members::{Members, Read, list};
use crate::canon::BadRequest;
use crate::canon::{Json, Tool, ToolChoice};
use crate::json::Raw;

/// The tools of a request.
pub(super) fn tools(raw: Raw<'_>, lost: &mut Lost) -> Read<Vec<Tool>> {
    let read = |(at, raw): (usize, Raw<'_>)| tool(raw, lost).map_err(|bad| bad.within(at));
    list(raw)?.enumerate().map(read).collect()
}

fn tool(raw: Raw<'_>, lost: &mut Lost) -> Read<Tool> {
    let members = Members::of(raw)?;
    match members.string("type")? {
        Some(kind) if kind != "custom" => Ok(Tool::Other { kind, name: members.string("name")?, raw: Json::from(raw) }),
        _ => custom(&members, lost).map_err(|bad| bad.within("custom")),
    }
}

fn custom(members: &Members<'_>, lost: &mut Lost) -> Read<Tool> {
    const KNOWN: &[&str] = &["type", "name", "description", "input_schema", "strict", "cache_control"];
    lost.note("tools", members, KNOWN);
    let schema = Json::from(members.need("input_schema")?);
    if !schema.is_object() {
        return Err(BadRequest::new("input_schema", "Input should be a valid dictionary"));
    }
    Ok(Tool::Custom {
        name: members.need_string("name")?,
        description: members.string("description")?,
        schema,
        strict: members.bool("strict")?,
        cache: cache(members)?,
    })
}

/// What `tool_choice` says: whether a tool has to be called, and whether several may be at once. `None`: in words that
/// are not known here.
pub(super) fn choice(members: &Members<'_>) -> Read<Option<(ToolChoice, Option<bool>)>> {
    let choice = match members.need_string("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "tool" => ToolChoice::Tool(members.need_string("name")?),
        "none" => ToolChoice::None,
        _ => return Ok(None),
    };
    let parallel = members.bool("disable_parallel_tool_use")?.map(|disabled| !disabled);
    Ok(Some((choice, parallel)))
}
