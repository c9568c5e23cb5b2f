//! Whether and how hard the model thinks, and the form of its answer.
//!
//! Members about thinking are refused by models that do not think, so they go only where the client asks for thinking or
//! the model is known to think. Thoughts are always asked for sealed: only so can they be given back.

use std::borrow::Cow;

use serde::Serialize;

use super::Pen;
use crate::canon::{Effort, Format, Json, Request, Thinking};
use crate::capabilities::{Efforts, Forced, Member, Thinks};
use crate::foreign::effort_of;
use crate::openai::request::format::NOT_STRICT;
use crate::openai::request::thinking::{UNSAID, switched_to};
use crate::schema::{fitted, is_strict};

/// What a schema is called where the client does not say; a name is required.
const NAME: &str = "answer";

/// What is sent.
pub(super) struct Steering<'a> {
    pub(super) reasoning: Option<Reasoning>,
    /// Whether thoughts are asked for in a form that can be given back.
    pub(super) sealed_thoughts: bool,
    pub(super) text: TextConfig<'a>,
    /// What the model is told beside it.
    pub(super) instruction: Option<String>,
}

/// `reasoning`
#[derive(Serialize, Debug, PartialEq, Eq)]
pub(super) struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

/// `text`
#[derive(Serialize, Default)]
pub(super) struct TextConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<TextFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a Json>,
}

impl TextConfig<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.format.is_none() && self.verbosity.is_none()
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum TextFormat<'a> {
    JsonObject,
    JsonSchema { name: &'a str, schema: Json, strict: bool },
}

/// `forces`: whether a call is forced.
pub(super) fn steering<'a>(request: &'a Request, forces: bool, pen: &mut Pen<'_>) -> Steering<'a> {
    let (reasoning, sealed_thoughts) = reasoning(Wish::of(request), forces, pen);
    pen.thinks = pen.capabilities.thinking != Some(Thinks::Never);
    let (format, instruction) = format(request, pen);
    let verbosity = request.others.iter().find(|(name, _)| name == "verbosity").map(|(_, value)| value);
    Steering { reasoning, sealed_thoughts, text: TextConfig { format, verbosity }, instruction }
}

/// What the client wants.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// Whether the model is to think. `None`: unsaid.
    on: Option<bool>,
    effort: Option<Effort>,
    budget: Option<u64>,
}

impl Wish {
    fn of(request: &Request) -> Self {
        let effort = request.effort;
        match request.thinking {
            Some(Thinking::Disabled) => Self { on: Some(false), effort: None, budget: None },
            Some(Thinking::Adaptive) => Self { on: Some(true), effort, budget: None },
            Some(Thinking::Budget(budget)) => Self { on: Some(true), effort, budget: Some(budget) },
            None => Self { on: effort.map(|effort| effort != Effort::None), effort, budget: None },
        }
    }

    /// The effort that is asked for, or the one that a budget stands for.
    fn as_effort(self, pen: &mut Pen<'_>) -> Option<Effort> {
        self.effort.or_else(|| {
            let effort = effort_of(self.budget?);
            pen.losses.add("thinking.budget_tokens", format!("sent as effort {}", effort.word()));
            Some(effort)
        })
    }
}

/// The member, and whether thoughts may come.
fn reasoning(mut wish: Wish, forces: bool, pen: &mut Pen<'_>) -> (Option<Reasoning>, bool) {
    let known = pen.capabilities.thinking;
    if known == Some(Thinks::Never) {
        if wish.on == Some(true) {
            pen.losses.add("thinking", "the model does not think");
        }
        return (None, false);
    }
    if forces && pen.capabilities.forced_tools == Some(Forced::WithoutThinking) && wish.on != Some(false) {
        // The client counts on the call; that the model thinks before it is the lesser thing.
        pen.losses.add("thinking", "switched off, for a tool is forced");
        wish = Wish { on: Some(false), effort: Some(Effort::None), budget: None };
    }
    if wish.on == Some(true) && wish.effort.is_none() && wish.budget.is_none() && known == Some(Thinks::Adaptive) {
        // Left alone such a model does not think.
        pen.losses.add("thinking", format!("sent as effort {}", UNSAID.word()));
        wish.effort = Some(UNSAID);
    }
    if wish.on == Some(false) {
        return off(wish, known, pen);
    }
    let effort = wish.as_effort(pen).and_then(|asked| taken(asked, pen)).map(Effort::word);
    let asked = wish.on == Some(true) || effort.is_some();
    let reads = !pen.capabilities.refused.has(Member::ReasoningSummary);
    let summary = reads.then_some("auto");
    let says = asked && (effort.is_some() || summary.is_some());
    (says.then_some(Reasoning { effort, summary }), asked || known.is_some())
}

/// The effort as the model takes it.
fn taken(asked: Effort, pen: &mut Pen<'_>) -> Option<Effort> {
    let known = pen.capabilities.efforts.filter(|efforts| !efforts.has(asked));
    let taken = match known {
        _ if pen.capabilities.effort == Some(false) => None,
        None => return Some(asked),
        Some(efforts) => efforts.nearest(asked),
    };
    match taken {
        Some(taken) => pen.losses.add("output_config.effort", format!("sent as {}", taken.word())),
        None => pen.losses.dropped("output_config.effort"),
    }
    taken
}

/// Models that think can be told not to, some of them; one of which nothing is known may refuse to be told.
fn off(wish: Wish, known: Option<Thinks>, pen: &mut Pen<'_>) -> (Option<Reasoning>, bool) {
    let efforts = pen.capabilities.efforts.filter(|_| pen.capabilities.effort != Some(false));
    let always = matches!(known, Some(Thinks::Always | Thinks::BetweenTools));
    if always || efforts.is_some_and(|efforts| !efforts.has(Effort::None)) {
        let least = efforts.and_then(Efforts::least).map(Effort::word);
        pen.losses.add("thinking", switched_to(least));
        return (least.map(|effort| Reasoning { effort: Some(effort), summary: None }), true);
    }
    let able = match known {
        Some(_) => pen.capabilities.effort != Some(false),
        // A client of OpenAI's that says so knows the model.
        None => wish.effort == Some(Effort::None),
    };
    if !able {
        pen.losses.add("thinking", "left to the model");
    }
    (able.then_some(Reasoning { effort: Some("none"), summary: None }), false)
}

fn format<'a>(request: &'a Request, pen: &mut Pen<'_>) -> (Option<TextFormat<'a>>, Option<String>) {
    match &request.format {
        None => (None, None),
        // OpenAI refuses the format where no message speaks of JSON.
        Some(Format::JsonObject) => {
            (Some(TextFormat::JsonObject), Some("Answer with one JSON object and nothing else.".to_owned()))
        }
        Some(Format::JsonSchema { schema, .. }) if pen.capabilities.schemas == Some(false) => {
            pen.losses.add("output_config.format", "sent as an instruction");
            let instruction = format!(
                "Answer with one JSON object and nothing else. It has to fit this JSON Schema:\n{}",
                schema.text()
            );
            (None, Some(instruction))
        }
        Some(Format::JsonSchema { name, schema, strict }) => {
            let schema = fitted(Cow::Borrowed(schema), "output_config.format.schema", pen.losses).into_owned();
            // Anthropic always keeps to the schema; here it must be asked for, and only some schemas can be.
            let wanted = strict.unwrap_or(true);
            let strict = wanted && is_strict(&schema);
            if wanted && !strict {
                pen.losses.add("output_config.format", NOT_STRICT);
            }
            let name = name.as_deref().unwrap_or(NAME);
            (Some(TextFormat::JsonSchema { name, schema, strict }), None)
        }
    }
}
