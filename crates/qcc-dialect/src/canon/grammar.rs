//! Checks that events keep the grammar of [`Event`]: what decoders give and encoders rely on.

use super::{Block, Delta, Event};

/// How far a stream of events has come.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    started: bool,
    open: Option<Block>,
    stopped: bool,
    ended: bool,
    failed: bool,
}

impl Grammar {
    /// Checks a stream and gives where it ends.
    pub(crate) fn check<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, String> {
        let mut grammar = Self::default();
        for (at, event) in events.into_iter().enumerate() {
            grammar.push(event).map_err(|why| format!("event {at}, {event:?}: {why}"))?;
        }
        Ok(grammar)
    }

    /// Whether the answer is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended
    }

    /// Whether the provider reported an error.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    fn push(&mut self, event: &Event) -> Result<(), &'static str> {
        let need = |holds: bool, why: &'static str| if holds { Ok(()) } else { Err(why) };
        need(!self.ended && !self.failed, "nothing follows the end or a fault")?;
        match event {
            Event::Fault { .. } => {
                self.failed = true;
                return Ok(());
            }
            Event::Start { .. } => need(!std::mem::replace(&mut self.started, true), "a second beginning")?,
            _ => need(self.started, "before the beginning")?,
        }
        match event {
            Event::Open(block) => {
                need(self.open.is_none(), "another block is open")?;
                need(!self.stopped, "a block after the stop reason")?;
                let named = !matches!(block, Block::ToolUse { id, .. } if id.is_empty());
                self.open = Some(block.clone());
                need(named, "a call without a name of its own")
            }
            Event::Delta(delta) => {
                need(self.open.as_ref().is_some_and(|open| fits(open, delta)), "no block for it is open")
            }
            Event::Close => need(self.open.take().is_some(), "no block is open"),
            Event::Usage(_) => need(self.open.is_none(), "counts within a block"),
            Event::Stop(_) => {
                need(self.open.is_none(), "a stop reason within a block")?;
                need(!std::mem::replace(&mut self.stopped, true), "a second stop reason")
            }
            Event::End => {
                self.ended = true;
                need(self.stopped && self.open.is_none(), "an end without a stop reason, or within a block")
            }
            Event::Start { .. } | Event::Fault { .. } => Ok(()),
        }
    }
}

fn fits(open: &Block, delta: &Delta) -> bool {
    match open {
        Block::Text => matches!(delta, Delta::Text(_)),
        Block::Thinking => matches!(delta, Delta::Thinking(_) | Delta::Signature(_)),
        Block::ToolUse { .. } => matches!(delta, Delta::Input(_)),
        Block::Redacted(_) | Block::Other { .. } => false,
    }
}

#[test]
fn streams_outside_the_grammar_are_found() {
    use super::{Stop, StopReason, Usage};
    let start = || Event::Start { id: None, model: None };
    let text = || Event::Open(Block::Text);
    let stop = || Event::Stop(Stop { reason: StopReason::EndTurn, sequence: None });
    let usage = || Event::Usage(Usage::default());
    let fault = || Event::Fault { status: 500, kind: String::new(), message: String::new() };
    let call = |id: &str| Event::Open(Block::ToolUse { id: id.to_owned(), name: "x".to_owned() });
    let input = || Event::Delta(Delta::Input("{}".to_owned()));
    let whole = [start(), usage(), text(), Event::Close, usage(), stop(), usage(), Event::End];
    for cut in 0..=whole.len() {
        assert_eq!(Grammar::check(&whole[..cut]).map(|grammar| grammar.is_whole()), Ok(cut == whole.len()));
    }
    assert!(Grammar::check(&[fault()]).is_ok_and(|grammar| grammar.failed()));
    let wrong: [&[Event]; 13] = [
        &[text()],
        &[start(), start()],
        &[start(), text(), text()],
        &[start(), text(), input()],
        &[start(), input()],
        &[start(), Event::Close],
        &[start(), call("")],
        &[start(), text(), usage()],
        &[start(), text(), stop()],
        &[start(), stop(), stop()],
        &[start(), stop(), text()],
        &[start(), Event::End],
        &[fault(), start()],
    ];
    for events in wrong {
        assert!(Grammar::check(events).is_err(), "{events:?}");
    }
}
