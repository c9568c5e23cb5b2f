//! Whether and how hard the model thinks: a level since Gemini 3, a budget before.

use serde::Serialize;

use super::Pen;
use crate::canon::{Effort, Request, Thinking};
use crate::capabilities::Thinks;
use crate::foreign::effort_of;
use crate::gemini::model::Control;

/// `thinkingConfig`
#[derive(Serialize, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Whether summaries of the thoughts are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
    /// Tokens; -1: as the model sees fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<Level>,
}

#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Level {
    Minimal,
    Low,
    Medium,
    High,
}

/// What the client wants.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Off,
    On { effort: Option<Effort>, budget: Option<u64> },
}

pub(super) fn thinking(request: &Request, pen: &mut Pen<'_>) -> Option<Config> {
    let wish = Wish::of(request)?;
    let control = pen.model.control();
    if control == Control::None || pen.known.thinking == Some(Thinks::Never) {
        return unsaid(wish, request, pen);
    }
    let config = match (wish, control) {
        (Wish::Off, Control::Budget { off: true, .. }) => Config { thinking_budget: Some(0), ..Config::default() },
        (Wish::Off, Control::Budget { least, .. }) => {
            pen.losses.add("thinking", format!("cannot be switched off: sent with a budget of {least} tokens"));
            Config { thinking_budget: Some(signed(least)), ..Config::default() }
        }
        (Wish::Off, _) => {
            pen.losses.add("thinking", "cannot be switched off: sent with the lowest level");
            Config { thinking_level: Some(level(Effort::Minimal, control)), ..Config::default() }
        }
        (Wish::On { effort, budget }, Control::Budget { least, most, .. }) => Config {
            include_thoughts: Some(true),
            thinking_budget: Some(self::budget(effort, budget, least, most, pen)),
            thinking_level: None,
        },
        (Wish::On { effort, budget }, _) => Config {
            include_thoughts: Some(true),
            thinking_budget: None,
            thinking_level: asked_level(effort, budget, control, pen),
        },
    };
    Some(config)
}

impl Wish {
    /// `None`: nothing is said. Clients of other dialects ask with an effort, with which they want thinking.
    fn of(request: &Request) -> Option<Self> {
        let effort = request.effort.filter(|&effort| effort != Effort::None);
        Some(match request.thinking {
            Some(Thinking::Disabled) => Self::Off,
            Some(Thinking::Adaptive) => Self::On { effort, budget: None },
            Some(Thinking::Budget(budget)) => Self::On { effort, budget: Some(budget) },
            None if request.effort == Some(Effort::None) => Self::Off,
            None => Self::On { effort: Some(effort?), budget: None },
        })
    }
}

/// A model that does not think, or of which nothing is known.
fn unsaid(wish: Wish, request: &Request, pen: &mut Pen<'_>) -> Option<Config> {
    if matches!(wish, Wish::On { .. }) {
        if request.thinking.is_some() {
            pen.losses.add("thinking", "left to the model");
        }
        if request.effort.is_some() {
            pen.losses.dropped("output_config.effort");
        }
    }
    None
}

fn asked_level(effort: Option<Effort>, budget: Option<u64>, control: Control, pen: &mut Pen<'_>) -> Option<Level> {
    let asked = match (effort, budget) {
        (Some(effort), _) => effort,
        (None, Some(budget)) => effort_of(budget),
        (None, None) => return None,
    };
    if pen.known.effort == Some(false) {
        pen.losses.dropped("output_config.effort");
        return None;
    }
    let level = level(asked, control);
    if effort.is_none() {
        pen.losses.add("thinking.budget_tokens", format!("sent as level {}", level.word()));
    } else if !level.is(asked) {
        pen.losses.add("output_config.effort", format!("sent as {}", level.word()));
    }
    Some(level)
}

/// The least level that is not below what is asked. There is `XHIGH` too, but nothing says which model takes it.
fn level(asked: Effort, control: Control) -> Level {
    let (has_minimal, has_medium) = match control {
        Control::Level { minimal, medium } => (minimal, medium),
        Control::None | Control::Budget { .. } => (false, false),
    };
    match asked {
        Effort::None | Effort::Minimal if has_minimal => Level::Minimal,
        Effort::None | Effort::Minimal | Effort::Low => Level::Low,
        Effort::Medium if has_medium => Level::Medium,
        Effort::Medium | Effort::High | Effort::XHigh | Effort::Max => Level::High,
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    fn is(self, effort: Effort) -> bool {
        matches!(
            (self, effort),
            (Self::Minimal, Effort::Minimal)
                | (Self::Low, Effort::Low)
                | (Self::Medium, Effort::Medium)
                | (Self::High, Effort::High)
        )
    }
}

/// Tokens to think for. For an effort, those that Google's own layer for OpenAI's clients takes.
fn budget(effort: Option<Effort>, budget: Option<u64>, least: u64, most: u64, pen: &mut Pen<'_>) -> i64 {
    let tokens = match (budget, effort) {
        (Some(budget), _) => {
            let tokens = budget.clamp(least, most);
            if tokens != budget {
                pen.losses.add("thinking.budget_tokens", format!("clamped to {tokens}"));
            }
            return signed(tokens);
        }
        (None, None) => return -1,
        (None, Some(Effort::None | Effort::Minimal | Effort::Low)) => 1024,
        (None, Some(Effort::Medium)) => 8192,
        (None, Some(Effort::High)) => 24_576,
        (None, Some(Effort::XHigh | Effort::Max)) => most,
    };
    pen.losses.add("output_config.effort", format!("sent as a budget of {tokens} tokens"));
    signed(tokens)
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
