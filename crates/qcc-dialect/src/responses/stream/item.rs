//! One item of the output while it comes, and what of it was passed on.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::canon::{Block, Delta, Event, Json, ToolNames, seal};
use crate::openai::stream::arguments::Arguments;
use crate::responses::OWNER;
use crate::responses::wire::{self, parts, text};

/// What an event adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Text {
        whole: bool,
    },
    Refusal {
        whole: bool,
    },
    /// A thought as it was.
    Thought {
        whole: bool,
    },
    /// A thought in short.
    Summary {
        whole: bool,
    },
    Arguments {
        whole: bool,
    },
    Custom {
        whole: bool,
    },
}

impl Place {
    /// From the kind of an event. None for all that is told elsewhere too, and what this dialect may add.
    pub(super) fn of(kind: &str) -> Option<Self> {
        let (name, whole) = match kind.strip_prefix("response.")?.rsplit_once('.')? {
            (name, "delta") => (name, false),
            (name, "done") => (name, true),
            _ => return None,
        };
        Some(match name {
            "output_text" => Self::Text { whole },
            "refusal" => Self::Refusal { whole },
            "reasoning_text" | "reasoning" => Self::Thought { whole },
            "reasoning_summary_text" | "reasoning_summary" => Self::Summary { whole },
            "function_call_arguments" => Self::Arguments { whole },
            "custom_tool_call_input" => Self::Custom { whole },
            _ => return None,
        })
    }

    /// Whether the event has all of it and not only more.
    pub(super) fn is_whole(self) -> bool {
        match self {
            Self::Text { whole }
            | Self::Refusal { whole }
            | Self::Thought { whole }
            | Self::Summary { whole }
            | Self::Arguments { whole }
            | Self::Custom { whole } => whole,
        }
    }

    /// What an item is of which this is a part.
    pub(super) fn content(self) -> Content {
        match self {
            Self::Text { .. } | Self::Refusal { .. } => Content::Message(Parts::default()),
            Self::Thought { .. } | Self::Summary { .. } => Content::Reasoning(Reasoning::default()),
            Self::Arguments { .. } => Content::Call(Call::default()),
            Self::Custom { .. } => Content::Custom(Call::default()),
        }
    }
}

/// An item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) content: Content,
    /// Whether nothing more of it comes.
    pub(super) over: bool,
    /// Whether it was opened.
    pub(super) open: bool,
    /// Whether it was closed, or left out.
    pub(super) closed: bool,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Content {
    Message(Parts),
    Reasoning(Reasoning),
    Call(Call),
    /// A call of a tool whose input is a text.
    Custom(Call),
    /// One that only this dialect knows, once all of it came.
    Other {
        kind: String,
        raw: Option<Json>,
    },
    /// Not known yet.
    Unknown,
}

/// Text in parts, of which some came.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What waits to be passed on.
    waiting: String,
    /// Of which parts something came.
    came: BTreeSet<u64>,
}

impl Parts {
    /// Takes more of a part. `between` stands between parts.
    fn more(&mut self, part: u64, more: &str, between: &str) {
        if more.is_empty() {
            return;
        }
        let begun = !self.came.is_empty();
        if self.came.insert(part) && begun {
            self.waiting.push_str(between);
        }
        self.waiting.push_str(more);
    }

    /// Takes all of a part, if nothing of it came: vendors write the whole otherwise than its pieces, so what is missing
    /// cannot be told from it.
    fn whole(&mut self, part: u64, whole: &str, between: &str) {
        if !self.came.contains(&part) {
            self.more(part, whole, between);
        }
    }

    fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// A thought. It comes as it was or in short; one of them is passed on, the first that comes.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    summary: Option<bool>,
    parts: Parts,
    /// What the vendor wants back.
    sealed: Option<String>,
}

/// A call.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// As the provider names it; may be empty.
    id: String,
    name: String,
    arguments: Arguments,
    /// The input of a custom tool, as text.
    input: String,
    /// Whether its input is no object.
    broken: bool,
}

impl Call {
    fn fill(&mut self, item: &wire::Item<'_>) {
        for (known, told) in [(&mut self.id, text(item.call_id)), (&mut self.name, text(item.name))] {
            if known.is_empty() {
                *known = told.unwrap_or_default().into_owned();
            }
        }
    }

    fn whole(&mut self, whole: &str) {
        if self.arguments.len() == 0 {
            self.arguments.push(whole);
        }
    }
}

