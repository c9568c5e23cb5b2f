//! The form that the answer has to have.
//!
//! Where a provider checks no schema, the model is told it: most often it keeps to it.

use std::borrow::Cow;

use serde::Serialize;

use super::Pen;
use crate::canon::{Format, Json, Request};
use crate::openai::traits::Formats;
use crate::schema::{fitted, is_strict};

/// What a vendor wants the schema to be called where the client does not say.
const NAME: &str = "answer";

/// What is lost where the schema has something that cannot be bound to.
pub(crate) const NOT_STRICT: &str = "its schema is not strictly kept to";

/// What is sent.
#[derive(Default)]
pub(super) struct Written<'a> {
    pub(super) response_format: Option<ResponseFormat<'a>>,
    /// What the model is told beside it.
    pub(super) instruction: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
pub(super) struct JsonSchema<'a> {
    name: &'a str,
    schema: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

pub(super) fn format<'a>(request: &'a Request, pen: &mut Pen<'_>) -> Written<'a> {
    let Some(format) = &request.format else { return Written::default() };
    let object = (pen.traits.formats != Formats::None).then_some(ResponseFormat::JsonObject);
    match format {
        Format::JsonObject => Written {
            // OpenAI and others refuse the format where no message speaks of JSON.
            instruction: Some("Answer with one JSON object and nothing else.".to_owned()),
            response_format: object,
        },
        Format::JsonSchema { name, schema, strict } if pen.traits.formats == Formats::Schema => {
            let schema = fitted(Cow::Borrowed(schema), "output_config.format.schema", pen.losses);
            // Anthropic always keeps to the schema; here it must be asked for, and only some schemas can be.
            let wanted = strict.unwrap_or(true);
            let strict = wanted && is_strict(&schema);
            if wanted && !strict {
                pen.losses.add("output_config.format", NOT_STRICT);
            }
            let json_schema =
                JsonSchema { name: name.as_deref().unwrap_or(NAME), schema: schema.into_owned(), strict: Some(strict) };
            Written { response_format: Some(ResponseFormat::JsonSchema { json_schema }), instruction: None }
        }
        Format::JsonSchema { schema, .. } => {
            pen.losses.add("output_config.format", "sent as an instruction");
            let instruction = format!(
                "Answer with one JSON object and nothing else. It has to fit this JSON Schema:\n{}",
                schema.text()
            );
            Written { response_format: object, instruction: Some(instruction) }
        }
    }
}
