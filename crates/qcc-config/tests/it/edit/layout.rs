//! Layouts that are less common, each with what a careful person would do.

use qcc_config::edit::Node;

use super::{after, append, remove, set, texts};

#[test]
fn wide_gaps_after_dashes_and_deep_indentation_are_followed() {
    let text = "profiles:\n    a:\n        tier: primary\nproviders:\n-   name: a\n    base_url: https://a.example\n";
    let edits = [
        append("providers", texts([("name", "b"), ("base_url", "https://b.example")])),
        append("profiles.b.endpoints", texts([("provider", "b")])),
    ];
    insta::assert_snapshot!(after(text, &edits), @"
    profiles:
        a:
            tier: primary
        b:
            endpoints:
            - {provider: b}
    providers:
    -   name: a
        base_url: https://a.example
    -   name: b
        base_url: https://b.example
    ");
}

#[test]
fn endpoints_follow_those_of_other_profiles() {
    let text = "profiles:\n  'a':\n    endpoints:\n      - provider: x\n        weight: 1\n";
    insta::assert_snapshot!(after(text, &[append("profiles.b.endpoints", texts([("provider", "y"), ("weight", "2")]))]), @r#"
    profiles:
      'a':
        endpoints:
          - provider: x
            weight: 1
      'b':
        endpoints:
          - provider: "y"
            weight: "2"
    "#);
}

#[test]
fn padded_braces_stay_padded() {
    let text = "profiles:\n  a: { endpoints: [{ provider: x }] }\n";
    insta::assert_snapshot!(after(text, &[append("profiles.a.endpoints", texts([("provider", "{y}")]))]), @r#"
    profiles:
      a: { endpoints: [{ provider: x }, { provider: "{y}" }] }
    "#);
}

#[test]
fn a_list_over_several_lines_between_brackets_keeps_its_comments() {
    let open = "proxy:\n  allowed_hosts: [\n    a,  # first\n    b  # last\n    # more\n  ]\n";
    insta::assert_snapshot!(after(open, &[append("proxy.allowed_hosts", Node::text("c"))]), @"
    proxy:
      allowed_hosts: [
        a,  # first
        b,  # last
        c
        # more
      ]
    ");
    let closed = "proxy:\n  allowed_hosts: [\n    a,  # first\n    b,  # last\n  ]\n";
    insta::assert_snapshot!(after(closed, &[append("proxy.allowed_hosts", Node::text("c"))]), @"
    proxy:
      allowed_hosts: [
        a,  # first
        b,  # last
        c,
      ]
    ");
}

#[test]
fn a_long_list_of_plain_values_gets_a_line_for_each() {
    let hosts = (0..12).map(|host| Node::text(format!("host-{host}.example"))).collect();
    let text = after("", &[set("proxy.allowed_hosts", Node::List(hosts))]);
    assert!(text.starts_with("proxy:\n  allowed_hosts:\n    - host-0.example\n"), "{text}");
}

#[test]
fn a_value_on_a_line_of_its_own_is_replaced_there() {
    let text = "proxy:\n  host:\n    \"127.0.0.1\"  # loopback\n  allowed_hosts:\n    # mine\n    [a]\nprofiles:\n  {}  # none\n";
    let edits = [
        set("proxy.host", Node::text("::1")),
        set("proxy.allowed_hosts", Node::List(Vec::new())),
        set("profiles.a", Node::Map(Vec::new())),
    ];
    insta::assert_snapshot!(after(text, &edits), @r#"
    proxy:
      host:
        "::1"  # loopback
      allowed_hosts:
        # mine
        []
    profiles:
      # none
      a: {}
    "#);
}

#[test]
fn the_end_of_a_document_stays_the_end() {
    let text = "---\nproxy:\n  port: 1\n...\n# after\n";
    insta::assert_snapshot!(after(text, &[set("retry.budget", Node::number(1))]), @"
    ---
    proxy:
      port: 1

    retry:
      budget: 1
    ...
    # after
    ");
}

#[test]
fn a_file_without_a_last_line_break_gets_one() {
    assert_eq!(after("proxy:\n  port: 1", &[set("proxy.port", Node::number(2))]), "proxy:\n  port: 2\n");
    assert_eq!(
        after("proxy:\n  port: 1 # x", &[set("proxy.host", Node::text("a"))]),
        "proxy:\n  port: 1 # x\n  host: a\n"
    );
}

#[test]
fn the_comment_of_a_block_text_stays_when_the_text_goes() {
    let text = "profiles:\n  a:\n    description: |  # said\n      so\n    tier: primary\n";
    insta::assert_snapshot!(after(text, &[set("profiles.a.description", Node::text("new"))]), @"
    profiles:
      a:
        description: new  # said
        tier: primary
    ");
}

/// A text as it is written after `description: `.
fn written(text: &str) -> String {
    let new = after("", &[set("profiles.a.description", Node::text(text))]);
    new.rsplit("description: ").next().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn a_text_that_means_itself_is_not_quoted() {
    let plain = "two words|中文|${VAR}|https://a.example/x?y=1|60s|1.2.3|a-b|it's|say \"x\"|back\\slash|::1|a,b";
    for text in plain.split('|') {
        assert_eq!(written(text), text);
    }
}

#[test]
fn a_text_that_means_something_else_is_quoted() {
    let special =
        "|yes|No|1.0|007|0x1F|12:30|2020-01-02|1_000|null|~|<<|a: b|a #b|#a|@a|*haiku*|&a|!a|%a|`a|- a|? a|{a}";
    for text in special.split('|').chain([" lead", "trail ", "'x'", "[a]", "> a", "a:"]) {
        assert_eq!(written(text), format!("\"{text}\""));
    }
    assert_eq!(written("two\nlines\t\u{1b}"), r#""two\nlines\t\u001b""#);
    assert_eq!(written("\"a\": b"), r#"'"a": b'"#);
}

#[test]
fn keys_are_quoted_where_they_must_be_and_like_their_neighbours() {
    let entry = || Node::List(vec![texts([("provider", "x")])]);
    let edits = ["*", "claude-*", "yes", "a: b", "1"]
        .map(|glob| super::Edit::Set { path: vec!["model_routes".into(), glob.into()], value: entry() });
    insta::assert_snapshot!(after("", &edits), @r#"
    model_routes:
      "*":
        - {provider: x}
      "claude-*":
        - {provider: x}
      "yes":
        - {provider: x}
      "a: b":
        - {provider: x}
      "1":
        - {provider: x}
    "#);
    let single = "model_routes:\n  'a': [{provider: x}]\n";
    insta::assert_snapshot!(after(single, &[set("model_routes.b", entry()), remove("model_routes.a")]), @"
    model_routes:
      'b':
        - {provider: x}
    ");
}
