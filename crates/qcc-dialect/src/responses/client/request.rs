//! Reads a request of a client.
//!
//! What has no place in the neutral form is kept by name, for the target may know it; what cannot be understood is refused,
//! for a guess would be another question. Members that concern only what OpenAI itself stores, counts or passes on
//! (`store`, `metadata`, `include` of sealed thoughts, the client's telemetry) change no answer, so leaving them out loses
//! nothing; a request that counts on something stored has a member that says so, and no other provider is fit for it.

use super::{input, tools};
use crate::canon::{BadRequest, Effort, Format, Json, Request, Text, Thinking};
use crate::json::{Document, Raw};
use crate::openai::client::members::Members;
use crate::openai::client::request::{Read, bad, effort_of_word, is_harmless};

/// Members that change no answer, with the one value of which that holds where it is not any.
const HARMLESS: &[(&str, Option<&str>)] = &[
    ("store", None),
    ("metadata", None),
    ("client_metadata", None),
    ("stream_options", None),
    ("include", Some("[\"reasoning.encrypted_content\"]")),
    ("include", Some("[]")),
    ("truncation", Some("\"disabled\"")),
    ("background", Some("false")),
    ("service_tier", Some("\"auto\"")),
    ("top_logprobs", Some("0")),
];

/// Reads the body of `POST /v1/responses`.
///
/// # Errors
/// Where it is no such request.
pub fn decode_request(body: &[u8]) -> Result<Request, BadRequest> {
    let not_json = |cause: String| bad("", format!("the request body is not valid JSON: {cause}"));
    let body = std::str::from_utf8(body).map_err(|cause| not_json(cause.to_string()))?;
    let document = Document::read(body).map_err(not_json)?;
    let mut members = Members::of(document.root()).ok_or_else(|| bad("", "the request body must be an object"))?;
    let mut request = Request {
        model: members.need("model")?,
        max_tokens: members.take("max_output_tokens")?,
        temperature: members.take("temperature")?,
        top_p: members.take("top_p")?,
        parallel_tools: members.take("parallel_tool_calls")?,
        stream: members.take("stream")?.unwrap_or_default(),
        include_usage: true,
        ..Request::default()
    };
    let user = members.take("safety_identifier")?;
    request.user = user.or(members.take("user")?);
    let instructions = members.take::<String>("instructions")?;
    request.system.extend(instructions.map(|text| Text { text, cache: None }));
    tools::add(members.take("tools")?.unwrap_or_default(), &mut request)?;
    let before = request.system.len();
    if let Some(raw) = members.take::<Raw<'_>>("input")? {
        input::read(raw, &mut request)?;
    }
    tools::choice(&mut members, &mut request)?;
    reasoning(&mut members, &mut request)?;
    text(&mut members, &mut request)?;
    let rest = members.rest().filter(|(name, raw)| !is_harmless(HARMLESS, name, *raw));
    request.others.extend(rest.map(|(name, raw)| (name, Json::from(raw))));
    let says_nothing = request.turns.is_empty() && request.system.len() == before;
    if says_nothing && request.kept_elsewhere().is_none() {
        return Err(bad("input", "is missing or empty"));
    }
    Ok(request)
}

/// Who wants to read a summary of the thinking wants the model to think.
fn reasoning(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(mut reasoning) = members.take::<Members<'_>>("reasoning")? else { return Ok(()) };
    if let Some(word) = reasoning.take::<String>("effort")? {
        let unknown = || bad("reasoning.effort", "must be none, minimal, low, medium, high, xhigh or max");
        request.effort = Some(effort_of_word(&word).ok_or_else(unknown)?);
    }
    let summary = reasoning.take::<String>("summary")?.or(reasoning.take("generate_summary")?);
    if summary.is_some() && request.effort != Some(Effort::None) {
        request.thinking = Some(Thinking::Adaptive);
    }
    for (name, raw) in reasoning.rest().filter(|(_, raw)| raw.get() != "\"auto\"") {
        request.others.push((format!("reasoning.{name}"), Json::from(raw)));
    }
    Ok(())
}

fn text(members: &mut Members<'_>, request: &mut Request) -> Read<()> {
    let Some(mut text) = members.take::<Members<'_>>("text")? else { return Ok(()) };
    if let Some(raw) = text.take::<Raw<'_>>("verbosity")? {
        request.others.push(("verbosity".to_owned(), Json::from(raw)));
    }
    let format = text.take::<Members<'_>>("format")?;
    text.leave("text", &mut request.others);
    let Some(mut format) = format else { return Ok(()) };
    let kind: String = format.need("type").map_err(|bad| bad.within("text.format"))?;
    request.format = match kind.as_str() {
        "text" => None,
        "json_object" => Some(Format::JsonObject),
        "json_schema" => {
            let schema = format.need::<Raw<'_>>("schema").map_err(|bad| bad.within("text.format"))?;
            Some(Format::JsonSchema {
                name: format.take("name")?,
                schema: Json::from(schema),
                strict: format.take("strict")?,
            })
        }
        _ => return Err(bad("text.format.type", "must be text, json_object or json_schema")),
    };
    format.leave("text.format", &mut request.others);
    Ok(())
}
