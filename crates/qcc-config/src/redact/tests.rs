//! Samples with secrets wherever somebody may have put one.

use std::fmt::Write as _;

use super::*;

/// In every one of these `hunter2-hunter2`, `sk-ant-...`, `s3cr3t` and the like are secrets.
const SECRETS: &[&str] =
    &["hunter2", "sk-ant", "s3cr3t", "Zx81", "0123456789abcdef", "swordfish", "opensesame", "pw@", "?key=", "ghp_"];

const NASTY: &str = r#"# yaml-language-server: $schema=./config.schema.json
# How we reach providers. Ask Jo before you change this: the relay is paid by the team.
providers:
  # The old one, see the wiki:
  # - name: old
  #   base_url: https://old.example
  #   auth_value: hunter2-old
  #   headers:
  #     x-team: hunter2-team
  #   timeouts: {idle: 5s}
  - name: relay
    base_url: https://relay.example   # was https://u:hunter2@relay.example before
    auth_value: sk-ant-api03-relay    # expires in May; the one before was sk-ant-old
    headers: {x-one: s3cr3t-one, "x-two": 's3cr3t, two', x-ref: "Bearer ${TOKEN}"}
    proxy: http://jo:pw@proxy.lan:3128
  - name: block
    base_url: https://block.example
    auth_value: |
      s3cr3t-block
      s3cr3t-second
  - name: folded
    base_url: https://folded.example
    auth_value: >-
      s3cr3t-folded
    headers:
      x-plain: s3cr3t
        continued
      # x-gone: swordfish
      # swordfish
  - {name: flow, base_url: 'https://flow.example', auth_value: "s3cr3t\"\u0041", enabled: false}
  - name: alias
    base_url: https://alias.example
    health_model: &shared s3cr3t-anchor
    auth_value: *shared
  - &base
    name: base
    base_url: https://base.example?key=opensesame
    auth_value: 'it''s s3cr3t'
  - <<: *base
    name: merged
proxy:
  client_keys:
    - s3cr3t-client
    # - s3cr3t-oldclient
    - "${CLIENT_KEY}"
  # client_keys: [swordfish]
  # api key = opensesame
profiles:
  main:
    description: the key is ghp_abcdefabcdef0123
    endpoints: [{provider: relay}] # token Zx81Zx81Zx81Zx81Zx81
settings:
  auth: {enabled: true, api_key: s3cr3t-old}
  oauth: {client_secret: s3cr3t, more: [s3cr3t]}
# {"providers": [{"name": "x", "auth_value": "hunter2"}]}
# Authorization: Bearer opensesame
# s3cr3t-block was noted down here
# digest 0123456789abcdef0123456789abcdef
"#;

fn document(text: &str) -> Document {
    Document::parse(Path::new("config.yaml"), text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn assert_hidden(shown: &str) {
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} in:\n{shown}");
    }
}

/// The keys of a document with the kinds of their values, as far as no secret is concerned.
fn shape(document: &Document) -> String {
    let mut shape = String::new();
    for scalar in Places::of(document.text()).unwrap().scalars {
        writeln!(shape, "{:?}", scalar.path).unwrap();
    }
    shape
}

#[test]
fn an_export_holds_no_secret_and_keeps_the_rest() {
    let original = document(NASTY);
    let exported = redacted(&original);
    assert_hidden(&exported);
    assert_eq!(shape(&document(&exported)), shape(&original));
    insta::assert_snapshot!(exported);
}

#[test]
fn lines_hold_no_secret_and_have_their_numbers() {
    let lines = Hidden::new(NASTY, &[]).lines();
    assert_hidden(&lines.join("\n"));
    assert_eq!(lines.len(), NASTY.lines().count());
    assert_eq!(lines[1], NASTY.lines().nth(1).unwrap());
}

#[test]
fn the_same_holds_with_other_line_ends_and_a_byte_order_mark() {
    let windows = format!("\u{feff}{}", NASTY.replace('\n', "\r\n"));
    let exported = redacted(&document(&windows));
    assert_hidden(&exported);
    assert_eq!(exported.trim_start_matches('\u{feff}').replace("\r\n", "\n"), redacted(&document(NASTY)));
    assert_eq!(Hidden::new(&windows, &[]).lines(), Hidden::new(NASTY, &[]).lines());
}

