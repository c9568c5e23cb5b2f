//! What may stand where, as a tree that is made of the schema once.

use std::sync::LazyLock;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::Takes;
use crate::file;
use crate::value::{Size, Time};

/// What may stand at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// One value, or a list of texts.
    Value(Takes),
    /// Known keys.
    Map(Vec<Property>),
    /// Keys that are the user's own.
    Named(Box<Property>),
    /// Items that have a name of their own in the key that is given, or only their number.
    List(Box<Property>, Option<String>),
    /// Known and not used.
    Unused,
}

/// A key, or what stands under any key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) default: Option<String>,
    pub(super) shape: Shape,
}

/// The whole file.
pub(super) fn root() -> &'static Property {
    static ROOT: LazyLock<Property> = LazyLock::new(|| {
        let schema = file::schema();
        property("", &schema, &schema)
    });
    &ROOT
}

fn property(name: &str, schema: &Value, root: &Value) -> Property {
    let text = |value: &Value| value["description"].as_str().map(str::to_owned);
    let target = target(schema, root);
    let help = text(schema).or_else(|| text(target)).unwrap_or_default();
    let default = schema.get("default").map(|default| match default {
        Value::String(text) => text.clone(),
        // 2.0 is how the schema says 2.
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    });
    Property { name: name.to_owned(), help, default, shape: shape(target, root) }
}

/// What a reference leads to, and what a value is that may also be missing.
fn target<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let either = schema["anyOf"].as_array().filter(|parts| parts.iter().any(|part| part["type"] == "null"));
    let present = either.and_then(|parts| parts.iter().find(|part| part["type"] != "null"));
    let schema = present.unwrap_or(schema);
    let reference = schema["$ref"].as_str().and_then(|reference| root.pointer(reference.trim_start_matches('#')));
    reference.unwrap_or(schema)
}

fn shape(schema: &Value, root: &Value) -> Shape {
    if *schema == unit::<Time>() {
        return Shape::Value(Takes::Duration);
    }
    if *schema == unit::<Size>() {
        return Shape::Value(Takes::Size);
    }
    if let Some(words) = schema["enum"].as_array() {
        return Shape::Value(Takes::Word(words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect()));
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.iter().find_map(|kind| kind.as_str()));
    match kind {
        Some("object") => map(schema, root),
        Some("array") => list(&schema["items"], root),
        Some("string") => Shape::Value(Takes::Text),
        Some("boolean") => Shape::Value(Takes::Bool),
        Some("integer") => number(schema, false),
        Some("number") => number(schema, true),
        _ => Shape::Unused,
    }
}

fn unit<T: JsonSchema>() -> Value {
    T::json_schema(&mut SchemaGenerator::default()).to_value()
}

fn map(schema: &Value, root: &Value) -> Shape {
    match (schema["properties"].as_object(), &schema["additionalProperties"]) {
        (Some(known), _) => Shape::Map(known.iter().map(|(name, schema)| property(name, schema, root)).collect()),
        (None, any) => Shape::Named(Box::new(property("", any, root))),
    }
}

fn list(items: &Value, root: &Value) -> Shape {
    let item = property("", items, root);
    if matches!(item.shape, Shape::Value(Takes::Text | Takes::Word(_))) {
        return Shape::Value(Takes::Texts);
    }
    // An item that must have a key has its name there: `name` of a provider, `provider` of an endpoint.
    let named_by =
        target(items, root)["required"].as_array().and_then(|keys| keys.first()?.as_str().map(str::to_owned));
    Shape::List(Box::new(item), named_by)
}

fn number(schema: &Value, fraction: bool) -> Shape {
    let highest = if fraction { f64::MAX } else { f64::from(u32::MAX) };
    let low = schema["minimum"].as_f64().unwrap_or(f64::MIN);
    Shape::Value(Takes::Number { low, high: schema["maximum"].as_f64().unwrap_or(highest), fraction })
}
