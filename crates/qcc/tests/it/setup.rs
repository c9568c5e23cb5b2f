//! Providers, profiles and endpoints by command: what is written, what is said, and what is refused.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::home::Home;

/// A file of a careful person: comments, flow style, a reference, a route.
const WRITTEN: &str = "
# my providers
providers:
  - name: work          # paid by the company
    base_url: https://work.example
    auth_value: k1
  - {name: personal, base_url: 'https://personal.example', auth_value: k2}

profiles:
  production:
    tier: primary
    endpoints:
      - {provider: work, weight: 80}   # first
model_routes:
  '*haiku*':
    - {provider: personal}
    - {profile: production, priority: 2}
";

fn file(home: &Home) -> String {
    std::fs::read_to_string(home.path("config.yaml")).unwrap()
}

/// The command fails with this exit code and these words, and the file is as it was.
fn refused(home: &Home, arguments: &[&str], code: i32) -> String {
    let before = std::fs::read(home.path("config.yaml")).ok();
    let ended = home.qcc(arguments);
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
    assert_eq!(std::fs::read(home.path("config.yaml")).ok(), before, "the file was changed");
    assert_eq!(ended.out, "");
    home.stable(&ended.err)
}

#[test]
fn init_writes_a_sample_in_which_nothing_is_active() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["init"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ wrote a sample to [home]/config.yaml
    --- stderr
    nothing in it is active: until you add a provider, requests go to Anthropic as they come
    next: `qcc add NAME --preset PRESET` (`qcc presets` lists them), then `qcc proxy start`
    ");
    assert_eq!(home.json(&["config", "validate"])["providers"], 1, "the implicit one");
    assert_snapshot!(refused(&home, &["init"], 1), @"
    error: there is already a configuration: [home]/config.yaml
    hint: add to it with `qcc add NAME`; `qcc config list` shows its settings
    ");
}

#[test]
fn a_provider_is_added_with_a_profile_of_its_name() {
    let home = Home::empty();
    let added = home.qcc(&["add", "relay", "--base-url", "https://relay.example", "--api-key", "sk-hidden"]);
    assert_snapshot!(added.shown(&home), @"
    exit 0
    --- stdout
    ✓ added relay: https://relay.example, key: in the file
    --- stderr
    note: [home]/config.yaml was made
    note: the key stands in the file and in the history of your shell: '${VAR}' or - keeps it out of the latter
    ");
    assert_snapshot!(file(&home), @"
    providers:
      - name: relay
        base_url: https://relay.example
        auth_value: sk-hidden

    profiles:
      relay:
        endpoints:
          - {provider: relay}
    ");
    assert_eq!(std::fs::metadata(home.path("config.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_vendor_is_added_by_its_preset() {
    let home = Home::empty();
    let added = home.qcc(&["add", "kimi", "--preset", "kimi", "--api-key", "sk-hidden"]);
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert_snapshot!(file(&home), @"
    providers:
      - name: kimi
        base_url: https://api.moonshot.ai/anthropic
        auth_type: auth_token
        auth_value: sk-hidden
        models:
          claude*: kimi-k2.7-code

    profiles:
      kimi:
        endpoints:
          - {provider: kimi}
    ");
}

#[test]
fn a_preset_without_a_key_takes_it_from_the_vendors_variable() {
    let home = Home::empty();
    assert_snapshot!(refused(&home, &["add", "kimi", "--preset", "kimi"], 1), @"
    error: the environment variable `MOONSHOT_API_KEY` is not set, in `auth_value: ${MOONSHOT_API_KEY}`; no file was made
     --> [home]/config.yaml
    hint: set it where qcc is started (`export MOONSHOT_API_KEY=...`); a provider with `enabled: false` needs none
    ");
    let added = home.sh("MOONSHOT_API_KEY=sk-hidden \"$QCC\" add kimi --preset kimi");
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(file(&home).contains("auth_value: ${MOONSHOT_API_KEY}"), "{}", file(&home));
}

#[test]
fn a_key_comes_in_by_standard_input() {
    let home = Home::empty();
    let added = home.sh("echo sk-piped | \"$QCC\" add relay --base-url https://relay.example --api-key -");
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(file(&home).contains("auth_value: sk-piped\n"), "{}", file(&home));
    assert!(!added.out.contains("sk-piped") && !added.err.contains("sk-piped"));
}

#[test]
fn standard_input_that_ends_early_changes_nothing() {
    let home = Home::empty();
    let arguments = ["add", "relay", "--base-url", "https://relay.example", "--api-key", "-"];
    assert_snapshot!(refused(&home, &arguments, 2), @r#"
    error: the key of the provider is expected on standard input, which ended before it came
    hint: pipe it in as one line: `printf %s "$KEY" | qcc ...`
    "#);
}

#[test]
fn nothing_is_asked_where_nobody_can_answer() {
    let home = Home::empty();
    assert_snapshot!(refused(&home, &["add", "relay", "--base-url", "https://relay.example"], 2), @"
    error: the key of the provider is missing, and nobody can be asked here
    hint: --api-key '${MY_KEY}' takes it from a variable, --api-key - from standard input; --auth-type passthrough sends the client's own
    ");
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["endpoint", "add", "production"], 2), @"
    error: nothing says which provider to add
    hint: -f NAME reuses a provider or profile, --preset NAME takes a vendor, --base-url URL any other
    ");
}

#[test]
fn an_empty_profile_waits_for_its_endpoints() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(home.qcc(&["add", "backup", "--description", "for bad days"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ added the empty profile backup
    --- stderr
    next: `qcc endpoint add backup`
    ");
    assert!(file(&home).contains("  backup:\n    description: for bad days\n    endpoints: []\n"), "{}", file(&home));
}

#[test]
fn a_name_that_exists_is_not_added_again() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["add", "production"], 1), @"
    error: there is already a profile `production` (line 9)
    hint: choose another name, or look at it with `qcc list`; `qcc remove production` removes it
    ");
    assert_snapshot!(refused(&home, &["add", "work", "--base-url", "https://x.example", "--api-key", "k"], 1), @"
    error: there is already a provider `work` (line 3)
    hint: choose another name, or look at it with `qcc list`; `qcc remove work` removes it
    ");
}

#[test]
fn flags_of_a_provider_need_its_address() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["add", "x", "--api-key", "k"], 2), @"
    error: --api-key belongs to a provider, and there is no address for one
    hint: add --base-url URL, or --preset NAME (`qcc presets` lists them)
    ");
    assert_snapshot!(refused(&home, &["add", "x", "--preset", "opnerouter"], 2), @"
    error: there is no preset `opnerouter`
    hint: did you mean `openrouter`? `qcc presets` shows all
    ");
}

#[test]
fn a_provider_of_another_dialect_is_added_with_its_type_and_asks_for_its_models() {
    let home = Home::empty();
    let arguments = ["add", "open", "--base-url", "https://api.openai.com/v1", "--api-key", "k"];
    assert_snapshot!(home.qcc(&arguments).shown(&home), @"
    exit 0
    --- stdout
    ✓ added open: https://api.openai.com/v1, type openai, key: in the file
    --- stderr
    note: [home]/config.yaml was made
    note: the key stands in the file and in the history of your shell: '${VAR}' or - keeps it out of the latter
    next: which of its models does Claude Code get? `qcc config set 'providers.open.models.claude*' MODEL`
    ");
    let next = home.qcc(&["config", "set", "providers.open.models.claude*", "gpt-x"]);
    assert_eq!(next.code, Some(0), "{}", next.err);
    assert_snapshot!(file(&home), @"
    providers:
      - name: open
        type: openai
        base_url: https://api.openai.com/v1
        auth_value: k
        models:
          claude*: gpt-x

    profiles:
      open:
        endpoints:
          - {provider: open}
    ");
}

#[test]
fn a_preset_is_not_taken_for_an_address_of_another_dialect() {
    let home = Home::with(WRITTEN);
    let arguments = ["add", "x", "--preset", "deepseek", "--type", "openai", "--api-key", "k"];
    assert_snapshot!(refused(&home, &arguments, 2), @"
    error: the preset `deepseek` is an address of type anthropic, not openai
    hint: leave --type out, or name the vendor's address of type openai: --base-url URL instead of --preset
    ");
    let added = home.qcc(&["add", "x", "--preset", "deepseek", "--type", "anthropic", "--api-key", "k"]);
    assert_eq!(added.code, Some(0), "{}", added.err);
}

#[test]
fn an_address_that_is_none_is_refused_with_the_reason() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["add", "x", "--base-url", "relay.example", "--api-key", "k"], 1), @"
    error: base_url has no scheme, in `- {name: x, base_url: relay.example, auth_value: [redacted]`; the file was not changed
     --> [home]/config.yaml
    hint: write a URL such as `https://api.anthropic.com`
    ");
}

#[test]
fn an_endpoint_reuses_a_provider_by_reference_and_the_comments_stay() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(home.qcc(&["endpoint", "add", "prod", "-f", "personal", "--weight", "20"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ `personal` is now in the profile production
    ");
    assert_snapshot!(file(&home), @"
    # my providers
    providers:
      - name: work          # paid by the company
        base_url: https://work.example
        auth_value: k1
      - {name: personal, base_url: 'https://personal.example', auth_value: k2}

    profiles:
      production:
        tier: primary
        endpoints:
          - {provider: work, weight: 80}   # first
          - {provider: personal, weight: 20}
    model_routes:
      '*haiku*':
        - {provider: personal}
        - {profile: production, priority: 2}
    ");
    assert_eq!(home.json(&["endpoint", "add", "production", "-f", "personal"])["changed"], false);
    let other = ["endpoint", "add", "production", "-f", "personal", "--weight", "7"];
    assert_snapshot!(refused(&home, &other, 1), @"
    error: `personal` is in the profile `production` already, with other numbers (line 13)
    hint: change them: `qcc config set profiles.production.endpoints.personal.weight N` (or `.priority`)
    ");
}

#[test]
fn an_endpoint_reuses_every_endpoint_of_a_profile() {
    let home = Home::with(WRITTEN);
    assert_eq!(home.qcc(&["add", "all"]).code, Some(0));
    assert_eq!(home.qcc(&["endpoint", "add", "all", "-f", "production"]).code, Some(0));
    let listed = home.json(&["endpoint", "list", "all"]);
    assert_eq!((&listed["endpoints"][0]["provider"], &listed["endpoints"][0]["weight"]), (&"work".into(), &80.into()));
    assert_eq!(home.qcc(&["add", "none"]).code, Some(0));
    assert_snapshot!(refused(&home, &["endpoint", "add", "all", "-f", "none"], 1), @"
    error: the profile `none` has no endpoints to reuse
    hint: fill it first: `qcc endpoint add none`
    ");
}

#[test]
fn an_endpoint_is_typed_in_with_a_name_from_its_host() {
    let home = Home::with(WRITTEN);
    let flags = ["--base-url", "https://api.relay.example/claude", "--auth-type", "auth_token", "--api-key", "k3"];
    let added = home.qcc(&[&["endpoint", "add", "production"], flags.as_slice()].concat());
    assert_snapshot!(added.shown(&home), @"
    exit 0
    --- stdout
    ✓ added relay.example to the profile production: https://api.relay.example/claude, key: in the file
    --- stderr
    note: the key stands in the file and in the history of your shell: '${VAR}' or - keeps it out of the latter
    ");
    assert_eq!(home.json(&["endpoint", "list", "production"])["endpoints"][1]["provider"], "relay.example");
}

#[test]
fn endpoints_are_listed_in_the_order_of_the_file() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(home.qcc(&["endpoint", "list", "production"]).shown(&home), @"
    exit 0
    --- stdout
    #  PROVIDER  PRIORITY  WEIGHT  STATE  BASE URL
    1  work      1         80      -      https://work.example
    ");
    assert_snapshot!(refused(&home, &["endpoint", "list", "prodcution"], 1), @"
    error: there is no profile `prodcution`
    hint: did you mean `production`? `qcc list` shows all
    ");
}

#[test]
fn an_endpoint_is_disabled_enabled_and_removed() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(home.qcc(&["endpoint", "disable", "production", "work"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ work is disabled in the profile production
    --- stderr
    note: nobody who is enabled is left in the profile production: it is skipped
    ");
    assert!(file(&home).contains("{provider: work, weight: 80, enabled: false}   # first"), "{}", file(&home));
    assert_snapshot!(home.qcc(&["endpoint", "disable", "production", "1"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ nothing to change: work is disabled in the profile production
    --- stderr
    note: nobody who is enabled is left in the profile production: it is skipped
    ");
    assert_snapshot!(home.qcc(&["endpoint", "enable", "production", "w"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ work is enabled in the profile production
    ");
    assert_snapshot!(home.qcc(&["endpoint", "remove", "production", "work"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ work is no longer in the profile production
    --- stderr
    note: nobody is left in the profile production: it is skipped
    undo: `qcc config rollback`
    ");
    assert_eq!(home.json(&["endpoint", "list", "production"])["endpoints"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_referenced_is_not_removed() {
    let home = Home::with(WRITTEN);
    assert_snapshot!(refused(&home, &["remove", "work"], 1), @"
    error: the provider `work` is an endpoint of the profile `production` (line 12)
    hint: take it out first: `qcc endpoint remove production work`
    ");
    assert_snapshot!(refused(&home, &["remove", "personal"], 1), @"
    error: the route `*haiku*` names the provider `personal` (line 14)
    hint: change the route first, under `model_routes` in the file
    ");
    assert_snapshot!(refused(&home, &["remove", "production"], 1), @"
    error: the route `*haiku*` names the profile `production` (line 14)
    hint: change the route first, under `model_routes` in the file
    ");
    assert_snapshot!(refused(&home, &["remove", "p"], 1), @"
    error: `p` may be any of `production` and `personal`
    hint: type more of the name of the profile or provider
    ");
    assert_snapshot!(refused(&home, &["remove", "nobody"], 1), @"
    error: there is no profile or provider `nobody`
    hint: there are `production`, `work` and `personal`
    ");
}

#[test]
fn a_profile_and_its_own_provider_go_together() {
    let home = Home::with(WRITTEN);
    home.qcc(&["add", "relay", "--base-url", "https://relay.example", "--api-key", "k"]);
    assert_snapshot!(home.qcc(&["remove", "relay"]).shown(&home), @"
    exit 0
    --- stdout
    ✓ removed the profile and the provider relay
    --- stderr
    undo: `qcc config rollback`
    ");
    assert_eq!(file(&home), WRITTEN.trim_start());
}

#[test]
fn everything_is_listed_with_where_its_key_comes_from() {
    let home = Home::with(&WRITTEN.replace("k1", "${NOT_SET_ANYWHERE}"));
    assert_snapshot!(home.qcc(&["list"]).shown(&home), @"
    exit 0
    --- stdout
    PROFILE     TIER     ENDPOINTS  STATE
    production  primary  work       -

    PROVIDER  TYPE       BASE URL                  KEY                                 STATE
    work      anthropic  https://work.example      ${NOT_SET_ANYWHERE} (not set here)  -
    personal  anthropic  https://personal.example  in the file                         -
    --- stderr
    the gateway is not running, so only what the file says is shown: `qcc proxy start`
    ");
    let document = home.json(&["list"]);
    assert_eq!(document["providers"][0]["key"], "${NOT_SET_ANYWHERE}");
    assert_eq!(document["providers"][1]["key"], "in the file");
    assert_snapshot!(Home::empty().qcc(&["list"]).shown(&home), @"
    exit 0
    --- stdout
    no provider and no profile yet: requests go to Anthropic with the client's own credential
    --- stderr
    next: `qcc add NAME --preset PRESET`, or `qcc init`
    ");
}

#[test]
fn the_presets_are_listed() {
    let home = Home::empty();
    let listed = home.qcc(&["presets"]);
    for vendor in ["official", "openrouter", "deepseek", "kimi", "glm", "qwen"] {
        assert!(listed.out.lines().any(|line| line.starts_with(vendor)), "{}", listed.out);
    }
    assert_eq!(home.json(&["presets"])["presets"][0]["variable"], "ANTHROPIC_API_KEY");
}

#[test]
fn providers_that_were_all_used_are_not_left_out_in_silence() {
    let home = Home::with("providers:\n  - {name: old, base_url: 'https://old.example', auth_value: k}\n");
    let added = home.qcc(&["add", "relay", "--base-url", "https://relay.example", "--api-key", "k"]);
    assert_snapshot!(home.stable(&added.err), @"
    note: the key stands in the file and in the history of your shell: '${VAR}' or - keeps it out of the latter
    note: from now on the profiles decide who is asked, and `old` is in none: `qcc endpoint add relay -f NAME`
    ");
}

#[test]
fn a_file_with_a_fault_is_not_edited() {
    let home = Home::with("providers:\n  - name: relay\n    base_ulr: https://relay.example\n");
    assert_snapshot!(refused(&home, &["add", "backup"], 1), @"
    error: unknown key `base_ulr`
      --> [home]/config.yaml:3:5
       |
     3 |     base_ulr: https://relay.example
       |     ^^^^^^^^
    hint: did you mean `base_url`?
    ");
}

#[test]
fn a_read_only_file_is_left_alone() {
    let home = Home::with(WRITTEN);
    home.mode("config.yaml", 0o444);
    assert_snapshot!(refused(&home, &["add", "backup"], 1), @"
    error: the file is read-only, and was not changed
     --> [home]/config.yaml
    hint: make it writable: `chmod u+w [home]/config.yaml`
    ");
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let home = Home::with(WRITTEN);
    let before = file(&home);
    let ended = home.sh("trap '' XFSZ; ulimit -f 0; \"$QCC\" add backup");
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("File too large"), "{}", ended.err);
    assert_eq!(file(&home), before);
    let names: Vec<_> = std::fs::read_dir(home.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("tmp")), "{names:?}");
}
