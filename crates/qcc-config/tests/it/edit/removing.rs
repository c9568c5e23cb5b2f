//! Taking away: what goes with it and what stays.

use super::{MAIN, after, changed, each, remove};

#[test]
fn an_item_goes_with_its_comments_and_no_others() {
    let edits = [
        remove("providers.0"),
        remove("providers.2"),
        remove("profiles.production.endpoints.0"),
        remove("profiles.production.endpoints.1"),
        remove("profiles.backup.endpoints.0"),
        remove("model_routes.*opus*.0"),
        remove("proxy.allowed_hosts.0"),
        remove("proxy.allowed_hosts.1"),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
        # The one that pays.
    -   - name: official
    -     base_url: https://api.anthropic.com   # no path
    -     auth_value: ${ANTHROPIC_API_KEY}
    ~~~
    -   - name: openrouter
    -     base_url: https://openrouter.ai/api
    -     auth_value: ${OPENROUTER_API_KEY}
    -     timeouts:
    -       <<: *slow
    -       idle: 90s
    -
      profiles:
    ~~~
          endpoints:
    -     - {provider: official, weight: 100, priority: 1}
          - {provider: relay,    weight: 50,  priority: 2}   # second
    ~~~
          - {provider: official, weight: 100, priority: 1}
    -     - {provider: relay,    weight: 50,  priority: 2}   # second
          # - {provider: parked}
    ~~~
          # - {provider: parked}
    -   backup: {tier: secondary, endpoints: [{provider: openrouter}]}
    +   backup: {tier: secondary, endpoints: []}
    ~~~
          - {provider: relay, model: passthrough}
    -   "*opus*":   # dear
    -     - provider: official
    -       priority: 1
    +   "*opus*": []   # dear
    ~~~
        port: 7861
    -   allowed_hosts: [gateway.example,
    -                   "gateway"]
    +   allowed_hosts: ["gateway"]
    ~~~
        port: 7861
    -   allowed_hosts: [gateway.example,
    -                   "gateway"]
    +   allowed_hosts: [gateway.example]
    "#);
}

#[test]
fn a_key_goes_with_the_comment_at_its_end() {
    let edits = [
        remove("providers.1.headers"),
        remove("providers.1.headers.X-Team"),
        remove("providers.1.headers.X-Note"),
        remove("profiles.production.description"),
        remove("profiles.production.tier"),
        remove("model_routes.*opus*"),
        remove("retry.budget"),
    ];
    insta::assert_snapshot!(each(MAIN, &edits), @r#"
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
          timeouts: &slow
    ~~~
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
    +     headers: {X-Note: "a, b"}  # for their bill
          timeouts: &slow
    ~~~
          auth_value: ${RELAY_TOKEN}
    -     headers: {X-Team: blue, X-Note: "a, b"}  # for their bill
    +     headers: {X-Team: blue}  # for their bill
          timeouts: &slow
    ~~~
        production:
    -     description: |
    -       Everything that must work.
    -         Ask before you change it.
          tier: primary  # see below
    ~~~
              Ask before you change it.
    -     tier: primary  # see below
          endpoints:
    ~~~
          - {provider: relay, model: passthrough}
    -   "*opus*":   # dear
    -     - provider: official
    -       priority: 1
    ~~~
      retry:
    -   budget: 0.20    # of all requests
        same_provider:
    "#);
}

const HEADINGS: &str = "\
providers:
  # directly below the key
  - name: a
    base_url: https://a.example

  # the heading of b
  # in two lines
  - name: b
    base_url: https://b.example
    # proxy: http://127.0.0.1:1

  # - name: parked
  - name: c
    base_url: https://c.example

  # over two
  - name: d
    base_url: https://d.example
  - name: e
    base_url: https://e.example

# the end
";

#[test]
fn a_heading_goes_only_when_it_cannot_be_about_anything_else() {
    let edits = ["0", "1", "2", "3", "4"].map(|item| remove(&format!("providers.{item}")));
    insta::assert_snapshot!(each(HEADINGS, &edits), @"
        # directly below the key
    -   - name: a
    -     base_url: https://a.example
    ~~~
    -   # the heading of b
    -   # in two lines
    -   - name: b
    -     base_url: https://b.example
    -     # proxy: http://127.0.0.1:1
    -
        # - name: parked
    ~~~
        # - name: parked
    -   - name: c
    -     base_url: https://c.example
    ~~~
        # over two
    -   - name: d
    -     base_url: https://d.example
        - name: e
    ~~~
          base_url: https://d.example
    -   - name: e
    -     base_url: https://e.example
    ");
}

#[test]
fn a_section_that_would_be_left_empty_goes_too() {
    insta::assert_snapshot!(changed("proxy:\n  port: 1\n\nretry:\n  budget: 1\n", &[remove("proxy.port")]), @"
    - proxy:
    -   port: 1
    -
      retry:
    ");
    insta::assert_snapshot!(changed("proxy: {port: 1}\nretry:\n  budget: 1\n", &[remove("retry.budget")]), @"
      proxy: {port: 1}
    - retry:
    -   budget: 1
    ");
    assert_eq!(after("proxy:\n  port: 1\n", &[remove("proxy.port")]), "");
}

#[test]
fn a_section_with_comments_and_what_has_a_name_stay_as_empty_ones() {
    let commented = "# Where clients connect.\n\nproxy: # here\n  # host: x\n  port: 1\n  # more\n";
    insta::assert_snapshot!(changed(commented, &[remove("proxy.port")]), @"
    - proxy: # here
    -   # host: x
    -   port: 1
    + proxy: {} # here
    +   # host: x
        # more
    ");
    insta::assert_snapshot!(changed("profiles:\n  a:\n    tier: primary\n", &[remove("profiles.a.tier")]), @"
      profiles:
    -   a:
    -     tier: primary
    +   a: {}
    ");
    insta::assert_snapshot!(changed("profiles:\n  a:\n    tier: primary\n", &[remove("profiles.a")]), @"
    - profiles:
    -   a:
    -     tier: primary
    + profiles: {}
    ");
    insta::assert_snapshot!(changed("providers:\n# x\n- name: a\n  base_url: b\n", &[remove("providers.0")]), @"
    - providers:
    - # x
    - - name: a
    -   base_url: b
    + providers: []
    + # x
    ");
}

#[test]
fn the_first_key_of_an_item_leaves_its_dash_to_the_next_one() {
    let text = "model_routes:\n  a:\n    - model: x # dear\n      provider: p\n    - priority: 1\n      # who\n      provider: q\n";
    insta::assert_snapshot!(each(text, &[remove("model_routes.a.0.model"), remove("model_routes.a.1.priority")]), @"
        a:
    -     - model: x # dear
    -       provider: p
    +     - provider: p
          - priority: 1
    ~~~
            provider: p
    -     - priority: 1
    +     -
            # who
    ");
}

#[test]
fn an_item_between_brackets_goes_with_its_comma() {
    let text = "proxy:\n  allowed_hosts: [\n    a,  # first\n    b,  # second\n    c  # third\n  ]\n";
    let edits = ["0", "1", "2"].map(|item| remove(&format!("proxy.allowed_hosts.{item}")));
    insta::assert_snapshot!(each(text, &edits), @"
        allowed_hosts: [
    -     a,  # first
          b,  # second
    ~~~
          a,  # first
    -     b,  # second
          c  # third
    ~~~
          a,  # first
    -     b,  # second
    -     c  # third
    +     b  # second
        ]
    ");
}

#[test]
fn what_is_not_there_needs_no_removal() {
    let edits = [remove("providers.9"), remove("proxy.host"), remove("nothing.here"), remove("proxy.port.deeper")];
    assert_eq!(after(MAIN, &edits), MAIN);
}

#[test]
fn blank_lines_that_a_text_keeps_stay_its_own() {
    let text =
        "profiles:\n  a:\n    description: |+\n      kept\n\n  b:\n    tier: primary\n\n  c:\n    tier: backup\n";
    insta::assert_snapshot!(after(text, &[remove("profiles.b"), remove("profiles.c")]), @"
    profiles:
      a:
        description: |+
          kept
    ");
}
