//! Setting and adding in a file that is written by hand.

use qcc_config::edit::Node;

use super::{MAIN, after, append, changed, each, set, texts};

fn provider() -> Node {
    texts([("name", "new: #1"), ("base_url", "https://new.example"), ("auth_value", "${NEW_KEY}")])
}

fn endpoint() -> Node {
    Node::map([("provider", Node::text("openrouter")), ("weight", Node::number(1))])
}

#[test]
fn a_value_is_replaced_beside_its_comment_and_with_its_quotes() {
    let edits = [
        set("proxy.port", Node::number(8080)),
        set("providers.0.base_url", Node::text("https://a.example")),
        set("providers.1.base_url", Node::text("https://b.example")),
        set("providers.1.auth_type", Node::text("api_key")),
        set("providers.1.headers.X-Team", Node::text("red, green")),
        set("retry.budget", Node::number(0)),
        set("retry.same_provider", Node::number(2)),
        set("profiles.production.description", Node::text("Short.")),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
      proxy:
    -   port: 7861
    +   port: 8080
        allowed_hosts: [gateway.example,
    ~~~
        - name: official
    -     base_url: https://api.anthropic.com   # no path
    +     base_url: https://a.example   # no path
          auth_value: ${ANTHROPIC_API_KEY}
    ~~~
        - name: relay
    -     base_url: "https://relay.example"  # ends in March
    +     base_url: "https://b.example"  # ends in March
          auth_type: 'auth_token'
    ~~~
          base_url: "https://relay.example"  # ends in March
    -     auth_type: 'auth_token'
    +     auth_type: 'api_key'
          auth_value: ${RELAY_TOKEN}
    ~~~
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
    +     headers: {X-Team: "red, green", X-Note: "a, b"}  # for their bill
          timeouts: &slow
    ~~~
      retry:
    -   budget: 0.20    # of all requests
    +   budget: 0    # of all requests
        same_provider:
    ~~~
        budget: 0.20    # of all requests
    -   same_provider:
    +   same_provider: 2
      # The end.
    ~~~
        production:
    -     description: |
    -       Everything that must work.
    -         Ask before you change it.
    +     description: Short.
          tier: primary  # see below
    "#);
}

#[test]
fn a_new_key_is_the_last_of_its_map_and_below_the_comments_of_the_key_before_it() {
    let edits = [
        set("providers.0.enabled", Node::bool(false)),
        set("providers.1.enabled", Node::bool(false)),
        set("providers.1.headers.X-Mood", Node::text("yes")),
        set("providers.2.timeouts.stall", Node::text("4m")),
        set("profiles.production.strategy", Node::text("weighted")),
        set("profiles.backup.strategy", Node::text("weighted")),
        set("proxy.client_keys", Node::List(vec![Node::text("${A}"), Node::text("${B}")])),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
          auth_value: ${ANTHROPIC_API_KEY}
    +     enabled: false
    ~~~
            first_byte: 3m
    +     enabled: false
          # proxy: http://127.0.0.1:8080
    ~~~
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
    +     headers: {X-Team: blue, X-Note: "a, b", X-Mood: "yes"}  # for their bill
          timeouts: &slow
    ~~~
            idle: 90s
    +       stall: 4m
    ~~~
          # - {provider: parked}
    +     strategy: weighted
        backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    ~~~
          # - {provider: parked}
    -   backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   backup: {tier: secondary, endpoints: [{provider: openrouter}], strategy: weighted}
    ~~~
                        "gateway"]
    +   client_keys: ["${A}", "${B}"]
    "#);
}

#[test]
fn a_key_that_is_merged_in_is_overridden_where_the_merge_is() {
    let edits = [set("providers.2.timeouts.connect", Node::text("1s"))];
    insta::assert_snapshot!(changed(MAIN, &edits), @"
            idle: 90s
    +       connect: 1s
    ");
}

#[test]
fn an_item_is_added_in_the_style_of_its_neighbours() {
    let edits = [
        append("providers", provider()),
        append("profiles.production.endpoints", endpoint()),
        append("profiles.backup.endpoints", endpoint()),
        append("model_routes.*haiku*", texts([("profile", "backup")])),
        append("model_routes.*opus*", texts([("profile", "backup"), ("model", "1.0")])),
        append("proxy.allowed_hosts", Node::text("third.example")),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
    +   - name: "new: #1"
    +     base_url: https://new.example
    +     auth_value: ${NEW_KEY}
    +
      profiles:
    ~~~
          - {provider: relay,    weight: 50,  priority: 2}   # second
    +     - {provider: openrouter, weight: 1}
          # - {provider: parked}
    ~~~
          # - {provider: parked}
    -   backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   backup: {tier: secondary, endpoints: [{provider: openrouter}, {provider: openrouter, weight: 1}]}
    ~~~
          - {provider: relay, model: passthrough}
    +     - {profile: backup}
        "*opus*":   # dear
    ~~~
            priority: 1
    +     - profile: backup
    +       model: "1.0"
    ~~~
        allowed_hosts: [gateway.example,
    -                   "gateway"]
    +                   "gateway",
    +                   third.example]
    "#);
}

#[test]
fn what_is_missing_on_the_way_is_made() {
    let endpoints = Node::List(vec![endpoint(), texts([("provider", "relay")])]);
    let edits = [
        set("profiles.new", Node::map([("tier", Node::text("fallback")), ("endpoints", endpoints)])),
        set("profiles.empty", Node::Map(Vec::new())),
        append("profiles.fresh.endpoints", endpoint()),
        append("model_routes.*sonnet*", texts([("provider", "relay")])),
        set("breaker.window", Node::text("30s")),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
        backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   new:
    +     tier: fallback
    +     endpoints:
    +       - {provider: openrouter, weight: 1}
    +       - {provider: relay}
    ~~~
        backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   empty: {}
    ~~~
        backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   fresh:
    +     endpoints:
    +       - {provider: openrouter, weight: 1}
    ~~~
            priority: 1
    +   "*sonnet*":
    +     - {provider: relay}
    ~~~
      # The end.
    +
    + breaker:
    +   window: 30s
    "#);
}

#[test]
fn the_first_lines_of_a_file_come_after_its_comments() {
    let edits = [append("providers", provider()), append("profiles.main.endpoints", endpoint())];
    for nothing in ["", "\n", "---\n", "~\n"] {
        assert!(after(nothing, &edits).ends_with("      - {provider: openrouter, weight: 1}\n"), "{nothing:?}");
    }
    insta::assert_snapshot!(after("# yaml-language-server: $schema=x\n\n# Mine.\n\n", &edits), @r#"
    # yaml-language-server: $schema=x

    # Mine.

    providers:
      - name: "new: #1"
        base_url: https://new.example
        auth_value: ${NEW_KEY}

    profiles:
      main:
        endpoints:
          - {provider: openrouter, weight: 1}
    "#);
}

#[test]
fn empty_values_are_filled_in_the_layout_of_the_file() {
    let edits = [append("providers", provider()), append("profiles.a.endpoints", endpoint())];
    insta::assert_snapshot!(after("providers:  # none yet\nprofiles: {}  # none either\n", &edits), @r#"
    providers:  # none yet
      - name: "new: #1"
        base_url: https://new.example
        auth_value: ${NEW_KEY}
    profiles:  # none either
      a:
        endpoints:
          - {provider: openrouter, weight: 1}
    "#);
    insta::assert_snapshot!(after("profiles:\n    a:\n        endpoints: []  # none yet\n", &edits), @r#"
    profiles:
        a:
            endpoints:  # none yet
                - {provider: openrouter, weight: 1}

    providers:
        - name: "new: #1"
          base_url: https://new.example
          auth_value: ${NEW_KEY}
    "#);
}

#[test]
fn setting_what_is_set_changes_nothing() {
    let edits =
        [set("proxy.port", Node::number(7861)), set("providers.0.auth_value", Node::text("${ANTHROPIC_API_KEY}"))];
    assert_eq!(after(MAIN, &edits), MAIN);
}

#[test]
fn whole_lists_and_maps_are_replaced_in_their_place() {
    let edits = [
        set("proxy.allowed_hosts", Node::List(vec![Node::text("only.example")])),
        set("profiles.production.endpoints", Node::List(vec![endpoint()])),
        set("profiles.backup", texts([("tier", "fallback")])),
        set("providers.1.headers", Node::Map(Vec::new())),
        set("profiles.production", texts([("tier", "fallback")])),
        set("model_routes.*opus*.0", texts([("profile", "backup")])),
        set("model_routes.*opus*", Node::List(Vec::new())),
        set("providers.2.timeouts", Node::Null),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
        port: 7861
    -   allowed_hosts: [gateway.example,
    -                   "gateway"]
    +   allowed_hosts: [only.example]
    ~~~
          endpoints:
    -     - {provider: official, weight: 100, priority: 1}
    -     - {provider: relay,    weight: 50,  priority: 2}   # second
    +     - {provider: openrouter, weight: 1}
          # - {provider: parked}
    ~~~
          # - {provider: parked}
    -   backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   backup: {tier: fallback}
    ~~~
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
    +     headers: {}  # for their bill
          timeouts: &slow
    ~~~
        production:
    -     description: |
    -       Everything that must work.
    -         Ask before you change it.
    -     tier: primary  # see below
    -     endpoints:
    -     - {provider: official, weight: 100, priority: 1}
    -     - {provider: relay,    weight: 50,  priority: 2}   # second
    +     tier: fallback
          # - {provider: parked}
    ~~~
        "*opus*":   # dear
    -     - provider: official
    -       priority: 1
    +     - profile: backup
    ~~~
          - {provider: relay, model: passthrough}
    -   "*opus*":   # dear
    -     - provider: official
    -       priority: 1
    +   "*opus*": []   # dear
    ~~~
          auth_value: ${OPENROUTER_API_KEY}
    -     timeouts:
    -       <<: *slow
    -       idle: 90s
    +     timeouts: null
    "#);
}

#[test]
fn several_edits_are_made_one_after_the_other() {
    let edits = [
        append("providers", texts([("name", "a"), ("base_url", "https://a.example")])),
        set("providers.2.enabled", Node::bool(false)),
        append("profiles.a.endpoints", texts([("provider", "a")])),
        set("profiles.a.tier", Node::text("primary")),
    ];
    let text = "providers:\n- {name: x, base_url: 'https://x.example'}\n- name: y\n  base_url: https://y.example\n";
    insta::assert_snapshot!(after(text, &edits), @"
    providers:
    - {name: x, base_url: 'https://x.example'}
    - name: y
      base_url: https://y.example
    - name: a
      base_url: https://a.example
      enabled: false

    profiles:
      a:
        endpoints:
        - {provider: a}
        tier: primary
    ");
}
