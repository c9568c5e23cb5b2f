//! A stream of this dialect as neutral events, for clients of other dialects.
//!
//! Clones leave out what the grammar needs: the beginning of the message, the end of a block, the reason to stop. What
//! follows from the rest is put in; what does not, such as the input of a call that was never named, is a fault. The
//! stop reason is held until `message_stop`: without it the answer is not whole.

use std::borrow::Cow;

use bytes::BytesMut;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ids;
use super::members::{Members, Read};
use super::stop::stop;
use crate::answer::MAX_ANSWER;
use crate::anthropic::usage;
use crate::anthropic::wire::{Kind, text};
use crate::canon::{Block, Delta, Event, Json, Losses, Stop, StopReason, UNSIGNED, Usage};
use crate::error::ErrorFacts;
use crate::json::write::Object;
use crate::json::{Document, Raw};
use crate::sse::fields;

/// The status of an answer that is not what it claims to be.
const BAD_GATEWAY: u16 = 502;

/// Reads one answer.
#[derive(Debug, Default)]
pub struct Decoder {
    started: bool,
    over: bool,
    open: Option<Open>,
    /// Whether there was a block.
    said: bool,
    /// Ids of the calls.
    calls: Vec<String>,
    /// The tool of a call whose input is no object: a limit may have cut it, which the reason to stop will tell.
    broken: Option<String>,
    usage: Usage,
    /// Counts that wait for the end of a block.
    waiting: Option<Usage>,
    stop: Option<Stop>,
    losses: Losses,
}

/// The block that is open, as far as its deltas and its end depend on it.
#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Sealed,
    /// A call, with the input that its beginning has; that counts where no pieces come.
    ToolUse {
        name: String,
        given: String,
        pieces: String,
    },
    /// A block that is told only when it is whole.
    Other {
        kind: String,
        raw: Json,
        input: String,
    },
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow)]
    delta: Piece<'a>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What could not be carried so far.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Takes the next whole event. After the end or a fault nothing more comes of it.
    pub fn push(&mut self, event: &[u8], out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        let fields = fields(event);
        let named = fields.event.and_then(Kind::of);
        let Some(kind) = named.or_else(|| kind_of(&fields.data)) else { return };
        let read = match kind {
            Kind::Ping => Some(()),
            Kind::Error => {
                let ErrorFacts { status, kind, code, message, .. } = ErrorFacts::in_band(&fields.data);
                self.fault(status, code.or(kind).unwrap_or_default(), message, out);
                Some(())
            }
            Kind::BlockDelta => self.block_delta(&fields.data, out),
            Kind::BlockStart => self.block_start(&fields.data, out),
            Kind::BlockStop => {
                self.close(out);
                Some(())
            }
            Kind::MessageStart | Kind::MessageDelta => serde_json::from_slice(&fields.data).ok().map(|data: Value| {
                if kind == Kind::MessageStart { self.message_start(&data, out) } else { self.message_delta(&data) }
            }),
            // Half of it, where the body breaks off, is no end; nor is one without data for any client.
            Kind::MessageStop if serde_json::from_slice::<IgnoredAny>(&fields.data).is_ok() => {
                self.end(out);
                Some(())
            }
            Kind::MessageStop if fields.data.is_empty() => Some(()),
            Kind::MessageStop => None,
        };
        if read.is_none() {
            let said = "the provider sent an event that cannot be read";
            self.fault(BAD_GATEWAY, String::new(), said.to_owned(), out);
        }
        self.tell_usage(out);
    }

    fn fault(&mut self, status: u16, kind: String, message: String, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Fault { status, kind, message });
    }

    fn message_start(&mut self, data: &Value, out: &mut Vec<Event>) {
        let message = data.get("message").unwrap_or(&Value::Null);
        if !self.started {
            self.started = true;
            let of = |member| text(message, member).map(str::to_owned);
            out.push(Event::Start { id: of("id"), model: of("model") });
        }
        self.take_usage(message);
    }

    fn message_delta(&mut self, data: &Value) {
        self.take_usage(data);
        if let Some(said) = data.get("delta").and_then(stop) {
            self.stop = Some(said);
        }
    }

    fn take_usage(&mut self, holder: &Value) {
        if let Some(usage) = holder.get("usage").and_then(|said| usage::take(&mut self.usage, said)) {
            self.waiting.get_or_insert_default().take(usage);
        }
    }

    fn tell_usage(&mut self, out: &mut Vec<Event>) {
        if self.started && !self.over && self.open.is_none() {
            out.extend(self.waiting.take().map(Event::Usage));
        }
    }

    fn block_start(&mut self, data: &[u8], out: &mut Vec<Event>) -> Option<()> {
        let document = Document::read(std::str::from_utf8(data).ok()?).ok()?;
        let raw = Members::of(document.root()).ok()?.get("content_block")?;
        self.open_block(raw, out).ok()
    }

    fn open_block(&mut self, raw: Raw<'_>, out: &mut Vec<Event>) -> Read<()> {
        let block = Members::of(raw)?;
        let kind = block.need_string("type")?;
        let given = |member: &str| block.string(member).map(Option::unwrap_or_default);
        match kind.as_str() {
            "text" => {
                self.begin(Open::Text, Block::Text, out);
                delta(Delta::Text(given("text")?), out);
            }
            "thinking" => {
                self.begin(Open::Thinking, Block::Thinking, out);
                delta(Delta::Thinking(given("thinking")?), out);
                delta(signed(given("signature")?), out);
            }
            "redacted_thinking" => self.begin(Open::Sealed, Block::Redacted(block.need_string("data")?), out),
            "tool_use" => {
                let (id, name) = (block.need_string("id")?, block.need_string("name")?);
                let id = ids::of_its_own(ids::unescape(&id).unwrap_or(id), &mut self.calls);
                let given = block.get("input").map(Raw::get).filter(|given| is_filled(given));
                let given = given.unwrap_or_default().to_owned();
                let open = Open::ToolUse { name: name.clone(), given, pieces: String::new() };
                self.begin(open, Block::ToolUse { id, name }, out);
            }
            _ => {
                self.close(out);
                self.open = Some(Open::Other { kind, raw: Json::from(raw), input: String::new() });
            }
        }
        Ok(())
    }

    fn begin(&mut self, open: Open, block: Block, out: &mut Vec<Event>) {
        self.close(out);
        self.start(out);
        self.open = Some(open);
        out.push(Event::Open(block));
    }

    /// The beginning, where the provider has left it out.
    fn start(&mut self, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            out.push(Event::Start { id: None, model: None });
        }
        self.tell_usage(out);
    }

    fn block_delta(&mut self, data: &[u8], out: &mut Vec<Event>) -> Option<()> {
        let BlockDelta { delta: piece } = serde_json::from_slice(data).ok()?;
        match &*piece.kind {
            "text_delta" => {
                if !matches!(self.open, Some(Open::Text)) {
                    self.begin(Open::Text, Block::Text, out);
                }
                delta(Delta::Text(piece.text?), out);
            }
            "thinking_delta" | "signature_delta" => {
                if !matches!(self.open, Some(Open::Thinking)) {
                    self.begin(Open::Thinking, Block::Thinking, out);
                }
                delta(Delta::Thinking(piece.thinking.unwrap_or_default()), out);
                delta(signed(piece.signature.unwrap_or_default()), out);
            }
            "input_json_delta" => self.input(piece.partial_json?, out)?,
            kind => self.losses.dropped(format!("answer.{kind}")),
        }
        Some(())
    }

    fn input(&mut self, piece: String, out: &mut Vec<Event>) -> Option<()> {
        match self.open.as_mut()? {
            Open::ToolUse { pieces, .. } => {
                pieces.push_str(&piece);
                delta(Delta::Input(piece), out);
            }
            Open::Other { input, .. } if input.len() + piece.len() > MAX_ANSWER => return None,
            Open::Other { input, .. } => input.push_str(&piece),
            Open::Text | Open::Thinking | Open::Sealed => return None,
        }
        Some(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        match self.open.take() {
            None => return,
            Some(Open::ToolUse { name, given, pieces }) => {
                let input = if pieces.is_empty() { &given } else { &pieces };
                if !input.trim().is_empty() && !is_object(input) {
                    self.broken = Some(name);
                }
                if pieces.is_empty() {
                    delta(Delta::Input(given), out);
                }
            }
            Some(Open::Other { kind, raw, input }) => {
                self.start(out);
                let raw = with_input(&raw, &input).unwrap_or(raw);
                out.push(Event::Open(Block::Other { kind, raw }));
            }
            Some(Open::Text | Open::Thinking | Open::Sealed) => {}
        }
        self.said = true;
        out.push(Event::Close);
    }

    /// Whether a limit or a filter cut the answer, so that the input of a call may be half.
    fn is_cut(&self) -> bool {
        let reason = self.stop.as_ref().map(|stop| &stop.reason);
        matches!(reason, Some(StopReason::MaxTokens | StopReason::ContextExceeded | StopReason::Refusal))
    }

    /// The terminal event says that the answer is whole, also where no reason was given. One that has neither a reason nor
    /// anything else is what relays send that lost theirs.
    fn end(&mut self, out: &mut Vec<Event>) {
        self.close(out);
        if !self.said && self.stop.is_none() {
            let why = "the provider's answer has neither content nor a reason for its end";
            return self.fault(BAD_GATEWAY, "empty".to_owned(), why.to_owned(), out);
        }
        self.start(out);
        if let Some(name) = self.broken.take().filter(|_| !self.is_cut()) {
            let why = format!("the input of the call of {name} is no JSON object");
            return self.fault(BAD_GATEWAY, "broken_tool_call".to_owned(), why, out);
        }
        let reason = if self.calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
        out.push(Event::Stop(self.stop.take().unwrap_or(Stop { reason, sequence: None })));
        out.push(Event::End);
        self.over = true;
    }
}

