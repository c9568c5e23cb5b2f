//! Starting and stopping the gateway, and what can be in the way.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::home::{Guarded, Home, Lines, PLAIN};

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

#[test]
fn a_gateway_starts_shows_itself_and_stops() {
    let home = Home::with(PLAIN);
    let cycle = [
        &["proxy", "status"] as &[_],
        &["proxy", "start"],
        &["proxy", "status"],
        &[],
        &["proxy", "stop"],
        &["proxy", "stop"],
    ];
    let told: Vec<String> = cycle
        .iter()
        .map(|words| {
            format!(
                "$ qcc{}\n{}\n",
                words.iter().map(|word| format!(" {word}")).collect::<String>(),
                home.qcc(words).shown(&home)
            )
        })
        .collect();
    assert_snapshot!(told.concat(), @r"
    $ qcc proxy status
    exit 1
    --- stdout
    ○ qcc is not running
    --- stderr
    next: `qcc proxy start`

    $ qcc proxy start
    exit 0
    --- stdout
    ✓ qcc is running: http://127.0.0.1:[port]
    --- stderr
    next: `qcc run -- claude`, or in your shell:
      export ANTHROPIC_BASE_URL=http://127.0.0.1:[port]
      export ANTHROPIC_API_KEY=proxy-managed

    $ qcc proxy status
    exit 0
    --- stdout
    ● qcc is running
      address    http://127.0.0.1:[port]
      process    pid [pid], up [time]
      version    [version]
      config     [home]/config.yaml
      providers  1 of 1 available

       PROVIDER  TYPE       URL
    ✓  relay     anthropic  http://127.0.0.1:[port]/relay
    --- stderr
    next: `qcc run -- claude`, or `qcc env` for the variables

    $ qcc
    exit 0
    --- stdout
    qcc [version] is running at http://127.0.0.1:[port] (pid [pid], up [time])
    config: [home]/config.yaml (1 provider)
    next: `qcc run -- claude` (all commands: `qcc --help`)

    $ qcc proxy stop
    exit 0
    --- stdout
    qcc has stopped

    $ qcc proxy stop
    exit 0
    --- stdout
    qcc is not running
    ");
    assert!(!home.path("qcc.pid").exists());
}

#[test]
fn every_answer_is_one_document_with_json() {
    let home = Home::with(PLAIN);
    assert_eq!(home.json(&["proxy", "status"])["running"], false);
    let started = home.json(&["proxy", "start"]);
    assert_eq!((&started["running"], &started["already"]), (&true.into(), &false.into()));
    let status = home.json(&["proxy", "status"]);
    assert_eq!(status["address"], started["address"]);
    assert_eq!(status["providers"][0]["name"], "relay");
    assert_eq!(home.json(&[])["next"], "qcc run -- claude");
    let restarted = home.json(&["proxy", "restart"]);
    assert_ne!(restarted["pid"], started["pid"]);
    assert_eq!(home.json(&["proxy", "stop"])["was_running"], true);
    assert_eq!(home.json(&["proxy", "stop"])["was_running"], false);
}

#[test]
fn a_second_start_finds_the_first() {
    let home = Home::with(PLAIN);
    let first = home.json(&["proxy", "start"]);
    let second = home.qcc(&["proxy", "start", "--port", "1"]);
    assert_snapshot!(second.shown(&home), @r"
    exit 0
    --- stdout
    ✓ qcc is already running: http://127.0.0.1:[port]
    --- stderr
    note: it was started before, so --host and --port have no effect: use `qcc proxy restart` with them
    next: `qcc run -- claude`, or in your shell:
      export ANTHROPIC_BASE_URL=http://127.0.0.1:[port]
      export ANTHROPIC_API_KEY=proxy-managed
    ");
    assert_eq!(i64::from(home.pid()), first["pid"].as_i64().unwrap());
}

#[test]
fn many_starts_at_the_same_time_make_one_gateway() {
    let home = Home::with(PLAIN);
    let pids: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| home.json(&["proxy", "start"])["pid"].clone())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|pid| *pid == home.pid()), "{pids:?}");
}

#[test]
fn the_one_who_holds_the_port_is_named() {
    let home = Home::with(PLAIN);
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let ended = home.qcc(&["proxy", "start", "--port", &port]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&format!("port {port} on 127.0.0.1 is taken by pid {} (", std::process::id())),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("\nhint: choose another port with --port N"), "{}", ended.err);
    assert_eq!(home.qcc(&["proxy", "status"]).code, Some(1));
}

