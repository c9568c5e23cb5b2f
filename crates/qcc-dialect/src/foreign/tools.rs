//! Tools as they are offered to a model of another vendor than Anthropic.
//!
//! Tools that Anthropic defines but the client runs are told to the model as functions. Those that Anthropic itself runs
//! cannot be had elsewhere, and the client counts on them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::canon::{Cache, Json, Losses, Tool, ToolChoice, Unfit};
use crate::capabilities::Forced;

/// A tool that any model may call.
pub(crate) struct Offered<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) schema: Cow<'a, Json>,
    /// Whether its input has to fit the schema.
    pub(crate) strict: bool,
    pub(crate) cache: Option<Cache>,
}

/// A tool as a function. `None`: it is left out. `drops`: tools that only a vendor runs are left out too.
///
/// # Errors
/// Where it is one that only the client's own vendor runs.
pub(crate) fn offered<'a>(tool: &'a Tool, drops: bool, losses: &mut Losses) -> Result<Option<Offered<'a>>, Unfit> {
    let (kind, name) = match tool {
        Tool::Custom { name, description, schema, strict, cache } => {
            let (description, schema) = (description.as_deref(), Cow::Borrowed(schema));
            return Ok(Some(Offered { name, description, schema, strict: *strict == Some(true), cache: *cache }));
        }
        Tool::Other { kind, name, .. } => (kind, name),
    };
    if let (Some((description, schema)), Some(name)) = (known(kind), name) {
        losses.add(format!("tools.{kind}"), "sent as a function");
        let (description, schema) = (Some(description), Cow::Owned(schema));
        return Ok(Some(Offered { name, description, schema, strict: false, cache: None }));
    }
    // Searching for tools is not needed where all of them are told.
    if drops || kind.starts_with("tool_search_tool_") {
        losses.dropped(format!("tools.{kind}"));
        return Ok(None);
    }
    let why = "only the client's own vendor runs or knows this tool".into();
    Err(Unfit { what: format!("tools.{kind}").into(), why })
}

/// The names of all tools that have one.
pub(crate) fn names(tools: &[Tool]) -> impl Iterator<Item = &str> {
    tools.iter().filter_map(|tool| match tool {
        Tool::Custom { name, .. } => Some(name.as_str()),
        Tool::Other { name, .. } => name.as_deref(),
    })
}

/// Tools that the client runs and whose input Anthropic has defined: what they do, and the schema of it.
fn known(kind: &str) -> Option<(&'static str, Json)> {
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

/// `tool_choice` of OpenAI's dialects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    Auto,
    None,
    Required,
    /// One tool, as the dialect names it.
    #[serde(untagged)]
    Function(Value),
}

impl Choice {
    /// Whether the model has to call.
    pub(crate) fn forces(&self) -> bool {
        matches!(self, Self::Required | Self::Function(_))
    }
}

/// The choice among so many tools as far as the model takes it; whether it may think with it is settled with its thinking.
/// `function` names a tool.
pub(crate) fn chosen(
    choice: &ToolChoice,
    tools: usize,
    forced: Forced,
    losses: &mut Losses,
    function: impl FnOnce(&str) -> Value,
) -> Choice {
    let choice = match choice {
        ToolChoice::Auto => return Choice::Auto,
        ToolChoice::None => return Choice::None,
        ToolChoice::Any => Choice::Required,
        // Where this is the only tool, "some tool" says the same.
        ToolChoice::Tool(_) if forced == Forced::SomeTool && tools == 1 => Choice::Required,
        ToolChoice::Tool(name) => Choice::Function(function(name)),
    };
    if forced == Forced::No || (forced == Forced::SomeTool && choice != Choice::Required) {
        losses.add("tool_choice", "sent as auto");
        return Choice::Auto;
    }
    choice
}
