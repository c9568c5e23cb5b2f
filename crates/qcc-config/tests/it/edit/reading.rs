//! What a document says of a file without changing it.

use std::path::Path;

use qcc_config::edit::{Credential, Document, Kind, Node};

use super::{MAIN, document, path};

#[test]
fn a_file_that_does_not_exist_is_an_empty_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let missing = Document::open(&file).unwrap();
    assert_eq!((missing.exists(), missing.text(), missing.get(&[])), (false, "", Some(&Node::Null)));
    std::fs::write(&file, MAIN).unwrap();
    let there = Document::open(&file).unwrap();
    assert_eq!((there.exists(), there.text(), there.path()), (true, MAIN, file.as_path()));
    assert!(there.edited(&[super::remove("retry")]).unwrap().exists());
    assert!(Document::open(folder.path()).is_err());
}

#[test]
#[cfg(unix)]
fn a_link_that_leads_nowhere_is_not_taken_for_a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("config.yaml");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    assert!(Document::open(&link).is_err());
}

#[test]
fn values_are_found_through_aliases_and_merge_keys_with_the_line_where_these_are() {
    let document = document(MAIN);
    let text = |dotted: &str| document.get(&path(dotted)).and_then(Node::as_text).unwrap_or("-").to_owned();
    let line = |dotted: &str| document.line(&path(dotted)).map_or(0, |line| line);
    let rows = [
        "providers",
        "providers.1",
        "providers.1.base_url",
        "providers.1.timeouts.connect",
        "providers.2.timeouts.connect",
        "providers.2.timeouts.idle",
        "profiles.production.description",
        "profiles.backup.endpoints.0.provider",
        "model_routes.*opus*.0",
        "retry.budget",
        "retry.same_provider",
        "retry.nothing",
    ];
    let rows = rows.map(|row| format!("{}: {row}: {:?}", line(row), text(row)));
    insta::assert_snapshot!(rows.join("\n"), @r#"
    4: providers: "-"
    11: providers.1: "-"
    12: providers.1.base_url: "https://relay.example"
    17: providers.1.timeouts.connect: "20s"
    27: providers.2.timeouts.connect: "20s"
    29: providers.2.timeouts.idle: "90s"
    33: profiles.production.description: "Everything that must work.\n  Ask before you change it.\n"
    41: profiles.backup.endpoints.0.provider: "openrouter"
    47: model_routes.*opus*.0: "-"
    57: retry.budget: "0.20"
    58: retry.same_provider: "-"
    0: retry.nothing: "-"
    "#);
}

#[test]
fn scalars_keep_the_text_that_was_written() {
    let document = document("breaker: {error_rate: 0.50, jitter: 1e3}\nproxy:\n  port: '7860'\n  host: |\n    ::1\n");
    let at = |dotted: &str| document.get(&path(dotted)).cloned();
    assert_eq!(at("breaker.error_rate"), Some(Node::Scalar { kind: Kind::Number, text: "0.50".to_owned() }));
    assert_eq!(at("breaker.jitter"), Some(Node::Scalar { kind: Kind::Number, text: "1e3".to_owned() }));
    assert_eq!(at("proxy.port"), Some(Node::text("7860")));
    assert_eq!(at("proxy.host"), Some(Node::text("::1\n")));
    assert_eq!(at("proxy.nothing"), None);
}

#[test]
fn lists_show_what_is_written_with_the_defaults() {
    let document = document(MAIN);
    let providers = document.providers();
    let shown = providers.iter().map(|it| {
        format!(
            "{}: {} {} {} {} {:?} {}",
            it.line, it.name, it.kind, it.base_url, it.auth_type, it.credential, it.enabled
        )
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    6: official anthropic https://api.anthropic.com api_key Reference("${ANTHROPIC_API_KEY}") true
    11: relay anthropic https://relay.example auth_token Reference("${RELAY_TOKEN}") true
    24: openrouter anthropic https://openrouter.ai/api api_key Reference("${OPENROUTER_API_KEY}") true
    "#);
    let mut lines = Vec::new();
    for profile in document.profiles() {
        lines.push(format!(
            "{}: {} {:?} {:?} {:?}",
            profile.line, profile.name, profile.description, profile.tier, profile.strategy
        ));
        for it in profile.endpoints {
            lines.push(format!("  {}: {} {} {} {}", it.line, it.provider, it.weight, it.priority, it.enabled));
        }
    }
    for route in document.routes() {
        lines.push(format!("{}: {} {:?} {:?}", route.line, route.glob, route.providers, route.profiles));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    32: production "Everything that must work.\n  Ask before you change it.\n" Some("primary") None
      38: official 100 1 true
      39: relay 50 2 true
    41: backup "" Some("secondary") None
      41: openrouter 100 1 true
    44: *haiku* ["relay"] []
    46: *opus* ["official"] []
    "#);
}

#[test]
fn a_list_tells_where_a_credential_comes_from_and_shows_none() {
    let written = |more: &str| {
        let text = format!("providers:\n- {{name: a, base_url: \"https://u:secret@${{HOST}}/v1?k=secret\"{more}}}\n");
        document(&text).providers().remove(0)
    };
    assert_eq!(written("").base_url, "https://${HOST}/v1");
    assert_eq!(written("").credential, Credential::Missing);
    assert_eq!(written(", auth_value: passthrough").credential, Credential::Passthrough);
    assert_eq!(written(", auth_type: passthrough").credential, Credential::Passthrough);
    assert_eq!(written(", auth_value: sk-secret").credential, Credential::Literal);
    let reference = Credential::Reference("${file:/key}".to_owned());
    assert_eq!(written(", auth_value: '${file:/key}'").credential, reference);
    assert!(!written(", enabled: no").enabled);
}

#[test]
fn a_long_sample_that_is_commented_out_is_no_trouble() {
    let sample = "# proxy:\n".repeat(5000);
    assert_eq!(document(&sample).get(&[]), Some(&Node::Null));
}

#[test]
fn a_file_that_stands_for_more_than_any_configuration_is_refused() {
    let level = |level: usize| format!("  - {{provider: p, mode: &a{level} [*a{0}, *a{0}]}}\n", level - 1);
    let levels: String = (1..40).map(level).collect();
    let bomb = format!("model_routes:\n  x:\n  - {{provider: p, mode: &a0 [1]}}\n{levels}");
    assert!(Document::parse(Path::new("config.yaml"), &bomb).is_err());
}
