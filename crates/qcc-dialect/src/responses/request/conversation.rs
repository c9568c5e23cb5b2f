//! The order of items: turns as they were, with results of calls right after them.
//!
//! This dialect lets everybody speak in any order, but every call must have its result, and what the model thought must be
//! followed by what it then said: a thought alone is refused.

use std::collections::HashSet;

use super::content::{cached, output, pieces};
use super::items::{Item, Output, Piece};
use super::{Pen, unfit};
use crate::canon::{Json, Part, Request, Role, Thought, ToolIds, ToolUse, Turn, Unfit, sent_id, unseal};
use crate::capabilities::Member;
use crate::foreign::{MISSING, blocks, operator};
use crate::responses::OWNER;

/// Longest `call_id`, in bytes; OpenAI refuses longer ones with "string too long".
const CALL_IDS: ToolIds = ToolIds::Any { longest: 64 };

/// A call that waits for its result.
struct Pending<'a> {
    /// As the client names it.
    id: &'a str,
    /// As it is sent.
    sent: String,
}

/// What stands before the conversation.
pub(super) fn instructions(request: &Request, pen: &mut Pen<'_>) -> Option<String> {
    let texts: Vec<&str> = operator(request, pen.capabilities.refused, pen.losses)
        .into_iter()
        .map(|text| {
            cached(text.cache, pen);
            text.text.as_str()
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// The conversation.
pub(super) fn items<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Result<Vec<Item<'a>>, Unfit> {
    // New calls must not be named as old ones.
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        if let Part::ToolUse(call) = part {
            pen.names.take_id(&call.id);
        }
    }
    let mut items = Vec::with_capacity(request.turns.len());
    let mut taken = HashSet::new();
    let mut pending = Vec::new();
    let mut groups = request.turns.chunk_by(|one, next| is_model(one) == is_model(next)).peekable();
    while let Some(group) = groups.next() {
        if !is_model(&group[0]) {
            others(group, std::mem::take(&mut pending), &mut items, pen)?;
            continue;
        }
        let mut said = Vec::new();
        pending = model(group, &mut taken, &mut said, pen)?;
        if groups.peek().is_none() {
            if pending.is_empty() {
                said = prefill(said, pen);
            }
            items.append(&mut said);
            others(&[], std::mem::take(&mut pending), &mut items, pen)?;
        }
        items.append(&mut said);
    }
    Ok(items)
}

fn is_model(turn: &Turn) -> bool {
    turn.role == Role::Assistant
}

/// What the model said; gives the calls in it.
fn model<'a>(
    turns: &'a [Turn],
    taken: &mut HashSet<String>,
    items: &mut Vec<Item<'a>>,
    pen: &mut Pen<'_>,
) -> Result<Vec<Pending<'a>>, Unfit> {
    let mut pending = Vec::new();
    for part in turns.iter().flat_map(|turn| &turn.parts) {
        match part {
            Part::Text(text) => {
                cached(text.cache, pen);
                if !text.text.trim().is_empty() {
                    say(items, Piece::OutputText { text: (&text.text).into() });
                }
            }
            Part::ToolUse(used) => {
                let (item, waiting) = call(used, taken, pen);
                items.push(item);
                pending.push(waiting);
            }
            Part::Thinking(thought) => items.extend(reasoning(thought, pen)),
            Part::Redacted(_) => pen.losses.dropped("messages.content.redacted_thinking"),
            Part::Other { kind, raw } => {
                if let Some(text) = blocks::text(kind, raw, pen.losses)? {
                    say(items, Piece::OutputText { text: text.into() });
                }
            }
            Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => {
                pen.losses.add("messages.content", "dropped what is neither text nor a call from a turn of the model");
            }
        }
    }
    while items.pop_if(|item| matches!(item, Item::Reasoning(_))).is_some() {
        pen.losses.dropped("messages.content.thinking");
    }
    Ok(pending)
}

/// Texts that follow each other are one message.
fn say<'a>(items: &mut Vec<Item<'a>>, piece: Piece<'a>) {
    match items.last_mut() {
        Some(Item::Message { content, .. }) => content.push(piece),
        _ => items.push(Item::message("assistant", vec![piece])),
    }
}

