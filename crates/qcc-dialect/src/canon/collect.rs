//! Puts a stream together to a whole answer, for a client that asked for one where only streams are to be had.

use super::{Block, Delta, Event, Json, Message, Part, Stop, Text, Thought, ToolUse};
use crate::answer::Wrong;
use crate::error::ErrorFacts;

/// An answer as far as it came.
#[derive(Debug, Default)]
pub struct Collector {
    message: Message,
    open: Option<(Block, String, Option<String>)>,
    ended: bool,
}

impl Collector {
    /// Nothing came yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event. A fault is the caller's to heed.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start { id, model } => {
                self.message.id = id.or_else(|| self.message.id.take());
                self.message.model = model.or_else(|| self.message.model.take());
            }
            Event::Open(block) => {
                self.close();
                self.open = Some((block, String::new(), None));
            }
            Event::Delta(delta) => self.delta(delta),
            Event::Close => self.close(),
            Event::Usage(usage) => self.message.usage.take(usage),
            Event::Stop(stop) => self.message.stop = Some(stop),
            Event::End => self.ended = true,
            Event::Fault { .. } => {}
        }
    }

    /// The answer of these events, which are all of it. `stop` stands for their reason.
    ///
    /// # Errors
    /// The fault among them.
    pub(crate) fn message(events: Vec<Event>, stop: Option<Stop>) -> Result<Message, Wrong> {
        let mut collector = Self::new();
        for event in events {
            if let Event::Fault { status, kind, message } = event {
                return Err(Wrong::Error(ErrorFacts::stated(status, kind, message)));
            }
            collector.push(event);
        }
        collector.push(Event::End);
        let message = collector.finish().ok_or(Wrong::OtherJson)?;
        Ok(Message { stop, ..message })
    }

    fn delta(&mut self, delta: Delta) {
        let Some((_, text, signature)) = &mut self.open else { return };
        match delta {
            Delta::Text(more) | Delta::Thinking(more) | Delta::Input(more) => text.push_str(&more),
            Delta::Signature(whole) => *signature = Some(whole),
        }
    }

    fn close(&mut self) {
        let Some((block, text, signature)) = self.open.take() else { return };
        let part = match block {
            Block::Text => Part::Text(Text { text, cache: None }),
            Block::Thinking => Part::Thinking(Thought { text, signature }),
            Block::Redacted(data) => Part::Redacted(data),
            Block::ToolUse { id, name } => match input(text) {
                Ok(input) => Part::ToolUse(ToolUse { id, name, input }),
                Err(text) => {
                    self.message.broken.push(name);
                    Part::Text(Text { text, cache: None })
                }
            },
            Block::Other { kind, raw } => Part::Other { kind, raw },
        };
        self.message.parts.push(part);
    }

    /// The answer. `None`: it is not whole.
    #[must_use]
    pub fn finish(mut self) -> Option<Message> {
        self.close();
        self.ended.then_some(self.message)
    }
}

/// No pieces, or blanks, are an empty object. `Err`: it is no JSON object.
fn input(text: String) -> Result<Json, String> {
    if text.trim().is_empty() {
        return Ok(Json::empty_object());
    }
    match Json::from_text(text.clone()) {
        Ok(json) if json.is_object() => Ok(json),
        Ok(_) | Err(_) => Err(text),
    }
}
