//! Blocks that only the client's own vendor knows, in a conversation that goes on elsewhere: told as text where they say something.

use serde_json::Value;

use super::unfit;
use crate::canon::{Json, Losses, Unfit};

/// Members that hold nothing to read.
const SILENT: &[&str] = &[
    "type",
    "id",
    "tool_use_id",
    "call_id",
    "status",
    "cache_control",
    "encrypted_content",
    "encrypted_index",
    "signature",
    "page_age",
    "file_id",
    "media_type",
    "data",
    "caller",
];

/// What the block says. None where it says nothing to another model.
pub(crate) fn text(kind: &str, raw: &Json, losses: &mut Losses) -> Result<Option<String>, Unfit> {
    if matches!(kind, "image" | "document") {
        return Err(unfit("messages.content", "an image or a document is given in a way that only Anthropic knows"));
    }
    if matches!(kind, "input_audio" | "input_video" | "video_url") {
        let what = format!("messages.content.{kind}").into();
        return Err(Unfit { what, why: "only the client's own dialect has sound and film".into() });
    }
    let block = raw.value();
    let text = match kind {
        "tool_reference" => member(&block, "tool_name").map(|name| format!("The tool {name} can be called now.")),
        "compaction" => member(&block, "content").map(str::to_owned),
        "server_tool_use" | "mcp_tool_use" => Some(called(&block)),
        _ if kind.ends_with("_tool_result") => Some(result(kind, block.get("content"))),
        // Items of OpenAI's.
        _ if kind.ends_with("_call_output") => Some(result(kind, block.get("output"))),
        _ if kind.ends_with("_call") => Some(result(kind, Some(&block))),
        _ => None,
    };
    let what = format!("messages.content.{kind}");
    match text {
        Some(_) => losses.add(what, "sent as text"),
        None => losses.dropped(what),
    }
    Ok(text)
}

fn member<'v>(block: &'v Value, name: &str) -> Option<&'v str> {
    block.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn called(block: &Value) -> String {
    let name = member(block, "name").unwrap_or("a tool");
    let input = block.get("input").unwrap_or(&Value::Null);
    format!("[Called {name} with {input}.]")
}

fn result(kind: &str, content: Option<&Value>) -> String {
    let mut lines = Vec::new();
    if let Some(content) = content {
        strings(content, &mut lines);
    }
    format!("[{kind}:\n{}]", lines.join("\n"))
}

/// The reader of JSON limits nesting, so the recursion is bounded.
fn strings<'v>(value: &'v Value, lines: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if !text.is_empty() => lines.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, lines)),
        Value::Object(members) => {
            let read = members.iter().filter(|(name, _)| !SILENT.contains(&name.as_str()));
            read.for_each(|(_, value)| strings(value, lines));
        }
        _ => {}
    }
}
