//! A neutral request as Anthropic takes it, for clients of other dialects.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::abilities::Abilities;
use super::members::Members;
use super::write::{self, Object, json};
use crate::canon::{Cache, Format, Losses, Request, Tool, ToolChoice, Unfit};

mod blocks;
mod thinking;
mod turns;

use blocks::text_block;
use thinking::Mode;

/// Tokens of an answer at most where the client does not say: the most that every model since Claude 4 gives. Anthropic
/// needs a number.
pub const DEFAULT_MAX_TOKENS: u64 = 32_000;

/// Breakpoints of the prompt cache that a request may have.
const BREAKPOINTS: u32 = 4;

/// What a client is told to do where its dialect asks for some JSON object and Anthropic has only schemas.
const JSON_OBJECT: &str = "Answer with one JSON object and nothing else: no text before or after it, no code fence.";

/// Writes the body of `POST /v1/messages` for a model by the name of the provider.
///
/// # Errors
/// What Anthropic has nothing for, where leaving it out would change what the request means.
pub fn encode_request(request: &Request, model: &str, losses: &mut Losses) -> Result<Bytes, Unfit> {
    others(request, losses)?;
    let abilities = Abilities::of(model);
    let mut lead = turns::lead(request, losses)?;
    if matches!(request.format, Some(Format::JsonObject)) {
        lead.push((JSON_OBJECT, None));
        losses.add("response_format", "sent as an instruction");
    }
    let max_tokens = request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let rows = turns::rows(request, abilities, losses)?;
    let mode = thinking::decide(request, &rows, abilities, max_tokens, losses);
    let mut out = BytesMut::new();
    let mut marks = Marks { left: BREAKPOINTS, losses };
    let mut body = Object::begin(&mut out);
    body.member("model", model).member("max_tokens", &max_tokens);
    if request.stream {
        body.member("stream", &true);
    }
    tools(&mut body, request, &mut marks)?;
    tool_choice(&mut body, request, abilities, &mode, marks.losses);
    if !lead.is_empty() {
        write::list(body.name("system"), &lead, |out, (text, cache)| text_block(out, text, *cache, &mut marks));
    }
    turns::write(body.name("messages"), &rows, &mut marks)?;
    sampling(&mut body, request, abilities, &mode, marks.losses);
    mode.write(&mut body, request.format.as_ref());
    if let Some(user) = &request.user {
        Object::begin(body.name("metadata")).member("user_id", user).end();
    }
    body.end();
    Ok(out.freeze())
}

/// Breakpoints that may still be set.
struct Marks<'a> {
    left: u32,
    losses: &'a mut Losses,
}

impl Marks<'_> {
    fn set(&mut self, block: &mut Object<'_>, cache: Option<Cache>) {
        let Some(cache) = cache else { return };
        let Some(left) = self.left.checked_sub(1) else {
            self.losses.add("cache_control", "more than 4 breakpoints, the later ones dropped");
            return;
        };
        self.left = left;
        let control = match cache {
            Cache::Short => r#"{"type":"ephemeral"}"#,
            Cache::Long => r#"{"type":"ephemeral","ttl":"1h"}"#,
        };
        block.raw("cache_control", control);
    }
}

fn unfit(what: impl Into<std::borrow::Cow<'static, str>>, why: &'static str) -> Unfit {
    Unfit { what: what.into(), why: why.into() }
}

/// Members of the client's dialect without a place: most only steer; some ask for another answer.
fn others(request: &Request, losses: &mut Losses) -> Result<(), Unfit> {
    if let Some(kept) = request.kept_elsewhere() {
        return Err(unfit(kept.to_owned(), "the conversation is kept elsewhere"));
    }
    for (name, json) in &request.others {
        match (name.as_str(), json.text()) {
            ("n", "1") | ("stream_options", _) => {}
            ("n", _) => return Err(unfit("n", "Anthropic gives one answer")),
            ("web_search_options", _) => {
                return Err(unfit("web_search_options", "Anthropic's search is asked otherwise"));
            }
            ("audio" | "modalities", _) => return Err(unfit(name.clone(), "Anthropic answers in text")),
            _ => losses.dropped(name.clone()),
        }
    }
    Ok(())
}

