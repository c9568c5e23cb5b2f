//! Writes a neutral answer as a stream of chunks.
//!
//! Nothing is written before the first block or the end, so that an error that comes first stands alone. A cut answer gets
//! neither a reason nor `[DONE]`.

use bytes::{BufMut as _, BytesMut};
use serde::Serialize;
use serde_json::json;

use super::message::{error_told, finish_reason, usage};
use crate::canon::{Block, Delta, Event, Losses, StopReason, Usage};

/// Writes one answer.
#[derive(Debug)]
pub struct Encoder {
    head: String,
    include_usage: bool,
    started: bool,
    over: bool,
    /// Calls so far; the open one is the last.
    calls: u64,
    /// The open block is a call, and whether input of it came.
    open_call: Option<bool>,
    stop: Option<StopReason>,
    usage: Usage,
    losses: Losses,
}

impl Encoder {
    /// For an answer under the model's name as the client asked for it, an id, and the time in seconds since the Unix
    /// epoch. `include_usage`: whether the client asked for counts.
    #[must_use]
    pub fn new(model_as_asked: &str, id: &str, created: u64, include_usage: bool) -> Self {
        Self {
            head: head(model_as_asked, id, created),
            include_usage,
            started: false,
            over: false,
            calls: 0,
            open_call: None,
            stop: None,
            usage: Usage::default(),
            losses: Losses::new(),
        }
    }

    /// What could not be written so far.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Writes what the event means, whole events; for some nothing. After the end or a fault nothing more is written.
    pub fn push(&mut self, event: &Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Start { .. } => {}
            Event::Open(block) => self.open(block, out),
            Event::Delta(delta) => self.delta(delta, out),
            Event::Close => self.close(out),
            Event::Usage(usage) => self.usage.take(*usage),
            Event::Stop(stop) => self.stop = Some(stop.reason.clone()),
            Event::End => self.end(out),
            Event::Fault { status, kind, message } => self.fault(*status, kind, message, out),
        }
    }

    fn open(&mut self, block: &Block, out: &mut BytesMut) {
        self.start(out);
        match block {
            Block::ToolUse { id, name } => {
                let call = json!({"index": self.calls, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
                self.write(&json!({"tool_calls": [call]}), None, out);
                self.calls += 1;
                self.open_call = Some(false);
            }
            Block::Text | Block::Thinking => {}
            Block::Redacted(_) => self.losses.dropped("content.redacted_thinking"),
            Block::Other { kind, .. } => self.losses.dropped(format!("content.{kind}")),
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Text(more) => self.write(&More::Content(more), None, out),
            Delta::Thinking(more) => self.write(&More::ReasoningContent(more), None, out),
            Delta::Signature(_) => self.losses.dropped("content.thinking.signature"),
            Delta::Input(more) => {
                if let Some(given) = &mut self.open_call {
                    *given |= !more.trim().is_empty();
                }
                self.input(more, out);
            }
        }
    }

    fn input(&mut self, more: &str, out: &mut BytesMut) {
        let call = Call { index: self.calls.saturating_sub(1), function: Arguments { arguments: more } };
        self.write(&More::ToolCalls([call]), None, out);
    }

    /// Clients parse the input of a call, and nothing is no JSON.
    fn close(&mut self, out: &mut BytesMut) {
        if self.open_call.take() == Some(false) {
            self.input("{}", out);
        }
    }

    /// Without a reason it is no end.
    fn end(&mut self, out: &mut BytesMut) {
        let Some(reason) = self.stop.take() else { return };
        let reason = finish_reason(&reason, self.calls > 0);
        self.start(out);
        self.write(&json!({}), Some(reason), out);
        if self.include_usage {
            self.write_usage(out);
        }
        out.put_slice(b"data: [DONE]\n\n");
        self.over = true;
    }

    fn fault(&mut self, status: u16, kind: &str, message: &str, out: &mut BytesMut) {
        // In the middle of an answer nobody can still ask another provider, and the refused key is not the client's own.
        let status = if self.started && status == 401 { 500 } else { status };
        let error = error_told(status, kind, message);
        out.put_slice(b"data: ");
        put(&error, out);
        out.put_slice(b"\n\n");
        self.over = true;
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            self.write(&json!({"role": "assistant", "content": ""}), None, out);
        }
    }

    fn write(&self, delta: &impl Serialize, reason: Option<&str>, out: &mut BytesMut) {
        out.put_slice(self.head.as_bytes());
        out.put_slice(b"[{\"index\":0,\"delta\":");
        put(delta, out);
        out.put_slice(b",\"logprobs\":null,\"finish_reason\":");
        put(&reason, out);
        out.put_slice(b"}]");
        out.put_slice(if self.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" });
    }

    /// Counts stand in a chunk of their own without an answer.
    fn write_usage(&self, out: &mut BytesMut) {
        out.put_slice(self.head.as_bytes());
        out.put_slice(b"[],\"usage\":");
        put(&usage(self.usage), out);
        out.put_slice(b"}\n\n");
    }
}

/// What every chunk begins with.
fn head(model: &str, id: &str, created: u64) -> String {
    let (model, id) = (json!(model), json!(id));
    format!(
        "data: {{\"id\":{id},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model},\"choices\":"
    )
}

/// More of the text or of the thinking.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum More<'a> {
    Content(&'a str),
    ReasoningContent(&'a str),
    ToolCalls([Call<'a>; 1]),
}

/// More of a call.
#[derive(Serialize)]
struct Call<'a> {
    index: u64,
    function: Arguments<'a>,
}

#[derive(Serialize)]
struct Arguments<'a> {
    arguments: &'a str,
}

fn put(value: &impl Serialize, out: &mut BytesMut) {
    crate::json::print::put(out, value).expect("memory takes everything");
}
