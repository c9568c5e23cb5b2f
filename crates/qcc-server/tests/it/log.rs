//! What is written down: one row for each request and no secret in any line, in files that stay small, and never at a
//! request's expense.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use qcc_config::{ColorChoice, Level, LoggingSettings};
use qcc_server::{Event, Gateway, Log, Options, Source, render};
use qcc_testkit::replies::{Cut, Stream, TruncateAt, message_json, status, stream};
use qcc_testkit::{Connection, Gate, Reply, Request, Script, Upstream, exchange};
use serde_json::{Value, json};

use crate::support::{QUICK, Running, for_message, for_stream, providers};

fn settings(file_size: u64, files: u32) -> LoggingSettings {
    LoggingSettings { level: Level::Info, color: ColorChoice::Never, file_size, files }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no whole line: {line}"))).collect()
}

fn numbered(number: usize) -> Event {
    Event::ConfigNoticed { message: "n".to_owned(), line: Some(number) }
}

#[tokio::test]
async fn every_request_leaves_exactly_one_row_however_it_ends() {
    let gate = Gate::new();
    let script = Script::sequence(
        [
            stream(["a"]),
            message_json("b"),
            status(400, "invalid_request_error", "no", &[]),
            Stream::text(["a", "b"]).truncated(TruncateAt::MidFirstBlock, Cut::Close).reply(),
            Reply::new().write("HTTP/1.1 500 E\r\ncontent-length: 0\r\n\r\n"),
            Reply::new().stall(),
        ],
        message_json("late").held_by(&gate),
    );
    let upstream = Upstream::start(script).await.unwrap();
    let more = format!("breaker: {{open_initial: 0s}}\n{}", QUICK.replace("{", "{same_provider: 0, "));
    let running = Running::with(&[("one", &upstream)], &more).await;
    let mut expected = BTreeMap::new();
    for (request, verdict) in [
        (for_stream(), "done"),
        (for_message(), "done"),
        (for_message(), "answered"),
        (for_stream(), "broken"),
        (for_message(), "failed"),
    ] {
        let answer = running.ask(&request).await;
        expected.insert(answer.header("x-qcc-request-id").unwrap().to_owned(), verdict);
    }
    let mut gone = Connection::open(running.address()).await.unwrap();
    gone.send(&for_message()).await.unwrap();
    upstream.wait_for(6).await;
    drop(gone);
    upstream.closed(1).await;
    gate.open();
    let counting = Request { path: "/v1/messages/count_tokens".to_owned(), ..for_message() };
    let other = Request::get("/v1/files");
    for (request, verdict) in [(counting, "answered"), (other, "done")] {
        let answer = running.ask(&request).await;
        expected.insert(answer.header("x-qcc-request-id").unwrap().to_owned(), verdict);
    }
    // None of these is a request for a provider.
    for path in ["/live", "/providers", "/v1/models", "/nothing"] {
        running.ask(&Request::get(path)).await;
    }
    let events = running.stop().await;
    let rows: Vec<&Value> = events.iter().filter(|event| event["event"] == "request_finished").collect();
    let (gone, told): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["verdict"] == "client_gone");
    assert_eq!((gone.len(), told.len()), (1, expected.len()), "{rows:#?}");
    let found: BTreeMap<String, &str> = told
        .iter()
        .map(|row| (row["request_id"].as_str().unwrap().to_owned(), row["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_row_says_what_a_request_was_and_what_came_of_it() {
    let upstream = Upstream::start(stream(["Hello"])).await.unwrap();
    let list = providers(&[("one", upstream.url())]).replace("auth_value", "models: {'*opus*': theirs}, auth_value");
    let mut running = Running::start(&list).await;
    let request = for_stream();
    let answer = running.ask(&Request { path: "/v1/messages?beta=true".to_owned(), ..request.clone() }).await;
    let row = running.row().await;
    for (field, value) in [
        ("level", json!("info")),
        ("request_id", json!(answer.header("x-qcc-request-id").unwrap())),
        ("path", json!("/v1/messages")),
        ("model", json!("claude-opus-4-8")),
        ("model_sent", json!("theirs")),
        ("stream", json!(true)),
        ("provider", json!("one")),
        ("status", json!(200)),
        ("verdict", json!("done")),
        ("attempts", json!(1)),
        ("bytes_in", json!(request.body.len())),
        ("bytes_out", json!(answer.body.len())),
        ("input_tokens", json!(25)),
        ("output_tokens", json!(15)),
        ("cache_read_tokens", json!(0)),
        ("cache_write_tokens", json!(0)),
        ("upstream_id", json!("msg_01TestkitStream")),
    ] {
        assert_eq!(row[field], value, "{field} of {row}");
    }
    assert!(row["ms"].as_f64() >= row["first_event_ms"].as_f64() && row["first_event_ms"].is_f64(), "{row}");
    assert!(row["time"].as_str().unwrap().ends_with('Z') && row.get("error").is_none(), "{row}");
}

#[tokio::test]
async fn no_line_holds_a_body_or_a_secret() {
    // A provider that repeats what it was given, as careless ones do.
    let script = Script::new(|received, number| {
        let key = received.header("x-api-key").unwrap_or("none").to_owned();
        match number {
            0 => status(401, "authentication_error", &format!("invalid key {key}"), &[]),
            1 => stream(["secret-answer"]),
            _ => status(500, "api_error", &format!("cannot serve {key}"), &[]),
        }
    });
    let one = Upstream::start(script.clone()).await.unwrap();
    let two = Upstream::start(message_json("secret-answer")).await.unwrap();
    let list = providers(&[("one", one.url()), ("two", two.url())]).replace("key-", "secret-key-").replacen(
        "auth_value",
        "headers: {x-extra: secret-header}, auth_value",
        1,
    );
    let mut running = Running::start(&format!("{list}proxy: {{client_keys: [secret-door]}}\n{QUICK}")).await;
    let asking = |request: Request| {
        let body = String::from_utf8(request.body.to_vec()).unwrap().replace("Hello", "secret-question");
        Request { path: "/v1/messages?key=secret-query".to_owned(), ..request }
            .with("x-api-key", "secret-door")
            .header("authorization", "Bearer secret-client")
            .header("cookie", "secret-cookie")
            .body(body)
    };
    assert_eq!(running.ask(&asking(for_message())).await.said(), "secret-answer");
    running.event("attempt_failed").await;
    for request in [
        asking(for_stream()),
        asking(for_message()),
        asking(for_message()).with("x-api-key", "secret-wrong").without("authorization"),
        asking(for_message()).body("{\"model\": secret-question"),
        Request::get("/secret-not-in-path?key=secret-query").with("x-api-key", "secret-door"),
    ] {
        let answer = running.ask(&request).await;
        if answer.status != 200 {
            let text = answer.text().replace("secret-not-in-path", "");
            assert!(!text.contains("secret-"), "what a client may not know: {text}");
        }
    }
    let events = running.stop().await;
    assert!(events.len() > 6, "{events:#?}");
    for event in events {
        let line = event.to_string().replace("secret-not-in-path", "");
        assert!(!line.contains("secret-"), "{line}");
    }
}

#[tokio::test]
async fn a_providers_key_in_its_own_error_is_masked_for_client_and_log() {
    for (auth, header) in [("api_key", "x-api-key"), ("auth_token", "authorization")] {
        let script = Script::new(move |received, _| {
            status(500, "api_error", &format!("bad key: {}", received.header(header).unwrap()), &[])
        });
        let one = Upstream::start(script).await.unwrap();
        let list = providers(&[("one", one.url())]).replace("auth_value", &format!("auth_type: {auth}, auth_value"));
        let mut running = Running::start(&format!("{list}{QUICK}")).await;
        let answer = running.ask(&for_message()).await;
        crate::support::assert_refused(&answer, 503, "api_error");
        let failed = running.event("attempt_failed").await;
        let row = running.row().await;
        for text in [answer.text(), failed.to_string(), row.to_string()] {
            assert!(text.contains("bad key") && !text.contains("key-one"), "{text}");
        }
    }
}

#[test]
fn a_full_file_is_moved_aside_and_only_so_many_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.log");
    let log = Log::to_file(&path, &settings(1000, 2)).unwrap();
    for number in 0..40 {
        log.emit(numbered(number));
        // One line in each write, so that none of them is larger than the limit.
        log.flush();
    }
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["qcc.log", "qcc.log.1", "qcc.log.2"]);
    let mut kept = Vec::new();
    for name in names.iter().rev() {
        let file = folder.path().join(name);
        assert!(std::fs::metadata(&file).unwrap().len() <= 1000, "{name}");
        kept.extend(lines(&file).iter().map(|line| line["line"].as_u64().unwrap()));
    }
    let newest: Vec<u64> = (40 - kept.len() as u64..40).collect();
    assert_eq!(kept, newest, "in order, without a gap, and the newest of all");
}

