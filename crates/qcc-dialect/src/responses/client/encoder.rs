//! Writes a neutral answer as a stream of this dialect.
//!
//! Everything is told as OpenAI tells it: each item's beginning, its pieces, its end, and at the very end the response with
//! the whole output and the counts in it, for there some clients read it. Nothing is written before the first block or the
//! end. A cut answer gets no terminal event: clients see so that it was cut. An error is `response.failed`, which is where
//! codex reads what went wrong, with what there is of the output.

use bytes::{BufMut as _, BytesMut};
use serde::Serialize;
use serde_json::{Value, json};

use super::output::{
    Call, Head, Response, Stage, incomplete, item_prefix, message, plain_input, reasoning, redacted, text_part,
};
use crate::canon::{Block, ClientTool, Delta, Event, Losses, StopReason, Thought, Usage};
use crate::responses::error::code_of;

/// Writes one answer.
#[derive(Debug)]
pub struct Encoder {
    head: Head,
    tools: Vec<ClientTool>,
    /// Number of the next event.
    sequence: u64,
    started: bool,
    over: bool,
    open: Option<Open>,
    /// Items that are done.
    output: Vec<Value>,
    stop: Option<StopReason>,
    usage: Usage,
    losses: Losses,
}

/// The open item and what came of it.
#[derive(Debug)]
struct Open {
    id: String,
    kind: Kind,
    text: String,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking {
        signature: Option<String>,
    },
    Redacted(String),
    Call {
        call_id: String,
        name: String,
        tool: Option<ClientTool>,
    },
    /// An item that was left out.
    Nothing,
}

