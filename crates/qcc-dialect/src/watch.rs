//! What the relay has to know of a stream that it passes on: what each event means, and how a broken one is ended. Each
//! dialect in which clients ask has a watcher of its own.

use bytes::Bytes;

use crate::error::ErrorFacts;

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
