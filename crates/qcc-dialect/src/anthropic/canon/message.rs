//! Blocks, stop reasons and counts of an answer as this dialect writes them, in one piece and in a stream.

use bytes::{Bytes, BytesMut};

use serde_json::Value;

use super::block::{self, Lost};
use super::ids;
use super::members::{Members, Read, list};
use super::stop::stop;
use crate::answer::Wrong;
use crate::anthropic::{check_message, usage};
use crate::canon::{Block, Json, Losses, Message, Part, Stop, StopReason, Text, ToolUse, UNSIGNED, Usage};
use crate::json::write::{self, Object};
use crate::json::{Document, Raw};

/// Writes a whole answer, under the model's name as the client asked for it and an id that begins with `msg_`.
///
/// The caller makes sure that the answer is whole: that it has a stop reason and no broken calls. Parts that are no
/// blocks of an answer in this dialect are left out and named.
#[must_use]
pub fn encode_message(message: &Message, model: &str, id: &str, losses: &mut Losses) -> Bytes {
    let mut out = BytesMut::new();
    let mut answer = Object::begin(&mut out);
    answer.member("id", id).member("type", "message").member("role", "assistant").member("model", model);
    write::list(answer.name("content"), &message.parts, |out, said| part(out, said, losses));
    let calls = message.parts.iter().any(|part| matches!(part, Part::ToolUse(_)));
    stop_members(&mut answer, message.stop.as_ref(), calls);
    let counts = Usage {
        input: message.usage.input.or(Some(0)),
        output: message.usage.output.or(Some(0)),
        cache_read: message.usage.cache_read.or(Some(0)),
        cache_write: message.usage.cache_write.or(Some(0)),
        thinking: message.usage.thinking,
    };
    usage_members(answer.name("usage"), &counts);
    answer.end();
    out.freeze()
}

/// Reads a whole answer. A call whose input is no object is told in [`Message::broken`], its input as text.
///
/// # Errors
/// What the body is instead.
pub fn decode_message(body: &[u8]) -> Result<Message, Wrong> {
    check_message(body)?;
    let body = std::str::from_utf8(body).map_err(|_| Wrong::NotJson)?;
    let document = Document::read(body).map_err(|_| Wrong::NotJson)?;
    let members = Members::of(document.root()).map_err(|_| Wrong::OtherJson)?;
    let value = |name| members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut message = Message {
        id: members.string("id").unwrap_or_default(),
        model: members.string("model").unwrap_or_default(),
        stop: stop(&serde_json::json!({
            "stop_reason": value("stop_reason"), "stop_sequence": value("stop_sequence"),
        })),
        ..Message::default()
    };
    usage::take(&mut message.usage, &value("usage").unwrap_or(Value::Null));
    let blocks = members.need("content").and_then(list).map_err(|_| Wrong::OtherJson)?;
    let mut calls = Vec::new();
    for raw in blocks {
        answered(raw, &mut calls, &mut message).map_err(|_| Wrong::OtherJson)?;
    }
    Ok(message)
}

/// A block of an answer. Clones leave out the input of a call that needs none.
fn answered(raw: Raw<'_>, calls: &mut Vec<String>, message: &mut Message) -> Read<()> {
    let block = Members::of(raw)?;
    let input = block.get("input").map(Json::from);
    let part = match (block.string("type")?.as_deref(), input) {
        (Some("tool_use"), Some(input)) if !input.is_object() => {
            message.broken.push(block.need_string("name")?);
            Part::Text(Text { text: input.text().to_owned(), cache: None })
        }
        (Some("tool_use"), input) => Part::ToolUse(ToolUse {
            id: ids::of_its_own(block::id(&block, "id")?, calls),
            name: block.need_string("name")?,
            input: input.unwrap_or_else(Json::empty_object),
        }),
        _ => {
            let mut lost = Lost::default();
            let part = block::block(&block, raw, 0, &mut lost)?;
            for (what, _) in lost.members {
                message.losses.dropped(what.replace("messages.content", "answer"));
            }
            part
        }
    };
    message.parts.push(part);
    Ok(())
}

fn part(out: &mut BytesMut, part: &Part, losses: &mut Losses) -> bool {
    let mut block = Object::begin(out);
    match part {
        Part::Text(text) => block.member("type", "text").member("text", &text.text),
        Part::Thinking(thought) => {
            let signature = thought.signature.as_deref().filter(|text| !text.is_empty()).unwrap_or(UNSIGNED);
            block.member("type", "thinking").member("thinking", &thought.text).member("signature", signature)
        }
        Part::Redacted(data) => block.member("type", "redacted_thinking").member("data", data),
        Part::ToolUse(call) => {
            block.member("type", "tool_use").member("id", &ids::escape(&call.id)).member("name", &call.name);
            block.raw("input", call.input.text())
        }
        Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => return false,
        Part::Other { kind, .. } => {
            losses.dropped(format!("answer.{kind}"));
            return false;
        }
    }
    .end();
    true
}

/// The beginning of a block. Clients need every member that it will have, a signature too where none will come.
pub(super) fn block_start(out: &mut BytesMut, block: &Block) {
    let mut start = Object::begin(out);
    match block {
        Block::Text => start.member("type", "text").member("text", ""),
        Block::Thinking => start.member("type", "thinking").member("thinking", "").member("signature", ""),
        Block::Redacted(data) => start.member("type", "redacted_thinking").member("data", data),
        Block::ToolUse { id, name } => {
            start.member("type", "tool_use").member("id", &ids::escape(id)).member("name", name).raw("input", "{}")
        }
        Block::Other { kind, .. } => start.member("type", kind),
    }
    .end();
}

/// `stop_reason` and what belongs to it. Clients run calls only where the reason names them, and wait for calls where it
/// does, so an ordinary end is told by what the answer has.
pub(super) fn stop_members(out: &mut Object<'_>, stop: Option<&Stop>, calls: bool) {
    let reason = stop.map(|stop| match &stop.reason {
        StopReason::EndTurn | StopReason::ToolUse if calls => "tool_use",
        StopReason::EndTurn | StopReason::ToolUse => "end_turn",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
        StopReason::Refusal => "refusal",
        StopReason::PauseTurn => "pause_turn",
        StopReason::ContextExceeded => "model_context_window_exceeded",
        StopReason::Other(word) => word,
    });
    out.member("stop_reason", &reason);
    out.member("stop_sequence", &stop.and_then(|stop| stop.sequence.as_deref()));
    if reason == Some("refusal") {
        out.raw("stop_details", r#"{"type":"refusal","category":null,"explanation":null}"#);
    }
}

/// The counts that are known.
pub(super) fn usage_members(out: &mut BytesMut, usage: &Usage) {
    let mut counts = Object::begin(out);
    counts.optional("input_tokens", usage.input.as_ref());
    counts.optional("cache_creation_input_tokens", usage.cache_write.as_ref());
    counts.optional("cache_read_input_tokens", usage.cache_read.as_ref());
    counts.optional("output_tokens", usage.output.as_ref());
    if let Some(thinking) = usage.thinking {
        Object::begin(counts.name("output_tokens_details")).member("thinking_tokens", &thinking).end();
    }
    counts.end();
}
