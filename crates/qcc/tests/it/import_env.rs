//! The variables of claude-code-proxy as a provider: `qcc config import --from env`.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::home::{Ended, Home};

/// A configuration whose provider is in a profile.
const GROUPED: &str = "
providers:
  - {name: relay, base_url: 'http://127.0.0.1:9', auth_value: sk-hidden}
profiles:
  production: {tier: primary, endpoints: [{provider: relay}]}
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
    let home = Home::with(GROUPED);
    let script = "OPENAI_API_KEY=sk-hidden BIG_MODEL=big MIDDLE_MODEL=middle SMALL_MODEL=small \
                  \"$QCC\" config import --from env";
    let ended = home.sh(script);
    assert_snapshot!(ended.shown(&home), @r#"
    exit 0
    --- stdout
     1   providers:
     2     - {name: relay, base_url: 'http://127.0.0.1:[port]', auth_value: [redacted]}
     3 +   - name: openai
     4 +     type: openai
     5 +     base_url: https://api.openai.com/v1
     6 +     auth_value: ${OPENAI_API_KEY}
     7 +     models:
     8 +       "*opus*": big
     9 +       "*sonnet*": middle
    10 +       "*haiku*": small
    11 +       claude*: big
    12   profiles:
    13     production: {tier: primary, endpoints: [{provider: relay}]}
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