impl Encoder {
    /// For an answer under the model's name as the client asked for it, an id that begins with `resp_`, and the time in
    /// seconds since the Unix epoch. `tools` are the request's `client_tools`.
    #[must_use]
    pub fn new(model_as_asked: &str, id: &str, created: u64, tools: Vec<ClientTool>) -> Self {
        Self {
            head: Head { id: id.to_owned(), model: model_as_asked.to_owned(), created },
            tools,
            sequence: 0,
            started: false,
            over: false,
            open: None,
            output: Vec::new(),
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

    fn start(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for name in ["response.created", "response.in_progress"] {
            self.response(name, &Stage::InProgress, out);
        }
    }

    fn open(&mut self, block: &Block, out: &mut BytesMut) {
        self.start(out);
        let at = self.output.len();
        let (prefix, kind) = match block {
            Block::Text => ("msg", Kind::Text),
            Block::Thinking => ("rs", Kind::Thinking { signature: None }),
            Block::Redacted(data) => ("rs", Kind::Redacted(data.clone())),
            Block::ToolUse { id, name } => {
                let tool = self.tools.iter().find(|tool| tool.name == *name).cloned();
                (item_prefix(tool.as_ref()), Kind::Call { call_id: id.clone(), name: name.clone(), tool })
            }
            Block::Other { kind, .. } => {
                self.losses.dropped(format!("content.{kind}"));
                ("", Kind::Nothing)
            }
        };
        let open = Open { id: self.head.item(prefix, at), kind, text: String::new() };
        if let Some(item) = open.item(false) {
            self.write("response.output_item.added", &json!({"output_index": at, "item": item}), out);
        }
        if matches!(open.kind, Kind::Text) {
            let part = OfPart { item_id: &open.id, output_index: at, content_index: 0, part: text_part("") };
            self.write("response.content_part.added", &part, out);
        }
        self.open = Some(open);
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        let Some(mut open) = self.open.take() else { return };
        let at = self.output.len();
        match (&mut open.kind, delta) {
            (Kind::Text, Delta::Text(more)) => {
                let data =
                    TextDelta { item_id: &open.id, output_index: at, content_index: 0, delta: more, logprobs: [] };
                self.write("response.output_text.delta", &data, out);
                open.text.push_str(more);
            }
            (Kind::Thinking { .. }, Delta::Thinking(more)) => {
                if open.text.is_empty() {
                    self.write("response.reasoning_summary_part.added", &open.summary_part(at, ""), out);
                }
                let data = SummaryDelta { item_id: &open.id, output_index: at, summary_index: 0, delta: more };
                self.write("response.reasoning_summary_text.delta", &data, out);
                open.text.push_str(more);
            }
            (Kind::Thinking { signature }, Delta::Signature(whole)) => *signature = Some(whole.clone()),
            (Kind::Call { tool, .. }, Delta::Input(more)) => {
                if !tool.as_ref().is_some_and(|tool| tool.plain) {
                    let data = CallDelta { item_id: &open.id, output_index: at, delta: more };
                    self.write("response.function_call_arguments.delta", &data, out);
                }
                open.text.push_str(more);
            }
            _ => {}
        }
        self.open = Some(open);
    }

    fn close(&mut self, out: &mut BytesMut) {
        let Some(mut open) = self.open.take() else { return };
        let at = self.output.len();
        let place = json!({"item_id": open.id, "output_index": at});
        match &open.kind {
            Kind::Text => {
                let whole = json!({"content_index": 0, "text": open.text, "logprobs": []});
                self.write("response.output_text.done", &joined(&place, whole), out);
                let part =
                    OfPart { item_id: &open.id, output_index: at, content_index: 0, part: text_part(&open.text) };
                self.write("response.content_part.done", &part, out);
            }
            Kind::Thinking { .. } if !open.text.is_empty() => {
                let whole = json!({"summary_index": 0, "text": open.text});
                self.write("response.reasoning_summary_text.done", &joined(&place, whole), out);
                self.write("response.reasoning_summary_part.done", &open.summary_part(at, &open.text), out);
            }
            Kind::Call { tool, name, .. } => {
                let plain = tool.as_ref().is_some_and(|tool| tool.plain);
                let own = tool.as_ref().map_or(name, |tool| &tool.own).clone();
                self.close_call(&mut open, plain, &own, out);
            }
            Kind::Thinking { .. } | Kind::Redacted(_) | Kind::Nothing => {}
        }
        if let Some(item) = open.item(true) {
            self.write("response.output_item.done", &json!({"output_index": at, "item": &item}), out);
            self.output.push(item);
        }
    }

    /// Clients parse the input of a call, and nothing is no JSON.
    fn close_call(&mut self, open: &mut Open, plain: bool, name: &str, out: &mut BytesMut) {
        let at = self.output.len();
        let place = json!({"item_id": open.id, "output_index": at});
        if plain {
            let input = plain_input(&open.text);
            self.write("response.custom_tool_call_input.delta", &joined(&place, json!({"delta": input})), out);
            self.write("response.custom_tool_call_input.done", &joined(&place, json!({"input": input})), out);
            return;
        }
        if open.text.trim().is_empty() {
            open.text = "{}".to_owned();
            let data = CallDelta { item_id: &open.id, output_index: at, delta: &open.text };
            self.write("response.function_call_arguments.delta", &data, out);
        }
        let whole = json!({"arguments": open.text, "name": name});
        self.write("response.function_call_arguments.done", &joined(&place, whole), out);
    }

    /// Without a reason it is no end.
    fn end(&mut self, out: &mut BytesMut) {
        let Some(reason) = self.stop.take() else { return };
        self.start(out);
        let name = if incomplete(&reason).is_some() { "response.incomplete" } else { "response.completed" };
        self.response(name, &Stage::Ended(&reason), out);
        self.over = true;
    }

    fn fault(&mut self, status: u16, kind: &str, message: &str, out: &mut BytesMut) {
        // In the middle of an answer nobody can still ask another provider, and the refused key is not the client's own.
        let status = if self.started && status == 401 { 500 } else { status };
        self.start(out);
        let code = code_of(status, kind, message);
        self.response("response.failed", &Stage::Failed { code: &code, message }, out);
        self.over = true;
    }

    fn response(&mut self, name: &str, stage: &Stage<'_>, out: &mut BytesMut) {
        #[derive(Serialize)]
        struct Whole<'a> {
            response: Response<'a>,
        }
        let whole = Whole { response: Response::new(&self.head, stage, &self.output, self.usage) };
        put(name, self.sequence, &whole, out);
        self.sequence += 1;
    }

    fn write(&mut self, name: &str, data: &impl Serialize, out: &mut BytesMut) {
        put(name, self.sequence, data, out);
        self.sequence += 1;
    }
}

impl Open {
    /// The item as it begins, or as it is at its end. `None`: it is left out.
    fn item(&self, done: bool) -> Option<Value> {
        let said = done.then_some(self.text.as_str());
        Some(match &self.kind {
            Kind::Text => message(&self.id, said),
            Kind::Thinking { signature } => {
                let thought = Thought { text: self.text.clone(), signature: signature.clone() };
                reasoning(&self.id, &thought)
            }
            Kind::Redacted(data) => redacted(&self.id, data),
            Kind::Call { call_id, name, tool } => Call { id: &self.id, call_id, name, tool: tool.as_ref() }.item(said),
            Kind::Nothing => return None,
        })
    }

    fn summary_part(&self, at: usize, text: &str) -> Value {
        json!({
            "item_id": self.id,
            "output_index": at,
            "summary_index": 0,
            "part": {"type": "summary_text", "text": text},
        })
    }
}

#[derive(Serialize)]
struct OfPart<'a> {
    item_id: &'a str,
    output_index: usize,
    content_index: u64,
    part: Value,
}

#[derive(Serialize)]
struct TextDelta<'a> {
    item_id: &'a str,
    output_index: usize,
    content_index: u64,
    delta: &'a str,
    logprobs: [u8; 0],
}

#[derive(Serialize)]
struct SummaryDelta<'a> {
    item_id: &'a str,
    output_index: usize,
    summary_index: u64,
    delta: &'a str,
}

#[derive(Serialize)]
struct CallDelta<'a> {
    item_id: &'a str,
    output_index: usize,
    delta: &'a str,
}

/// Two objects as one.
fn joined(place: &Value, more: Value) -> Value {
    let mut all = place.clone();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

/// One whole event.
fn put(name: &str, sequence: u64, data: &impl Serialize, out: &mut BytesMut) {
    #[derive(Serialize)]
    struct Framed<'a, T> {
        r#type: &'a str,
        sequence_number: u64,
        #[serde(flatten)]
        data: &'a T,
    }
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    let framed = Framed { r#type: name, sequence_number: sequence, data };
    crate::json::print::put(out, &framed).expect("memory takes everything");
    out.put_slice(b"\n\n");
}
