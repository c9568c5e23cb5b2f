//! What an item holds while it comes, and what of it was passed on.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::place::Place;
use crate::canon::{Json, seal};
use crate::openai::stream::arguments::Arguments;
use crate::responses::OWNER;
use crate::responses::wire::{self, parts, text};

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

/// What texts say beside themselves.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Whether one is a refusal.
    pub(super) refused: bool,
    /// Whether one has annotations.
    pub(super) annotated: bool,
}

/// Text in parts, of which some came.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What waits to be passed on.
    pub(super) waiting: String,
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
    pub(super) parts: Parts,
    /// What the vendor wants back.
    pub(super) sealed: Option<String>,
}

/// A call.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// As the provider names it; may be empty.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Arguments,
    /// The input of a custom tool, as text.
    pub(super) input: String,
    /// Whether its input is no object.
    pub(super) broken: bool,
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
    /// What an item is of which something at that place was told.
    pub(super) fn with(place: Place) -> Self {
        match place {
            Place::Text { .. } | Place::Refusal { .. } => Self::Message(Parts::default()),
            Place::Thought { .. } | Place::Summary { .. } => Self::Reasoning(Reasoning::default()),
            Place::Arguments { .. } => Self::Call(Call::default()),
            Place::Custom { .. } => Self::Custom(Call::default()),
        }
    }

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

    /// Takes what an event adds. `told` learns of a refusal.
    pub(super) fn more(&mut self, place: Place, part: u64, said: &str, told: &mut Said) {
        match (self, place) {
            (Self::Message(parts), Place::Text { whole }) => take(parts, part, said, whole, ""),
            (Self::Message(parts), Place::Refusal { whole }) => {
                told.refused = true;
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
    pub(super) fn item(&mut self, item: &wire::Item<'_>, raw: &RawValue, done: bool, told: &mut Said) {
        match self {
            Self::Message(said) => said.item(item, told),
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
    fn item(&mut self, item: &wire::Item<'_>, told: &mut Said) {
        // Some write the text where the list of parts belongs.
        if let Some(said) = text(item.content) {
            return self.whole(0, &said, "");
        }
        for (part, said) in (0..).zip(parts(item.content)) {
            if let Some(refusal) = text(said.refusal) {
                told.refused = true;
                self.whole(part, &refusal, "");
            }
            told.annotated |= said.is_annotated();
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
