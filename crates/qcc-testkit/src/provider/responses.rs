//! The rules of OpenAI's responses, for a provider that keeps nothing: every request holds its whole conversation.

use serde_json::Value;

use super::Asked;
use super::rules::{body, data_uri, header, list, members, model, object_in, path, text};
use crate::replies::{Call, Dialect};
use crate::upstream::Received;

const MEMBERS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "store",
    "include",
    "truncation",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "service_tier",
    "prompt_cache_key",
    "safety_identifier",
    "user",
    "metadata",
    "client_metadata",
];

/// Fewer tokens than this are refused.
const LEAST_OUTPUT: u64 = 16;

pub(super) fn read(received: &Received, served: &str) -> Result<Asked, String> {
    path(received, "/v1/responses")?;
    header(received, "authorization")?;
    let body = body(received, MEMBERS)?;
    model(text(&body, "model", "body")?, served)?;
    if body.get("max_output_tokens").is_some_and(|limit| limit.as_u64().is_none_or(|limit| limit < LEAST_OUTPUT)) {
        return Err(format!("max_output_tokens: expected at least {LEAST_OUTPUT}, got {}", body["max_output_tokens"]));
    }
    let mut asked = Asked { stream: body["stream"] == true, ..Asked::default() };
    for tool in body["tools"].as_array().into_iter().flatten() {
        if tool["type"] == "function" {
            members(tool, &["type", "name", "description", "parameters", "strict"], "tools")?;
            asked.tools.push((text(tool, "name", "tools")?.to_owned(), tool["parameters"].clone()));
        }
    }
    asked.system = body["instructions"].as_str().unwrap_or_default().to_owned();
    if body["input"].is_string() {
        return Ok(asked);
    }
    // Calls without a result so far; here results need not follow at once.
    let mut open: Vec<String> = Vec::new();
    for (index, item) in list(&body, "input", "body")?.iter().enumerate() {
        self::item(item, &format!("input.{index}"), &mut open, &mut asked)?;
    }
    if open.is_empty() { Ok(asked) } else { Err(format!("No tool output found for function call {open:?}")) }
}

fn item(item: &Value, place: &str, open: &mut Vec<String>, asked: &mut Asked) -> Result<(), String> {
    // A message may leave out its type.
    match item["type"].as_str().unwrap_or("message") {
        "message" => message(item, place, asked),
        "function_call" => {
            members(item, &["type", "id", "call_id", "name", "arguments", "status", "namespace"], place)?;
            let id = text(item, "call_id", place)?.to_owned();
            let input = object_in(text(item, "arguments", place)?, place)?;
            open.push(id.clone());
            asked.calls.push(Call { id, name: text(item, "name", place)?.to_owned(), input });
            Ok(())
        }
        "function_call_output" => {
            members(item, &["type", "id", "call_id", "output", "status"], place)?;
            let id = text(item, "call_id", place)?;
            let before = open.len();
            open.retain(|call| call != id);
            if open.len() == before {
                return Err(format!("{place}: No tool call found for function call output with call_id {id}"));
            }
            asked.results.push((id.to_owned(), output(&item["output"], place)?));
            let inside = item["output"].as_array().into_iter().flatten();
            for image in inside.filter(|part| part["type"] == "input_image") {
                asked.images.push(data_uri(text(image, "image_url", place)?, place)?);
            }
            Ok(())
        }
        "reasoning" => {
            list(item, "summary", place)?;
            match &item["encrypted_content"] {
                content if content == Dialect::Responses.signature() => Ok(()),
                Value::Null => Err(format!("{place}: Items are not persisted when `store` is set to false: {item}")),
                content => Err(format!("{place}: The encrypted content could not be verified: {content}")),
            }
        }
        "custom_tool_call" | "custom_tool_call_output" | "local_shell_call" | "local_shell_call_output" => Ok(()),
        other => Err(format!("{place}: unexpected item {other:?}")),
    }
}

fn message(item: &Value, place: &str, asked: &mut Asked) -> Result<(), String> {
    let role = text(item, "role", place)?;
    let ranks = matches!(role, "system" | "developer");
    if let Some(words) = item["content"].as_str() {
        asked.system += if ranks { words } else { "" };
        return Ok(());
    }
    let said = role == "assistant";
    for part in list(item, "content", place)? {
        match text(part, "type", place)? {
            "input_text" if ranks => asked.system += text(part, "text", place)?,
            "output_text" | "refusal" if said => {}
            "input_text" | "input_file" if !said => {}
            "input_image" if !said => asked.images.push(data_uri(text(part, "image_url", place)?, place)?),
            other => return Err(format!("{place}: a message of {role} cannot hold {other:?}")),
        }
    }
    Ok(())
}

/// A text, or a list of parts with texts.
fn output(output: &Value, place: &str) -> Result<String, String> {
    match output {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => Ok(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
        other => Err(format!("{place}.output: expected a text or a list, got {other}")),
    }
}
