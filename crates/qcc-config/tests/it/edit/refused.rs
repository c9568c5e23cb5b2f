//! Edits that are not made, and what the user is told instead. The file then is as it was.

use qcc_config::edit::{Edit, Node};

use super::{MAIN, append, document, remove, set, texts};

fn refusals(text: &str, edits: &[Edit]) -> String {
    let document = document(text);
    let told = |edit: &Edit| match document.edited(std::slice::from_ref(edit)) {
        Ok(new) => panic!("this must not be made:\n{}", new.text()),
        Err(error) => error.to_string(),
    };
    edits.iter().map(told).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn what_an_anchor_shares_is_left_to_its_user() {
    let edits = [
        set("providers.1.timeouts.connect", Node::text("1s")),
        set("providers.1.timeouts", texts([("connect", "1s")])),
        remove("providers.1.timeouts.first_byte"),
        remove("providers.2.timeouts.connect"),
        remove("providers.1"),
    ];
    insta::assert_snapshot!(refusals(MAIN, &edits), @"
    error: the file was not changed: `providers[1].timeouts.connect` is used in more than one place, through an anchor, an alias or a merge key
       --> config.yaml:17:7
        |
     17 |       connect: 20s
        |       ^^^^^^^
    hint: open the file and set `providers[1].timeouts.connect` to `1s`

    error: the file was not changed: `providers[1].timeouts` is used in more than one place, through an anchor, an alias or a merge key
       --> config.yaml:16:5
        |
     16 |     timeouts: &slow
        |     ^^^^^^^^
    hint: open the file and set `providers[1].timeouts` to `{connect: 1s}`

    error: the file was not changed: `providers[1].timeouts.first_byte` is used in more than one place, through an anchor, an alias or a merge key
       --> config.yaml:18:7
        |
     18 |       first_byte: 3m
        |       ^^^^^^^^^^
    hint: open the file and remove `providers[1].timeouts.first_byte`

    error: the file was not changed: `providers[2].timeouts.connect` is used in more than one place, through an anchor, an alias or a merge key
       --> config.yaml:27:5
        |
     27 |     timeouts:
        |     ^^^^^^^^
    hint: open the file and remove `providers[2].timeouts.connect`

    error: the file was not changed: `providers[1]` is used in more than one place, through an anchor, an alias or a merge key
       --> config.yaml:11:5
        |
     11 |   - name: relay
        |     ^^^^
    hint: open the file and remove `providers[1]`
    ");
    let alias = "profiles:\n  a: {endpoints: &all [{provider: x}]}\n  b: {endpoints: *all}\n";
    insta::assert_snapshot!(refusals(alias, &[append("profiles.b.endpoints", texts([("provider", "y")]))]), @r#"
    error: the file was not changed: `profiles.b.endpoints` is used in more than one place, through an anchor, an alias or a merge key
      --> config.yaml:3:3
       |
     3 |   b: {endpoints: [redacted]
       |   ^
    hint: open the file and add `- {provider: "y"}` to `profiles.b.endpoints`
    "#);
}

#[test]
fn a_path_that_does_not_fit_the_file_is_told() {
    let edits = [
        set("proxy.port.deeper", Node::number(1)),
        append("proxy.port", Node::number(1)),
        set("providers.7.name", Node::text("x")),
        append("providers.name", Node::text("x")),
    ];
    insta::assert_snapshot!(refusals(MAIN, &edits), @r#"
    error: the file was not changed: `proxy.port.deeper` is below something that is not a map of keys and values
       --> config.yaml:52:3
        |
     52 |   port: 7861
        |   ^^^^
    hint: open the file and set `proxy.port.deeper` to `"[redacted]"`

    error: the file was not changed: `proxy.port` is not a list
       --> config.yaml:52:3
        |
     52 |   port: 7861
        |   ^^^^
    hint: open the file and add `- 1` to `proxy.port`

    error: the file was not changed: `providers[7].name` does not exist
      --> config.yaml:4:1
       |
     4 | providers:
       | ^^^^^^^^^
    hint: open the file and set `providers[7].name` to `x`

    error: the file was not changed: `providers.name` is below something that is not a map of keys and values
      --> config.yaml:4:1
       |
     4 | providers:
       | ^^^^^^^^^
    hint: open the file and add `- x` to `providers.name`
    "#);
}

#[test]
fn a_value_that_the_file_cannot_hold_is_told_with_its_hint() {
    let edits = [
        set("proxy.prot", Node::number(1)),
        append("providers", texts([("name", "x")])),
        remove("providers.0.base_url"),
        set("proxy", Node::text("x")),
    ];
    insta::assert_snapshot!(refusals(MAIN, &edits), @"
    error: the file was not changed: with this edit, unknown key `prot`
     --> config.yaml
    hint: did you mean `port`?

    error: the file was not changed: with this edit, the key `base_url` is missing
     --> config.yaml
    hint: add it to this entry

    error: the file was not changed: with this edit, the key `base_url` is missing
     --> config.yaml
    hint: add it to this entry

    error: the file was not changed: with this edit, a map of keys and values is expected here
     --> config.yaml
    hint: `qcc config schema` and docs/configuration.md show what goes where
    ");
}

#[test]
fn a_secret_is_not_shown() {
    let shared = "providers:\n  - &x\n    name: a\n    base_url: https://a.example\n  - *x\n";
    let secret = "sk-ant-1234567890";
    let full = Node::map([
        ("name", Node::text("a")),
        ("base_url", Node::text(format!("https://u:{secret}@a.example/?key={secret}"))),
        ("auth_value", Node::text(secret)),
        ("headers", texts([("name", secret)])),
    ]);
    let edits = [
        set("providers.0.auth_value", Node::text(secret)),
        set("providers.0.auth_value", Node::text("${KEY}")),
        set("providers.0.headers.name", Node::text(secret)),
        set("providers.0", full),
    ];
    let told = refusals(shared, &edits);
    assert!(!told.contains("1234567890"), "{told}");
    insta::assert_snapshot!(told, @r#"
    error: the file was not changed: `providers[0].auth_value` is used in more than one place, through an anchor, an alias or a merge key
      --> config.yaml:3:5
       |
     3 |     name: a
       |     ^^^^
    hint: open the file and set `providers[0].auth_value` to `"[redacted]"`

    error: the file was not changed: `providers[0].auth_value` is used in more than one place, through an anchor, an alias or a merge key
      --> config.yaml:3:5
       |
     3 |     name: a
       |     ^^^^
    hint: open the file and set `providers[0].auth_value` to `${KEY}`

    error: the file was not changed: `providers[0].headers.name` is used in more than one place, through an anchor, an alias or a merge key
      --> config.yaml:3:5
       |
     3 |     name: a
       |     ^^^^
    hint: open the file and set `providers[0].headers.name` to `"[redacted]"`

    error: the file was not changed: `providers[0]` is used in more than one place, through an anchor, an alias or a merge key
      --> config.yaml:3:5
       |
     3 |     name: a
       |     ^^^^
    hint: open the file and set `providers[0]` to `{name: a, base_url: "https://[redacted]@a.example/?[redacted]", auth_value: "[redacted]", headers: {name: "[redacted]"}}`
    "#);
    assert!(!format!("{:?}", document("proxy: {client_keys: [sk-1]} # sk-1\n")).contains("sk-1"));
}

#[test]
fn one_edit_of_several_that_is_refused_refuses_all() {
    let edits = [set("proxy.port", Node::number(1)), set("proxy.port.deeper", Node::number(1))];
    assert!(document(MAIN).edited(&edits).is_err());
}
