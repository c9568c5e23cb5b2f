//! Writes a request of the neutral form as a body of this dialect, for one provider and model.
//!
//! What a provider cannot take and an answer is as good without is a loss; what the client counts on makes the request
//! unfit for this provider, for an answer that passes over it would be a wrong one.

use serde::Serialize;

use super::traits::{Traits, UserMember, Vendor};
use crate::canon::{Json, Losses, Request, Unfit};
use crate::canon::{ToolNames, digest};
use crate::capabilities::{Capabilities, Member, fit};
pub use crate::foreign::Encoded;
use crate::foreign::tools::Choice;
use crate::foreign::unfit;
use crate::json::print::print;

mod assistant;
mod content;
pub(crate) mod conversation;
pub(crate) mod format;
pub(crate) mod thinking;
pub(crate) mod tier;
pub(crate) mod tools;
pub(crate) mod user;

use content::Message;
use tier::Tier;

/// Writes `request` for the provider with these traits, which calls the model `model`. What is known of that model wins
/// over what holds for its vendor.
///
/// # Errors
/// Where it could only be sent with another meaning.
pub fn encode_request(
    request: &Request,
    traits: &Traits,
    capabilities: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Encoded, Unfit> {
    fit::check(request, capabilities)?;
    let traits = traits.settled(model).with(capabilities);
    let mut pen = Pen { traits: &traits, names: ToolNames::new(), losses };
    let tools::Tools { tools, mut choice } = tools::tools(request, &mut pen)?;
    let thinking = thinking::thinking(request, &mut choice, &mut pen);
    let format = format::format(request, &mut pen);
    let mut messages = conversation::messages(request, thinking.thinks, &mut pen)?;
    if let Some(instruction) = format.instruction {
        content::append_system(&mut messages, instruction, &pen);
    }
    let limit = fit::max_tokens(request.max_tokens, pen.traits.max_output, pen.losses)?;
    let (max_tokens, max_completion_tokens) = if traits.max_completion_tokens { (None, limit) } else { (limit, None) };
    let (temperature, top_p, top_k) = sampling(request, &mut pen);
    let (safety_identifier, user) = end_user(request, &mut pen);
    let others = others(request, &mut pen)?;
    let body = Body {
        model,
        messages,
        max_tokens,
        max_completion_tokens,
        temperature,
        top_p,
        top_k,
        stop: stop(request, &mut pen),
        parallel_tool_calls: parallel(request, &tools, &mut pen),
        tool_choice: choice,
        tools,
        response_format: format.response_format,
        thinking: thinking.members,
        safety_identifier,
        user,
        others,
        stream: request.stream,
        stream_options: (request.stream && traits.stream_options).then_some(StreamOptions { include_usage: true }),
    };
    let names = pen.names;
    let unprintable = |cause: serde_json::Error| Unfit { what: "body".into(), why: cause.to_string().into() };
    Ok(Encoded { body: print(&body, request.rough_size()).map_err(unprintable)?, names })
}

/// What all parts of the writing share.
struct Pen<'p> {
    traits: &'p Traits,
    names: ToolNames,
    losses: &'p mut Losses,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<format::ResponseFormat<'a>>,
    #[serde(flatten)]
    thinking: thinking::Members,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(flatten)]
    others: Others<'a>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Members without a place in the neutral form that mean the same in every dialect that has them.
#[derive(Serialize, Default)]
struct Others<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_retention: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

/// Passes on what the target knows, notes the rest as lost, and refuses what the answer depends on.
fn others<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Others<'a>, Unfit> {
    if let Some(kept) = request.kept_elsewhere() {
        return Err(Unfit { what: kept.to_owned().into(), why: "the conversation is kept by another provider".into() });
    }
    let mut known = Others::default();
    for (name, value) in &request.others {
        let refused = Member::named(name).is_some_and(|member| pen.traits.refused.has(member));
        match name.as_str() {
            _ if refused => pen.losses.dropped(name.clone()),
            "thread" => return Err(unfit("thread", "the conversation is kept by another provider")),
            "mcp_servers" if value.text() != "[]" && !pen.traits.drop_server_tools => {
                return Err(unfit("mcp_servers", "only Anthropic calls them for the client"));
            }
            "seed" => known.seed = Some(value),
            "presence_penalty" => known.presence_penalty = Some(value),
            "frequency_penalty" => known.frequency_penalty = Some(value),
            "prompt_cache_key" => known.prompt_cache_key = Some(value),
            "prompt_cache_retention" if pen.traits.vendor == Vendor::OpenAi => {
                known.prompt_cache_retention = Some(value);
            }
            "verbosity" if pen.traits.verbosity => known.verbosity = Some(value),
            "service_tier" if pen.traits.vendor == Vendor::OpenAi => match tier::tier(value) {
                Tier::Word(word) => known.service_tier = Some(word),
                Tier::Usual => {}
                Tier::Unknown => pen.losses.dropped("service_tier"),
            },
            _ => pen.losses.dropped(name.clone()),
        }
    }
    Ok(known)
}

fn sampling(request: &Request, pen: &mut Pen<'_>) -> (Option<f64>, Option<f64>, Option<u64>) {
    let traits = pen.traits;
    let mut keep = |name: &'static str, given: bool, taken: bool| {
        if given && !taken {
            pen.losses.dropped(name);
        }
        given && taken
    };
    let temperature = request.temperature.filter(|_| keep("temperature", true, traits.sampling));
    let top_p = request.top_p.filter(|_| keep("top_p", true, traits.sampling && !traits.refused.has(Member::TopP)));
    let top_k = request.top_k.filter(|_| keep("top_k", true, traits.top_k && traits.sampling));
    if let Some(asked) = temperature.filter(|&asked| asked > traits.max_temperature) {
        pen.losses.add("temperature", format!("clamped from {asked} to {}", traits.max_temperature));
    }
    (temperature.map(|asked| asked.min(traits.max_temperature)), top_p, top_k)
}

fn stop<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Vec<&'a str> {
    let most = pen.traits.stops;
    let asked: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect();
    match asked.len() {
        count if count <= most => {}
        _ if most == 0 => pen.losses.dropped("stop_sequences"),
        _ => pen.losses.add("stop_sequences", format!("dropped after the first {most}")),
    }
    asked.into_iter().take(most).collect()
}

/// Only a wish for one call at a time is worth a word to those who may not know it.
fn parallel(request: &Request, tools: &[tools::Function<'_>], pen: &mut Pen<'_>) -> Option<bool> {
    let wish = request.parallel_tools.filter(|_| !tools.is_empty())?;
    if pen.traits.parallel {
        return Some(wish);
    }
    if !wish {
        pen.losses.dropped("tool_choice.disable_parallel_tool_use");
    }
    None
}

/// The client's name of its user can hold its account and session: only a digest leaves.
fn end_user(request: &Request, pen: &mut Pen<'_>) -> (Option<String>, Option<String>) {
    let name = request.user.as_ref().map(|name| format!("{:016x}", digest(name.as_bytes())));
    match pen.traits.user {
        Some(UserMember::SafetyIdentifier) => (name, None),
        Some(UserMember::User) => (None, name),
        None => {
            if name.is_some() {
                pen.losses.dropped("metadata.user_id");
            }
            (None, None)
        }
    }
}
