//! Tools of a client. Functions in a namespace become plain functions, and tools whose input is a text become functions
//! with that text as their one member: that is all that other dialects have. What they were is kept beside the request
//! ([`ClientTool`]), so that the client is told of a call in its own words. All others are tools of its vendor's.

use serde_json::json;

use crate::canon::{ClientTool, Json, Request, Tool, ToolChoice};
use crate::json::Raw;
use crate::openai::client::members::Members;
pub(super) use crate::openai::client::messages::INPUT;
use crate::openai::client::request::{Read, bad};

/// Adds tools to those of the request.
pub(super) fn add(list: Vec<Raw<'_>>, request: &mut Request) -> Read<()> {
    for raw in list {
        tool(raw, None, request)?;
    }
    Ok(())
}

fn tool(raw: Raw<'_>, group: Option<&str>, request: &mut Request) -> Read<()> {
    let mut members = Members::of(raw).ok_or_else(|| bad("tools", "each must be an object"))?;
    let kind: String = members.need("type").map_err(|bad| bad.within("tools"))?;
    match kind.as_str() {
        "function" => function(members, group, request),
        "custom" => custom(members, group, request),
        "namespace" if group.is_none() => {
            let name: String = members.need("name").map_err(|bad| bad.within("tools"))?;
            let list: Vec<Raw<'_>> = members.take("tools")?.unwrap_or_default();
            list.into_iter().try_for_each(|raw| tool(raw, Some(&name), request))
        }
        _ => {
            let name = members.take("name").unwrap_or_default();
            request.tools.push(Tool::Other { kind, name, raw: Json::from(raw) });
            Ok(())
        }
    }
}

fn function(mut members: Members<'_>, group: Option<&str>, request: &mut Request) -> Read<()> {
    let own: String = members.need("name").map_err(|bad| bad.within("tools"))?;
    let schema = members.take::<Raw<'_>>("parameters")?;
    request.tools.push(Tool::Custom {
        name: joined(group, &own),
        description: members.take("description")?,
        schema: schema.map_or_else(Json::empty_object, Json::from),
        strict: members.take("strict")?,
        cache: None,
    });
    members.leave("tools", &mut request.others);
    if group.is_some() {
        keep(own, group, false, request);
    }
    Ok(())
}

/// The model is told in words which form the text has to have.
fn custom(mut members: Members<'_>, group: Option<&str>, request: &mut Request) -> Read<()> {
    let own: String = members.need("name").map_err(|bad| bad.within("tools"))?;
    let mut description = members.take::<String>("description")?.unwrap_or_default();
    if let Some(mut format) = members.take::<Members<'_>>("format")?
        && let Some(definition) = format.take::<String>("definition")?
    {
        let syntax = format.take::<String>("syntax")?.unwrap_or_default();
        description = format!("{description}\n\nThe input has to fit this grammar ({syntax}):\n{definition}");
    }
    members.leave("tools", &mut request.others);
    let schema = json!({
        "type": "object",
        "properties": {INPUT: {"type": "string", "description": "The whole input, as it is."}},
        "required": [INPUT],
        "additionalProperties": false,
    });
    request.tools.push(Tool::Custom {
        name: joined(group, &own),
        description: Some(description).filter(|text| !text.is_empty()),
        schema: Json::from_value(&schema),
        strict: None,
        cache: None,
    });
    keep(own, group, true, request);
    Ok(())
}

fn keep(own: String, group: Option<&str>, plain: bool, request: &mut Request) {
    let (name, group) = (joined(group, &own), group.map(str::to_owned));
    request.client_tools.push(ClientTool { name, own, group, plain });
}

/// The name of a tool in the neutral form: of the names alone, so that a conversation is written alike in every request.
pub(super) fn joined(group: Option<&str>, own: &str) -> String {
    match group {
        None => own.to_owned(),
        Some(group) if group.ends_with('_') => format!("{group}{own}"),
        Some(group) => format!("{group}__{own}"),
    }
}

/// A choice in words that are not known stays among the others.
pub(super) fn choice(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(raw) = members.get("tool_choice") else { return Ok(()) };
    let known = match raw.get() {
        "\"auto\"" => Some(ToolChoice::Auto),
        "\"none\"" => Some(ToolChoice::None),
        "\"required\"" => Some(ToolChoice::Any),
        _ if raw.is_object() => Members::of(raw).map(|choice| chosen(choice, request)).transpose()?.flatten(),
        _ => return Err(bad("tool_choice", "must be none, auto, required or an object")),
    };
    if known.is_some() {
        members.remove("tool_choice");
        request.tool_choice = known;
    }
    Ok(())
}

fn chosen(mut choice: Members<'_>, request: &mut Request) -> Read<Option<ToolChoice>> {
    let kind: String = choice.need("type").map_err(|bad| bad.within("tool_choice"))?;
    match kind.as_str() {
        "function" | "custom" => Ok(Some(ToolChoice::Tool(named(choice).map_err(|bad| bad.within("tool_choice"))?))),
        "allowed_tools" => {
            let mode = choice.take::<String>("mode")?;
            let allowed: Vec<Members<'_>> = choice.take("tools")?.unwrap_or_default();
            let names: Vec<String> = allowed.into_iter().filter_map(|tool| named(tool).ok()).collect();
            // Those that are not allowed might as well not be there; what was allowed of the vendor's own has no name.
            request.tools.retain(|tool| match tool {
                Tool::Custom { name, .. } => names.contains(name),
                Tool::Other { .. } => true,
            });
            Ok(Some(if mode.as_deref() == Some("required") { ToolChoice::Any } else { ToolChoice::Auto }))
        }
        _ => Ok(None),
    }
}

fn named(mut tool: Members<'_>) -> Read<String> {
    let group = tool.take::<String>("namespace")?;
    Ok(joined(group.as_deref(), &tool.need::<String>("name")?))
}
