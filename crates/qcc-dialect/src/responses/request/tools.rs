//! Tools, and whether they have to be called. A function is flat here, and what it does not say of `strict` is taken for
//! yes, so that is always said.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::json;

use super::content::cached;
use super::{Pen, unfit};
use crate::canon::{Json, Request, Tool, ToolChoice, Unfit};
use crate::capabilities::Forced;
use crate::openai::request::tools::known;
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

/// `tool_choice`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    None,
    Required,
    Function(String),
}

impl Choice {
    /// Whether the model has to call.
    pub(super) fn forces(&self) -> bool {
        matches!(self, Self::Required | Self::Function(_))
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Function(name) => json!({"type": "function", "name": name}).serialize(serializer),
        }
    }
}

pub(super) fn tools<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Tools<'a>, Unfit> {
    let names = request.tools.iter().filter_map(|tool| match tool {
        Tool::Custom { name, .. } => Some(name.as_str()),
        Tool::Other { name, .. } => name.as_deref(),
    });
    pen.names.reserve(names, NAME);
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.extend(function(tool, pen)?);
    }
    if !tools.is_empty() && pen.capabilities.tools == Some(false) {
        return Err(unfit("tools", "the model takes no tools"));
    }
    let choice = request.tool_choice.as_ref().filter(|_| !tools.is_empty());
    let choice = choice.map(|choice| wanted(choice, &tools, pen));
    Ok(Tools { tools, choice })
}

fn function<'a>(tool: &'a Tool, pen: &mut Pen<'_>) -> Result<Option<Function<'a>>, Unfit> {
    let (name, description, parameters, strict) = match tool {
        Tool::Custom { name, description, schema, strict, cache } => {
            cached(*cache, pen);
            (name, description.as_deref(), fitted(schema, "tools.input_schema", pen.losses), *strict)
        }
        Tool::Other { kind, name, .. } => match (known(kind), name) {
            (Some((description, schema)), Some(name)) => {
                pen.losses.add(format!("tools.{kind}"), "sent as a function");
                (name, Some(description), Cow::Owned(schema), None)
            }
            _ => return server_tool(kind, pen).map(|()| None),
        },
    };
    let wanted = strict == Some(true);
    let strict = wanted && pen.capabilities.strict_tools != Some(false) && is_strict(&parameters);
    if wanted && !strict {
        pen.losses.dropped("tools.strict");
    }
    let name = pen.names.send(name, NAME);
    Ok(Some(Function { r#type: "function", name, description, parameters, strict }))
}

/// A tool that the target cannot have. Searching for tools is not needed where all of them are told.
fn server_tool(kind: &str, pen: &mut Pen<'_>) -> Result<(), Unfit> {
    if pen.capabilities.drop_server_tools == Some(true) || kind.starts_with("tool_search_tool_") {
        pen.losses.dropped(format!("tools.{kind}"));
        return Ok(());
    }
    Err(unfit(format!("tools.{kind}"), "only the client's own vendor runs or knows this tool"))
}

/// The choice as far as the model takes it; whether it may think with it is settled with its thinking.
fn wanted(choice: &ToolChoice, tools: &[Function<'_>], pen: &mut Pen<'_>) -> Choice {
    let forced = pen.capabilities.forced_tools.unwrap_or(Forced::Yes);
    let choice = match choice {
        ToolChoice::Auto => return Choice::Auto,
        ToolChoice::None => return Choice::None,
        ToolChoice::Any => Choice::Required,
        // Where this is the only tool, "some tool" says the same.
        ToolChoice::Tool(_) if forced == Forced::SomeTool && tools.len() == 1 => Choice::Required,
        ToolChoice::Tool(name) => Choice::Function(pen.names.send(name, NAME).into_owned()),
    };
    if forced == Forced::No || (forced == Forced::SomeTool && choice != Choice::Required) {
        pen.losses.add("tool_choice", "sent as auto");
        return Choice::Auto;
    }
    choice
}
