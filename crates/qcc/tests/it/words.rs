//! What the program says: help, usage errors, summaries, faults of the configuration.

use insta::assert_snapshot;

use crate::home::{Home, PLAIN};

#[test]
fn the_help_lists_what_exists_and_nothing_else() {
    assert_snapshot!(Home::empty().qcc(&["--help"]).out, @"
    One gateway in front of many LLM providers, so that they look like a single reliable one

    Usage: qcc [OPTIONS] [COMMAND]

    Commands:
      init         Write the first configuration file
      add          Add a provider with a profile of its name, or an empty profile
      list         Show profiles and providers
      use          Put a profile before all tiers (the same as `priority switch`)
      remove       Remove a profile or provider that nothing refers to
      endpoint     Choose which providers are in a profile
      priority     Choose which profile is asked first, and when that changes
      health       Check providers, and show how well they are
      presets      Show the vendors whose address is known
      models       Show who is asked for a model, and under which name
      proxy        Start, stop and watch the gateway
      stats        Show how each provider is and what it did lately
      explain      Show what became of a request: who was tried, who was passed over, and why
      run          Run a command with its LLM traffic going through the gateway
      env          Print the variables that point a client at the gateway
      claude       Lead every Claude Code of yours through qcc, and undo that
      test         Check the configuration and reach every provider, without spending money
      doctor       Find what is wrong and name the command that fixes it
      config       Read, change, check, copy and take back the configuration
      drill        Play every known fault of providers against the real gateway: no key, no network, no
                   file
      completions  Print the script that completes qcc's commands in your shell

    Options:
          --config <FILE>  Configuration file instead of the usual one (also: QCC_CONFIG)
          --json           Print one JSON document instead of text
          --color <WHEN>   Colour the output; auto: on a terminal, unless NO_COLOR is set [default:
                           auto] [possible values: auto, always, never]
      -h, --help           Print help
      -V, --version        Print version
    ");
}

#[test]
fn the_help_of_proxy_lists_its_commands() {
    assert_snapshot!(Home::empty().qcc(&["proxy", "--help"]).out, @r"
    Start, stop and watch the gateway

    Usage: qcc proxy [OPTIONS] <COMMAND>

    Commands:
      start    Start the gateway in the background
      stop     Stop the gateway once its running requests have ended
      restart  Stop and start again with the same flags
      status   Show whether it runs, where, and how its providers are
      logs     Show its log

    Options:
          --config <FILE>  Configuration file instead of the usual one (also: QCC_CONFIG)
          --json           Print one JSON document instead of text
          --color <WHEN>   Colour the output; auto: on a terminal, unless NO_COLOR is set [default:
                           auto] [possible values: auto, always, never]
      -h, --help           Print help
    ");
}

#[test]
fn the_help_of_logs_explains_its_filters() {
    assert_snapshot!(Home::empty().qcc(&["proxy", "logs", "--help"]).out, @r"
    Show its log

    Usage: qcc proxy logs [OPTIONS]

    Options:
          --config <FILE>  Configuration file instead of the usual one (also: QCC_CONFIG)
      -f, --follow         Go on showing lines as they are written
          --json           Print one JSON document instead of text
      -n, --lines <N>      Lines to show, after the filters [default: 50]
          --color <WHEN>   Colour the output; auto: on a terminal, unless NO_COLOR is set [default:
                           auto] [possible values: auto, always, never]
          --level <LEVEL>  Least level to show [possible values: trace, debug, info, warn, error]
          --grep <RE>      Show only lines that match this regular expression
      -h, --help           Print help
    ");
}

#[test]
fn a_mistyped_command_is_wrong_usage_and_the_right_one_is_named() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["proxy", "sart"]).shown(&home), @r"
    exit 2
    --- stderr
    error: unknown command `sart`
    hint: did you mean `qcc proxy start`?
    usage: qcc proxy [OPTIONS] <COMMAND>
    ");
}

#[test]
fn alone_it_says_what_to_do_first() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&[]).shown(&home), @"
    exit 0
    --- stdout
    qcc [version] is not running
    config: none yet, so requests go to Anthropic with the client's own credential
    next: `qcc init` (all commands: `qcc --help`)
    ");
}

#[test]
fn alone_it_names_a_configuration_with_faults() {
    let home = Home::with("providers: 3\n");
    assert_snapshot!(home.qcc(&[]).shown(&home), @r"
    exit 0
    --- stdout
    qcc [version] is not running
    config: [home]/config.yaml has 1 fault
    next: `qcc config validate` (all commands: `qcc --help`)
    ");
}

#[test]
fn a_valid_configuration_is_counted() {
    let home = Home::with(PLAIN);
    assert_snapshot!(home.qcc(&["config", "validate"]).shown(&home), @r"
    exit 0
    --- stdout
    ✓ [home]/config.yaml is valid: 1 provider, 0 profiles, 0 routes
    ");
    assert_eq!(home.json(&["config", "validate"])["valid"], true);
}

#[test]
fn without_a_file_the_implicit_provider_is_named() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["config", "validate"]).shown(&home), @r"
    exit 0
    --- stdout
    ✓ no configuration file: every request goes to https://api.anthropic.com with the client's own credential
    --- stderr
    next: write [home]/config.yaml
    ");
}

#[test]
fn a_fault_is_shown_where_it_is() {
    let home = Home::with("providers:\n  - name: relay\n    base_ulr: https://relay.example\n");
    assert_snapshot!(home.qcc(&["config", "validate"]).shown(&home), @r"
    exit 1
    --- stderr
    error: unknown key `base_ulr`
      --> [home]/config.yaml:3:5
       |
     3 |     base_ulr: https://relay.example
       |     ^^^^^^^^
    hint: did you mean `base_url`?
    ");
    let document = home.json(&["config", "validate"]);
    assert_eq!(document["error"]["errors"][0]["line"], 3);
}

#[test]
fn a_file_that_was_named_has_to_exist() {
    let home = Home::empty();
    assert_snapshot!(home.qcc(&["config", "validate", "nowhere.yaml"]).shown(&home), @r"
    exit 1
    --- stderr
    error: there is no configuration file nowhere.yaml
    hint: check the spelling; without a name the usual file is used, if there is one
    ");
    assert_eq!(home.qcc(&["--config", "nowhere.yaml", "proxy", "start"]).code, Some(1));
}

#[test]
fn the_schema_is_one_json_document() {
    let schema = Home::empty().json(&["config", "schema"]);
    assert!(schema["properties"]["providers"].is_object());
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let home = Home::with(PLAIN);
    let colored = |arguments: &[&str]| home.qcc(arguments).out.contains('\u{1b}');
    assert!(!colored(&["config", "validate"]));
    assert!(colored(&["config", "validate", "--color", "always"]));
}
