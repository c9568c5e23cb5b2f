//! What maps to what, as `qcc models` shows it.

use insta::assert_snapshot;
use serde_json::json;

use crate::home::Home;
use crate::terminal::Terminal;

const MAPPED: &str = "
providers:
  - {name: official, base_url: 'http://127.0.0.1:9', auth_value: sk-hidden}
  - {name: openrouter, type: openai, base_url: 'http://127.0.0.1:9/v1', auth_value: sk-hidden,
     models: {'*opus*': anthropic/claude-opus-4.8, 'claude*': passthrough}}
  - {name: old, base_url: 'http://127.0.0.1:9', auth_value: sk-hidden, enabled: false}
profiles:
  production: {tier: primary, endpoints: [{provider: official}, {provider: openrouter, priority: 2}]}
  backup: {tier: secondary, endpoints: [{provider: openrouter}]}
model_routes:
  '*': [{profile: production}]
  '*haiku*':
    - {profile: backup, model: claude-opus-4-8, priority: 2}
    - {provider: openrouter, model: openai/gpt-5-mini}
    - {provider: old}
";

#[test]
fn the_rules_are_shown_in_their_order_with_what_they_make_of_the_usual_models() {
    let home = Home::with(MAPPED);
    assert_snapshot!(home.qcc(&["models"]).shown(&home), @"
    exit 0
    --- stdout
    ROUTE    PRIORITY  ASKED               MODEL
    *haiku*  1         openrouter          openai/gpt-5-mini
    *haiku*  2         profile backup      claude-opus-4-8
    *        1         profile production  as asked

    PROVIDER    MODELS   SENT AS
    openrouter  *opus*   anthropic/claude-opus-4.8
    openrouter  claude*  as asked

    claude-opus-4-8: the route *
    #  PROVIDER    TYPE       SENT AS                    NAMED BY
    1  official    anthropic  claude-opus-4-8            as asked
    2  openrouter  openai     anthropic/claude-opus-4.8  models *opus*

    claude-sonnet-5: the route *
    #  PROVIDER    TYPE       SENT AS          NAMED BY
    1  official    anthropic  claude-sonnet-5  as asked
    2  openrouter  openai     claude-sonnet-5  models claude*

    claude-haiku-4-5-20251001: the route *haiku*
    #  PROVIDER    TYPE    SENT AS                    NAMED BY
    1  openrouter  openai  openai/gpt-5-mini          the route
    2  openrouter  openai  anthropic/claude-opus-4.8  the route, models *opus*
    --- stderr
    note: old is disabled, so it takes no part
    this is the order of the file; health, weights and sessions change it from request to request
    ");
}

#[test]
fn models_that_are_named_are_shown_alone() {
    let home = Home::with(&MAPPED.replace("  '*': [{profile: production}]\n", ""));
    assert_snapshot!(home.qcc(&["models", "claude-opus-5", "x"]).shown(&home), @"
    exit 0
    --- stdout
    claude-opus-5: no route, so the profile production
    #  PROVIDER    PROFILE     TYPE       SENT AS                    NAMED BY
    1  official    production  anthropic  claude-opus-5              as asked
    2  openrouter  production  openai     anthropic/claude-opus-4.8  models *opus*

    x: no route, so the profile production
    #  PROVIDER    PROFILE     TYPE       SENT AS  NAMED BY
    1  official    production  anthropic  x        as asked
    2  openrouter  production  openai     x        as asked
    --- stderr
    note: old is disabled, so it takes no part
    this is the order of the file; health, weights and sessions change it from request to request
    ");
}

#[test]
fn a_pinned_profile_comes_first_also_while_no_gateway_runs() {
    let home = Home::with(MAPPED.split("model_routes").next().unwrap());
    home.qcc(&["use", "backup"]);
    assert_snapshot!(home.qcc(&["models", "claude-opus-5"]).shown(&home), @"
    exit 0
    --- stdout
    claude-opus-5: no route, so the profiles backup, then production
    #  PROVIDER    PROFILE     TYPE       SENT AS                    NAMED BY
    1  openrouter  backup      openai     anthropic/claude-opus-4.8  models *opus*
    2  official    production  anthropic  claude-opus-5              as asked
    --- stderr
    note: old is disabled, so it takes no part
    note: backup is pinned and comes before all tiers: `qcc use auto` ends that
    this is the order of the file; health, weights and sessions change it from request to request
    ");
}

#[test]
fn a_route_that_stands_in_and_a_model_that_nobody_gets_are_named() {
    let home = Home::with(
        "
providers:
  - {name: relay, base_url: 'http://127.0.0.1:9', auth_value: k}
  - {name: off, base_url: 'http://127.0.0.1:9', auth_value: k, enabled: false}
model_routes: {'*sonnet*': [{provider: relay, model: big}], gpt*: [{provider: off}]}
",
    );
    assert_snapshot!(home.qcc(&["models", "claude-opus-5", "gpt-5"]).shown(&home), @"
    exit 0
    --- stdout
    claude-opus-5: no route, so the route *sonnet*, which stands in
    #  PROVIDER  TYPE       SENT AS  NAMED BY
    1  relay     anthropic  big      the route

    gpt-5: the route gpt*
    nobody can be asked
    --- stderr
    note: off is disabled, so it takes no part
    this is the order of the file; health, weights and sessions change it from request to request
    ");
}

#[test]
fn without_a_file_every_model_goes_to_anthropic() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["models"]).shown(&home), @"
    exit 0
    --- stdout
    no routes: every model goes to all providers in the order of the file

    claude-opus-4-8: no route, so all providers in the order of the file
    #  PROVIDER   TYPE       SENT AS          NAMED BY
    1  anthropic  anthropic  claude-opus-4-8  as asked

    claude-sonnet-5: no route, so all providers in the order of the file
    #  PROVIDER   TYPE       SENT AS          NAMED BY
    1  anthropic  anthropic  claude-sonnet-5  as asked

    claude-haiku-4-5-20251001: no route, so all providers in the order of the file
    #  PROVIDER   TYPE       SENT AS                    NAMED BY
    1  anthropic  anthropic  claude-haiku-4-5-20251001  as asked
    --- stderr
    this is the order of the file; health, weights and sessions change it from request to request
    ");
}

#[test]
fn the_document_has_the_rules_and_the_models() {
    let home = Home::with(MAPPED);
    let document = home.json(&["models", "claude-haiku-5"]);
    let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["pinned", "routes", "without_route", "names", "models", "left_out"]);
    let haiku = json!([
        { "provider": "openrouter", "model": "openai/gpt-5-mini", "priority": 1 },
        { "profile": "backup", "model": "claude-opus-4-8", "priority": 2 },
    ]);
    assert_eq!(document["routes"][0], json!({ "glob": "*haiku*", "candidates": haiku }));
    assert_eq!(document["without_route"], json!({ "route": null, "stands_in": false, "profiles": ["production"] }));
    assert_eq!(document["names"][1], json!({ "provider": "openrouter", "glob": "claude*", "model": "passthrough" }));
    assert_eq!(document["left_out"], json!(["old"]));
    let asked = &document["models"][0];
    assert_eq!(asked["way"], json!({ "route": "*haiku*", "stands_in": false, "profiles": null }));
    let second = json!({
        "provider": "openrouter",
        "profile": null,
        "type": "openai",
        "sent": "anthropic/claude-opus-4.8",
        "by_route": true,
        "by_models": "*opus*",
    });
    assert_eq!((&asked["model"], &asked["candidates"][1]), (&json!("claude-haiku-5"), &second));
}

#[test]
fn it_fits_a_terminal_of_80_columns() {
    let home = Home::with(MAPPED);
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.env("TERM", "xterm").args(["models", "claude-opus-4-8", "claude-haiku-4-5-20251001"]);
    let (seen, _status) = Terminal::start(command, 80).end();
    let plain = anstream::adapter::strip_str(&seen).to_string().replace("\r\n", "\n");
    assert_snapshot!(plain.split("note:").next().unwrap(), @"
    claude-opus-4-8: the route *
    #  PROVIDER    TYPE       SENT AS                    NAMED BY
    1  official    anthropic  claude-opus-4-8            as asked
    2  openrouter  openai     anthropic/claude-opus-4.8  models *opus*

    claude-haiku-4-5-20251001: the route *haiku*
    #  PROVIDER    TYPE    SENT AS                    NAMED BY
    1  openrouter  openai  openai/gpt-5-mini          the route
    2  openrouter  openai  anthropic/claude-opus-4.8  the route, models *opus*
    ");
}
