//! A conversation put in the order that Anthropic asks for.
//!
//! Other dialects have a message for each result and let the operator speak anywhere. Here results stand at the head of the
//! one user message after their calls, each call has exactly one, and names of calls are unique in the conversation.

use std::collections::HashSet;

use bytes::{BufMut as _, BytesMut};

use super::blocks::{self, Block};
use super::{Marks, unfit};
use crate::anthropic::canon::ids;
use crate::canon::{Cache, Losses, Part, Request, Role, ToolResult, Turn, Unfit, is_sealed};
use crate::capabilities::Capabilities;
use crate::json::write::Object;

/// What is said for the user where the model's own words come last and it does not go on with them.
const GO_ON: &str = "Continue.";

/// The loss where the operator's words become the user's.
const FOLDED: (&str, &str) = ("messages.system", "sent as the user's text");

/// One message.
#[derive(Debug)]
pub(super) struct Row<'a> {
    role: Role,
    blocks: Vec<Block<'a>>,
}

impl Row<'_> {
    /// Of the model's messages: whether it calls a tool without having thought first.
    pub(super) fn begins_with_a_call(&self) -> Option<bool> {
        let thought = |block: &Block<'_>| matches!(block, Block::Part(Part::Thinking(_) | Part::Redacted(_)));
        let calls = self.blocks.iter().any(|block| matches!(block, Block::Call(..)));
        (self.role == Role::Assistant).then(|| calls && !self.blocks.first().is_some_and(thought))
    }

    /// White space alone is no message.
    fn is_blank(&self) -> bool {
        self.blocks.iter().all(|block| matches!(block, Block::Part(Part::Text(text)) if text.text.trim().is_empty()))
    }
}

/// What stands before the conversation, the operator's first messages included.
pub(super) fn lead<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<(&'a str, Option<Cache>)>, Unfit> {
    let mut lead: Vec<(&str, Option<Cache>)> = request.system.iter().map(|text| (&*text.text, text.cache)).collect();
    for turn in request.turns.iter().take_while(|turn| turn.role == Role::System) {
        for part in &turn.parts {
            let Part::Text(text) = part else { return Err(unfit("messages.system", "Anthropic takes text there")) };
            lead.push((&text.text, text.cache));
        }
    }
    let all = lead.len();
    lead.retain(|(text, _)| !text.trim().is_empty());
    if lead.len() < all {
        losses.add("system", "empty texts dropped");
    }
    Ok(lead)
}

/// The conversation after that.
pub(super) fn rows<'a>(
    request: &'a Request,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Result<Vec<Row<'a>>, Unfit> {
    let first = request.turns.iter().position(|turn| turn.role != Role::System).unwrap_or(request.turns.len());
    let turns = &request.turns[first..];
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(turns.len() + 1);
    for (at, turn) in turns.iter().enumerate() {
        let role = match turn.role {
            Role::System if capabilities.mid_system == Some(true) && is_placed(rows.last(), &turns[at + 1..]) => {
                Role::System
            }
            Role::System => Role::User,
            role => role,
        };
        let folded = role != turn.role;
        if folded {
            losses.add(FOLDED.0, FOLDED.1);
        }
        let blocks = turn.parts.iter().filter_map(|part| block(part, folded, losses));
        match rows.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            _ => rows.push(Row { role, blocks: blocks.collect() }),
        }
    }
    pair(&mut rows, losses);
    rows.retain(|row| row.role == Role::Assistant || !row.is_blank());
    for at in 0..rows.len() {
        // What the operator followed may have been blank.
        if rows[at].role == Role::System && at.checked_sub(1).is_none_or(|before| rows[before].role == Role::Assistant)
        {
            losses.add(FOLDED.0, FOLDED.1);
            rows[at].role = Role::User;
        }
    }
    finish(&mut rows, capabilities, losses);
    if rows.is_empty() { Err(unfit("messages", "Anthropic needs a message of the user")) } else { Ok(rows) }
}

/// Whether the operator may speak here: after the user, and before the model or at the end.
fn is_placed(last: Option<&Row<'_>>, rest: &[Turn]) -> bool {
    let next = rest.iter().map(|turn| turn.role).find(|role| *role != Role::System);
    last.is_some_and(|row| row.role != Role::Assistant) && next.is_none_or(|role| role == Role::Assistant)
}

fn block<'a>(part: &'a Part, folded: bool, losses: &mut Losses) -> Option<Block<'a>> {
    match part {
        Part::Text(text) if text.text.is_empty() => None,
        Part::Text(text) if folded => Some(Block::Folded(&text.text)),
        Part::Thinking(thought)
            if thought.signature.as_deref().is_none_or(|text| text.is_empty() || is_sealed(text)) =>
        {
            losses.add("messages.thinking", "dropped: it is not signed by Anthropic");
            None
        }
        part => Some(Block::Part(part)),
    }
}

