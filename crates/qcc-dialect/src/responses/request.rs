//! Writes a request of the neutral form as a body of this dialect, for one provider and model.
//!
//! Nothing is stored at the provider (`store: false`): the whole conversation goes up every time, and what the model thought
//! goes with it as the vendor has sealed it. What a provider cannot take and an answer is as good without is a loss; what
//! the client counts on makes the request unfit.

use bytes::Bytes;
use serde::Serialize;

use crate::canon::{Json, Losses, Request, ToolNames, Unfit, digest};
use crate::capabilities::{Capabilities, Member, fit};
pub use crate::foreign::Encoded;
use crate::foreign::tools::Choice;
use crate::json::print::print;
use crate::openai::request::tier::{Tier, tier};

mod content;
mod conversation;
mod items;
mod steering;
mod tools;

use items::Item;
use steering::{Reasoning, Steering, TextConfig};

/// Least `max_output_tokens` that is taken; OpenAI's reference of the parameter.
const LEAST_OUTPUT: u64 = 16;

/// Highest `temperature` that is taken; OpenAI's reference of the parameter.
const MAX_TEMPERATURE: f64 = 2.0;

/// What asks for thoughts in a form that can be given back.
const SEALED_THOUGHTS: &str = "reasoning.encrypted_content";

/// Writes `request` for a provider that calls the model `model` and takes what `capabilities` say.
///
/// # Errors
/// Where it could only be sent with another meaning.
pub fn encode_request(
    request: &Request,
    capabilities: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Encoded, Unfit> {
    fit::room(request, capabilities)?;
    let mut pen = Pen { capabilities, names: ToolNames::new(), losses, thinks: false };
    let others = others(request, &mut pen)?;
    let prompt = prompt(request, model, &mut pen)?;
    let body = Body {
        max_output_tokens: max_output_tokens(request, &mut pen)?,
        temperature: temperature(request, &mut pen),
        top_p: sampled("top_p", request.top_p, &mut pen),
        include: if prompt.sealed_thoughts { vec![SEALED_THOUGHTS] } else { Vec::new() },
        prompt,
        store: false,
        prompt_cache_key: others.prompt_cache_key,
        prompt_cache_retention: others.prompt_cache_retention,
        safety_identifier: end_user(request, &mut pen),
        service_tier: others.service_tier,
        stream: request.stream,
    };
    if request.top_k.is_some() {
        pen.losses.dropped("top_k");
    }
    if !request.stop.is_empty() {
        pen.losses.dropped("stop_sequences");
    }
    Ok(Encoded { body: printed(&body, request.rough_size())?, names: pen.names })
}

/// Writes what `POST /responses/input_tokens` counts: the same prompt, without what steers the writing of an answer.
///
/// # Errors
/// As [`encode_request`].
pub fn encode_count(
    request: &Request,
    capabilities: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Bytes, Unfit> {
    let mut pen = Pen { capabilities, names: ToolNames::new(), losses, thinks: false };
    others(request, &mut pen)?;
    printed(&prompt(request, model, &mut pen)?, request.rough_size())
}

/// What all parts of the writing share.
struct Pen<'p> {
    capabilities: &'p Capabilities,
    names: ToolNames,
    losses: &'p mut Losses,
    /// Whether the model may think, so that its former thoughts can go back.
    thinks: bool,
}

/// What the model reads.
#[derive(Serialize)]
struct Prompt<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "TextConfig::is_empty")]
    text: TextConfig<'a>,
    #[serde(skip)]
    sealed_thoughts: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    prompt: Prompt<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_retention: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    stream: bool,
}

fn printed(body: &impl Serialize, expected: usize) -> Result<Bytes, Unfit> {
    let unprintable = |cause: serde_json::Error| Unfit { what: "body".into(), why: cause.to_string().into() };
    print(body, expected).map_err(unprintable)
}

fn prompt<'a>(request: &'a Request, model: &'a str, pen: &mut Pen<'_>) -> Result<Prompt<'a>, Unfit> {
    let tools::Tools { tools, choice } = tools::tools(request, pen)?;
    let forces = choice.as_ref().is_some_and(Choice::forces);
    let Steering { reasoning, sealed_thoughts, text, instruction } = steering::steering(request, forces, pen);
    let mut input = conversation::items(request, pen)?;
    if let Some(instruction) = instruction {
        input.insert(0, Item::developer(instruction));
    }
    if input.is_empty() {
        return Err(unfit("messages", "nothing is left to be sent"));
    }
    Ok(Prompt {
        model,
        instructions: conversation::instructions(request, pen),
        input,
        parallel_tool_calls: parallel(request, &tools, pen),
        tools,
        tool_choice: choice,
        reasoning,
        text,
        sealed_thoughts,
    })
}

