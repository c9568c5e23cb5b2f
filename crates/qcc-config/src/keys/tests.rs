//! Keys by their dotted names: found, missed, and what they take.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::edit::{Edit, Kind, Node};

const FILE: &str = r#"
providers:
  - name: relay
    base_url: https://relay.example
    auth_value: ${RELAY}
    models: {claude-3.5-haiku: small, "*opus*": big}
    headers: {x-team: blue}
  - name: claude-3.5
    base_url: https://three.example
    auth_value: ${RELAY}
    proxy: http://user:pw@proxy.lan:3128
  - name: claude-3
    base_url: https://three.example
    auth_value: ${RELAY}
profiles:
  production:
    endpoints:
      - {provider: relay, weight: 3}
      - {provider: claude-3.5}
  "night.shift": {tier: fallback}
model_routes:
  "*claude-3.5*":
    - {provider: relay, model: small}
timeouts: {connect: 7s}
settings: {failure_cooldown: 90, timeouts: {streaming: {read_timeout: 5}}, app_name: x}
"#;

fn document(text: &str) -> Document {
    Document::parse(Path::new("config.yaml"), text).unwrap()
}

fn found(dotted: &str) -> Key {
    key(dotted, &document(FILE)).unwrap_or_else(|unfit| panic!("{dotted}: {unfit:?}"))
}

fn refused(dotted: &str) -> String {
    match key(dotted, &document(FILE)) {
        Ok(key) => panic!("{key:?}"),
        Err(unfit) => format!("{}\n  {}", unfit.message, unfit.hint),
    }
}

fn text_at(dotted: &str) -> Option<String> {
    document(FILE).get(&found(dotted).path).and_then(Node::as_text).map(str::to_owned)
}

#[test]
fn every_value_of_the_schema_has_a_key_and_every_default_is_a_value() {
    let schema = crate::schema();
    let empty = document("");
    let mut count = 0;
    for (section, part) in schema["properties"].as_object().unwrap() {
        let Some(target) = definition(&schema, part) else { continue };
        if section == "settings" {
            continue;
        }
        for (name, property) in target["properties"].as_object().unwrap() {
            let key = key(&format!("{section}.{name}"), &empty).unwrap();
            assert_ne!(key.takes, Takes::Section, "{section}.{name}");
            assert!(!key.help.is_empty(), "{section}.{name}");
            count += 1;
            if !property["default"].is_null() {
                let default = key.default.clone().unwrap();
                assert!(key.value(&default).is_ok(), "{section}.{name}: {default}");
            }
        }
    }
    assert!(count > 60, "{count}");
    assert_eq!(keys(&empty).len(), count);
}

#[test]
fn every_key_of_a_provider_a_profile_and_a_route_is_found() {
    let schema = crate::schema();
    let places = [
        ("Provider", "providers.relay"),
        ("Profile", "profiles.production"),
        ("Endpoint", "profiles.production.endpoints.relay"),
        ("RouteEntry", "model_routes.*claude-3.5*.0"),
        ("Limits", "providers.relay.limits"),
        ("Timeouts", "providers.relay.timeouts"),
    ];
    for (name, place) in places {
        for (property, part) in schema["$defs"][name]["properties"].as_object().unwrap() {
            let key = found(&format!("{place}.{property}"));
            if let Some(default) = key.default.as_ref().filter(|_| !part["default"].is_null()) {
                assert!(key.value(default).is_ok(), "{}", key.name);
            }
        }
    }
}

/// The definition that a property refers to.
fn definition<'a>(schema: &'a Value, part: &Value) -> Option<&'a Value> {
    let reference = part["anyOf"][0]["$ref"].as_str()?;
    schema.pointer(reference.trim_start_matches('#'))
}