impl Content {
    /// What an item of that kind is.
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "message" => Self::Message(Parts::default()),
            "reasoning" => Self::Reasoning(Reasoning::default()),
            "function_call" => Self::Call(Call::default()),
            "custom_tool_call" => Self::Custom(Call::default()),
            "" => Self::Unknown,
            kind => Self::Other { kind: kind.to_owned(), raw: None },
        }
    }

    /// Takes what an event adds. `refused` learns of a refusal.
    pub(super) fn more(&mut self, place: Place, part: u64, said: &str, refused: &mut bool) {
        match (self, place) {
            (Self::Message(parts), Place::Text { whole }) => take(parts, part, said, whole, ""),
            (Self::Message(parts), Place::Refusal { whole }) => {
                *refused = true;
                take(parts, part, said, whole, "");
            }
            (Self::Reasoning(thought), Place::Thought { whole }) => thought.take(false, part, said, whole),
            (Self::Reasoning(thought), Place::Summary { whole }) => thought.take(true, part, said, whole),
            (Self::Call(call), Place::Arguments { whole: true }) => call.whole(said),
            (Self::Call(call), Place::Arguments { whole: false }) => call.arguments.push(said),
            (Self::Custom(call), Place::Custom { whole: true }) if said.len() > call.input.len() => {
                said.clone_into(&mut call.input);
            }
            (Self::Custom(call), Place::Custom { whole: false }) => call.input.push_str(said),
            _ => {}
        }
    }

    /// Takes what an item says of itself; `done`: it is all of it.
    pub(super) fn item(&mut self, item: &wire::Item<'_>, raw: &RawValue, done: bool, refused: &mut bool) {
        match self {
            Self::Message(said) => said.item(item, refused),
            Self::Reasoning(thought) => thought.item(item, done),
            Self::Call(call) => {
                call.fill(item);
                let object = item.arguments.map(RawValue::get).filter(|raw| raw.starts_with('{'));
                call.whole(text(item.arguments).as_deref().or(object).unwrap_or_default());
            }
            Self::Custom(call) => {
                call.fill(item);
                if let Some(input) = text(item.input).filter(|input| input.len() > call.input.len()) {
                    call.input = input.into_owned();
                }
            }
            Self::Other { raw: known, .. } if done => *known = Some(Json::from(raw.to_owned())),
            Self::Other { .. } | Self::Unknown => {}
        }
    }

    /// Whether an item is of that kind.
    pub(super) fn is(&self, kind: &str) -> bool {
        match self {
            Self::Message(_) => kind == "message",
            Self::Reasoning(_) => kind == "reasoning",
            Self::Call(_) => kind == "function_call",
            Self::Custom(_) => kind == "custom_tool_call",
            Self::Other { kind: own, .. } => kind == own,
            Self::Unknown => true,
        }
    }

    /// Lets go of what was passed on.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Message(parts) => *parts = Parts::default(),
            Self::Reasoning(thought) => *thought = Reasoning::default(),
            Self::Call(call) | Self::Custom(call) => *call = Call::default(),
            Self::Other { raw, .. } => *raw = None,
            Self::Unknown => {}
        }
    }

    /// How much waits, in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Message(parts) => parts.len(),
            Self::Reasoning(thought) => thought.parts.len(),
            Self::Call(call) | Self::Custom(call) => call.arguments.len() + call.input.len(),
            Self::Other { raw, .. } => raw.as_ref().map_or(0, |raw| raw.text().len()),
            Self::Unknown => 0,
        }
    }
}

impl Parts {
    fn item(&mut self, item: &wire::Item<'_>, refused: &mut bool) {
        // Some write the text where the list of parts belongs.
        if let Some(said) = text(item.content) {
            return self.whole(0, &said, "");
        }
        for (part, said) in (0..).zip(parts(item.content)) {
            if let Some(refusal) = text(said.refusal) {
                *refused = true;
                self.whole(part, &refusal, "");
            }
            let is_text = text(said.r#type).is_none_or(|kind| kind == "output_text" || kind == "text");
            if let Some(said) = text(said.text).filter(|_| is_text) {
                self.whole(part, &said, "");
            }
        }
    }
}

fn take(parts: &mut Parts, part: u64, said: &str, whole: bool, between: &str) {
    if whole { parts.whole(part, said, between) } else { parts.more(part, said, between) }
}

impl Reasoning {
    fn take(&mut self, summary: bool, part: u64, said: &str, whole: bool) {
        if said.is_empty() || *self.summary.get_or_insert(summary) != summary {
            return;
        }
        take(&mut self.parts, part, said, whole, "\n\n");
    }