/// Members without a place in the neutral form that this dialect knows.
#[derive(Default)]
struct Others<'a> {
    prompt_cache_key: Option<&'a Json>,
    prompt_cache_retention: Option<&'a Json>,
    service_tier: Option<&'static str>,
}

/// Passes on what the target knows, notes the rest as lost, and refuses what the answer depends on.
fn others<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Others<'a>, Unfit> {
    if let Some(kept) = request.kept_elsewhere() {
        return Err(unfit(kept.to_owned(), "the conversation is kept by another provider"));
    }
    let drops = pen.capabilities.drop_server_tools == Some(true);
    let mut known = Others::default();
    for (name, value) in &request.others {
        let refused = Member::named(name).is_some_and(|member| pen.capabilities.refused.has(member));
        match (name.as_str(), value.text()) {
            _ if refused => pen.losses.dropped(name.clone()),
            ("thread", _) => return Err(unfit("thread", "the conversation is kept by another provider")),
            ("mcp_servers", servers) if servers != "[]" && !drops => {
                return Err(unfit("mcp_servers", "only Anthropic calls them for the client"));
            }
            ("web_search_options", _) if !drops => {
                return Err(unfit("web_search_options", "its search is asked otherwise"));
            }
            ("prompt_cache_key", _) => known.prompt_cache_key = Some(value),
            ("prompt_cache_retention", _) => known.prompt_cache_retention = Some(value),
            ("service_tier", _) => match tier(value) {
                Tier::Word(word) => known.service_tier = Some(word),
                Tier::Usual => {}
                Tier::Unknown => pen.losses.dropped("service_tier"),
            },
            // Written elsewhere.
            ("verbosity", _) => {}
            _ => pen.losses.dropped(name.clone()),
        }
    }
    Ok(known)
}

fn unfit(what: impl Into<std::borrow::Cow<'static, str>>, why: &'static str) -> Unfit {
    Unfit { what: what.into(), why: why.into() }
}

/// The client's name of its user can hold its account: only a digest leaves.
fn end_user(request: &Request, pen: &mut Pen<'_>) -> Option<String> {
    let name = request.user.as_ref()?;
    if pen.capabilities.refused.has(Member::User) {
        pen.losses.dropped("metadata.user_id");
        return None;
    }
    Some(format!("{:016x}", digest(name.as_bytes())))
}

fn max_output_tokens(request: &Request, pen: &mut Pen<'_>) -> Result<Option<u64>, Unfit> {
    let Some(asked) = request.max_tokens else { return Ok(None) };
    if asked == 0 {
        return Err(unfit("max_tokens", "only Anthropic's cache can be warmed without an answer"));
    }
    let most = pen.capabilities.max_output.unwrap_or(u64::MAX);
    if asked > most {
        pen.losses.add("max_tokens", format!("clamped to {most}"));
    } else if asked < LEAST_OUTPUT {
        pen.losses.add("max_tokens", format!("raised to {LEAST_OUTPUT}"));
    }
    Ok(Some(asked.min(most).max(LEAST_OUTPUT)))
}

/// A member that models which think by themselves refuse.
fn sampled(name: &'static str, asked: Option<f64>, pen: &mut Pen<'_>) -> Option<f64> {
    let alone = Member::named(name).is_some_and(|member| pen.capabilities.refused.has(member));
    let refused = alone || pen.capabilities.sampling == Some(false);
    if asked.is_some() && refused {
        pen.losses.dropped(name);
    }
    asked.filter(|_| !refused)
}

fn temperature(request: &Request, pen: &mut Pen<'_>) -> Option<f64> {
    let asked = sampled("temperature", request.temperature, pen)?;
    if asked > MAX_TEMPERATURE {
        pen.losses.add("temperature", format!("clamped from {asked} to {MAX_TEMPERATURE}"));
    }
    Some(asked.min(MAX_TEMPERATURE))
}

fn parallel(request: &Request, tools: &[tools::Function<'_>], pen: &mut Pen<'_>) -> Option<bool> {
    let wish = request.parallel_tools.filter(|_| !tools.is_empty())?;
    if pen.capabilities.parallel_tools != Some(false) {
        return Some(wish);
    }
    if !wish {
        pen.losses.dropped("tool_choice.disable_parallel_tool_use");
    }
    None
}
