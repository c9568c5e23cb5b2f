//! With a gateway that runs, hangs, crashed, or is not the one that the configuration describes.

use std::fs::{self, File};
use std::net::TcpListener;

use insta::assert_snapshot;
use qcc_testkit::{Reply, Script, Upstream, replies};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{command, document, found, models, sound, stable};
use crate::home::{Ended, Home, PLAIN};

/// A pid file that this test holds, as a gateway would, in front of a scripted one.
struct Played {
    // Goes first: without it the pid in the file is believed by nobody.
    _lock: File,
    home: Home,
    _gateway: Upstream,
}

/// No process has it: Linux ends at 2^22 (`PID_MAX_LIMIT`), others before.
const NOBODY: u32 = 2_000_000_000;

impl Played {
    async fn new(providers: Value, record: impl FnOnce(&mut Value)) -> Self {
        let gateway = Upstream::start(Script::new(move |request, _| -> Reply {
            match request.path.as_str() {
                "/live" => replies::json_body(200, &[], &json!({ "status": "live" })).close(),
                _ => replies::json_body(200, &[], &json!({ "providers": providers })).close(),
            }
        }));
        let gateway = gateway.await.unwrap();
        let home = sound(PLAIN);
        let mut played = json!({
            "pid": NOBODY,
            "address": gateway.addr(),
            "started": jiff::Timestamp::now().to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "config": home.path("config.yaml"),
            "host": null,
            "port": null,
        });
        record(&mut played);
        fs::write(home.path("qcc.pid"), played.to_string()).unwrap();
        let lock = File::open(home.path("qcc.pid")).unwrap();
        lock.lock().unwrap();
        Self { _lock: lock, home, _gateway: gateway }
    }

    fn found(&self, check: &str) -> String {
        found(&self.home, &document(&self.home, &[]), check)
    }
}

/// The provider of [`PLAIN`] as the gateway lists it.
fn relay() -> Value {
    json!({ "name": "relay", "base_url": "http://127.0.0.1:9/relay", "enabled": true, "cooldowns": [] })
}

fn is_linux() -> bool {
    cfg!(target_os = "linux")
}

