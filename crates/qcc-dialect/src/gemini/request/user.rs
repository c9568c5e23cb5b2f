//! What stands in turns of the user: results of calls, and everything else.

use std::borrow::Cow;

use super::content::{Answered, Data, Media, Output, Part, uncached};
use super::conversation::Pending;
use super::{Pen, media, unfit};
use crate::canon::{self, Losses, Role, ToolResult, Turn, Unfit};
use crate::foreign::{MISSING, blocks, search_result};

/// The results of all calls of the turn before, in the order of the calls: Gemini wants as many as there were calls, right
/// after them. Behind them, what they hold that no result may hold, and results that no call waits for.
pub(super) fn results<'a>(turns: &'a [Turn], pending: Vec<Pending>, pen: &mut Pen<'_>) -> Result<Vec<Part<'a>>, Unfit> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    let mut all: Vec<&ToolResult> =
        parts.filter_map(|part| if let canon::Part::ToolResult(result) = part { Some(result) } else { None }).collect();
    let mut written = Vec::new();
    let mut behind = Vec::new();
    for call in pending {
        let data = match all.iter().position(|result| result.id == call.id) {
            Some(at) => answered(all.remove(at), call, &mut behind, pen)?,
            None => missing(call, pen.losses),
        };
        written.push(Part::new(Data::FunctionResponse(data)));
    }
    for result in all {
        pen.losses.add("messages.content.tool_result", "sent as text where no call waits for it");
        behind.push(Part::text(format!("The result of the call {}:", result.id)));
        for part in &result.parts {
            behind.extend(parts_of(part, pen)?);
        }
    }
    written.append(&mut behind);
    Ok(written)
}

fn missing<'a>(call: Pending, losses: &mut Losses) -> Answered<'a> {
    losses.add("messages.content.tool_result", "made up where one was missing");
    Answered { id: call.sent, name: call.name, response: Output::Error(MISSING.into()), parts: Vec::new() }
}

fn answered<'a>(
    result: &'a ToolResult,
    call: Pending,
    behind: &mut Vec<Part<'a>>,
    pen: &mut Pen<'_>,
) -> Result<Answered<'a>, Unfit> {
    uncached(result.cache, pen);
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    let mut inside = Vec::new();
    let mut announced = false;
    for part in &result.parts {
        for part in parts_of(part, pen)? {
            match part.data {
                Data::Text(text) => texts.push(text),
                Data::Inline(blob)
                    if pen.model.takes_media_in_results() && media::IN_RESULTS.contains(&blob.mime_type) =>
                {
                    inside.push(Media::Inline(blob));
                }
                data => {
                    if !std::mem::replace(&mut announced, true) {
                        behind.push(Part::text(format!("From the result of {}:", call.name)));
                    }
                    pen.losses.add("messages.content.tool_result", "images and documents moved behind it");
                    texts.push(Cow::Borrowed("[behind the results of all calls]"));
                    behind.push(Part::new(data));
                }
            }
        }
    }
    let text = match texts.len() {
        1 => texts.remove(0),
        _ => Cow::Owned(texts.join("\n\n")),
    };
    let response = match result.is_error {
        false => Output::Output(text),
        true if text.trim().is_empty() && inside.is_empty() => Output::Error("the tool failed and said nothing".into()),
        true => Output::Error(text),
    };
    Ok(Answered { id: call.sent, name: call.name, response, parts: inside })
}

/// All of a turn but results.
pub(super) fn rest<'a>(turn: &'a Turn, pen: &mut Pen<'_>) -> Result<Vec<Part<'a>>, Unfit> {
    let mut all = Vec::new();
    for part in &turn.parts {
        match part {
            canon::Part::ToolResult(_) => {}
            canon::Part::Image(_) | canon::Part::Document(_) if turn.role == Role::System => {
                return Err(unfit("messages.system", "the operator can only send text"));
            }
            _ => all.extend(parts_of(part, pen)?),
        }
    }
    Ok(all)
}

/// A part as the user says it; what has no words is none.
pub(super) fn parts_of<'a>(part: &'a canon::Part, pen: &mut Pen<'_>) -> Result<Vec<Part<'a>>, Unfit> {
    Ok(match part {
        canon::Part::Text(text) => {
            uncached(text.cache, pen);
            if text.text.trim().is_empty() { Vec::new() } else { vec![Part::text(Cow::Borrowed(text.text.as_str()))] }
        }
        canon::Part::Image(image) => vec![media::image(image, pen)?],
        canon::Part::Document(document) => media::document(document, pen)?,
        canon::Part::SearchResult(found) => vec![Part::text(search_result(found))],
        canon::Part::Other { kind, raw } => blocks::text(kind, raw, pen.losses)?.map(Part::text).into_iter().collect(),
        canon::Part::Thinking(_) | canon::Part::Redacted(_) | canon::Part::ToolUse(_) | canon::Part::ToolResult(_) => {
            pen.losses.add("messages.content", "dropped what only the model says from a turn of the user");
            Vec::new()
        }
    })
}
