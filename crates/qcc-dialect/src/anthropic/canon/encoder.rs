//! A neutral answer as a stream of this dialect, event by event.
//!
//! Nothing is written before the first block or the end: until then counts may come that belong into `message_start`,
//! where clients read how full their context is, and an error that comes first stands alone. The last counts and the stop
//! reason go together at the very end, for other dialects tell their counts after the reason. An answer that breaks off is
//! left as it is: that `message_stop` is missing is for the relay to see.

use bytes::{BufMut as _, BytesMut};

use super::fault::{error_code, error_message, error_type, topic_of};
use super::message::{block_start, stop_members, usage_members};
use crate::canon::{Block, Delta, Event, Losses, Stop, UNSIGNED, Usage};
use crate::json::write::{Object, json};

/// Writes one answer.
#[derive(Debug)]
pub struct Encoder {
    model: String,
    id: String,
    /// Tokens of the prompt as long as the provider has not counted them.
    input_estimate: u64,
    usage: Usage,
    stop: Option<Stop>,
    open: Option<Open>,
    /// The signature of the open block: clients take it last.
    signature: Option<String>,
    /// Index of the next block.
    index: u64,
    state: State,
    calls: bool,
    losses: Losses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unsaid,
    Started,
    Over,
}

/// What deltas the open block takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    ToolUse,
    /// A sealed block: none.
    Sealed,
    /// A block that was left out.
    Nothing,
}

impl Encoder {
    /// For an answer under the model's name as the client asked for it, and an id that begins with `msg_`.
    #[must_use]
    pub fn new(model_as_asked: String, input_estimate: u64, id: String) -> Self {
        Self {
            model: model_as_asked,
            id,
            input_estimate,
            usage: Usage::default(),
            stop: None,
            open: None,
            signature: None,
            index: 0,
            state: State::Unsaid,
            calls: false,
            losses: Losses::new(),
        }
    }

    /// What could not be written so far.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Writes what the event means, whole events of this dialect; for some nothing. After the end or a fault nothing more
    /// is written.
    pub fn push(&mut self, event: &Event, out: &mut BytesMut) {
        if self.state == State::Over {
            return;
        }
        match event {
            Event::Start { .. } => {}
            Event::Open(block) => self.open(block, out),
            Event::Delta(delta) => self.delta(delta, out),
            Event::Close => self.close(out),
            Event::Usage(usage) => self.usage.take(*usage),
            Event::Stop(stop) => self.stop = Some(stop.clone()),
            Event::End => self.end(out),
            Event::Fault { status, kind, message } => self.fault(*status, kind, message, out),
        }
    }

    fn start(&mut self, out: &mut BytesMut) {
        if self.state != State::Unsaid {
            return;
        }
        self.state = State::Started;
        frame(out, "message_start", |data| {
            let mut message = Object::begin(data.name("message"));
            message.member("id", &self.id).member("type", "message").member("role", "assistant");
            message.member("model", &self.model).raw("content", "[]");
            message.raw("stop_reason", "null").raw("stop_sequence", "null");
            let usage = Usage {
                input: self.usage.input.or(Some(self.input_estimate)),
                output: self.usage.output.or(Some(0)),
                cache_read: self.usage.cache_read.or(Some(0)),
                cache_write: self.usage.cache_write.or(Some(0)),
                thinking: self.usage.thinking,
            };
            usage_members(message.name("usage"), &usage);
            message.end();
        });
    }

    fn open(&mut self, block: &Block, out: &mut BytesMut) {
        self.close(out);
        self.open = Some(match block {
            Block::Text => Open::Text,
            Block::Thinking => Open::Thinking,
            Block::Redacted(_) => Open::Sealed,
            Block::ToolUse { .. } => Open::ToolUse,
            Block::Other { kind, .. } => {
                // Another dialect's block is none of this one's, whatever it is called.
                self.losses.dropped(format!("answer.{kind}"));
                Open::Nothing
            }
        });
        if self.open == Some(Open::Nothing) {
            return;
        }
        self.calls |= self.open == Some(Open::ToolUse);
        self.start(out);
        frame(out, "content_block_start", |data| {
            data.member("index", &self.index);
            block_start(data.name("content_block"), block);
        });
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        let (kind, member, text, of) = match delta {
            Delta::Text(text) => ("text_delta", "text", text, Open::Text),
            Delta::Thinking(text) => ("thinking_delta", "thinking", text, Open::Thinking),
            Delta::Input(text) => ("input_json_delta", "partial_json", text, Open::ToolUse),
            Delta::Signature(text) => {
                self.signature = Some(text.clone());
                return;
            }
        };
        if self.open == Some(of) {
            self.write_delta(kind, member, text, out);
        }
    }

    /// Pieces without content are none.
    fn write_delta(&self, kind: &str, member: &str, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        frame(out, "content_block_delta", |data| {
            data.member("index", &self.index);
            Object::begin(data.name("delta")).member("type", kind).member(member, text).end();
        });
    }

    fn close(&mut self, out: &mut BytesMut) {
        let signature = self.signature.take().filter(|signature| !signature.is_empty());
        match self.open.take() {
            None | Some(Open::Nothing) => {}
            Some(open) => {
                if open == Open::Thinking {
                    self.write_delta("signature_delta", "signature", signature.as_deref().unwrap_or(UNSIGNED), out);
                }
                frame(out, "content_block_stop", |data| {
                    data.member("index", &self.index);
                });
                self.index += 1;
            }
        }
    }

    /// Without a reason it is no end.
    fn end(&mut self, out: &mut BytesMut) {
        let Some(stop) = self.stop.take() else { return };
        self.start(out);
        self.close(out);
        frame(out, "message_delta", |data| {
            let mut delta = Object::begin(data.name("delta"));
            stop_members(&mut delta, Some(&stop), self.calls);
            delta.end();
            let usage = Usage { output: self.usage.output.or(Some(0)), ..self.usage };
            usage_members(data.name("usage"), &usage);
        });
        frame(out, "message_stop", |_| {});
        self.state = State::Over;
    }

    fn fault(&mut self, status: u16, kind: &str, message: &str, out: &mut BytesMut) {
        let topic = topic_of(status, kind, message);
        // In the middle of an answer nobody can still ask another provider, and on a refused key, which is not its own, the
        // client would log its user out.
        let named = if self.state == State::Started && status == 401 { 500 } else { status };
        frame(out, "error", |data| {
            let mut error = Object::begin(data.name("error"));
            error.member("type", error_type(named));
            error.member("message", &error_message(topic, message));
            if let Some(code) = error_code(status, kind, message) {
                Object::begin(error.name("details")).member("error_code", code).end();
            }
            error.end();
        });
        self.state = State::Over;
    }
}

/// One whole event; its data has its name as the type.
fn frame(out: &mut BytesMut, name: &str, members: impl FnOnce(&mut Object<'_>)) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    let mut data = Object::begin(out);
    json(data.name("type"), name);
    members(&mut data);
    data.end();
    out.put_slice(b"\n\n");
}
