//! Tools, and whether they have to be called.
//!
//! Schemas go as JSON Schema (`parametersJsonSchema`), as the text that they are. The older `parameters` knows a part of
//! OpenAPI only and refuses the whole request over one word that it does not know.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::content::uncached;
use super::{Pen, unfit};
use crate::canon::{Json, Request, Thinking, Tool, ToolChoice, Unfit};
use crate::capabilities::Forced;
use crate::foreign::tools::{names, offered};
use crate::json::Document;

/// Longest name of a tool, in bytes.
const LONGEST: usize = 64;

/// All tools.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declarations<'a> {
    function_declarations: Vec<Function<'a>>,
}

/// A tool.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Function<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters_json_schema: Cow<'a, Json>,
}

/// `toolConfig`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    function_calling_config: Calling,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling {
    mode: Mode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<String>,
}

#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Auto,
    Any,
    None,
    /// As `Auto`, with inputs bound to their schemas.
    Validated,
}

/// The name under which a tool is sent.
pub(super) fn sent_name<'a>(name: &'a str, pen: &mut Pen<'_>) -> Cow<'a, str> {
    pen.names.send_lettered(name, LONGEST)
}

type Written<'a> = (Option<[Declarations<'a>; 1]>, Option<Config>);

pub(super) fn tools<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Written<'a>, Unfit> {
    pen.names.reserve(names(&request.tools), LONGEST);
    let mut functions = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        functions.extend(function(tool, pen)?);
    }
    if functions.is_empty() {
        return Ok((None, None));
    }
    if pen.known.tools == Some(false) {
        return Err(unfit("tools", "the model takes no tools"));
    }
    let config = config(request, functions.len(), pen);
    Ok((Some([Declarations { function_declarations: functions }]), config))
}

fn function<'a>(tool: &'a Tool, pen: &mut Pen<'_>) -> Result<Option<Function<'a>>, Unfit> {
    let drops = pen.known.drop_server_tools == Some(true);
    let Some(tool) = offered(tool, drops, pen.losses)? else { return Ok(None) };
    uncached(tool.cache, pen);
    let schema = fitted(tool.schema, pen);
    Ok(Some(Function {
        name: sent_name(tool.name, pen),
        description: tool.description,
        parameters_json_schema: schema,
    }))
}

/// The schema: an object at the root, and otherwise as it is.
fn fitted<'a>(schema: Cow<'a, Json>, pen: &mut Pen<'_>) -> Cow<'a, Json> {
    let document = Document::outline(schema.text());
    let kind = document.iter().find_map(|document| document.root().member("type"));
    if kind.is_some_and(|kind| kind.string().is_some_and(|kind| kind == "object")) {
        return schema;
    }
    Cow::Owned(refitted(&schema, pen))
}

fn refitted(schema: &Json, pen: &mut Pen<'_>) -> Json {
    let Value::Object(mut root) = schema.value() else {
        pen.losses.add("tools.input_schema", "sent as an object of anything");
        return Json::from_value(&json!({"type": "object", "properties": {}}));
    };
    if root.contains_key("type") {
        pen.losses.add("tools.input_schema", "sent as an object at its root");
    }
    root.insert("type".to_owned(), json!("object"));
    Json::from_value(&Value::Object(root))
}

/// `None`: as the model likes, which need not be said.
fn config(request: &Request, tools: usize, pen: &mut Pen<'_>) -> Option<Config> {
    let asked = request.tool_choice.clone().unwrap_or(ToolChoice::Auto);
    let thinks = request.thinking.is_some_and(|thinking| thinking != Thinking::Disabled);
    let able = match pen.known.forced_tools {
        None | Some(Forced::Yes) => true,
        Some(Forced::SomeTool) => asked == ToolChoice::Any || tools == 1,
        Some(Forced::WithoutThinking) => !thinks,
        Some(Forced::No) => false,
    };
    let forces = matches!(asked, ToolChoice::Any | ToolChoice::Tool(_));
    if forces && !able {
        pen.losses.add("tool_choice", "sent as auto");
    }
    let (mode, allowed) = match &asked {
        ToolChoice::None => (Mode::None, Vec::new()),
        ToolChoice::Any if able => (Mode::Any, Vec::new()),
        ToolChoice::Tool(name) if able => (Mode::Any, vec![sent_name(name, pen).into_owned()]),
        ToolChoice::Auto | ToolChoice::Any | ToolChoice::Tool(_) => (unforced(request, pen), Vec::new()),
    };
    let unsaid = mode == Mode::Auto && request.tool_choice.is_none();
    (!unsaid).then_some(Config { function_calling_config: Calling { mode, allowed_function_names: allowed } })
}

/// Where a call is forced, its input fits its schema anyway.
fn unforced(request: &Request, pen: &mut Pen<'_>) -> Mode {
    let strict = request.tools.iter().any(|tool| matches!(tool, Tool::Custom { strict: Some(true), .. }));
    match pen.known.strict_tools {
        Some(true) if strict => Mode::Validated,
        _ => {
            if strict {
                pen.losses.dropped("tools.strict");
            }
            Mode::Auto
        }
    }
}
