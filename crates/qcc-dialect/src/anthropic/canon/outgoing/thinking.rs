//! Whether and how the model is asked to think, by what it takes.

use super::turns::Row;
use crate::canon::{Effort, Json, Losses, Request, Thinking, ToolChoice};
use crate::capabilities::{Capabilities, Forced, Thinks};
use crate::json::write::Object;

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
    capabilities: &Capabilities,
    max_tokens: u64,
    losses: &mut Losses,
) -> Mode {
    let asked = match (request.thinking, request.effort) {
        (Some(thinking), _) => thinking,
        (None, Some(Effort::None)) => Thinking::Disabled,
        (None, Some(_)) => Thinking::Adaptive,
        (None, None) => return Mode::default(),
    };
    let thinks = capabilities.thinking.unwrap_or(Thinks::Budget);
    let form = match (asked, thinks) {
        (Thinking::Disabled, Thinks::Never) => None,
        (_, Thinks::Never) => {
            losses.dropped("thinking");
            None
        }
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
    let form = beside_a_forced_call(form, request, capabilities, losses);
    let effort = match thinks {
        // There is no word for it, but a budget that was chosen by it says it.
        Thinks::Budget | Thinks::Never => {
            if request.effort.is_some_and(|effort| effort != Effort::None) && asked != Thinking::Adaptive {
                losses.dropped("effort");
            }
            None
        }
        _ => {
            request.effort.and_then(|asked| known(asked, capabilities, losses)).and_then(|effort| word(effort, losses))
        }
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
    if rows.last().is_some_and(Row::is_begun) {
        losses.add("thinking", "dropped: the model goes on with words that it has not thought about");
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

/// The client counts on a call that it forces; that the model thinks before it is the lesser thing.
fn beside_a_forced_call(
    form: Option<Form>,
    request: &Request,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<Form> {
    let forces =
        matches!(request.tool_choice, Some(ToolChoice::Any | ToolChoice::Tool(_))) && !request.tools.is_empty();
    let unasked = match (form, capabilities.forced_tools) {
        (Some(Form::Budget(_)), Some(Forced::WithoutThinking | Forced::SomeTool | Forced::Yes) | None) => None,
        (Some(Form::Adaptive), Some(Forced::WithoutThinking)) => Some(Form::Disabled),
        _ => return form,
    };
    if !forces {
        return form;
    }
    losses.add("thinking", "switched off, for a tool is forced");
    unasked
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

/// The least effort that the model knows and that is not below the one asked for, else the greatest.
fn known(asked: Effort, capabilities: &Capabilities, losses: &mut Losses) -> Option<Effort> {
    if asked == Effort::None {
        return Some(asked);
    }
    if capabilities.effort == Some(false) {
        losses.dropped("effort");
        return None;
    }
    let Some(efforts) = capabilities.efforts.filter(|efforts| !efforts.has(asked)) else { return Some(asked) };
    let found = efforts.nearest(asked);
    match found.map(Effort::word) {
        Some(word) => losses.add("effort", format!("sent as {word}")),
        None => losses.dropped("effort"),
    }
    found
}

/// Anthropic's word for it. `None`: it is said by not thinking.
fn word(effort: Effort, losses: &mut Losses) -> Option<&'static str> {
    match effort {
        Effort::None => None,
        Effort::Minimal => {
            losses.add("effort", "sent as low");
            Some("low")
        }
        effort => Some(effort.word()),
    }
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
    pub(super) fn write(&self, body: &mut Object<'_>, schema: Option<&Json>) {
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
