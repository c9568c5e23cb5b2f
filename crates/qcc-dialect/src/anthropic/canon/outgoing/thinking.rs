//! Whether and how the model is asked to think, by what it takes.

use super::turns::Row;
use crate::anthropic::canon::abilities::{Abilities, Thinks};
use crate::anthropic::canon::write::Object;
use crate::canon::{Effort, Format, Losses, Request, Thinking};

/// The least budget that is taken.
const LEAST: u64 = 1024;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mode {
    form: Option<Form>,
    effort: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Disabled,
    BetweenTools,
    Adaptive,
    Budget(u64),
}

/// Decides it. Clients of other dialects ask with an effort, with which they want thinking.
pub(super) fn decide(
    request: &Request,
    rows: &[Row<'_>],
    abilities: Abilities,
    max_tokens: u64,
    losses: &mut Losses,
) -> Mode {
    let asked = match (request.thinking, request.effort) {
        (Some(thinking), _) => thinking,
        (None, Some(Effort::None)) => Thinking::Disabled,
        (None, Some(_)) => Thinking::Adaptive,
        (None, None) => return Mode::default(),
    };
    let form = match (asked, abilities.thinks) {
        (Thinking::Disabled, Thinks::Always) => {
            losses.add("thinking", "the model cannot be told not to think");
            None
        }
        (Thinking::Disabled, Thinks::BetweenTools) => {
            losses.add("thinking", "sent as between_tools");
            Some(Form::BetweenTools)
        }
        (Thinking::Disabled, _) => Some(Form::Disabled),
        (Thinking::Adaptive, Thinks::Budget) => {
            let budget = budget_of(request.effort);
            losses.add("thinking", format!("sent with a budget of {budget} tokens"));
            Some(Form::Budget(budget))
        }
        (Thinking::Adaptive, _) => Some(Form::Adaptive),
        (Thinking::Budget(budget), Thinks::Budget | Thinks::Either) => Some(Form::Budget(budget)),
        (Thinking::Budget(_), _) => {
            losses.add("thinking", "sent as adaptive");
            Some(Form::Adaptive)
        }
    };
    let form = form.and_then(|form| within(form, rows, max_tokens, losses));
    let effort = match abilities.thinks {
        // There is no word for it, but a budget that was chosen by it says it.
        Thinks::Budget => {
            if request.effort.is_some_and(|effort| effort != Effort::None) && asked != Thinking::Adaptive {
                losses.dropped("effort");
            }
            None
        }
        _ => request.effort.and_then(|effort| word(effort, losses)),
    };
    Mode { form, effort }
}

/// A budget leaves room for the answer, and wants the thinking before the calls of the answer that goes on.
fn within(form: Form, rows: &[Row<'_>], max_tokens: u64, losses: &mut Losses) -> Option<Form> {
    let Form::Budget(asked) = form else { return Some(form) };
    if max_tokens <= LEAST {
        losses.add("thinking", "dropped: max_tokens leaves no room for it");
        return None;
    }
    if rows.iter().rev().find_map(Row::begins_with_a_call).unwrap_or_default() {
        losses.add("thinking", "dropped: what the model thought before its last calls is not there");
        return None;
    }
    let budget = asked.clamp(LEAST, max_tokens - 1);
    if budget != asked {
        losses.add("thinking", format!("clamped to {budget} tokens"));
    }
    Some(Form::Budget(budget))
}

/// Tokens to think for, by effort.
fn budget_of(effort: Option<Effort>) -> u64 {
    match effort {
        Some(Effort::None | Effort::Minimal | Effort::Low) => 2048,
        Some(Effort::Medium) | None => 8192,
        Some(Effort::High) => 16_384,
        Some(Effort::XHigh) => 24_576,
        Some(Effort::Max) => 32_000,
    }
}

/// Anthropic's word for it. `None`: it is said by not thinking.
fn word(effort: Effort, losses: &mut Losses) -> Option<&'static str> {
    Some(match effort {
        Effort::None => return None,
        Effort::Minimal => {
            losses.add("effort", "sent as low");
            "low"
        }
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    })
}

impl Mode {
    /// Whether the model thinks in a way that excludes a temperature.
    pub(super) fn thinks(&self) -> bool {
        matches!(self.form, Some(Form::Adaptive | Form::Budget(_)))
    }

    /// Whether it thinks on a budget.
    pub(super) fn has_budget(&self) -> bool {
        matches!(self.form, Some(Form::Budget(_)))
    }

    /// Writes `thinking` and `output_config`.
    pub(super) fn write(&self, body: &mut Object<'_>, format: Option<&Format>) {
        if let Some(form) = self.form {
            let mut thinking = Object::begin(body.name("thinking"));
            match form {
                Form::Disabled => thinking.member("type", "disabled"),
                Form::BetweenTools => thinking.member("type", "between_tools"),
                Form::Adaptive => thinking.member("type", "adaptive"),
                Form::Budget(tokens) => thinking.member("type", "enabled").member("budget_tokens", &tokens),
            }
            .end();
        }
        let schema = match format {
            Some(Format::JsonSchema { schema, .. }) => Some(schema),
            Some(Format::JsonObject) | None => None,
        };
        if self.effort.is_none() && schema.is_none() {
            return;
        }
        let mut config = Object::begin(body.name("output_config"));
        config.optional("effort", self.effort);
        if let Some(schema) = schema {
            Object::begin(config.name("format")).member("type", "json_schema").raw("schema", schema.text()).end();
        }
        config.end();
    }
}
