//! Reads a request of a client.
//!
//! What has no place in the neutral form is kept by name, for the target may know it; what cannot be understood is refused,
//! for a guess would be another question.

use super::members::{Members, Others, Readable};
use super::messages;
pub(super) use crate::canon::BadRequest;
use crate::canon::{Effort, Format, Json, Request, Tool, ToolChoice};
use crate::json::{Document, Raw};

/// Members that change no answer, with the one value of which that holds where it is not any: what OpenAI stores, and what
/// clients say by habit though it is so anyway.
const HARMLESS: &[(&str, Option<&str>)] = &[
    ("store", None),
    ("metadata", None),
    ("n", Some("1")),
    ("modalities", Some("[\"text\"]")),
    ("logprobs", Some("false")),
    ("logit_bias", Some("{}")),
    ("presence_penalty", Some("0")),
    ("frequency_penalty", Some("0")),
    ("service_tier", Some("\"auto\"")),
];

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// Where it is no such request.
pub fn decode_request(body: &[u8]) -> Result<Request, BadRequest> {
    let not_json = |cause: String| bad("", format!("the request body is not valid JSON: {cause}"));
    let body = std::str::from_utf8(body).map_err(|cause| not_json(cause.to_string()))?;
    let document = Document::read(body).map_err(not_json)?;
    let mut members = Members::of(document.root()).ok_or_else(|| bad("", "the request body must be an object"))?;
    let model = members.take::<String>("model")?.ok_or_else(|| bad("model", "is missing"))?;
    let entries = members.take::<Vec<Members<'_>>>("messages")?.unwrap_or_default();
    if entries.is_empty() {
        return Err(bad("messages", "is missing or empty"));
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
        stop: members.take::<Stops>("stop")?.map(|Stops(stops)| stops).unwrap_or_default(),
        parallel_tools: members.take("parallel_tool_calls")?,
        stream: members.take("stream")?.unwrap_or_default(),
        ..Request::default()
    };
    let user = members.take("safety_identifier")?;
    request.user = user.or(members.take("user")?);
    let tools = members.take::<Vec<Raw<'_>>>("tools")?.unwrap_or_default();
    request.tools = tools.into_iter().map(|raw| tool(raw, &mut others)).collect::<Read<_>>()?;
    choice(&mut members, &mut request)?;
    effort(&mut members, &mut request)?;
    format(&mut members, &mut request)?;
    let options = members.take::<Members<'_>>("stream_options")?;
    let include_usage = options.map(|mut options| options.take("include_usage")).transpose()?.flatten();
    let rest = members.rest().filter(|(name, raw)| !is_harmless(HARMLESS, name, *raw));
    others.extend(rest.map(|(name, raw)| (name, Json::from(raw))));
    request.others = others;
    request.include_usage = include_usage.unwrap_or_default();
    Ok(request)
}

pub(crate) type Read<T> = Result<T, BadRequest>;

pub(crate) fn bad(what: impl Into<String>, why: impl Into<std::borrow::Cow<'static, str>>) -> BadRequest {
    BadRequest { what: what.into(), why: why.into() }
}

/// Whether a member is in such a table, with that value.
pub(crate) fn is_harmless(table: &[(&str, Option<&str>)], name: &str, raw: Raw<'_>) -> bool {
    let said = |value: &str| raw.get().split_whitespace().collect::<String>() == value;
    table.iter().any(|(known, value)| *known == name && value.is_none_or(said))
}

/// One text or several.
struct Stops(Vec<String>);

impl<'a> Readable<'a> for Stops {
    fn read(raw: Raw<'a>) -> Result<Self, String> {
        if raw.is_string() { String::read(raw).map(|stop| Self(vec![stop])) } else { Vec::read(raw).map(Self) }
    }
}

/// A function is a tool of the client; any other kind is one that only this dialect's vendors know.
fn tool(raw: Raw<'_>, others: &mut Others) -> Read<Tool> {
    let mut members = Members::of(raw).ok_or_else(|| bad("tools", "each must be an object"))?;
    let kind = members.take::<String>("type")?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        let name = members.take("name").unwrap_or_default();
        return Ok(Tool::Other { kind, name, raw: Json::from(raw) });
    }
    let mut function: Members<'_> = members.need("function")?;
    let schema = function.take::<Raw<'_>>("parameters")?;
    let tool = Tool::Custom {
        name: function.need("name")?,
        description: function.take("description")?,
        schema: schema.map_or_else(Json::empty_object, Json::from),
        strict: function.take("strict")?,
        cache: None,
    };
    function.leave("tools.function", others);
    members.leave("tools", others);
    Ok(tool)
}

/// A choice in words that are not known stays among the others.
fn choice(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(raw) = members.get("tool_choice") else { return Ok(()) };
    let known = match raw.get() {
        "\"auto\"" => Some(ToolChoice::Auto),
        "\"none\"" => Some(ToolChoice::None),
        "\"required\"" => Some(ToolChoice::Any),
        _ if raw.is_object() => {
            let mut choice = <Members<'_> as Readable<'_>>::read(raw).map_err(|cause| bad("tool_choice", cause))?;
            let function = choice.take::<Members<'_>>("function")?;
            match (function, choice.take::<Members<'_>>("allowed_tools")?) {
                (Some(mut function), _) => Some(ToolChoice::Tool(function.need("name")?)),
                (None, Some(allowed)) => Some(among(allowed, &mut request.tools)?),
                (None, None) => None,
            }
        }
        _ => return Err(bad("tool_choice", "must be none, auto, required or an object")),
    };
    if known.is_some() {
        members.remove("tool_choice");
        request.tool_choice = known;
    }
    Ok(())
}

/// A choice among some of the tools: those that are not allowed might as well not be there. What is allowed of the vendor's
/// own has no name.
fn among(mut allowed: Members<'_>, tools: &mut Vec<Tool>) -> Read<ToolChoice> {
    let mode = allowed.take::<String>("mode")?;
    let mut names: Vec<String> = Vec::new();
    for mut tool in allowed.take::<Vec<Members<'_>>>("tools")?.unwrap_or_default() {
        if let Some(mut function) = tool.take::<Members<'_>>("function")? {
            names.push(function.need("name")?);
        }
    }
    tools.retain(|tool| match tool {
        Tool::Custom { name, .. } => names.contains(name),
        Tool::Other { .. } => true,
    });
    Ok(if mode.as_deref() == Some("required") { ToolChoice::Any } else { ToolChoice::Auto })
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
                schema: Json::from(schema.need::<Raw<'_>>("schema")?),
                strict: schema.take("strict")?,
            })
        }
        _ => return Err(bad("response_format.type", "must be text, json_object or json_schema")),
    };
    Ok(())
}
