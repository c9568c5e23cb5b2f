//! Reads a request of a client.
//!
//! What has no place in the neutral form is kept by name, for the target may know it; what cannot be understood is refused,
//! for a guess would be another question.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::messages;
pub(super) use crate::canon::BadRequest;
use crate::canon::{Effort, Format, Json, Request, Tool, ToolChoice};

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// Where it is no such request, or asks for several answers at once.
pub fn decode_request(body: &[u8]) -> Result<Request, BadRequest> {
    let not_json = |cause: String| bad("", format!("the request body is not valid JSON: {cause}"));
    let body = std::str::from_utf8(body).map_err(|cause| not_json(cause.to_string()))?;
    let mut members: Members<'_> = serde_json::from_str(body).map_err(|cause| match cause.is_data() {
        true => bad("", "the request body must be an object"),
        false => not_json(cause.to_string()),
    })?;
    members.0.retain(|_, raw| raw.get() != "null");
    let model = members.take::<String>("model")?.ok_or_else(|| bad("model", "is missing"))?;
    let entries = members.take::<Vec<Members<'_>>>("messages")?.unwrap_or_default();
    if entries.is_empty() {
        return Err(bad("messages", "is missing or empty"));
    }
    if members.take::<u64>("n")?.is_some_and(|answers| answers != 1) {
        return Err(bad("n", "only one answer can be given"));
    }
    let mut others = Others::new();
    let (system, turns) = messages::turns(entries, &mut others)?;
    let limit = members.take("max_completion_tokens")?;
    let mut request = Request {
        model,
        system,
        turns,
        max_tokens: limit.or(members.take("max_tokens")?),
        temperature: members.take("temperature")?,
        top_p: members.take("top_p")?,
        top_k: members.take("top_k")?,
        stop: members.take::<Stops>("stop")?.map(Stops::list).unwrap_or_default(),
        parallel_tools: members.take("parallel_tool_calls")?,
        stream: members.take("stream")?.unwrap_or_default(),
        ..Request::default()
    };
    let user = members.take("safety_identifier")?;
    request.user = user.or(members.take("user")?);
    let tools = members.take::<Vec<&RawValue>>("tools")?.unwrap_or_default();
    request.tools = tools.into_iter().map(|raw| tool(raw, &mut others)).collect::<Read<_>>()?;
    choice(&mut members, &mut request)?;
    effort(&mut members, &mut request)?;
    format(&mut members, &mut request)?;
    let options = members.take::<Members<'_>>("stream_options")?;
    let include_usage = options.map(|mut options| options.take("include_usage")).transpose()?.flatten();
    others.extend(members.0.into_iter().map(|(name, raw)| (name, Json::from(raw.to_owned()))));
    request.others = others;
    request.include_usage = include_usage.unwrap_or_default();
    Ok(request)
}

pub(crate) type Read<T> = Result<T, BadRequest>;

pub(crate) fn bad(what: impl Into<String>, why: impl Into<std::borrow::Cow<'static, str>>) -> BadRequest {
    BadRequest { what: what.into(), why: why.into() }
}

/// Members of an object that were not read yet. Of several with one name the last counts.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Members<'a>(#[serde(borrow)] pub(crate) BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Takes a member out. None where it is not there or `null`.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Read<Option<T>> {
        let Some(raw) = self.0.remove(name).filter(|raw| raw.get() != "null") else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|cause| bad(name, format!("cannot be read: {cause}")))
    }

    pub(crate) fn need<T: Deserialize<'a>>(&mut self, name: &str) -> Read<T> {
        self.take(name)?.ok_or_else(|| bad(name, "is missing"))
    }
}

/// Members without a place, by the way to them.
pub(super) type Others = Vec<(String, Json)>;

impl Members<'_> {
    /// Keeps the names of those that nobody took, each once. What is `null` or empty says nothing.
    pub(super) fn leave(self, of: &str, others: &mut Others) {
        for (name, raw) in self.0.into_iter().filter(|(_, raw)| !matches!(raw.get(), "null" | "[]" | "{}" | "\"\"")) {
            let name = format!("{of}.{name}");
            if !others.iter().any(|(known, _)| *known == name) {
                others.push((name, Json::from(raw.to_owned())));
            }
        }
    }
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stops {
    One(String),
    Some(Vec<String>),
}

impl Stops {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(stop) => vec![stop],
            Self::Some(stops) => stops,
        }
    }
}

/// A function is a tool of the client; any other kind is one that only this dialect's vendors know.
fn tool(raw: &RawValue, others: &mut Others) -> Read<Tool> {
    let mut members: Members<'_> =
        serde_json::from_str(raw.get()).map_err(|_| bad("tools", "each must be an object"))?;
    let kind = members.take::<String>("type")?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        let name = members.take("name").unwrap_or_default();
        return Ok(Tool::Other { kind, name, raw: Json::from(raw.to_owned()) });
    }
    let mut function: Members<'_> = members.need("function")?;
    let schema = function.take::<&RawValue>("parameters")?;
    let tool = Tool::Custom {
        name: function.need("name")?,
        description: function.take("description")?,
        schema: schema.map_or_else(Json::empty_object, |schema| Json::from(schema.to_owned())),
        strict: function.take("strict")?,
        cache: None,
    };
    function.leave("tools.function", others);
    members.leave("tools", others);
    Ok(tool)
}

/// A choice in words that are not known stays among the others.
fn choice(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(raw) = members.0.get("tool_choice").copied() else { return Ok(()) };
    let known = match raw.get() {
        "\"auto\"" => Some(ToolChoice::Auto),
        "\"none\"" => Some(ToolChoice::None),
        "\"required\"" => Some(ToolChoice::Any),
        text if text.starts_with('{') => {
            let mut choice: Members<'_> =
                serde_json::from_str(text).map_err(|_| bad("tool_choice", "cannot be read"))?;
            match choice.take::<Members<'_>>("function")? {
                Some(mut function) => Some(ToolChoice::Tool(function.need("name")?)),
                None => None,
            }
        }
        _ => return Err(bad("tool_choice", "must be none, auto, required or an object")),
    };
    if known.is_some() {
        members.0.remove("tool_choice");
        request.tool_choice = known;
    }
    Ok(())
}

fn effort(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(word) = members.take::<String>("reasoning_effort")? else { return Ok(()) };
    let unknown = || bad("reasoning_effort", "must be none, minimal, low, medium, high, xhigh or max");
    request.effort = Some(effort_of_word(&word).ok_or_else(unknown)?);
    Ok(())
}

/// An effort by its word.
pub(crate) fn effort_of_word(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => return None,
    })
}

fn format(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(mut format) = members.take::<Members<'_>>("response_format")? else { return Ok(()) };
    request.format = match format.need::<String>("type")?.as_str() {
        "text" => None,
        "json_object" => Some(Format::JsonObject),
        "json_schema" => {
            let mut schema: Members<'_> = format.need("json_schema")?;
            Some(Format::JsonSchema {
                name: schema.take("name")?,
                schema: Json::from(schema.need::<&RawValue>("schema")?.to_owned()),
                strict: schema.take("strict")?,
            })
        }
        _ => return Err(bad("response_format.type", "must be text, json_object or json_schema")),
    };
    Ok(())
}