#[test]
fn the_name_of_every_key_leads_back_to_it() {
    let document = document(FILE);
    let keys = keys(&document);
    for listed in &keys {
        assert_eq!(key(&listed.name, &document).as_ref(), Ok(listed));
    }
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    for name in [
        "providers.relay.models.\"claude-3.5-haiku\"",
        "providers.\"claude-3.5\".base_url",
        "profiles.\"night.shift\".tier",
        "profiles.production.endpoints.\"claude-3.5\".weight",
        "model_routes.\"*claude-3.5*\".0.model",
        "settings.failure_cooldown",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn names_may_hold_dots_with_and_without_quotes() {
    assert_eq!(text_at("providers.claude-3.5.base_url").unwrap(), "https://three.example");
    assert_eq!(found("providers.claude-3.5").path, ["providers".into(), Step::Item(1)]);
    assert_eq!(found("providers.claude-3.enabled").path[1], Step::Item(2));
    assert_eq!(found("providers.\"claude-3.5\".enabled").path[1], Step::Item(1));
    assert_eq!(found("providers.'claude-3.5'.enabled").path[1], Step::Item(1));
    assert_eq!(text_at("providers.relay.models.claude-3.5-haiku").unwrap(), "small");
    assert_eq!(text_at("model_routes.*claude-3.5*.0.model").unwrap(), "small");
    assert_eq!(text_at("profiles.production.endpoints.relay.weight").unwrap(), "3");
    assert_eq!(text_at("profiles.production.endpoints.0.weight").unwrap(), "3");
    assert_eq!(found("profiles.night.shift.tier").name, "profiles.\"night.shift\".tier");
}

#[test]
fn what_is_known_of_a_model_has_keys_of_its_own() {
    let slip = |name: &str| key(name, &document(FILE)).unwrap_err();
    assert_eq!(slip("providers.relay.capabilities.*mini*.contxt").hint, "did you mean `context`?");
    assert!(slip("providers.relay.capabilities.context").hint.starts_with("did you mean `context`?"));
    let refused = found("providers.relay.capabilities.*.refused");
    let words = Node::List(vec![Node::text("top_k"), Node::text("seed")]);
    assert_eq!((&refused.takes, refused.value("top_k, seed")), (&Takes::Texts, Ok(words)));
    let file = "providers: [{name: a, base_url: x, auth_value: k, capabilities: {'gpt-4.1': {context: 5}}}]";
    let names: Vec<String> = keys(&document(file)).into_iter().map(|key| key.name).collect();
    assert!(names.contains(&"providers.a.capabilities.\"gpt-4.1\".context".to_owned()), "{names:?}");
}

#[test]
fn the_shorter_name_is_meant_where_the_longer_one_leads_nowhere() {
    let file =
        "providers:\n  - {name: a, base_url: x, auth_value: k}\n  - {name: a.models, base_url: x, auth_value: k}\n";
    let document = document(file);
    assert_eq!(key("providers.a.models.*x*", &document).unwrap().path[1], Step::Item(0));
    assert_eq!(key("providers.a.models.base_url", &document).unwrap().path[1], Step::Item(1));
}

#[test]
fn what_does_not_exist_yet_can_be_set_where_it_makes_sense() {
    let document = document(FILE);
    for name in [
        "providers.relay.models.*sonnet*",
        "providers.relay.models.gpt-4.1",
        "providers.relay.headers.x-new",
        "providers.relay.timeouts.idle",
        "providers.relay.limits.rpm",
        "providers.relay.capabilities.*mini*.context",
        "providers.relay.capabilities.\"gpt-4.1*\".refused",
        "providers.relay.capabilities.gpt-4.1*.images",
        "model_routes.*claude-3.5*.1.provider",
        "model_routes.*gpt-4.1*.0.profile",
    ] {
        let key = key(name, &document).unwrap();
        assert_eq!(document.get(&key.path), None, "{name}");
    }
    let route = key("model_routes.*gpt-4.1*.0.provider", &document).unwrap();
    let path = vec!["model_routes".into(), "*gpt-4.1*".into()];
    let value = Node::map([("provider", Node::text("relay"))]);
    assert_eq!(route.edits(&document, "relay"), Ok(vec![Edit::Append { path, value }]));
    let port = key("proxy.port", &document).unwrap();
    let value = Node::number(1);
    assert_eq!(port.edits(&document, "1"), Ok(vec![Edit::Set { path: port.path.clone(), value }]));
}

#[test]
fn a_name_that_does_not_exist_is_answered_with_those_that_do() {
    let names = [
        "",
        "port",
        "prot",
        "proxy.prot",
        "proxi.port",
        "proxi",
        "timeout",
        "cooldown",
        "idle",
        "quux",
        "proxy.port.x",
        "proxy..port",
        "providers.relya.base_url",
        "providers.nobody",
        "providers.7.base_url",
        "providers.relay.base_ulr",
        "profiles.prodution.tier",
        "profiles.x y.tier",
        "profiles.production.endpoints.nobody.weight",
        "model_routes.*x*",
        "model_routes.*claude-3.5*.2.provider",
        "model_routes.*claude-3.5*.1.model",
        "providers.sk-ant-api03-abcdefgh.base_url",
    ];
    let all: Vec<String> = names.iter().map(|name| format!("{name}: {}", refused(name))).collect();
    insta::assert_snapshot!(all.join("\n"));
    let none = key("providers.relay.type", &document("")).unwrap_err();
    assert_eq!(none.hint, "there is no provider yet: `qcc add relay --base-url URL --api-key KEY` makes one");
}

#[test]
fn values_are_checked_as_in_the_file() {
    let values = [
        ("proxy.port", "7861"),
        ("proxy.port", "x"),
        ("proxy.port", "65536"),
        ("retry.max_attempts", "0"),
        ("retry.max_attempts", "-1"),
        ("retry.jitter", ".5"),
        ("retry.jitter", "1.5"),
        ("failover.auto", "yes"),
        ("failover.auto", "maybe"),
        ("timeouts.idle", "300"),
        ("timeouts.idle", "300s"),
        ("timeouts.idle", "0"),
        ("timeouts.idle", " 2 m "),
        ("proxy.max_body", "1gb"),
        ("proxy.max_body", "1GB"),
        ("logging.level", "inf"),
        ("providers.relay.auth_type", "oauth"),
        ("providers.relay.type", "zed"),
        ("providers.relay.type", "opanai"),
        ("providers.relay", "x"),
        ("settings.failure_cooldown", "3"),
        ("settings.timeouts.streaming.read_timeout", "3"),
        ("settings.app_name", "y"),
        ("profiles.production.endpoints.relay.weight", "10001"),
        ("proxy.host", "10"),
    ];
    let told = values.map(|(name, text)| match found(name).value(text) {
        Ok(Node::Scalar { kind, text: value }) => format!("{name} {text}: {kind:?} {value}"),
        Ok(other) => format!("{name} {text}: {other:?}"),
        Err(unfit) => format!("{name} {text}: {}\n  {}", unfit.message, unfit.hint),
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn lists_are_written_in_the_ways_that_come_to_mind() {
    let key = found("proxy.client_keys");
    let texts = |text: &str| match key.value(text) {
        Ok(Node::List(items)) => Ok(items.iter().map(|item| item.as_text().unwrap().to_owned()).collect::<Vec<_>>()),
        Ok(other) => panic!("{other:?}"),
        Err(unfit) => Err(unfit.message),
    };
    for text in ["a,b", "[a, b]", "[\"a\", 'b']", " a , b ", "\"a\",b"] {
        assert_eq!(texts(text), Ok(vec!["a".to_owned(), "b".to_owned()]), "{text}");
    }
    assert_eq!(texts("[\"a, \\\"b\", ${C}]"), Ok(vec!["a, \"b".to_owned(), "${C}".to_owned()]));
    for text in ["", "[]", " [ ] "] {
        assert_eq!(texts(text), Ok(vec![]), "{text}");
    }
    for text in ["[a", "a,,b", "a,", "\"a"] {
        assert!(texts(text).is_err(), "{text}");
    }
}

#[test]
fn the_default_of_a_part_is_what_the_whole_says() {
    assert_eq!(found("providers.relay.timeouts.connect").default.as_deref(), Some("7s"));
    assert_eq!(found("providers.relay.timeouts.idle").default.as_deref(), Some("120s"));
    assert_eq!(found("profiles.production.strategy").default.as_deref(), Some("priority"));
    assert_eq!(found("retry.multiplier").default.as_deref(), Some("2"));
    assert_eq!(found("storage.path").default, None);
}

#[test]
fn only_places_of_secrets_are_secret() {
    for (name, secret) in [
        ("providers.relay.auth_value", true),
        ("providers.relay.headers.x-any", true),
        ("proxy.client_keys", true),
        ("settings.auth.api_key", true),
        ("providers.claude-3.5.proxy", true),
        ("providers.relay.proxy", false),
        ("providers.relay.base_url", false),
        ("proxy.port", false),
    ] {
        assert_eq!(found(name).secret, secret, "{name}");
    }
    let key = found("providers.relay.auth_value");
    assert_eq!(
        ["sk-1", "${KEY}", "${file:/k}", "passthrough", "a${KEY}"].map(|text| key.shown(text)),
        ["[redacted]", "${KEY}", "${file:/k}", "passthrough", "[redacted]"]
    );
}

#[test]
fn texts_that_look_like_something_else_stay_texts() {
    let value = found("proxy.host").value("10").unwrap();
    assert_eq!(value, Node::Scalar { kind: Kind::Text, text: "10".to_owned() });
}

#[test]
fn the_value_in_force_is_written_moved_or_the_default() {
    let document = document(FILE);
    let text = |name: &str| {
        let in_force = key(name, &document).unwrap().in_force(&document)?;
        Some((in_force.value.as_text().unwrap_or("a list").to_owned(), in_force.origin))
    };
    let is = |text: &str, origin: Origin| Some((text.to_owned(), origin));
    assert_eq!(text("timeouts.connect"), is("7s", Origin::File));
    assert_eq!(text("breaker.open_initial"), is("90s", Origin::Settings("settings.failure_cooldown".to_owned())));
    assert_eq!(text("providers.relay.timeouts.connect"), is("7s", Origin::Default));
    assert_eq!(text("proxy.port"), is("7860", Origin::Default));
    assert_eq!(text("proxy.client_keys"), is("a list", Origin::Default));
    assert_eq!(text("storage.path"), None);
    assert_eq!(text("proxy"), None);
}

#[test]
fn the_sections_are_those_of_settings() {
    let names = sections();
    assert!(names.contains(&"proxy") && names.contains(&"settings"));
    assert!(!names.contains(&"providers") && !names.contains(&"profiles") && !names.contains(&"model_routes"));
}
