//! `qcc claude`: the settings file of Claude Code is changed so that nobody is stranded, and comes back.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use insta::assert_snapshot;
use regex::Regex;
use serde_json::{Value, json};

use crate::home::{Ended, Home};

/// Settings of somebody who comes from a relay.
const RELAY: &str = r#"{
  "model": "opus",
  "env": {
    "ANTHROPIC_BASE_URL": "https://relay.example/claude?token=sk-in-url",
    "ANTHROPIC_API_KEY": "sk-of-relay",
    "DISABLE_TELEMETRY": "1"
  }
}
"#;

/// A port that nobody listens on, below those that systems give out themselves. A connection needs one that stays.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 1_000).unwrap() * 10;
    let mut ports = std::iter::from_fn(|| Some(20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

fn configuration(port: u16) -> String {
    format!(
        "proxy: {{port: {port}}}\nproviders:\n  - {{name: relay, base_url: 'http://127.0.0.1:9/relay', auth_value: sk-hidden}}\n"
    )
}

/// A home with a configuration, and with these settings if there are any.
fn home(settings: Option<&str>) -> Home {
    let home = Home::with(&configuration(port()));
    if let Some(text) = settings {
        fs::create_dir(home.path(".claude")).unwrap();
        fs::write(home.path(".claude/settings.json"), text).unwrap();
    }
    home
}

fn settings(home: &Home) -> Option<String> {
    fs::read_to_string(home.path(".claude/settings.json")).ok()
}

fn edit(home: &Home, from: &str, to: &str) {
    let text = settings(home).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(home.path(".claude/settings.json"), text.replacen(from, to, 1)).unwrap();
}

fn good(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    ended
}

fn connect(home: &Home) -> Ended {
    good(home.qcc(&["claude", "connect"]))
}

fn disconnect(home: &Home) -> Ended {
    good(home.qcc(&["claude", "disconnect"]))
}

/// The words, with what a copy is named after taken out.
fn shown(ended: &Ended, home: &Home) -> String {
    Regex::new("settings-[0-9a-f]{8}-[0-9a-f]{8}")
        .unwrap()
        .replace_all(&ended.shown(home), "settings-[hash]")
        .into_owned()
}

/// The command fails, and nothing is changed or started.
fn refused(home: &Home, arguments: &[&str]) -> String {
    let before = settings(home);
    let ended = home.qcc(arguments);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert_eq!(settings(home), before);
    assert_eq!(home.json(&["proxy", "status"])["running"], false);
    assert!(!home.path("claude.json").exists());
    home.stable(&ended.err)
}

#[test]
fn connecting_starts_the_gateway_and_shows_what_is_set_without_secrets() {
    let home = home(Some(RELAY));
    assert_snapshot!(shown(&connect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is connected to http://127.0.0.1:[port]: [home]/.claude/settings.json
    VARIABLE              VALUE                   BEFORE
    ANTHROPIC_BASE_URL    http://127.0.0.1:[port]  https://relay.example
    ANTHROPIC_AUTH_TOKEN  proxy-managed           -
    ANTHROPIC_API_KEY     (taken out)             [redacted]
    ENABLE_TOOL_SEARCH    true                    -
    --- stderr
    qcc is running: http://127.0.0.1:[port]
    next: start Claude Code anew; `qcc claude disconnect` gives the settings back
    ");
    assert_snapshot!(home.stable(&settings(&home).unwrap()), @r#"
    {
      "model": "opus",
      "env": {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:[port]",
        "DISABLE_TELEMETRY": "1",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed",
        "ENABLE_TOOL_SEARCH": "true"
      }
    }
    "#);
    assert_snapshot!(shown(&good(home.qcc(&["claude", "status"])), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is connected to http://127.0.0.1:[port]: [home]/.claude/settings.json
    COMES BACK          VALUE
    ANTHROPIC_BASE_URL  https://relay.example
    ANTHROPIC_API_KEY   [redacted]
    ");
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json is as it was, byte for byte
    --- stderr
    came back: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
    ");
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
    assert!(!home.path("claude.json").exists());
    assert_eq!(fs::read_dir(home.path("claude")).unwrap().count(), 0);
}

#[test]
fn a_dry_run_shows_everything_and_does_nothing() {
    let home = home(Some(RELAY));
    assert_snapshot!(shown(&good(home.qcc(&["claude", "connect", "--dry-run"])), &home), @r"
    exit 0
    --- stdout
    [home]/.claude/settings.json would be changed:
    VARIABLE              VALUE                   BEFORE
    ANTHROPIC_BASE_URL    http://127.0.0.1:[port]  https://relay.example
    ANTHROPIC_AUTH_TOKEN  proxy-managed           -
    ANTHROPIC_API_KEY     (taken out)             [redacted]
    ENABLE_TOOL_SEARCH    true                    -
    --- stderr
    note: nothing was written
    ");
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
    assert_eq!(home.json(&["proxy", "status"])["running"], false);
    connect(&home);
    let connected = settings(&home);
    assert_snapshot!(shown(&good(home.qcc(&["claude", "disconnect", "--dry-run"])), &home), @r"
    exit 0
    --- stdout
    Claude Code would be disconnected: [home]/.claude/settings.json (exact)
    --- stderr
    would come back: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
    note: nothing was written
    ");
    assert_eq!(settings(&home), connected);
}

#[test]
fn settings_that_did_not_exist_are_made_and_removed_with_their_folder() {
    let home = home(None);
    connect(&home);
    assert_snapshot!(home.stable(&settings(&home).unwrap()), @r#"
    {
      "env": {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:[port]",
        "ANTHROPIC_AUTH_TOKEN": "proxy-managed",
        "ENABLE_TOOL_SEARCH": "true"
      }
    }
    "#);
    assert_eq!(fs::metadata(home.path(".claude/settings.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json is removed, as there was none before
    ");
    assert!(!home.path(".claude").exists());
}

#[test]
fn connecting_twice_changes_nothing_and_a_new_port_is_followed() {
    let home = home(Some(RELAY));
    connect(&home);
    let first = settings(&home);
    assert_snapshot!(shown(&connect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ nothing to change: Claude Code is connected to http://127.0.0.1:[port]
    ");
    assert_eq!(settings(&home), first);
    let new = port();
    home.write(&configuration(new));
    home.qcc(&["proxy", "stop"]);
    let started = good(home.qcc(&["proxy", "start"]));
    assert!(started.err.contains("which is not this gateway: `qcc claude connect`"), "{}", started.err);
    connect(&home);
    assert!(settings(&home).unwrap().contains(&format!("http://127.0.0.1:{new}")));
    disconnect(&home);
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
}

#[test]
fn what_the_user_edited_meanwhile_stays() {
    let home = home(Some(RELAY));
    connect(&home);
    edit(&home, "\"opus\"", "\"sonnet\"");
    edit(&home, "\"DISABLE_TELEMETRY\": \"1\"", "\"MINE\": \"2\"");
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json is without our variables; what you edited meanwhile stays
    --- stderr
    came back: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
    ");
    let expected = RELAY.replace("\"opus\"", "\"sonnet\"").replace("\"DISABLE_TELEMETRY\": \"1\"", "\"MINE\": \"2\"");
    assert_eq!(settings(&home), Some(expected));
}

#[test]
fn a_variable_of_ours_that_the_user_changed_stays_and_the_earlier_settings_are_kept() {
    let home = home(Some(RELAY));
    connect(&home);
    let url = home.json(&["claude", "status"])["address"].as_str().unwrap().to_owned();
    edit(&home, &url, "https://third.example");
    assert_snapshot!(shown(&home.qcc(&["claude", "status"]), &home), @r"
    exit 1
    --- stdout
    ✗ Claude Code was connected by [home]/.claude/settings.json, but it leads to https://third.example now
    COMES BACK          VALUE
    ANTHROPIC_BASE_URL  https://relay.example
    ANTHROPIC_API_KEY   [redacted]
    --- stderr
    next: `qcc claude connect`, or `qcc claude disconnect` to forget it
    ");
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json is without our variables; what you edited meanwhile stays
    --- stderr
    came back: ANTHROPIC_API_KEY
    note: ANTHROPIC_BASE_URL was changed meanwhile in [home]/.claude/settings.json and stays: it is https://third.example
    note: the earlier settings are kept in [home]/claude/settings-[hash].json
    ");
    assert_eq!(
        settings(&home),
        Some(RELAY.replace("https://relay.example/claude?token=sk-in-url", "https://third.example"))
    );
    let kept = fs::read_dir(home.path("claude")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::read_to_string(kept.path()).unwrap(), RELAY);
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn settings_that_are_gone_are_no_fault() {
    let home = home(Some(RELAY));
    connect(&home);
    fs::remove_file(home.path(".claude/settings.json")).unwrap();
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json was removed meanwhile, so there is nothing to give back
    --- stderr
    note: the earlier settings are kept in [home]/claude/settings-[hash].json
    ");
    assert_eq!(settings(&home), None);
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    Claude Code is not connected: [home]/.claude/settings.json
    ");
}

#[test]
fn disconnecting_needs_neither_a_gateway_nor_a_configuration() {
    let home = home(Some(RELAY));
    connect(&home);
    let stopped = good(home.qcc(&["proxy", "stop"]));
    assert_snapshot!(shown(&stopped, &home), @r"
    exit 0
    --- stdout
    qcc has stopped
    --- stderr
    note: Claude Code is connected ([home]/.claude/settings.json) and reaches nobody now: `qcc proxy start`, or `qcc claude disconnect`
    ");
    assert_snapshot!(shown(&home.qcc(&["claude", "status"]), &home), @r"
    exit 0
    --- stdout
    ✗ Claude Code is connected to http://127.0.0.1:[port]: [home]/.claude/settings.json
    COMES BACK          VALUE
    ANTHROPIC_BASE_URL  https://relay.example
    ANTHROPIC_API_KEY   [redacted]
    --- stderr
    note: qcc is not running, so Claude Code reaches nobody: `qcc proxy start`, or `qcc claude disconnect`
    ");
    home.write("providers: 3\n");
    disconnect(&home);
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
}

#[test]
fn two_homes_of_claude_code_are_connected_and_given_back_each_for_itself() {
    let home = home(Some(RELAY));
    let other = "{\n  \"model\": \"haiku\"\n}\n";
    fs::create_dir(home.path("work")).unwrap();
    fs::write(home.path("work/settings.json"), other).unwrap();
    let at_work = |words: &str| good(home.sh(&format!("CLAUDE_CONFIG_DIR=\"$HOME/work\" \"$QCC\" claude {words}")));
    connect(&home);
    at_work("connect");
    let journal: Value = serde_json::from_slice(&fs::read(home.path("claude.json")).unwrap()).unwrap();
    assert_eq!(journal["entries"].as_array().unwrap().len(), 2);
    let stopped = home.qcc(&["proxy", "stop"]);
    assert_eq!(stopped.err.matches("reaches nobody now").count(), 2);
    disconnect(&home);
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
    assert!(fs::read_to_string(home.path("work/settings.json")).unwrap().contains("127.0.0.1"));
    at_work("disconnect");
    assert_eq!(fs::read_to_string(home.path("work/settings.json")).unwrap(), other);
}

#[test]
fn settings_that_cannot_be_edited_are_refused_before_anything_is_started() {
    let home = home(Some("{\n  \"env\": {\n    \"A\": \"1\",,\n  }\n}\n"));
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: [home]/.claude/settings.json:3:14 cannot be edited: it is not JSON: unexpected token in object
    hint: correct it, or move it away; nothing was written
    ");
    fs::write(home.path(".claude/settings.json"), "{\n  \"env\": []\n}\n").unwrap();
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: [home]/.claude/settings.json:2:10 cannot be edited: `env` is not an object
    hint: make it `{}`, or take it out; nothing was written
    ");
    fs::write(home.path(".claude/settings.json"), "{\"env\": {\n  \"ANTHROPIC_BASE_URL\": null\n}}").unwrap();
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: [home]/.claude/settings.json:2:25 cannot be edited: `ANTHROPIC_BASE_URL` in `env` is not a text
    hint: put its value between quotation marks, or take it out; nothing was written
    ");
    fs::remove_file(home.path(".claude/settings.json")).unwrap();
    fs::create_dir(home.path(".claude/settings.json")).unwrap();
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: [home]/.claude/settings.json is a folder
    hint: move it away: Claude Code needs a file there
    ");
    let json = home.json(&["claude", "connect"]);
    assert!(json["error"]["message"].as_str().unwrap().ends_with("settings.json is a folder"));
}

#[test]
fn read_only_settings_are_not_written() {
    let home = home(Some(RELAY));
    home.mode(".claude/settings.json", 0o444);
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: [home]/.claude/settings.json is read-only
    hint: allow changes with `chmod u+w [home]/.claude/settings.json`
    ");
    home.mode(".claude/settings.json", 0o644);
    connect(&home);
    home.mode(".claude/settings.json", 0o444);
    assert_eq!(home.qcc(&["claude", "disconnect"]).code, Some(1));
    assert_eq!(home.json(&["claude", "status"])["connected"], true);
    home.mode(".claude/settings.json", 0o644);
    disconnect(&home);
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
}

#[test]
fn a_provider_that_leads_back_to_the_gateway_is_refused() {
    let home = home(Some(RELAY));
    let own = port();
    for host in ["127.0.0.1", "localhost", "127.1.2.3", "[::1]"] {
        let looped = format!("  - {{name: loop, base_url: 'http://{host}:{own}/v1', auth_value: k}}\n");
        home.write(&(configuration(own) + &looped));
        let told = refused(&home, &["claude", "connect"]);
        assert!(told.starts_with("error: provider loop leads back to this gateway"), "{host}: {told}");
    }
    let disabled = format!("  - {{name: loop, base_url: 'http://localhost:{own}', auth_value: k, enabled: false}}\n");
    home.write(&(configuration(own) + &disabled));
    connect(&home);
}

#[test]
fn a_port_that_changes_at_each_start_is_refused() {
    let home = home(Some(RELAY));
    home.write(&configuration(0));
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: the gateway's port is chosen anew at each start, so a restart would leave Claude Code behind
    hint: give it a port of its own: `qcc config set proxy.port [port]`, then `qcc proxy restart --port [port]`
    ");
}

#[test]
fn a_credential_is_not_passed_to_whom_it_is_not_for() {
    let home = Home::empty();
    fs::create_dir(home.path(".claude")).unwrap();
    fs::write(home.path(".claude/settings.json"), RELAY).unwrap();
    assert_snapshot!(refused(&home, &["claude", "connect"]), @r"
    error: the settings hold ANTHROPIC_API_KEY for relay.example:443, and anthropic would be given it
    hint: make that address a provider with its key: `qcc add NAME --base-url URL --auth-type auth_token --api-key -`
    ");
}

#[test]
fn a_client_key_is_written_but_never_shown() {
    let home = home(Some("{}"));
    let keyed = configuration(port()).replace("proxy: {", "proxy: {client_keys: [sesame-open], ");
    home.write(&keyed);
    home.mode(".claude/settings.json", 0o644);
    let connected = connect(&home);
    assert_snapshot!(shown(&connected, &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is connected to http://127.0.0.1:[port]: [home]/.claude/settings.json
    VARIABLE              VALUE                   BEFORE
    ANTHROPIC_BASE_URL    http://127.0.0.1:[port]  -
    ANTHROPIC_AUTH_TOKEN  [redacted]              -
    ENABLE_TOOL_SEARCH    true                    -
    --- stderr
    qcc is running: http://127.0.0.1:[port]
    note: [home]/.claude/settings.json holds a client key now and others may read it: `chmod 600 [home]/.claude/settings.json`
    next: start Claude Code anew; `qcc claude disconnect` gives the settings back
    ");
    assert!(settings(&home).unwrap().contains("\"ANTHROPIC_AUTH_TOKEN\": \"sesame-open\""));
    let all = ["status", "connect", "disconnect"].map(|word| {
        let ended = home.qcc(&["claude", word, "--json"]);
        ended.out + &ended.err
    });
    assert!(!all.concat().contains("sesame"));
}

#[test]
fn settings_with_comments_are_edited_with_a_warning_that_claude_code_ignores_them() {
    let text = "{\n  // mine\n  \"model\": \"opus\",\n}\n";
    let home = home(Some(text));
    let connected = connect(&home);
    assert!(connected.err.contains("has a comment or a trailing comma (line 2)"), "{}", connected.err);
    assert!(settings(&home).unwrap().contains("// mine"));
    disconnect(&home);
    assert_eq!(settings(&home).as_deref(), Some(text));
}

#[test]
fn an_interrupted_command_is_settled_by_the_next_one_whatever_it_is() {
    let home = home(Some(RELAY));
    connect(&home);
    let connected = settings(&home).unwrap();
    let mut journal: Value = serde_json::from_slice(&fs::read(home.path("claude.json")).unwrap()).unwrap();
    let connection = journal["entries"][0]["now"].take();
    let (from, to) = (&connection["backup"]["of"], &connection["after"]);
    journal["entries"][0]["next"] = json!({ "from": from, "to": to, "connection": connection });
    let interrupted = journal.to_string();
    // Before the settings were replaced: a part of the new file lies beside the old one.
    fs::write(home.path("claude.json"), &interrupted).unwrap();
    fs::write(home.path(".claude/settings.json"), RELAY).unwrap();
    fs::write(home.path(".claude/.settings.json.qcc-new"), "{").unwrap();
    let next = home.qcc(&["config", "validate", "--json"]);
    assert!(serde_json::from_str::<Value>(&next.out).is_ok(), "{}", next.out);
    assert_snapshot!(home.stable(&next.err), @"note: a `qcc claude connect` was interrupted: [home]/.claude/settings.json is as it was before it");
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
    assert!(!home.path("claude.json").exists() && !home.path(".claude/.settings.json.qcc-new").exists());
    assert_eq!(fs::read_dir(home.path("claude")).unwrap().count(), 0);
    // After: all that was missing is the word that it is done.
    fs::write(home.path("claude.json"), &interrupted).unwrap();
    fs::write(home.path(".claude/settings.json"), &connected).unwrap();
    assert_snapshot!(home.stable(&home.qcc(&["env", "--shell", "bash"]).err), @"note: [home]/.claude/settings.json was connected by a command that was interrupted");
    assert_eq!(home.json(&["claude", "status"])["connected"], true);
    assert_eq!(home.qcc(&["env"]).err, "");
    disconnect(&home);
    // The copy went with the first one, so it comes back key by key.
    let back: Value = serde_json::from_str(&settings(&home).unwrap()).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(RELAY).unwrap());
}

#[test]
fn settings_that_lead_here_without_our_doing_are_freed_too() {
    let home = home(Some(RELAY));
    connect(&home);
    // The state folder was cleaned.
    fs::remove_file(home.path("claude.json")).unwrap();
    good(home.qcc(&["proxy", "stop"]));
    assert_snapshot!(shown(&disconnect(&home), &home), @r"
    exit 0
    --- stdout
    ✓ Claude Code is disconnected: [home]/.claude/settings.json is without what led to qcc
    --- stderr
    note: it was not qcc that connected it, or qcc's own notes of that are gone
    note: the earlier settings are kept in [home]/claude/settings-[hash].json
    ");
    let left: Value = serde_json::from_str(&settings(&home).unwrap()).unwrap();
    assert_eq!(left["env"], json!({ "DISABLE_TELEMETRY": "1", "ENABLE_TOOL_SEARCH": "true" }));
    fs::write(home.path(".claude/settings.json"), RELAY).unwrap();
    assert_eq!(home.json(&["claude", "disconnect"])["changed"], false);
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
}

#[test]
fn two_commands_at_once_do_not_disturb_each_other() {
    let home = home(Some(RELAY));
    good(home.qcc(&["proxy", "start"]));
    for word in ["connect", "disconnect"] {
        let mut both = [(); 4].map(|()| home.spawn(&["claude", word]));
        for child in &mut both {
            assert!(child.0.wait().unwrap().success());
        }
    }
    assert_eq!(settings(&home).as_deref(), Some(RELAY));
    assert!(!home.path("claude.json").exists());
}

#[test]
fn the_documents_have_the_same_keys_whatever_happened() {
    let home = home(Some(RELAY));
    let keys = |document: Value| document.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let none = keys(home.json(&["claude", "status"]));
    let nothing = keys(home.json(&["claude", "disconnect"]));
    let dry = home.json(&["claude", "connect", "--dry-run"]);
    let connected = home.json(&["claude", "connect"]);
    assert_eq!((&dry["changed"], &connected["changed"]), (&json!(false), &json!(true)));
    assert_eq!(connected["comes_back"]["ANTHROPIC_API_KEY"], "[redacted]");
    assert_eq!(connected["set"]["ANTHROPIC_API_KEY"], Value::Null);
    assert_eq!(keys(dry), keys(connected));
    assert_eq!(keys(home.json(&["claude", "status"])), none);
    let disconnected = home.json(&["claude", "disconnect"]);
    assert_eq!(disconnected["how"], "exact");
    assert_eq!(keys(disconnected), nothing);
}

#[test]
fn a_command_run_through_the_gateway_is_not_warned_of_connected_settings() {
    let home = home(Some(RELAY));
    connect(&home);
    assert_eq!(good(home.qcc(&["run", "--", "true"])).err, "");
}