/// A vendor that counts its calls anew in every turn has named several alike; each is sent under a name of its own.
fn call<'a>(used: &'a ToolUse, taken: &mut HashSet<String>, pen: &mut Pen<'_>) -> (Item<'a>, Pending<'a>) {
    let mut sent = sent_id(&used.id, CALL_IDS).into_owned();
    let mut again = 1;
    while !taken.insert(sent.clone()) {
        again += 1;
        sent = sent_id(&format!("{}_{again}", used.id), CALL_IDS).into_owned();
    }
    let name = pen.names.send(&used.name, super::tools::NAME).into_owned();
    let item = Item::FunctionCall { call_id: sent.clone(), name, arguments: used.input.text() };
    (item, Pending { id: &used.id, sent })
}

/// A thought goes back only as this vendor has sealed it.
fn reasoning<'a>(thought: &Thought, pen: &mut Pen<'_>) -> Option<Item<'a>> {
    let sealed = thought.signature.as_deref().and_then(|signature| unseal(OWNER, signature));
    let item = sealed.and_then(|words| Json::from_text(String::from_utf8(words).ok()?).ok());
    let goes = pen.thinks && !pen.capabilities.refused.has(Member::Reasoning);
    let item = item.filter(|item| item.is_object() && goes);
    if item.is_none() {
        pen.losses.dropped("messages.content.thinking");
    }
    item.map(Item::Reasoning)
}

/// What comes between two turns of the model: results, what is missing of them, and the rest in its order.
fn others<'a>(
    turns: &'a [Turn],
    mut pending: Vec<Pending<'a>>,
    items: &mut Vec<Item<'a>>,
    pen: &mut Pen<'_>,
) -> Result<(), Unfit> {
    let mut orphans = Vec::new();
    for part in turns.iter().flat_map(|turn| &turn.parts) {
        let Part::ToolResult(result) = part else { continue };
        let output = output(result, pen)?;
        match pending.iter().position(|call| call.id == result.id) {
            Some(at) => items.push(Item::FunctionCallOutput { call_id: pending.remove(at).sent, output }),
            None => {
                pen.losses.add("messages.content.tool_result", "sent as text where no call waits for it");
                orphans.push(Piece::text(format!("The result of the call {}:", result.id)));
                match output {
                    Output::Text(text) => orphans.push(Piece::InputText { text }),
                    Output::List(pieces) => orphans.extend(pieces),
                }
            }
        }
    }
    for call in pending {
        pen.losses.add("messages.content.tool_result", "made up where one was missing");
        items.push(Item::FunctionCallOutput { call_id: call.sent, output: Output::Text(MISSING.into()) });
    }
    if !orphans.is_empty() {
        items.push(Item::message("user", orphans));
    }
    for turn in turns {
        items.extend(rest(turn, pen)?);
    }
    Ok(())
}

/// All of a turn but results.
fn rest<'a>(turn: &'a Turn, pen: &mut Pen<'_>) -> Result<Option<Item<'a>>, Unfit> {
    let mut all = Vec::new();
    for part in turn.parts.iter().filter(|part| !matches!(part, Part::ToolResult(_))) {
        if turn.role == Role::System && matches!(part, Part::Image(_) | Part::Document(_)) {
            return Err(unfit("messages.system", "the operator can only send text"));
        }
        all.extend(pieces(part, pen)?);
    }
    if all.is_empty() {
        return Ok(None);
    }
    Ok(Some(match turn.role {
        Role::System if pen.capabilities.mid_system == Some(false) => {
            pen.losses.add("messages.system", "sent as text of the user");
            Item::message("user", all.into_iter().map(marked).collect())
        }
        Role::System => Item::message("developer", all),
        Role::User | Role::Assistant => Item::message("user", all),
    }))
}

/// What the operator says to a model that hears him only at the beginning, in the way that models of agents know.
fn marked(piece: Piece<'_>) -> Piece<'_> {
    match piece {
        Piece::InputText { text } => Piece::text(format!("<system-reminder>\n{text}\n</system-reminder>")),
        other => other,
    }
}

/// A beginning of the answer that the client has written: here nobody goes on from there, so the model is told to.
fn prefill<'a>(said: Vec<Item<'a>>, pen: &mut Pen<'_>) -> Vec<Item<'a>> {
    let texts =
        said.into_iter().filter_map(|item| if let Item::Message { content, .. } = item { Some(content) } else { None });
    let begun = texts.flatten().map(|piece| match piece {
        Piece::OutputText { text } => Piece::InputText { text },
        other => other,
    });
    let mut content = vec![Piece::text("Begin your answer right after the following text, without repeating it:")];
    content.extend(begun);
    if content.len() == 1 {
        return Vec::new();
    }
    pen.losses.add("messages.prefill", "sent as an instruction");
    vec![Item::message("user", content)]
}
