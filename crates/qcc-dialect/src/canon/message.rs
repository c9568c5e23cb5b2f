//! An answer, whole.

use super::{Block, Delta, Event, Losses, Part, ToolUse};

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The model as the provider names it.
    pub model: Option<String>,
    /// What it says.
    pub parts: Vec<Part>,
    /// Why it ended. `None`: the provider did not say, so it may not be whole.
    pub stop: Option<Stop>,
    /// What it cost.
    pub usage: Usage,
    /// Tools whose calls had no JSON object as input: such an answer must not be passed on as whole.
    pub broken: Vec<String>,
    /// What of it had no place here.
    pub losses: Losses,
}

impl Message {
    /// The same answer as it would have come piece by piece. Parts that answers do not have are left out.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        let Self { id, model, parts, stop, usage, broken: _, losses: _ } = self;
        let mut events = vec![Event::Start { id, model }];
        for part in parts {
            let (block, deltas) = match part {
                Part::Text(said) => (Block::Text, vec![Delta::Text(said.text)]),
                Part::Thinking(said) => {
                    let signature = said.signature.map(Delta::Signature);
                    let text = Some(said.text).filter(|text| !text.is_empty()).map(Delta::Thinking);
                    (Block::Thinking, text.into_iter().chain(signature).collect())
                }
                Part::Redacted(data) => (Block::Redacted(data), Vec::new()),
                Part::ToolUse(ToolUse { id, name, input }) => {
                    (Block::ToolUse { id, name }, vec![Delta::Input(input.text().to_owned())])
                }
                Part::Other { kind, raw } => (Block::Other { kind, raw }, Vec::new()),
                Part::Image(_) | Part::Document(_) | Part::SearchResult(_) | Part::ToolResult(_) => continue,
            };
            events.push(Event::Open(block));
            events.extend(deltas.into_iter().map(Event::Delta));
            events.push(Event::Close);
        }
        events.push(Event::Usage(usage));
        events.extend(stop.map(Event::Stop));
        events.push(Event::End);
        events
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The kind.
    pub reason: StopReason,
    /// The text that ended it, where that is known.
    pub sequence: Option<String>,
}

/// Kinds of ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The model had no more to say.
    EndTurn,
    /// `max_tokens` were reached.
    MaxTokens,
    /// One of the stop texts came.
    StopSequence,
    /// It calls a tool.
    ToolUse,
    /// It refuses, or a filter did.
    Refusal,
    /// A server's loop paused; the client sends the same on.
    PauseTurn,
    /// The context window is full.
    ContextExceeded,
    /// Another word of its dialect.
    Other(String),
}

/// Token counts; `None` where the provider did not say. The whole prompt is `input + cache_read + cache_write`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, without what the cache served or stored.
    pub input: Option<u64>,
    /// Of the answer, thinking included.
    pub output: Option<u64>,
    /// Of the prompt, read from the cache.
    pub cache_read: Option<u64>,
    /// Of the prompt, written to the cache.
    pub cache_write: Option<u64>,
    /// Of the answer, thought.
    pub thinking: Option<u64>,
}

impl Usage {
    /// The whole prompt. `None`: nothing was said of it.
    #[must_use]
    pub fn prompt(&self) -> Option<u64> {
        let said = [self.input, self.cache_read, self.cache_write];
        said.into_iter().flatten().reduce(u64::saturating_add)
    }

    /// Takes over what a later report says; what it leaves out stays.
    pub fn take(&mut self, later: Self) {
        let members = [
            (&mut self.input, later.input),
            (&mut self.output, later.output),
            (&mut self.cache_read, later.cache_read),
            (&mut self.cache_write, later.cache_write),
            (&mut self.thinking, later.thinking),
        ];
        for (count, reported) in members {
            *count = reported.or(*count);
        }
    }
}
