//! The schema, the examples and the reference agree with the reader.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use qcc_config::schema;
use serde_json::{Map, Value, json};

use crate::{attempt, config, loaded, notices};

fn at_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn examples() -> Vec<(PathBuf, String)> {
    let entries = read_dir(at_root("examples")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut examples: Vec<_> = files.map(|path| (path.clone(), read_to_string(&path).unwrap())).collect();
    examples.sort();
    examples
}

/// The file as plain data, read by the same YAML reader without our types.
fn data(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_checked_in_schema_is_the_one_that_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
    let printed = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("QCC_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    assert!(read_to_string(&path).unwrap() == printed, "run the tests once with QCC_UPDATE_SCHEMA=1");
}

#[test]
fn every_example_loads_and_fits_the_schema() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let examples = examples();
    assert!(examples.len() >= 3);
    for (path, text) in examples {
        if let Err(error) = attempt(&text) {
            panic!("{}\n{error}", path.display());
        }
        let faults: Vec<String> = validator.iter_errors(&data(&text)).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in [
        "proxy: {prot: 1}",
        "proxy: {port: 70000}",
        "timeouts: {total: 90}",
        "timeouts: {total: soon}",
        "logging: {level: loud}",
        "retry: {jitter: 2.0}",
        "providers: [{name: a}]",
        "providers: [{name: a, base_url: 'https://a.example', type: zed, auth_value: x}]",
        "model_routes: {'*': [{provider: anthropic, profile: b}]}",
        "profiles: {p: {endpoints: [{provider: anthropic, weight: 20000}]}}",
        "settings: {quux: 1}",
        "providers: [{name: a, base_url: 'https://a.example', auth_value: x, capabilities: {'*': {context: 0}}}]",
        "providers: [{name: a, base_url: 'https://a.example', auth_value: x, capabilities: {'*': {thinking: hard}}}]",
        "providers: [{name: a, base_url: 'https://a.example', auth_value: x, capabilities: {'*': {refused: [model]}}}]",
    ] {
        assert!(attempt(text).is_err(), "{text}");
        assert!(!validator.is_valid(&data(text)), "{text}");
    }
}

/// Every section of the schema with its keys.
fn sections(schema: &Value) -> Vec<(String, Map<String, Value>)> {
    let root = schema["properties"].as_object().unwrap();
    let target = |property: &Value| {
        let text = property.to_string();
        let name = text.split("#/$defs/").nth(1)?.split('"').next()?.to_owned();
        schema["$defs"][name]["properties"].as_object().cloned()
    };
    let lists = ["providers", "profiles", "model_routes", "settings"];
    let sections = root.iter().filter(|(name, _)| !lists.contains(&name.as_str()));
    sections.map(|(name, property)| (name.clone(), target(property).unwrap())).collect()
}

#[test]
fn the_defaults_of_the_schema_are_the_defaults_in_force() {
    let mut file = Map::new();
    for (section, keys) in sections(&schema()) {
        let defaults = keys.iter().filter_map(|(key, value)| Some((key.clone(), value.get("default")?.clone())));
        file.insert(section, Value::Object(defaults.collect()));
    }
    assert_eq!(file.len(), 14);
    assert_eq!(config(&Value::Object(file).to_string()), config(""));
}

#[test]
fn the_full_example_shows_every_key_with_its_default() {
    let text = read_to_string(at_root("examples/full.yaml")).unwrap();
    let shown = data(&text);
    for (section, keys) in sections(&schema()) {
        for (key, property) in keys {
            match property.get("default") {
                Some(default) => assert_eq!(number(&shown[&section][&key]), number(default), "{section}.{key}"),
                None => assert!(text.contains(&format!("# {key}:")), "{section}.{key}"),
            }
        }
    }
    for name in ["Provider", "Profile", "Endpoint", "RouteEntry", "Limits"] {
        let keys = schema()["$defs"][name]["properties"].as_object().unwrap().clone();
        for key in keys.keys().filter(|key| *key != "mode") {
            assert!(text.contains(&format!("{key}:")), "{name}.{key}");
        }
    }
}

/// `2` and `2.0` are one number.
fn number(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), |number| json!(number))
}

#[test]
fn the_full_example_gives_the_settings_of_an_empty_file() {
    let full = loaded(&read_to_string(at_root("examples/full.yaml")).unwrap());
    assert_eq!(full.config.settings, config("").settings);
    insta::assert_snapshot!(notices(&full));
}

#[test]
fn the_reference_names_every_key() {
    let reference = read_to_string(at_root("docs/configuration.md")).unwrap();
    let schema = schema();
    let mut missing = Vec::new();
    for (section, keys) in sections(&schema) {
        missing.extend(keys.keys().map(|key| format!("`{section}.{key}`")));
    }
    let settings = ["BalancerSettings", "OldTimeouts", "OldTimes", "OldAuth", "OldDeduplication"];
    let lists = ["Provider", "Profile", "Endpoint", "RouteEntry", "Limits", "Capabilities"];
    for name in settings.iter().chain(&lists) {
        missing.extend(schema["$defs"][*name]["properties"].as_object().unwrap().keys().map(|key| format!("`{key}`")));
    }
    missing.extend(schema["properties"].as_object().unwrap().keys().map(|key| format!("`{key}`")));
    missing.retain(|key| !reference.contains(key.as_str()));
    assert!(missing.is_empty(), "docs/configuration.md does not name {missing:?}");
}
