//! The rules of Anthropic's messages.

use serde_json::Value;

use super::Asked;
use super::rules::{body, header, list, members, model, path, positive, text};
use crate::replies::{Call, Dialect};
use crate::upstream::Received;

/// Members of a request, those of betas too.
const MEMBERS: &[&str] = &[
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
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "service_tier",
    "speed",
    "temperature",
    "top_p",
    "top_k",
    "context_management",
    "compaction",
    "mcp_servers",
    "fallbacks",
    "thread",
    "billing_policy",
];

pub(super) fn read(received: &Received, served: &str) -> Result<Asked, String> {
    path(received, "/v1/messages")?;
    header(received, "x-api-key")?;
    header(received, "anthropic-version")?;
    let body = body(received, MEMBERS)?;
    model(text(&body, "model", "body")?, served)?;
    positive(&body["max_tokens"], "max_tokens")?;
    let mut asked = Asked { stream: body["stream"] == true, ..Asked::default() };
    for tool in body["tools"].as_array().into_iter().flatten() {
        asked.tools.push(self::tool(tool)?);
    }
    if body.get("tool_choice").is_some() && asked.tools.is_empty() {
        return Err("tool_choice: may only be specified while providing tools".to_owned());
    }
    if body["thinking"]["type"] == "enabled"
        && body["thinking"]["budget_tokens"].as_u64() >= body["max_tokens"].as_u64()
    {
        return Err("max_tokens: must be greater than thinking.budget_tokens".to_owned());
    }
    if body["system"].is_array() {
        blocks(&body["system"], "system", &["text"])?;
    }
    asked.system = joined(&body["system"]);
    conversation(&body, &mut asked)?;
    Ok(asked)
}

fn tool(tool: &Value) -> Result<(String, Value), String> {
    let name = text(tool, "name", "tools")?;
    let dated = tool["type"].as_str().is_some_and(|kind| kind != "custom");
    if !dated && tool["input_schema"]["type"] != "object" {
        return Err(format!("tools.{name}.input_schema.type: must be \"object\""));
    }
    Ok((name.to_owned(), tool["input_schema"].clone()))
}

fn conversation(body: &Value, asked: &mut Asked) -> Result<(), String> {
    let messages = list(body, "messages", "body")?;
    let last_answer = messages.iter().rposition(|message| message["role"] == "assistant");
    // Calls that the next message of the user must answer.
    let mut open: Vec<String> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages.{index}");
        members(message, &["role", "content"], &place)?;
        match text(message, "role", &place)? {
            "user" => user(message, &place, &mut open, asked)?,
            _ if index == 0 => return Err(format!("{place}: first message must use the user role")),
            _ if !open.is_empty() => return Err(format!("{place}: tool_use ids without tool_result: {open:?}")),
            "assistant" => {
                let by_hand = body["thinking"]["type"] == "enabled" && Some(index) == last_answer;
                assistant(message, &place, by_hand, &mut open, asked)?;
            }
            "system" => {}
            role => return Err(format!("{place}.role: unexpected {role:?}")),
        }
    }
    if !open.is_empty() {
        return Err(format!("tool_use ids without tool_result: {open:?}"));
    }
    Ok(())
}

fn user(message: &Value, place: &str, open: &mut Vec<String>, asked: &mut Asked) -> Result<(), String> {
    if message["content"].is_string() && open.is_empty() {
        return Ok(());
    }
    blocks(
        &message["content"],
        place,
        &["text", "image", "document", "tool_result", "search_result", "tool_reference"],
    )?;
    let content = list(message, "content", place)?;
    let results = content.iter().take_while(|block| block["type"] == "tool_result").count();
    if content[results..].iter().any(|block| block["type"] == "tool_result") {
        return Err(format!("{place}: tool_result blocks must come first"));
    }
    for block in content {
        match block["type"].as_str() {
            Some("tool_result") => {
                let id = text(block, "tool_use_id", place)?;
                let before = open.len();
                open.retain(|call| call != id);
                if open.len() == before {
                    return Err(format!("{place}: unexpected tool_use_id {id:?} without a tool_use before it"));
                }
                asked.results.push((id.to_owned(), joined(&block["content"])));
                let inside = block["content"].as_array().into_iter().flatten();
                let images = inside.filter(|block| block["type"] == "image");
                asked.images.extend(images.filter_map(|image| image["source"]["data"].as_str()).map(str::to_owned));
            }
            Some("image") => asked.images.push(text(&block["source"], "data", place)?.to_owned()),
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{place}: tool_use ids without tool_result: {open:?}")) }
}

fn assistant(
    message: &Value,
    place: &str,
    by_hand: bool,
    open: &mut Vec<String>,
    asked: &mut Asked,
) -> Result<(), String> {
    if message["content"].is_string() {
        return Ok(());
    }
    blocks(&message["content"], place, &["text", "thinking", "redacted_thinking", "tool_use"])?;
    let content = list(message, "content", place)?;
    for block in content {
        match block["type"].as_str() {
            Some("thinking") if block["signature"] != Dialect::Anthropic.signature() => {
                return Err(format!("{place}: Invalid `signature` in `thinking` block: {}", block["signature"]));
            }
            Some("tool_use") => {
                let id = text(block, "id", place)?;
                if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
                    return Err(format!("{place}: the id {id:?} should match ^[a-zA-Z0-9_-]+$"));
                }
                if !block["input"].is_object() {
                    return Err(format!("{place}: input should be an object: {}", block["input"]));
                }
                open.push(id.to_owned());
                let name = text(block, "name", place)?.to_owned();
                asked.calls.push(Call { id: id.to_owned(), name, input: block["input"].clone() });
            }
            _ => {}
        }
    }
    let thought = content.first().is_some_and(|block| block["type"] != "text" && block["type"] != "tool_use");
    if by_hand && !open.is_empty() && !thought {
        return Err(format!("{place}: Expected `thinking` or `redacted_thinking`, but found `{}`", content[0]["type"]));
    }
    Ok(())
}

/// A list of blocks of these types, with no empty text among them.
fn blocks(content: &Value, place: &str, types: &[&str]) -> Result<(), String> {
    let blocks = content.as_array().ok_or_else(|| format!("{place}: expected a list of blocks, got {content}"))?;
    for block in blocks {
        let kind = text(block, "type", place)?;
        if !types.contains(&kind) {
            return Err(format!("{place}: unexpected block {kind:?}"));
        }
        if kind == "text" && text(block, "text", place)?.is_empty() {
            return Err(format!("{place}: text content blocks must be non-empty"));
        }
    }
    Ok(())
}

/// A text, or the texts of blocks.
fn joined(content: &Value) -> String {
    let texts = |blocks: &Vec<Value>| blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    content.as_str().map_or_else(|| content.as_array().map(texts).unwrap_or_default(), str::to_owned)
}
