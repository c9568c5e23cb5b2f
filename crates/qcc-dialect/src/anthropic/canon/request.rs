//! A request of this dialect, read into the neutral form.
//!
//! It is read as far as the neutral form goes and as strictly as Anthropic does; whether names, numbers and combinations
//! are allowed is the provider's to say.

use super::block::{Lost, content, texts};
use super::members::{Members, Read, list, objects, string};
use super::tool;
use crate::canon::BadRequest;
use crate::canon::{Effort, Format, Json, Request, Role, Thinking, Turn};
use crate::json::{Document, Raw};

/// Reads the body of `POST /v1/messages`.
///
/// What has no place in the neutral form is in [`Request::others`]: whole members of the body by their names, and
/// members further in by the way to them, such as `tools.defer_loading`, each once.
///
/// # Errors
/// Where Anthropic would answer 400.
pub fn decode_request(body: &[u8]) -> Result<Request, BadRequest> {
    read(body, true)
}

/// Reads the body of `POST /v1/messages/count_tokens`, which has no limit of the answer.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_prompt(body: &[u8]) -> Result<Request, BadRequest> {
    read(body, false)
}

fn read(body: &[u8], needs_limit: bool) -> Read<Request> {
    let not_json = |cause: String| BadRequest::new("", format!("The request body is not valid JSON: {cause}"));
    let body = std::str::from_utf8(body).map_err(|cause| not_json(cause.to_string()))?;
    let document = Document::read(body).map_err(not_json)?;
    let members = Members::of(document.root())?;
    let mut lost = Lost::default();
    let mut request = Request { max_tokens: members.whole("max_tokens")?, ..Request::default() };
    if needs_limit && request.max_tokens.is_none() {
        return Err(BadRequest::new("max_tokens", "Field required"));
    }
    request.model = members.need_string("model")?;
    request.turns = turns(members.need("messages")?, &mut lost).map_err(|bad| bad.within("messages"))?;
    if let Some(raw) = members.get("system") {
        request.system = texts(raw, &mut lost).map_err(|bad| bad.within("system"))?;
    }
    if let Some(raw) = members.get("tools") {
        request.tools = tool::tools(raw, &mut lost).map_err(|bad| bad.within("tools"))?;
    }
    tool_choice(&members, &mut request, &mut lost)?;
    sampling(&members, &mut request)?;
    thinking(&members, &mut request, &mut lost)?;
    output_config(&members, &mut request, &mut lost)?;
    if let Some(metadata) = members.members("metadata")? {
        request.user = metadata.string("user_id").map_err(|bad| bad.within("metadata"))?;
        lost.note("metadata", &metadata, &["user_id"]);
    }
    for (name, raw) in members.unknown(KNOWN) {
        lost.add(name.into_owned(), raw);
    }
    request.others = lost.members;
    Ok(request)
}

/// Members of the body that have a place.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "stop_sequences",
    "stream",
    "metadata",
    "thinking",
    "output_config",
    "output_format",
    "temperature",
    "top_p",
    "top_k",
];

fn turns(raw: Raw<'_>, lost: &mut Lost) -> Read<Vec<Turn>> {
    let messages = objects(raw)?;
    if raw.items().next().is_none() {
        return Err(BadRequest::new("", "at least one message is required"));
    }
    let read = |(at, message): (usize, Members<'_>)| turn(&message, lost).map_err(|bad| bad.within(at));
    messages.enumerate().map(read).collect()
}

fn turn(message: &Members<'_>, lost: &mut Lost) -> Read<Turn> {
    lost.note("messages", message, &["role", "content"]);
    let role = match message.need_string("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(BadRequest::new("role", "Input should be 'user', 'assistant' or 'system'")),
    };
    let parts = content(message.need("content")?, lost).map_err(|bad| bad.within("content"))?;
    Ok(Turn { role, parts })
}

fn tool_choice(members: &Members<'_>, request: &mut Request, lost: &mut Lost) -> Read<()> {
    let (Some(choice), Some(raw)) = (members.members("tool_choice")?, members.get("tool_choice")) else {
        return Ok(());
    };
    match tool::choice(&choice).map_err(|bad| bad.within("tool_choice"))? {
        Some((choice, parallel)) => (request.tool_choice, request.parallel_tools) = (Some(choice), parallel),
        None => lost.add("tool_choice".to_owned(), raw),
    }
    Ok(())
}

fn sampling(members: &Members<'_>, request: &mut Request) -> Read<()> {
    request.stream = members.bool("stream")?.unwrap_or_default();
    request.temperature = members.number("temperature")?;
    request.top_p = members.number("top_p")?;
    request.top_k = members.whole("top_k")?;
    if let Some(raw) = members.get("stop_sequences") {
        let read = |(at, raw): (usize, Raw<'_>)| string(raw).map_err(|bad| bad.within(at));
        let stops = list(raw).and_then(|raws| raws.enumerate().map(read).collect());
        request.stop = stops.map_err(|bad| bad.within("stop_sequences"))?;
    }
    Ok(())
}

/// A way to think that is not known here is lost, and the model thinks as it does unasked.
fn thinking(members: &Members<'_>, request: &mut Request, lost: &mut Lost) -> Read<()> {
    let (Some(asked), Some(raw)) = (members.members("thinking")?, members.get("thinking")) else { return Ok(()) };
    let kind = asked.need_string("type").map_err(|bad| bad.within("thinking"))?;
    request.thinking = match kind.as_str() {
        "disabled" => Some(Thinking::Disabled),
        "adaptive" => Some(Thinking::Adaptive),
        "enabled" => {
            let budget = asked.need("budget_tokens").and_then(|_| asked.whole("budget_tokens"));
            budget.map_err(|bad| bad.within("thinking"))?.map(Thinking::Budget)
        }
        _ => {
            lost.add("thinking".to_owned(), raw);
            return Ok(());
        }
    };
    lost.note("thinking", &asked, &["type", "budget_tokens"]);
    Ok(())
}

fn output_config(members: &Members<'_>, request: &mut Request, lost: &mut Lost) -> Read<()> {
    if let Some(config) = members.members("output_config")? {
        if let Some(word) = config.string("effort").map_err(|bad| bad.within("output_config"))? {
            request.effort = effort(&word);
        }
        if let (None, Some(raw)) = (request.effort, config.get("effort")) {
            lost.add("output_config.effort".to_owned(), raw);
        }
        format(&config, "format", "output_config.format", request, lost).map_err(|bad| bad.within("output_config"))?;
        lost.note("output_config", &config, &["effort", "format"]);
    }
    // What it was called before; clients of that time still send it.
    if request.format.is_none() {
        format(members, "output_format", "output_format", request, lost)?;
    }
    Ok(())
}

fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => return None,
    })
}

fn format(members: &Members<'_>, name: &str, place: &str, request: &mut Request, lost: &mut Lost) -> Read<()> {
    let (Some(format), Some(raw)) = (members.members(name)?, members.get(name)) else { return Ok(()) };
    if format.string("type").map_err(|bad| bad.within(name))?.as_deref() == Some("json_schema") {
        let schema = Json::from(format.need("schema").map_err(|bad| bad.within(name))?);
        request.format = Some(Format::JsonSchema { name: None, schema, strict: None });
    } else {
        lost.add(place.to_owned(), raw);
    }
    Ok(())
}
