//! Tools, and whether they have to be called. A function is flat here, and what it does not say of `strict` is taken for
//! yes, so that is always said.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use super::content::cached;
use super::{Pen, unfit};
use crate::canon::{Json, Request, Tool, ToolChoice, Unfit};
use crate::capabilities::Forced;
use crate::foreign::tools::{Choice, chosen, names, offered};
use crate::schema::{fitted, is_strict};

/// Longest name of a tool, in bytes; OpenAI's reference of functions.
pub(super) const NAME: usize = 64;

/// What is sent of tools.
pub(super) struct Tools<'a> {
    pub(super) tools: Vec<Function<'a>>,
    pub(super) choice: Option<Choice>,
}

/// A tool.
#[derive(Serialize)]
pub(super) struct Function<'a> {
    r#type: &'static str,
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Cow<'a, Json>,
    strict: bool,
}

pub(super) fn tools<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Tools<'a>, Unfit> {
    pen.names.reserve(names(&request.tools), NAME);
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.extend(function(tool, pen)?);
    }
    if !tools.is_empty() && pen.capabilities.tools == Some(false) {
        return Err(unfit("tools", "the model takes no tools"));
    }
    let choice = request.tool_choice.as_ref().filter(|_| !tools.is_empty());
    let choice = choice.map(|choice| wanted(choice, tools.len(), pen));
    Ok(Tools { tools, choice })
}

fn function<'a>(tool: &'a Tool, pen: &mut Pen<'_>) -> Result<Option<Function<'a>>, Unfit> {
    let drops = pen.capabilities.drop_server_tools == Some(true);
    let Some(tool) = offered(tool, drops, pen.losses)? else { return Ok(None) };
    cached(tool.cache, pen);
    let parameters = fitted(tool.schema, "tools.input_schema", pen.losses);
    let strict = tool.strict && pen.capabilities.strict_tools != Some(false) && is_strict(&parameters);
    if tool.strict && !strict {
        pen.losses.dropped("tools.strict");
    }
    let name = pen.names.send(tool.name, NAME);
    Ok(Some(Function { r#type: "function", name, description: tool.description, parameters, strict }))
}

fn wanted(choice: &ToolChoice, tools: usize, pen: &mut Pen<'_>) -> Choice {
    let forced = pen.capabilities.forced_tools.unwrap_or(Forced::Yes);
    let Pen { names, losses, .. } = pen;
    chosen(choice, tools, forced, losses, |name| json!({"type": "function", "name": names.send(name, NAME)}))
}
