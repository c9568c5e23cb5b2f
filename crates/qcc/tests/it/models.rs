//! What maps to what, as `qcc models` shows it, and the names that another program's variables bring.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::home::{Ended, Home};
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

/// A `.env` file of claude-code-proxy.
const ENV: &str = "
OPENAI_API_KEY=\"sk-hidden\"
ANTHROPIC_API_KEY=sk-of-clients
OPENAI_BASE_URL=https://openrouter.example/api/v1
BIG_MODEL=anthropic/claude-opus-4.8
SMALL_MODEL=openai/gpt-5-mini   # cheap
PORT=8082
";

fn import(home: &Home, arguments: &[&str]) -> Ended {
    home.qcc(&[&["config", "import"], arguments].concat())
}

fn with_env() -> Home {
    let home = Home::empty();
    fs::write(home.path(".env"), ENV).unwrap();
    home
}

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

#[test]
fn the_variables_of_a_file_become_a_provider_and_its_key_is_never_shown() {
    let home = with_env();
    assert_snapshot!(import(&home, &[".env", "--from", "env", "--dry-run"]).shown(&home), @r#"
    exit 0
    --- stdout
     1 + providers:
     2 +   - name: openai
     3 +     type: openai
     4 +     base_url: https://openrouter.example/api/v1
     5 +     auth_value: [redacted]
     6 +     models:
     7 +       "*opus*": anthropic/claude-opus-4.8
     8 +       "*sonnet*": anthropic/claude-opus-4.8
     9 +       "*haiku*": openai/gpt-5-mini
    10 +       claude*: anthropic/claude-opus-4.8
    ✓ .env is valid and would change [home]/config.yaml
    --- stderr
    note: not taken over: `ANTHROPIC_API_KEY` and `PORT`
    if ANTHROPIC_API_KEY is what clients have to present: `qcc config set proxy.client_keys -`
    "#);
    assert!(!home.path("config.yaml").exists());
    let done = import(&home, &[".env", "--from", "env"]);
    assert_snapshot!(done.shown(&home), @r#"
    exit 0
    --- stdout
     1 + providers:
     2 +   - name: openai
     3 +     type: openai
     4 +     base_url: https://openrouter.example/api/v1
     5 +     auth_value: [redacted]
     6 +     models:
     7 +       "*opus*": anthropic/claude-opus-4.8
     8 +       "*sonnet*": anthropic/claude-opus-4.8
     9 +       "*haiku*": openai/gpt-5-mini
    10 +       claude*: anthropic/claude-opus-4.8
    ✓ the provider openai is the one that .env describes
    --- stderr
    note: not taken over: `ANTHROPIC_API_KEY` and `PORT`
    if ANTHROPIC_API_KEY is what clients have to present: `qcc config set proxy.client_keys -`
    note: [home]/config.yaml was made
    note: its key stands in the configuration file now
    next: `qcc models` shows who is asked for which model
    undo: `qcc config rollback`
    "#);
    assert!(fs::read_to_string(home.path("config.yaml")).unwrap().contains("auth_value: sk-hidden\n"));
    let models = home.json(&["models", "claude-sonnet-5"]);
    assert_eq!(models["models"][0]["candidates"][0]["sent"], "anthropic/claude-opus-4.8");
    assert_snapshot!(home.qcc(&["config", "history"]).out.replace(char::is_numeric, "0"), @"
    VERSION  TIME                 LINES   CHANGE
    0        0000-00-00 00:00:00  +00 -0  config import --from env (.env)  current
    ");
}

#[test]
fn a_second_import_of_the_same_changes_nothing_and_another_one_is_added() {
    let home = with_env();
    import(&home, &[".env", "--from", "env"]);
    let again = home.json(&["config", "import", ".env", "--from", "env"]);
    assert_eq!((&again["changed"], &again["provider"]), (&false.into(), &"openai".into()));
    assert_eq!(home.json(&["config", "import", ".env", "--from", "env", "--dry-run"])["would_change"], false);
    fs::write(home.path(".env"), ENV.replace("gpt-5-mini", "gpt-5-nano")).unwrap();
    let other = home.json(&["config", "import", ".env", "--from", "env"]);
    assert_eq!((&other["changed"], &other["provider"]), (&true.into(), &"openai-2".into()));
    assert_eq!(other["left_out"], json!(["ANTHROPIC_API_KEY", "PORT"]));
}

#[test]
fn a_key_of_the_environment_stays_there() {
    let home = Home::with(MAPPED);
    let script = "OPENAI_API_KEY=sk-hidden BIG_MODEL=big MIDDLE_MODEL=middle SMALL_MODEL=small \
                  \"$QCC\" config import --from env";
    let ended = home.sh(script);
    assert_snapshot!(ended.shown(&home), @r#"
    exit 0
    --- stdout
     4        models: {'*opus*': anthropic/claude-opus-4.8, 'claude*': passthrough}}
     5     - {name: old, base_url: 'http://127.0.0.1:[port]', auth_value: [redacted], enabled: false}
     6 +   - name: openai
     7 +     type: openai
     8 +     base_url: https://api.openai.com/v1
     9 +     auth_value: ${OPENAI_API_KEY}
    10 +     models:
    11 +       "*opus*": big
    12 +       "*sonnet*": middle
    13 +       "*haiku*": small
    14 +       claude*: big
    15   profiles:
    16     production: {tier: primary, endpoints: [{provider: official}, {provider: openrouter, priority: 2}]}
    ✓ the provider openai is the one that the environment describes
    --- stderr
    next: `qcc endpoint add PROFILE -f openai`, so that a profile asks it
    undo: `qcc config rollback`
    "#);
    let piped = home.sh("printf 'GEMINI_API_KEY=k\\nBIG_MODEL=gemini-3-pro\\nSMALL_MODEL=gemini-3-flash\\n' \
                         | OPENAI_API_KEY=k \"$QCC\" config import - --from env --json");
    assert!(piped.out.contains("\"provider\": \"gemini\""), "{}{}", piped.out, piped.err);
}

#[test]
fn an_import_that_lacks_something_says_what_and_changes_nothing() {
    let home = Home::empty();
    assert_snapshot!(import(&home, &["--from", "env"]).shown(&home), @"
    exit 1
    --- stderr
    error: the environment: there is no key: neither OPENAI_API_KEY, GEMINI_API_KEY nor ANTHROPIC_API_KEY is set
    hint: `--from env` alone reads this shell's environment; `qcc config import .env --from env` a file
    ");
    fs::write(home.path(".env"), "OPENAI_API_KEY=sk-hidden\n").unwrap();
    assert_snapshot!(import(&home, &[".env", "--from", "env"]).shown(&home), @"
    exit 1
    --- stderr
    error: .env: BIG_MODEL is not set
    hint: write BIG_MODEL=MODEL; the proxies' own defaults differ, so none is taken for granted
    ");
    fs::write(home.path(".env"), "OPENAI_API_KEY=\"sk-hidden\n").unwrap();
    assert_snapshot!(import(&home, &[".env", "--from", "env"]).shown(&home), @"
    exit 1
    --- stderr
    error: .env: line 1 has a quote that is not closed, or text behind it
    hint: put the whole value into one pair of quotes, on one line
    ");
    fs::write(home.path(".env"), format!("{ENV}OPENAI_BASE_URL=https://me:sk-hidden@x.example\n")).unwrap();
    let refused = import(&home, &[".env", "--from", "env"]);
    assert_snapshot!(refused.shown(&home), @"
    exit 1
    --- stderr
    error: base_url holds a user or password, in `base_url: https://[redacted]@x.example`; no file was made
     --> [home]/config.yaml
    hint: put the credential into auth_value
    ");
    assert_snapshot!(import(&home, &[]).shown(&home), @"
    exit 2
    --- stderr
    error: `<FILE>` is missing
    hint: `qcc config import --help` shows how it is used
    usage: qcc config import <FILE>
    ");
    assert!(!home.path("config.yaml").exists());
}