    fn item(&mut self, item: &wire::Item<'_>, done: bool) {
        for (summary, list) in [(true, item.summary), (false, item.content)] {
            for (at, part) in (0..).zip(parts(list)) {
                self.take(summary, at, &text(part.text).unwrap_or_default(), true);
            }
        }
        let sealed = text(item.encrypted_content).filter(|_| done);
        if let Some(sealed) = sealed {
            let raw = |raw: Option<&RawValue>, unsaid: Value| {
                raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(unsaid)
            };
            let words = json!({
                "type": "reasoning",
                "id": raw(item.id, Value::Null),
                "summary": raw(item.summary, json!([])),
                "encrypted_content": sealed,
            });
            self.sealed = Some(seal(OWNER, words.to_string().as_bytes()));
        }
    }
}

/// What a flush has to know.
pub(super) struct Flush<'f> {
    pub(super) names: &'f mut ToolNames,
    /// Whether the answer is over.
    pub(super) finished: bool,
    /// Whether it is over before it was complete.
    pub(super) cut: bool,
}

impl Item {
    /// Passes on what can be. `Err`: a call that must not be run.
    pub(super) fn flush(&mut self, flush: &mut Flush<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        let over = self.over || flush.finished;
        match &mut self.content {
            Content::Message(parts) => {
                // Text of blanks alone is held: a block of nothing else is refused when it comes back.
                if self.open || !parts.waiting.trim().is_empty() {
                    open(&mut self.open, Block::Text, out);
                    give(&mut parts.waiting, Delta::Text, out);
                }
            }
            Content::Reasoning(thought) => {
                let signature = if over { thought.sealed.take() } else { None };
                if self.open || !thought.parts.waiting.is_empty() || signature.is_some() {
                    open(&mut self.open, Block::Thinking, out);
                    give(&mut thought.parts.waiting, Delta::Thinking, out);
                    out.extend(signature.map(|signature| Event::Delta(Delta::Signature(signature))));
                }
            }
            Content::Call(_) => return self.call(over, flush, out),
            Content::Custom(call) if over => {
                let name = named(call, flush)?;
                open(&mut self.open, Block::ToolUse { id: flush.names.new_id(&call.id), name }, out);
                let input = json!({"input": std::mem::take(&mut call.input)}).to_string();
                out.push(Event::Delta(Delta::Input(input)));
            }
            Content::Other { kind, raw } => {
                if let (Some(raw), true) = (raw.take(), over) {
                    open(&mut self.open, Block::Other { kind: kind.clone(), raw }, out);
                }
            }
            Content::Custom(_) | Content::Unknown => {}
        }
        self.close(over, out);
        Ok(())
    }

    fn close(&mut self, over: bool, out: &mut Vec<Event>) {
        if over {
            self.closed = true;
            if self.open {
                out.push(Event::Close);
            }
        }
    }

    fn call(&mut self, over: bool, flush: &mut Flush<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        let Content::Call(call) = &mut self.content else { return Ok(()) };
        if call.name.is_empty() && !over {
            return Ok(());
        }
        let name = named(call, flush)?;
        if !self.open {
            open(&mut self.open, Block::ToolUse { id: flush.names.new_id(&call.id), name: name.clone() }, out);
        }
        if !over {
            out.extend(call.arguments.give().map(|more| Event::Delta(Delta::Input(more))));
            return Ok(());
        }
        if !call.broken {
            let (rest, whole) = call.arguments.finish();
            out.extend(rest.map(|rest| Event::Delta(Delta::Input(rest))));
            call.broken = !whole;
        }
        // A limit may have cut the input; whether it has is told at the end of the answer.
        if call.broken && !flush.finished {
            return Ok(());
        }
        let broken = call.broken && !flush.cut;
        self.close(true, out);
        if broken { Err(format!("the input of the call of {name} is no JSON object")) } else { Ok(()) }
    }
}

fn named(call: &Call, flush: &Flush<'_>) -> Result<String, String> {
    if call.name.is_empty() {
        return Err("a call names no tool".to_owned());
    }
    Ok(flush.names.original(&call.name).to_owned())
}

fn open(is_open: &mut bool, block: Block, out: &mut Vec<Event>) {
    if !std::mem::replace(is_open, true) {
        out.push(Event::Open(block));
    }
}

fn give(waiting: &mut String, delta: fn(String) -> Delta, out: &mut Vec<Event>) {
    if !waiting.is_empty() {
        out.push(Event::Delta(delta(std::mem::take(waiting))));
    }
}
