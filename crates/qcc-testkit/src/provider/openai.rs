//! The rules of OpenAI's chat completions.

use serde_json::Value;

use super::Asked;
use super::rules::{body, data_uri, header, list, members, model, object_in, path, positive, text};
use crate::replies::Call;
use crate::upstream::Received;

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "n",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "verbosity",
    "stream",
    "stream_options",
    "service_tier",
    "prompt_cache_key",
    "safety_identifier",
    "user",
    "metadata",
    "store",
    "seed",
    "presence_penalty",
    "frequency_penalty",
];

pub(super) fn read(received: &Received, served: &str) -> Result<Asked, String> {
    path(received, "/v1/chat/completions")?;
    header(received, "authorization")?;
    let body = body(received, MEMBERS)?;
    model(text(&body, "model", "body")?, served)?;
    for limit in ["max_tokens", "max_completion_tokens"] {
        if let Some(limit) = body.get(limit) {
            positive(limit, "max_tokens")?;
        }
    }
    let mut asked = Asked { stream: body["stream"] == true, ..Asked::default() };
    if body.get("stream_options").is_some() && !asked.stream {
        return Err("stream_options: only allowed when stream is enabled".to_owned());
    }
    if body.get("tools").is_some_and(|tools| tools.as_array().is_none_or(Vec::is_empty)) {
        return Err("tools: [] is too short".to_owned());
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        members(tool, &["type", "function"], "tools")?;
        let function = &tool["function"];
        members(function, &["name", "description", "parameters", "strict"], "tools.function")?;
        let name = text(function, "name", "tools.function")?;
        asked.tools.push((name.to_owned(), function["parameters"].clone()));
    }
    for needs_tools in ["tool_choice", "parallel_tool_calls"] {
        if body.get(needs_tools).is_some() && asked.tools.is_empty() {
            return Err(format!("{needs_tools}: only allowed when tools are specified"));
        }
    }
    conversation(&body, &mut asked)?;
    Ok(asked)
}

fn conversation(body: &Value, asked: &mut Asked) -> Result<(), String> {
    // Calls that the next messages must answer, before anybody else speaks.
    let mut open: Vec<String> = Vec::new();
    let mut begun = false;
    for (index, message) in list(body, "messages", "body")?.iter().enumerate() {
        let place = format!("messages.{index}");
        let role = text(message, "role", &place)?;
        if role != "tool" && !open.is_empty() {
            return Err(format!("{place}: tool_call_ids without a tool message: {open:?}"));
        }
        match role {
            // Many chat templates refuse one in mid-conversation.
            "system" | "developer" if begun => return Err(format!("{place}: system message must be at the beginning")),
            "system" | "developer" => asked.system += &texts(message, &place)?,
            "user" => user(message, &place, asked)?,
            "assistant" => assistant(message, &place, &mut open, asked)?,
            "tool" => {
                let id = text(message, "tool_call_id", &place)?;
                let before = open.len();
                open.retain(|call| call != id);
                if open.len() == before {
                    return Err(format!("{place}: role 'tool' must be a response to a preceding 'tool_calls': {id:?}"));
                }
                asked.results.push((id.to_owned(), texts(message, &place)?));
            }
            other => return Err(format!("{place}.role: unexpected {other:?}")),
        }
        begun |= !matches!(role, "system" | "developer");
    }
    if open.is_empty() { Ok(()) } else { Err(format!("tool_call_ids without a tool message: {open:?}")) }
}

fn user(message: &Value, place: &str, asked: &mut Asked) -> Result<(), String> {
    members(message, &["role", "content", "name"], place)?;
    if message["content"].is_string() {
        return Ok(());
    }
    for part in list(message, "content", place)? {
        match text(part, "type", place)? {
            "text" => members(part, &["type", "text"], place)?,
            "image_url" => asked.images.push(data_uri(text(&part["image_url"], "url", place)?, place)?),
            "file" | "input_audio" => {}
            other => return Err(format!("{place}: unexpected part {other:?}")),
        }
    }
    Ok(())
}

fn assistant(message: &Value, place: &str, open: &mut Vec<String>, asked: &mut Asked) -> Result<(), String> {
    let known = ["role", "content", "refusal", "tool_calls", "reasoning_content", "name", "audio", "annotations"];
    members(message, &known, place)?;
    if message["content"].is_null() && message["tool_calls"].is_null() {
        return Err(format!("{place}: content or tool_calls must be set"));
    }
    if message.get("tool_calls").is_some_and(|calls| calls.as_array().is_some_and(Vec::is_empty)) {
        return Err(format!("{place}.tool_calls: [] is too short"));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        members(call, &["id", "type", "function"], place)?;
        if call["type"] != "function" {
            return Err(format!("{place}: unexpected call {}", call["type"]));
        }
        let id = text(call, "id", place)?.to_owned();
        let function = &call["function"];
        let input = object_in(text(function, "arguments", place)?, place)?;
        open.push(id.clone());
        asked.calls.push(Call { id, name: text(function, "name", place)?.to_owned(), input });
    }
    Ok(())
}

/// A text, or parts that are texts.
fn texts(message: &Value, place: &str) -> Result<String, String> {
    if let Some(text) = message["content"].as_str() {
        return Ok(text.to_owned());
    }
    list(message, "content", place)?.iter().map(|part| text(part, "text", place)).collect()
}
