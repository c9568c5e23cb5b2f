//! A turn of the model: text and calls in their order, with the signatures of its thoughts.
//!
//! What the model thought does not go back as text: it is a summary for people, and Google's own agent leaves it out too.
//! The signature stands for the thought itself.

use std::borrow::Cow;
use std::collections::HashSet;

use super::content::{Call, Data, Part, uncached};
use super::conversation::Pending;
use super::{Pen, tools};
use crate::canon::{self, Thought, ToolIds, ToolUse, Unfit, sent_id};
use crate::capabilities::Member;
use crate::foreign::blocks;
use crate::gemini::signature::{Found, Place, SKIP, found};

/// Longest id of a call that is sent as it is, in bytes. Google names no limit; its own are much shorter.
const IDS: ToolIds = ToolIds::Any { longest: 128 };

/// Where a turn stands.
pub(super) struct Context<'c> {
    /// Whether the user has said nothing of his own since.
    pub(super) is_current: bool,
    /// Ids of calls that were sent already.
    pub(super) taken: &'c mut HashSet<String>,
}

/// One turn of all parts, and the calls in it.
pub(super) fn parts<'a>(
    said: impl Iterator<Item = &'a canon::Part>,
    context: Context<'_>,
    pen: &mut Pen<'_>,
) -> Result<(Vec<Part<'a>>, Vec<Pending>), Unfit> {
    let mut written = Vec::new();
    let mut pending = Vec::new();
    let mut signature = None;
    for part in said {
        match part {
            canon::Part::Text(text) => {
                uncached(text.cache, pen);
                if !text.text.trim().is_empty() {
                    written.push(Part::text(Cow::Borrowed(text.text.as_str())));
                }
            }
            canon::Part::ToolUse(used) => {
                let (call, waiting) = call(used, context.taken, pen);
                written.push(Part { data: Data::FunctionCall(call), thought_signature: signature.take() });
                pending.push(waiting);
            }
            canon::Part::Thinking(thought) => match place(thought, pen) {
                Some((Place::Call, own)) => signature = Some(Cow::Owned(own)),
                Some((Place::Text, own)) => {
                    written.push(Part { thought_signature: Some(Cow::Owned(own)), ..Part::text("") });
                }
                None => {}
            },
            canon::Part::Redacted(_) => pen.losses.dropped("messages.content.redacted_thinking"),
            canon::Part::Other { kind, raw } => {
                written.extend(blocks::text(kind, raw, pen.losses)?.map(Part::text));
            }
            canon::Part::Image(_)
            | canon::Part::Document(_)
            | canon::Part::SearchResult(_)
            | canon::Part::ToolResult(_) => {
                pen.losses.add("messages.content", "dropped what is neither text nor a call from a turn of the model");
            }
        }
    }
    if context.is_current && pen.model.is_signed() {
        excuse(&mut written, pen);
    }
    // Nothing is left but the place of a signature.
    if !written.iter().any(Part::says_something) {
        written.clear();
    }
    Ok((written, pending))
}

/// Only the first call of a step is signed, also by Gemini itself; the calls beside it need nothing.
fn excuse(written: &mut [Part<'_>], pen: &mut Pen<'_>) {
    let first = written.iter_mut().find(|part| matches!(part.data, Data::FunctionCall(_)));
    if let Some(first) = first.filter(|first| first.thought_signature.is_none()) {
        pen.losses.add("messages.content.thinking", "missing before a call, which is sent unchecked");
        first.thought_signature = Some(Cow::Borrowed(SKIP));
    }
}

/// A vendor that counts its calls anew in every turn has named several alike; each is sent under a name of its own.
fn call<'a>(used: &'a ToolUse, taken: &mut HashSet<String>, pen: &mut Pen<'_>) -> (Call<'a>, Pending) {
    let mut sent = sent_id(&used.id, IDS).into_owned();
    let mut again = 1;
    while !taken.insert(sent.clone()) {
        again += 1;
        sent = sent_id(&format!("{}_{again}", used.id), IDS).into_owned();
    }
    let name = tools::sent_name(&used.name, pen).into_owned();
    let call = Call { id: sent.clone(), name: name.clone(), args: &used.input };
    (call, Pending { id: used.id.clone(), sent, name })
}

/// The signature that goes back to this model, and where.
fn place(thought: &Thought, pen: &mut Pen<'_>) -> Option<(Place, String)> {
    if pen.known.refused.has(Member::Reasoning) {
        return None;
    }
    match found(thought.signature.as_deref().unwrap_or_default(), pen.model.name()) {
        Found::Own(place, signature) => Some((place, signature)),
        Found::OtherModel => {
            pen.losses.add("messages.content.thinking", "dropped: another model has signed it");
            None
        }
        Found::Foreign => {
            pen.losses.dropped("messages.content.thinking");
            None
        }
    }
}
