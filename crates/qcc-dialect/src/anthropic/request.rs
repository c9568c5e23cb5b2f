//! Decides which parts of a request the model reads, for the estimate of its tokens.
//!
//! Shapes are open: an unknown block gives all its strings, for new kinds must not count as nothing. What
//! only steers (ids, types, cache marks) and what is opaque (signatures, encrypted content) is left out.

use serde_json::Value;

use super::wire::text;

/// A part of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text, also of tool results.
    Text(&'a str),
    /// What the model reads as JSON: a tool, or the input of a call.
    Json(&'a Value),
    /// An image, base64-encoded; empty where only a URL or a file id is known.
    Image(&'a str),
    /// A document such as a PDF, base64-encoded; empty where only a URL or a file id is known.
    Document(&'a str),
    /// The frame of one message.
    Message,
    /// The frame of the tool list, once if there are tools.
    Tools,
}

/// Members that hold no text for the model.
const SILENT: [&str; 9] = [
    "type",
    "id",
    "tool_use_id",
    "cache_control",
    "signature",
    "encrypted_content",
    "encrypted_index",
    "media_type",
    "file_id",
];

/// Gives every part of the prompt to `take`: system, messages, tools.
pub fn pieces<'a>(request: &'a Value, take: &mut dyn FnMut(Piece<'a>)) {
    if let Some(system) = request.get("system") {
        content(system, take);
    }
    for message in items(request, "messages") {
        take(Piece::Message);
        if let Some(blocks) = message.get("content") {
            content(blocks, take);
        }
    }
    let tools = items(request, "tools");
    if !tools.is_empty() {
        take(Piece::Tools);
    }
    for tool in tools {
        take(Piece::Json(tool));
    }
}

/// Content is a string, or blocks.
fn content<'a>(value: &'a Value, take: &mut dyn FnMut(Piece<'a>)) {
    match value {
        Value::String(text) => take(Piece::Text(text)),
        Value::Array(blocks) => blocks.iter().for_each(|one| block(one, take)),
        other => block(other, take),
    }
}

fn block<'a>(block: &'a Value, take: &mut dyn FnMut(Piece<'a>)) {
    match text(block, "type") {
        Some("image") => take(Piece::Image(base64_source(block))),
        Some("document") => document(block, take),
        Some("text") => take(Piece::Text(text(block, "text").unwrap_or_default())),
        Some("thinking") => take(Piece::Text(text(block, "thinking").unwrap_or_default())),
        Some("redacted_thinking") => {}
        Some("tool_use") => {
            take(Piece::Text(text(block, "name").unwrap_or_default()));
            if let Some(input) = block.get("input") {
                take(Piece::Json(input));
            }
        }
        Some("tool_result") => {
            if let Some(result) = block.get("content") {
                content(result, take);
            }
        }
        _ => strings(block, take),
    }
}

/// Text documents are text; all else is counted by size.
fn document<'a>(block: &'a Value, take: &mut dyn FnMut(Piece<'a>)) {
    for member in ["title", "context"] {
        if let Some(text) = text(block, member) {
            take(Piece::Text(text));
        }
    }
    let source = block.get("source").unwrap_or(&Value::Null);
    match (text(source, "type"), text(source, "data"), source.get("content")) {
        (Some("text"), Some(data), _) => take(Piece::Text(data)),
        (Some("content"), _, Some(inner)) => content(inner, take),
        _ => take(Piece::Document(base64_source(block))),
    }
}

fn base64_source(block: &Value) -> &str {
    block.get("source").and_then(|source| text(source, "data")).unwrap_or_default()
}

/// Every string under a value but those that only steer. The reader of JSON limits nesting, so the
/// recursion is bounded.
fn strings<'a>(value: &'a Value, take: &mut dyn FnMut(Piece<'a>)) {
    match value {
        Value::String(text) => take(Piece::Text(text)),
        Value::Array(values) => values.iter().for_each(|value| strings(value, take)),
        Value::Object(members) => {
            let read = members.iter().filter(|(name, _)| !SILENT.contains(&name.as_str()));
            read.for_each(|(_, value)| strings(value, take));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn items<'a>(request: &'a Value, member: &str) -> &'a [Value] {
    request.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
