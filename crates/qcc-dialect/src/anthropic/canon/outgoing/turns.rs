//! A conversation put in the order that Anthropic asks for.
//!
//! Other dialects have a message for each result and let the operator speak anywhere. Here results stand at the head of the
//! one user message after their calls, each call has exactly one, and names of calls are unique in the conversation.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::{BufMut as _, BytesMut};

use super::blocks::{self, Block};
use super::{Marks, unfit};
use crate::anthropic::canon::ids;
use crate::canon::{Cache, Losses, Part, Request, Role, ToolResult, Turn, Unfit, is_sealed};
use crate::capabilities::{Capabilities, Member};
use crate::foreign;
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

    /// Whether it is the model's.
    pub(super) fn is_begun(&self) -> bool {
        self.role == Role::Assistant
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
        let mut blocks = Vec::with_capacity(turn.parts.len());
        let thoughts = !capabilities.refused.has(Member::Reasoning);
        for part in turn.parts.iter().filter(|part| thoughts || !is_thought(part)) {
            blocks.extend(block(part, folded, losses)?);
        }
        match rows.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            _ => rows.push(Row { role, blocks }),
        }
    }
    pair(&mut rows, losses);
    if rows.pop_if(|row| row.role == Role::Assistant && row.blocks.is_empty()).is_some() {
        losses.add("messages", "an empty answer at the end: dropped");
    }
    let mut rows = without_empty(rows);
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

fn is_thought(part: &Part) -> bool {
    matches!(part, Part::Thinking(_) | Part::Redacted(_))
}

/// Who says nothing is left out, and who is heard on both sides of it says all in one message.
fn without_empty(rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let mut kept: Vec<Row<'_>> = Vec::with_capacity(rows.len() + 1);
    for row in rows.into_iter().filter(|row| !row.blocks.is_empty()) {
        match kept.last_mut() {
            Some(last) if last.role == row.role => last.blocks.extend(row.blocks),
            _ => kept.push(row),
        }
    }
    kept
}

/// Whether the operator may speak here: after the user, and before the model or at the end.
fn is_placed(last: Option<&Row<'_>>, rest: &[Turn]) -> bool {
    let next = rest.iter().map(|turn| turn.role).find(|role| *role != Role::System);
    last.is_some_and(|row| row.role != Role::Assistant) && next.is_none_or(|role| role == Role::Assistant)
}

/// A part as a block. White space alone is none: Anthropic refuses a turn without anything else in it.
fn block<'a>(part: &'a Part, folded: bool, losses: &mut Losses) -> Result<Option<Block<'a>>, Unfit> {
    Ok(match part {
        Part::Text(text) if text.text.trim().is_empty() => None,
        Part::Text(text) if folded => Some(Block::Told(Cow::Borrowed(&text.text))),
        Part::Thinking(thought)
            if thought.signature.as_deref().is_none_or(|text| text.is_empty() || is_sealed(text)) =>
        {
            losses.add("messages.thinking", "dropped: it is not signed by Anthropic");
            None
        }
        Part::Other { kind, raw } => {
            foreign::blocks::text(kind, raw, losses)?.map(|text| Block::Told(Cow::Owned(text)))
        }
        part => Some(Block::Part(part)),
    })
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
    result.parts.iter().filter(|part| !blocks::is_blank(part)).map(Block::Part)
}

/// Sees to the end of the conversation: most models do not go on with words that they have begun.
fn finish(rows: &mut Vec<Row<'_>>, capabilities: &Capabilities, losses: &mut Losses) {
    if rows.last().is_none_or(|row| row.role != Role::Assistant) {
        return;
    }
    if capabilities.prefill != Some(false) {
        rows.last_mut().map(begin).unwrap_or_default();
        return;
    }
    losses.add("messages", "the model does not go on with its own words: asked to continue");
    rows.push(Row { role: Role::User, blocks: vec![Block::Told(Cow::Borrowed(GO_ON))] });
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

/// Writes the messages. `last`: the breakpoint after all of them.
pub(super) fn write(
    out: &mut BytesMut,
    rows: &[Row<'_>],
    last: Option<Cache>,
    marks: &mut Marks<'_>,
) -> Result<(), Unfit> {
    out.put_u8(b'[');
    for (at, row) in rows.iter().enumerate() {
        let last = last.filter(|_| at + 1 == rows.len() && row.role == Role::User);
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
        blocks::write(message.name("content"), &row.blocks, row.role, last, marks)?;
        message.end();
    }
    out.put_u8(b']');
    Ok(())
}
