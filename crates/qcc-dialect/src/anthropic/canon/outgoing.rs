//! A neutral request as Anthropic takes it, for clients of other dialects.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::canon::{Cache, Format, Json, Losses, Request, Role, Tool, ToolChoice, Unfit, is_legal};
use crate::capabilities::{Capabilities, Forced, Member, fit};
use crate::json::write::{self, Object, json};
use crate::schema::{self, Bound, bound};

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

/// Writes the body of `POST /v1/messages` for a model by the name of the provider. Where nothing is known of it, it takes
/// what models took from the beginning.
///
/// # Errors
/// What Anthropic has nothing for, where leaving it out would change what the request means.
pub fn encode_request(
    request: &Request,
    capabilities: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Bytes, Unfit> {
    let drops = capabilities.drop_server_tools == Some(true);
    others(request, drops, losses)?;
    fit::check(request, capabilities)?;
    let mut lead = turns::lead(request, losses)?;
    let form = bound_schema(request, capabilities);
    if form.as_ref().is_some_and(|form| form.differs) {
        losses.add("response_format", "bound to what of its schema can be, the rest told");
    }
    let instruction = instruction(request, form.is_some());
    if let Some(text) = &instruction {
        lead.push((text, None));
        losses.add("response_format", "sent as an instruction");
    }
    let max_tokens = max_tokens(request, capabilities, losses);
    let rows = turns::rows(request, capabilities, losses)?;
    let mode = thinking::decide(request, &rows, capabilities, max_tokens, losses);
    let mut out = BytesMut::with_capacity(request.rough_size());
    let breakpoints = if capabilities.refused.has(Member::CacheControl) { 0 } else { BREAKPOINTS };
    let unasked = if breakpoints == 0 { None } else { unasked(request) };
    if let Some((_, cache)) = lead.last_mut() {
        *cache = cache.or(unasked);
    }
    let mut marks = Marks { most: breakpoints, left: breakpoints, unsaid: None, losses };
    let mut body = Object::begin(&mut out);
    body.member("model", model).member("max_tokens", &max_tokens);
    if request.stream {
        body.member("stream", &true);
    }
    if tools(&mut body, request, capabilities, &mut marks)? {
        tool_choice(&mut body, request, capabilities, &mode, marks.losses);
    }
    if !lead.is_empty() {
        write::list(body.name("system"), &lead, |out, (text, cache)| text_block(out, text, *cache, &mut marks));
    }
    turns::write(body.name("messages"), &rows, unasked, &mut marks)?;
    marks.unsaid = None;
    sampling(&mut body, request, capabilities, &mode, marks.losses);
    stops(&mut body, request, capabilities, marks.losses);
    mode.write(&mut body, form.as_ref().map(|form| &*form.schema));
    match &request.user {
        Some(_) if capabilities.refused.has(Member::User) => marks.losses.dropped("user"),
        Some(user) => Object::begin(body.name("metadata")).member("user_id", user).end(),
        None => {}
    }
    body.end();
    Ok(out.freeze())
}

/// A breakpoint that nobody has asked for. Other vendors cache by themselves, and their clients set no breakpoints; Anthropic
/// caches only up to one. So a conversation that goes on, or is going to, has one after the operator's words, with the tools
/// before them, and one at its end. A single question is not worth what the writing costs.
fn unasked(request: &Request) -> Option<Cache> {
    let goes_on = !request.tools.is_empty() || request.turns.iter().any(|turn| turn.role == Role::Assistant);
    (goes_on && !request.marks_the_cache()).then_some(Cache::Short)
}

/// Breakpoints that may still be set.
struct Marks<'a> {
    most: u32,
    left: u32,
    /// For the block that is written next, where it has none of its own.
    unsaid: Option<Cache>,
    losses: &'a mut Losses,
}

impl Marks<'_> {
    fn set(&mut self, block: &mut Object<'_>, cache: Option<Cache>) {
        let Some(cache) = cache.or_else(|| self.unsaid.take()) else { return };
        let Some(left) = self.left.checked_sub(1) else {
            let how = if self.most == 0 { "dropped" } else { "more than 4 breakpoints, the later ones dropped" };
            self.losses.add("cache_control", how);
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

/// The schema to which the model binds the answer, if it does.
fn bound_schema<'a>(request: &'a Request, capabilities: &Capabilities) -> Option<Bound<'a>> {
    let binds = capabilities.schemas != Some(false) && !capabilities.refused.has(Member::ResponseFormat);
    match &request.format {
        Some(Format::JsonSchema { schema, .. }) if binds => bound(schema),
        _ => None,
    }
}

/// What the model is told of the form of the answer, where it is not bound to it.
fn instruction(request: &Request, is_bound: bool) -> Option<Cow<'static, str>> {
    match &request.format {
        Some(Format::JsonObject) => Some(JSON_OBJECT.into()),
        Some(Format::JsonSchema { schema, .. }) if !is_bound => {
            Some(format!("{JSON_OBJECT} It has to fit this JSON Schema:\n{}", schema.text()).into())
        }
        _ => None,
    }
}

fn unfit(what: impl Into<Cow<'static, str>>, why: &'static str) -> Unfit {
    Unfit { what: what.into(), why: why.into() }
}

