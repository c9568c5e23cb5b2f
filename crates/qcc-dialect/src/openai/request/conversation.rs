//! The order of messages: what the operator says first, then the model and the others in turns.
//!
//! This dialect wants the results of calls right after them, each in its own message and all of them, before anybody else
//! speaks. So all turns between two of the model are taken together: first results, then what is missing, then the rest in
//! its order.

use std::borrow::Cow;
use std::collections::HashSet;

use super::content::{Message, Piece, carried, push_user, system_role};
use super::{Pen, assistant, user};
use crate::canon::{Part, Request, Role, Turn, Unfit};
use crate::foreign::{MISSING, operator};

/// A call that waits for its result.
pub(super) struct Pending {
    /// As the client names it.
    pub(super) id: String,
    /// As it is sent.
    pub(super) sent: String,
}

/// All messages.
pub(super) fn messages<'a>(request: &'a Request, thinks: bool, pen: &mut Pen<'_>) -> Result<Vec<Message<'a>>, Unfit> {
    let mut messages = Vec::with_capacity(request.turns.len() + 1);
    let system = system(request, pen);
    if !system.is_empty() {
        messages.push(Message::new(system_role(pen), system));
    }
    note_ids(request, pen);
    let asked = request.turns.iter().rposition(is_question).unwrap_or_default();
    let mut taken = HashSet::new();
    let mut at = 0;
    for group in request.turns.chunk_by(|one, next| is_model(one) == is_model(next)) {
        if is_model(&group[0]) {
            let parts = group.iter().flat_map(|turn| &turn.parts);
            let context = assistant::Context { in_loop: at > asked, thinks, taken: &mut taken };
            let (message, pending) = assistant::message(parts, context, pen)?;
            at += group.len();
            match message {
                Some(message) if at == request.turns.len() && pending.is_empty() => {
                    prefill(&mut messages, message, pen)
                }
                Some(message) => messages.push(message),
                None => {}
            }
            let results = request.turns[at..].chunk_by(|one, next| is_model(one) == is_model(next)).next();
            answers(results.unwrap_or_default(), pending, &mut messages, pen)?;
        } else {
            if at == 0 {
                answers(group, Vec::new(), &mut messages, pen)?;
            }
            at += group.len();
        }
    }
    Ok(messages)
}

fn is_model(turn: &Turn) -> bool {
    turn.role == Role::Assistant
}

/// Whether the user says something of his own here and does not only bring results.
fn is_question(turn: &Turn) -> bool {
    turn.role == Role::User && !turn.parts.iter().any(|part| matches!(part, Part::ToolResult(_)))
}

fn system<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Vec<Piece<'a>> {
    let texts = operator(request, pen.traits.refused, pen.losses).into_iter();
    texts.map(|text| Piece::Text { text: Cow::Borrowed(&text.text), cache: carried(text.cache, pen) }).collect()
}

/// New calls must not be named as old ones.
fn note_ids(request: &Request, pen: &mut Pen<'_>) {
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        if let Part::ToolUse(call) = part {
            pen.names.take_id(&call.id);
        }
    }
}

/// What comes between two turns of the model.
fn answers<'a>(
    turns: &'a [Turn],
    pending: Vec<Pending>,
    messages: &mut Vec<Message<'a>>,
    pen: &mut Pen<'_>,
) -> Result<(), Unfit> {
    let mut sorted = user::Results::new(pending);
    for turn in turns {
        sorted.take(turn, messages, pen)?;
    }
    let (missing, attached) = sorted.finish();
    for call in missing {
        pen.losses.add("messages.content.tool_result", "made up where one was missing");
        messages.push(Message { tool_call_id: Some(call.sent), ..Message::new("tool", vec![Piece::text(MISSING)]) });
    }
    push_user(messages, attached, pen);
    for turn in turns {
        let pieces = user::rest(turn, pen)?;
        match turn.role {
            Role::System if pen.traits.mid_system && !pieces.is_empty() => {
                messages.push(Message::new(system_role(pen), pieces));
            }
            Role::System => {
                let said = marked(pieces, pen);
                push_user(messages, said, pen);
            }
            Role::User | Role::Assistant => push_user(messages, pieces, pen),
        }
    }
    Ok(())
}

/// What the operator says in mid-conversation to a model that hears him only at the beginning: as the user, marked in the
/// way that models of agents know.
fn marked<'a>(pieces: Vec<Piece<'a>>, pen: &mut Pen<'_>) -> Vec<Piece<'a>> {
    let mark = |piece| match piece {
        Piece::Text { text, cache } => {
            Piece::Text { text: format!("<system-reminder>\n{text}\n</system-reminder>").into(), cache }
        }
        other => other,
    };
    if !pieces.is_empty() {
        pen.losses.add("messages.system", "sent as text of the user");
    }
    pieces.into_iter().map(mark).collect()
}

/// A beginning of the answer that the client has written: most do not go on from there, so they are told to.
fn prefill<'a>(messages: &mut Vec<Message<'a>>, message: Message<'a>, pen: &mut Pen<'_>) {
    if pen.traits.prefill {
        messages.push(message);
        return;
    }
    let Some(content) = message.content else { return };
    pen.losses.add("messages.prefill", "sent as an instruction");
    let mut pieces = vec![Piece::text("Begin your answer right after the following text, without repeating it:")];
    pieces.extend(content.0);
    push_user(messages, pieces, pen);
}
