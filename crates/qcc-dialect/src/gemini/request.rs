//! Writes a request of the neutral form as a body of this dialect, for one model.
//!
//! What Gemini cannot take and an answer is as good without is a loss; what the client counts on makes the request unfit
//! for this provider, for an answer that passes over it would be a wrong one.

use bytes::Bytes;
use serde::Serialize;

use super::model::Model;
use crate::canon::{Json, Losses, Request, ToolNames, Unfit};
use crate::capabilities::{Capabilities, Member, fit};
pub use crate::foreign::Encoded;
pub(super) use crate::foreign::unfit;
use crate::json::print::print;

mod assistant;
mod content;
mod conversation;
mod format;
mod media;
mod thinking;
mod tools;
mod user;

use content::{Content, System};

/// Most texts that end an answer.
const STOPS: usize = 5;

/// Why a conversation of which a part is not in the request goes to nobody else.
const KEPT: &str = "the conversation is kept by another provider";

/// Writes `request` for a provider that calls the model `model`, of which `known` is known.
///
/// # Errors
/// Where it could only be sent with another meaning.
pub fn encode_request(
    request: &Request,
    known: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Encoded, Unfit> {
    fit::room(request, known)?;
    if let Some(kept) = request.kept_elsewhere() {
        return Err(Unfit { what: kept.to_owned().into(), why: KEPT.into() });
    }
    let mut pen = Pen { known, model: Model::of(model), names: ToolNames::new(), losses };
    let mut prompt = prompt(request, &mut pen)?;
    let format = format::format(request, &mut pen);
    if let Some(instruction) = format.instruction {
        prompt.instruct(instruction);
    }
    let others = others(request, &mut pen)?;
    lose_what_has_no_place(request, &mut pen);
    let (temperature, top_p, top_k) = sampling(request, &mut pen);
    let generation_config = Config {
        max_output_tokens: fit::max_tokens(request.max_tokens, pen.known.max_output, pen.losses)?,
        temperature,
        top_p,
        top_k,
        stop_sequences: stop(request, &mut pen),
        thinking_config: thinking::thinking(request, &mut pen),
        response_mime_type: format.mime_type,
        response_json_schema: format.schema,
        others,
    };
    let body = Body { prompt, generation_config };
    Ok(Encoded { body: printed(&body, request.rough_size())?, names: pen.names })
}

/// What counts as the prompt.
pub(super) fn encode_prompt<'a>(
    request: &'a Request,
    known: &Capabilities,
    model: &str,
    losses: &mut Losses,
) -> Result<Prompt<'a>, Unfit> {
    prompt(request, &mut Pen { known, model: Model::of(model), names: ToolNames::new(), losses })
}

pub(super) fn printed(body: &impl Serialize, expected: usize) -> Result<Bytes, Unfit> {
    let unprintable = |cause: serde_json::Error| Unfit { what: "body".into(), why: cause.to_string().into() };
    print(body, expected).map_err(unprintable)
}

/// What all parts of the writing share.
struct Pen<'p> {
    known: &'p Capabilities,
    model: Model<'p>,
    names: ToolNames,
    losses: &'p mut Losses,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(flatten)]
    prompt: Prompt<'a>,
    #[serde(skip_serializing_if = "Config::is_empty")]
    generation_config: Config<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prompt<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<System<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[tools::Declarations<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<tools::Config>,
}

fn prompt<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Prompt<'a>, Unfit> {
    let (tools, tool_config) = tools::tools(request, pen)?;
    let (system_instruction, contents) = conversation::contents(request, pen)?;
    Ok(Prompt { system_instruction, contents, tools, tool_config })
}

impl Prompt<'_> {
    /// Adds a text to what stands before the conversation.
    fn instruct(&mut self, text: String) {
        self.system_instruction.get_or_insert_default().push(text);
    }
}

#[derive(Serialize, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<thinking::Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Json>,
    #[serde(flatten)]
    others: Others<'a>,
}

impl Config<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Members without a place in the neutral form that mean the same here.
#[derive(Serialize, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Others<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Json>,
}

/// Passes on what Gemini knows, notes the rest as lost, and refuses what the answer depends on.
fn others<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Others<'a>, Unfit> {
    let mut known = Others::default();
    for (name, value) in &request.others {
        let refused = Member::named(name).is_some_and(|member| pen.known.refused.has(member));
        match name.as_str() {
            _ if refused => pen.losses.dropped(name.clone()),
            "thread" => return Err(unfit("thread", KEPT)),
            "mcp_servers" if value.text() != "[]" && pen.known.drop_server_tools != Some(true) => {
                return Err(unfit("mcp_servers", "only Anthropic calls them for the client"));
            }
            "web_search_options" if pen.known.drop_server_tools != Some(true) => {
                return Err(unfit("web_search_options", "its search is asked otherwise"));
            }
            "seed" => known.seed = Some(value),
            "presence_penalty" => known.presence_penalty = Some(value),
            "frequency_penalty" => known.frequency_penalty = Some(value),
            _ => pen.losses.dropped(name.clone()),
        }
    }
    Ok(known)
}

fn lose_what_has_no_place(request: &Request, pen: &mut Pen<'_>) {
    if request.user.is_some() {
        pen.losses.dropped("metadata.user_id");
    }
    if request.parallel_tools == Some(false) && !request.tools.is_empty() {
        pen.losses.dropped("tool_choice.disable_parallel_tool_use");
    }
}

fn sampling(request: &Request, pen: &mut Pen<'_>) -> (Option<f64>, Option<f64>, Option<u64>) {
    let any = pen.known.sampling != Some(false);
    let refused = |member| !any || pen.known.refused.has(member);
    let (no_top_p, no_top_k) = (refused(Member::TopP), refused(Member::TopK));
    for (name, lost) in [
        ("temperature", !any && request.temperature.is_some()),
        ("top_p", no_top_p && request.top_p.is_some()),
        ("top_k", no_top_k && request.top_k.is_some()),
    ] {
        if lost {
            pen.losses.dropped(name);
        }
    }
    (request.temperature.filter(|_| any), request.top_p.filter(|_| !no_top_p), request.top_k.filter(|_| !no_top_k))
}

fn stop<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Vec<&'a str> {
    let asked: Vec<&str> = request.stop.iter().map(String::as_str).filter(|stop| !stop.is_empty()).collect();
    if pen.known.stop == Some(false) && !asked.is_empty() {
        pen.losses.dropped("stop_sequences");
        return Vec::new();
    }
    if asked.len() > STOPS {
        pen.losses.add("stop_sequences", format!("dropped after the first {STOPS}"));
    }
    asked.into_iter().take(STOPS).collect()
}
