//! Schemas of tools and of answers, as vendors take them: what has to stand at the root of one, and what one may hold to
//! which an answer is bound, for OpenAI ([`is_strict`]) and for Anthropic ([`bound`]).
//!
//! A schema that is taken goes as the text that it is; its order of members matters to prompt caches, and to models that
//! fill it in.

use std::borrow::Cow;

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use crate::canon::{Json, Losses};
use crate::json::Document;
use crate::json::write::Object;

mod bound;
mod strict;
#[cfg(test)]
mod tests;

pub(crate) use bound::{Bound, bound};
pub(crate) use strict::is_strict;

/// Words for alternatives, which are refused at the root by OpenAI and Anthropic.
const ALTERNATIVES: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// Further words that OpenAI refuses there. None of them can be said otherwise.
const UNTOLD: [&str; 2] = ["enum", "not"];

/// The schema as OpenAI takes it, an object with properties, changed only where it would be refused. `place` names it among
/// the losses.
pub(crate) fn fitted<'a>(schema: Cow<'a, Json>, place: &'static str, losses: &mut Losses) -> Cow<'a, Json> {
    if is_object(&schema, true) {
        return schema;
    }
    Cow::Owned(refitted(&schema, place, losses))
}

/// The same as Anthropic takes it, which asks for no properties. Where only the type is missing, everything else stays as
/// the text that it is.
pub(crate) fn rooted<'a>(schema: &'a Json, place: &'static str, losses: &mut Losses) -> Cow<'a, Json> {
    if is_object(schema, false) {
        return Cow::Borrowed(schema);
    }
    Cow::Owned(typed(schema).unwrap_or_else(|| refitted(schema, place, losses)))
}

fn typed(schema: &Json) -> Option<Json> {
    let document = Document::outline(schema.text()).ok()?;
    let mut out = BytesMut::with_capacity(schema.text().len() + 24);
    let mut object = Object::begin(&mut out);
    object.member("type", "object");
    for (name, raw) in document.root().members() {
        match &*name {
            "type" if raw.is_null() => {}
            "type" | "$ref" => return None,
            name if ALTERNATIVES.contains(&name) => return None,
            name => drop(object.raw(name, raw.get())),
        }
    }
    object.end();
    Json::from_text(String::from_utf8(out.into()).ok()?).ok()
}

/// Whether nothing is to be changed. Nearly always so: then no tree is built of it.
fn is_object(schema: &Json, with_properties: bool) -> bool {
    let Ok(document) = Document::outline(schema.text()) else { return false };
    let (mut typed, mut has_properties) = (false, false);
    for (name, raw) in document.root().members() {
        match &*name {
            "type" => typed = raw.string().is_some_and(|kind| kind == "object"),
            "properties" => has_properties = raw.is_object(),
            name if ALTERNATIVES.contains(&name) && raw.is_list() => return false,
            name if UNTOLD.contains(&name) && with_properties => return false,
            _ => {}
        }
    }
    typed && (has_properties || !with_properties)
}

fn refitted(schema: &Json, place: &'static str, losses: &mut Losses) -> Json {
    let Value::Object(mut root) = schema.value() else {
        losses.add(place, "sent as an object of anything");
        return Json::from_value(&json!({"type": "object", "properties": {}}));
    };
    point_inwards(&mut root);
    if merge_alternatives(&mut root) {
        losses.add(place, "alternatives at its root merged");
    }
    for word in UNTOLD {
        if root.shift_remove(word).is_some() {
            losses.add(place, format!("`{word}` at its root dropped"));
        }
    }
    root.insert("type".to_owned(), json!("object"));
    if !root.get("properties").is_some_and(Value::is_object) {
        root.insert("properties".to_owned(), json!({}));
    }
    Json::from_value(&Value::Object(root))
}

/// A root that is only the name of one of its definitions becomes that definition; generators of schemas write such roots.
fn point_inwards(root: &mut Map<String, Value>) {
    let pointer = root.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/"));
    let mut steps = pointer.into_iter().flat_map(|path| path.split('/'));
    let first = steps.next().and_then(|step| root.get(step));
    let Some(Value::Object(named)) = first.and_then(|first| steps.try_fold(first, |inner, step| inner.get(step)))
    else {
        return;
    };
    let named = named.clone();
    root.shift_remove("$ref");
    for (name, value) in named {
        root.entry(name).or_insert(value);
    }
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

/// Whether a value of this schema may be an object.
fn has_object(members: &Map<String, Value>) -> bool {
    let kind = members.get("type");
    let among = kind.and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"));
    among || kind.is_some_and(|kind| kind == "object") || members.contains_key("properties")
}