#[test]
fn json_stays_json_with_its_references() {
    for text in [
        r#"{"providers":[{"name":"a","base_url":"https://a.example","auth_value":"s3cr3t\u0041","headers":{"x":"s3cr3t"}}],"proxy":{"client_keys":["s3cr3t","${K}"]}}"#,
        "{\n  \"providers\": [\n    {\n      \"name\": \"a\",\n      \"base_url\": \"https://a.example\",\n      \"auth_value\": \"s3cr3t\"\n    }\n  ]\n}\n",
    ] {
        let exported = redacted(&document(text));
        assert_hidden(&exported);
        assert_hidden(&Hidden::new(text, &[]).lines().join("\n"));
        let value: serde_json::Value = serde_json::from_str(&exported).unwrap();
        assert_eq!(value["providers"][0]["auth_value"], "[redacted]");
        assert_eq!(value["providers"][0]["name"], "a");
        assert!(!text.contains("${K}") || exported.contains("\"${K}\""));
    }
}

#[test]
fn a_text_that_cannot_be_read_is_shown_by_the_rules_for_lines() {
    for text in [
        "providers:\n  - name: a\n   auth_value: s3cr3t\n  # hunter2\n",
        "providers:\n  - auth_value: s3cr3t\n    quux: s3cr3t\n",
        "s3cr3t\n",
        "{\"auth_value\": \"s3cr3t\"",
        "providers:\n  - name: a\n    auth_value: |\n      s3cr3t\n    quux: 1\n",
        "# auth_value: s3cr3t\nquux:\n",
    ] {
        let lines = Hidden::new(text, &[]).lines();
        assert_hidden(&lines.join("\n"));
        assert_eq!(lines.len(), text.lines().count());
    }
}