#[test]
fn a_gateway_that_does_not_answer_is_told_from_one_that_does() {
    let home = sound(PLAIN);
    assert_eq!(home.qcc(&["proxy", "start"]).code, Some(0));
    let pid = Pid::from_raw(home.pid()).unwrap();
    assert_snapshot!(found(&home, &document(&home, &[]), "gateway"), @"ok: running at http://127.0.0.1:[port] (pid [pid], up [time])");
    kill_process(pid, Signal::STOP).unwrap();
    let stopped = Ended::of(command(&home, &[]).arg("--json").output().unwrap());
    kill_process(pid, Signal::CONT).unwrap();
    assert_snapshot!(found(&home, &serde_json::from_str(&stopped.out).unwrap(), "gateway"), @r"
    problem: pid [pid] runs but does not answer at http://127.0.0.1:[port]: no answer in time
      fix: `qcc proxy restart`; if it does not stop, `kill -9 [pid]` first
    ");
}

#[test]
fn a_file_that_a_crash_left_behind_is_named_with_the_start_that_replaces_it() {
    let home = sound(PLAIN);
    assert_eq!(home.qcc(&["proxy", "start"]).code, Some(0));
    kill_process(Pid::from_raw(home.pid()).unwrap(), Signal::KILL).unwrap();
    // The lock goes with the process, whose end `stop` waits for.
    assert_eq!(home.qcc(&["proxy", "stop"]).code, Some(0));
    let text = found(&home, &document(&home, &[]), "gateway");
    assert!(text.starts_with("warning: not running: "), "{text}");
    assert!(text.ends_with("fix: qcc proxy start\n"), "{text}");
    fs::write(home.path("qcc.pid"), "nonsense").unwrap();
    assert_snapshot!(found(&home, &document(&home, &[]), "gateway"), @r"
    warning: not running: [home]/qcc.pid was left behind and cannot be understood
      fix: qcc proxy start
    ");
    fs::remove_file(home.path("qcc.pid")).unwrap();
    assert_snapshot!(found(&home, &document(&home, &[]), "gateway"), @"skipped: not running; `qcc proxy start` starts it");
}

#[test]
fn whoever_has_the_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = sound(&PLAIN.replace("port: 0", &format!("port: {port}")));
    let document = document(&home, &[]);
    let text = found(&home, &document, "gateway");
    assert!(text.contains("problem: not running, and 127.0.0.1:[port] is taken by "), "{text}");
    if is_linux() {
        assert!(text.contains("by pid [pid] ("), "{text}");
    }
    assert!(document.to_string().contains(&format!("\"qcc config set proxy.port {}\"", port + 1)), "{document:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_or_another_file_asks_for_a_restart() {
    let old = Played::new(json!([relay()]), |record| record["version"] = json!("0.0.1")).await;
    assert_snapshot!(old.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    warning: version 0.0.1 is running, and this is [version]
      fix: qcc proxy restart
    ");
    let other = Played::new(json!([]), |record| record["config"] = json!("/other/config.yaml")).await;
    assert_snapshot!(other.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    warning: it was started with /other/config.yaml, and this command uses [home]/config.yaml
      fix: qcc --config [home]/config.yaml proxy restart
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_was_not_taken_into_force_is_seen() {
    let mut moved = relay();
    moved["base_url"] = json!("http://127.0.0.1:9/old");
    let played = Played::new(json!([moved, { "name": "gone", "base_url": "http://a", "enabled": true }]), |_| ()).await;
    let refused = json!({ "level": "error", "event": "config_refused", "error": "error: unknown key `x`\n --> f:1:1" });
    fs::write(played.home.path("qcc.log"), format!("{refused}\n")).unwrap();
    assert_snapshot!(played.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    problem: it does not serve what the file says (-gone, ~relay); it refused: unknown key `x`
      fix: qcc proxy restart
    ");
    played.home.write("providers: 3\n");
    assert_snapshot!(played.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    warning: it still serves the configuration from before the fault
      fix: correct the file: it is read again when you save it
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_the_gateway_leaves_out_is_named_with_the_command_that_brings_it_back() {
    let mut out = relay();
    out["cooldowns"] = json!([{ "reason": "rate_limit", "model": null, "seconds": 90.0 }]);
    let played = Played::new(json!([out]), |_| ()).await;
    assert!(played.found("gateway").contains("warning: relay is left out for another 1m 30s: rate limit\n"));
    played.home.write(&format!("{PLAIN}profiles:\n  main: {{endpoints: [{{provider: relay}}]}}\n"));
    assert_snapshot!(played.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    warning: relay is left out for another 1m 30s: rate limit
      fix: qcc endpoint enable main relay
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_others_can_reach_or_that_never_came_up_is_a_problem() {
    let open = Played::new(json!([relay()]), |record| {
        let port = record["address"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        record["address"] = json!(format!("0.0.0.0:{port}"));
        record["host"] = json!("0.0.0.0");
    });
    assert_snapshot!(open.await.found("gateway"), @r"
    ok: running at http://127.0.0.1:[port] (pid [pid], up [time])
    problem: it listens on 0.0.0.0:[port] without client keys: whoever reaches this machine can spend your money
      fix: qcc proxy restart --host 127.0.0.1
    ");
    let starting = Played::new(json!([]), |record| {
        record["address"] = Value::Null;
        record["started"] = json!("2020-01-01T00:00:00Z");
    });
    let text = starting.await.found("gateway");
    assert!(text.contains("problem: pid [pid] has been starting for "), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_that_only_the_running_gateway_has_is_a_warning() {
    let upstream = Upstream::start(models()).await.unwrap();
    let home = sound(&format!(
        "
proxy: {{port: 0}}
providers:
  - {{name: one, base_url: '{url}', auth_value: '${{ONE_KEY}}'}}
  - {{name: two, base_url: '{url}', auth_value: '${{TWO_KEY}}', enabled: false}}
",
        url = upstream.url()
    ));
    let mut start = home.command(env!("CARGO_BIN_EXE_qcc"));
    assert!(start.args(["proxy", "start"]).env("ONE_KEY", "sesame").output().unwrap().status.success());
    let seen = document(&home, &[]);
    if is_linux() {
        assert_eq!(seen["ok"], true);
        assert_snapshot!(found(&home, &seen, "keys"), @r"
        warning: one: the variable ONE_KEY is not set in this shell; the running gateway has it, and would lose it in a restart from here
          fix: export ONE_KEY=...
        ");
    }
    home.write(&fs::read_to_string(home.path("config.yaml")).unwrap().replace(", enabled: false", ""));
    let lacking = document(&home, &[("ONE_KEY", "sesame")]);
    assert_eq!(lacking["ok"], false);
    if is_linux() {
        assert_snapshot!(found(&home, &lacking, "keys"), @r"
        problem: two: the variable TWO_KEY is not set in this shell, and the running gateway does not have it either
          fix: `export TWO_KEY=...`, then `qcc proxy restart`
        ");
    }
    assert!(!stable(&home, &lacking.to_string()).contains("sesame"));
}