fn tools(body: &mut Object<'_>, request: &Request, marks: &mut Marks<'_>) -> Result<(), Unfit> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Other { kind, .. } => return Err(unfit(format!("tools.{kind}"), "Anthropic has no such tool")),
            Tool::Custom { name, .. } if !legal(name) => {
                return Err(unfit("tools.name", "Anthropic takes 1 to 128 letters, digits, _ and -"));
            }
            Tool::Custom { name, description, schema, strict, cache } => {
                tools.push((name, description, schema, strict, *cache));
            }
        }
    }
    if tools.is_empty() {
        return Ok(());
    }
    write::list(body.name("tools"), tools, |out, (name, description, schema, strict, cache)| {
        let mut tool = Object::begin(out);
        tool.member("name", name).optional("description", description.as_ref());
        input_schema(tool.name("input_schema"), schema.text());
        tool.optional("strict", strict.as_ref());
        marks.set(&mut tool, cache);
        tool.end();
        true
    });
    Ok(())
}

fn legal(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    letters && (1..=128).contains(&name.len())
}

/// A schema is an object and says that it describes one; that is put in where it is missing, and nothing else is touched.
fn input_schema(out: &mut BytesMut, schema: &str) {
    let members: Option<Members<'_>> = serde_json::from_str(schema).ok();
    if members.as_ref().is_some_and(|members| members.get("type").is_some()) {
        out.put_slice(schema.as_bytes());
        return;
    }
    let mut typed = Object::begin(out);
    typed.member("type", "object");
    for (name, raw) in members.iter().flat_map(Members::iter).filter(|(name, _)| *name != "type") {
        typed.member(name, raw);
    }
    typed.end();
}

/// Without tools a choice is refused. A call can be forced only by some models, and by none that thinks on a budget.
fn tool_choice(body: &mut Object<'_>, request: &Request, abilities: Abilities, mode: &Mode, losses: &mut Losses) {
    let parallel = request.parallel_tools;
    let asked = request.tool_choice.clone().or_else(|| parallel.map(|_| ToolChoice::Auto));
    let Some(asked) = asked.filter(|_| !request.tools.is_empty()) else { return };
    let forces = matches!(asked, ToolChoice::Any | ToolChoice::Tool(_));
    let choice = if forces && (!abilities.forced || mode.has_budget()) {
        losses.add("tool_choice", "sent as auto");
        ToolChoice::Auto
    } else {
        asked
    };
    let mut out = Object::begin(body.name("tool_choice"));
    match &choice {
        ToolChoice::Auto => out.member("type", "auto"),
        ToolChoice::Any => out.member("type", "any"),
        ToolChoice::Tool(name) => out.member("type", "tool").member("name", name),
        ToolChoice::None => out.member("type", "none"),
    };
    if let Some(parallel) = parallel.filter(|_| choice != ToolChoice::None) {
        out.member("disable_parallel_tool_use", &!parallel);
    }
    out.end();
}

fn sampling(body: &mut Object<'_>, request: &Request, abilities: Abilities, mode: &Mode, losses: &mut Losses) {
    let allowed = abilities.sampling && !mode.thinks();
    if !allowed {
        for (name, asked) in [
            ("temperature", request.temperature.is_some_and(|degree| degree != 1.0)),
            ("top_p", request.top_p.is_some_and(|share| share != 1.0)),
            ("top_k", request.top_k.is_some()),
        ] {
            if asked {
                losses.dropped(name);
            }
        }
    } else {
        if let Some(degree) = request.temperature {
            if degree > 1.0 {
                losses.add("temperature", "clamped to 1");
            }
            body.member("temperature", &degree.min(1.0));
        }
        body.optional("top_p", request.top_p.as_ref()).optional("top_k", request.top_k.as_ref());
    }
    // Anthropic refuses stop texts of white space alone.
    let stops: Vec<&String> = request.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if stops.len() < request.stop.len() {
        losses.add("stop", "those of white space alone dropped");
    }
    if !stops.is_empty() {
        json(body.name("stop_sequences"), &stops);
    }
}
