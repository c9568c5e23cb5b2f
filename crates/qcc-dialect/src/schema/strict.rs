//! To which schemas OpenAI binds an answer or the input of a tool.
//!
//! Source: OpenAI's guide on structured outputs, and what it refuses with "is not permitted".

use serde_json::Value;

use super::{has_object, required};
use crate::canon::Json;

/// Words that are not taken in any place.
const REFUSED: &[&str] = &[
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "minProperties",
    "maxProperties",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "prefixItems",
    "minLength",
    "maxLength",
    "default",
];

/// Words of which each value has one at least.
const KINDS: [&str; 3] = ["type", "anyOf", "$ref"];

/// Whether `strict` is taken with this schema: every object in it is closed and requires all that it names, every value has
/// a type, and no word stands in it that is refused.
pub(crate) fn is_strict(schema: &Json) -> bool {
    closed(&schema.value())
}

/// The reader of JSON limits nesting, so the recursion is bounded.
fn closed(schema: &Value) -> bool {
    let Value::Object(members) = schema else { return false };
    let has = |word: &str| members.contains_key(word);
    let alone = !has("$ref") || members.len() == 1;
    if !alone || REFUSED.iter().any(|word| has(word)) || !KINDS.iter().any(|word| has(word)) {
        return false;
    }
    if has_object(members) {
        let names = members.get("properties").and_then(Value::as_object);
        let required = required(schema);
        let whole = names.is_none_or(|names| {
            names.len() == required.len()
                && required.iter().all(|name| name.as_str().is_some_and(|name| names.contains_key(name)))
        });
        if members.get("additionalProperties") != Some(&Value::Bool(false)) || !whole {
            return false;
        }
    }
    let inner = |word: &str| members.get(word);
    let maps = ["properties", "$defs", "definitions"].into_iter().filter_map(inner).filter_map(Value::as_object);
    let alternatives = inner("anyOf").and_then(Value::as_array).into_iter().flatten();
    maps.flat_map(serde_json::Map::values).chain(alternatives).chain(inner("items")).all(closed)
}