/// Members of the client's dialect without a place: most only steer; some ask for another answer.
fn others(request: &Request, drops: bool, losses: &mut Losses) -> Result<(), Unfit> {
    if let Some(kept) = request.kept_elsewhere() {
        return Err(unfit(kept.to_owned(), "the conversation is kept elsewhere"));
    }
    for (name, _) in &request.others {
        if name == "web_search_options" && !drops {
            return Err(unfit("web_search_options", "Anthropic's search is asked otherwise"));
        }
        losses.dropped(name.clone());
    }
    Ok(())
}

/// Writes the tools. Whether there are any.
fn tools(
    body: &mut Object<'_>,
    request: &Request,
    capabilities: &Capabilities,
    marks: &mut Marks<'_>,
) -> Result<bool, Unfit> {
    let strictly = capabilities.strict_tools != Some(false);
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Other { kind, .. } if capabilities.drop_server_tools == Some(true) => {
                marks.losses.dropped(format!("tools.{kind}"));
            }
            Tool::Other { kind, .. } => return Err(unfit(format!("tools.{kind}"), "Anthropic has no such tool")),
            Tool::Custom { name, .. } if !is_legal(name, NAME) => {
                return Err(unfit("tools.name", "Anthropic takes 1 to 128 letters, digits, _ and -"));
            }
            Tool::Custom { name, description, schema, strict, cache } => {
                let asked = *strict == Some(true);
                let strict = asked && strictly && bound(schema).is_some_and(|bound| !bound.differs);
                if asked && !strict {
                    marks.losses.dropped("tools.strict");
                }
                // That it need not be is so anyway, and older models refuse the word.
                tools.push((name, description, schema, strict.then_some(true), *cache));
            }
        }
    }
    if tools.is_empty() {
        return Ok(false);
    }
    write::list(body.name("tools"), tools, |out, (name, description, schema, strict, cache)| {
        let mut tool = Object::begin(out);
        tool.member("name", name).optional("description", description.as_ref());
        input_schema(tool.name("input_schema"), schema, marks.losses);
        tool.optional("strict", strict.as_ref());
        marks.set(&mut tool, cache);
        tool.end();
        true
    });
    Ok(true)
}

/// Longest name of a tool.
const NAME: usize = 128;

/// A schema is an object and says that it describes one; that is put in where it is missing, and nothing else is touched.
fn input_schema(out: &mut BytesMut, schema: &Json, losses: &mut Losses) {
    let schema = schema::rooted(schema, "tools.input_schema", losses);
    out.put_slice(schema.text().as_bytes());
}

/// Without tools a choice is refused. A call can be forced only by some models, and by none that thinks on a budget.
fn tool_choice(
    body: &mut Object<'_>,
    request: &Request,
    capabilities: &Capabilities,
    mode: &Mode,
    losses: &mut Losses,
) {
    let told = capabilities.parallel_tools != Some(false);
    if request.parallel_tools == Some(false) && !told {
        losses.dropped("parallel_tool_calls");
    }
    let parallel = request.parallel_tools.filter(|_| told);
    let asked = request.tool_choice.clone().or_else(|| parallel.map(|_| ToolChoice::Auto));
    let Some(asked) = asked else { return };
    let forces = matches!(asked, ToolChoice::Any | ToolChoice::Tool(_));
    let able = match capabilities.forced_tools {
        Some(Forced::No) => false,
        Some(Forced::SomeTool) => asked == ToolChoice::Any,
        Some(Forced::WithoutThinking) => !mode.thinks(),
        Some(Forced::Yes) | None => !mode.has_budget(),
    };
    if capabilities.refused.has(Member::ToolChoice) {
        if asked != ToolChoice::Auto || parallel == Some(false) {
            losses.dropped("tool_choice");
        }
        return;
    }
    let choice = if forces && !able {
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

/// The limit of the answer, which Anthropic needs.
fn max_tokens(request: &Request, capabilities: &Capabilities, losses: &mut Losses) -> u64 {
    let most = capabilities.max_output.unwrap_or(u64::MAX);
    match request.max_tokens {
        Some(asked) if asked > most => {
            losses.add("max_tokens", format!("clamped to {most}"));
            most
        }
        Some(asked) => asked,
        None => DEFAULT_MAX_TOKENS.min(most),
    }
}

fn sampling(body: &mut Object<'_>, request: &Request, capabilities: &Capabilities, mode: &Mode, losses: &mut Losses) {
    let any = capabilities.sampling != Some(false) && !mode.thinks();
    let taken = |member| any && !capabilities.refused.has(member);
    let (top_p, top_k) = (taken(Member::TopP), taken(Member::TopK));
    for (name, lost) in [
        ("temperature", !any && request.temperature.is_some_and(|degree| degree != 1.0)),
        ("top_p", !top_p && request.top_p.is_some_and(|share| share != 1.0)),
        ("top_k", !top_k && request.top_k.is_some()),
    ] {
        if lost {
            losses.dropped(name);
        }
    }
    if let Some(degree) = request.temperature.filter(|_| any) {
        if degree > 1.0 {
            losses.add("temperature", "clamped to 1");
        }
        body.member("temperature", &degree.min(1.0));
    }
    // Many models refuse both at once, and clients say by habit what is so anyway.
    let usual = |share: &&f64| **share == 1.0 && request.temperature.is_some();
    body.optional("top_p", request.top_p.as_ref().filter(|share| top_p && !usual(share)));
    body.optional("top_k", request.top_k.as_ref().filter(|_| top_k));
}

fn stops(body: &mut Object<'_>, request: &Request, capabilities: &Capabilities, losses: &mut Losses) {
    if capabilities.stop == Some(false) {
        if !request.stop.is_empty() {
            losses.dropped("stop");
        }
        return;
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
