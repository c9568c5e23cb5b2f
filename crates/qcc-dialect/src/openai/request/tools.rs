//! Tools, and whether they have to be called.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use super::Pen;
use crate::canon::{Json, Request, Tool, ToolChoice, Unfit};
use crate::foreign::tools::{Choice, chosen, names, offered};
use crate::schema::{fitted, is_strict};

/// What is sent of tools.
pub(super) struct Tools<'a> {
    pub(super) tools: Vec<Function<'a>>,
    pub(super) choice: Option<Choice>,
}

/// A tool.
#[derive(Serialize)]
pub(super) struct Function<'a> {
    r#type: &'static str,
    function: Definition<'a>,
}

#[derive(Serialize)]
struct Definition<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Cow<'a, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

pub(super) fn tools<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Tools<'a>, Unfit> {
    let limit = pen.traits.tool_name;
    pen.names.reserve(names(&request.tools), limit);
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.extend(function(tool, pen)?);
    }
    let choice = request.tool_choice.as_ref().filter(|_| !tools.is_empty());
    if choice == Some(&ToolChoice::None) && !pen.traits.tool_choice_none {
        pen.losses.add("tools", "left out, for none may be called");
        return Ok(Tools { tools: Vec::new(), choice: None });
    }
    let choice = choice.map(|choice| wanted(choice, tools.len(), pen));
    if !pen.traits.tool_choice {
        if choice.as_ref().is_some_and(|choice| *choice != Choice::Auto) {
            pen.losses.dropped("tool_choice");
        }
        return Ok(Tools { tools, choice: None });
    }
    Ok(Tools { tools, choice })
}

fn function<'a>(tool: &'a Tool, pen: &mut Pen<'_>) -> Result<Option<Function<'a>>, Unfit> {
    let Some(tool) = offered(tool, pen.traits.drop_server_tools, pen.losses)? else { return Ok(None) };
    super::content::carried(tool.cache, pen);
    let parameters = fitted(tool.schema, "tools.input_schema", pen.losses);
    let strict = tool.strict && pen.traits.strict && is_strict(&parameters);
    if tool.strict && !strict {
        pen.losses.dropped("tools.strict");
    }
    let name = pen.names.send(tool.name, pen.traits.tool_name);
    let function = Definition { name, description: tool.description, parameters, strict: strict.then_some(true) };
    Ok(Some(Function { r#type: "function", function }))
}

fn wanted(choice: &ToolChoice, tools: usize, pen: &mut Pen<'_>) -> Choice {
    let Pen { traits, names, losses, .. } = pen;
    chosen(
        choice,
        tools,
        traits.forced,
        losses,
        |name| json!({"type": "function", "function": {"name": names.send(name, traits.tool_name)}}),
    )
}