#[test]
fn another_qcc_on_the_port_is_recognised() {
    let (one, other) = (Home::with(PLAIN), Home::with(PLAIN));
    let address = one.json(&["proxy", "start"])["address"].as_str().unwrap().to_owned();
    let port = address.rsplit(':').next().unwrap();
    assert_snapshot!(other.qcc(&["proxy", "start", "--port", port]).shown(&other), @r"
    exit 1
    --- stderr
    error: port [port] on 127.0.0.1 is taken by another qcc (pid [pid])
    hint: stop it with `qcc proxy stop` under its own QCC_HOME or with `kill [pid]`, or choose another port with --port N, or set proxy.port in the configuration
    ");
}

#[test]
fn a_stale_pid_file_harms_nobody_and_is_healed() {
    let home = Home::with(PLAIN);
    let innocent = Guarded(Command::new("sleep").arg("600").spawn().unwrap());
    let record = format!(
        r#"{{"pid":{},"address":"127.0.0.1:1","started":"2026-01-01T00:00:00Z","version":"0.0.1","config":"/x","host":null,"port":null}}"#,
        innocent.0.id()
    );
    fs::write(home.path("qcc.pid"), record).unwrap();
    assert_eq!(home.qcc(&["proxy", "stop"]).out, "qcc is not running\n");
    assert!(test_kill_process(pid(innocent.0.id().try_into().unwrap())).is_ok());
    assert_eq!(home.qcc(&["proxy", "start"]).code, Some(0));
    assert_ne!(home.pid(), i32::try_from(innocent.0.id()).unwrap());
}

#[test]
fn after_a_kill_the_next_start_works() {
    let home = Home::with(PLAIN);
    home.json(&["proxy", "start"]);
    let running = pid(home.pid());
    kill_process(running, Signal::KILL).unwrap();
    // Its lock goes with it, a moment later.
    while home.qcc(&["proxy", "status"]).code == Some(0) {}
    assert!(home.path("qcc.pid").exists());
    assert_eq!(home.json(&["proxy", "start"])["already"], false);
}

#[test]
fn a_faulty_configuration_is_shown_and_nothing_runs() {
    let home = Home::with("proxy: {port: 99999}\n");
    let ended = home.qcc(&["proxy", "start"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("error: "), "{}", ended.err);
    assert!(ended.err.contains("config.yaml:1:"), "{}", ended.err);
    assert!(!home.path("qcc.pid").exists());
}

#[test]
fn restart_keeps_the_flags_and_a_running_gateway_survives_a_faulty_file() {
    let home = Home::with(PLAIN);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = free.port().to_string();
    let started = home.json(&["proxy", "start", "--port", &port]);
    assert_eq!(home.json(&["proxy", "restart"])["address"], started["address"]);
    home.write("nonsense: true\n");
    assert_eq!(home.qcc(&["proxy", "restart"]).code, Some(1));
    assert_eq!(home.json(&["proxy", "status"])["running"], true);
}

#[test]
fn restart_keeps_the_configuration_file() {
    let home = Home::empty();
    fs::write(home.path("other.yaml"), PLAIN).unwrap();
    home.json(&["--config", "other.yaml", "proxy", "start"]);
    home.json(&["proxy", "restart"]);
    assert!(home.json(&["proxy", "status"])["config"].as_str().unwrap().ends_with("other.yaml"));
}

#[test]
fn the_files_of_the_gateway_are_for_their_owner_alone() {
    let home = Home::with(PLAIN);
    home.json(&["proxy", "start"]);
    for name in ["qcc.pid", "qcc.log", "qcc.out"] {
        let mode = fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_of_the_starter_stays_open_in_the_background() {
    let home = Home::with(PLAIN);
    let ended = home.sh(r#"exec 7>witness; "$QCC" proxy start"#);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let process = format!("/proc/{}", home.pid());
    let links = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(format!("{process}/{folder}")).unwrap().flatten();
        entries
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .map(|target| target.display().to_string())
            .collect()
    };
    let open = links("fd");
    assert!(open.iter().all(|target| !target.contains("witness") && !target.starts_with("pipe:")), "{open:?}");
    assert_eq!(fs::read_link(format!("{process}/cwd")).unwrap().to_str(), Some("/"));
    assert_eq!(fs::read_to_string(format!("{process}/comm")).unwrap(), "qcc\n");
}

#[test]
fn a_relative_home_is_the_same_for_the_background() {
    let home = Home::with(PLAIN);
    let ended = home.sh(r#"cd / && QCC_HOME="${HOME#/}" "$QCC" proxy start"#);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(home.json(&["proxy", "status"])["running"], true);
}

#[test]
fn in_the_foreground_it_shows_a_banner_reloads_and_ends_on_a_signal() {
    let home = Home::with(PLAIN);
    let mut child = home.spawn(&["proxy", "start", "--foreground"]);
    let mut lines = Lines::of(child.0.stderr.take().unwrap());
    assert_snapshot!(home.stable(&lines.until("listening")), @r"
    version    [version]
    providers  1 of 1 usable
      [✓] relay (anthropic): http://127.0.0.1:[port]/relay
    log level  info
    listening  http://127.0.0.1:[port]
    ");
    let running = pid(child.0.id().try_into().unwrap());
    assert_eq!(home.pid(), running.as_raw_nonzero().get());

    home.write(&PLAIN.replace("name: relay", "name: other"));
    kill_process(running, Signal::HUP).unwrap();
    lines.until("config_reloaded");
    assert_eq!(home.json(&["proxy", "status"])["providers"][0]["name"], "other");

    kill_process(running, Signal::TERM).unwrap();
    lines.until("qcc has stopped");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    let mut data = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut data).unwrap();
    assert_eq!(data, "");
    assert!(!home.path("qcc.pid").exists());
}

#[test]
fn a_foreground_gateway_beside_another_is_refused() {
    let home = Home::with(PLAIN);
    home.json(&["proxy", "start"]);
    assert_snapshot!(home.qcc(&["proxy", "start", "--foreground"]).shown(&home), @r"
    exit 1
    --- stderr
    error: qcc is already running at http://127.0.0.1:[port]
    hint: stop it first: `qcc proxy stop`
    ");
}
