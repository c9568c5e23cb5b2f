//! To which schemas Anthropic binds an answer.
//!
//! It knows fewer words than JSON Schema and refuses the others, and every object has to be closed. What only narrows a
//! value (a least length, a greatest number) goes into the description of that value, as Anthropic's own libraries do it.
//! What gives a value its form and cannot be said (maps, references in a circle) leaves the schema unbound.
//!
//! Source: Anthropic's page on structured outputs.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::has_object;
use crate::canon::Json;

/// Words that are taken as they are.
const TAKEN: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
];

/// Words that say nothing of a value.
const SILENT: &[&str] = &["$schema", "$id", "$anchor", "$comment", "examples", "example", "deprecated", "strict"];

/// Words that only narrow a value.
const NARROWING: &[&str] = &[
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
];

/// Formats of texts that are taken.
const FORMATS: &[&str] = &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// A schema as an answer can be bound to it.
pub(crate) struct Bound<'a> {
    pub(crate) schema: Cow<'a, Json>,
    /// Whether it binds to less, or to more, than the client's own.
    pub(crate) differs: bool,
}

/// The schema as an answer can be bound to it. `None`: not at all.
pub(crate) fn bound(schema: &Json) -> Option<Bound<'_>> {
    let given = schema.value();
    let (mut loosened, mut differs) = (given.clone(), false);
    loosen(&mut loosened, &mut differs)?;
    if goes_in_circles(&loosened) {
        return None;
    }
    let schema = if loosened == given { Cow::Borrowed(schema) } else { Cow::Owned(Json::from_value(&loosened)) };
    Some(Bound { schema, differs })
}

/// The reader of JSON limits nesting, so the recursion is bounded.
fn loosen(schema: &mut Value, differs: &mut bool) -> Option<()> {
    let members = schema.as_object_mut()?;
    let mut narrowed = Vec::new();
    let names: Vec<String> = members.keys().cloned().collect();
    for name in names.iter().map(String::as_str).filter(|name| !TAKEN.contains(name)) {
        if keeps(name, &members[name]) {
            continue;
        }
        let value = members.shift_remove(name)?;
        if NARROWING.contains(&name) {
            narrowed.push(format!("{name}: {value}"));
        } else if name == "oneOf" {
            members.entry("anyOf").or_insert(value);
        } else if !SILENT.contains(&name) {
            return None;
        }
    }
    if !narrowed.is_empty() {
        *differs = true;
        tell(members, &narrowed.join(", "));
    }
    close(members, differs)?;
    for word in ["properties", "$defs", "definitions"] {
        let inner = members.get_mut(word).and_then(Value::as_object_mut);
        inner.into_iter().flat_map(Map::values_mut).try_for_each(|inner| loosen(inner, differs))?;
    }
    for word in ["anyOf", "allOf"] {
        let inner = members.get_mut(word).and_then(Value::as_array_mut);
        inner.into_iter().flatten().try_for_each(|inner| loosen(inner, differs))?;
    }
    members.get_mut("items").map_or(Some(()), |inner| loosen(inner, differs))
}

/// Whether a word that is not always taken is, with this value.
fn keeps(name: &str, value: &Value) -> bool {
    match name {
        "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
        "minItems" => value.as_u64().is_some_and(|least| least <= 1),
        _ => false,
    }
}

fn tell(members: &mut Map<String, Value>, narrowed: &str) {
    let said = members.get("description").and_then(Value::as_str).unwrap_or_default();
    let told = if said.is_empty() { format!("({narrowed})") } else { format!("{said} ({narrowed})") };
    members.insert("description".to_owned(), told.into());
}

/// Every object is closed; one of which no member is named could then hold nothing. A value needs a type, or words that
/// stand for one.
fn close(members: &mut Map<String, Value>, differs: &mut bool) -> Option<()> {
    if has_object(members) {
        let named = members.get("properties").is_some_and(Value::is_object);
        match members.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            None if named => {
                *differs = true;
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            _ => return None,
        }
    }
    ["type", "anyOf", "allOf", "$ref", "enum", "const"].iter().any(|word| members.contains_key(*word)).then_some(())
}

/// Whether a definition leads back to itself, or a reference to none of the definitions. Definitions that refer only to
/// such as are through are through; what is never through stands in a circle.
fn goes_in_circles(root: &Value) -> bool {
    let mut waiting: HashMap<String, usize> = HashMap::new();
    let mut asked_for: HashMap<&str, Vec<String>> = HashMap::new();
    for word in ["$defs", "definitions"] {
        for (name, definition) in root.get(word).and_then(Value::as_object).into_iter().flatten() {
            let own = format!("#/{word}/{name}");
            let references = references(definition);
            waiting.insert(own.clone(), references.len());
            references.into_iter().for_each(|reference| asked_for.entry(reference).or_default().push(own.clone()));
        }
    }
    let strange = references(root).into_iter().any(|reference| !waiting.contains_key(reference));
    let mut through: Vec<String> =
        waiting.iter().filter(|(_, left)| **left == 0).map(|(name, _)| name.clone()).collect();
    while let Some(name) = through.pop() {
        waiting.remove(&name);
        for asking in asked_for.remove(name.as_str()).unwrap_or_default() {
            if let Some(left) = waiting.get_mut(&asking) {
                *left -= 1;
                if *left == 0 {
                    through.push(asking);
                }
            }
        }
    }
    strange || !waiting.is_empty()
}

/// All references in a schema. The reader of JSON limits nesting, so the recursion is bounded.
fn references(schema: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    refer(schema, &mut found);
    found
}

fn refer<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
    match schema {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|inner| refer(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| refer(inner, found)),
        _ => {}
    }
}
