//! A message of the model: text, then calls, and beside them what it thought where that goes back.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Pen;
use super::content::{Call, Called, Content, Message, Piece, carried};
use super::conversation::Pending;
use crate::canon::sent_id;
use crate::canon::{Json, Part, Thought, ToolUse, Unfit};
use crate::foreign::blocks;
use crate::openai::stream::Details;
use crate::openai::traits::{History, HistoryMember};

/// Where a message stands.
pub(super) struct Context<'c> {
    /// Whether the user has asked nothing since.
    pub(super) in_loop: bool,
    /// Whether the model thinks in this request.
    pub(super) thinks: bool,
    /// Ids of calls that were sent already.
    pub(super) taken: &'c mut HashSet<String>,
}

/// One message of all parts, and the calls in it. None where nothing is left.
pub(super) fn message<'a>(
    parts: impl Iterator<Item = &'a Part>,
    context: Context<'_>,
    pen: &mut Pen<'_>,
) -> Result<(Option<Message<'a>>, Vec<Pending>), Unfit> {
    let mut pieces = Vec::new();
    let mut calls = Vec::new();
    let mut pending = Vec::new();
    let mut thoughts = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) if text.text.trim().is_empty() => {}
            Part::Text(text) => {
                if !calls.is_empty() {
                    pen.losses.add("messages.content.text", "moved before the calls");
                }
                pieces.push(Piece::Text { text: Cow::Borrowed(&text.text), cache: carried(text.cache, pen) });
            }
            Part::ToolUse(used) => {
                let (call, waiting) = call(used, context.taken, pen);
                calls.push(call);
                pending.push(waiting);
            }
            Part::Thinking(thought) => thoughts.push(thought),
            Part::Redacted(_) => pen.losses.dropped("messages.content.redacted_thinking"),
            Part::Other { kind, raw } => pieces.extend(blocks::text(kind, raw, pen.losses)?.map(Piece::text)),
            Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => {
                pen.losses.add("messages.content", "dropped what is neither text nor a call from a turn of the model");
            }
        }
    }
    if pieces.is_empty() && calls.is_empty() {
        if !thoughts.is_empty() {
            pen.losses.dropped("messages.content.thinking");
        }
        return Ok((None, pending));
    }
    let content = (!pieces.is_empty()).then_some(Content(pieces));
    let mut message = Message { role: "assistant", content, tool_calls: calls, ..Message::default() };
    reasoning(&mut message, &thoughts, &context, pen);
    Ok((Some(message), pending))
}

/// A vendor that counts its calls anew in every turn has named several alike; each is sent under a name of its own.
fn call<'a>(used: &'a ToolUse, taken: &mut HashSet<String>, pen: &mut Pen<'_>) -> (Call<'a>, Pending) {
    let rule = pen.traits.tool_ids;
    let mut sent = sent_id(&used.id, rule).into_owned();
    let mut again = 1;
    while !taken.insert(sent.clone()) {
        again += 1;
        sent = sent_id(&format!("{}_{again}", used.id), rule).into_owned();
    }
    let name = pen.names.send(&used.name, pen.traits.tool_name).into_owned();
    let function = Called { name, arguments: used.input.text() };
    (Call { id: sent.clone(), r#type: "function", function }, Pending { id: used.id.clone(), sent })
}

fn reasoning(message: &mut Message<'_>, thoughts: &[&Thought], context: &Context<'_>, pen: &mut Pen<'_>) {
    let all = match pen.traits.history {
        History::Never => false,
        History::ToolLoop => context.in_loop,
        History::Always => true,
        History::Required => context.thinks,
    };
    // What another vendor has signed is its own, and no news to a model that thinks in another way.
    let foreign = |thought: &&&Thought| {
        let signature = thought.signature.as_deref().unwrap_or_default();
        !signature.is_empty() && Details::of_signature(signature).is_none()
    };
    let required = pen.traits.history == History::Required && context.thinks;
    let kept: Vec<&Thought> =
        thoughts.iter().filter(|thought| all && (required || !foreign(thought))).copied().collect();
    if kept.len() < thoughts.len() {
        pen.losses.dropped("messages.content.thinking");
    } else if kept.iter().any(|thought| foreign(&thought)) {
        pen.losses.dropped("messages.content.thinking.signature");
    }
    let text = kept.iter().map(|thought| thought.text.as_str()).collect::<Vec<_>>().join("\n");
    let text = (required || !text.is_empty()).then_some(text);
    match pen.traits.history_member {
        HistoryMember::ReasoningContent => message.reasoning_content = text,
        HistoryMember::Reasoning => {
            message.reasoning = text;
            message.reasoning_details = details(&kept);
        }
    }
}

/// What the vendor itself has said of its thoughts, as it was.
fn details(thoughts: &[&Thought]) -> Option<Json> {
    let signatures = thoughts.iter().filter_map(|thought| thought.signature.as_deref());
    Details::join(signatures.filter_map(Details::of_signature))
}
