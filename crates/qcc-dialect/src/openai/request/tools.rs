//! Tools, and whether they have to be called.
//!
//! Tools that Anthropic defines but the client runs are told to the model as functions. Those that Anthropic itself runs
//! cannot be had elsewhere, and the client counts on them.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::Pen;
use crate::canon::{Json, Request, Tool, ToolChoice, Unfit};
use crate::openai::traits::Forced;
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
            Self::Function(name) => {
                let mut members = serializer.serialize_map(Some(2))?;
                members.serialize_entry("type", "function")?;
                members.serialize_entry("function", &json!({"name": name}))?;
                members.end()
            }
        }
    }
}

pub(super) fn tools<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Tools<'a>, Unfit> {
    let limit = pen.traits.tool_name;
    pen.names.reserve(request.tools.iter().filter_map(name), limit);
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.extend(function(tool, pen)?);
    }
    let choice = request.tool_choice.as_ref().filter(|_| !tools.is_empty());
    if choice == Some(&ToolChoice::None) && !pen.traits.tool_choice_none {
        pen.losses.add("tools", "left out, for none may be called");
        return Ok(Tools { tools: Vec::new(), choice: None });
    }
    let choice = choice.and_then(|choice| wanted(choice, &tools, pen));
    if !pen.traits.tool_choice {
        if choice.as_ref().is_some_and(|choice| *choice != Choice::Auto) {
            pen.losses.dropped("tool_choice");
        }
        return Ok(Tools { tools, choice: None });
    }
    Ok(Tools { tools, choice })
}

fn name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Custom { name, .. } => Some(name),
        Tool::Other { name, .. } => name.as_deref(),
    }
}

fn function<'a>(tool: &'a Tool, pen: &mut Pen<'_>) -> Result<Option<Function<'a>>, Unfit> {
    let (name, description, parameters, strict) = match tool {
        Tool::Custom { name, description, schema, strict, cache } => {
            super::content::carried(*cache, pen);
            let schema = fitted(schema, "tools.input_schema", pen.losses);
            (name, description.as_deref(), schema, *strict)
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
    let able = wanted && pen.traits.strict && is_strict(&parameters);
    if wanted && !able {
        pen.losses.dropped("tools.strict");
    }
    let name = pen.names.send(name, pen.traits.tool_name);
    let function = Definition { name, description, parameters, strict: able.then_some(true) };
    Ok(Some(Function { r#type: "function", function }))
}

/// A tool that the target cannot have. Searching for tools is not needed where all of them are told.
fn server_tool(kind: &str, pen: &mut Pen<'_>) -> Result<(), Unfit> {
    if pen.traits.drop_server_tools || kind.starts_with("tool_search_tool_") {
        pen.losses.dropped(format!("tools.{kind}"));
        return Ok(());
    }
    Err(Unfit {
        what: format!("tools.{kind}").into(),
        why: "only the client's own vendor runs or knows this tool".into(),
    })
}

/// Tools that the client runs and whose input Anthropic has defined: what they do, and the schema of it.
pub(crate) fn known(kind: &str) -> Option<(&'static str, Json)> {
    let text = json!({"type": "string"});
    let range = json!({"type": "array", "items": {"type": "integer"}});
    let file = |commands: &[&str]| {
        json!({
            "command": {"type": "string", "enum": commands},
            "path": text,
            "file_text": text,
            "old_str": text,
            "new_str": text,
            "insert_line": {"type": "integer"},
            "insert_text": text,
            "view_range": range,
        })
    };
    let (description, properties) = if kind.starts_with("bash_") {
        let properties = json!({"command": text, "restart": {"type": "boolean"}});
        return Some((
            "Runs a command in a bash session that is kept between calls; restart: true begins a new session.",
            Json::from_value(&json!({"type": "object", "properties": properties})),
        ));
    } else if kind.starts_with("text_editor_") {
        ("Views, creates and edits text files.", file(&["view", "create", "str_replace", "insert"]))
    } else if kind.starts_with("memory_") {
        let mut properties = file(&["view", "create", "str_replace", "insert", "delete", "rename"]);
        properties["old_path"] = text.clone();
        properties["new_path"] = text.clone();
        ("Keeps notes as files under /memories between conversations.", properties)
    } else {
        return None;
    };
    let schema = json!({"type": "object", "properties": properties, "required": ["command"]});
    Some((description, Json::from_value(&schema)))
}

/// The choice as far as the provider takes it; whether the model may think with it is settled with its thinking.
fn wanted(choice: &ToolChoice, tools: &[Function<'_>], pen: &mut Pen<'_>) -> Option<Choice> {
    let forced = pen.traits.forced;
    let choice = match choice {
        ToolChoice::Auto => return Some(Choice::Auto),
        ToolChoice::None => return Some(Choice::None),
        ToolChoice::Any => Choice::Required,
        // Where this is the only tool, "some tool" says the same.
        ToolChoice::Tool(_) if forced == Forced::SomeTool && tools.len() == 1 => Choice::Required,
        ToolChoice::Tool(name) => Choice::Function(pen.names.send(name, pen.traits.tool_name).into_owned()),
    };
    let refused = forced == Forced::No || (forced == Forced::SomeTool && choice != Choice::Required);
    if refused {
        pen.losses.add("tool_choice", "sent as auto");
        return Some(Choice::Auto);
    }
    Some(choice)
}
