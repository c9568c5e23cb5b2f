//! What a model thought before it called a tool, for clients whose dialect has no place for it.
//!
//! Some vendors refuse the result of a call whose thinking, or its signature, does not come back with it: Anthropic while it
//! thinks by budget, Gemini, DeepSeek. Clients of Chat Completions send the call back, but not what was thought. So it is
//! kept under the call's id, and put before the call when the conversation goes on.

use crate::canon::{Block, Delta, Event, Message, Part, Request, Role, Thought};

/// What was thought before each call of an answer, by the call's id.
pub type Thoughts = Vec<(String, Vec<Part>)>;

/// Most bytes of thinking that are kept for one call: more is nothing that a conversation can carry for long.
const MAX_THOUGHT: usize = 256 * 1024;

/// Gathers thinking from an answer while it comes.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    /// What was thought since the last call.
    pending: Vec<Part>,
    open: Option<Thought>,
    found: Thoughts,
}

impl Gatherer {
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Open(Block::Thinking) => self.open = Some(Thought::default()),
            Event::Open(Block::Redacted(data)) => self.pending.push(Part::Redacted(data.clone())),
            Event::Open(Block::ToolUse { id, .. }) => self.called(id),
            Event::Delta(Delta::Thinking(more)) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.text.len() + more.len() <= MAX_THOUGHT) {
                    open.text.push_str(more);
                }
            }
            Event::Delta(Delta::Signature(signature)) => {
                if let Some(open) = &mut self.open {
                    open.signature = Some(signature.clone());
                }
            }
            Event::Close => self.pending.extend(self.open.take().map(Part::Thinking)),
            _ => {}
        }
    }

    pub(super) fn see_message(&mut self, message: &Message) {
        for part in &message.parts {
            match part {
                Part::Thinking(_) | Part::Redacted(_) => self.pending.push(part.clone()),
                Part::ToolUse(call) => self.called(&call.id),
                _ => {}
            }
        }
    }

    fn called(&mut self, id: &str) {
        if !self.pending.is_empty() {
            self.found.push((id.to_owned(), std::mem::take(&mut self.pending)));
        }
    }

    pub(super) fn take(&mut self) -> Thoughts {
        std::mem::take(&mut self.found)
    }
}

/// Puts what was thought back before the calls of the conversation. What the client sent of it itself is only a part of it
/// and gives way.
pub(super) fn recall(request: &mut Request, recalled: &(dyn Fn(&str) -> Option<Vec<Part>> + Sync)) {
    for turn in request.turns.iter_mut().filter(|turn| turn.role == Role::Assistant) {
        let mut parts = Vec::with_capacity(turn.parts.len());
        for part in std::mem::take(&mut turn.parts) {
            if let Part::ToolUse(call) = &part
                && let Some(thoughts) = recalled(&call.id)
            {
                parts.retain(|part| !is_unsigned(part));
                parts.extend(thoughts);
            }
            parts.push(part);
        }
        turn.parts = parts;
    }
}

fn is_unsigned(part: &Part) -> bool {
    matches!(part, Part::Thinking(thought) if thought.signature.as_ref().is_none_or(String::is_empty))
}
