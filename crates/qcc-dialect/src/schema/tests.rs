//! Which schemas are changed, and to which an answer is bound.

use serde_json::json;

use super::*;

fn json_of(schema: &Value) -> Json {
    Json::from_value(schema)
}

fn fit(schema: Value) -> (Value, Vec<String>) {
    let mut losses = Losses::new();
    let fitted = fitted(Cow::Owned(json_of(&schema)), "schema", &mut losses).value();
    (fitted, losses.iter().map(ToString::to_string).collect())
}

/// Case 17: a root that only names a definition is that definition.
#[test]
fn a_root_that_names_a_definition_becomes_it() {
    let node = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let (schema, losses) = fit(json!({"$ref": "#/$defs/Node", "$defs": {"Node": node}}));
    let expected = json!({"$defs": {"Node": node}, "type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!((schema, losses), (expected, vec![]));
    let (schema, _) = fit(json!({"$ref": "#/$defs/Nobody"}));
    assert_eq!(schema["$ref"], "#/$defs/Nobody");
}

/// Case 17: OpenAI refuses further words at the root, Anthropic does not.
#[test]
fn words_that_openai_refuses_at_the_root_are_dropped() {
    let odd = json!({"type": "object", "properties": {}, "not": {"required": ["a"]}, "enum": [{}]});
    let (schema, losses) = fit(odd.clone());
    assert_eq!(schema, json!({"type": "object", "properties": {}}));
    assert_eq!(losses, ["schema: `enum` at its root dropped", "schema: `not` at its root dropped"]);
    assert_eq!(rooted(&json_of(&odd), "schema", &mut Losses::new()).value(), odd);
}

fn object(properties: Value) -> Value {
    let names: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

#[test]
fn strict_is_only_what_openai_binds_to() {
    let text = json!({"type": "string"});
    for (taken, property) in [
        (true, text.clone()),
        (true, json!({"type": ["string", "null"], "pattern": "^a", "description": "x"})),
        (true, json!({"anyOf": [text, {"type": "null"}]})),
        (true, json!({"type": "array", "items": {"$ref": "#/$defs/x"}, "minItems": 2})),
        (true, json!({"type": "string", "enum": ["a"]})),
        (false, json!({"type": "string", "minLength": 1})),
        (false, json!({"type": "string", "default": "x"})),
        (false, json!({"allOf": [text]})),
        (false, json!({"oneOf": [text]})),
        (false, json!({"$ref": "#/$defs/x", "description": "x"})),
        (false, json!({"description": "anything"})),
        (false, json!({"type": ["object", "null"]})),
        (false, json!(true)),
    ] {
        assert_eq!(is_strict(&json_of(&object(json!({"a": property})))), taken, "{property}");
    }
}

fn bound_to(schema: &Value) -> Option<(Value, bool)> {
    let schema = json_of(schema);
    bound(&schema).map(|bound| (bound.schema.value(), bound.differs))
}

#[test]
fn what_only_narrows_is_told_where_anthropic_does_not_bind_to_it() {
    let given = object(json!({
        "a": {"type": "string", "description": "A name.", "minLength": 1, "maxLength": 9},
        "b": {"type": ["integer", "null"], "minimum": 0},
        "c": {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1, "maxItems": 3},
    }));
    let expected = object(json!({
        "a": {"type": "string", "description": "A name. (minLength: 1, maxLength: 9)"},
        "b": {"type": ["integer", "null"], "description": "(minimum: 0)"},
        "c": {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1, "description": "(maxItems: 3)"},
    }));
    assert_eq!(bound_to(&given), Some((expected.clone(), true)));
    assert_eq!(bound_to(&expected), Some((expected, false)));
}

#[test]
fn open_objects_are_closed_where_their_members_are_named() {
    let open = json!({"$schema": "s", "type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}});
    let closed = json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}]}},
        "additionalProperties": false});
    assert_eq!(bound_to(&open), Some((closed, true)));
    let said = object(json!({}));
    let mut with_dialect = said.clone();
    with_dialect["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    assert_eq!(bound_to(&with_dialect), Some((said, false)), "which says nothing of the answer");
}

#[test]
fn what_anthropic_cannot_say_leaves_the_schema_unbound() {
    let with = |property: Value| object(json!({"a": property}));
    let mut tree = with(json!({"$ref": "#/$defs/node"}));
    tree["$defs"] =
        json!({"node": object(json!({"left": {"$ref": "#/$defs/leaf"}})), "leaf": {"$ref": "#/$defs/node"}});
    for unsayable in [
        with(json!({"type": "object", "additionalProperties": {"type": "string"}})),
        with(json!({"type": "object"})),
        with(json!({"description": "anything"})),
        with(json!(true)),
        with(json!({"type": "string", "not": {"const": "x"}})),
        with(json!({"$ref": "#"})),
        with(json!({"$ref": "https://example.com/schema"})),
        tree,
        json!("schema"),
    ] {
        assert_eq!(bound_to(&unsayable), None, "{unsayable}");
    }
    let mut shared = with(json!({"anyOf": [{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}]}));
    shared["$defs"] = json!({"one": object(json!({"x": {"$ref": "#/$defs/two"}})), "two": {"type": "string"}});
    assert_eq!(bound_to(&shared), Some((shared.clone(), false)));
}

#[test]
fn definitions_without_end_are_looked_at_once() {
    let definitions: Map<String, Value> = (0..5_000)
        .map(|at| {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            (format!("d{at}"), json!({"anyOf": [next, next]}))
        })
        .chain([("d5000".to_owned(), json!({"type": "string"}))])
        .collect();
    let mut schema = object(json!({"a": {"$ref": "#/$defs/d0"}}));
    schema["$defs"] = Value::Object(definitions);
    assert!(bound_to(&schema).is_some());
}