#[test]
fn a_log_goes_on_where_it_was_and_belongs_to_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.log");
    for number in 0..3 {
        let log = Log::to_file(&path, &settings(1000, 2)).unwrap();
        log.emit(numbered(number));
        log.flush();
    }
    let written: Vec<_> = lines(&path).iter().map(|line| line["line"].clone()).collect();
    assert_eq!(written, [0, 1, 2]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_limit_of_zero_never_rotates_and_no_kept_files_means_none() {
    let folder = tempfile::tempdir().unwrap();
    let (endless, single) = (folder.path().join("endless"), folder.path().join("single"));
    let logs = [Log::to_file(&endless, &settings(0, 5)).unwrap(), Log::to_file(&single, &settings(500, 0)).unwrap()];
    for number in 0..20 {
        for log in &logs {
            log.emit(numbered(number));
            log.flush();
        }
    }
    assert_eq!(lines(&endless).len(), 20);
    assert!(lines(&single).len() < 20);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// A pipe with a place in the file system. Nobody reads from it until the test does.
#[cfg(unix)]
fn pipe(path: &Path) -> std::fs::File {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    // Open at both ends, or opening one would wait for the other.
    std::fs::File::options().read(true).write(true).open(path).unwrap()
}

/// Reads lines until one of this event.
#[cfg(unix)]
fn read_until(pipe: std::fs::File, name: &'static str) -> Vec<Value> {
    let mut reader = std::io::BufReader::new(pipe);
    let mut found = Vec::new();
    loop {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        let last = event["event"] == name;
        found.push(event);
        if last {
            return found;
        }
    }
}

#[cfg(unix)]
#[test]
fn a_sink_that_stands_still_costs_lines_which_are_counted() {
    const ALL: u64 = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.log");
    let reader = pipe(&path);
    let log = Log::to_file(&path, &settings(0, 0)).unwrap();
    for number in 0..ALL {
        log.emit(numbered(usize::try_from(number).unwrap()));
    }
    let found = read_until(reader, "log_dropped");
    let (dropped, written) = found.split_last().unwrap();
    assert_eq!(written.len() as u64 + dropped["lines"].as_u64().unwrap(), ALL, "written or counted, nothing else");
    assert!(dropped["lines"].as_u64() > Some(0) && dropped["level"] == "warn", "{dropped}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_request_does_not_wait_for_a_log_that_stands_still_or_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qcc.log");
    let _nobody_reads = pipe(&path);
    let blocked = Log::to_file(&path, &settings(0, 0)).unwrap();
    let full = Log::to_file(Path::new("/dev/full"), &settings(0, 0)).unwrap();
    for log in [blocked, full] {
        for number in 0..40_000 {
            log.emit(numbered(number));
        }
        let upstream = Upstream::start(message_json("hi")).await.unwrap();
        let source = Source::Text(providers(&[("one", upstream.url())]));
        let options = Options { source, host: None, port: Some(0), log, watch: false, workers: 0, database: None };
        let gateway = Gateway::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        for _ in 0..3 {
            assert_eq!(exchange(gateway.address(), &for_message()).await.unwrap().said(), "hi");
        }
        assert_eq!(gateway.drain().await.cut, 0);
    }
}

#[tokio::test]
async fn only_lines_of_the_level_and_above_are_written() {
    let script =
        Script::sequence([message_json("hi"), status(400, "invalid_request_error", "no", &[])], Reply::new().reset());
    for (level, expected) in [
        ("info", vec!["gateway_started", "request_finished", "request_refused", "attempt_failed", "gateway_stopped"]),
        ("warn", vec!["request_refused", "attempt_failed"]),
        ("error", vec!["request_finished"]),
    ] {
        let upstream = Upstream::start(script.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qcc.log");
        let log = Log::to_file(&path, &settings(0, 0)).unwrap();
        let text = format!(
            "{}{QUICK}hold: {{max_wait: 0s}}\nlogging: {{level: {level}}}\n",
            providers(&[("one", upstream.url())])
        );
        let options = Options {
            source: Source::Text(text),
            host: None,
            port: Some(0),
            log: log.clone(),
            watch: false,
            workers: 0,
            database: None,
        };
        let gateway = Gateway::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        for request in [for_message(), for_message(), Request::get("/nothing"), for_message()] {
            exchange(gateway.address(), &request).await.unwrap();
        }
        gateway.drain().await;
        log.flush();
        let written = lines(&path);
        let rank = |level: &Value| ["trace", "debug", "info", "warn", "error"].iter().position(|name| level == name);
        assert!(written.iter().all(|line| rank(&line["level"]) >= rank(&json!(level))), "{written:#?}");
        for name in expected {
            assert!(written.iter().any(|line| line["event"] == name), "no {name} at level {level}: {written:#?}");
        }
    }
}

#[test]
fn a_line_for_people_has_time_level_and_what_happened() {
    let line =
        r#"{"time":"2026-01-02T03:04:05.678Z","level":"warn","event":"provider_cooled","provider":"a b","seconds":7}"#;
    assert_eq!(render(line, false).unwrap(), "03:04:05 warn  provider cooled    provider=\"a b\" seconds=7");
    let coloured = render(line, true).unwrap();
    assert!(coloured.contains("\u{1b}[") && coloured.contains("provider cooled"), "{coloured}");
    assert_eq!(render("not a line", false), None);
}

#[test]
fn a_log_that_discards_takes_everything() {
    let log = Log::discard();
    log.emit(numbered(1));
    log.set_level(Level::Error);
    log.flush();
}
