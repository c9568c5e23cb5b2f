//! One item of the output, and how it becomes a block.

use serde_json::json;

use super::content::{Call, Content};
use crate::canon::{Block, Delta, Event, ToolNames};

/// An item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) content: Content,
    /// Whether nothing more of it comes.
    pub(super) over: bool,
    /// Whether it was opened.
    pub(super) open: bool,
    /// Whether it was closed, or left out.
    pub(super) closed: bool,
}

/// What a flush has to know.
pub(super) struct Flush<'f> {
    pub(super) names: &'f mut ToolNames,
    /// Whether the answer is over.
    pub(super) finished: bool,
    /// Whether it is over before it was complete.
    pub(super) cut: bool,
}

impl Item {
    /// Passes on what can be. `Err`: a call that must not be run.
    pub(super) fn flush(&mut self, flush: &mut Flush<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        let over = self.over || flush.finished;
        match &mut self.content {
            Content::Message(parts) => {
                // Text of blanks alone is held: a block of nothing else is refused when it comes back.
                if self.open || !parts.waiting.trim().is_empty() {
                    open(&mut self.open, Block::Text, out);
                    give(&mut parts.waiting, Delta::Text, out);
                }
            }
            Content::Reasoning(thought) => {
                let signature = if over { thought.sealed.take() } else { None };
                if self.open || !thought.parts.waiting.is_empty() || signature.is_some() {
                    open(&mut self.open, Block::Thinking, out);
                    give(&mut thought.parts.waiting, Delta::Thinking, out);
                    out.extend(signature.map(|signature| Event::Delta(Delta::Signature(signature))));
                }
            }
            Content::Call(_) => return self.call(over, flush, out),
            Content::Custom(call) if over => {
                let name = named(call, flush)?;
                open(&mut self.open, Block::ToolUse { id: flush.names.new_id(&call.id), name }, out);
                let input = json!({"input": std::mem::take(&mut call.input)}).to_string();
                out.push(Event::Delta(Delta::Input(input)));
            }
            Content::Other { kind, raw } => {
                if let (Some(raw), true) = (raw.take(), over) {
                    open(&mut self.open, Block::Other { kind: kind.clone(), raw }, out);
                }
            }
            Content::Custom(_) | Content::Unknown => {}
        }
        self.close(over, out);
        Ok(())
    }

    fn close(&mut self, over: bool, out: &mut Vec<Event>) {
        if over {
            self.closed = true;
            if self.open {
                out.push(Event::Close);
            }
        }
    }

    fn call(&mut self, over: bool, flush: &mut Flush<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        let Content::Call(call) = &mut self.content else { return Ok(()) };
        if call.name.is_empty() && !over {
            return Ok(());
        }
        let name = named(call, flush)?;
        if !self.open {
            open(&mut self.open, Block::ToolUse { id: flush.names.new_id(&call.id), name: name.clone() }, out);
        }
        if !over {
            out.extend(call.arguments.give().map(|more| Event::Delta(Delta::Input(more))));
            return Ok(());
        }
        if !call.broken {
            let (rest, whole) = call.arguments.finish();
            out.extend(rest.map(|rest| Event::Delta(Delta::Input(rest))));
            call.broken = !whole;
        }
        // A limit may have cut the input; whether it has is told at the end of the answer.
        if call.broken && !flush.finished {
            return Ok(());
        }
        let broken = call.broken && !flush.cut;
        self.close(true, out);
        if broken { Err(format!("the input of the call of {name} is no JSON object")) } else { Ok(()) }
    }
}

fn named(call: &Call, flush: &Flush<'_>) -> Result<String, String> {
    if call.name.is_empty() {
        return Err("a call names no tool".to_owned());
    }
    Ok(flush.names.original(&call.name).to_owned())
}

fn open(is_open: &mut bool, block: Block, out: &mut Vec<Event>) {
    if !std::mem::replace(is_open, true) {
        out.push(Event::Open(block));
    }
}

fn give(waiting: &mut String, delta: fn(String) -> Delta, out: &mut Vec<Event>) {
    if !waiting.is_empty() {
        out.push(Event::Delta(delta(std::mem::take(waiting))));
    }
}
