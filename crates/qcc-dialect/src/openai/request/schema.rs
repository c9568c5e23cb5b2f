//! Schemas as this dialect takes them: an object at the root, with properties.
//!
//! A schema that is one already goes as the text that it is; its order of members matters to prompt caches, and to models
//! that fill it in.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::canon::{Json, Losses};
use crate::json::Document;

/// Words for alternatives, which are refused at the root.
const ALTERNATIVES: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// The schema, changed only where it would be refused. `place` names it among the losses.
pub(crate) fn fitted<'a>(schema: &'a Json, place: &'static str, losses: &mut Losses) -> Cow<'a, Json> {
    if fits(schema) {
        return Cow::Borrowed(schema);
    }
    Cow::Owned(refitted(schema, place, losses))
}

/// Whether nothing is to be changed. Nearly always so: then no tree is built of it.
fn fits(schema: &Json) -> bool {
    let Ok(document) = Document::outline(schema.text()) else { return false };
    let (mut typed, mut has_properties) = (false, false);
    for (name, raw) in document.root().members() {
        match &*name {
            "type" => typed = raw.string().is_some_and(|kind| kind == "object"),
            "properties" => has_properties = raw.is_object(),
            name if ALTERNATIVES.contains(&name) && raw.is_list() => return false,
            _ => {}
        }
    }
    typed && has_properties
}

fn refitted(schema: &Json, place: &'static str, losses: &mut Losses) -> Json {
    let Value::Object(mut root) = schema.value() else {
        losses.add(place, "sent as an object of anything");
        return Json::from_value(&json!({"type": "object", "properties": {}}));
    };
    let merged = merge_alternatives(&mut root);
    if merged {
        losses.add(place, "alternatives at its root merged");
    }
    root.insert("type".to_owned(), json!("object"));
    if !root.get("properties").is_some_and(Value::is_object) {
        root.insert("properties".to_owned(), json!({}));
    }
    Json::from_value(&Value::Object(root))
}

/// Puts the properties of alternatives at the root; required is what all of them require, or any for `allOf`.
fn merge_alternatives(root: &mut Map<String, Value>) -> bool {
    let mut merged = false;
    for word in ALTERNATIVES {
        let Some(Value::Array(branches)) = root.shift_remove(word) else { continue };
        merged = true;
        let own = root.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(own) = own {
            let all = branches.iter().filter_map(|branch| branch.get("properties")?.as_object()).flatten();
            for (name, schema) in all {
                own.entry(name).or_insert_with(|| schema.clone());
            }
        }
        let lists: Vec<Vec<&Value>> = branches.iter().map(required).collect();
        let everywhere = |name: &Value| lists.iter().all(|list| list.contains(&name));
        let mut names: Vec<Value> = root.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        for name in lists.iter().flatten() {
            if (word == "allOf" || everywhere(name)) && !names.contains(name) {
                names.push((*name).clone());
            }
        }
        if !names.is_empty() {
            root.insert("required".to_owned(), Value::Array(names));
        }
    }
    merged
}

fn required(branch: &Value) -> Vec<&Value> {
    branch.get("required").and_then(Value::as_array).map(|names| names.iter().collect()).unwrap_or_default()
}

/// Whether `strict` is taken with this schema: every object in it is closed and requires all that it names.
pub(crate) fn is_strict(schema: &Json) -> bool {
    closed(&schema.value())
}

/// The reader of JSON limits nesting, so the recursion is bounded.
fn closed(schema: &Value) -> bool {
    let Value::Object(members) = schema else { return !schema.is_boolean() };
    let object = members.get("type").is_some_and(|kind| kind == "object") || members.contains_key("properties");
    if object {
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
    let lists = ALTERNATIVES.into_iter().filter_map(inner).filter_map(Value::as_array);
    maps.flat_map(Map::values).chain(lists.flatten()).chain(inner("items")).all(closed)
}
