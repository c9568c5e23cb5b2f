//! The rules of Gemini's `generateContent`: no member that it does not know, results right after their calls in the same
//! number and order, and the signature of a thought back where it was.

use serde_json::Value;

use super::Asked;
use super::rules::{body, header, list, members, model, text};
use crate::replies::{Call, Dialect};
use crate::upstream::Received;

const MEMBERS: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "cachedContent",
    "serviceTier",
    "labels",
    "generationConfig",
];

const GENERATION: &[&str] = &[
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "stopSequences",
    "candidateCount",
    "seed",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "thinkingConfig",
    "presencePenalty",
    "frequencyPenalty",
];

/// What `parameters` may hold; the rest of JSON Schema belongs into `parametersJsonSchema`.
const SCHEMA: &[&str] = &[
    "type",
    "format",
    "description",
    "nullable",
    "enum",
    "items",
    "properties",
    "required",
    "propertyOrdering",
    "anyOf",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "title",
];

/// Stands for the signature of a call that never had one.
const UNSIGNED: &str = "skip_thought_signature_validator";

pub(super) fn read(received: &Received, served: &str) -> Result<Asked, String> {
    header(received, "x-goog-api-key")?;
    let stream = ask(&received.path, served)?;
    let body = body(received, MEMBERS)?;
    let mut asked = Asked { stream, ..Asked::default() };
    if let Some(config) = body.get("generationConfig") {
        members(config, GENERATION, "generation_config")?;
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        for function in list(tool, "functionDeclarations", "tools")? {
            let known = ["name", "description", "parameters", "parametersJsonSchema", "behavior", "response"];
            members(function, &known, "tools.function_declarations")?;
            if let Some(parameters) = function.get("parameters") {
                schema(parameters)?;
            }
            let parameters = function.get("parameters").or_else(|| function.get("parametersJsonSchema"));
            asked.tools.push((text(function, "name", "tools")?.to_owned(), parameters.cloned().unwrap_or_default()));
        }
    }
    for part in body["systemInstruction"]["parts"].as_array().into_iter().flatten() {
        asked.system += text(part, "text", "system_instruction")?;
    }
    conversation(&body, &mut asked)?;
    Ok(asked)
}

/// Whether a path asks this model for a stream.
fn ask(path: &str, served: &str) -> Result<bool, String> {
    let method = path.strip_prefix("/v1beta/models/").and_then(|rest| rest.split_once(':'));
    let (asked, method) = method.ok_or_else(|| format!("unexpected path {path}"))?;
    model(asked, served)?;
    match method {
        "generateContent" => Ok(false),
        "streamGenerateContent?alt=sse" => Ok(true),
        other => Err(format!("unexpected method {other}")),
    }
}

fn schema(value: &Value) -> Result<(), String> {
    members(value, SCHEMA, "parameters")?;
    let properties = value["properties"].as_object().into_iter().flat_map(|properties| properties.values());
    let choices = value["anyOf"].as_array().into_iter().flatten();
    properties.chain(choices).chain(value.get("items")).try_for_each(schema)
}

fn conversation(body: &Value, asked: &mut Asked) -> Result<(), String> {
    let contents = list(body, "contents", "body")?;
    let is_result = |part: &Value| part.get("functionResponse").is_some();
    // The current turn begins with the last words of the user.
    let speaks = |content: &Value| {
        content["role"] == "user"
            && content["parts"].as_array().is_some_and(|parts| !parts.is_empty() && !parts.iter().any(is_result))
    };
    let current = contents.iter().rposition(speaks).unwrap_or_default();
    let mut open: Vec<String> = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        let place = format!("contents.{index}");
        members(content, &["role", "parts"], &place)?;
        let parts = list(content, "parts", &place)?;
        match text(content, "role", &place)? {
            "user" => user(parts, &place, &mut open, asked)?,
            "model" if index == 0 => return Err("contents must start with the user".to_owned()),
            "model" => said(parts, &place, index > current, &mut open, asked)?,
            other => return Err(format!("{place}.role: unexpected {other:?}")),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered("contents")) }
}

fn user(parts: &[Value], place: &str, open: &mut Vec<String>, asked: &mut Asked) -> Result<(), String> {
    let results = parts.iter().filter(|part| part.get("functionResponse").is_some());
    let first = asked.calls.len() - open.len();
    let calls = std::mem::take(open);
    if results.clone().count() != calls.len() {
        return Err(unanswered(place));
    }
    for (index, (part, name)) in results.zip(&calls).enumerate() {
        let result = &part["functionResponse"];
        members(result, &["id", "name", "response", "parts"], place)?;
        if text(result, "name", place)? != name || !result["response"].is_object() {
            return Err(format!("{place}: expected an object as the response of {name}, got {result}"));
        }
        asked.results.push(((first + index).to_string(), words(&result["response"])));
        for part in result["parts"].as_array().into_iter().flatten() {
            asked.images.push(text(&part["inlineData"], "data", place)?.to_owned());
        }
    }
    for part in parts {
        members(part, &["text", "inlineData", "fileData", "functionResponse"], place)?;
        if let Some(data) = part.get("inlineData") {
            asked.images.push(text(data, "data", place)?.to_owned());
        }
    }
    Ok(())
}

fn said(parts: &[Value], place: &str, current: bool, open: &mut Vec<String>, asked: &mut Asked) -> Result<(), String> {
    if !open.is_empty() {
        return Err(unanswered(place));
    }
    for part in parts {
        members(part, &["text", "thought", "functionCall", "thoughtSignature"], place)?;
        let signature = part.get("thoughtSignature");
        if signature.is_some_and(|signature| signature != UNSIGNED && signature != Dialect::Gemini.signature()) {
            return Err(format!("{place}: Corrupted thought signature: {part}"));
        }
        let Some(call) = part.get("functionCall") else { continue };
        members(call, &["id", "name", "args"], place)?;
        if current && open.is_empty() && signature.is_none() {
            return Err(format!("{place}: Function call is missing a thought_signature in functionCall parts"));
        }
        let name = text(call, "name", place)?.to_owned();
        open.push(name.clone());
        asked.calls.push(Call { id: asked.calls.len().to_string(), name, input: call["args"].clone() });
    }
    Ok(())
}

fn unanswered(place: &str) -> String {
    format!(
        "{place}: Please ensure that the number of function response parts is equal to the number of function call \
         parts of the function call turn"
    )
}

/// What a result says, however its object calls it.
fn words(response: &Value) -> String {
    let first = response.as_object().and_then(|object| object.values().next());
    first.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
}
