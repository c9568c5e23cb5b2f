//! The order of turns: the user begins, user and model alternate, and results of calls come right after them, each call's
//! and in their order. So all turns between two of the model become one: first results, then the rest in its order.

use std::borrow::Cow;
use std::collections::HashSet;

use super::content::{Content, Part, Speaker, System, uncached};
use super::{Pen, assistant, unfit, user};
use crate::canon::{self, Request, Role, Turn, Unfit};
use crate::foreign::operator;

/// What is said for the user where the model's words come first.
const BEFORE: &str = "[The beginning of the conversation is not there.]";

/// What is said for the user where the model's own words come last and it has to go on.
const PREFILL: &str = "Begin your answer right after the following text, without repeating it:";

/// A call that waits for its result.
pub(super) struct Pending {
    /// As the client names it.
    pub(super) id: String,
    /// As it is sent.
    pub(super) sent: String,
    /// The tool, as it is sent.
    pub(super) name: String,
}

/// What stands before the conversation, and the conversation.
pub(super) fn contents<'a>(
    request: &'a Request,
    pen: &mut Pen<'_>,
) -> Result<(Option<System<'a>>, Vec<Content<'a>>), Unfit> {
    let first = request.turns.iter().position(|turn| turn.role != Role::System).unwrap_or(request.turns.len());
    let (lead, turns) = request.turns.split_at(first);
    let system = system(request, lead, pen)?;
    note_ids(turns, pen);
    let asked = turns.iter().rposition(is_question);
    let mut contents: Vec<Content<'a>> = Vec::with_capacity(turns.len() + 1);
    let mut taken = HashSet::new();
    let mut pending = Vec::new();
    let mut at = 0;
    for group in turns.chunk_by(|one, next| is_model(one) == is_model(next)) {
        if is_model(&group[0]) {
            let context = assistant::Context { is_current: asked.is_none_or(|asked| at > asked), taken: &mut taken };
            let (parts, calls) = assistant::parts(group.iter().flat_map(|turn| &turn.parts), context, pen)?;
            if contents.is_empty() && !parts.is_empty() {
                pen.losses.add("messages", "a turn of the user made up before the model's first");
                say(&mut contents, Speaker::User, vec![Part::text(BEFORE)]);
            }
            say(&mut contents, Speaker::Model, parts);
            pending = calls;
        } else {
            let parts = answers(group, std::mem::take(&mut pending), pen)?;
            say(&mut contents, Speaker::User, parts);
        }
        at += group.len();
    }
    if !pending.is_empty() {
        let parts = answers(&[], pending, pen)?;
        say(&mut contents, Speaker::User, parts);
    }
    end(&mut contents, pen);
    if contents.is_empty() { Err(unfit("messages", "nothing is said in them")) } else { Ok((system, contents)) }
}

fn is_model(turn: &Turn) -> bool {
    turn.role == Role::Assistant
}

/// Whether the user says something of his own here and does not only bring results. Google counts the current turn from
/// there; where both come at once it is taken to go on, for a call that is excused needlessly does no harm.
fn is_question(turn: &Turn) -> bool {
    turn.role == Role::User && !turn.parts.iter().any(|part| matches!(part, canon::Part::ToolResult(_)))
}

/// Adds parts to the speaker's turn, or begins it.
fn say<'a>(contents: &mut Vec<Content<'a>>, role: Speaker, parts: Vec<Part<'a>>) {
    if parts.is_empty() {
        return;
    }
    match contents.last_mut() {
        Some(last) if last.role == role => last.parts.extend(parts),
        _ => contents.push(Content { role, parts }),
    }
}

fn system<'a>(request: &'a Request, lead: &'a [Turn], pen: &mut Pen<'_>) -> Result<Option<System<'a>>, Unfit> {
    let mut parts = Vec::new();
    for text in operator(request, pen.known.refused, pen.losses) {
        uncached(text.cache, pen);
        parts.push(Part::text(Cow::Borrowed(text.text.as_str())));
    }
    for turn in lead {
        parts.extend(user::rest(turn, pen)?);
    }
    Ok(System::of(parts))
}

/// New calls must not be named as old ones.
fn note_ids(turns: &[Turn], pen: &mut Pen<'_>) {
    for part in turns.iter().flat_map(|turn| &turn.parts) {
        if let canon::Part::ToolUse(call) = part {
            pen.names.take_id(&call.id);
        }
    }
}

/// What comes between two turns of the model.
fn answers<'a>(turns: &'a [Turn], pending: Vec<Pending>, pen: &mut Pen<'_>) -> Result<Vec<Part<'a>>, Unfit> {
    let mut parts = user::results(turns, pending, pen)?;
    for turn in turns {
        let rest = user::rest(turn, pen)?;
        if turn.role == Role::System { parts.extend(marked(rest, pen)) } else { parts.extend(rest) }
    }
    Ok(parts)
}

/// What the operator says in mid-conversation, where Gemini hears him only at the beginning: as the user, marked in the way
/// that models of agents know.
fn marked<'a>(parts: Vec<Part<'a>>, pen: &mut Pen<'_>) -> Vec<Part<'a>> {
    if !parts.is_empty() {
        pen.losses.add("messages.system", "sent as text of the user");
    }
    let mark = |part: Part<'a>| match part.as_text() {
        Some(text) => Part::text(format!("<system-reminder>\n{text}\n</system-reminder>")),
        None => part,
    };
    parts.into_iter().map(mark).collect()
}

/// A beginning of the answer that the client has written: Gemini does not go on from there, so it is told to.
fn end(contents: &mut Vec<Content<'_>>, pen: &mut Pen<'_>) {
    if pen.known.prefill == Some(true) || contents.last().is_none_or(|last| last.role == Speaker::User) {
        return;
    }
    let Some(begun) = contents.pop() else { return };
    pen.losses.add("messages.prefill", "sent as an instruction");
    let texts = begun.parts.into_iter().filter(|part| part.as_text().is_some_and(|text| !text.is_empty()));
    let texts = texts.map(|part| Part { thought_signature: None, ..part });
    say(contents, Speaker::User, std::iter::once(Part::text(PREFILL)).chain(texts).collect());
}
