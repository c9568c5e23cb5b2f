//! With providers to reach: a sound machine, and what providers can be like.

use std::fs;

use insta::assert_snapshot;
use qcc_testkit::{Refusing, Upstream, replies};
use serde_json::json;

use super::{doctor, document, found, listing, models, sound, stable};

fn two_providers(url: &str) -> String {
    format!(
        "
proxy: {{port: 0}}
providers:
  - {{name: official, base_url: '{url}', auth_value: '${{OFFICIAL_KEY}}'}}
  - {{name: relay, base_url: '{url}/relay', auth_type: auth_token, auth_value: '${{file:relay-key}}'}}
profiles:
  production: {{tier: primary, endpoints: [{{provider: official}}]}}
  backup: {{tier: secondary, endpoints: [{{provider: relay}}]}}
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_sound_machine_nothing_is_wrong_and_nothing_is_changed_or_spent() {
    let upstream = Upstream::start(models()).await.unwrap();
    let home = sound(&two_providers(&upstream.url()));
    fs::write(home.path("relay-key"), "sesame-two\n").unwrap();
    home.mode("relay-key", 0o600);
    let started = home.command(env!("CARGO_BIN_EXE_qcc")).args(["proxy", "start"]).env("OFFICIAL_KEY", "one").output();
    assert!(started.unwrap().status.success());
    let address = home.json(&["proxy", "status"])["address"].as_str().unwrap().to_owned();
    let settings = json!({ "env": { "ANTHROPIC_BASE_URL": address } }).to_string();
    fs::write(home.path(".claude/settings.json"), settings).unwrap();
    let before = listing(&home);
    let variables = [("OFFICIAL_KEY", "sesame-one"), ("ANTHROPIC_BASE_URL", &*address)];
    let ended = doctor(&home, &variables);
    assert_snapshot!(stable(&home, &ended.shown(&home)), @r"
    exit 0
    --- stdout
    configuration  ✓ [home]/config.yaml is valid: 2 providers, 2 profiles
    files          ✓ [home] is writable, [room] free
    keys           ✓ 2 keys in place
    gateway        ✓ running at http://127.0.0.1:[port] (pid [pid], up [time])
    self-loop      ✓ nothing leads back to the gateway
    clock          ✓ agrees with that of official
    TLS            ✓ 1 root of the system
    providers      ✓ official: reached, the credential is accepted (200), [time]
                   ✓ relay: reached, the credential is accepted (200), [time]
    profiles       ✓ usable: production (primary), backup (secondary)
    Claude Code    ✓ installed: [home]/bin/claude
                   ✓ ANTHROPIC_BASE_URL in [home]/.claude/settings.json leads here
                   ✓ ANTHROPIC_BASE_URL in this shell leads here

    nothing is wrong
    ");
    assert_eq!(document(&home, &variables)["ok"], true);
    assert_eq!(listing(&home), before);
    assert!(upstream.posts().is_empty(), "a doctor must not spend anything");
    assert!(!format!("{}{}", ended.out, ended.err).contains("sesame"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_holds_every_check_once_or_more() {
    let upstream = Upstream::start(models()).await.unwrap();
    let home = sound(&two_providers(&upstream.url()));
    fs::write(home.path("relay-key"), "two").unwrap();
    home.mode("relay-key", 0o600);
    let document = document(&home, &[("OFFICIAL_KEY", "one")]);
    assert_snapshot!(stable(&home, &format!("{document:#}")), @r#"
    {
      "ok": true,
      "findings": [
        {
          "check": "configuration",
          "state": "ok",
          "message": "[home]/config.yaml is valid: 2 providers, 2 profiles",
          "fix": null
        },
        {
          "check": "files",
          "state": "ok",
          "message": "[home] is writable, [room] free",
          "fix": null
        },
        {
          "check": "keys",
          "state": "ok",
          "message": "2 keys in place",
          "fix": null
        },
        {
          "check": "gateway",
          "state": "skipped",
          "message": "not running; `qcc proxy start` starts it",
          "fix": null
        },
        {
          "check": "self_loop",
          "state": "skipped",
          "message": "not known until the gateway has an address",
          "fix": null
        },
        {
          "check": "clock",
          "state": "ok",
          "message": "agrees with that of official",
          "fix": null
        },
        {
          "check": "tls",
          "state": "ok",
          "message": "1 root of the system",
          "fix": null
        },
        {
          "check": "providers",
          "state": "ok",
          "message": "official: reached, the credential is accepted (200), [time]",
          "fix": null
        },
        {
          "check": "providers",
          "state": "ok",
          "message": "relay: reached, the credential is accepted (200), [time]",
          "fix": null
        },
        {
          "check": "profiles",
          "state": "ok",
          "message": "usable: production (primary), backup (secondary)",
          "fix": null
        },
        {
          "check": "claude_code",
          "state": "ok",
          "message": "installed: [home]/bin/claude",
          "fix": null
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_in_which_a_provider_fails_has_its_own_advice() {
    let refusing = Upstream::start(replies::status(401, "authentication_error", "no", &[])).await.unwrap();
    let empty = Upstream::start(replies::status(402, "billing_error", "no", &[])).await.unwrap();
    let page = Upstream::start(replies::html(200)).await.unwrap();
    let absent = Refusing::new().unwrap();
    let home = sound(&format!(
        "
proxy: {{port: 0}}
providers:
  - {{name: refused, base_url: '{}', auth_value: k1}}
  - {{name: empty, base_url: '{}', auth_value: k2}}
  - {{name: page, base_url: '{}', auth_value: k3}}
  - {{name: absent, base_url: '{}', auth_value: k4}}
",
        refusing.url(),
        empty.url(),
        page.url(),
        absent.url()
    ));
    assert_snapshot!(found(&home, &document(&home, &[]), "providers"), @r"
    problem: refused: it refuses the credential (401)
      fix: qcc config set providers.refused.auth_value '${REFUSED_API_KEY}'
    problem: empty: its quota or balance is used up (402)
      fix: add credit or another provider
    problem: page: it answers with a web page, which is not the API (200)
      fix: check base_url; a firewall, a login page or a proxy on the way answers like this too
    problem: absent: no connection: tcp connect error: Connection refused (os error 111)
      fix: check base_url, the network and the proxy settings
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_named_without_its_password() {
    let (upstream, absent) = (Upstream::start(models()).await.unwrap(), Refusing::new().unwrap());
    let home = sound(&format!(
        "proxy: {{port: 0}}\nproviders:\n  - {{name: one, base_url: '{}', auth_value: k}}\n",
        upstream.url()
    ));
    let proxy = format!("http://user:sesame@{}", absent.addr());
    let document_through = document(&home, &[("HTTP_PROXY", &proxy)]);
    assert_snapshot!(found(&home, &document_through, "providers"), @r"
    problem: one: no connection: tcp connect error: Connection refused (os error 111), through HTTP_PROXY=127.0.0.1:[port]
      fix: check base_url, the network and the proxy settings
    ");
    assert!(!document_through.to_string().contains("sesame"));
    let past = document(&home, &[("HTTP_PROXY", &proxy), ("NO_PROXY", "127.0.0.1")]);
    assert_eq!(past["ok"], true, "{past:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_a_problem_when_every_provider_says_so() {
    let old = "Sun, 06 Nov 1994 08:49:37 GMT";
    let reply = replies::json_body(200, &[("date", old)], &json!({ "data": [] }));
    let wrong = Upstream::start(reply).await.unwrap();
    let right = Upstream::start(models()).await.unwrap();
    let one =
        format!("proxy: {{port: 0}}\nproviders:\n  - {{name: old, base_url: '{}', auth_value: k1}}\n", wrong.url());
    let home = sound(&one);
    assert_snapshot!(found(&home, &document(&home, &[]), "clock"), @r"
    problem: this machine is [time] ahead of old: TLS and stated waits fail
      fix: timedatectl set-ntp true
    ");
    home.write(&format!("{one}  - {{name: now, base_url: '{}', auth_value: k2}}\n", right.url()));
    assert_snapshot!(found(&home, &document(&home, &[]), "clock"), @"ok: agrees with that of now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_back_to_the_gateway_is_named_and_not_asked() {
    // The gateway does not run, and whoever asks its address would be seen here.
    let gateway = Upstream::start(models()).await.unwrap();
    let (at, port) = (gateway.addr(), gateway.addr().port());
    let home = sound(&format!(
        "
proxy: {{port: {port}}}
providers:
  - {{name: direct, base_url: 'http://localhost:{port}/v1', auth_value: k1}}
  - {{name: anywhere, base_url: 'http://0.0.0.0:{port}', auth_value: k2}}
  - {{name: through, base_url: 'http://a.example', proxy: 'http://{at}', auth_value: k3}}
  - {{name: variable, base_url: 'http://b.example', auth_value: k4}}
"
    ));
    let document = document(&home, &[("http_proxy", &at.to_string())]);
    assert_snapshot!(found(&home, &document, "self_loop"), @r"
    problem: direct: its base_url leads to this gateway itself (127.0.0.1:[port])
      fix: qcc config set providers.direct.base_url https://...
    problem: anywhere: its base_url leads to this gateway itself (127.0.0.1:[port])
      fix: qcc config set providers.anywhere.base_url https://...
    problem: through: its proxy is this gateway itself (127.0.0.1:[port])
      fix: qcc config reset providers.through.proxy
    problem: http_proxy leads to this gateway itself (127.0.0.1:[port]), which is no proxy of this kind
      fix: unset http_proxy
    ");
    assert_snapshot!(found(&home, &document, "providers"), @"skipped: not asked, for the reasons above: direct, anywhere, through, variable");
    assert!(gateway.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roots_and_ca_files_that_lead_nowhere_are_named() {
    let upstream = Upstream::start(models()).await.unwrap();
    let url = upstream.url();
    let home = sound(&format!(
        "
proxy: {{port: 0}}
providers:
  - {{name: good, base_url: '{url}', auth_value: k1, ca_file: root.pem}}
  - {{name: bad, base_url: '{url}', auth_value: k2, ca_file: config.yaml}}
"
    ));
    let missing = home.path("missing.pem");
    let variables = [("SSL_CERT_FILE", missing.to_str().unwrap()), ("SSL_CERT_DIR", "/no/such/folder")];
    assert_snapshot!(found(&home, &document(&home, &variables), "tls"), @r"
    problem: SSL_CERT_FILE names [home]/missing.pem, where there is no file
      fix: unset SSL_CERT_FILE
    problem: SSL_CERT_DIR names /no/such/folder, where there is no folder
      fix: unset SSL_CERT_DIR
    warning: the system gives no roots: Mozilla's stand in, and your own are not trusted
    ok: good: 1 more root in its ca_file
    problem: bad: its ca_file [home]/config.yaml cannot be used: no certificate in it
      fix: qcc config reset providers.bad.ca_file
    ");
    fs::write(&missing, "no certificate").unwrap();
    assert!(found(&home, &document(&home, &variables[..1]), "tls").contains("warning: the system gives no roots"));
}
