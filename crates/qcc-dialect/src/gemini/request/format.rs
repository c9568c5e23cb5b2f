//! The form that the answer has to have.

use super::Pen;
use crate::canon::{Format, Json, Request};

const JSON: &str = "application/json";

/// What is sent.
#[derive(Default)]
pub(super) struct Written<'a> {
    pub(super) mime_type: Option<&'static str>,
    pub(super) schema: Option<&'a Json>,
    /// What the model is told where it cannot be bound.
    pub(super) instruction: Option<String>,
}

pub(super) fn format<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Written<'a> {
    let Some(format) = &request.format else { return Written::default() };
    // Older models refuse every form but text while they have tools.
    let bound = request.tools.is_empty() || pen.model.takes_format_beside_tools();
    let mime_type = bound.then_some(JSON);
    match format {
        Format::JsonObject => {
            Written { mime_type, instruction: (!bound).then(|| told(None, pen)), ..Written::default() }
        }
        Format::JsonSchema { schema, .. } if bound && pen.known.schemas != Some(false) => {
            Written { mime_type, schema: Some(schema), instruction: None }
        }
        Format::JsonSchema { schema, .. } => {
            Written { mime_type, schema: None, instruction: Some(told(Some(schema), pen)) }
        }
    }
}

fn told(schema: Option<&Json>, pen: &mut Pen<'_>) -> String {
    pen.losses.add("output_config.format", "sent as an instruction");
    let object = "Answer with one JSON object and nothing else.";
    match schema {
        Some(schema) => format!("{object} It has to fit this JSON Schema:\n{}", schema.text()),
        None => object.to_owned(),
    }
}