#[test]
fn what_is_a_secret_in_one_text_is_hidden_in_the_other() {
    let before = "providers:\n  - {name: a, base_url: 'https://a', auth_value: opensesame}\n# nothing here\n";
    let after = "providers: []\n# opensesame it was\nprofiles: {p: {description: say opensesame to it}}\n";
    let known = Hidden::new(before, &[]).secrets().to_vec();
    insta::assert_snapshot!(Hidden::new(after, &known).lines().join("\n"), @r"
    providers: []
    # [redacted] it was
    profiles: {p: {description: [redacted]}}
    ");
}

#[test]
fn prose_in_comments_is_shown() {
    let text = "\
# Providers of the team. See https://wiki.example/qcc for more, or ask Jo.
# Models: claude-haiku-4-5-20251001, anthropic/claude-3.5-sonnet-20241022.
providers: # in file order
  # - name: old
  #   base_url: https://old.example
  #   auth_value: ${OLD_KEY}
  - name: a # the cheap one
    base_url: https://a.example
    auth_value: ${A} # from the vault of the team
    timeouts:
      idle: 5s # was 7s, 9s is too long
";
    assert_eq!(Hidden::new(text, &[]).lines().join("\n") + "\n", text);
    assert_eq!(redacted(&document(text)), text);
}

fn fill(text: &str, current: Option<&str>) -> Result<String, String> {
    filled(text, current, Path::new("new.yaml")).map_err(|error| error.to_string())
}

#[test]
fn an_export_that_is_imported_again_has_its_secrets_back() {
    let exported = redacted(&document(NASTY));
    let back = fill(&exported, Some(NASTY)).unwrap();
    let values = |text: &str| -> Vec<(Vec<Step>, String)> {
        Places::of(text).unwrap().scalars.into_iter().map(|scalar| (scalar.path, scalar.text)).collect()
    };
    assert_eq!(values(&back), values(NASTY));
}

#[test]
fn a_secret_is_taken_from_the_same_provider_wherever_it_stands() {
    let current = "\
providers:
  - {name: a, base_url: x, auth_value: key-of-a, headers: {x-h: header-of-a}}
  - {name: b, base_url: x, auth_value: 'key, of b'}
proxy: {client_keys: [one, two]}
";
    let new = "\
providers:
  - name: b
    base_url: x
    auth_value: '[redacted]'
  - name: a
    base_url: x
    auth_value: \"[redacted]\"
    headers:
      x-h: \"[redacted]\"
proxy: {client_keys: [\"[redacted]\", '[redacted]']}
";
    insta::assert_snapshot!(fill(new, Some(current)).unwrap(), @r"
    providers:
      - name: b
        base_url: x
        auth_value: 'key, of b'
      - name: a
        base_url: x
        auth_value: key-of-a
        headers:
          x-h: header-of-a
    proxy: {client_keys: [one, two]}
    ");
    let json = r#"{"providers": [{"name": "b", "auth_value": "[redacted]", "base_url": "x"}]}"#;
    assert_eq!(fill(json, Some(current)).unwrap(), json.replace("[redacted]", "key, of b"));
}

#[test]
fn a_redacted_place_without_a_secret_is_named() {
    let new = "\
providers:
  - {name: new, base_url: x, auth_value: '[redacted]'}
  - {name: a, base_url: x, auth_value: '[redacted]'}
proxy: {client_keys: ['[redacted]']}
";
    let current = "providers: [{name: a, base_url: x, auth_value: k}]\n";
    insta::assert_snapshot!(fill(new, Some(current)).unwrap_err());
    assert!(fill(new, None).unwrap_err().contains("provider `a`"));
    assert_eq!(fill("proxy: {}\n", None).unwrap(), "proxy: {}\n");
    // One of two keys was taken out: which one stayed?
    let (one, two) = ("proxy: {client_keys: ['[redacted]']}\n", "proxy: {client_keys: [key-one, key-two]}\n");
    assert!(fill(one, Some(two)).is_err());
}

proptest::proptest! {
    /// Pieces of files in any order: whatever they make, it is shown line by line and without the secret.
    #[test]
    fn no_mixture_of_pieces_shows_a_secret(mut pieces in proptest::collection::vec(0..PIECES.len(), 1..24)) {
        is_safe(&pieces)?;
        // In their order they are more often a file that can be read.
        pieces.sort_unstable();
        pieces.dedup();
        is_safe(&pieces)?;
    }
}

fn is_safe(pieces: &[usize]) -> Result<(), proptest::test_runner::TestCaseError> {
    let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
    let lines = Hidden::new(&text, &[]).lines();
    proptest::prop_assert_eq!(lines.len(), text.lines().count());
    proptest::prop_assert!(!lines.join("\n").contains("sk-ant"), "{}\n\n{}", text, lines.join("\n"));
    if let Ok(document) = Document::parse(Path::new("config.yaml"), &text) {
        let exported = redacted(&document);
        proptest::prop_assert!(!exported.contains("sk-ant"), "{}\n\n{}", text, exported);
        let exported = Document::parse(Path::new("config.yaml"), &exported);
        proptest::prop_assert_eq!(exported.map(|exported| shape(&exported)).ok(), Some(shape(&document)), "{}", text);
    }
    Ok(())
}

const PIECES: &[&str] = &[
    "providers:\n",
    "  - name: a\n    base_url: https://a.example\n",
    "  - {name: b, base_url: 'https://b.example', auth_value: sk-ant-1}\n",
    "    auth_value: sk-ant-2\n",
    "    auth_value: \"sk-ant-3\" # sk-ant-4\n",
    "    auth_value: |\n      sk-ant-5\n      sk-ant-6\n",
    "    headers:\n      x-a: sk-ant-7\n",
    "    headers: {x-b: sk-ant-8, \"x-ü\": 'sk-ant-9'}\n",
    "    auth_value: &k sk-ant-10\n",
    "    auth_value: *k\n",
    "      # sk-ant-11\n",
    "# auth_value: sk-ant-12\n",
    "# 密钥 auth_value: sk-ant-13 密钥\n",
    "#\n",
    "\r\n",
    "\n",
    "proxy:\n  client_keys: [sk-ant-14, ü]\n",
    "proxy:\n  client_keys:\n  - sk-ant-15\n",
    "    # - sk-ant-16\n",
    "profiles: {p: {description: sk-ant-17}}\n",
    "{\"proxy\": {\"client_keys\": [\"sk-ant-18\"]}}",
    "    proxy: http://u:sk-ant-19@p.example\n",
    "\t",
    "]}",
];