/// Gives every call a name of its own and its result in the next message.
fn pair(rows: &mut Vec<Row<'_>>, losses: &mut Losses) {
    let mut taken = HashSet::new();
    let mut at = 0;
    while at < rows.len() {
        let mut calls = if rows[at].role == Role::Assistant { name(&mut rows[at], &mut taken) } else { Vec::new() };
        let answers = at + usize::from(rows[at].role == Role::Assistant);
        if rows.get(answers).is_none_or(|row| row.role != Role::User) && !calls.is_empty() {
            rows.insert(answers, Row { role: Role::User, blocks: Vec::new() });
        }
        if let Some(row) = rows.get_mut(answers).filter(|row| row.role == Role::User) {
            answer(row, &mut calls, losses);
        }
        at = answers + 1;
    }
}

/// Names the calls of a message; gives their ids with the names.
fn name<'a>(row: &mut Row<'a>, taken: &mut HashSet<String>) -> Vec<(&'a str, String)> {
    let mut calls = Vec::new();
    for block in &mut row.blocks {
        let Block::Part(Part::ToolUse(call)) = block else { continue };
        let plain = ids::escape(&call.id);
        let names = std::iter::once(plain.to_string()).chain((2_u32..).map(|number| format!("{plain}_{number}")));
        let free = names.into_iter().find(|name| taken.insert(name.clone())).unwrap_or_default();
        calls.push((call.id.as_str(), free.clone()));
        *block = Block::Call(call, free);
    }
    calls
}

/// Puts the results of these calls first. A call without one has none to come; a result without a call is the user's text.
fn answer<'a>(row: &mut Row<'a>, calls: &mut Vec<(&str, String)>, losses: &mut Losses) {
    let (mut results, mut rest) = (Vec::new(), Vec::new());
    for block in std::mem::take(&mut row.blocks) {
        let Block::Part(Part::ToolResult(result)) = block else {
            rest.push(block);
            continue;
        };
        match calls.iter().position(|(id, _)| *id == result.id) {
            Some(call) => results.push(Block::Result(result, calls.remove(call).1)),
            None => rest.extend(orphan(result, losses)),
        }
    }
    for (_, name) in calls.drain(..) {
        losses.add("messages", "a call without a result: sent as interrupted");
        results.push(Block::Missing(name));
    }
    results.append(&mut rest);
    row.blocks = results;
}

fn orphan<'a>(result: &'a ToolResult, losses: &mut Losses) -> impl Iterator<Item = Block<'a>> {
    losses.add("messages", "a result without a call before it: sent as the user's text");
    let empty = |part: &&Part| matches!(part, Part::Text(text) if text.text.is_empty());
    result.parts.iter().filter(move |part| !empty(part)).map(Block::Part)
}

/// Sees to the end of the conversation: most models do not go on with words that they have begun.
fn finish(rows: &mut Vec<Row<'_>>, capabilities: &Capabilities, losses: &mut Losses) {
    if rows.last().is_some_and(|row| row.role == Role::Assistant && row.is_blank()) {
        rows.pop();
        losses.add("messages", "an empty answer at the end: dropped");
    }
    if rows.last().is_none_or(|row| row.role != Role::Assistant) {
        return;
    }
    if capabilities.prefill != Some(false) {
        rows.last_mut().map(begin).unwrap_or_default();
        return;
    }
    losses.add("messages", "the model does not go on with its own words: asked to continue");
    rows.push(Row { role: Role::User, blocks: vec![Block::Folded(GO_ON)] });
}

/// White space at the end of words to go on with is refused.
fn begin(row: &mut Row<'_>) {
    while let Some(Block::Part(Part::Text(text))) = row.blocks.last() {
        let begun = Block::Begun(text.text.trim_end(), text.cache);
        let blank = text.text.trim_end().is_empty();
        row.blocks.pop();
        if !blank {
            row.blocks.push(begun);
        }
    }
}

/// Writes the messages.
pub(super) fn write(out: &mut BytesMut, rows: &[Row<'_>], marks: &mut Marks<'_>) -> Result<(), Unfit> {
    out.put_u8(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        let role = match row.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        let mut message = Object::begin(out);
        message.member("role", role);
        blocks::write(message.name("content"), &row.blocks, row.role, marks)?;
        message.end();
    }
    out.put_u8(b']');
    Ok(())
}
