//! Whether and how hard the model thinks, in each vendor's words.

use serde::Serialize;

use super::Pen;
use crate::canon::{Effort, Request, Thinking};
use crate::foreign::effort_of;
use crate::foreign::tools::Choice;
use crate::openai::traits::{Forced, Reasoning, Traits};

/// What is sent of thinking.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) members: Members,
    /// Whether the model thinks, as far as is known.
    pub(super) thinks: bool,
}

/// The members of a body that speak of it.
#[derive(Serialize, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_thinking: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
}

#[derive(Serialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Object {
    Effort(&'static str),
    MaxTokens(u64),
    Enabled(bool),
}

#[derive(Serialize, Debug, PartialEq, Eq)]
struct Switch {
    r#type: &'static str,
}

/// What the client wants.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// Whether the model is to think. `None`: unsaid.
    on: Option<bool>,
    effort: Option<Effort>,
    budget: Option<u64>,
}

pub(super) fn thinking(request: &Request, choice: &mut Option<Choice>, pen: &mut Pen<'_>) -> Written {
    let mut wish = Wish::of(request);
    if wish.on == Some(false) && pen.traits.thinks_always {
        let least = least(pen.traits);
        pen.losses.add("thinking", switched_to(least.map(Effort::word)));
        wish = Wish { on: None, effort: least, budget: None };
    }
    if wish.on == Some(true) && wish.effort.is_none() && wish.budget.is_none() && pen.traits.thinks_when_told {
        pen.losses.add("thinking", format!("sent as effort {}", UNSAID.word()));
        wish.effort = Some(UNSAID);
    }
    let thinks = wish.on.unwrap_or(pen.traits.thinks_unasked);
    if thinks && pen.traits.forced == Forced::WithoutThinking && choice.as_ref().is_some_and(Choice::forces) {
        if pen.traits.thinks_always {
            pen.losses.add("tool_choice", "sent as auto");
            *choice = Some(Choice::Auto);
        } else {
            // The client counts on the call; that the model thinks before it is the lesser thing.
            pen.losses.add("thinking", "switched off, for a tool is forced");
            wish = Wish { on: Some(false), effort: None, budget: None };
        }
    }
    let members = match pen.traits.reasoning {
        Reasoning::None => none(wish, pen),
        Reasoning::Effort(known) => by_effort(wish, known, pen),
        Reasoning::Object => object(wish, pen),
        Reasoning::Switch(known) => switch(wish, known, pen),
        Reasoning::Flag => flag(wish, pen),
    };
    Written { members, thinks: wish.on.unwrap_or(pen.traits.thinks_unasked) }
}

impl Wish {
    fn of(request: &Request) -> Self {
        let effort = request.effort.filter(|&effort| effort != Effort::None);
        match request.thinking {
            Some(Thinking::Disabled) => Self { on: Some(false), effort: None, budget: None },
            Some(Thinking::Adaptive) => Self { on: Some(true), effort, budget: None },
            Some(Thinking::Budget(budget)) => Self { on: Some(true), effort, budget: Some(budget) },
            None if request.effort == Some(Effort::None) => Self { on: Some(false), effort: None, budget: None },
            None => Self { on: None, effort, budget: None },
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

/// The effort of a model that is to think and does so only when told how hard: the usual one of those that think unasked.
pub(crate) const UNSAID: Effort = Effort::Medium;

/// What becomes of the wish not to think where that cannot be.
pub(crate) fn switched_to(effort: Option<&str>) -> String {
    match effort {
        Some(effort) => format!("cannot be switched off: sent as effort {effort}"),
        None => "cannot be switched off".to_owned(),
    }
}

/// The least effort, where one can be told.
fn least(traits: &Traits) -> Option<Effort> {
    let Reasoning::Effort(known) = traits.reasoning else { return None };
    known.iter().copied().filter(|effort| *effort != Effort::None).find(|effort| knows(*effort, traits))
}

/// Whether the model is known to take this effort, or nothing is known of it.
fn knows(effort: Effort, traits: &Traits) -> bool {
    traits.efforts.is_none_or(|efforts| efforts.has(effort))
}

/// The least of the known efforts that is not below the one that is asked for, else the greatest.
fn nearest(asked: Effort, known: &[Effort], pen: &mut Pen<'_>) -> Option<&'static str> {
    let traits = pen.traits;
    let mut real = known.iter().copied().filter(|&effort| effort != Effort::None && knows(effort, traits));
    let found = real.clone().find(|&effort| effort >= asked).or_else(|| real.next_back());
    match found {
        Some(found) if found != asked => pen.losses.add("output_config.effort", format!("sent as {}", found.word())),
        Some(_) => {}
        None => pen.losses.dropped("output_config.effort"),
    }
    found.map(Effort::word)
}

fn none(wish: Wish, pen: &mut Pen<'_>) -> Members {
    match wish.on {
        Some(true) => pen.losses.add("thinking", "left to the model"),
        Some(false) if pen.traits.thinks_unasked => pen.losses.add("thinking", "cannot be switched off"),
        Some(false) | None => {}
    }
    if wish.effort.is_some() {
        pen.losses.dropped("output_config.effort");
    }
    Members::default()
}

fn by_effort(wish: Wish, known: &'static [Effort], pen: &mut Pen<'_>) -> Members {
    let effort = if wish.on == Some(false) {
        let able = known.contains(&Effort::None) && knows(Effort::None, pen.traits);
        if !able && pen.traits.thinks_unasked {
            pen.losses.add("thinking", "cannot be switched off");
        }
        able.then_some("none")
    } else {
        wish.as_effort(pen).and_then(|asked| nearest(asked, known, pen))
    };
    Members { reasoning_effort: effort, ..Members::default() }
}

/// A budget is more exact than an effort; both at once are refused.
fn object(wish: Wish, pen: &mut Pen<'_>) -> Members {
    let reasoning = match wish {
        Wish { on: Some(false), .. } => Some(Object::Enabled(false)),
        Wish { budget: Some(budget), .. } => Some(Object::MaxTokens(budget)),
        Wish { on, effort, .. } => {
            let effort = effort.and_then(|asked| nearest(asked, &Effort::ALL, pen));
            effort.map(Object::Effort).or_else(|| on.map(Object::Enabled))
        }
    };
    Members { reasoning, ..Members::default() }
}

fn switch(wish: Wish, known: &'static [Effort], pen: &mut Pen<'_>) -> Members {
    let thinking = wish.on.map(|on| Switch { r#type: if on { "enabled" } else { "disabled" } });
    let effort = match (wish.budget, wish.effort) {
        (Some(_), None) if known.is_empty() => {
            pen.losses.dropped("thinking.budget_tokens");
            None
        }
        _ => wish.as_effort(pen).and_then(|asked| nearest(asked, known, pen)),
    };
    Members { thinking, reasoning_effort: effort, ..Members::default() }
}

fn flag(wish: Wish, pen: &mut Pen<'_>) -> Members {
    if wish.effort.is_some() {
        pen.losses.dropped("output_config.effort");
    }
    Members { enable_thinking: wish.on, thinking_budget: wish.budget, ..Members::default() }
}
