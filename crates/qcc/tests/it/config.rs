//! `qcc config`: keys read and set, versions kept and taken back, copies that hold no secret.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use insta::assert_snapshot;
use regex::Regex;

use crate::home::{Ended, Home};

/// A file of a careful person: comments, flow style, a name with a dot, a reference.
const WRITTEN: &str = "
# my providers
providers:
  - name: work          # paid by the company
    base_url: https://work.example
    auth_value: sk-hidden   # until May
  - {name: claude-3.5, base_url: 'https://other.example', auth_value: '${KEY}', enabled: false}

proxy:
  port: 7861

profiles:
  production:
    endpoints:
      - {provider: work, weight: 80}   # first
";

fn file(home: &Home) -> String {
    fs::read_to_string(home.path("config.yaml")).unwrap()
}

/// What was said, with the times of versions left out.
fn said(home: &Home, ended: &Ended) -> String {
    let times = Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?").unwrap();
    times.replace_all(&ended.shown(home), "[time]").into_owned()
}

fn run(home: &Home, arguments: &[&str]) -> String {
    said(home, &home.qcc(&[&["config"], arguments].concat()))
}

/// The command fails with this exit code and these words, and the file is as it was.
fn refused(home: &Home, arguments: &[&str], code: i32) -> String {
    let before = fs::read(home.path("config.yaml")).ok();
    let ended = home.qcc(&[&["config"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}{}", ended.out, ended.err);
    assert_eq!(fs::read(home.path("config.yaml")).ok(), before, "the file was changed");
    assert!(!ended.err.contains("sk-hidden") && ended.out.is_empty(), "{}{}", ended.out, ended.err);
    home.stable(&ended.err)
}

/// Runs with this on standard input.
fn piped(home: &Home, arguments: &[&str], input: &str) -> Ended {
    let mut command = home.command(env!("CARGO_BIN_EXE_qcc"));
    command.arg("config").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn a_value_is_printed_alone_whether_it_is_written_or_the_default() {
    let home = Home::with(WRITTEN);
    for (key, value) in [
        ("proxy.port", "7861\n"),
        ("proxy.host", "127.0.0.1\n"),
        ("providers.work.base_url", "https://work.example\n"),
        ("providers.claude-3.5.auth_value", "${KEY}\n"),
        ("providers.work.auth_value", "[redacted]\n"),
        ("providers.claude-3.5.enabled", "false\n"),
        ("profiles.production.endpoints.work.weight", "80\n"),
        ("proxy.client_keys", "[]\n"),
    ] {
        let ended = home.qcc(&["config", "get", key]);
        assert_eq!((ended.out.as_str(), ended.err.as_str(), ended.code), (value, "", Some(0)), "{key}");
    }
    assert_snapshot!(run(&home, &["get", "storage.path"]), @r"
    exit 0
    --- stderr
    note: storage.path is not set, and has no default
    ");
    assert_snapshot!(run(&home, &["get", "failover"]), @r"
    exit 0
    --- stdout
    KEY                VALUE  FROM
    failover.auto      true   default
    failover.recovery  true   default
    failover.cooldown  300s   default
    ");
    assert_snapshot!(run(&home, &["get", "proxy.port", "--json"]), @r#"
    exit 0
    --- stdout
    {
      "key": "proxy.port",
      "value": 7861,
      "default": 7860,
      "set": true,
      "from": "file",
      "secret": false,
      "description": "Listen port; 0 lets the system choose. A change needs a restart."
    }
    "#);
    assert_snapshot!(run(&home, &["get", "providers.work.auth_value", "--json"]), @r#"
    exit 0
    --- stdout
    {
      "key": "providers.work.auth_value",
      "value": "[redacted]",
      "default": null,
      "set": true,
      "from": "file",
      "secret": true,
      "description": "The credential: `${VAR}`, `${file:/path}` or a literal; `passthrough` sends the client's own."
    }
    "#);
}

#[test]
fn values_of_the_balancer_count_and_are_named() {
    let home = Home::with("settings: {port: 9000, failure_cooldown: 90}\n");
    assert_eq!(home.qcc(&["config", "get", "proxy.port"]).out, "9000\n");
    assert_snapshot!(run(&home, &["list", "breaker.open"]), @r"
    exit 0
    --- stdout
    KEY                   VALUE  FROM
    breaker.open_initial  90s    settings.failure_cooldown
    breaker.open_max      600s   default
    ");
    assert_snapshot!(refused(&home, &["set", "settings.port", "1"], 2), @r"
    error: `settings.port` is a key of the Balancer
    hint: set `proxy.port` instead
    ");
    assert_eq!(home.qcc(&["config", "reset", "settings.port"]).code, Some(0));
    assert_eq!(file(&home), "settings: {failure_cooldown: 90}\n");
}

#[test]
fn a_key_that_does_not_exist_is_answered_with_one_that_does() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["get", "port"], 2), @r"
    error: there is no key `port`
    hint: did you mean `proxy.port`? `qcc config list` names all keys
    ");
    assert_snapshot!(refused(&home, &["set", "proxy.prot", "1"], 2), @r"
    error: there is no key `proxy.prot`
    hint: did you mean `proxy.port`? `qcc config list` names all keys
    ");
    assert_snapshot!(refused(&home, &["get", "providers.wrok.base_url"], 2), @r"
    error: there is no provider `wrok`
    hint: did you mean `work`? `qcc add wrok --base-url URL --api-key KEY` makes one
    ");
    assert_snapshot!(refused(&home, &["reset", "quux"], 2), @r"
    error: there is no key `quux`
    hint: `qcc config list` names all keys
    ");
    assert_snapshot!(refused(&home, &["list", "quux"], 2), @r"
    error: there is no key `quux`
    hint: `qcc config list` names all keys
    ");
    assert_snapshot!(refused(&home, &["get"], 2), @r"
    error: `<KEY>` is missing
    hint: `qcc config get --help` shows how it is used
    usage: qcc config get <KEY>
    ");
    assert_eq!(home.json(&["config", "get", "port"])["error"]["message"], "there is no key `port`");
}

#[test]
fn a_value_is_set_and_the_rest_of_the_file_stays() {
    let home = Home::with(WRITTEN);
    let before = file(&home);
    assert_snapshot!(run(&home, &["set", "proxy.port", "7862"]), @r"
    exit 0
    --- stdout
    ✓ proxy.port is 7862 (was 7861) in [home]/config.yaml
    ");
    assert_eq!(file(&home), before.replace("7861", "7862"));
    assert_snapshot!(run(&home, &["set", "proxy.port", "7862"]), @r"
    exit 0
    --- stdout
    ✓ nothing to change: proxy.port is 7862 in [home]/config.yaml
    ");
}

#[test]
fn a_key_that_the_file_does_not_have_yet_is_put_where_it_belongs() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(run(&home, &["set", "providers.claude-3.5.models.claude-3.5-haiku", "small"]), @r#"
    exit 0
    --- stdout
    ✓ providers."claude-3.5".models."claude-3.5-haiku" is small in [home]/config.yaml
    "#);
    assert_snapshot!(run(&home, &["set", "model_routes.*haiku*.0.provider", "work"]), @r"
    exit 0
    --- stdout
    ✓ model_routes.*haiku*.0.provider is work in [home]/config.yaml
    ");
    assert_snapshot!(run(&home, &["set", "failover.auto", "no"]), @r"
    exit 0
    --- stdout
    ✓ failover.auto is false (was true) in [home]/config.yaml
    ");
    assert_snapshot!(run(&home, &["set", "proxy.allowed_hosts", "a.example, b.example"]), @r"
    exit 0
    --- stdout
    ✓ proxy.allowed_hosts is [a.example, b.example] (was []) in [home]/config.yaml
    ");
    assert_snapshot!(file(&home), @r#"
    # my providers
    providers:
      - name: work          # paid by the company
        base_url: https://work.example
        auth_value: sk-hidden   # until May
      - {name: claude-3.5, base_url: 'https://other.example', auth_value: '${KEY}', enabled: false, models: {claude-3.5-haiku: small}}

    proxy:
      port: 7861
      allowed_hosts: [a.example, b.example]

    profiles:
      production:
        endpoints:
          - {provider: work, weight: 80}   # first

    model_routes:
      "*haiku*":
        - {provider: work}

    failover:
      auto: false
    "#);
    assert_snapshot!(run(&home, &["set", "retry.jitter", "0.5", "--json"]), @r#"
    exit 0
    --- stdout
    {
      "changed": true,
      "version": 6,
      "file": "[home]/config.yaml",
      "created": false,
      "gateway": {
        "state": "not_running"
      },
      "key": "retry.jitter",
      "value": 0.5,
      "default": 0.1,
      "set": true,
      "from": "file",
      "secret": false,
      "description": "Share of the backoff by which it varies."
    }
    "#);
}

#[test]
fn the_first_value_makes_the_file() {
    let home = Home::empty();
    assert_snapshot!(run(&home, &["set", "proxy.port", "7862"]), @r"
    exit 0
    --- stdout
    ✓ proxy.port is 7862 (was 7860) in [home]/config.yaml
    ");
    assert_eq!(file(&home), "proxy:\n  port: 7862\n");
    assert_eq!(fs::metadata(home.path("config.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_secret_on_the_command_line_is_noted_and_one_from_standard_input_is_not() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(run(&home, &["set", "providers.work.auth_value", "sk-typed"]), @r"
    exit 0
    --- stdout
    ✓ providers.work.auth_value is [redacted] in [home]/config.yaml
    --- stderr
    note: the secret is now in the history of your shell: `qcc config set providers.work.auth_value -` reads it from standard input
    ");
    assert!(file(&home).contains("auth_value: sk-typed   # until May"));
    assert_snapshot!(said(&home, &piped(&home, &["set", "providers.work.auth_value", "-"], "sk-piped\n")), @r"
    exit 0
    --- stdout
    ✓ providers.work.auth_value is [redacted] in [home]/config.yaml
    ");
    assert!(file(&home).contains("auth_value: sk-piped   # until May"));
    let referred = home.qcc(&["config", "set", "providers.claude-3.5.auth_value", "${OTHER}"]);
    assert_eq!((referred.err.as_str(), referred.code), ("", Some(0)), "{}", referred.err);
    for input in ["", "\n"] {
        let ended = piped(&home, &["set", "providers.work.auth_value", "-"], input);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{}", ended.err);
    }
    let all = home.qcc(&["config", "history"]).out + &home.qcc(&["config", "history", "2"]).out;
    assert!(!all.contains("sk-"), "{all}");
}

#[test]
fn a_value_that_does_not_fit_is_refused() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["set", "timeouts.idle", "300"], 2), @r"
    error: timeouts.idle: `300` is a duration without a unit
    hint: write `300s` for seconds; units are ms, s, m, h, d
    ");
    assert_snapshot!(refused(&home, &["set", "proxy.port", "-1"], 2), @r"
    error: proxy.port: `-1` is not a whole number up to 65535
    hint: write a number from 0 to 65535
    ");
    assert_snapshot!(refused(&home, &["set", "retry.jitter", "2"], 2), @r"
    error: retry.jitter: 2 is out of range
    hint: write a number from 0 to 1
    ");
    assert_snapshot!(refused(&home, &["set", "logging.level", "loud"], 2), @r"
    error: logging.level: `loud` is not possible here
    hint: possible are trace, debug, info, warn, error
    ");
    assert_snapshot!(refused(&home, &["set", "providers.work", "x"], 2), @r"
    error: `providers.work` is a section, not a value
    hint: `qcc config list providers.work` shows the keys below it, which are set one by one
    ");
    assert_snapshot!(refused(&home, &["set", "providers.work.base_url", "work.example"], 1), @r"
    error: base_url has no scheme, in `base_url: work.example`; the file was not changed
     --> [home]/config.yaml
    hint: write a URL such as `https://api.anthropic.com`
    ");
    assert_snapshot!(refused(&home, &["set", "providers.work.name", "other"], 1), @r"
    error: there is no provider `work`, in `- {provider: work, weight: 80}`; the file was not changed
     --> [home]/config.yaml
    hint: there are: other, claude-3.5
    ");
    assert_snapshot!(refused(&home, &["set", "proxy.host", "0.0.0.0"], 1), @r"
    error: proxy.host is not loopback and proxy.client_keys is empty: anyone could spend your money, in `host: 0.0.0.0`; the file was not changed
     --> [home]/config.yaml
    hint: add `client_keys: [${QCC_CLIENT_KEY}]` under `proxy:`, or listen on 127.0.0.1
    ");
    assert!(!home.path("history").exists());
}

#[test]
fn a_file_that_cannot_be_changed_is_left_alone() {
    let home = Home::with(WRITTEN);
    home.mode("config.yaml", 0o400);
    assert_snapshot!(refused(&home, &["set", "proxy.port", "1"], 1), @r"
    error: the file is read-only, and was not changed
     --> [home]/config.yaml
    hint: make it writable: `chmod u+w [home]/config.yaml`
    ");
    home.write("proxy: {port: 1\n");
    assert_snapshot!(refused(&home, &["set", "proxy.port", "1"], 1), @r"
    error: this is not valid YAML: unclosed bracket '{'
      --> [home]/config.yaml:1:8
       |
     1 | proxy: {port: 1
       |        ^
    hint: check indentation, quotes and brackets near this place
    ");
    home.write(WRITTEN);
    // The shell's limit stands for a full disk: the new file cannot be written, the old one is whole.
    let before = file(&home);
    let ended = home.sh("ulimit -f 0; $QCC config set proxy.port 1 2>&1 | cat");
    assert_snapshot!(home.stable(&ended.out), @r"
    error: the configuration cannot be written: File too large (os error 27)
     --> [home]/config.yaml
    hint: make room, then try again; the file is as it was
    ");
    assert_eq!(file(&home), before);
    assert!(fs::read_dir(home.dir.path()).unwrap().all(|entry| entry.unwrap().file_name() == "config.yaml"));
}

#[test]
fn the_list_shows_every_key_with_where_its_value_comes_from() {
    let home = Home::with(WRITTEN);
    let all = home.qcc(&["config", "list"]);
    for line in ["proxy.host ", "logging.files ", "providers.work.base_url ", "retry.budget_floor "] {
        assert!(all.out.lines().any(|shown| shown.starts_with(line)), "{line}: {}", all.out);
    }
    assert_snapshot!(run(&home, &["list", "--set"]), @r#"
    exit 0
    --- stdout
    KEY                                          VALUE                  FROM
    proxy.port                                   7861                   file
    providers.work.name                          work                   file
    providers.work.base_url                      https://work.example   file
    providers.work.auth_value                    [redacted]             file
    providers."claude-3.5".name                  claude-3.5             file
    providers."claude-3.5".base_url              https://other.example  file
    providers."claude-3.5".auth_value            ${KEY}                 file
    providers."claude-3.5".enabled               false                  file
    profiles.production.endpoints.work.provider  work                   file
    profiles.production.endpoints.work.weight    80                     file
    "#);
    assert_snapshot!(run(&home, &["list", "proxy"]), @r"
    exit 0
    --- stdout
    KEY                    VALUE      FROM
    proxy.host             127.0.0.1  default
    proxy.port             7861       file
    proxy.max_body         32MiB      default
    proxy.max_buffered     512MiB     default
    proxy.drain            30s        default
    proxy.client_keys      []         default
    proxy.allowed_hosts    []         default
    proxy.allowed_origins  []         default
    ");
    assert_snapshot!(run(&home, &["list", "providers.claude-3.5.timeouts"]), @r#"
    exit 0
    --- stdout
    KEY                                         VALUE  FROM
    providers."claude-3.5".timeouts.connect     10s    default
    providers."claude-3.5".timeouts.first_byte  120s   default
    providers."claude-3.5".timeouts.response    290s   default
    providers."claude-3.5".timeouts.idle        120s   default
    providers."claude-3.5".timeouts.stall       240s   default
    providers."claude-3.5".timeouts.total       15m    default
    "#);
    let json = home.json(&["config", "list", "retry"]);
    assert_eq!(json["keys"].as_array().unwrap().len(), 8);
    assert_eq!(json["keys"][0]["key"], "retry.max_attempts");
    assert_eq!((&json["keys"][0]["value"], &json["keys"][0]["set"]), (&5.into(), &false.into()));
    assert_snapshot!(run(&Home::empty(), &["list", "--set"]), @r"
    exit 0
    --- stderr
    the file sets no such key: `qcc config list` without --set shows the defaults
    ");
}

#[test]
fn a_reset_takes_a_key_or_all_settings_out() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(run(&home, &["reset", "proxy.port"]), @r"
    exit 0
    --- stdout
    ✓ proxy.port is 7860, its default, in [home]/config.yaml
    ");
    assert_snapshot!(run(&home, &["reset", "proxy.port"]), @r"
    exit 0
    --- stdout
    ✓ nothing to change: proxy.port is 7860, its default, in [home]/config.yaml
    ");
    assert_snapshot!(run(&home, &["reset", "profiles.production.endpoints.work.weight"]), @r"
    exit 0
    --- stdout
    ✓ profiles.production.endpoints.work.weight is 100, its default, in [home]/config.yaml
    ");
    home.write(WRITTEN);
    assert_snapshot!(refused(&home, &["reset"], 2), @r"
    error: this would take proxy out of the file
    hint: say that you mean it: `qcc config reset --yes`, or name a key
    ");
    assert_snapshot!(run(&home, &["reset", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ back to the defaults in [home]/config.yaml: proxy
    --- stderr
    undo: `qcc config rollback`
    ");
    assert_eq!(file(&home), WRITTEN.trim_start().replace("proxy:\n  port: 7861\n\n", ""));
    assert_snapshot!(run(&home, &["reset", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ nothing to change: no settings are written in [home]/config.yaml
    ");
    assert_snapshot!(refused(&home, &["reset", "providers.work"], 2), @r"
    error: `providers.work` is more than a setting
    hint: `qcc remove work` removes it
    ");
    assert_snapshot!(refused(&home, &["reset", "profiles"], 2), @r"
    error: `profiles` is more than a setting
    hint: `qcc list` shows what there is, `qcc remove NAME` removes one
    ");
    assert_snapshot!(refused(&home, &["reset", "profiles.production.endpoints.work"], 2), @r"
    error: `profiles.production.endpoints.work` is more than a setting
    hint: `qcc endpoint remove production ID` removes one
    ");
    assert_snapshot!(refused(&home, &["reset", "providers.work.base_url"], 1), @r"
    error: the file was not changed: with this edit, the key `base_url` is missing
     --> [home]/config.yaml
    hint: add it to this entry
    ");
}

#[test]
fn an_export_holds_no_secret() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(run(&home, &["export", "-"]), @r#"
    exit 0
    --- stdout
    # my providers
    providers:
      - name: work          # paid by the company
        base_url: https://work.example
        auth_value: "[redacted]"   # until May
      - {name: claude-3.5, base_url: 'https://other.example', auth_value: '${KEY}', enabled: false}

    proxy:
      port: 7861

    profiles:
      production:
        endpoints:
          - {provider: work, weight: 80}   # first
    --- stderr
    note: written without 1 secret: `qcc config import` keeps what the file has, --with-secrets writes all
    "#);
    assert_snapshot!(run(&home, &["export", "copy.yaml"]), @r"
    exit 0
    --- stdout
    ✓ copy.yaml was written
    --- stderr
    note: written without 1 secret: `qcc config import` keeps what the file has, --with-secrets writes all
    ");
    assert_eq!(fs::metadata(home.path("copy.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_snapshot!(refused(&home, &["export", "copy.yaml"], 1), @r"
    error: copy.yaml exists already
    hint: choose another name, or replace it with --force
    ");
    assert_snapshot!(refused(&home, &["export", "config.yaml", "--force"], 2), @r"
    error: this is the configuration itself, which would lose its secrets
    hint: choose another file
    ");
    assert_snapshot!(refused(&home, &["export", "no/such/folder.yaml"], 1), @"error: cannot write no/such/folder.yaml: No such file or directory (os error 2)");
}

#[test]
fn an_export_can_be_imported_over_its_file() {
    let home = Home::with(WRITTEN);
    let before = file(&home);
    home.qcc(&["config", "export", "copy.yaml"]);
    assert_snapshot!(run(&home, &["import", "copy.yaml", "--dry-run"]), @r"
    exit 0
    --- stdout
    ✓ copy.yaml is valid and would not change [home]/config.yaml
    ");
    let copy = fs::read_to_string(home.path("copy.yaml")).unwrap();
    fs::write(home.path("copy.yaml"), copy.replace("weight: 80", "weight: 9")).unwrap();
    assert_snapshot!(run(&home, &["import", "copy.yaml", "--dry-run", "--json"]), @r#"
    exit 0
    --- stdout
    {
      "changed": false,
      "would_change": true,
      "file": "[home]/config.yaml",
      "source": "copy.yaml",
      "dry_run": true,
      "diff": [
        {
          "change": "same",
          "line": 12,
          "text": "  production:"
        },
        {
          "change": "same",
          "line": 13,
          "text": "    endpoints:"
        },
        {
          "change": "removed",
          "line": 14,
          "text": "      - {provider: work, weight: 80}   # first"
        },
        {
          "change": "added",
          "line": 14,
          "text": "      - {provider: work, weight: 9}   # first"
        }
      ]
    }
    "#);
    assert_snapshot!(run(&home, &["import", "copy.yaml"]), @r"
    exit 0
    --- stdout
    12     production:
    13       endpoints:
    14 -       - {provider: work, weight: 80}   # first
    14 +       - {provider: work, weight: 9}   # first
    ✓ [home]/config.yaml holds what was in copy.yaml
    --- stderr
    undo: `qcc config rollback`
    ");
    assert_eq!(file(&home), before.replace("weight: 80", "weight: 9"));
    let ended = home.qcc(&["config", "export", "copy.yaml", "--with-secrets", "--force"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(home.path("copy.yaml")).unwrap(), file(&home));
    assert_snapshot!(refused(&Home::empty(), &["export", "-"], 1), @r"
    error: there is no configuration file [home]/config.yaml
    hint: make one: `qcc init` or `qcc add NAME`
    ");
}

#[test]
fn an_import_that_may_not_be_used_changes_nothing() {
    let home = Home::with(WRITTEN);
    let import = |text: &str| {
        fs::write(home.path("new.yaml"), text).unwrap();
        refused(&home, &["import", "new.yaml"], 1)
    };
    assert_snapshot!(import("proxy: {prot: 1}\n"), @r"
    error: unknown key `prot`
      --> new.yaml:1:9
       |
     1 | proxy: {prot: 1}
       |         ^^^^
    hint: did you mean `port`?
    ");
    assert_snapshot!(import("proxy: {port: x}\n"), @r"
    error: `x` is not a whole number up to 65535
      --> new.yaml:1:15
       |
     1 | proxy: {port: x}
       |               ^
    hint: write a number from 0 to 65535
    ");
    assert_snapshot!(
        import("providers:\n  - {name: new, base_url: 'https://new.example', auth_value: '[redacted]'}\n"),
        @r"
        error: auth_value of the provider `new` is `[redacted]`, and the file has no value for it
          --> new.yaml:2:62
           |
         2 |   - {name: new, base_url: 'https://new.example', auth_value: [redacted]
           |                                                              ^^^^^^^^^^
        hint: write the value or a `${VAR}` in its place; `qcc config export --with-secrets` keeps what is secret
        "
    );
    assert_snapshot!(refused(&home, &["import", "missing.yaml"], 1), @"error: cannot read missing.yaml: No such file or directory (os error 2)");
    let before = file(&home);
    let ended = piped(&home, &["import", "-"], "");
    assert_snapshot!(ended.shown(&home), @r"
    exit 2
    --- stderr
    error: standard input is empty
    hint: a configuration without providers is possible: write `{}`
    ");
    let ended = piped(&home, &["import", "-"], "proxy: {port: 5}\n");
    assert_eq!((ended.code, file(&home).as_str()), (Some(0), "proxy: {port: 5}\n"), "{}", ended.err);
    home.qcc(&["config", "rollback"]);
    assert_eq!(file(&home), before);
}

#[test]
fn every_version_can_be_seen() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(run(&home, &["history"]), @r"
    exit 0
    --- stdout
    no version is kept yet: the first change by a command makes one
    ");
    assert_snapshot!(refused(&home, &["rollback"], 1), @r"
    error: no version of this file is kept yet
     --> [home]/config.yaml
    hint: the first change by a command makes one
    ");
    home.qcc(&["config", "set", "proxy.port", "1"]);
    home.qcc(&["config", "set", "proxy.port", "2"]);
    assert_snapshot!(run(&home, &["history"]), @r"
    exit 0
    --- stdout
    VERSION  TIME                 LINES   CHANGE
    3        [time]  +1 -1   config set proxy.port [port]  current
    2        [time]  +1 -1   config set proxy.port [port]
    1        [time]  +14 -0  as found
    ");
    assert_snapshot!(run(&home, &["history", "2"]), @r"
    exit 0
    --- stdout
     7
     8   proxy:
     9 -   port: 7861
     9 +   port: 1
    10
    11   profiles:
    --- stderr
    go back to it: `qcc config rollback 2`
    ");
}

#[test]
fn a_change_is_taken_back_and_so_is_that() {
    let home = Home::with(WRITTEN);
    home.qcc(&["config", "set", "proxy.port", "1"]);
    home.qcc(&["config", "set", "proxy.port", "2"]);
    assert_snapshot!(run(&home, &["rollback"]), @r"
    exit 0
    --- stdout
     7
     8   proxy:
     9 -   port: 2
     9 +   port: 1
    10
    11   profiles:
    ✓ [home]/config.yaml is as before the newest change
    ");
    assert!(file(&home).contains("port: 1\n"));
    assert_snapshot!(run(&home, &["rollback", "1", "--json"]), @r#"
    exit 0
    --- stdout
    {
      "changed": true,
      "version": 5,
      "file": "[home]/config.yaml",
      "created": false,
      "gateway": {
        "state": "not_running"
      },
      "diff": [
        {
          "change": "same",
          "line": 7,
          "text": ""
        },
        {
          "change": "same",
          "line": 8,
          "text": "proxy:"
        },
        {
          "change": "removed",
          "line": 9,
          "text": "  port: 1"
        },
        {
          "change": "added",
          "line": 9,
          "text": "  port: 7861"
        },
        {
          "change": "same",
          "line": 10,
          "text": ""
        },
        {
          "change": "same",
          "line": 11,
          "text": "profiles:"
        }
      ],
      "valid": true
    }
    "#);
    assert_eq!(file(&home), WRITTEN.trim_start());
    assert_snapshot!(run(&home, &["rollback", "1"]), @r"
    exit 0
    --- stdout
    ✓ nothing to change: [home]/config.yaml is as version 1 again
    ");
    assert_snapshot!(refused(&home, &["rollback", "99"], 1), @r"
    error: there is no version 99 of this file
     --> [home]/config.yaml
    hint: versions 1 to 5 are kept: see `qcc config history`
    ");
    assert_snapshot!(refused(&home, &["history", "99"], 1), @r"
    error: there is no version 99 of this file
     --> [home]/config.yaml
    hint: versions 1 to 5 are kept: see `qcc config history`
    ");
    assert_eq!(home.json(&["config", "history"])["versions"][0]["change"], "config rollback 1");
}

#[test]
fn a_running_gateway_uses_a_change_at_once() {
    let home = Home::with("proxy: {port: 0}\nproviders: [{name: a, base_url: 'http://127.0.0.1:9', auth_value: k}]\n");
    assert_eq!(home.qcc(&["proxy", "start"]).code, Some(0));
    assert_snapshot!(run(&home, &["set", "retry.max_attempts", "7"]), @r"
    exit 0
    --- stdout
    ✓ retry.max_attempts is 7 (was 5) in [home]/config.yaml
    --- stderr
    the running gateway uses it
    ");
    assert_snapshot!(run(&home, &["rollback"]), @r"
    exit 0
    --- stdout
    1   proxy: {port: 0}
    2   providers: [{name: a, base_url: 'http://127.0.0.1:[port]', auth_value: [redacted]}]
    3 - retry:
    4 -   max_attempts: 7
    ✓ [home]/config.yaml is as before the newest change
    --- stderr
    the running gateway uses it
    ");
    assert_snapshot!(run(&home, &["set", "proxy.port", "1"]), @r"
    exit 0
    --- stdout
    ✓ proxy.port is 1 (was 0) in [home]/config.yaml
    --- stderr
    note: proxy.port takes effect after `qcc proxy restart`
    ");
}
