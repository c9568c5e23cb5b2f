//! With homes that are broken in one way, in all ways, or not there at all.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;
use qcc_testkit::Upstream;

use super::{command, doctor, document, found, models, sound, stable};
use crate::home::{Ended, Home, PLAIN};

#[test]
fn every_fault_of_the_file_is_told_with_its_line_and_the_other_checks_go_on() {
    let home = sound("proxy: {port: seven}\nproviders:\n  - {name: one, base_url: 'ftp://x', auth_value: sesame}\n");
    let ended = doctor(&home, &[]);
    assert_snapshot!(stable(&home, &ended.shown(&home)), @r"
    exit 1
    --- stdout
    configuration  ✗ line 1: `seven` is not a whole number up to 65535
                     fix: write a number from 0 to 65535 (line 1 of [home]/config.yaml)
                   ✗ line 3: base_url is neither http nor https
                     fix: write a URL such as `https://api.anthropic.com` (line 3 of [home]/config.yaml)
    files          ✓ [home] is writable, [room] free
    keys           – not known while the configuration has faults
    gateway        – not running; `qcc proxy start` starts it
    self-loop      – not known until the gateway has an address
    clock          – no provider answered with its date
    TLS            ✓ 1 root of the system
    providers      – not known while the configuration has faults
    profiles       – not known while the configuration has faults
    Claude Code    ✓ installed: [home]/bin/claude

    2 problems
    ");
    assert!(!ended.out.contains("sesame"));
}

#[test]
fn a_file_with_many_faults_is_cut_short() {
    let entries: String =
        (0..9).map(|number| format!("  - {{name: p{number}, base_url: x, auth_value: k}}\n")).collect();
    let home = sound(&format!("providers:\n{entries}"));
    let text = found(&home, &document(&home, &[]), "configuration");
    assert!(text.ends_with("problem: 3 more faults\n  fix: qcc config validate\n"), "{text}");
}

#[test]
fn a_file_that_was_named_has_to_exist() {
    let home = sound(PLAIN);
    fs::remove_file(home.path("config.yaml")).unwrap();
    let named = Ended::of(command(&home, &[]).args(["--config", "nowhere.yaml"]).output().unwrap());
    assert_eq!(named.code, Some(1));
    assert!(named.out.contains("nowhere.yaml: the configuration cannot be read"), "{}", named.out);
    symlink("gone.yaml", home.path("config.yaml")).unwrap();
    let text = found(&home, &document(&home, &[]), "configuration");
    assert!(text.starts_with("problem: [home]/config.yaml: the configuration cannot be read"), "{text}");
}

#[test]
fn notices_of_a_valid_file_are_repeated() {
    let home = sound(&format!("{PLAIN}cache: {{mode: always}}\n"));
    assert_snapshot!(found(&home, &document(&home, &[]), "configuration"), @r"
    ok: [home]/config.yaml is valid: 1 provider, 0 profiles
    warning: accepted but without effect yet: cache.mode
    ");
}

#[test]
fn files_and_folders_that_are_open_to_others_are_named_with_the_mode_to_set() {
    let home = sound(&PLAIN.replace("sk-hidden", "'${file:key}'"));
    fs::write(home.path("key"), "sesame").unwrap();
    let states = |config: u32, key: u32, folder: u32| {
        home.mode("config.yaml", config);
        home.mode("key", key);
        home.mode("", folder);
        found(&home, &document(&home, &[]), "files")
    };
    assert_snapshot!(states(0o600, 0o600, 0o755), @"ok: [home] is writable, [room] free");
    assert_snapshot!(states(0o644, 0o640, 0o700), @r"
    warning: others may read [home]/key (mode 0640)
      fix: chmod 600 [home]/key
    ok: [home] is writable, [room] free
    ");
    assert_snapshot!(states(0o666, 0o600, 0o770), @r"
    problem: others may change [home]/config.yaml (mode 0666), and with it where your keys go
      fix: chmod 600 [home]/config.yaml
    problem: others may change what is in [home] (mode 0770)
      fix: chmod go-w [home]
    ok: [home] is writable, [room] free
    ");
    home.write(PLAIN);
    assert_snapshot!(states(0o644, 0o600, 0o700), @r"
    problem: [home]/config.yaml holds secrets and has mode 0644: others may read them
      fix: chmod 600 [home]/config.yaml
    ok: [home] is writable, [room] free
    ");
}

#[test]
fn what_is_in_the_way_of_the_gateways_files_is_named() {
    let home = sound(PLAIN);
    fs::create_dir(home.path("qcc.log")).unwrap();
    assert_snapshot!(found(&home, &document(&home, &[]), "files"), @r"
    problem: [home]/qcc.log has to be a file, and is none
      fix: mv [home]/qcc.log [home]/qcc.log.old
    ok: [home] is writable, [room] free
    ");
    let config = home.path("config.yaml");
    let file_as_folder = document(&home, &[("QCC_HOME", config.to_str().unwrap())]);
    assert_snapshot!(found(&home, &file_as_folder, "files"), @r"
    problem: [home]/config.yaml has to be a folder, and is none
      fix: name another folder as QCC_HOME, or make this one writable for you
    ");
    assert_snapshot!(found(&home, &file_as_folder, "gateway"), @r"
    problem: whether it runs is not known: [home]/config.yaml/qcc.pid cannot be read: Not a directory (os error 20)
      fix: make it a file that you may read, or name another folder as QCC_HOME
    ");
}

#[test]
fn keys_that_are_missing_or_are_none_are_told_apart_and_none_is_shown() {
    let home = sound(
        "
proxy: {port: 0}
providers:
  - {name: unset, base_url: 'http://127.0.0.1:9', auth_value: '${UNSET_KEY}'}
  - {name: blank, base_url: 'http://127.0.0.1:9', auth_value: '${BLANK_KEY}'}
  - {name: void, base_url: 'http://127.0.0.1:9', auth_value: '${VOID_KEY}', headers: {x-team: '${UNSET_KEY}'}}
  - {name: nofile, base_url: 'http://127.0.0.1:9', auth_value: '${file:missing}'}
  - {name: emptyfile, base_url: 'http://127.0.0.1:9', auth_value: '${file:empty}'}
  - {name: example, base_url: 'http://127.0.0.1:9', auth_value: 'sk-ant-...'}
  - {name: quoted, base_url: 'http://127.0.0.1:9', auth_value: '\"sesame1\"'}
  - {name: bearer, base_url: 'http://127.0.0.1:9', auth_value: 'Bearer sesame2'}
  - {name: lost, base_url: 'http://127.0.0.1:9', auth_value: 'sk-ant-sesame3'}
  - {name: again, base_url: 'http://127.0.0.1:9', auth_value: 'sk-ant-sesame3'}
",
    );
    fs::write(home.path("empty"), "\n").unwrap();
    home.mode("empty", 0o600);
    let document = document(&home, &[("BLANK_KEY", "sesame4\n"), ("VOID_KEY", "")]);
    assert_snapshot!(found(&home, &document, "keys"), @r"
    problem: unset, void: the variable UNSET_KEY is not set in this shell
      fix: export UNSET_KEY=...
    problem: blank: the variable BLANK_KEY has blanks or line breaks around it, or control characters in it
      fix: export BLANK_KEY=...
    problem: void: the variable VOID_KEY is empty in this shell
      fix: export VOID_KEY=...
    problem: nofile: the file [home]/missing cannot be read: No such file or directory (os error 2)
      fix: write the key, and nothing else, into [home]/missing, for you alone (mode 600)
    problem: emptyfile: the file [home]/empty is empty
      fix: write the key, and nothing else, into [home]/empty, for you alone (mode 600)
    problem: example: its key is the placeholder of an example
      fix: qcc config set providers.example.auth_value '${EXAMPLE_API_KEY}'
    problem: quoted: its key has a quote in it, which belongs to the shell or the file and not to the key
      fix: qcc config set providers.quoted.auth_value '${QUOTED_API_KEY}'
    problem: bearer: its key begins with `Bearer`, which qcc adds by itself where it is needed
      fix: qcc config set providers.bearer.auth_value '${BEARER_API_KEY}'
    warning: lost: a key of Anthropic's goes to 127.0.0.1, which is not Anthropic's
      fix: qcc config set providers.lost.auth_value '${LOST_API_KEY}'
    warning: again: a key of Anthropic's goes to 127.0.0.1, which is not Anthropic's
      fix: qcc config set providers.again.auth_value '${AGAIN_API_KEY}'
    warning: lost and again are one account: same key, same host
      fix: qcc config set providers.again.enabled false
    ");
    assert_snapshot!(found(&home, &document, "configuration"), @"skipped: [home]/config.yaml would be valid, but it lacks what stands under keys");
    assert!(found(&home, &document, "providers").contains("skipped: not asked, for the reasons above: unset, blank"));
    assert!(!document.to_string().contains("sesame"));
}

#[test]
fn a_variable_of_a_setting_is_told_with_its_line() {
    let home = sound(
        "proxy: {port: 0, client_keys: ['${CLIENT_KEY}']}\nproviders: [{name: a, base_url: 'http://127.0.0.1:9', auth_value: k}]\n",
    );
    assert_snapshot!(found(&home, &document(&home, &[]), "keys"), @r"
    problem: line 1: the variable CLIENT_KEY is not set in this shell
      fix: export CLIENT_KEY=...
    ");
}

#[test]
fn profiles_without_anybody_are_a_problem_when_all_of_them_are() {
    let providers = "proxy: {port: 0}\nproviders: [{name: a, base_url: 'http://127.0.0.1:9', auth_value: k}]\n";
    let home =
        sound(&format!("{providers}profiles:\n  empty: {{endpoints: []}}\n  good: {{endpoints: [{{provider: a}}]}}\n"));
    assert_snapshot!(found(&home, &document(&home, &[]), "profiles"), @r"
    ok: usable: good
    warning: empty is skipped: it has no endpoints
      fix: qcc endpoint add empty -f a
    ");
    home.write(&format!("{providers}profiles:\n  off: {{endpoints: [{{provider: a, enabled: false}}]}}\n"));
    assert_snapshot!(found(&home, &document(&home, &[]), "profiles"), @r"
    problem: off is skipped: its endpoints are disabled
      fix: qcc endpoint enable off a
    ");
    home.write(&providers.replace("auth_value: k", "auth_value: k, enabled: false"));
    assert_snapshot!(found(&home, &document(&home, &[]), "providers"), @r"
    problem: none is enabled, so every request is refused (there are: a)
      fix: qcc config set providers.a.enabled true
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_variables_that_lead_claude_code_elsewhere_are_named() {
    let elsewhere = Upstream::start(models()).await.unwrap();
    let home = sound(&PLAIN.replace("port: 0", "port: 9"));
    let settings = |text: &str| fs::write(home.path(".claude/settings.json"), text).unwrap();
    settings(r#"{"env": {"ANTHROPIC_BASE_URL": "http://localhost:9/", "CLAUDE_CODE_USE_VERTEX": "1"}}"#);
    let url = elsewhere.url().replace("http://", "http://user:sesame@");
    let both = document(&home, &[("ANTHROPIC_BASE_URL", &url), ("CLAUDE_CODE_USE_BEDROCK", "true")]);
    assert_snapshot!(found(&home, &both, "claude_code"), @r"
    ok: installed: [home]/bin/claude
    problem: ANTHROPIC_BASE_URL in [home]/.claude/settings.json leads to the gateway, which is not running: Claude Code cannot work
      fix: qcc proxy start
    warning: CLAUDE_CODE_USE_VERTEX is set in [home]/.claude/settings.json: Claude Code does not use qcc
      fix: take it out of [home]/.claude/settings.json
    warning: ANTHROPIC_BASE_URL in this shell leads to 127.0.0.1:[port]: Claude Code does not use qcc
      fix: unset ANTHROPIC_BASE_URL
    warning: CLAUDE_CODE_USE_BEDROCK is set in this shell: Claude Code does not use qcc
      fix: unset CLAUDE_CODE_USE_BEDROCK
    ");
    assert!(!both.to_string().contains("sesame"));
    settings("{");
    let nobody = document(&home, &[("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"), ("PATH", "/nowhere")]);
    assert_snapshot!(found(&home, &nobody, "claude_code"), @r"
    skipped: `claude` is in no folder of PATH
    warning: [home]/.claude/settings.json is not valid JSON, so Claude Code cannot use it
      fix: correct [home]/.claude/settings.json, or move it away
    problem: ANTHROPIC_BASE_URL in this shell leads to 127.0.0.1:[port], where nobody listens: Claude Code cannot work
      fix: unset ANTHROPIC_BASE_URL
    ");
}

#[test]
fn everything_broken_at_once_is_still_a_whole_report() {
    let home = sound("providers: [");
    home.mode("config.yaml", 0o666);
    home.mode("", 0o777);
    fs::write(home.path("qcc.pid"), "nonsense").unwrap();
    fs::create_dir(home.path("qcc.log")).unwrap();
    fs::write(home.path(".claude/settings.json"), "{").unwrap();
    let variables = [
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"),
        ("CLAUDE_CODE_USE_BEDROCK", "1"),
        ("SSL_CERT_FILE", "/nowhere"),
        ("HTTPS_PROXY", "not a proxy"),
        ("PATH", ""),
    ];
    let ended = doctor(&home, &variables);
    assert_snapshot!(stable(&home, &ended.shown(&home)), @r"
    exit 1
    --- stdout
    configuration  ✗ line 1: this is not valid YAML: unclosed bracket '['
                     fix: check indentation, quotes and brackets near this place (line 1 of [home]/config.yaml)
    files          ✗ others may change [home]/config.yaml (mode 0666), and with it where your keys go
                     fix: chmod 600 [home]/config.yaml
                   ✗ others may change what is in [home] (mode 0777)
                     fix: chmod go-w [home]
                   ✗ [home]/qcc.log has to be a file, and is none
                     fix: mv [home]/qcc.log [home]/qcc.log.old
                   ✓ [home] is writable, [room] free
    keys           – not known while the configuration has faults
    gateway        ! not running: [home]/qcc.pid was left behind and cannot be understood
                     fix: qcc proxy start
    self-loop      – not known until the gateway has an address
    clock          – no provider answered with its date
    TLS            ✗ SSL_CERT_FILE names /nowhere, where there is no file
                     fix: unset SSL_CERT_FILE
                   ! the system gives no roots: Mozilla's stand in, and your own are not trusted
    providers      – not known while the configuration has faults
    profiles       – not known while the configuration has faults
    Claude Code    – `claude` is in no folder of PATH
                   ! [home]/.claude/settings.json is not valid JSON, so Claude Code cannot use it
                     fix: correct [home]/.claude/settings.json, or move it away
                   ✗ ANTHROPIC_BASE_URL in this shell leads to 127.0.0.1:[port], where nobody listens: Claude Code cannot work
                     fix: unset ANTHROPIC_BASE_URL
                   ! CLAUDE_CODE_USE_BEDROCK is set in this shell: Claude Code does not use qcc
                     fix: unset CLAUDE_CODE_USE_BEDROCK

    6 problems, 4 warnings
    ");
    home.mode("", 0o700);
}

#[test]
fn without_a_home_it_still_ends_with_a_report() {
    let home = sound(PLAIN);
    let mut bare = command(&home, &[]);
    bare.env_remove("HOME").env_remove("QCC_HOME").args(["--json", "--config"]).arg(home.path("config.yaml"));
    let ended = Ended::of(bare.output().unwrap());
    let document: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(document["findings"].as_array().unwrap().len() >= 10, "{document:#}");
}

#[test]
fn marks_stay_when_colour_is_asked_for() {
    let home = Home::with("providers: 3\n");
    let colored = home.qcc(&["doctor", "--color", "always"]).out;
    assert!(colored.contains('\u{1b}') && colored.contains('✗') && colored.contains("fix: "), "{colored}");
}
