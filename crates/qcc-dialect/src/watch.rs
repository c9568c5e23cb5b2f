//! What the relay has to know of a stream that it passes on: what each event means, and how a broken one is ended. Each
//! dialect in which clients ask has a watcher of its own.

use bytes::Bytes;

use crate::canon::Usage;
use crate::error::ErrorFacts;
use crate::{anthropic, openai, responses};

/// What an event means to the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A ping, a comment, an event that this dialect does not know: no sign of work.
    Idle,
    /// Real, but no content yet: the start of a message or of an empty block, an empty delta, a block's end.
    Progress,
    /// A semantic event: content, a tool name, a stop reason. The first one commits. After it, deltas are
    /// called content unread.
    Content,
    /// The message is whole.
    Terminal,
    /// The provider says that it has ended, though the answer is not whole. It must not go down: clients would believe it.
    Unfinished,
    /// An error within the stream; before commit it counts as its HTTP equivalent, after it as a break.
    Error(ErrorFacts),
    /// Text where events should be: a web page, bare JSON.
    NotSse,
    /// An event of the wrong dialect, of data that is not JSON, or a delta of a block never started, which
    /// clients do not bear. Told only before the first semantic event.
    Malformed,
}

/// How to end a committed stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Whole events to append; may be empty.
    pub bytes: Bytes,
    /// Whether the body must then be broken off (unterminated chunked body, RST_STREAM) and not ended.
    pub abort: bool,
}

/// Follows one stream, event by event, in the dialect in which it goes down.
#[derive(Debug)]
pub enum Watcher {
    /// Of Messages.
    Anthropic(anthropic::Watcher),
    /// Of Chat Completions.
    OpenAi(openai::client::Watcher),
    /// Of Responses.
    Responses(responses::watch::Watcher),
}

/// Asks the watcher at work.
macro_rules! ask {
    ($watcher:expr, $inner:ident => $asked:expr) => {
        match $watcher {
            Watcher::Anthropic($inner) => $asked,
            Watcher::OpenAi($inner) => $asked,
            Watcher::Responses($inner) => $asked,
        }
    };
}

impl Watcher {
    /// Takes the next whole event.
    pub fn observe(&mut self, event: &[u8]) -> Seen {
        ask!(self, watcher => watcher.observe(event))
    }

    /// Takes the beginning of an event that passes before its end is known. Its end is not observed.
    pub fn observe_oversized_head(&mut self, head: &[u8]) -> Seen {
        ask!(self, watcher => watcher.observe_oversized_head(head))
    }

    /// Longest event that is to be held back until it is whole, in bytes.
    #[must_use]
    pub fn longest_event(&self) -> usize {
        match self {
            Self::Anthropic(_) | Self::OpenAi(_) => crate::sse::MAX_EVENT,
            Self::Responses(_) => responses::watch::MAX_EVENT,
        }
    }

    /// The body has ended cleanly: whether the answer is whole.
    pub fn ended(&mut self) -> bool {
        match self {
            Self::Anthropic(watcher) => watcher.is_terminal(),
            Self::Responses(watcher) => watcher.is_terminal(),
            Self::OpenAi(watcher) => watcher.ended(),
        }
    }

    /// Token counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        ask!(self, watcher => watcher.usage())
    }

    /// The provider's id of the answer.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        ask!(self, watcher => watcher.message_id())
    }

    /// Why the model stopped, once it has said so, in the dialect's word.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&str> {
        ask!(self, watcher => watcher.stop_reason())
    }

    /// Whether the terminal event was seen.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        ask!(self, watcher => watcher.is_terminal())
    }

    /// What to append after a break, and whether to abort then. Only at an event's end. `message` is for people; it must
    /// not contain the words `overloaded_error`.
    #[must_use]
    pub fn closing(&self, request_id: &str, message: &str) -> Closing {
        ask!(self, watcher => watcher.closing(request_id, message))
    }
}