/// Another gateway of this kind marks thinking that nobody has signed.
fn signed(signature: String) -> Delta {
    Delta::Signature(if signature == UNSIGNED { String::new() } else { signature })
}

/// Pieces without content are none.
fn delta(delta: Delta, out: &mut Vec<Event>) {
    let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Input(text)) = &delta;
    if !text.is_empty() {
        out.push(Event::Delta(delta));
    }
}

/// Whether a text is one JSON object.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether the text of an object has members.
fn is_filled(object: &str) -> bool {
    object.strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'))
}

/// An object with another `input`. `None`: that is not JSON.
fn with_input(object: &Json, input: &str) -> Option<Json> {
    let input = Document::read(input).ok()?;
    let document = Document::read(object.text()).ok()?;
    let mut whole = BytesMut::new();
    let mut object = Object::begin(&mut whole);
    for (name, raw) in document.root().members() {
        let raw = if name == "input" { input.root() } else { raw };
        object.raw(&name, raw.get());
    }
    object.end();
    Json::from_text(String::from_utf8(whole.into()).ok()?).ok()
}

/// The kind of an event without a name: clones send data only, and some an error object without a type.
fn kind_of(data: &[u8]) -> Option<Kind> {
    let document = Document::read(std::str::from_utf8(data).ok()?).ok()?;
    let members = Members::of(document.root()).ok()?;
    match members.string("type").ok()? {
        Some(kind) => Kind::of(kind.as_bytes()),
        None => members.get("error").map(|_| Kind::Error),
    }
}
