//! The lines that `qcc env` prints for a shell.

use insta::assert_snapshot;

use crate::home::{Home, PLAIN};

const FIXED: &str = "
providers:
  - {name: relay, type: anthropic, base_url: 'http://127.0.0.1:9/relay', auth_value: sk-hidden}
";

#[test]
fn every_shell_gets_its_own_syntax() {
    let home = Home::with(FIXED);
    let shells = ["bash", "zsh", "fish", "powershell", "cmd", "nu"];
    let all: Vec<String> =
        shells.iter().map(|shell| format!("{shell}:\n{}", home.qcc(&["env", "--shell", shell]).out)).collect();
    assert_snapshot!(all.concat(), @r#"
    bash:
    export ANTHROPIC_BASE_URL=http://127.0.0.1:7860
    export ANTHROPIC_API_KEY=proxy-managed
    export ENABLE_TOOL_SEARCH=true
    zsh:
    export ANTHROPIC_BASE_URL=http://127.0.0.1:7860
    export ANTHROPIC_API_KEY=proxy-managed
    export ENABLE_TOOL_SEARCH=true
    fish:
    set -gx ANTHROPIC_BASE_URL 'http://127.0.0.1:7860'
    set -gx ANTHROPIC_API_KEY 'proxy-managed'
    set -gx ENABLE_TOOL_SEARCH 'true'
    powershell:
    $Env:ANTHROPIC_BASE_URL = 'http://127.0.0.1:7860'
    $Env:ANTHROPIC_API_KEY = 'proxy-managed'
    $Env:ENABLE_TOOL_SEARCH = 'true'
    cmd:
    set "ANTHROPIC_BASE_URL=http://127.0.0.1:7860"
    set "ANTHROPIC_API_KEY=proxy-managed"
    set "ENABLE_TOOL_SEARCH=true"
    nu:
    $env.ANTHROPIC_BASE_URL = "http://127.0.0.1:7860"
    $env.ANTHROPIC_API_KEY = "proxy-managed"
    $env.ENABLE_TOOL_SEARCH = "true"
    "#);
}

#[test]
fn what_is_evaluated_is_on_stdout_and_the_rest_on_stderr() {
    let home = Home::with(FIXED);
    assert_snapshot!(home.qcc(&["env"]).shown(&home), @r"
    exit 0
    --- stdout
    export ANTHROPIC_BASE_URL=http://127.0.0.1:[port]
    export ANTHROPIC_API_KEY=proxy-managed
    export ENABLE_TOOL_SEARCH=true
    --- stderr
    note: qcc is not running: start it with `qcc proxy start`
    ");
    let evaluated = home.sh(
        r#"eval "$("$QCC" env)" 2>/dev/null; printf %s "$ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY $ENABLE_TOOL_SEARCH""#,
    );
    assert_eq!(evaluated.out, "http://127.0.0.1:7860 proxy-managed true");
}

#[test]
fn the_own_credential_is_left_alone_where_it_goes_through() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["env"]).shown(&home), @r"
    exit 0
    --- stdout
    export ANTHROPIC_BASE_URL=http://127.0.0.1:[port]
    export ENABLE_TOOL_SEARCH=true
    --- stderr
    note: your own credential is passed through, so ANTHROPIC_API_KEY is left as it is
    note: qcc is not running: start it with `qcc proxy start`
    ");
}

#[test]
fn a_client_key_is_never_printed() {
    let home = Home::with(&format!("{FIXED}proxy: {{client_keys: [sesame-open]}}\n"));
    let ended = home.qcc(&["env"]);
    assert_snapshot!(ended.shown(&home), @r"
    exit 0
    --- stdout
    export ANTHROPIC_BASE_URL=http://127.0.0.1:[port]
    export ENABLE_TOOL_SEARCH=true
    # ANTHROPIC_API_KEY has to be one of proxy.client_keys; it is not printed here, `qcc run` sets it by itself
    --- stderr
    note: qcc is not running: start it with `qcc proxy start`
    ");
    let json = home.qcc(&["env", "--json"]);
    assert!(![ended.out, ended.err, json.out, json.err].concat().contains("sesame"));
}

#[test]
fn the_address_is_that_of_the_running_gateway() {
    let home = Home::with(PLAIN);
    assert_eq!(home.qcc(&["env"]).code, Some(1));
    let address = home.json(&["proxy", "start"])["address"].clone();
    assert_eq!(home.json(&["env"])["variables"]["ANTHROPIC_BASE_URL"], address);
}
