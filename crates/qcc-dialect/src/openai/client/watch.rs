//! Follows a stream of chunks that is passed on as it is: what each event means to the relay, and how a broken one ends.
//!
//! An answer is whole at `[DONE]` after a reason for its end; some vendors leave the mark out and just end the body, so the
//! reason and a clean end are enough too. `[DONE]` without a reason is the end of an answer that was cut.
//!
//! A broken stream gets an error and is cut, always. Clients of this dialect put a call together until the very end, so
//! none of them runs a call whose message broke off, and nothing that has come is lost by saying so.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::message::error_body;
use crate::canon::Usage;
use crate::error::ErrorFacts;
use crate::lenient::text;
use crate::openai::error;
use crate::openai::stream::ending::{self, Found};
use crate::openai::twice::once_each;
use crate::openai::usage::Counts;
use crate::openai::wire::{Choice, Chunk};
use crate::sse::fields;
use crate::watch::{Closing, Seen};

/// The mark after the last chunk.
const DONE: &[u8] = b"[DONE]";

/// How a chunk says that the answer goes on: no text within JSON can hold these bytes, for its quotes are escaped.
const GOES_ON: [&[u8]; 2] = [b"\"finish_reason\":null", b"\"finish_reason\": null"];

/// Members for which even a chunk in the middle of an answer is read.
const TELLING: [&[u8]; 3] = [b"\"error\"", b"\"usage\":{", b"\"usage\": {"];

/// Follows one stream, event by event.
#[derive(Debug, Default)]
pub struct Watcher {
    content: bool,
    terminal: bool,
    failed: bool,
    reason: Option<String>,
    id: Option<String>,
    counts: Counts,
}

impl Watcher {
    /// A watcher at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next whole event.
    pub fn observe(&mut self, event: &[u8]) -> Seen {
        if self.content && has_any(event, &GOES_ON) && !has_any(event, &TELLING) {
            return Seen::Content;
        }
        let fields = fields(event);
        let data = fields.data.trim_ascii();
        if data.is_empty() {
            return if fields.stray { Seen::NotSse } else { Seen::Idle };
        }
        if fields.event == Some(b"error") {
            return self.error(data);
        }
        if data == DONE {
            return self.done();
        }
        let read = std::str::from_utf8(data).ok().and_then(|raw| match serde_json::from_str(raw) {
            Ok(chunk) => Some(self.chunk(&chunk, raw)),
            Err(_) => {
                let mended = once_each(raw)?;
                Some(self.chunk(&serde_json::from_str(&mended).ok()?, &mended))
            }
        });
        read.unwrap_or(if self.content { Seen::Idle } else { Seen::Malformed })
    }

    /// Takes the beginning of an event that passes before its end is known: only content is ever that long.
    pub fn observe_oversized_head(&mut self, head: &[u8]) -> Seen {
        let fields = fields(head);
        if fields.data.is_empty() {
            return if fields.stray { Seen::NotSse } else { Seen::Idle };
        }
        self.content = true;
        Seen::Content
    }

    /// Token counts so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counts.canon().unwrap_or_default()
    }

    /// The provider's id of the answer.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Why the model stopped, once it has said so.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether the terminal event was seen.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The body has ended cleanly: whether the answer is whole.
    pub fn ended(&mut self) -> bool {
        self.terminal |= self.reason.is_some() && !self.failed;
        self.terminal
    }

    /// What to append after a break, and whether to abort then. `message` is for people.
    #[must_use]
    pub fn closing(&self, request_id: &str, message: &str) -> Closing {
        if self.terminal {
            return Closing { bytes: Bytes::new(), abort: false };
        }
        if self.failed {
            return Closing { bytes: Bytes::new(), abort: true };
        }
        let error = error_body(502, message, request_id);
        let bytes = [b"data: ", error.as_ref(), b"\n\n"].concat();
        Closing { bytes: bytes.into(), abort: true }
    }

    fn done(&mut self) -> Seen {
        if self.reason.is_none() {
            return Seen::Unfinished;
        }
        self.terminal = true;
        Seen::Terminal
    }

    fn error(&mut self, data: &[u8]) -> Seen {
        self.failed = true;
        Seen::Error(ErrorFacts::in_band(data))
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, raw: &str) -> Seen {
        if let Some(told) = error::told(chunk, raw) {
            return self.error(told.as_bytes());
        }
        let Some(choices) = chunk.choices.as_ref().map(|choices| choices.0.as_slice()) else {
            return if self.content || chunk.usage.is_some() { Seen::Idle } else { Seen::Malformed };
        };
        if self.id.is_none() {
            self.id = text(chunk.id).map(std::borrow::Cow::into_owned);
        }
        let apart = choices.iter().filter_map(|choice| choice.usage);
        for usage in chunk.x_groq.iter().filter_map(|groq| groq.usage).chain(chunk.usage).chain(apart) {
            self.counts.take(usage.get());
        }
        let mut semantic = false;
        for choice in choices {
            let reason = text(choice.finish_reason);
            match reason.as_deref().map(ending::find) {
                // Not an error that the client can read as one: that is still to be told.
                Some(Found::Failed(status, why)) => return Seen::Error(error::failed_facts(status, why)),
                Some(Found::Stop(reason)) => {
                    self.reason = Some(reason.to_owned());
                    semantic = true;
                }
                Some(Found::Nothing) | None => {}
            }
            semantic |= says_something(choice);
        }
        self.content |= semantic;
        if semantic { Seen::Content } else { Seen::Progress }
    }
}

/// Whether there is text, reasoning, a refusal or a call in it.
fn says_something(choice: &Choice<'_>) -> bool {
    [&choice.delta, &choice.message].into_iter().flatten().any(|said| {
        let texts = [said.content, said.reasoning_content, said.reasoning, said.refusal];
        texts.into_iter().any(|member| text(member).is_some() || member.is_some_and(is_filled_list))
            || said.reasoning_details.is_some_and(is_filled_list)
            || said.tool_calls.as_ref().is_some_and(|calls| !calls.0.is_empty())
            || said.function_call.is_some()
    })
}

fn is_filled_list(raw: &RawValue) -> bool {
    raw.get().strip_prefix('[').is_some_and(|rest| !rest.trim_start().starts_with(']'))
}

fn has_any(event: &[u8], needles: &[&[u8]]) -> bool {
    needles.iter().any(|needle| memchr::memmem::find(event, needle).is_some())
}
