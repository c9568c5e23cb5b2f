//! What a scripted upstream answers. A [`Script`] chooses a [`Reply`] for each request; a reply is bytes and pauses in
//! order, and an [`End`] that says what becomes of the connection. Nothing is added to the bytes, so that a reply can
//! be wrong in any way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Received;
use crate::Gate;

/// One thing that a reply does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes at once.
    Write(Bytes),
    /// Sends `piece` bytes at a time, each in a segment of its own, `every` apart (zero: as fast as they go).
    WriteSlowly {
        /// What is sent.
        bytes: Bytes,
        /// Bytes per segment; 0 counts as 1.
        piece: usize,
        /// Pause between two segments.
        every: Duration,
    },
    /// Sends these bytes again and again, `every` apart, until the client leaves.
    Repeat {
        /// What is sent each time.
        bytes: Bytes,
        /// Pause before each time.
        every: Duration,
    },
    /// Does nothing for so long. Tests use [`Step::WaitFor`] instead.
    Wait(Duration),
    /// Does nothing until the gate lets this reply through.
    WaitFor(Gate),
}

/// What becomes of the connection after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The next request is read from it.
    KeepAlive,
    /// It is closed in order (FIN).
    Close,
    /// It is reset (RST).
    Reset,
    /// It stays open and silent until the client leaves.
    Stall,
}

/// A whole reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is done at last.
    pub end: End,
}

impl Reply {
    /// A reply that does nothing and keeps the connection.
    #[must_use]
    pub fn new() -> Self {
        Self { steps: Vec::new(), end: End::KeepAlive }
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds bytes sent at once.
    #[must_use]
    pub fn write(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Write(bytes.into()))
    }

    /// Adds a pause that the test ends.
    #[must_use]
    pub fn wait_for(self, gate: &Gate) -> Self {
        self.step(Step::WaitFor(gate.clone()))
    }

    /// Adds a pause of this length.
    #[must_use]
    pub fn wait(self, pause: Duration) -> Self {
        self.step(Step::Wait(pause))
    }

    /// Puts a gate before everything else: the request is taken, and nothing comes back until the gate opens.
    #[must_use]
    pub fn held_by(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::WaitFor(gate.clone()));
        self
    }

    /// Ends by closing the connection in order.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.end = End::Close;
        self
    }

    /// Ends by resetting the connection.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.end = End::Reset;
        self
    }

    /// Ends by keeping the connection open and silent.
    #[must_use]
    pub fn stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }

    /// The same bytes in segments of `piece` bytes, `every` apart. Pauses stay where they are.
    #[must_use]
    pub fn in_pieces(mut self, piece: usize, every: Duration) -> Self {
        for step in &mut self.steps {
            if let Step::Write(bytes) = step {
                *step = Step::WriteSlowly { bytes: bytes.clone(), piece, every };
            }
        }
        self
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}

type Choose = dyn Fn(&Received, usize) -> Reply + Send + Sync;

/// Chooses the reply to each request.
#[derive(Clone)]
pub struct Script {
    choose: Arc<Choose>,
    pub(super) at_head: bool,
}

impl Script {
    /// Chooses by the request and by its number: how many requests **of the same method** came before it since this
    /// script was set. So a free `GET` in between does not move the numbers of the `POST`s.
    pub fn new(choose: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self { choose: Arc::new(choose), at_head: false }
    }

    /// The same reply to every request.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::new(move |_, _| reply.clone())
    }

    /// The replies in order of arrival, and `then` to every request after them.
    pub fn sequence(replies: impl IntoIterator<Item = Reply>, then: Reply) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::new(move |_, number| replies.get(number).unwrap_or(&then).clone())
    }

    /// Answers as soon as the head of a request is there. [`Received::body`] is empty then, what follows is thrown away,
    /// and a reply that would keep the connection closes it.
    #[must_use]
    pub fn at_head(mut self) -> Self {
        self.at_head = true;
        self
    }

    pub(super) fn choose(&self, received: &Received, number: usize) -> Reply {
        (self.choose)(received, number)
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::always(reply)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("at_head", &self.at_head).finish_non_exhaustive()
    }
}
